# A disk that fills up under the log, the events, the checkpoint, the result: the file is named, and with room again --resume ends with the files of the whole training
. "$SOURCES/tests/cli/model/two_classes.sh" || exit 77
if [ "${1:-}" != inside ]; then
    unshare -rm sh -c 'mkdir -p disk && mount -t tmpfs -o size=4k none disk' 2> /dev/null || { echo "no disks of our own here"; exit 77; }
    unshare -rm sh "$SOURCES/tests/cli/model/train-disk-full.cmd" inside
    exit
fi
EPOCHS=100
train whole.onnx > /dev/null 2>&1 || exit
# full NAME KIB OPTION...: the result's name and options of a training onto a disk of so many KiB, then of more
full() {
    name=$1 kib=$2 out=$3
    shift 3
    mount -t tmpfs -o "size=${kib}k" none disk
    train "$out" "$@" 2> errors; echo "$name: $?"
    grep -v '^epoch ' errors
    mount -o remount,size=1m disk
    train "$out" "$@" --resume > /dev/null 2>&1; echo "resumed: $?"
    cmp whole.onnx "$out"
}
mkdir -p disk
full log 4 log.onnx --log disk/log.csv && cmp whole.onnx.csv disk/log.csv; umount disk
full events 4 events.onnx --tensorboard-logdir disk && python3 - <<'PY'
import struct
with open("disk/events.out.tfevents.pareto-model", "rb") as f:
    records = 0
    while head := f.read(12):
        size = struct.unpack("<Q", head[:8])[0]
        assert len(f.read(size + 4)) == size + 4
        records += 1
print("records", records)
PY
umount disk
full checkpoint 32 checkpoint.onnx --ckpt-path disk/ckpt; umount disk # a checkpoint has 22 KiB, and its successor has no room
mkdir -p out
full result 4 disk/result.onnx --log log.csv --ckpt-path out/ckpt; umount disk
ls out
