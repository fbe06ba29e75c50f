#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: a curl for each request.
set -euo pipefail
for ((number = 0; number < $3; number++)); do
    curl --silent --show-error --noproxy '*' "http://$1:$2/$number"
done
