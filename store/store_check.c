/* Is everything in a database as this program would have written it? Every question is one
 * statement, so that each sees one moment, whatever a daemon writes meanwhile. */
#include "store/store_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
    struct dse_store *store;
    struct dse_arena *arena;
    struct dse_store_report *report;
    dse_store_progress *progress;
    void *context;
    int64_t n_rows, n_looked_at; /* with payloads */
};

static enum dse_status add_problem(struct check *check, struct dse_err *err, const char *fmt, ...)
    DSE_PRINTF(3, 4);

static enum dse_status add_problem(struct check *check, struct dse_err *err, const char *fmt, ...) {
    enum { LONGEST = 512 };
    struct dse_store_report *report = check->report;
    char text[LONGEST];
    va_list args;
    if (report->n_problems == DSE_STORE_PROBLEMS_MAX)
        return DSE_OK;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *copy = dse_arena_strdup(check->arena, text);
    if (copy == NULL)
        return store__fail_memory(check->store, err);
    report->problems[report->n_problems++] = copy;
    return DSE_OK;
}

/* Damage becomes a problem, and the next question is asked; other errors end the check. */
static enum dse_status note_damage(struct check *check, enum dse_status status,
                                   const struct dse_err *why, struct dse_err *err) {
    if (status == DSE_OK)
        return DSE_OK;
    if (status == DSE_INVALID)
        return add_problem(check, err, "%s", why->text);
    return dse_err_set(err, status, "%s", why->text);
}

static void step(struct check *check, const char *phase, int64_t done, int64_t total) {
    if (check->progress != NULL)
        check->progress(check->context, phase, done, total);
}

/* ---- what SQLite knows ---- */

/* One problem a row: its columns one after the other. quiet: a row that says that all is well. */
static enum dse_status list_problems(struct check *check, const char *sql, const char *what,
                                     const char *quiet, struct dse_err *err) {
    sqlite3_stmt *stmt;
    enum dse_status status = DSE_OK;
    int code = sqlite3_prepare_v2(check->store->db, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return store__fail(check->store, code, err);
    while (status == DSE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *first = (const char *)sqlite3_column_text(stmt, 0);
        const char *more =
            sqlite3_column_count(stmt) > 1 ? (const char *)sqlite3_column_text(stmt, 1) : "";
        if (first == NULL || strcmp(first, quiet) != 0)
            status = add_problem(check, err, "%s: %s %s", what, first != NULL ? first : "?",
                                 more != NULL ? more : "");
    }
    if (status == DSE_OK && code != SQLITE_DONE)
        status = store__fail(check->store, code, err);
    (void)sqlite3_finalize(stmt);
    return status;
}

static enum dse_status check_structure(struct check *check, struct dse_err *err) {
    struct dse_err why = {0};
    step(check, "structure", 0, 2);
    DSE_TRY(note_damage(check,
                        list_problems(check, "PRAGMA integrity_check(20)", "structure", "ok", &why),
                        &why, err));
    struct dse_err of_keys = {0};
    step(check, "structure", 1, 2);
    return note_damage(
        check,
        list_problems(check,
                      "SELECT \"table\", 'row ' || coalesce(rowid, '?') || ', of ' ||"
                      " parent FROM pragma_foreign_key_check LIMIT 20",
                      "an orphan", "", &of_keys),
        &of_keys, err);
}

/* ---- the schema ---- */

static enum dse_status has_object(struct check *check, const char *type, const char *name,
                                  int64_t *found, struct dse_err *err) {
    char *sql =
        sqlite3_mprintf("SELECT count(*) FROM sqlite_schema WHERE type=%Q AND name=%Q", type, name);
    if (sql == NULL)
        return store__fail_memory(check->store, err);
    enum dse_status status = store__exec_int64(check->store, sql, found, err);
    sqlite3_free(sql);
    return status;
}

static enum dse_status compare_objects(struct check *check, sqlite3_stmt *expected,
                                       struct dse_err *err) {
    int code;
    while ((code = sqlite3_step(expected)) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(expected, 0);
        const char *name = (const char *)sqlite3_column_text(expected, 1);
        int64_t found = 0;
        if (type == NULL || name == NULL)
            return store__fail_memory(check->store, err);
        DSE_TRY(has_object(check, type, name, &found, err));
        if (found == 0)
            DSE_TRY(add_problem(check, err, "the schema has no %s %s", type, name));
    }
    return code == SQLITE_DONE ? DSE_OK : store__fail_memory(check->store, err);
}

/* Every table, index, view and trigger that a new database has. */
static enum dse_status check_schema(struct check *check, struct dse_err *err) {
    sqlite3 *fresh = NULL;
    sqlite3_stmt *expected = NULL;
    enum dse_status status = DSE_OK;
    bool made = sqlite3_open(":memory:", &fresh) == SQLITE_OK &&
                store__teach_genome_hash(fresh) == SQLITE_OK;
    for (int v = 0; made && v < store__n_migrations; v++)
        made = sqlite3_exec(fresh, store__migrations[v], NULL, NULL, NULL) == SQLITE_OK;
    if (!made || sqlite3_prepare_v2(fresh,
                                    "SELECT type, name FROM sqlite_schema"
                                    " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                                    -1, &expected, NULL) != SQLITE_OK)
        status = store__fail_memory(check->store, err);
    else
        status = compare_objects(check, expected, err);
    (void)sqlite3_finalize(expected);
    (void)sqlite3_close(fresh);
    return status;
}

/* ---- what rows carry ---- */

typedef enum dse_status look_at_row(const struct store__query *query, struct dse_arena *arena,
                                    struct dse_err *err);

static enum dse_status look_at_outcome(const struct store__query *query, struct dse_arena *arena,
                                       struct dse_err *err) {
    struct dse_outcome outcome;
    enum dse_status status = store__read_outcome(query, arena, &outcome, err);
    for (int i = 0; status == DSE_OK && i < outcome.n_cells; i++)
        if (!dse_tally_possible(dse_outcome_cell(&outcome, i), outcome.tally_size))
            status = dse_err_set(err, DSE_INVALID, "the tally of cell %d cannot be", i);
    return status == DSE_OK
               ? DSE_OK
               : dse_err_prefix(err, "evaluation %lld", (long long)store__column_int64(query, 5));
}

static enum dse_status look_at_individual(const struct store__query *query, struct dse_arena *arena,
                                          struct dse_err *err) {
    (void)arena;
    double objectives[DSE_MAX_OBJECTIVES];
    enum dse_result_state state;
    int n = 0;
    const char *text = store__column_text(query, 0);
    if (text == NULL)
        return store__fail_memory(query->store, err);
    bool reads = store__parse_reals(text, objectives, DSE_MAX_OBJECTIVES, &n);
    DSE_TRY(store__column_result(query, 1, &state, err));
    if (!reads || (n > 0) != (state == DSE_RESULT_DONE))
        DSE_FAIL(err, DSE_INVALID, "individual %d.%d of sweep %lld is %s with the objectives %.60s",
                 store__column_int(query, 3), store__column_int(query, 4),
                 (long long)store__column_int64(query, 2), store__result_text(state), text);
    return DSE_OK;
}

static enum dse_status look_at_rows(struct check *check, enum store__statement statement,
                                    look_at_row *look, struct dse_err *err) {
    enum { ROWS_A_STEP = 4096 };
    struct store__query query;
    struct dse_arena arena = {0};
    enum dse_status status = DSE_OK;
    DSE_TRY(store__query_start(&query, check->store, statement, err));
    for (;;) {
        struct dse_err why = {0};
        bool found;
        status = store__query_step(&query, &found, err);
        if (status != DSE_OK || !found)
            break;
        status = note_damage(check, look(&query, &arena, &why), &why, err);
        if (status != DSE_OK)
            break;
        dse_arena_fini(&arena);
        if (check->n_looked_at++ % ROWS_A_STEP == 0)
            step(check, "rows", check->n_looked_at, check->n_rows);
    }
    store__query_end(&query);
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status check_rows(struct check *check, struct dse_err *err) {
    static const struct {
        enum store__statement statement;
        look_at_row *look;
    } kinds[] = {
        {STORE_STATEMENT_CHECK_RESULTS, look_at_outcome},
        {STORE_STATEMENT_CHECK_PARTIALS, look_at_outcome},
        {STORE_STATEMENT_CHECK_INDIVIDUALS, look_at_individual},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct dse_err why = {0};
        enum dse_status status = look_at_rows(check, kinds[i].statement, kinds[i].look, &why);
        DSE_TRY(note_damage(check, status, &why, err));
    }
    return DSE_OK;
}

/* ---- what rows say of each other ---- */

/* Statements that count the rows that should not be. */
static const struct {
    const char *what, *sql;
} contradictions[] = {
    {"results of evaluations that are not done",
     "SELECT count(*) FROM result r LEFT JOIN evaluation e USING (evaluation_id)"
     " WHERE e.state IS NOT 'done'"},
    {"evaluations that are done without a result",
     "SELECT count(*) FROM evaluation e LEFT JOIN result r USING (evaluation_id)"
     " WHERE e.state = 'done' AND r.evaluation_id IS NULL"},
    {"partials of evaluations that are done or unknown",
     "SELECT count(*) FROM partial p LEFT JOIN evaluation e USING (evaluation_id)"
     " WHERE coalesce(e.state, 'done') = 'done'"},
    {"evaluations that no individual has",
     "SELECT count(*) FROM (SELECT evaluation_id FROM evaluation"
     " EXCEPT SELECT evaluation_id FROM individual)"},
    {"evaluations that are not found by their genome",
     "SELECT count(*) FROM evaluation WHERE genome_hash <> genome_hash(genome)"},
    {"evaluations of a genome that its context has already",
     "SELECT count(*) - count(DISTINCT context_id || ' ' || genome) FROM evaluation"
     " WHERE genome_hash IN"
     "  (SELECT genome_hash FROM evaluation GROUP BY genome_hash HAVING count(*) > 1)"},
    {"individuals that are done, unlike their evaluation",
     "SELECT count(*) FROM individual i LEFT JOIN evaluation e USING (evaluation_id)"
     " WHERE i.state = 'done' AND e.state IS NOT 'done'"},
    {"individuals in the front without a feasible result",
     "SELECT count(*) FROM individual"
     " WHERE in_front = 1 AND (state <> 'done' OR violation > 0)"},
    {"sweeps whose counts are not those of their individuals",
     "SELECT count(*) FROM sweep s LEFT JOIN sweep_counts c USING (sweep_id) LEFT JOIN"
     " (SELECT sweep_id, count(*) AS individuals, sum(state <> 'pending') AS measured,"
     "  sum(state = 'failed') AS failures, sum(cached) AS cache_hits, sum(in_front) AS front_size"
     "  FROM individual WHERE generation >= 0 GROUP BY sweep_id) i USING (sweep_id)"
     " WHERE c.sweep_id IS NULL"
     " OR c.individuals <> coalesce(i.individuals, 0) OR c.measured <> coalesce(i.measured, 0)"
     " OR c.failures <> coalesce(i.failures, 0) OR c.cache_hits <> coalesce(i.cache_hits, 0)"
     " OR c.front_size <> coalesce(i.front_size, 0)"},
};

static enum dse_status check_contradictions(struct check *check, struct dse_err *err) {
    int total = sizeof contradictions / sizeof contradictions[0];
    for (int i = 0; i < total; i++) {
        struct dse_err why = {0};
        int64_t rows = 0;
        step(check, "contradictions", i, total);
        enum dse_status status =
            store__exec_int64(check->store, contradictions[i].sql, &rows, &why);
        DSE_TRY(note_damage(check, status, &why, err));
        if (rows > 0)
            DSE_TRY(add_problem(check, err, "%lld %s", (long long)rows, contradictions[i].what));
    }
    return DSE_OK;
}

/* ---- all of it ---- */

static enum dse_status count_rows(struct check *check, struct dse_err *err) {
    struct dse_store_report *report = check->report;
    const struct {
        const char *sql;
        int64_t *rows;
    } counts[] = {
        {"SELECT count(*) FROM sweep", &report->sweeps},
        {"SELECT count(*) FROM individual", &report->individuals},
        {"SELECT count(*) FROM evaluation", &report->evaluations},
        {"SELECT count(*) FROM result", &report->results},
        {"SELECT count(*) FROM partial", &report->partials},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct dse_err why = {0};
        DSE_TRY(note_damage(check,
                            store__exec_int64(check->store, counts[i].sql, counts[i].rows, &why),
                            &why, err));
    }
    check->n_rows = report->individuals + report->results + report->partials;
    return DSE_OK;
}

static enum dse_status look_at_everything(struct check *check, struct dse_err *err) {
    struct dse_err why = {0};
    int64_t pages = 0, page_bytes = 0;
    enum dse_status status = store__read_version(check->store, &check->report->schema, &why);
    if (status != DSE_OK) /* then nothing else can be read */
        return note_damage(check, status, &why, err);
    DSE_TRY(store__exec_int64(check->store, "PRAGMA page_count", &pages, err));
    DSE_TRY(store__exec_int64(check->store, "PRAGMA page_size", &page_bytes, err));
    check->report->bytes = pages * page_bytes;
    DSE_TRY(check_structure(check, err));
    check->report->is_old = check->report->schema < store__n_migrations;
    if (check->report->is_old)
        return DSE_OK;
    int before = check->report->n_problems;
    DSE_TRY(check_schema(check, err));
    if (check->report->n_problems > before)
        return DSE_OK; /* the rest asks tables that may not be there */
    DSE_TRY(count_rows(check, err));
    DSE_TRY(check_rows(check, err));
    return check_contradictions(check, err);
}

enum dse_status dse_store_check(const char *path, dse_store_progress *progress, void *context,
                                struct dse_arena *arena, struct dse_store_report *report,
                                struct dse_err *err) {
    struct dse_store_report found = {0};
    struct check check = {
        .arena = arena, .report = &found, .progress = progress, .context = context};
    DSE_TRY(store__open_to_read(path, &check.store, err));
    check.store->is_checked = true;
    enum dse_status status = look_at_everything(&check, err);
    dse_store_close(check.store);
    if (status == DSE_OK)
        *report = found;
    return status;
}
