"$PARETO" sumbit w.yaml
