#!/bin/sh
# Time of a generation of ZDT1 (30 genes, two objectives, evaluation included), ours beside pagmo2's
# (libpagmo-dev), interleaved; prints the medians of RUNS runs and their ratio.
# Usage: generations_beside_pagmo.sh [BUILD] [RUNS]      BUILD: build/release by default
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/release}
runs=${2:-5}
[ -f /usr/include/pagmo/pagmo.hpp ] || { echo "skipped: libpagmo-dev is not installed"; exit 77; }
pagmo=$build/tests/bench_pagmo
[ "$pagmo" -nt "$here/bench_pagmo.cpp" ] ||
    c++ -std=c++17 -O3 "$here/bench_pagmo.cpp" -lpagmo -ltbb -o "$pagmo"

median() {
    sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'
}
times=$(mktemp -d)
trap 'rm -rf "$times"' EXIT
echo "population     ours      pagmo2      ratio   (ms a generation, median of $runs)"
for size in "100 250 250" "1000 100 20" "10000 20 1"; do
    set -- $size
    : >"$times/ours"
    : >"$times/pagmo"
    for _ in $(seq "$runs"); do
        "$build/tests/bench_search" zdt1 "$1" "$2" >>"$times/ours"
        "$pagmo" time "$1" "$3" >>"$times/pagmo"
    done
    median <"$times/ours" >"$times/a"
    median <"$times/pagmo" >"$times/b"
    awk -v n="$1" -v a="$(cat "$times/a")" -v b="$(cat "$times/b")" \
        'BEGIN { printf "%10d %8.3f %11.3f %9.1fx\n", n, a, b, b / a }'
done
