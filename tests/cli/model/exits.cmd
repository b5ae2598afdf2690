"$PARETO" model exits "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" out.onnx 'early@/stage1/Relu_1:conv=8x3/2,relu,global,dense=10' && ls
