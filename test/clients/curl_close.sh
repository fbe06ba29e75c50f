#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: one curl that asks the server to close after each response.
set -euo pipefail
exec curl --silent --show-error --noproxy '*' --header "Connection: close" "http://$1:$2/[1-$3]"
