<?php
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a handle of ext/curl for each request.
[, $address, $port, $count] = $argv;
for ($number = 0; $number < $count; $number++) {
    $curl = curl_init("http://$address:$port/$number");
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    echo curl_exec($curl);
    curl_close($curl);
}
