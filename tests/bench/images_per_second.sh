#!/bin/sh
# Images per second of an 8-bit network: the engine beside fake-quantised PyTorch, five times, one
# core each at the same time; prints the medians and their ratio.
#
#     tests/bench/images_per_second.sh BUILD_DIR MODEL.onnx AMAX.txt CHANNELS SIZE [KERNELS]
#
# For example, from the root of the tree after `cmake --build --preset release`:
#
#     tests/bench/images_per_second.sh build/release \
#         ../shared/data/models/resnet20-cifar10.onnx tests/fixtures/resnet20-cifar10.amax.txt 3 32
set -eu
if [ $# -lt 5 ]; then
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
build=$1 model=$2 amax=$3 channels=$4 size=$5 kernels=${6:-auto}
here=$(dirname "$0")
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
runs=5
if [ "$(nproc)" -lt 2 ]; then
    echo "two processor cores are needed, so that the two sides do not disturb each other" >&2
    exit 2
fi
export OMP_NUM_THREADS=1

run=1
while [ $run -le $runs ]; do
    taskset -c 1 /usr/bin/python3 "$here/bench_torch_fakequant.py" \
        "$model" "$amax" "$channels" "$size" >"$results/torch.$run" &
    other=$!
    # For as long as the other side takes, so that both have the same neighbour all the time.
    while kill -0 $other 2>/dev/null; do
        taskset -c 0 "$build/tests/bench_images" "$model" "$amax" "$kernels" 3 >>"$results/engine.$run"
    done
    wait $other
    run=$((run + 1))
done

# Of a run: the median of the engine's measurements. Of all runs: the median.
median() {
    sort -n | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
}
run=1
while [ $run -le $runs ]; do
    awk '$1 == "engine" { print $2 }' "$results/engine.$run" | median >>"$results/engine"
    awk '$1 == "requantised" { print $2 }' "$results/torch.$run" >>"$results/requantised"
    awk '$1 == "prequantised" { print $2 }' "$results/torch.$run" >>"$results/prequantised"
    run=$((run + 1))
done
engine=$(median <"$results/engine")
again=$(median <"$results/requantised")
once=$(median <"$results/prequantised")
echo "images per second, all layers at 8 bits, one core, median of $runs runs"
echo "engine ($(sed -n 2p "$results/engine.1")): $engine"
awk -v e="$engine" -v a="$again" -v o="$once" 'BEGIN {
    printf "PyTorch, weights quantised on every forward: %s (engine / PyTorch: %.1f)\n", a, e / a
    printf "PyTorch, weights quantised before: %s (engine / PyTorch: %.1f)\n", o, e / o }'
