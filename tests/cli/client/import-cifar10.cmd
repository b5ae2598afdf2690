cd "$SOURCES/tests/fixtures/old-workloads" && exec "$PARETO" import cifar10.yaml
