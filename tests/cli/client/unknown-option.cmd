"$PARETO" list --jsn
