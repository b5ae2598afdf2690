# 40 grey images of 8 x 8 with two classes: the same command twice makes the same file
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
train whole.onnx 2> lines > result && cut -c1-9 lines && cut -d, -f1 whole.onnx.csv && cut -d: -f1 result | cut -c1-12
train again.onnx --json 2> /dev/null | grep -o '"[a-z_]*":' && cmp whole.onnx again.onnx && ls
