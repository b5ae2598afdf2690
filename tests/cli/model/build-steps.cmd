"$PARETO" model build 'conv={8}x3,relu,exit,max=2,sep={16}/2*2,global,dense=CLASSES' out.onnx --width 2 --input 28x28x1 && "$PARETO" model inspect out.onnx
