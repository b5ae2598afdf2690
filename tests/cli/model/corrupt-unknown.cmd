"$PARETO" model corrupt out --data cifar10:none.bin --corruptions fog,mist
