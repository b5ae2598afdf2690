#!/bin/sh
# Gate: no two source files have the same name, so that a name in a log or a stack trace is one file.
# Usage: check_names.sh TREE
set -eu
tree=${1:?usage: $0 TREE}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/structure_lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list_files .c .h >"$work/sources"
awk -F/ '$NF in first { printf "%s: has the same name as %s\n", $0, first[$NF]; next }
         { first[$NF] = $0 }' "$work/sources" >"$work/complaints"
finish "$work/complaints" "$(wc -l <"$work/sources")" "source files"
