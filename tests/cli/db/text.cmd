mkdir s; echo "no database at all, just a text of some length" >s/pareto.db; exec "$PARETO" db check --state s
