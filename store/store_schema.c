/* The schema, as the steps that lead to it.
 *
 * store__migrations[v] turns schema v into schema v + 1; the number of entries is the schema
 * version, kept in PRAGMA user_version. To change the schema:
 *   1. append one entry (never edit an old one: databases exist that were made by it);
 *   2. raise DSE_STORE_SCHEMA_VERSION in store.h;
 *   3. record a database of the new schema as tests/unit/store/store-v<new>.sql (the head of v1
 * says how); test_store_migrate.c there reads all of them;
 *   4. update the head comment of store_statements.def and the views in README.md.
 * Foreign keys are off while the steps run, so that a step may rebuild a table.
 *
 * This file defines nothing else: the migration test links its own table in place of this one. */
#include "store/store_internal.h"

/* Tables are not STRICT because the SQLite inside older Pythons cannot open such a database. */
static const char schema_1[] =
    "CREATE TABLE about("
    " key TEXT PRIMARY KEY,"
    " value TEXT NOT NULL"
    ") WITHOUT ROWID;"

    "CREATE TABLE sweep("
    " sweep_id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN"
    "  ('queued','running','done','failed','cancelled')),"
    " reason TEXT NOT NULL,"
    " seed INTEGER NOT NULL,"
    " content_hash TEXT NOT NULL,"
    " context_hash TEXT NOT NULL,"
    " source TEXT NOT NULL,"
    " file TEXT NOT NULL,"
    " base_dir TEXT NOT NULL,"
    " canonical TEXT NOT NULL,"
    " spec TEXT NOT NULL,"
    " submitted_at_ms INTEGER NOT NULL,"
    " finished_at_ms INTEGER NOT NULL);"
    "CREATE INDEX sweep_by_content ON sweep(content_hash, sweep_id);"

    "CREATE TABLE sweep_counts("
    " sweep_id INTEGER PRIMARY KEY REFERENCES sweep,"
    " individuals INTEGER NOT NULL DEFAULT 0,"
    " measured INTEGER NOT NULL DEFAULT 0,"
    " failures INTEGER NOT NULL DEFAULT 0,"
    " cache_hits INTEGER NOT NULL DEFAULT 0,"
    " front_size INTEGER NOT NULL DEFAULT 0,"
    " generation INTEGER NOT NULL DEFAULT -2);"

    "CREATE TABLE context("
    " context_id INTEGER PRIMARY KEY,"
    " hash TEXT NOT NULL UNIQUE,"
    " prepared TEXT);"

    "CREATE TABLE evaluation("
    " evaluation_id INTEGER PRIMARY KEY,"
    " context_id INTEGER NOT NULL REFERENCES context,"
    " genome TEXT NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending','done','failed')),"
    " reason TEXT NOT NULL DEFAULT '',"
    " UNIQUE(context_id, genome));"

    "CREATE TABLE partial("
    " evaluation_id INTEGER NOT NULL REFERENCES evaluation,"
    " shard INTEGER NOT NULL,"
    " seen TEXT NOT NULL,"
    " correct TEXT NOT NULL,"
    " PRIMARY KEY(evaluation_id, shard)"
    ") WITHOUT ROWID;"

    "CREATE TABLE individual("
    " sweep_id INTEGER NOT NULL REFERENCES sweep,"
    " generation INTEGER NOT NULL CHECK(generation >= -1),"
    " slot INTEGER NOT NULL CHECK(slot >= 0),"
    " evaluation_id INTEGER NOT NULL REFERENCES evaluation,"
    " state TEXT NOT NULL CHECK(state IN ('pending','done','failed')),"
    " reason TEXT NOT NULL,"
    " objectives TEXT NOT NULL,"
    " violation REAL NOT NULL,"
    " in_front INTEGER NOT NULL CHECK(in_front IN (0,1)),"
    " cached INTEGER NOT NULL CHECK(cached IN (0,1)),"
    " PRIMARY KEY(sweep_id, generation, slot)"
    ") WITHOUT ROWID;"
    "CREATE INDEX individual_in_front ON individual(sweep_id, generation, slot) WHERE in_front = 1;"

    "CREATE TABLE survivor("
    " sweep_id INTEGER NOT NULL REFERENCES sweep,"
    " generation INTEGER NOT NULL,"
    " position INTEGER NOT NULL,"
    " own_generation INTEGER NOT NULL,"
    " slot INTEGER NOT NULL,"
    " rank INTEGER NOT NULL,"
    " crowding REAL NOT NULL,"
    " PRIMARY KEY(sweep_id, generation, position),"
    " FOREIGN KEY(sweep_id, own_generation, slot) REFERENCES individual"
    ") WITHOUT ROWID;"

    /* The counts of a sweep are asked for several times a second while it may have a million rows,
     * so they are kept up to date where rows change, in a row of their own: the sweep's row
     * carries its whole source, which every update would write again. */
    "CREATE TRIGGER sweep_gets_counts AFTER INSERT ON sweep BEGIN"
    " INSERT INTO sweep_counts(sweep_id) VALUES (NEW.sweep_id);"
    "END;"
    "CREATE TRIGGER baseline_is_noted AFTER INSERT ON individual WHEN NEW.generation < 0 BEGIN"
    " UPDATE sweep_counts SET generation = max(generation, NEW.generation)"
    "  WHERE sweep_id = NEW.sweep_id;"
    "END;"
    "CREATE TRIGGER individual_is_counted AFTER INSERT ON individual WHEN NEW.generation >= 0 BEGIN"
    " UPDATE sweep_counts SET"
    "  individuals = individuals + 1,"
    "  measured = measured + (NEW.state <> 'pending'),"
    "  failures = failures + (NEW.state = 'failed'),"
    "  cache_hits = cache_hits + NEW.cached,"
    "  front_size = front_size + NEW.in_front,"
    "  generation = max(generation, NEW.generation)"
    "  WHERE sweep_id = NEW.sweep_id;"
    "END;"
    "CREATE TRIGGER individual_is_recounted AFTER UPDATE OF state, in_front ON individual"
    " WHEN NEW.generation >= 0 AND (NEW.state <> OLD.state OR NEW.in_front <> OLD.in_front) BEGIN"
    " UPDATE sweep_counts SET"
    "  measured = measured + (NEW.state <> 'pending') - (OLD.state <> 'pending'),"
    "  failures = failures + (NEW.state = 'failed') - (OLD.state = 'failed'),"
    "  front_size = front_size + NEW.in_front - OLD.in_front"
    "  WHERE sweep_id = NEW.sweep_id;"
    "END;"

    /* What readers are promised; columns are explained in README.md. */
    "CREATE VIEW v_sweeps AS SELECT"
    " s.sweep_id AS sweep, s.name, s.state, s.reason,"
    " CASE WHEN s.seed >= 0 THEN s.seed ELSE printf('%u', s.seed) END AS seed,"
    " c.generation, c.individuals, c.measured, c.failures, c.cache_hits, c.front_size,"
    " s.content_hash, s.context_hash, s.file, s.base_dir, s.canonical,"
    " s.submitted_at_ms, nullif(s.finished_at_ms, 0) AS finished_at_ms"
    " FROM sweep s JOIN sweep_counts c ON c.sweep_id = s.sweep_id;"

    "CREATE VIEW v_individuals AS SELECT"
    " i.sweep_id AS sweep, i.generation, i.slot, e.genome, i.state, i.reason,"
    " i.violation, i.in_front, i.cached, i.objectives,"
    " json_extract(i.objectives, '$[0]') + 0.0 AS objective_0,"
    " json_extract(i.objectives, '$[1]') + 0.0 AS objective_1,"
    " json_extract(i.objectives, '$[2]') + 0.0 AS objective_2,"
    " json_extract(i.objectives, '$[3]') + 0.0 AS objective_3,"
    " json_extract(i.objectives, '$[4]') + 0.0 AS objective_4,"
    " json_extract(i.objectives, '$[5]') + 0.0 AS objective_5,"
    " json_extract(i.objectives, '$[6]') + 0.0 AS objective_6,"
    " json_extract(i.objectives, '$[7]') + 0.0 AS objective_7"
    " FROM individual i JOIN evaluation e ON e.evaluation_id = i.evaluation_id;"

    "CREATE VIEW v_front AS SELECT"
    " i.sweep_id AS sweep, i.generation, i.slot, e.genome, i.violation, i.cached, i.objectives,"
    " json_extract(i.objectives, '$[0]') + 0.0 AS objective_0,"
    " json_extract(i.objectives, '$[1]') + 0.0 AS objective_1,"
    " json_extract(i.objectives, '$[2]') + 0.0 AS objective_2,"
    " json_extract(i.objectives, '$[3]') + 0.0 AS objective_3,"
    " json_extract(i.objectives, '$[4]') + 0.0 AS objective_4,"
    " json_extract(i.objectives, '$[5]') + 0.0 AS objective_5,"
    " json_extract(i.objectives, '$[6]') + 0.0 AS objective_6,"
    " json_extract(i.objectives, '$[7]') + 0.0 AS objective_7"
    " FROM individual i INDEXED BY individual_in_front"
    " JOIN evaluation e ON e.evaluation_id = i.evaluation_id"
    " WHERE i.in_front = 1 AND i.generation >= 0;"

    "CREATE VIEW v_cells AS SELECT"
    " i.sweep_id AS sweep, i.generation, i.slot, seen.key AS cell,"
    " sum(seen.value) AS seen,"
    " sum(json_extract(p.correct, '$[' || seen.key || ']')) AS correct"
    " FROM individual i"
    " JOIN partial p ON p.evaluation_id = i.evaluation_id"
    " JOIN json_each(p.seen) AS seen"
    " GROUP BY i.sweep_id, i.generation, i.slot, seen.key;";

/* Whole tallies instead of two counts, summed once when an evaluation is done. Of evaluations made
 * before only the counts are known: their tally is NULL. */
static const char schema_2[] =
    "ALTER TABLE partial ADD COLUMN tally BLOB;"
    "ALTER TABLE partial ADD COLUMN named_values TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE partial ADD COLUMN value_names TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE result("
    " evaluation_id INTEGER PRIMARY KEY REFERENCES evaluation,"
    " seen TEXT NOT NULL,"
    " correct TEXT NOT NULL,"
    " tally BLOB,"
    " named_values TEXT NOT NULL DEFAULT '',"
    " value_names TEXT NOT NULL DEFAULT '');"
    "INSERT INTO result(evaluation_id, seen, correct)"
    " SELECT evaluation_id, json_group_array(seen), json_group_array(correct) FROM"
    "  (SELECT p.evaluation_id, s.key AS cell, sum(s.value) AS seen,"
    "   sum(json_extract(p.correct, '$[' || s.key || ']')) AS correct"
    "   FROM evaluation e JOIN partial p ON p.evaluation_id = e.evaluation_id"
    "   JOIN json_each(p.seen) AS s WHERE e.state = 'done'"
    "   GROUP BY p.evaluation_id, s.key ORDER BY p.evaluation_id, s.key)"
    " GROUP BY evaluation_id;"
    "DELETE FROM partial WHERE evaluation_id IN (SELECT evaluation_id FROM result);"

    /* First the individuals whose evaluation is done, then the others, so far as they are known. */
    "DROP VIEW v_cells;"
    "CREATE VIEW v_cells AS"
    " SELECT i.sweep_id AS sweep, i.generation, i.slot, seen.key AS cell, seen.value AS seen,"
    "  json_extract(r.correct, '$[' || seen.key || ']') AS correct,"
    "  1.0 * json_extract(r.correct, '$[' || seen.key || ']') / seen.value AS accuracy"
    " FROM individual i"
    " JOIN result r ON r.evaluation_id = i.evaluation_id"
    " JOIN json_each(r.seen) AS seen"
    " UNION ALL"
    " SELECT i.sweep_id, i.generation, i.slot, seen.key, sum(seen.value),"
    "  sum(json_extract(p.correct, '$[' || seen.key || ']')),"
    "  1.0 * sum(json_extract(p.correct, '$[' || seen.key || ']')) / sum(seen.value)"
    " FROM individual i"
    " JOIN partial p ON p.evaluation_id = i.evaluation_id"
    " JOIN json_each(p.seen) AS seen"
    " GROUP BY i.sweep_id, i.generation, i.slot, seen.key;";

const char *const store__migrations[] = {schema_1, schema_2};
const int store__n_migrations = sizeof store__migrations / sizeof store__migrations[0];

_Static_assert(sizeof store__migrations / sizeof store__migrations[0] == DSE_STORE_SCHEMA_VERSION,
               "one entry a schema version");
