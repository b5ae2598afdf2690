# the scripts of the other shells are read without a complaint
command -v zsh >/dev/null && command -v fish >/dev/null || { echo "skipped: no zsh or no fish"; exit 77; }
for program in "$PARETO" "${PARETO}-model"; do
    "$program" completion zsh >script && zsh -n script && echo zsh
    "$program" completion fish >script && fish --no-config -n script && echo fish
done
"$PARETO" completion fish >script
fish --no-config -c 'source ./script; complete -C "pareto dump --sh"; complete -C "pareto export --format p"; complete -C "pareto canc"'
exec "$PARETO" completion csh
