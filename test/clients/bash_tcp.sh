#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: HTTP by hand over bash's /dev/tcp.
set -euo pipefail
for ((number = 0; number < $3; number++)); do
    exec 3<>"/dev/tcp/$1/$2"
    printf 'GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n' "$number" "$1" >&3
    while read -r line <&3 && [[ $line != $'\r' ]]; do
        [[ $line != Content-Length:* ]] || length=${line//[^0-9]/}
    done
    read -r -N "$length" body <&3
    printf '%s' "$body"
    exec 3>&-
done
