# What moves the weights where nothing is said: by norms, by the optimizer asked for
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
"$PARETO" model build 'conv=8x3,relu,max=2,dense=CLASSES' folded.onnx --classes 2 --input 8x8x1 > /dev/null
settings() {
    "$PARETO" model retrain "$1" out.onnx --data idx:images,labels --validation idx:images,labels --images 40 --epochs 1 --threads 1 \
        --json ${2:-} ${3:-} 2> /dev/null |
        sed 's/.*"settings":"\([^"]*\)".*/\1/'
}
settings net.onnx
settings net.onnx --optimizer adam
settings folded.onnx
settings folded.onnx --optimizer nesterov
settings folded.onnx --initial-learning-rate 0.5
