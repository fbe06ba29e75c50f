<?php
// SPDX-License-Identifier: MIT
// Requests as legacy pages make them, each with a handle of its own: URL COUNT.
for ($i = 0; $i < (int)$argv[2]; $i++) {
    $curl = curl_init("$argv[1]/request/$i");
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    $body = curl_exec($curl);
    echo curl_errno($curl), ' ', curl_getinfo($curl, CURLINFO_RESPONSE_CODE), ' ', $body;
    curl_close($curl);
}
