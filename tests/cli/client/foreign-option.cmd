"$PARETO" list --workers 3
