cd "$SOURCES/tests/fixtures/old-workloads" && exec "$PARETO" import resnet50_weather.yaml
