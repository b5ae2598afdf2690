cd "$SOURCES/tests/fixtures/old-workloads" && exec "$PARETO" import --json cifar10.yaml
