#!/bin/sh
# Images per second on one core, by time of the processor: the engine at 8 bits and in float32, the
# bare convolutions of oneDNN, fake-quantised PyTorch and, where NODE_PATH has onnxruntime-node, ONNX
# Runtime in float32; by turns, five times (RUNS). Prints medians, and medians of the runs' ratios.
#
#     tests/bench/images_per_second.sh BUILD_DIR MODEL.onnx AMAX.txt CHANNELS SIZE [KERNELS]
#
# For example, from the root of the tree after `cmake --build --preset release`:
#
#     tests/bench/images_per_second.sh build/release \
#         ../shared/data/models/resnet20-cifar10.onnx tests/fixtures/resnet20-cifar10.amax.txt 3 32
set -eu
if [ $# -lt 5 ]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
build=$1 model=$2 amax=$3 channels=$4 size=$5 kernels=${6:-auto}
here=$(dirname "$0")
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
runs=${RUNS:-5} seconds=${SECONDS_EACH:-3}
export OMP_NUM_THREADS=1
has_onnxruntime=false
if node -e 'require("onnxruntime-node")' 2>/dev/null; then
    has_onnxruntime=true
else
    echo "onnxruntime-node is not in NODE_PATH: left out" >&2
fi

run=1
while [ $run -le "$runs" ]; do
    {
        "$build/tests/bench_images" "$model" "$amax" "$kernels" "$seconds" 8 one
        /usr/bin/python3 "$here/bench_torch_fakequant.py" "$model" "$amax" "$channels" "$size" 1
        "$build/tests/bench_images" "$model" "$amax" "$kernels" "$seconds" 8 one |
            sed 's/^engine/again/'
        "$build/tests/bench_convs" "$model" onednn int "$seconds"
        "$build/tests/bench_images" "$model" "$amax" "$kernels" "$seconds" 8 float |
            sed 's/^engine/float/'
        "$build/tests/bench_convs" "$model" onednn float "$seconds" | sed 's/^convs/float_convs/'
        if $has_onnxruntime; then
            "$here/bench_onnxruntime.js" "$model" "$channels" "$size" 1
        fi
    } >"$results/$run"
    run=$((run + 1))
done

median() {
    sort -n | awk '{ x[NR] = $1 }
        END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'
}
# The median of a figure over the runs.
figure() {
    cat "$results"/* | awk -v key="$1" '$1 == key { print $2 }' | median
}
# The median over the runs of one figure by another one of the same run.
ratio() {
    run=1
    while [ $run -le "$runs" ]; do
        awk -v a="$1" -v b="$2" '$1 == a { x = $2 } $1 == b { y = $2 }
            END { printf "%.3f\n", x / y }' "$results/$run"
        run=$((run + 1))
    done | median
}
echo "images per second on one core, medians of $runs runs; $(sed -n 2p "$results/1")"
echo "engine, all layers at 8 bits: $(figure engine), again $(figure again)"
echo "PyTorch, weights quantised on every forward: $(figure requantised)," \
    "engine / PyTorch $(ratio engine requantised)"
echo "PyTorch, weights quantised before: $(figure prequantised)," \
    "engine / PyTorch $(ratio engine prequantised)"
echo "bare integer convolutions of oneDNN: $(figure convs)," \
    "whole evaluation by their time $(ratio convs engine)"
echo "engine, float32: $(figure float)"
echo "bare float32 convolutions of oneDNN: $(figure float_convs)," \
    "whole evaluation by their time $(ratio float_convs float)"
if $has_onnxruntime; then
    echo "ONNX Runtime, float32: $(figure onnxruntime)," \
        "engine / ONNX Runtime $(ratio float onnxruntime)"
fi
