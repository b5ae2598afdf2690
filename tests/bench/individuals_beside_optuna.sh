#!/bin/sh
# Individuals per second through the whole path (search, daemon, two workers, durable commits; start and end of the
# daemon included) beside Optuna with SQLite and NSGA-II, by turns, five times; prints medians and their ratio.
# Ours: ZDT1, thirty genes, two objectives, population 1000. Optuna: bench_optuna.py.
#
#     tests/bench/individuals_beside_optuna.sh [BUILD [GENERATIONS [TRIALS]]]
#
# BUILD: build/release unless said otherwise; 20 generations, 300 trials. Needs Debian's python3-optuna.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
build=${1:-$here/../../build/release}
generations=${2:-20}
trials=${3:-300}
/usr/bin/python3 -c 'import optuna' 2>/dev/null || { echo "skipped: python3-optuna is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
sed -e "s/population: .*/population: 1000/" -e "s/generations: .*/generations: $generations/" \
    -e "s/group: .*/group: 1000/" "$here/../../workloads/zdt1.yaml" >"$work/workload.yaml"
for turn in 1 2 3 4 5; do
    from=$(date +%s%N)
    "$build/bin/pareto" run --workers 2 --state "$work/state$turn" "$work/workload.yaml" >"$work/log" 2>&1
    echo "$((generations * 1000)) $from $(date +%s%N)" | awk '{ print $1 / (($3 - $2) / 1e9) }' >>"$work/ours"
    /usr/bin/python3 "$here/bench_optuna.py" "$trials" 2>/dev/null >>"$work/optuna"
done
median() { sort -g "$work/$1" | sed -n 3p; }
awk -v ours="$(median ours)" -v theirs="$(median optuna)" \
    'BEGIN { printf "paretod %.0f individuals/s; Optuna %.1f: %.0f times\n", ours, theirs, ours / theirs }'
