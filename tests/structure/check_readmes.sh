#!/bin/sh
# Gate: every room that holds code has a README.md. Usage: check_readmes.sh TREE
set -eu
tree=${1:?usage: $0 TREE}
here=$(cd "$(dirname "$0")" && pwd)
rules=$here/arrows.txt
. "$here/structure_lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/complaints"
rooms=0
for room in $(list_rooms); do
    [ "$room" != tests ] || continue
    # A room of which only the header is there yet is not a room to live in.
    ls "$tree/$room"/*.c >/dev/null 2>&1 || continue
    rooms=$((rooms + 1))
    [ -s "$tree/$room/README.md" ] || echo "$room: has no README.md" >>"$work/complaints"
done
finish "$work/complaints" "$rooms" "rooms"
