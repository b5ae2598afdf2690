#!/bin/sh
# Shows that a gate can fail: in a copy of the tree the gate passes; with one violation planted it
# fails and names the place. Usage: selftest.sh TREE GATE, GATE being includes, comments, ...
set -eu
tree=${1:?usage: $0 TREE GATE}
gate=${2:?usage: $0 TREE GATE}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/structure_lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/copy
output=$work/output
planted=0

copy_tree() {
    mkdir -p "$copy"
    list_files .c .h .def .md .clang-format |
        if [ "$gate" = format ]; then grep -E '^(base/|\.clang-format)'; else cat; fi |
        (cd "$tree" && tar -cf - -T -) | (cd "$copy" && tar -xf -)
}

# The gate on the copy; its status.
run_gate() {
    status=0
    "$here/check_$gate.sh" "$copy" >"$output" 2>&1 || status=$?
}

fail() {
    echo "FAILED: $1; the gate printed:"
    cat "$output"
    exit 1
}

# plant FILE WHAT PATTERN: standard input is put at the end of FILE of the copy (made if missing); the
# gate must now fail, with a line that matches PATTERN. The copy is mended afterwards.
plant() {
    mkdir -p "$(dirname "$copy/$1")"
    rm -f "$work/before"
    [ ! -f "$copy/$1" ] || cp "$copy/$1" "$work/before"
    cat >>"$copy/$1"
    run_gate
    [ "$status" -eq 1 ] || fail "$2: status $status instead of 1"
    grep -Eq "$3" "$output" || fail "$2: no line like $3"
    if [ -f "$work/before" ]; then cp "$work/before" "$copy/$1"; else rm "$copy/$1"; fi
    planted=$((planted + 1))
}

plant_includes() {
    plant base/planted.c "an arrow that is not drawn" \
        '^base/planted.c:1: room base may not use room store' <<'END'
#include "store/store.h"
END
    plant problems/problems.h "an arrow turned round" \
        '^problems/problems.h:[0-9]+: room problems may not use room search' <<'END'
#include "search/search.h"
END
    plant daemon/planted.c "the daemon linking the engine" \
        'room daemon may not use room evaluator ' <<'END'
#include "evaluator/evaluator.h"
END
    plant client/planted.c "the client opening the database" 'room client may not use room store' <<'END'
  #  include   "store/store.h"
END
    plant evaluator/cost/planted.c "a sideways arrow inside the evaluator" \
        'room evaluator/cost may not use room evaluator/kernels' <<'END'
#include "evaluator/kernels/kernels.h"
END
    plant evaluator/graph/planted.c "an inner room using the outer one" \
        'room evaluator/graph may not use room evaluator ' <<'END'
#include "evaluator/evaluator.h"
END
    printf '/* private */\n' >"$copy/base/planted_private.h"
    plant store/planted.c "a private header of another room" '"base/planted_private.h" is private' <<'END'
#include "base/planted_private.h"
END
    plant tests/unit/planted.c "a private header in a test" '"base/planted_private.h" is private' <<'END'
#include "base/planted_private.h"
END
    plant base/planted.c "an include that is not from the root" '"base.h" is no file of the tree' <<'END'
#include "base.h"
END
    plant tools/planted.c "a file in no room" 'lies in no room' <<'END'
int planted;
END
    plant_outside_libraries
}

plant_outside_libraries() {
    while read -r header owner; do
        plant search/planted.c "$header outside its room" "<$header> belongs to room $owner alone" <<END
#include <$header>
END
        printf '#include <%s>\n' "$header" >"$copy/$owner/planted_owner.c"
        run_gate
        [ "$status" -eq 0 ] || fail "$header in its own room $owner"
        rm "$copy/$owner/planted_owner.c"
    done <<'END'
uv.h daemon
yaml.h workloads
sqlite3.h store
jansson.h protocol
cblas.h evaluator/kernels
dnnl.h evaluator/kernels
oneapi/dnnl/dnnl.h evaluator/kernels
onnx.pb-c.h evaluator/graph
onnx/onnx.pb-c.h evaluator/graph
protobuf-c/protobuf-c.h evaluator/graph
zlib.h evaluator/datasets
openssl/evp.h base
END
}

plant_comments() {
    plant base/base.h "a function without a comment" '^base/base.h:[0-9]+: dse_planted_alone has no comment' <<'END'

void dse_planted_alone(int a);
END
    plant search/search.h "one in a second group" 'dse_planted_second has no comment' <<'END'

/* Says something. */
int dse_planted_first(void);

int dse_planted_second(int a,
                       int b);
END
    plant problems/problems.h "an inline function" 'dse_planted_inline has no comment' <<'END'

static inline int dse_planted_inline(void) {
    return 1; /* a comment inside does not count */
}
END
    plant store/store.h "one with a trailing comment only" 'dse_planted_trailing has no comment' <<'END'

int dse_planted_trailing(void); /* too late */
END
}

plant_format() {
    plant base/planted.c "a wrong indentation" '^base/planted.c:1' <<'END'
int planted(void) {
  return 1;
}
END
    plant base/base.h "a line that is too long" '^base/base.h' <<'END'
int dse_planted_function_with_a_long_name(int the_first_parameter, int the_second_parameter, int third);
END
}

plant_readmes() {
    cp "$copy/base/README.md" "$work/readme"
    for how in 'rm -f' 'truncate -s 0'; do
        $how "$copy/base/README.md"
        run_gate
        [ "$status" -eq 1 ] || fail "no README in base ($how): status $status instead of 1"
        grep -q '^base: has no README.md' "$output" || fail "no README in base ($how)"
        cp "$work/readme" "$copy/base/README.md"
        planted=$((planted + 1))
    done
}

plant_names() {
    plant store/err.c "a second err.c" '^store/err.c: has the same name as base/err.c' <<'END'
int planted;
END
    plant tests/unit/base.h "a second base.h" '^tests/unit/base.h: has the same name as base/base.h' <<'END'
int planted;
END
}

# Budgets warn and never fail, so what is shown is that the warning comes.
plant_budgets() {
    {
        echo 'int planted(int a, int b, int c, int d, int e, int f, int g) {'
        awk 'BEGIN { for (i = 0; i < 650; i++) print "    a++;" }'
        printf '    return a%96s;\n' '+ b'
        echo '}'
    } >"$copy/base/planted.c"
    run_gate
    [ "$status" -eq 0 ] || fail "budgets: status $status instead of 0"
    for text in 'planted.c:1: the function has 7 parameters' 'planted.c:1: the function has 653 lines' \
        'planted.c:[0-9]*: the file has 653 lines' 'planted.c:652: the line has 109 columns'; do
        grep -q "$text" "$output" || fail "budgets: no warning like $text"
        planted=$((planted + 1))
    done
}

if [ "$gate" = format ] && ! command -v clang-format >/dev/null; then
    echo "skipped: clang-format is not installed"
    exit 77
fi
copy_tree
run_gate
[ "$status" -eq 0 ] || fail "the copy without a planted violation"
"plant_$gate"
if [ "$gate" != budgets ]; then
    run_gate
    [ "$status" -eq 0 ] || fail "the mended copy"
    rm -rf "$copy"
    mkdir "$copy"
    run_gate
    [ "$status" -eq 1 ] || fail "an empty tree passes"
fi
echo "ok: $gate failed as it should on $planted planted violations"
