"$PARETO" model mcdo "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" out.onnx --starting_layer partial --droprate 1.5
