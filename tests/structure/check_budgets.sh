#!/bin/sh
# Prints signs of trouble (STYLE: places to look at, not rules): functions over 60 lines or with more
# than 6 parameters, files over 600 lines, headers over 200 (public 400), lines over 100 columns.
# Never fails for them. Usage: check_budgets.sh TREE
set -eu
tree=${1:?usage: $0 TREE}
here=$(cd "$(dirname "$0")" && pwd)
rules=$here/arrows.txt
. "$here/structure_lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list_files .c .h >"$work/sources"
for room in $(list_rooms); do
    echo "$room/${room##*/}.h"
done >"$work/public"
cd "$tree"
tr '\n' '\0' <"$work/sources" | xargs -0 -r awk -v public_list="$work/public" '
BEGIN {
    while ((getline line < public_list) > 0)
        public[line] = 1
}
function warn(line, text) {
    printf "warning: %s:%d: %s\n", file, line, text
}
function end_file(   limit) {
    limit = file ~ /\.h$/ ? (file in public ? 400 : 200) : 600
    if (lines > limit)
        warn(lines, "the file has " lines " lines; the budget is " limit)
}
# clang-format puts the brace of a function at the end of a line and its end alone in column 1.
FNR == 1 {
    if (file != "")
        end_file()
    file = FILENAME
    head = ""
    begin = 0
}
{
    lines = FNR
    if (length($0) > 100 && $0 !~ /"/)
        warn(FNR, "the line has " length($0) " columns; the budget is 100")
}
/^[a-zA-Z_].*\(/ && !begin { head = ""; head_line = FNR }
!begin { head = head $0 }
/^[^#].*\) \{$/ && !begin && head ~ /^[a-zA-Z_]/ && head !~ /=/ {
    begin = head_line
    parameters = gsub(/,/, ",", head) + 1
    if (parameters > 6)
        warn(begin, "the function has " parameters " parameters; the budget is 6")
}
/^[;}]/ { head = "" }
/^}/ {
    if (begin && FNR - begin + 1 > 60)
        warn(begin, "the function has " (FNR - begin + 1) " lines; the budget is 60")
    begin = 0
}
END { if (file != "") end_file() }
' >"$work/warnings"
cat "$work/warnings"
: >"$work/none"
echo "$(wc -l <"$work/warnings") warnings"
finish "$work/none" "$(wc -l <"$work/sources")" "source files"
