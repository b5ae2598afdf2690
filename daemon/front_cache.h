/* The front in order of the sweep last asked for that nobody explores: it would take a while to
 * read a large one for every page. */
#ifndef DSE_DAEMON_FRONT_CACHE_H
#define DSE_DAEMON_FRONT_CACHE_H

#include "daemon/explorer/explorer.h"
#include "store/store.h"

/* All zeros: empty. */
struct dse_front_cache {
    int64_t sweep_id, submitted_at_ms;
    struct dse_sweep_counts counts;
    struct dse_front_list *list; /* NULL: none */
};
/* Of the sweep as its rows have it now. Borrowed until the next call. */
DSE_MUST_USE enum dse_status dse_front_cache_get(struct dse_front_cache *cache,
                                                 struct dse_store *store,
                                                 const struct dse_sweep_row *sweep,
                                                 const struct dse_space *space,
                                                 struct dse_front_list **list, struct dse_err *err);
/* Keeps a list that is that of the sweep's rows; it is the cache's from here on. */
void dse_front_cache_put_take(struct dse_front_cache *cache, struct dse_store *store,
                              int64_t sweep_id, struct dse_front_list *list);
void dse_front_cache_fini(struct dse_front_cache *cache);

#endif
