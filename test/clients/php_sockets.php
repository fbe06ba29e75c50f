<?php
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: HTTP by hand over ext/sockets.
[, $address, $port, $count] = $argv;
for ($number = 0; $number < $count; $number++) {
    $socket = socket_create(AF_INET, SOCK_STREAM, SOL_TCP);
    socket_connect($socket, $address, (int) $port);
    socket_write($socket, "GET /$number HTTP/1.1\r\nHost: $address\r\n\r\n");
    $response = "";
    do {
        $response .= socket_read($socket, 8192);
        [$head, $body] = explode("\r\n\r\n", $response, 2) + [1 => null];
        preg_match("/^Content-Length: (\d+)/mi", $head, $length);
    } while ($body === null || strlen($body) < $length[1]);
    echo $body;
    socket_close($socket);
}
