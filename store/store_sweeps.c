/* Sweeps, their states and counts, and contexts. */
#include "store/store_internal.h"

#include <string.h>

/* ---- states ---- */

static const struct {
    const char *text;
    bool final;
} states[] = {
#define X(name, text, final) [DSE_SWEEP_##name] = {text, final},
    DSE_SWEEP_STATE_TABLE(X)
#undef X
};

enum { N_STATES = sizeof states / sizeof states[0] };

#define TO(name) (1u << DSE_SWEEP_##name)
static const unsigned followers[N_STATES] = {
    [DSE_SWEEP_QUEUED] = TO(RUNNING) | TO(PAUSED) | TO(FAILED) | TO(CANCELLED),
    [DSE_SWEEP_RUNNING] = TO(DONE) | TO(PAUSED) | TO(FAILED) | TO(CANCELLED),
    [DSE_SWEEP_PAUSED] = TO(QUEUED) | TO(RUNNING) | TO(DONE) | TO(FAILED) | TO(CANCELLED),
    [DSE_SWEEP_FAILED] = TO(QUEUED) | TO(RUNNING),
};
#undef TO

const char *dse_sweep_state_text(enum dse_sweep_state state) {
    dse_assert((unsigned)state < N_STATES);
    return states[state].text;
}

bool dse_sweep_state_final(enum dse_sweep_state state) {
    dse_assert((unsigned)state < N_STATES);
    return states[state].final;
}

bool dse_sweep_state_may_follow(enum dse_sweep_state from, enum dse_sweep_state to) {
    dse_assert((unsigned)from < N_STATES && (unsigned)to < N_STATES);
    return (followers[from] & (1u << to)) != 0;
}

static enum dse_status read_state(const struct store__query *query, int column,
                                  enum dse_sweep_state *state, struct dse_err *err) {
    const char *text = store__column_text(query, column);
    if (text == NULL)
        return store__fail_memory(query->store, err);
    for (int i = 0; i < N_STATES; i++)
        if (strcmp(text, states[i].text) == 0) {
            *state = (enum dse_sweep_state)i;
            return DSE_OK;
        }
    return store__fail_damaged(query->store, "unknown state of a sweep", err);
}

/* ---- rows ---- */

enum dse_status dse_store_insert_sweep(struct dse_store *store, const struct dse_sweep_row *row,
                                       int64_t *id, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INSERT_SWEEP, err));
    store__bind_text(&query, row->name);
    store__bind_text(&query, dse_sweep_state_text(row->state));
    store__bind_text(&query, row->reason);
    store__bind_int(&query, (int64_t)row->seed);
    store__bind_text(&query, row->content_hash);
    store__bind_text(&query, row->context_hash);
    store__bind_text(&query, row->source);
    store__bind_text(&query, row->file);
    store__bind_text(&query, row->base_dir);
    store__bind_text(&query, row->canonical);
    store__bind_text(&query, row->spec);
    store__bind_int(&query, row->submitted_at_ms);
    store__bind_int(&query, row->finished_at_ms);
    store__bind_int(&query, row->priority);
    DSE_TRY(store__query_run(&query, NULL, err));
    *id = sqlite3_last_insert_rowid(store->db);
    return DSE_OK;
}

static enum dse_status read_sweep(const struct store__query *query, struct dse_arena *arena,
                                  struct dse_sweep_row *row, struct dse_err *err) {
    struct dse_sweep_row read = {0};
    read.id = store__column_int64(query, 0);
    DSE_TRY(store__column_copy(query, 1, arena, &read.name, err));
    DSE_TRY(read_state(query, 2, &read.state, err));
    DSE_TRY(store__column_copy(query, 3, arena, &read.reason, err));
    read.seed = (uint64_t)store__column_int64(query, 4);
    DSE_TRY(store__column_copy(query, 5, arena, &read.content_hash, err));
    DSE_TRY(store__column_copy(query, 6, arena, &read.context_hash, err));
    DSE_TRY(store__column_copy(query, 7, arena, &read.source, err));
    DSE_TRY(store__column_copy(query, 8, arena, &read.file, err));
    DSE_TRY(store__column_copy(query, 9, arena, &read.base_dir, err));
    DSE_TRY(store__column_copy(query, 10, arena, &read.canonical, err));
    DSE_TRY(store__column_copy(query, 11, arena, &read.spec, err));
    read.submitted_at_ms = store__column_int64(query, 12);
    read.finished_at_ms = store__column_int64(query, 13);
    read.priority = store__column_int64(query, 14);
    *row = read;
    return DSE_OK;
}

static enum dse_status fail_no_sweep(int64_t id, struct dse_err *err) {
    DSE_FAIL(err, DSE_NOT_FOUND, "there is no sweep %lld", (long long)id);
}

enum dse_status dse_store_load_sweep(struct dse_store *store, int64_t id, struct dse_arena *arena,
                                     struct dse_sweep_row *row, struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_SWEEP, err));
    store__bind_int(&query, id);
    DSE_TRY(store__query_step(&query, &found, err));
    enum dse_status status = found ? read_sweep(&query, arena, row, err) : fail_no_sweep(id, err);
    store__query_end(&query);
    return status;
}

/* Ends the query. */
static enum dse_status read_sweeps(struct store__query *query, struct dse_arena *arena,
                                   struct dse_sweep_row **rows, int *n, struct dse_err *err) {
    struct dse_sweep_row *list = NULL;
    int count = 0, capacity = 0;
    for (;;) {
        bool found;
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            break;
        list = store__grown(arena, list, count, &capacity, sizeof *list);
        enum dse_status status = list == NULL ? store__fail_memory(query->store, err)
                                              : read_sweep(query, arena, &list[count], err);
        if (status != DSE_OK) {
            store__query_end(query);
            return status;
        }
        count++;
    }
    store__query_end(query);
    *rows = list;
    *n = count;
    return DSE_OK;
}

enum dse_status dse_store_list_sweeps(struct dse_store *store, struct dse_arena *arena,
                                      struct dse_sweep_row **rows, int *n, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LIST_SWEEPS, err));
    return read_sweeps(&query, arena, rows, n, err);
}

enum dse_status dse_store_list_looks(struct dse_store *store, int64_t sweep_id,
                                     struct dse_arena *arena, struct dse_sweep_row **rows, int *n,
                                     struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LIST_LOOKS, err));
    store__bind_int(&query, sweep_id);
    return read_sweeps(&query, arena, rows, n, err);
}

enum dse_status dse_store_find_sweep(struct dse_store *store, const char *content_hash, int64_t *id,
                                     struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_FIND_SWEEP, err));
    store__bind_text(&query, content_hash);
    DSE_TRY(store__query_step(&query, &found, err));
    if (found)
        *id = store__column_int64(&query, 0);
    store__query_end(&query);
    if (!found)
        DSE_FAIL(err, DSE_NOT_FOUND, "there is no sweep with content %s", content_hash);
    return DSE_OK;
}

static enum dse_status load_state(struct dse_store *store, int64_t id, enum dse_sweep_state *state,
                                  struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_SWEEP_STATE, err));
    store__bind_int(&query, id);
    DSE_TRY(store__query_step(&query, &found, err));
    enum dse_status status = found ? read_state(&query, 0, state, err) : fail_no_sweep(id, err);
    store__query_end(&query);
    return status;
}

enum dse_status dse_store_set_sweep_state(struct dse_store *store, int64_t id,
                                          enum dse_sweep_state state, const char *reason,
                                          int64_t finished_at_ms, struct dse_err *err) {
    struct store__query query;
    enum dse_sweep_state present = DSE_SWEEP_QUEUED;
    DSE_TRY(load_state(store, id, &present, err));
    if (!dse_sweep_state_may_follow(present, state))
        DSE_FAIL(err, DSE_CONFLICT, "sweep %lld is %s and cannot become %s", (long long)id,
                 dse_sweep_state_text(present), dse_sweep_state_text(state));
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_SET_SWEEP_STATE, err));
    store__bind_int(&query, id);
    store__bind_text(&query, dse_sweep_state_text(state));
    store__bind_text(&query, reason);
    store__bind_int(&query, finished_at_ms);
    return store__query_run(&query, NULL, err);
}

enum dse_status dse_store_set_sweep_priority(struct dse_store *store, int64_t id, int64_t priority,
                                             struct dse_err *err) {
    struct store__query query;
    int n_changed;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_SET_SWEEP_PRIORITY, err));
    store__bind_int(&query, id);
    store__bind_int(&query, priority);
    DSE_TRY(store__query_run(&query, &n_changed, err));
    return n_changed == 1 ? DSE_OK : fail_no_sweep(id, err);
}

enum dse_status dse_store_open_sweeps(struct dse_store *store, int64_t *ids, int64_t *priorities,
                                      int most, int *n, struct dse_err *err) {
    struct store__query query;
    int count = 0;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_OPEN_SWEEPS, err));
    store__bind_int(&query, most);
    for (;; count++) {
        bool found;
        DSE_TRY(store__query_step(&query, &found, err));
        if (!found)
            break;
        dse_assert(count < most);
        ids[count] = store__column_int64(&query, 0);
        priorities[count] = store__column_int64(&query, 1);
    }
    store__query_end(&query);
    *n = count;
    return DSE_OK;
}

/* ---- deleting ---- */

/* With the sweep's id or, for what hangs on its evaluations alone, without. */
static const struct {
    enum store__statement statement;
    bool takes_id;
} deletions[] = {
    {STORE_STATEMENT_CLEAR_LONELY, false},
    {STORE_STATEMENT_FIND_LONELY, true},
    {STORE_STATEMENT_DELETE_LONELY_RESULTS, false},
    {STORE_STATEMENT_DELETE_LONELY_RECORDS, false},
    {STORE_STATEMENT_DELETE_LONELY_PARTIALS, false},
    {STORE_STATEMENT_DELETE_LONELY_EVALUATIONS, false},
    {STORE_STATEMENT_DELETE_RETRAININGS_OF_SWEEP, true},
    {STORE_STATEMENT_DELETE_SURVIVORS_OF_SWEEP, true},
    {STORE_STATEMENT_DELETE_INDIVIDUALS_OF_SWEEP, true},
    {STORE_STATEMENT_DELETE_COUNTS_OF_SWEEP, true},
    {STORE_STATEMENT_DELETE_SWEEP, true},
};

static enum dse_status delete_rows(struct dse_store *store, int64_t id,
                                   struct dse_deletion *deletion, struct dse_err *err) {
    struct dse_deletion gone = {0};
    for (size_t i = 0; i < sizeof deletions / sizeof deletions[0]; i++) {
        struct store__query query;
        int n_changed;
        DSE_TRY(store__query_start(&query, store, deletions[i].statement, err));
        if (deletions[i].takes_id)
            store__bind_int(&query, id);
        DSE_TRY(store__query_run(&query, &n_changed, err));
        if (deletions[i].statement == STORE_STATEMENT_DELETE_LONELY_EVALUATIONS)
            gone.evaluations = n_changed;
        if (deletions[i].statement == STORE_STATEMENT_DELETE_INDIVIDUALS_OF_SWEEP)
            gone.individuals = n_changed;
    }
    *deletion = gone;
    return DSE_OK;
}

/* Foreign keys would look for the children of each row in tables that have no index for it; the
 * steps above leave no children. */
enum dse_status dse_store_delete_sweep(struct dse_store *store, int64_t id,
                                       struct dse_deletion *deletion, struct dse_err *err) {
    enum dse_sweep_state present = DSE_SWEEP_QUEUED;
    DSE_TRY(load_state(store, id, &present, err));
    if (!dse_sweep_state_final(present))
        DSE_FAIL(err, DSE_CONFLICT, "sweep %lld is %s; cancel it before it is deleted",
                 (long long)id, dse_sweep_state_text(present));
    if (!sqlite3_get_autocommit(store->db))
        DSE_FAIL(err, DSE_CONFLICT, "%s: a transaction is open", store->path);
    DSE_TRY(store__exec(store,
                        "PRAGMA foreign_keys=OFF;"
                        "CREATE TEMP TABLE IF NOT EXISTS"
                        " lonely(evaluation_id INTEGER PRIMARY KEY)",
                        err));
    enum dse_status status = dse_store_begin(store, err);
    if (status == DSE_OK)
        status = dse_store_finish(store, delete_rows(store, id, deletion, err), err);
    struct dse_err late = {0};
    if (store__exec(store, "PRAGMA foreign_keys=ON", &late) != DSE_OK && status == DSE_OK)
        DSE_FAIL(err, late.code, "%s", late.text);
    return status;
}

enum dse_status dse_store_count_sweep(struct dse_store *store, int64_t id,
                                      struct dse_sweep_counts *counts, struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_COUNT_SWEEP, err));
    store__bind_int(&query, id);
    DSE_TRY(store__query_step(&query, &found, err));
    if (found)
        *counts = (struct dse_sweep_counts){
            .individuals = store__column_int64(&query, 0),
            .measured = store__column_int64(&query, 1),
            .failures = store__column_int64(&query, 2),
            .cache_hits = store__column_int64(&query, 3),
            .front_size = store__column_int64(&query, 4),
            .generation = store__column_int(&query, 5),
        };
    store__query_end(&query);
    return found ? DSE_OK : fail_no_sweep(id, err);
}

/* ---- contexts ---- */

enum dse_status dse_store_put_context(struct dse_store *store, const char *hash,
                                      const char *prepared_json, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_PUT_CONTEXT, err));
    store__bind_text(&query, hash);
    store__bind_text(&query, prepared_json);
    return store__query_run(&query, NULL, err);
}

enum dse_status dse_store_load_context(struct dse_store *store, const char *hash,
                                       struct dse_arena *arena, const char **prepared_json,
                                       struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_CONTEXT, err));
    store__bind_text(&query, hash);
    DSE_TRY(store__query_step(&query, &found, err));
    enum dse_status status =
        found ? store__column_copy(&query, 0, arena, prepared_json, err)
              : dse_err_set(err, DSE_NOT_FOUND, "nothing is known yet of context %s", hash);
    store__query_end(&query);
    return status;
}
