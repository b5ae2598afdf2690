# Labels 0 to 2 and a network of two classes; an empty data set; nothing is written.
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
python3 -c 'import struct; open("labels", "wb").write(struct.pack(">ii", 2049, 40) + bytes(i % 3 for i in range(40)))'
train out.onnx; echo $?
"$PARETO" model infer net.onnx --data idx:images,labels; echo $?
"$PARETO" model benchmark net.onnx --data idx:images,labels; echo $?
ls
