# 20 grey images of 8 x 8 with two classes: a training, and one cut in two by a signal, end alike
python3 - <<'PY' 2>/dev/null || exit 77
import struct
with open("images", "wb") as f:
    f.write(struct.pack(">iiii", 2051, 40, 8, 8))
    for i in range(40):
        f.write(bytes((200 if (x < 4) == (i % 2 == 0) else 20) + (i * x) % 17 for y in range(8) for x in range(8)))
with open("labels", "wb") as f:
    f.write(struct.pack(">ii", 2049, 40) + bytes(i % 2 for i in range(40)))
PY
"$PARETO" model build 'cbr=8x3,exit,max=2,res=8,global,dense=CLASSES' net.onnx --classes 2 --input 8x8x1 > /dev/null
train() { out=$1; shift; "$PARETO" model train net.onnx $out --data idx:images,labels --epochs 4 --batch 8 --threads 1 --flip --shift 1 "$@"; }
train whole.onnx 2> lines && cut -c1-30 lines && cut -d, -f1 whole.onnx.csv
train again.onnx --json 2> /dev/null && cmp whole.onnx again.onnx && ls
