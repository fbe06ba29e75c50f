#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a redis-cli for each question.
set -euo pipefail
for ((number = 0; number < $3; number++)); do
    redis-cli -h "$1" -p "$2" echo "$number"
done
