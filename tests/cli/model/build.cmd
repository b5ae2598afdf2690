"$PARETO" model build resnet20 out.onnx --exits 3 --classes 100 && "$PARETO" model build resnet20 again.onnx --exits 3 --classes 100 > /dev/null && cmp out.onnx again.onnx
