# kill -9 after the first checkpoint, then --resume: the same file as without
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
EPOCHS=120
train whole.onnx > /dev/null 2>&1 || exit
setsid "$PARETO" model train net.onnx cut.onnx --data idx:images,labels --epochs $EPOCHS --batch 8 \
    --threads 1 --flip --shift 1 > /dev/null 2>&1 &
pid=$!
until [ -e cut.onnx.ckpt ] || [ -e cut.onnx ]; do :; done
kill -9 $pid 2> /dev/null && wait $pid 2> /dev/null
[ -e cut.onnx ] && echo "ended before it was killed" && exit 77
train cut.onnx 2> refused; echo "without --resume: $?"; cat refused
train cut.onnx --resume --batch 4 2> refused; echo "other options: $?"
train cut.onnx --resume > /dev/null 2>&1 && cmp whole.onnx cut.onnx && cmp whole.onnx.csv cut.onnx.csv && rm -f ./*.part && ls
