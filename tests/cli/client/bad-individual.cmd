"$PARETO" show 3 12
