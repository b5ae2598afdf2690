#!/bin/sh
# report_in_chromium.sh PARETO SOURCES: the page that `pareto report` writes, opened by a browser: its
# table is sorted by a click, its pictures are there, nothing is asked of a network.
set -u
PARETO=$1
command -v chromium >/dev/null || { echo "skipped: chromium is not installed"; exit 77; }
command -v gnuplot >/dev/null || { echo "skipped: gnuplot is not installed"; exit 77; }
dir=$(mktemp -d) || exit 1
daemon=
trap '[ -z "$daemon" ] || kill $daemon; wait; rm -rf "$dir"' EXIT
sed 's/generations: .*/generations: 4/; s/population: .*/population: 12/' "$2/workloads/zdt1.yaml" >"$dir/w.yaml"
"$PARETO" run "$dir/w.yaml" --state "$dir/state" >/dev/null 2>&1 || exit 1
"${PARETO%pareto}paretod" --state "$dir/state" >/dev/null 2>&1 &
daemon=$!
until "$PARETO" ping --state "$dir/state" >/dev/null 2>&1; do kill -0 $daemon || exit 1; done
"$PARETO" report --state "$dir/state" --output "$dir/report.html" >/dev/null || exit 1
if grep -E 'src=|href="?http|@import' "$dir/report.html" | grep -v xmlns; then
    echo "the page asks for another file"
    exit 1
fi
# A click on the second head sorts by the first objective, upwards.
sed 's,</body>,<script>document.querySelectorAll("th")[1].click()</script></body>,' \
    "$dir/report.html" >"$dir/clicked.html"
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$dir/profile" --dump-dom "file://$dir/clicked.html" >"$dir/dom" 2>/dev/null || exit 1
grep -o '<td data-value="[^"]*">[^<]*</td><td data-value="[^"]*"' "$dir/dom" |
    sed 's/.*data-value="\([^"]*\)"$/\1/' >"$dir/values"
[ "$(wc -l <"$dir/values")" -gt 1 ] || { echo "no rows"; exit 1; }
sort -g "$dir/values" | cmp - "$dir/values" || { echo "a click does not sort"; exit 1; }
[ "$(grep -c '<figure' "$dir/dom")" -ge 2 ] || { echo "no pictures"; exit 1; }
grep -q 'aria-sort="ascending"' "$dir/dom" || { echo "the sorted head does not say so"; exit 1; }
