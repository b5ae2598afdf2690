"$PARETO" --help >/dev/full
