# CIFAR images for a network of grey ones
head -c 30730 /dev/zero > batch.bin && "$PARETO" model build lenet5 net.onnx > /dev/null && "$PARETO" model train net.onnx out.onnx --data cifar10:batch.bin; code=$?; ls; exit $code
