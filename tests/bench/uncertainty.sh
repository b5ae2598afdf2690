#!/bin/sh
# What Monte-Carlo dropout and early exits do, in float32 and 8 bits: accuracy and expected calibration error, clean and
# at severities 1 to 5 of the 15 standard corruptions, without dropout and with 5 passes from the last layer, the
# middle, and all but the first layer on; and accuracy against multiply-accumulates of early exits.
#
#     tests/bench/uncertainty.sh BUILD_DIR SHARED_DATA [IMAGES [EPOCHS]]
#
# First on ResNet-8 for Fashion-MNIST: four networks, each trained for some EPOCHS (5) from the one that ships, with its
# dropout, kept under results/uncertainty. Then on networks that know no dropout: that one, and where SHARED_DATA has
# them ResNet-20 and a two-exit ResNet-8 for CIFAR-10. IMAGES: of each cell (2000). For example, from the root of the
# tree:
#
#     sh tests/bench/uncertainty.sh build/release ../shared/data
set -eu
if [ $# -lt 2 ]; then
    sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
build=$1 data=$2 images=${3:-2000} epochs=${4:-5}
model=workloads/models/resnet8-3exits-fashion.onnx
fashion=/usr/share/datasets/fashion-mnist
nets=results/uncertainty
mkdir -p $nets

for kind in vanilla last-layer partial full; do
    [ -e $nets/$kind.onnx ] && continue
    if [ $kind = vanilla ]; then
        cp $model $nets/start.onnx
    else
        "$build/bin/pareto-model" mcdo $model $nets/start.onnx --starting-layer $kind > /dev/null
    fi
    "$build/bin/pareto-model" train $nets/start.onnx $nets/$kind.onnx --mean 0.2860 --std 0.3530 --flip --shift 2 \
        --data idx:$fashion/train-images-idx3-ubyte.gz,$fashion/train-labels-idx1-ubyte.gz \
        --optimizer adam --initial-learning-rate 0.0005 --epochs "$epochs" > /dev/null
done

# NAME, SETUP, then networks of their own.
show() {
    name=$1 setup=$2
    shift 2
    for bits in 0 8; do
        printf '\n%s, %s\n' "$name" "$([ $bits = 0 ] && echo float32 || echo "$bits bits")"
        "$build/tests/bench_uncertainty" "$setup" "$data" "$images" $bits "$@"
    done
}
show "ResNet-8, Fashion-MNIST, each trained with its dropout" fashion \
    $nets/vanilla.onnx $nets/last-layer.onnx $nets/partial.onnx $nets/full.onnx
show "ResNet-8, Fashion-MNIST, trained without dropout" fashion
if [ -e "$data/models/resnet20-cifar10.onnx" ]; then
    show "ResNet-20, CIFAR-10, trained without dropout" cifar
    show "two-exit ResNet-8, CIFAR-10, trained without dropout" cifar-exits
fi
