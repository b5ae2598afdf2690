"$PARETO" front --help
