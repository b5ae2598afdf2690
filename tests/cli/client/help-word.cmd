"$PARETO" help dump
