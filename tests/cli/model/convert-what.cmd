"$PARETO" model convert "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" out.onnx --output logits; echo $?
"$PARETO" model convert "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" out.onnx --output logits --input-bits 8,8; echo $?
"$PARETO" model convert "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" out.onnx --output logits --weight-bits 9; echo $?
"$PARETO" model convert "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" out.onnx --output logits --input-bits 0 --weight-bits 4 && ls
