#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: siege. Of its figures those that are no times.
set -euo pipefail
siege -b -c 1 -r "$3" "http://$1:$2/path" 2>&1 | grep -E 'transactions"|^HTTP'
