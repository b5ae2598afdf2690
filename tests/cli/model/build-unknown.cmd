"$PARETO" model build resnet21 out.onnx
