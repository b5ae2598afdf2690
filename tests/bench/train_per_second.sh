#!/bin/sh
# Training images per second of ResNet-20, batch 128: ours and PyTorch's (in both of its orders of
# pixels) by turns, five times; prints medians and the ratio to the faster PyTorch.
#
#     tests/bench/train_per_second.sh [BUILD [THREADS [SECONDS]]]
#
# BUILD: build/release unless said otherwise. Needs Debian's python3-torch.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
build=${1:-$here/../../build/release}
threads=${2:-2}
seconds=${3:-3}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
"$build/bin/pareto-model" build resnet20 "$work/resnet20.onnx" >"$work/log"
for turn in 1 2 3 4 5; do
    "$build/tests/bench_train" "$work/resnet20.onnx" "$threads" 128 "$seconds" >>"$work/engine"
    for order in channels_last contiguous; do
        /usr/bin/python3 "$here/bench_torch_train.py" "$threads" 128 "$seconds" "$order" \
            >>"$work/$order"
    done
done
median() { awk '{print $2}' "$work/$1" | sort -n | sed -n 3p; }
awk -v ours="$(median engine)" -v last="$(median channels_last)" -v plain="$(median contiguous)" \
    'BEGIN {
        best = last > plain ? last : plain
        printf "engine %.0f images/s; PyTorch %.0f (channels last), %.0f (contiguous): %.2f times\n",
            ours, last, plain, ours / best
    }'
