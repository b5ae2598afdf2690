# Columns and rows; numbers differ from run to run, their order does not.
cp "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" net.onnx
"$PARETO" model benchmark net.onnx net.onnx --batches 1,4 --repeats 5 --warm-ups 1 > rows || exit
head -n 1 rows; cut -d, -f1-3 rows | tail -n 4
tail -n 4 rows | awk -F, '{print ($7 > 0 && $7 <= $5 && $7 <= $4 && $5 <= $6 && $4 <= $6 && $9 == $6 && $8 >= 0)}'
"$PARETO" model benchmark net.onnx --repeats 1 --no-header | awk -F, '{print $2, ($4 == $5 && $8 == 0)}'
"$PARETO" model benchmark net.onnx --repeats 2 --json | grep -o '"[a-z0-9_]*":' | tr -d '\n'; echo
"$PARETO" model benchmark net.onnx --batches 1,zero; echo $?
