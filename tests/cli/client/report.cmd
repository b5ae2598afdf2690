# a sweep of functions: its pictures, its page, the same data as CSV
command -v gnuplot > /dev/null || exit 77
sed 's/generations: .*/generations: 4/; s/population: .*/population: 12/' "$SOURCES/workloads/zdt1.yaml" > w.yaml
"$PARETO" run w.yaml --state state > /dev/null 2>&1 || exit
"${PARETO%pareto}paretod" --state state > /dev/null 2>&1 &
until "$PARETO" ping --state state > /dev/null 2>&1; do :; done
"$PARETO" plot --state state --output plots && ls plots && head -c 5 plots/front.svg && echo
"$PARETO" plot --state state --format csv --output plots front | tail -1 && head -1 plots/front.csv
"$PARETO" plot --state state bits; echo "$?"
"$PARETO" report --state state && ls results/*
grep -c '<figure' results/*/report.html && grep -o '<h1>.*</h1>' results/*/report.html
"$PARETO" report --state state --output /nowhere/page.html; echo "$?"
kill $! && wait
