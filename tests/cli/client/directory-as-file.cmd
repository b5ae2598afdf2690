mkdir w.yaml && "$PARETO" plan w.yaml
