command -v bash >/dev/null || { echo "skipped: no bash"; exit 77; }
: >w.yaml
mkdir folder
"$PARETO" completion bash >script && bash -n script || exit
exec bash -c '. ./script
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pareto; echo "$*: ${COMPREPLY[*]}"; }
complete_line pareto s
complete_line pareto --state x fr
complete_line pareto list --
complete_line pareto dump --s
complete_line pareto run w
complete_line pareto run --workers ""
complete_line pareto export --format ""
complete_line pareto export -o w
complete_line pareto plot se
complete_line pareto --state f'
