cd "$SOURCES/tests/fixtures/old-workloads" && exec "$PARETO" import yolop.yaml
