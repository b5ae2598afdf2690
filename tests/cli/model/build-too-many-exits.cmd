"$PARETO" model build resnet8 out.onnx --exits 4
