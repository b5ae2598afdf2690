name=$(printf "%0120d" 0) && "$PARETO" --socket "$name" list
