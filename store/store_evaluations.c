/* Evaluations and their partials. */
#include "store/store_internal.h"

#include <string.h>

enum { MAX_CELLS = 1 << 16 }; /* far above 19 corruptions x 5 severities x datasets */

/* ---- evaluations ---- */

static enum dse_status find_evaluation(struct dse_store *store, const char *context_hash,
                                       const char *genome, struct dse_arena *arena,
                                       struct dse_evaluation_row *row, bool *found,
                                       struct dse_err *err) {
    struct store__query query;
    struct dse_evaluation_row read = {0};
    enum dse_status status = DSE_OK;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_FIND_EVALUATION, err));
    store__bind_text(&query, context_hash);
    store__bind_text(&query, genome);
    DSE_TRY(store__query_step(&query, found, err));
    if (!*found)
        goto end;
    read.id = store__column_int64(&query, 0);
    DSE_TRY_GOTO(status, store__column_result(&query, 1, &read.state, err), end);
    DSE_TRY_GOTO(status, store__column_copy(&query, 2, arena, &read.reason, err), end);
    *row = read;
end:
    store__query_end(&query);
    return status;
}

static enum dse_status insert_evaluation(struct dse_store *store, const char *context_hash,
                                         const char *genome, int64_t *id, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INTERN_CONTEXT, err));
    store__bind_text(&query, context_hash);
    DSE_TRY(store__query_run(&query, NULL, err));
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INSERT_EVALUATION, err));
    store__bind_text(&query, context_hash);
    store__bind_text(&query, genome);
    DSE_TRY(store__query_run(&query, NULL, err));
    *id = sqlite3_last_insert_rowid(store->db);
    return DSE_OK;
}

enum dse_status dse_store_ensure_evaluation(struct dse_store *store, const char *context_hash,
                                            const char *genome, struct dse_arena *arena,
                                            struct dse_evaluation_row *row, struct dse_err *err) {
    bool found, own;
    int64_t id = 0;
    DSE_TRY(find_evaluation(store, context_hash, genome, arena, row, &found, err));
    if (found)
        return DSE_OK;
    DSE_TRY(store__enter(store, &own, err));
    enum dse_status status = insert_evaluation(store, context_hash, genome, &id, err);
    DSE_TRY(store__leave(store, own, status, err));
    *row = (struct dse_evaluation_row){.id = id, .state = DSE_RESULT_PENDING, .reason = ""};
    return DSE_OK;
}

static enum dse_status fail_no_evaluation(int64_t id, struct dse_err *err) {
    DSE_FAIL(err, DSE_NOT_FOUND, "there is no evaluation %lld", (long long)id);
}

enum dse_status dse_store_finish_evaluation(struct dse_store *store, int64_t id,
                                            enum dse_result_state state, const char *reason,
                                            struct dse_err *err) {
    struct store__query query;
    int n_changed;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_FINISH_EVALUATION, err));
    store__bind_int(&query, id);
    store__bind_text(&query, store__result_text(state));
    store__bind_text(&query, reason);
    DSE_TRY(store__query_run(&query, &n_changed, err));
    return n_changed == 1 ? DSE_OK : fail_no_evaluation(id, err);
}

/* ---- partials ---- */

/* The last gate before numbers of a worker become a permanent part of results. */
static enum dse_status check_counts(int64_t evaluation_id, int shard, const int64_t *seen,
                                    const int64_t *correct, int n_cells, struct dse_err *err) {
    if (shard < 0 || n_cells < 1 || n_cells > MAX_CELLS)
        DSE_FAIL(err, DSE_INVALID, "partial of evaluation %lld: shard %d with %d cells",
                 (long long)evaluation_id, shard, n_cells);
    for (int i = 0; i < n_cells; i++)
        if (correct[i] < 0 || seen[i] < correct[i])
            DSE_FAIL(err, DSE_INVALID,
                     "partial of evaluation %lld, shard %d: cell %d has %lld correct of %lld seen",
                     (long long)evaluation_id, shard, i, (long long)correct[i], (long long)seen[i]);
    return DSE_OK;
}

enum dse_status dse_store_put_partial(struct dse_store *store, int64_t evaluation_id, int shard,
                                      const int64_t *seen, const int64_t *correct, int n_cells,
                                      struct dse_err *err) {
    struct dse_buf seen_text = {0}, correct_text = {0};
    struct store__query query;
    enum dse_status status;
    DSE_TRY(check_counts(evaluation_id, shard, seen, correct, n_cells, err));
    store__print_integers(seen, n_cells, &seen_text);
    store__print_integers(correct, n_cells, &correct_text);
    DSE_TRY_GOTO(status, dse_buf_status(&seen_text, err), fail_texts);
    DSE_TRY_GOTO(status, dse_buf_status(&correct_text, err), fail_texts);
    DSE_TRY_GOTO(status, store__query_start(&query, store, STORE_STATEMENT_PUT_PARTIAL, err),
                 fail_texts);
    store__bind_int(&query, evaluation_id);
    store__bind_int(&query, shard);
    store__bind_text(&query, seen_text.data);
    store__bind_text(&query, correct_text.data);
    status = store__query_run(&query, NULL, err);
fail_texts:
    dse_buf_fini(&correct_text);
    dse_buf_fini(&seen_text);
    return status;
}

static enum dse_status read_shards(struct store__query *query, bool *have, int n_shards,
                                   struct dse_err *err) {
    for (;;) {
        bool found;
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            return DSE_OK;
        int64_t shard = store__column_int64(query, 0);
        if (shard < 0 || shard >= n_shards)
            return store__fail_damaged(query->store, "a partial of a shard that does not exist",
                                       err);
        have[shard] = true;
    }
}

enum dse_status dse_store_load_shards(struct dse_store *store, int64_t evaluation_id, bool *have,
                                      int n_shards, struct dse_err *err) {
    struct store__query query;
    dse_assert(n_shards >= 0);
    bool *read = dse_alloc((size_t)n_shards, sizeof *read);
    if (read == NULL)
        return store__fail_memory(store, err);
    enum dse_status status = store__query_start(&query, store, STORE_STATEMENT_LOAD_SHARDS, err);
    if (status != DSE_OK)
        goto fail_read;
    store__bind_int(&query, evaluation_id);
    status = read_shards(&query, read, n_shards, err);
    store__query_end(&query);
    if (status == DSE_OK)
        memcpy(have, read, (size_t)n_shards * sizeof *have);
fail_read:
    dse_free(read);
    return status;
}

/* ---- sums ---- */

struct cell_sums {
    int64_t *seen, *correct; /* n_cells */
    int64_t *addend;         /* n_cells */
    int n_cells;
};

static bool add_column(const struct store__query *query, int column, struct cell_sums *sums,
                       int64_t *sum) {
    int n;
    const char *text = store__column_text(query, column);
    if (text == NULL || !store__parse_integers(text, sums->addend, sums->n_cells, &n) ||
        n != sums->n_cells)
        return false;
    for (int i = 0; i < n; i++)
        if (__builtin_add_overflow(sum[i], sums->addend[i], &sum[i]))
            return false;
    return true;
}

static enum dse_status add_partials(struct store__query *query, struct cell_sums *sums,
                                    struct dse_err *err) {
    for (;;) {
        bool found;
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            return DSE_OK;
        if (!add_column(query, 0, sums, sums->seen) || !add_column(query, 1, sums, sums->correct))
            return sqlite3_errcode(query->store->db) == SQLITE_NOMEM
                       ? store__fail_memory(query->store, err)
                       : store__fail_damaged(query->store,
                                             "a partial with other cells than "
                                             "expected",
                                             err);
    }
}

/* Sums over exactly n_cells cells, in the arena; zeros without partials. */
static enum dse_status sum_partials(struct dse_store *store, int64_t evaluation_id,
                                    struct dse_arena *arena, int n_cells, struct cell_sums *sums,
                                    struct dse_err *err) {
    struct store__query query;
    struct cell_sums read = {
        .seen = dse_arena_alloc(arena, (size_t)n_cells, sizeof(int64_t)),
        .correct = dse_arena_alloc(arena, (size_t)n_cells, sizeof(int64_t)),
        .addend = dse_arena_alloc(arena, (size_t)n_cells, sizeof(int64_t)),
        .n_cells = n_cells,
    };
    if (read.seen == NULL || read.correct == NULL || read.addend == NULL)
        return store__fail_memory(store, err);
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_PARTIALS, err));
    store__bind_int(&query, evaluation_id);
    enum dse_status status = add_partials(&query, &read, err);
    store__query_end(&query);
    if (status == DSE_OK)
        *sums = read;
    return status;
}

enum dse_status dse_store_sum_partials(struct dse_store *store, int64_t evaluation_id,
                                       int64_t *seen, int64_t *correct, int n_cells,
                                       struct dse_err *err) {
    struct dse_arena arena = {0};
    struct cell_sums sums;
    dse_assert(n_cells >= 0);
    enum dse_status status = sum_partials(store, evaluation_id, &arena, n_cells, &sums, err);
    if (status == DSE_OK) {
        memcpy(seen, sums.seen, (size_t)n_cells * sizeof *seen);
        memcpy(correct, sums.correct, (size_t)n_cells * sizeof *correct);
    }
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status count_cells(struct dse_store *store, int64_t evaluation_id, int *n_cells,
                                   struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_COUNT_CELLS, err));
    store__bind_int(&query, evaluation_id);
    DSE_TRY(store__query_step(&query, &found, err));
    int64_t n = found ? store__column_int64(&query, 0) : 0;
    store__query_end(&query);
    if (n < 0 || n > MAX_CELLS)
        return store__fail_damaged(store, "a partial with too many cells", err);
    *n_cells = (int)n;
    return DSE_OK;
}

enum dse_status store__sum_cells(struct dse_store *store, int64_t evaluation_id,
                                 struct dse_arena *arena, int64_t **seen, int64_t **correct,
                                 int *n_cells, struct dse_err *err) {
    struct cell_sums sums;
    DSE_TRY(count_cells(store, evaluation_id, n_cells, err));
    DSE_TRY(sum_partials(store, evaluation_id, arena, *n_cells, &sums, err));
    *seen = sums.seen;
    *correct = sums.correct;
    return DSE_OK;
}
