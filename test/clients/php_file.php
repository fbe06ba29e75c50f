<?php
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: file_get_contents(), which sends "Connection: close".
[, $address, $port, $count] = $argv;
for ($number = 0; $number < $count; $number++) {
    echo file_get_contents("http://$address:$port/$number");
}
