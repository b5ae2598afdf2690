#!/bin/sh
# torchvision's networks at full width, exported on the spot, against PyTorch: sh torchvision.sh SOURCE PROGRAM
set -eu
source=${1:?usage: $0 SOURCE PROGRAM}
program=${2:?usage: $0 SOURCE PROGRAM}
python=/usr/bin/python3
if ! "$python" -c 'import torch, torchvision' 2>/dev/null; then
    echo "skipped: no torchvision for $python"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" "$source/tests/fixtures/record_networks.py" --torchvision "$work"
"$program" "$work" floats
