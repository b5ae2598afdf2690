exec "$PARETO" model inspect none.onnx
