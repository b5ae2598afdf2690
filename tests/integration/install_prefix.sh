# install_prefix.sh BUILD SOURCES: installs into an empty prefix and uses what is there: a sweep, the
# manual pages, the completions, and the unit of systemd with paths of this prefix.
set -u
build=$1
sources=$2
dir=$(mktemp -d) && dir=$(cd "$dir" && pwd -P) || exit 1
trap 'rm -rf "$dir"' EXIT
prefix=$dir/prefix
wrong=0
fail() {
    echo "wrong: $*"
    wrong=1
}

cmake --install "$build" --prefix "$prefix" >"$dir/install.log" 2>&1 || {
    cat "$dir/install.log"
    exit 1
}

# Only what is installed is in PATH, beside the system's; the working directory is not the sources'.
mkdir "$dir/work" && cd "$dir/work" || exit 1
sed 's/population: .*/population: 12/; s/generations: .*/generations: 4/' \
    "$sources/workloads/zdt1.yaml" >w.yaml
env -i HOME="$dir/work" PATH=/usr/bin:/bin "$prefix/bin/pareto" run w.yaml --state state \
    >front.txt 2>errors.txt || {
    fail "pareto run ends with $?"
    cat errors.txt
}
grep -q '^front of sweep 1 (zdt1, done)' front.txt || fail "there is no front: $(head -2 front.txt)"
[ -s state/pareto.db ] || fail "there is no database"

for program in pareto paretod pareto-worker pareto-model pareto-db; do
    "$prefix/bin/$program" --version >version.txt 2>&1 || fail "$program --version"
done

for page in man1/pareto.1 man1/pareto-model.1 man1/pareto-db.1 man5/pareto-workload.5 \
    man8/paretod.8; do
    [ -s "$prefix/share/man/$page" ] || fail "no $page"
    if command -v man >/dev/null; then
        name=${page#*/}
        found=$(MANPATH=$prefix/share/man man -w "${name##*.}" "${name%.*}" 2>/dev/null)
        [ "$found" = "$prefix/share/man/$page" ] || fail "man finds \"$found\" for $name"
    fi
done

for program in pareto pareto-model; do
    for file in "bash-completion/completions/$program" "zsh/vendor-completions/_$program" \
        "fish/vendor_completions.d/$program.fish"; do
        [ -s "$prefix/share/$file" ] || fail "no $file"
    done
done

unit=$prefix/lib/systemd/user/paretod.service
grep -qx "ExecStart=$prefix/bin/paretod" "$unit" || fail "the unit starts $(grep ^ExecStart "$unit")"
if command -v systemd-analyze >/dev/null; then
    systemd-analyze verify --user --man=no "$unit" >verify.txt 2>&1
    grep paretod.service verify.txt && fail "systemd does not like the unit"
fi

# Nothing that is installed looks for the folder it was built in.
if grep -rlq "$build/bin" "$prefix/bin" "$prefix/lib" "$prefix/share"; then
    fail "$(grep -rl "$build/bin" "$prefix/bin" "$prefix/lib" "$prefix/share") names the build folder"
fi
exit $wrong
