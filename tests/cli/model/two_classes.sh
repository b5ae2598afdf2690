# Makes images, labels and net.onnx; train OUT [OPTION]... teaches the network.
python3 - <<'PY' 2>/dev/null || return 1
import struct
with open("images", "wb") as f:
    f.write(struct.pack(">iiii", 2051, 40, 8, 8))
    for i in range(40):
        f.write(bytes((200 if (x < 4) == (i % 2 == 0) else 20) + (i * x) % 17
                      for y in range(8) for x in range(8)))
with open("labels", "wb") as f:
    f.write(struct.pack(">ii", 2049, 40) + bytes(i % 2 for i in range(40)))
PY
"$PARETO" model build 'cbr=8x3,exit,max=2,res=8,global,dense=CLASSES' net.onnx --classes 2 \
    --input 8x8x1 > /dev/null
train() {
    out=$1
    shift
    "$PARETO" model train net.onnx "$out" --data idx:images,labels --epochs ${EPOCHS:-4} --batch 8 \
        --threads 1 --flip --shift 1 "$@"
}
