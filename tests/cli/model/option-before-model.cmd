exec "$PARETO" --json model inspect x
