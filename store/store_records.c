/* Records of early exits: bytes a shard, which the store does not look into. */
#include "store/store_internal.h"

#include <string.h>

enum dse_status dse_store_put_records(struct dse_store *store, int64_t evaluation_id, int shard,
                                      const void *bytes, size_t size, struct dse_err *err) {
    enum { MAX_BYTES = 256 << 20 };
    struct store__query query;
    if (size == 0 || size > MAX_BYTES)
        DSE_FAIL(err, DSE_INVALID, "records of %zu bytes", size);
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_PUT_RECORDS, err));
    store__bind_int(&query, evaluation_id);
    store__bind_int(&query, shard);
    store__bind_blob(&query, bytes, size);
    return store__query_run(&query, NULL, err);
}

/* A list, in the arena, while its length is not known. */
struct link {
    struct dse_store_bytes shard;
    struct link *next;
};

static enum dse_status read_shard(struct store__query *query, struct dse_arena *arena,
                                  struct link **link, struct dse_err *err) {
    size_t size;
    const void *bytes = store__column_blob(query, 0, &size);
    struct link *made = dse_arena_alloc(arena, 1, sizeof *made);
    uint8_t *copy = dse_arena_alloc(arena, size, 1);
    if (bytes == NULL || made == NULL || copy == NULL)
        return store__fail_memory(query->store, err);
    memcpy(copy, bytes, size);
    made->shard = (struct dse_store_bytes){copy, size};
    *link = made;
    return DSE_OK;
}

static enum dse_status read_shards(struct store__query *query, struct dse_arena *arena,
                                   struct link **first, int *n, struct dse_err *err) {
    struct link **end = first;
    bool found = true;
    for (*n = 0;; (*n)++) {
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            return DSE_OK;
        DSE_TRY(read_shard(query, arena, end, err));
        end = &(*end)->next;
    }
}

enum dse_status dse_store_load_records(struct dse_store *store, int64_t evaluation_id,
                                       struct dse_arena *arena, struct dse_store_bytes **shards,
                                       int *n, struct dse_err *err) {
    struct store__query query;
    struct link *first = NULL;
    int n_read = 0;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_RECORDS, err));
    store__bind_int(&query, evaluation_id);
    enum dse_status status = read_shards(&query, arena, &first, &n_read, err);
    store__query_end(&query);
    if (status != DSE_OK)
        return status;
    struct dse_store_bytes *read = dse_arena_alloc(arena, (size_t)n_read, sizeof *read);
    if (read == NULL)
        return store__fail_memory(store, err);
    for (int i = 0; i < n_read; i++, first = first->next)
        read[i] = first->shard;
    *shards = read;
    *n = n_read;
    return DSE_OK;
}
