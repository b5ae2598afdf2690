"$PARETO" list
