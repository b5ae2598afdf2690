#!/bin/sh
# Monte-Carlo dropout from nothing to figures: a network and three variants of it with dropout (on the
# last layer, from the middle on, on all layers but the first), trained, branched into five samples,
# converted to 8 bits, measured on clean and corrupted images, timed and plotted.
#
#   sh workloads/examples/dropout_chain.sh [FOLDER]          (results/dropout-chain)
#
# The environment sets how much: EPOCHS (3), TRAIN_IMAGES (20000), IMAGES (500) of the test set in each
# of the 96 cells, BRANCHES (5), REPEATS (100). It goes on where it was: what is there is not made again.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
model=${PARETO_MODEL:-$root/build/release/bin/pareto-model}
out=${1:-$root/results/dropout-chain}
fashion=/usr/share/datasets/fashion-mnist
levels="--mean 0.286 --std 0.353"
train="--data idx:$fashion/train-images-idx3-ubyte.gz,$fashion/train-labels-idx1-ubyte.gz $levels"
test="--data idx:$fashion/t10k-images-idx3-ubyte.gz,$fashion/t10k-labels-idx1-ubyte.gz $levels"
mkdir -p "$out"
cd "$out"

# Build, insert the dropouts, train, branch: the branches share the trained weights.
[ -e built.onnx ] || "$model" build resnet8 built.onnx --input 28x28x1
variant() { # NAME STARTING-LAYER RATE BATCH LEARNING-RATE; the rates are those of Ovadia et al. 2019
    name=$1
    [ -e "fp32_$name.onnx" ] && return
    if [ "$name" = vanilla ]; then
        cp built.onnx "untrained_$name.onnx"
    else
        "$model" mcdo built.onnx "untrained_$name.onnx" --starting-layer "$2" --droprate "$3"
    fi
    resume=
    [ -e "trained_$name.onnx.ckpt" ] && resume=--resume
    "$model" train $resume "untrained_$name.onnx" "trained_$name.onnx" $train --epochs "${EPOCHS:-3}" \
        --images "${TRAIN_IMAGES:-20000}" --optimizer adam --batch "$4" \
        --initial-learning-rate "$5" --flip --shift 2
    if [ "$name" = vanilla ]; then
        cp "trained_$name.onnx" "fp32_$name.onnx"
    else
        "$model" branch "trained_$name.onnx" "fp32_$name.onnx" --n-branches "${BRANCHES:-5}"
    fi
}
variant vanilla - - 64 0.002
variant last_layer last-layer 0.319811 64 0.002
variant partial partial 0.054988 64 0.002
variant full full 0.054988 64 0.002
names="vanilla last_layer partial full"

# Convert: scales come from 256 training images.
for name in $names; do
    [ -e "int8_$name.onnx" ] || "$model" convert "fp32_$name.onnx" "int8_$name.onnx" $train
done

# Infer on the clean images and all nineteen corruptions in five levels, all networks in one run.
networks=
for name in $names; do networks="$networks fp32_$name.onnx int8_$name.onnx"; done
[ -e inference/int8_full.csv ] || "$model" infer $networks $test --images "${IMAGES:-500}" \
    --corruption all --corruption-level 1,2,3,4,5 --batch 50 --save-to inference >/dev/null

# Benchmark.
"$model" benchmark $networks --batches 1,2,4,8,16,32,64,128 --repeats "${REPEATS:-100}" \
    >benchmark.csv

# Plot: accuracy and calibration error against the level; a box is all corruptions of that level.
for precision in fp32 int8; do
    gnuplot <<PLOT
set terminal svg size 900,420 background '#ffffff'
set datafile separator ','
set style fill solid 0.4 border -1
set style boxplot labels off unsorted separation 1
set key outside right
set xrange [0.6:7]
set xlabel 'level of the corruption'
set xtics ('0' 1.3, '1' 2.3, '2' 3.3, '3' 4.3, '4' 5.3, '5' 6.3)
names = '$names'
file(i) = 'inference/${precision}_'.word(names, i).'.csv'
set output '${precision}_acc.svg'
set ylabel 'accuracy'
plot for [i=1:words(names)] file(i) skip 1 using (0.8 + 0.2 * i):3:(0.18):2 \
    with boxplot title word(names, i) noenhanced
set output '${precision}_ece.svg'
set ylabel 'expected calibration error'
plot for [i=1:words(names)] file(i) skip 1 using (0.8 + 0.2 * i):6:(0.18):2 \
    with boxplot title word(names, i) noenhanced
PLOT
done
echo "$out: inference/*.csv, benchmark.csv, fp32_acc.svg, fp32_ece.svg, int8_acc.svg, int8_ece.svg"
