#!/bin/sh
# Retrains members of a front, each from its own copy of the weights, and prints their accuracy before and after.
#
#     workloads/examples/retrain_front.sh SWEEP N[:OBJECTIVE]|INDIVIDUAL... -- OPTION...
#
# N: the first N members as `pareto front` prints them; N:OBJECTIVE: those of the lowest values of an objective of the
# sweep, as 5:bit_operations; or individuals by name, as 9.12. OPTIONs are those of `pareto-model retrain`; --data, the
# images to learn from, is needed. For example
#
#     sh workloads/examples/retrain_front.sh 3 5:bit_operations -- --data cifar10:data_batch_1.bin,data_batch_2.bin
#
# Into the folder DIR (results/retrained-SWEEP) go, for each individual, what `pareto export --onnx` writes (ID.onnx,
# ID.json), the retrained network (ID-retrained.onnx, and .qdq.onnx for programs that run ONNX), a line for every epoch
# (ID-retrained.onnx.csv) and the result (ID.result.json: before, after, all epochs), which the daemon keeps beside the
# individual, too (`pareto retrained`). Killed, the same command goes on: what is finished stays, and a network goes on
# from its last whole epoch.
# PARETO names the program, where it is not in PATH.
set -eu
usage() {
    sed -n '2,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
[ $# -ge 4 ] || usage
pareto=${PARETO:-pareto}
sweep=$1
shift
wanted=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    wanted="$wanted $1"
    shift
done
[ $# -ge 2 ] || usage
shift
dir=${DIR:-results/retrained-$sweep}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# "VALUE ID" of the members, in the front's order; without an objective the value is their number
members() {
    "$pareto" front "$sweep" --json | tr '{' '\n' | awk -v objective="$1" '
        /^"metric":.*"sense":/ {
            n++
            if (index($0, "\"metric\":\"" objective "\"") == 1)
                wanted = n
        }
        /^"generation":[0-9]/ {
            split($0, parts, /[:,]/)
            id = parts[2] "." parts[4]
            sub(/.*"objectives":\[/, "")
            sub(/\].*/, "")
            split($0, values, ",")
            print objective == "" ? ++rows : values[wanted], id
        }
        END {
            if (objective != "" && !wanted) {
                print "retrain_front.sh: " objective " is no objective of the sweep" > "/dev/stderr"
                exit 2
            }
        }'
}
case $wanted in
*.*) ids=$wanted ;;
*)
    objective=
    case $wanted in *:*) objective=${wanted#*:} ;; esac
    list=$(members "$objective") || exit
    ids=$(echo "$list" | sort -g -s -k 1,1 | head -n "${wanted%%:*}" | cut -d ' ' -f 2)
    ;;
esac

retrain() {
    id=$1
    shift
    out=$dir/$id-retrained.onnx
    [ -e "$dir/$id.json" ] || "$pareto" export "$sweep" --onnx "$id" --output "$dir/$id.onnx" > /dev/null
    model=$(sed -n 's/.*"model":{"path":"\([^"]*\)".*/\1/p' "$dir/$id.json")
    [ -e "$out.ckpt" ] && set -- "$@" --resume
    "$pareto" model retrain "$model" "$out" --individual "$dir/$id.json" --json "$@" > "$dir/$id.result.part"
    mv "$dir/$id.result.part" "$dir/$id.result.json"
}

for id in $ids; do
    [ -e "$dir/$id.result.json" ] || retrain "$id" "$@"
    "$pareto" retrained "$sweep" "$dir/$id.result.json" > /dev/null
done
"$pareto" retrained "$sweep"
