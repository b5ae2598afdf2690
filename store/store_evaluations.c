/* Evaluations, and which shards of them are known. */
#include "store/store_internal.h"

#include <string.h>

/* ---- evaluations ---- */

/* Is this the evaluation of the genome? */
static enum dse_status look_at(struct dse_store *store, int64_t id, const char *context_hash,
                               const char *genome, struct dse_arena *arena,
                               struct dse_evaluation_row *row, bool *found, struct dse_err *err) {
    struct store__query query;
    struct dse_evaluation_row read = {.id = id};
    enum dse_status status = DSE_OK;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_FIND_EVALUATION, err));
    store__bind_int(&query, id);
    store__bind_text(&query, context_hash);
    store__bind_text(&query, genome);
    DSE_TRY(store__query_step(&query, found, err));
    if (!*found)
        goto end;
    DSE_TRY_GOTO(status, store__column_result(&query, 0, &read.state, err), end);
    DSE_TRY_GOTO(status, store__column_copy(&query, 1, arena, &read.reason, err), end);
    *row = read;
end:
    store__query_end(&query);
    return status;
}

static enum dse_status find_evaluation(struct dse_store *store, const char *context_hash,
                                       const char *genome, int64_t genome_hash,
                                       struct dse_arena *arena, struct dse_evaluation_row *row,
                                       bool *found, struct dse_err *err) {
    size_t place = 0;
    int64_t id;
    *found = false;
    DSE_TRY(store__known_read(store, err));
    while (!*found && (id = store__known_next(store, genome_hash, &place)) != 0)
        DSE_TRY(look_at(store, id, context_hash, genome, arena, row, found, err));
    return DSE_OK;
}

static enum dse_status insert_evaluation(struct dse_store *store, const char *context_hash,
                                         const char *genome, int64_t genome_hash, int64_t *id,
                                         struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INTERN_CONTEXT, err));
    store__bind_text(&query, context_hash);
    DSE_TRY(store__query_run(&query, NULL, err));
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INSERT_EVALUATION, err));
    store__bind_text(&query, context_hash);
    store__bind_text(&query, genome);
    store__bind_int(&query, genome_hash);
    DSE_TRY(store__query_run(&query, NULL, err));
    *id = sqlite3_last_insert_rowid(store->db);
    return store__known_add(store, genome_hash, *id, err);
}

enum dse_status dse_store_ensure_evaluation(struct dse_store *store, const char *context_hash,
                                            const char *genome, struct dse_arena *arena,
                                            struct dse_evaluation_row *row, struct dse_err *err) {
    bool found, own;
    int64_t id = 0, hash = store__hash_genome(genome);
    DSE_TRY(find_evaluation(store, context_hash, genome, hash, arena, row, &found, err));
    if (found)
        return DSE_OK;
    DSE_TRY(store__enter(store, &own, err));
    enum dse_status status = insert_evaluation(store, context_hash, genome, hash, &id, err);
    DSE_TRY(store__leave(store, own, status, err));
    *row = (struct dse_evaluation_row){.id = id, .state = DSE_RESULT_PENDING, .reason = ""};
    return DSE_OK;
}

static enum dse_status fail_no_evaluation(int64_t id, struct dse_err *err) {
    DSE_FAIL(err, DSE_NOT_FOUND, "there is no evaluation %lld", (long long)id);
}

static enum dse_status write_state(struct dse_store *store, int64_t id, enum dse_result_state state,
                                   const char *reason, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_FINISH_EVALUATION, err));
    store__bind_int(&query, id);
    store__bind_text(&query, store__result_text(state));
    store__bind_text(&query, reason);
    return store__query_run(&query, NULL, err);
}

enum dse_status store__is_done(struct dse_store *store, int64_t id, bool *done,
                               struct dse_err *err) {
    struct store__query query;
    enum dse_result_state state;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_EVALUATION_STATE, err));
    store__bind_int(&query, id);
    DSE_TRY(store__query_step(&query, &found, err));
    enum dse_status status =
        found ? store__column_result(&query, 0, &state, err) : fail_no_evaluation(id, err);
    store__query_end(&query);
    if (status == DSE_OK)
        *done = state == DSE_RESULT_DONE;
    return status;
}

static enum dse_status finish(struct dse_store *store, int64_t id, enum dse_result_state state,
                              const char *reason, struct dse_err *err) {
    bool done = false;
    DSE_TRY(store__is_done(store, id, &done, err));
    if (done)
        return DSE_OK;
    if (state == DSE_RESULT_DONE)
        DSE_TRY(store__sum_up(store, id, err));
    return write_state(store, id, state, reason, err);
}

enum dse_status dse_store_finish_evaluation(struct dse_store *store, int64_t id,
                                            enum dse_result_state state, const char *reason,
                                            struct dse_err *err) {
    bool own;
    DSE_TRY(store__enter(store, &own, err));
    return store__leave(store, own, finish(store, id, state, reason, err), err);
}

/* ---- shards ---- */

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
