<?php
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: HTTP by hand over a stream.
[, $address, $port, $count] = $argv;
for ($number = 0; $number < $count; $number++) {
    $stream = stream_socket_client("tcp://$address:$port");
    fwrite($stream, "GET /$number HTTP/1.1\r\nHost: $address\r\n\r\n");
    $length = 0;
    while (($line = fgets($stream)) !== "\r\n") {
        if (stripos($line, "Content-Length:") === 0) {
            $length = (int) substr($line, 15);
        }
    }
    echo stream_get_contents($stream, $length);
    fclose($stream);
}
