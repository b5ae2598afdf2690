/* Retrainings of individuals, texts that the store does not look into. */
#include "store/store_internal.h"

enum dse_status dse_store_put_retraining(struct dse_store *store, int64_t sweep_id, int generation,
                                         int slot, const char *settings, const char *result,
                                         struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_PUT_RETRAINING, err));
    store__bind_int(&query, sweep_id);
    store__bind_int(&query, generation);
    store__bind_int(&query, slot);
    store__bind_text(&query, settings);
    store__bind_text(&query, result);
    return store__query_run(&query, NULL, err);
}

static enum dse_status read_results(struct store__query *query, struct dse_arena *arena,
                                    const char ***results, int *n, struct dse_err *err) {
    int capacity = 0;
    bool found = true;
    for (*n = 0;; (*n)++) {
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            return DSE_OK;
        *results = store__grown(arena, *results, *n, &capacity, sizeof **results);
        if (*results == NULL)
            return store__fail_memory(query->store, err);
        DSE_TRY(store__column_copy(query, 0, arena, &(*results)[*n], err));
    }
}

enum dse_status dse_store_list_retrainings(struct dse_store *store, int64_t sweep_id,
                                           struct dse_arena *arena, const char ***results, int *n,
                                           struct dse_err *err) {
    struct store__query query;
    const char **read = NULL;
    int n_read = 0;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LIST_RETRAININGS, err));
    store__bind_int(&query, sweep_id);
    enum dse_status status = read_results(&query, arena, &read, &n_read, err);
    store__query_end(&query);
    if (status != DSE_OK)
        return status;
    *results = read;
    *n = n_read;
    return DSE_OK;
}
