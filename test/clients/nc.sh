#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a netcat for each request, which leaves after the first packet.
set -euo pipefail
for ((number = 0; number < $3; number++)); do
    printf 'GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n' "$number" "$1" | nc -W 1 "$1" "$2" | tail -n 1
done
