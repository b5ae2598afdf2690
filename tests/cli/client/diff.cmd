# two programs that disagree on some genomes, two sweeps of a formula, and sweeps that share nothing
cat > run.sh <<'END'
read l
x=${l#*'"x": '}; x=${x%%[,\}]*}
echo "{\"f\": $x, \"h\": $((9 - x))}"
END
sed 's/(9 - x)/(x > 2 ? 8 - x : 9 - x)/' run.sh > other.sh
for name in run other; do
    cat > $name.yaml <<END
name: $name
problem:
  type: external
  objectives: [minimize f, minimize h]
external:
  command: [/bin/sh, $name.sh]
  genes: [x int 0 4]
exploration:
  population: 5
  generations: 1
END
done
sed 's/generations: .*/generations: 4/; s/population: .*/population: 12/' "$SOURCES/workloads/zdt1.yaml" > zdt1.yaml
"${PARETO%pareto}paretod" --state state --workers 1 > /dev/null 2>&1 &
until "$PARETO" ping --state state > /dev/null 2>&1; do :; done
for name in run other zdt1; do
    "$PARETO" submit $name.yaml --state state > /dev/null && "$PARETO" watch --state state > /dev/null
done
"$PARETO" diff 1 2 --state state
"$PARETO" diff 1 3 --state state | tail -1
"$PARETO" diff 3 3 --state state
"$PARETO" diff 1 2 --json --state state | sed 's/.*"comparable"/"comparable"/'
"$PARETO" diff 1 9 --state state; echo "$?"
"$PARETO" diff 1 x --state state; echo "$?"
kill $! && wait
