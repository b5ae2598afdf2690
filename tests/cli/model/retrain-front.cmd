# The members of a front retrained: a second run has nothing left to do, one that lost a result takes up its checkpoint or begins anew
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
EPOCHS=30
train whole.onnx > /dev/null 2>&1 || exit
cat > w.yaml <<'Y'
name: two classes
model: {file: whole.onnx, output: logits}
dataset: {format: idx, files: [images, labels], images: 40}
calibration: {images: 40}
corruptions: {names: []}
problem: {bits_min: 2, bits_max: 3, objectives: [accuracy_clean, bit_operations]}
exploration: {population: 4, generations: 2}
Y
setsid "$(dirname "$PARETO")/paretod" --state "$PWD/state" --workers 1 > /dev/null 2>&1 &
daemon=$!
export PARETO_STATE="$PWD/state"
until "$PARETO" ping > /dev/null 2>&1; do kill -0 $daemon || exit; done
"$PARETO" run w.yaml > /dev/null 2>&1 || exit
front() {
    sh "$SOURCES/workloads/examples/retrain_front.sh" 1 ${1:-2} -- --data idx:images,labels --validation idx:images,labels \
        --epochs 20 --initial-learning-rate 0.02 --batch 8 --threads 1 2> /dev/null
}
export DIR=out
front > first && head -n 2 first | cut -c1-40 && wc -l < first
awk 'NR > 2 { print ($3 >= $2) }' first
before=$(stat -c %Y%i out/*-retrained.onnx)
front | cmp first && [ "$before" = "$(stat -c %Y%i out/*-retrained.onnx)" ] && echo "nothing was left to do"
one=$(ls out/*.result.json | head -n 1) && rm "$one" && front | cmp first && [ -e "$one" ] && echo "the same again"
DIR=lowest front 1:bit_operations > /dev/null
[ "$(ls lowest | grep result)" = "$("$PARETO" front 1 --no-color | awk 'NF > 3 { id = $1 } END { print id }').result.json" ] &&
    echo "the lowest one"
kill $daemon && wait $daemon
