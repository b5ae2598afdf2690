#!/bin/sh
# Gate: includes follow the arrows of arrows.txt. Usage: check_includes.sh TREE
# Fails on an include of a room that may not be used, of a private header of another room, of a file
# that is not there from the source root, and of an outside library in a room that does not own it.
set -eu
tree=${1:?usage: $0 TREE}
here=$(cd "$(dirname "$0")" && pwd)
rules=$here/arrows.txt
. "$here/structure_lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list_files .c .h .def >"$work/sources"
list_files "" >"$work/all"
cd "$tree"
tr '\n' '\0' <"$work/sources" | xargs -0 awk -v all="$work/all" -v rules="$rules" '
function room_of(path,   best, room) {
    best = ""
    for (room in is_room)
        if (index(path, room "/") == 1 && length(room) > length(best))
            best = room
    return best
}
function is_public(path, room,   parts, n) {
    n = split(room, parts, "/")
    return path == room "/" parts[n] ".h" || (path in public)
}
function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
}
function check_outside(name, room,   i) {
    for (i = 1; i <= n_outside; i++)
        if (name ~ outside[i]) {
            if (room != owner[i] && room != "tests")
                complain("<" name "> belongs to room " owner[i] " alone")
            return 1
        }
    return 0
}
function check_own(name, room,   other) {
    other = room_of(name)
    if (!(name in exists)) {
        complain("\"" name "\" is no file of the tree; includes are written from its root")
    } else if (other == room) {
        return
    } else if (other == "") {
        complain("\"" name "\" lies in no room")
    } else if (!((room, other) in allowed) && !((room, "*") in allowed)) {
        complain("room " room " may not use room " other " (\"" name "\")")
    } else if (!is_public(name, other)) {
        complain("\"" name "\" is private to room " other)
    }
}
BEGIN {
    while ((getline line < all) > 0)
        exists[line] = 1
    while ((getline line < rules) > 0) {
        sub(/[ \t]*#.*/, "", line)
        n = split(line, word, " ")
        if (word[1] == "room") {
            is_room[word[2]] = 1
            for (i = 3; i <= n; i++)
                allowed[word[2], word[i]] = 1
        } else if (word[1] == "public") {
            public[word[2]] = 1
        } else if (word[1] == "outside") {
            outside[++n_outside] = word[2]
            owner[n_outside] = word[3]
        }
    }
}
FNR == 1 {
    room = room_of(FILENAME)
    if (room == "")
        complain("the file lies in no room of arrows.txt")
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    name = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
    quoted = substr(name, 1, 1) == "\""
    name = substr(name, 2)
    sub(/[>"].*/, "", name)
    if (room != "" && !check_outside(name, room) && (quoted || (name in exists)))
        check_own(name, room)
}
' >"$work/complaints"
finish "$work/complaints" "$(wc -l <"$work/sources")" "source files"
