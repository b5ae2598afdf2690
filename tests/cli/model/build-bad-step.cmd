"$PARETO" model build 'conv=8x3,res=8/2,globbal,dense=10' out.onnx; ls
