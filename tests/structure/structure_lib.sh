# For the scripts of this folder; sourced, with the tree's root in $tree.

# Files of the tree whose names end in one of the given suffixes, one a line, from the root: what
# git knows or would add, or, outside a git checkout, all files but those of build folders.
list_files() {
    pattern=
    for suffix in "$@"; do
        pattern="$pattern${pattern:+|}$(printf '%s' "$suffix" | sed 's/\./\\./g')"
    done
    {
        if [ -e "$tree/.git" ] && git -C "$tree" ls-files >/dev/null 2>&1; then
            git -C "$tree" ls-files --cached --others --exclude-standard
        else
            (cd "$tree" && find . -name build -prune -o -name .git -prune -o -type f -print) |
                sed 's|^\./||'
        fi
    } | grep -E "($pattern)\$" | sort -u | while IFS= read -r file; do
        [ -f "$tree/$file" ] && printf '%s\n' "$file"
    done
    return 0
}

# Folders of the rooms, by arrows.txt.
list_rooms() {
    sed -n 's/^room  *\([^ ]*\).*/\1/p' "$rules"
}

# Ends a gate: complaints (a file of lines) on standard output and status 1, or a line that says
# how much was looked at. Looking at nothing is a failure too.
finish() { # complaints count what
    if [ "$2" -eq 0 ]; then
        echo "nothing to look at: no $3 found below $tree"
        exit 1
    fi
    if [ -s "$1" ]; then
        cat "$1"
        echo "$(wc -l <"$1") violations in $2 $3"
        exit 1
    fi
    echo "ok: $2 $3"
    exit 0
}
