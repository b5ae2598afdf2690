# Files may have 512 bytes at most: the error says so, what was there stays, nothing is left beside it.
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
echo before > out.onnx
touch out.onnx.ckpt.999999999.part out.onnx.999999999.part other.999999999.part
(trap '' XFSZ; ulimit -f 1; EPOCHS=2 train out.onnx 2> errors; echo $?)
grep -v '^epoch ' errors; cat out.onnx; ls
