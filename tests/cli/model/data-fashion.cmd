# The package of Debian, found where it is installed; what is there is not made again.
[ -e /usr/share/datasets/fashion-mnist ] || { echo "skipped: no dataset-fashion-mnist"; exit 77; }
"$PARETO" model data fashion-mnist set && md5sum set/t10k-labels-idx1-ubyte && ls -A set
echo broken > set/t10k-labels-idx1-ubyte
"$PARETO" model data fashion-mnist set --json && md5sum set/t10k-labels-idx1-ubyte
