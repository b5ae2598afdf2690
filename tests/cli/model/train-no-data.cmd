"$PARETO" model build lenet5 net.onnx > /dev/null && "$PARETO" model train net.onnx out.onnx; code=$?; ls; exit $code
