# 100 images of Fashion-MNIST: one row a cell; neither threads nor batches matter; a cell made by
# infer is the one that corrupt writes; a file of convert runs with its bits, or without any.
fashion=/usr/share/datasets/fashion-mnist
[ -e $fashion ] || { echo "skipped: no dataset-fashion-mnist"; exit 77; }
cp "$SOURCES/workloads/models/resnet8-3exits-fashion.onnx" float.onnx
data="--data idx:$fashion/t10k-images-idx3-ubyte.gz,$fashion/t10k-labels-idx1-ubyte.gz --images 100"
levels="--mean 0.286 --std 0.353"
"$PARETO" model infer float.onnx $data $levels --corruption all > all.csv || exit
cut -d, -f1,2 all.csv | head -3; wc -l < all.csv; cut -d, -f1 all.csv | sort -u | wc -l
"$PARETO" model infer float.onnx $data $levels --corruption fog,snow --corruption-level 3 --threads 3 \
    --batch 7 --no-header | sort > some.csv; grep -E '^(fog|snow),3,' all.csv | sort | cmp - some.csv
"$PARETO" model corrupt set $data --corruptions fog --severities 3 > /dev/null
"$PARETO" model infer float.onnx --data npy:set/fog.npy,set/labels.npy $levels --no-header \
    | cut -d, -f3- > npy.csv; grep '^fog,3,' some.csv | cut -d, -f3- | cmp - npy.csv
"$PARETO" model convert float.onnx none.onnx --input-bits 0 --weight-bits 0 > /dev/null
"$PARETO" model convert float.onnx low.onnx --input-bits 2 --weight-bits 2 $data $levels > /dev/null
"$PARETO" model infer float.onnx none.onnx low.onnx $data $levels --save-to csv > three.csv
grep -c , three.csv; ls csv
cut -d, -f2- three.csv | sed -n 2,3p | uniq | wc -l; tail -n 1 three.csv | cut -c1-26
head -n 1 three.csv; grep '^float' three.csv | cut -d, -f2- | cmp - some.csv > /dev/null || tail -n 1 csv/float.csv | cut -c1-24
