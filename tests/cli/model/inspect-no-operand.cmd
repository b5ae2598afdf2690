exec "$PARETO" model inspect
