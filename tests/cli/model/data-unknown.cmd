"$PARETO" model data cifar11 set
