#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ADDRESS PORT COUNT: pgbench with a connection for each transaction. Of its figures no times.
set -euo pipefail
# In PATH are only Debian's wrappers.
/usr/lib/postgresql/15/bin/pgbench --no-vacuum --connect --transactions "$3" \
    --file "$(dirname "${BASH_SOURCE[0]}")/../e2e/goodbye_select.sql" \
    --host "$1" --port "$2" --username postgres postgres | grep -v -E 'latency|connection time|tps'
