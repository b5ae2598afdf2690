#!/bin/sh
# run.sh SCRIPT.js ARGUMENT...: with node and the npm package onnxruntime-node, found by NODE_PATH; a
# last argument is added, an empty directory.
set -u
command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
node -e 'require("onnxruntime-node")' 2>/dev/null || {
    echo "skipped: no onnxruntime-node (npm install --ignore-scripts onnxruntime-node@1.30.0;"
    echo "NODE_PATH names the node_modules folder)"
    exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
node "$@" "$dir"
