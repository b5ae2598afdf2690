#!/bin/sh
# Gate: clang-format has nothing to change. Skipped (77) where it is not installed.
# Usage: check_format.sh TREE
set -eu
tree=${1:?usage: $0 TREE}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/structure_lib.sh"

if ! command -v clang-format >/dev/null; then
    echo "skipped: clang-format is not installed"
    exit 77
fi
clang-format --version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list_files .c .h >"$work/sources"
cd "$tree"
status=0
tr '\n' '\0' <"$work/sources" |
    xargs -0 -r clang-format --style=file --dry-run -Werror >"$work/output" 2>&1 || status=$?
grep -E ': (error|warning): ' "$work/output" >"$work/complaints" || true
if [ "$status" -ne 0 ] && [ ! -s "$work/complaints" ]; then
    cp "$work/output" "$work/complaints" # clang-format itself failed
fi
finish "$work/complaints" "$(wc -l <"$work/sources")" "source files"
