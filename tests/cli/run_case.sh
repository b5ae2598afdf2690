#!/bin/sh
# run_case.sh CASE PROGRAM SOURCES: runs CASE.cmd and compares with CASE.out, CASE.err, CASE.exit.
set -u
case=$1
PARETO=$2
SOURCES=$3
dir=$(mktemp -d) && dir=$(cd "$dir" && pwd -P) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/work"

HOME=$dir/work
COLUMNS=80
LC_ALL=C.UTF-8
TZ=UTC
export PARETO SOURCES HOME COLUMNS LC_ALL TZ
unset PARETO_STATE XDG_STATE_HOME NO_COLOR

(cd "$dir/work" && exec sh "$case.cmd") >"$dir/out.raw" 2>"$dir/err.raw" </dev/null
echo $? >"$dir/exit"
if [ "$(cat "$dir/exit")" = 77 ]; then
    cat "$dir/out.raw"
    exit 77
fi
for stream in out err; do
    sed "s,$dir/work,DIR,g" "$dir/$stream.raw" >"$dir/$stream"
done

wrong=0
for part in out err exit; do
    expected=$case.$part
    if [ ! -e "$expected" ]; then
        expected=$dir/default
        if [ $part = exit ]; then echo 0; else :; fi >"$expected"
    fi
    if [ "${DSE_UPDATE_EXPECTED:-}" ] && ! cmp -s "$expected" "$dir/$part"; then
        cp "$dir/$part" "$case.$part"
        expected=$case.$part
    fi
    if ! diff -u "$expected" "$dir/$part"; then
        echo "$(basename "$case").cmd: this $part is not as expected"
        wrong=1
    fi
done
exit $wrong
