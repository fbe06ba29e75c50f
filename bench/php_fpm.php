<?php
// SPDX-License-Identifier: MIT
// A page as many are: it asks a service, a database and a cache, each on a connection of its own.
$server = $_SERVER['BACKEND'];
$number = random_int(1, 1000000000);

try {
    $curl = curl_init("http://$server:8080/item/$number");
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    $item = curl_exec($curl);
    if ($item !== "/item/$number\n") {
        throw new Exception('curl: ' . curl_error($curl) . " $item");
    }
    curl_close($curl);

    $database = new mysqli($server, 'root', '', '', 3306);
    $row = $database->query("SELECT $number + 1")->fetch_row();
    if ((int)$row[0] !== $number + 1) {
        throw new Exception("mysqli: $row[0] for $number");
    }
    $database->close();

    $cache = new Redis();
    $cache->connect($server, 6379);
    $echoed = $cache->echo("item $number");
    if ($echoed !== "item $number") {
        throw new Exception("redis: $echoed for $number");
    }
    $cache->close();
    echo "ok\n";
} catch (Throwable $error) {
    http_response_code(500);
    error_log($error->getMessage());
    echo "no\n";
}
