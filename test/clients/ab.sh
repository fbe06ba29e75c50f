#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: ab, which speaks HTTP/1.0. Of its figures those that are no times.
set -euo pipefail
ab -q -n "$3" -c 1 "http://$1:$2/path" | grep -E '^(Complete|Failed|Non-2xx|HTML|Document)'
