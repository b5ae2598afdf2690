# what is made of a complete old file is a workload, but for files that are not there
cp "$SOURCES/tests/fixtures/old-workloads/resnet50.yaml" old.yaml
"$PARETO" import old.yaml -o new.yaml 2> notes; echo "$?"
wc -l < notes
cat new.yaml | head -3
