<?php
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: mysqli.
[, $address, $port, $count] = $argv;
for ($number = 0; $number < $count; $number++) {
    $mysql = new mysqli($address, "root", "", "", (int) $port);
    echo $mysql->query("SELECT $number")->fetch_row()[0], "\n";
    $mysql->close();
}
