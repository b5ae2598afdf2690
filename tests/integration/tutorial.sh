#!/bin/sh
# tutorial.sh PARETO SOURCES: the commands of workloads/TUTORIAL.md, taken from the document, in an empty
# folder. Where PyTorch is installed its export is run, too, on a network of two layers.
set -u
bin=$(dirname "$1")
document=$2/workloads/TUTORIAL.md
[ -r /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz ] ||
    { echo "skipped: the package dataset-fashion-mnist is not installed"; exit 77; }
command -v gnuplot >/dev/null || { echo "skipped: gnuplot is not installed"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'cd /; rm -rf "$dir"' EXIT
PATH=$bin:$PATH
export PATH
cd "$dir" || exit 1

# All blocks of a language; blocks LANGUAGE [N]: only the Nth.
blocks() {
    awk -v language="$1" -v wanted="${2:-0}" '
        $0 == "```" && inside { inside = 0; next }
        inside && (wanted == 0 || n == wanted) { print }
        $0 == "```" language { inside = 1; n++ }' "$document"
}

[ "$(blocks sh | wc -l)" -ge 10 ] || { echo "the document has no commands"; exit 1; }
# Debian's own python3 has Debian's packages, whichever comes first in PATH.
for python in python3 /usr/bin/python3; do
    "$python" -c 'import torch' 2>/dev/null || continue
    {
        echo 'import torch'
        echo 'net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(),'
        echo '    torch.nn.Flatten(), torch.nn.Linear(4 * 26 * 26, 10))'
        blocks python 1
    } >export.py
    "$python" export.py >/dev/null && pareto model inspect net.onnx --output logits >/dev/null || exit 1
    break
done
cp "$2/workloads/models/resnet8-3exits-fashion.onnx" net.onnx
blocks yaml >tutorial.yaml
{
    echo 'set -e; daemon=; trap "kill \$daemon 2>/dev/null; wait" EXIT'
    blocks sh
} >tutorial-commands.sh
sh tutorial-commands.sh >output 2>&1 || { cat output; echo "a command of the tutorial failed"; exit 1; }
for file in winner.onnx winner.json results/tutorial-1/report.html results/tutorial-1/front.svg; do
    [ -s "$file" ] || { cat output; echo "the tutorial made no $file"; exit 1; }
done
grep -q 'again' output || { cat output; echo "nothing was evaluated again"; exit 1; }
