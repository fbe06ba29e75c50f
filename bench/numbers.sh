# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Statistics of a file with one number per line.

median() {
    sort -n "$1" | awk '{ value[NR] = $1 }
        END { printf "%.2f", (value[int((NR + 1) / 2)] + value[int((NR + 2) / 2)]) / 2 }'
}

spread() {
    sort -n "$1" | awk 'NR == 1 { low = $1 } END { printf "%.2f to %.2f", low, $1 }'
}

# percentile P FILE
percentile() {
    sort -n "$2" | awk -v p="$1" '{ value[NR] = $1 }
        END { at = int(NR * p / 100 + 0.999999); printf "%.2f", value[at < 1 ? 1 : at] }'
}
