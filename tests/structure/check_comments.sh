#!/bin/sh
# Gate: every function of a public header has a comment directly above it or above its group. A
# group begins after the last function that a blank line follows: types and the functions of these
# types, with a comment at their head, are one. Usage: check_comments.sh TREE
set -eu
tree=${1:?usage: $0 TREE}
here=$(cd "$(dirname "$0")" && pwd)
rules=$here/arrows.txt
. "$here/structure_lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for room in $(list_rooms); do
    header=$room/${room##*/}.h
    if [ -f "$tree/$header" ]; then
        echo "$header"
    fi
done >"$work/headers"
cd "$tree"
tr '\n' '\0' <"$work/headers" | xargs -0 -r awk '
# Takes comments out of the line; notes that the group has one.
function strip_comments(line,   out, i) {
    out = ""
    while (line != "") {
        if (in_comment) {
            i = index(line, "*/")
            if (i == 0)
                return out
            line = substr(line, i + 2)
            in_comment = 0
            continue
        }
        i = index(line, "/*")
        if (i == 0)
            return out line
        out = out substr(line, 1, i - 1)
        line = substr(line, i + 2)
        in_comment = 1
        if (statement == "" && out ~ /^[ \t]*$/)
            group_has_comment = 1
    }
    return out
}
function end_statement(   name) {
    # A function: a name and its parameters, and no typedef and no initial value.
    if (statement !~ /[a-z_0-9]+[ \t]*\(/ || statement ~ /^[ \t]*(typedef|_Static_assert)/ ||
        statement ~ /=/) {
        statement = ""
        return
    }
    group_has_function = 1
    if (!group_has_comment) {
        name = statement
        gsub(/__attribute__[ \t]*\(\([^;]*\)\)|DSE_PRINTF[ \t]*\([^)]*\)/, "", name)
        sub(/[ \t]*\(.*/, "", name)
        sub(/.*[ \t*]/, "", name)
        printf "%s:%d: %s has no comment above it or its group\n", FILENAME, first_line, name
    }
    statement = ""
}
FNR == 1 {
    in_comment = depth = in_macro = group_has_comment = group_has_function = 0
    statement = ""
}
{
    blank = !in_comment && $0 ~ /^[ \t]*$/
    line = strip_comments($0)
    if (in_macro || line ~ /^[ \t]*#/) {
        in_macro = line ~ /\\$/
        next
    }
    if (blank && depth == 0 && group_has_function)
        group_has_comment = group_has_function = 0
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "{") {
            # The body of an inline function or of a struct; what is inside is not looked at.
            if (depth++ == 0 && statement ~ /\)[ \t]*$/)
                end_statement()
        } else if (c == "}") {
            depth--
        } else if (depth == 0 && c == ";") {
            end_statement()
        } else if (depth == 0) {
            if (statement == "" && c !~ /[ \t]/)
                first_line = FNR
            if (statement != "" || c !~ /[ \t]/)
                statement = statement c
        }
    }
    if (statement != "")
        statement = statement " "
}
' >"$work/found"

# Which of them are excused, and which excuses are not needed?
sed 's/[ \t]*#.*//; /^$/d' "$here/excused.txt" >"$work/excused"
awk -v excused="$work/excused" -v complaints="$work/complaints" '
BEGIN {
    printf "" >complaints
    while ((getline name < excused) > 0)
        reason[name] = 1
}
{
    if ($2 in reason)
        used[$2] = 1
    else
        print >complaints
}
END {
    for (name in reason)
        print (name in used ? "excused: " : "excuse no longer needed (excused.txt): ") name
}' "$work/found"
finish "$work/complaints" "$(wc -l <"$work/headers")" "public headers"
