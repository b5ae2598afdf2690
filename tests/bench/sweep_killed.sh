#!/bin/sh
# A sweep run twice at the same time: once undisturbed, once with daemon and workers killed (-9) KILLS
# times on its way. Prints time, evaluations and the SHA-256 of both dumps, which must be equal.
# Usage: sweep_killed.sh WORKLOAD [BUILD] [KILLS] [DIR]
#   BUILD: build/release by default; KILLS: 3; DIR keeps both databases (a temporary folder)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
workload=${1:?"usage: sweep_killed.sh WORKLOAD [BUILD] [KILLS] [DIR]"}
bin=$(cd "${2:-$here/../../build/release}/bin" && pwd)
kills=${3:-3}
if [ $# -ge 4 ]; then
    dir=$4
    mkdir -p "$dir"
else
    dir=$(mktemp -d)
fi

# start STATE: a daemon with one worker; its id in the variable daemon
start() {
    "$bin/paretod" --state "$1" --workers 1 >>"$1.log" 2>&1 &
    daemon=$!
    until "$bin/pareto" --state "$1" ping >"$1.ping" 2>&1; do
        kill -0 "$daemon" || { cat "$1.log"; exit 1; }
        sleep 0.2
    done
}
# field STATE NAME: one member of the sweep's state
field() {
    "$bin/pareto" --state "$1" status --json | sed -n "s/.*\"$2\":\"*\([^,\"}]*\).*/\1/p"
}
# report STATE NAME SECONDS
report() {
    echo "$2: $(field "$1" state) after $3 s, $(field "$1" individuals) individuals," \
        "$(field "$1" evaluations) evaluations, $(field "$1" cache_hits) found in the store," \
        "$(field "$1" failures) failed, front of $(field "$1" front_size)"
}

begin=$(date +%s)
daemon=
calm= killed=
trap 'kill $calm $killed $daemon 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
mkdir -p "$dir/calm" "$dir/killed"
start "$dir/calm"
calm=$daemon
"$bin/pareto" --state "$dir/calm" submit "$workload"
start "$dir/killed"
killed=$daemon
"$bin/pareto" --state "$dir/killed" submit "$workload"
generations=$(field "$dir/killed" generations)

done_kills=0 calm_s= killed_s=
while [ -z "$calm_s" ] || [ -z "$killed_s" ]; do
    sleep 1
    now=$(($(date +%s) - begin))
    case $(field "$dir/calm" state) in
    done | failed | cancelled) calm_s=${calm_s:-$now} ;;
    esac
    case $(field "$dir/killed" state) in
    done | failed | cancelled) killed_s=${killed_s:-$now} ;;
    esac
    at=$(field "$dir/killed" generation)
    if [ -z "$killed_s" ] && [ "$done_kills" -lt "$kills" ] &&
        [ "$at" -ge $((generations * (done_kills + 1) / (kills + 1))) ]; then
        done_kills=$((done_kills + 1))
        workers=$(ps -o pid= --ppid "$killed")
        # shellcheck disable=SC2086 # a list of ids
        kill -9 "$killed" $workers
        wait "$killed" 2>/dev/null || true
        echo "kill $done_kills at $now s, generation $at, $(wc -c <"$dir/killed/pareto.db") bytes of database"
        start "$dir/killed"
        killed=$daemon
    fi
done
report "$dir/calm" undisturbed "$calm_s"
report "$dir/killed" "killed $done_kills times" "$killed_s"
a=$("$bin/pareto" --state "$dir/calm" dump --sha256)
b=$("$bin/pareto" --state "$dir/killed" dump --sha256)
echo "dump of the undisturbed: $a"
echo "dump of the killed:      $b"
[ "$a" = "$b" ] && [ "$done_kills" -eq "$kills" ] && echo equal
