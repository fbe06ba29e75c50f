#!/bin/sh
# SPDX-License-Identifier: MIT
# The version script of the library, from the list of hooks: these names and no other.
echo '{ global: twpool_*;'
sed -nE -e 's/^(HOOK|BY_HAND)\([^,]*, *([A-Za-z_0-9]+),.*/    \2;/p' \
    -e 's/^(JUMP|WAITS)\(([A-Za-z_0-9]+).*/    \2;/p' "$1"
echo 'local: *; };'
