command -v bash >/dev/null || { echo "skipped: no bash"; exit 77; }
: >w.yaml
mkdir folder
exec bash -c '. "$SOURCES/client/pareto.bash"
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pareto; echo "$*: ${COMPREPLY[*]}"; }
complete_line pareto s
complete_line pareto ""
complete_line pareto --state x fr
complete_line pareto list --
complete_line pareto dump --s
complete_line pareto run w
complete_line pareto run --workers ""
complete_line pareto --state f'
