# Weights that grow without bounds: the step is named, the best state before it is written.
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
"$PARETO" model build 'conv=8x3,relu,conv=8x3,relu,dense=CLASSES' net.onnx --classes 2 --input 8x8x1 \
    > /dev/null
train out.onnx --initial-learning-rate 10 --weight-decay 10 --warm-up 1 2> errors; echo $?
grep -v '^epoch ' errors
ls; "$PARETO" model infer out.onnx --data idx:images,labels --no-header | cut -d, -f1,2
