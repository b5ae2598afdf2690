exec "$PARETO" --json db check
