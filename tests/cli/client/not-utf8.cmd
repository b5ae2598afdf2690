printf "name: a\nmodel: caf\351\n" >w.yaml && "$PARETO" run w.yaml
