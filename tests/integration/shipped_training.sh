#!/bin/sh
# The commands of workloads/models/README.md make a network as good as the one that is shipped.
#   shipped_training.sh PARETO_MODEL SOURCES
set -u
fashion=/usr/share/datasets/fashion-mnist
[ -e $fashion ] || { echo "skipped: no dataset-fashion-mnist"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
file=resnet8-exits-fashion.onnx
fail() { echo "FAILED: $*"; exit 1; }
# The block of commands, with this program, this folder and these data.
sed -n '/^```sh$/,/^```$/p' "$2/workloads/models/README.md" | sed '/^```/d' >"$dir/commands"
grep -q "pareto-model train .*$file" "$dir/commands" || fail "no commands in the README"
sed -i "s,^pareto-model ,'$1' ," "$dir/commands"
(cd "$dir" && sh -e ./commands) || fail "the commands"
"$1" infer "$dir/$file" --mean 0.286 --std 0.353 --no-header \
    --data idx:$fashion/t10k-images-idx3-ubyte.gz,$fashion/t10k-labels-idx1-ubyte.gz >"$dir/row" ||
    fail "infer"
cat "$dir/row"
cmp "$dir/$file" "$2/workloads/models/$file" && echo "the same file"
awk -F, '$3 >= 0.92 {good = 1} END {exit !good}' "$dir/row" || fail "less than 92 %"
