#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: redis-benchmark without keep-alive. Its figures are times: none is shown.
set -euo pipefail
redis-benchmark -h "$1" -p "$2" -n "$3" -c 4 -k 0 -t set,get --csv | cut -d, -f1
