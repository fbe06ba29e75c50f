<?php
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: phpredis.
[, $address, $port, $count] = $argv;
for ($number = 0; $number < $count; $number++) {
    $redis = new Redis();
    $redis->connect($address, (int) $port);
    $redis->set("number", $number);
    echo $redis->get("number"), "\n";
    $redis->close();
}
