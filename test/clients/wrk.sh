#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: wrk for a second, whatever the count, the server told to close after each
# response. How many requests that were differs each time: shown is whether, and what failed.
set -euo pipefail
wrk -d 1s -c 4 -t 1 -H "Connection: close" "http://$1:$2/path" |
    awk '/requests in/ { print ($1 > 0 ? "answered" : "not answered") } /Socket errors|Non-2xx/'
