#!/bin/sh
# selftest_cli.sh PROGRAM SOURCES: shows that run_case.sh notices each kind of difference.
set -u
here=$(dirname "$0")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
unset DSE_UPDATE_EXPECTED

# expect STATUS WHAT: runs the case in $dir.
expect() {
    sh "$here/run_case.sh" "$dir/planted" "$program" "$sources" >"$dir/printed" 2>&1
    status=$?
    if [ $status -ne "$1" ]; then
        echo "$2: status $status, not $1; printed:"
        cat "$dir/printed"
        exit 1
    fi
}

program=$1
sources=$2
echo 'echo hello; echo oops >&2; exit 3' >"$dir/planted.cmd"
echo hello >"$dir/planted.out"
echo oops >"$dir/planted.err"
echo 3 >"$dir/planted.exit"
expect 0 "a case as expected"
echo other >"$dir/planted.out"
expect 1 "a wrong output"
echo hello >"$dir/planted.out"
rm "$dir/planted.err"
expect 1 "an error that is not expected"
echo oops >"$dir/planted.err"
rm "$dir/planted.exit"
expect 1 "a wrong exit status"
echo 'echo no such thing; exit 77' >"$dir/planted.cmd"
expect 77 "a skipped case"
