#!/bin/sh
# The chain of workloads/examples, small: every file is there, with the columns and rows that the
# tools it replaces wrote, and starting it again makes nothing anew.
#   dropout_chain.sh PARETO_MODEL SOURCES
set -u
PARETO_MODEL=$1
export PARETO_MODEL EPOCHS=1 TRAIN_IMAGES=1000 IMAGES=30 REPEATS=3
[ -e /usr/share/datasets/fashion-mnist ] || { echo "skipped: no dataset-fashion-mnist"; exit 77; }
command -v gnuplot >/dev/null || { echo "skipped: no gnuplot"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*"; exit 1; }
chain() { sh "$2/workloads/examples/dropout_chain.sh" "$dir/out" >"$dir/log" 2>&1; }
chain "$@" || { tail "$dir/log"; fail "the chain"; }
cd "$dir/out" || exit 1
for precision in fp32 int8; do
    for name in vanilla last_layer partial full; do
        csv=inference/${precision}_$name.csv
        [ "$(head -n 1 $csv)" = corruption,corruption_level,accuracy,brier_score,log_prob,ece ] ||
            fail "columns of $csv"
        [ "$(sed -n 2p $csv | cut -d, -f1,2)" = no_corruption,0 ] || fail "first row of $csv"
        # 19 corruptions, each with levels 1 to 5 in order; numbers in their ranges
        awk -F, 'NR > 2 && ($2 != (NR - 3) % 5 + 1 || ($2 > 1 && $1 != before)) {exit 1}
                 NR > 1 && !($3 >= 0 && $3 <= 1 && $4 >= -1 && $4 <= 1 && $5 <= 0 && $6 >= 0 &&
                             $6 <= 1) {exit 1}
                 {before = $1} END {if (NR != 97) exit 1}' $csv || fail "rows of $csv"
    done
    for plot in acc ece; do
        grep -q '</svg>' ${precision}_$plot.svg || fail "${precision}_$plot.svg"
    done
done
columns='model_name,batch_size,model_size[MB],mean[sec],median[sec],max[sec],min[sec],stdev,p99[sec]'
[ "$(head -n 1 benchmark.csv)" = "$columns" ] || fail "columns of benchmark.csv"
[ "$(wc -l <benchmark.csv)" = 65 ] || fail "rows of benchmark.csv"
awk -F, '$1 == "int8_vanilla" && $2 == 1 {q = $3} $1 == "fp32_vanilla" && $2 == 1 {f = $3}
         END {exit !(q < 0.4 * f)}' benchmark.csv || fail "8 bits are not smaller"
sum=$(cat ./*.onnx inference/* | cksum)
chain "$@" || { tail "$dir/log"; fail "the chain again"; }
[ "$(cat ./*.onnx inference/* | cksum)" = "$sum" ] || fail "the second run changed files"
