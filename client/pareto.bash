# bash completion of pareto
_pareto() {
    local commands=" run plan submit import watch front show export plot report list status pause resume cancel delete priority workers dump ping db model "
    local options="--socket --state --json --no-color --help --version"
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --socket | --state | --workers | --format | --output | -o | --individuals | --onnx) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $before in
    --state)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --socket | --output | -o)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W "csv json svg png pdf tikz" -- "$word")
        return
        ;;
    --workers) return ;;
    esac
    case $command in
    run) options+=" --workers --plot --all" ;;
    plan) options+=" --workers" ;;
    submit) options+=" --reuse" ;;
    front) options+=" --plot --objectives --all" ;;
    dump) options+=" --sha256" ;;
    delete) options+=" --force" ;;
    export) options+=" --front --cells --onnx --format --output" ;;
    import) options+=" --output" ;;
    plot) options+=" --format --output --individuals" ;;
    report) options+=" --output --individuals" ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
    elif [[ $command == run || $command == plan || $command == submit || $command == import ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _pareto pareto
