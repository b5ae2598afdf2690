# A data set of one flat grey picture, as IDX.
printf '\0\0\10\3\0\0\0\1\0\0\0\20\0\0\0\20' > images.idx
head -c 256 /dev/zero | tr '\0' '\200' >> images.idx
printf '\0\0\10\1\0\0\0\1\0' > labels.idx
data=idx:images.idx,labels.idx
"$PARETO" model corrupt sheet.png --data $data --corruptions blur,fog && head -c 4 sheet.png | tail -c 3 && echo
"$PARETO" model corrupt set --data $data --corruptions extra --severities 1,3 --json
"$PARETO" model corrupt set --data $data --corruptions contrast --severities 5 --png
find set | sort
od -A n -t c -N 6 set/spatter.npy
PARETO_CACHE=$PWD/kept "$PARETO" model cache --json | sed 's/"dir":"[^"]*"/"dir":""/'
