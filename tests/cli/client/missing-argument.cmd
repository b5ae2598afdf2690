"$PARETO" run
