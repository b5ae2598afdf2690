command -v bash >/dev/null || { echo "skipped: no bash"; exit 77; }
"$PARETO" model completion bash >script && bash -n script || exit
exec bash -c '. ./script
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pareto_model; echo "$*: ${COMPREPLY[*]}"; }
complete_line pareto-model insp
complete_line pareto-model inspect --ou'
