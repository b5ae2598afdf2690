# bash completion of pareto-model
_pareto_model() {
    local commands=" inspect mcdo branch exits build train calibrate convert corrupt data cache "
    local options="--json --no-color --help --version"
    local word=${COMP_WORDS[COMP_CWORD]} command="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --output | --starting-layer | --droprate | --n-branches | --seed | --classes | --input | \
            --exits | --width | --data | --validation | --mean | --std | --epochs | --batch | \
            --initial-learning-rate | --optimizer | --momentum | --weight-decay | --schedule | \
            --warm-up | --label-smoothing | --exit-weight | --shift | --cutout | --threads | \
            --ckpt-path | --log | --tensorboard-logdir | --images | --method | --percentile | --calibration | --individual | --input-bits | --weight-bits | --weight-scales | \
            --corruptions | --severities | --frost-dir | --from | --keep) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $command in
    inspect) options+=" --output" ;;
    corrupt) options+=" --seed --data --images --corruptions --severities --png --frost-dir" ;;
    data) options+=" --from" ;;
    cache) options+=" --clean --keep" ;;
    mcdo) options+=" --starting-layer --droprate" ;;
    branch) options+=" --n-branches" ;;
    exits) options+=" --seed" ;;
    build) options+=" --seed --classes --input --exits --width" ;;
    train)
        options+=" --seed --data --validation --mean --std --epochs --batch"
        options+=" --initial-learning-rate --optimizer --momentum --weight-decay --schedule"
        options+=" --warm-up --label-smoothing --exit-weight --flip --shift --cutout --threads"
        options+=" --ckpt-path --resume --log --tensorboard-logdir --images"
        ;;
    calibrate) options+=" --data --images --mean --std --method --percentile --output" ;;
    convert)
        options+=" --data --images --mean --std --method --percentile --output --calibration"
        options+=" --individual --input-bits --weight-bits --weight-scales"
        ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _pareto_model pareto-model
