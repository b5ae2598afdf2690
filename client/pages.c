/* Individuals of a sweep, a page at a time. */
#include "client/client.h"

/* One page; *query goes on behind it. */
static enum dse_status visit_page(struct client *c, struct dse_msg_individual_query *query,
                                  client__page_visitor *visit, void *context, bool *more,
                                  struct dse_err *err) {
    struct dse_rpc_reply reply;
    int64_t generation = query->generation, slot = query->slot;
    DSE_TRY(client__call(c, DSE_METHOD_individuals, query, &reply, err));
    const struct dse_msg_individual_page *page = reply.result;
    DSE_TRY(visit(context, page, err));
    query->generation = page->next_generation;
    query->slot = page->next_slot;
    *more = page->more;
    if (*more && (query->generation < generation ||
                  (query->generation == generation && query->slot <= slot)))
        DSE_FAIL(err, DSE_PROTOCOL, "the daemon's pages do not go on from %lld.%lld",
                 (long long)generation, (long long)slot);
    return DSE_OK;
}

enum dse_status client__each_page(struct client *c, struct dse_msg_individual_query query,
                                  client__page_visitor *visit, void *context, struct dse_err *err) {
    struct dse_arena of_command = c->arena;
    enum dse_status status = DSE_OK;
    for (bool more = true; status == DSE_OK && more;) {
        c->arena = (struct dse_arena){0};
        status = visit_page(c, &query, visit, context, &more, err);
        dse_arena_fini(&c->arena);
    }
    c->arena = of_command;
    return status;
}
