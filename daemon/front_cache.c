/* One front at a time. What can change one changes the counts of its sweep, too. */
#include "daemon/front_cache.h"

static bool is_current(const struct dse_front_cache *cache, const struct dse_sweep_row *sweep,
                       const struct dse_sweep_counts *counts) {
    return cache->list != NULL && cache->sweep_id == sweep->id &&
           cache->submitted_at_ms == sweep->submitted_at_ms &&
           cache->counts.individuals == counts->individuals &&
           cache->counts.measured == counts->measured &&
           cache->counts.front_size == counts->front_size;
}

enum dse_status dse_front_cache_get(struct dse_front_cache *cache, struct dse_store *store,
                                    const struct dse_sweep_row *sweep,
                                    const struct dse_space *space, struct dse_front_list **list,
                                    struct dse_err *err) {
    struct dse_sweep_counts counts;
    DSE_TRY(dse_store_count_sweep(store, sweep->id, &counts, err));
    if (!is_current(cache, sweep, &counts)) {
        dse_front_cache_fini(cache);
        DSE_TRY(dse_front_list_load(store, sweep->id, space, &cache->list, err));
        cache->sweep_id = sweep->id;
        cache->submitted_at_ms = sweep->submitted_at_ms;
        cache->counts = counts;
    }
    *list = cache->list;
    return DSE_OK;
}

void dse_front_cache_put_take(struct dse_front_cache *cache, struct dse_store *store,
                              int64_t sweep_id, struct dse_front_list *list) {
    struct dse_arena arena = {0};
    struct dse_sweep_row row;
    struct dse_sweep_counts counts;
    struct dse_err err = {0};
    dse_front_cache_fini(cache);
    if (dse_store_load_sweep(store, sweep_id, &arena, &row, &err) == DSE_OK &&
        dse_store_count_sweep(store, sweep_id, &counts, &err) == DSE_OK)
        *cache = (struct dse_front_cache){sweep_id, row.submitted_at_ms, counts, list};
    else
        dse_front_list_free(list); /* it will be read from the rows */
    dse_arena_fini(&arena);
}

void dse_front_cache_fini(struct dse_front_cache *cache) {
    dse_front_list_free(cache->list);
    *cache = (struct dse_front_cache){0};
}
