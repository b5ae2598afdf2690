# 3 and 2 bits ruin a network of two classes; retrained it is right again. kill -9 after the first checkpoint, then --resume: the same files
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
EPOCHS=30
train whole.onnx > /dev/null 2>&1 || exit
cp whole.onnx before.onnx
retrain() {
    out=$1
    shift
    "$PARETO" model retrain whole.onnx "$out" --data idx:images,labels --validation idx:images,labels --images 40 \
        --input-bits 3 --weight-bits 2 --epochs 60 --initial-learning-rate 0.02 --batch 8 --threads 1 "$@"
}
retrain fine.onnx 2> /dev/null | sed 's/ *[0-9.]* %.*//' && cmp whole.onnx before.onnx
setsid "$PARETO" model retrain whole.onnx cut.onnx --data idx:images,labels --validation idx:images,labels \
    --images 40 --input-bits 3 --weight-bits 2 --epochs 60 --initial-learning-rate 0.02 --batch 8 --threads 1 \
    > /dev/null 2>&1 &
pid=$!
until [ -e cut.onnx.ckpt ] || [ -e cut.onnx ]; do :; done
kill -9 $pid 2> /dev/null && wait $pid 2> /dev/null
if [ -e cut.onnx.ckpt ]; then
    retrain cut.onnx --resume --input-bits 4 2> refused; echo "other bits: $?"
    retrain cut.onnx --resume --json 2> /dev/null > result.json
else
    echo "ended before it was killed" && exit 77
fi
cmp fine.onnx cut.onnx && cmp fine.qdq.onnx cut.qdq.onnx && cmp fine.onnx.csv cut.onnx.csv && rm -f ./*.part && ls ./*.onnx
python3 - <<'PY'
import json
r = json.load(open("result.json"))
print(sorted(r))
print(len(r["epochs"]), sorted(r["epochs"][0]), [e["epoch"] for e in r["epochs"]] == list(range(1, 61)))
print(r["accuracy_after"] > r["accuracy_before"] + 0.2, r["accuracy_after"], r["settings"])
PY
