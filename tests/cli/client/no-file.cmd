"$PARETO" plan none.yaml
