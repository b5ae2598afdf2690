"$PARETO" --help
