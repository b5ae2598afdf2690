# Dropouts: one pass of a network, five passes, and five branches of it are different samples; the
# last output counts of exits; the branches converted to 8 bits stay near.
fashion=/usr/share/datasets/fashion-mnist
[ -e $fashion ] || { echo "skipped: no dataset-fashion-mnist"; exit 77; }
data="--data idx:$fashion/t10k-images-idx3-ubyte.gz,$fashion/t10k-labels-idx1-ubyte.gz"
levels="--mean 0.286 --std 0.353"
"$PARETO" model mcdo "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" drops.onnx \
    --starting-layer last-layer > /dev/null || exit
"$PARETO" model branch drops.onnx five.onnx > /dev/null
"$PARETO" model convert five.onnx five8.onnx $data $levels > /dev/null || exit
"$PARETO" model infer drops.onnx five.onnx five8.onnx $data $levels --images 500 --no-header > one.csv
"$PARETO" model infer drops.onnx $data $levels --images 500 --no-header --passes 5 > passes.csv
cut -d, -f1,4 one.csv | awk -F, '{print $1, ($2 > 0.9 && $2 < 0.96)}'
cut -d, -f4- one.csv | sort -u | wc -l; cut -d, -f3- passes.csv | grep -c -f - one.csv
awk -F, 'NR == 2 {b = $5; l = $6} NR == 3 {print ($5 - b) ^ 2 < 1e-5, ($6 - l) ^ 2 < 4e-5}' one.csv
"$PARETO" model infer drops.onnx --data idx:none,none; echo $?
"$PARETO" model infer drops.onnx $data --images 5 --corruption mist; echo $?
"$PARETO" model infer drops.onnx; echo $?
