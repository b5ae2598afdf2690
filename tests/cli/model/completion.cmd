command -v bash >/dev/null || { echo "skipped: no bash"; exit 77; }
exec bash -c '. "$SOURCES/evaluator/model/pareto-model.bash"
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pareto_model; echo "$*: ${COMPREPLY[*]}"; }
complete_line pareto-model insp
complete_line pareto-model inspect --ou'
