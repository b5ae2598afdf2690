command -v mandoc >/dev/null || { echo "skipped: no mandoc"; exit 77; }
exec mandoc -Tlint -W warning "$SOURCES/store/upkeep/pareto-db.1"
