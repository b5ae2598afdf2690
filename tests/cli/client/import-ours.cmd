cd "$SOURCES/workloads" && exec "$PARETO" import zdt1.yaml
