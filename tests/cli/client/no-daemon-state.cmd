"$PARETO" --state=s front 3
