"$PARETO" --version
