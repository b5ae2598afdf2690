exec "$PARETO" db --help
