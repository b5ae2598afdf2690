exec "$PARETO" model inspect "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" --output logits --json
