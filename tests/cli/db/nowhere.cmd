exec "$PARETO" db check --state nowhere
