cd "$SOURCES/tests/fixtures/old-workloads" && exec "$PARETO" import resnet50.yaml
