/* A front, which comes in parts: gathered, or printed as one JSON object part by part. */
#include <string.h>

#include "client/client.h"

/* Where to go on; the query borrows it. */
struct place {
    char after[64];
};

/* The next part; *query goes on behind it. *more: is there another one? */
static enum dse_status ask_for_part(struct client *c, struct dse_msg_front_query *query,
                                    struct place *place, struct dse_rpc_reply *reply, bool *more,
                                    struct dse_err *err) {
    DSE_TRY(client__call(c, DSE_METHOD_front, query, reply, err));
    const char *next = ((const struct dse_msg_front *)reply->result)->next;
    *more = next != NULL;
    if (next == NULL)
        return DSE_OK;
    if (strlen(next) >= sizeof place->after ||
        (query->after != NULL && strcmp(next, query->after) == 0))
        DSE_FAIL(err, DSE_PROTOCOL, "the daemon's parts of a front do not go on behind %.40s",
                 next);
    memcpy(place->after, next, strlen(next) + 1);
    query->after = place->after;
    return DSE_OK;
}

/* Appends the members of a part; the array grows by doubling. */
static enum dse_status append_part(struct client *c, struct dse_msg_front *whole, int *capacity,
                                   const struct dse_msg_front *part, struct dse_err *err) {
    int n = whole->members_n + part->members_n;
    if (n > *capacity) {
        int larger = n > 2 * *capacity ? n : 2 * *capacity;
        struct dse_msg_individual *grown =
            dse_arena_alloc(&c->arena, (size_t)larger, sizeof *grown);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front of %d", n);
        if (whole->members_n > 0)
            memcpy(grown, whole->members, (size_t)whole->members_n * sizeof *grown);
        whole->members = grown;
        *capacity = larger;
    }
    if (part->members_n > 0)
        memcpy((struct dse_msg_individual *)(uintptr_t)whole->members + whole->members_n,
               part->members, (size_t)part->members_n * sizeof *part->members);
    whole->members_n = n;
    return DSE_OK;
}

enum dse_status client__load_front(struct client *c, struct dse_msg_front_query query,
                                   const struct dse_msg_front **front, struct dse_err *err) {
    struct dse_rpc_reply reply;
    struct place place;
    bool more = false;
    DSE_TRY(ask_for_part(c, &query, &place, &reply, &more, err));
    *front = reply.result;
    if (!more)
        return DSE_OK;
    struct dse_msg_front *whole = dse_arena_alloc(&c->arena, 1, sizeof *whole);
    if (whole == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front");
    int capacity = 0;
    *whole = *(const struct dse_msg_front *)reply.result;
    whole->members_n = 0;
    DSE_TRY(append_part(c, whole, &capacity, reply.result, err));
    while (more) {
        DSE_TRY(ask_for_part(c, &query, &place, &reply, &more, err));
        DSE_TRY(append_part(c, whole, &capacity, reply.result, err));
    }
    whole->total = whole->members_n;
    whole->next = NULL;
    *front = whole;
    return DSE_OK;
}

/* ---- as JSON ---- */

static enum dse_status put_head(const struct dse_msg_front *front, struct dse_buf *out,
                                struct dse_err *err) {
    dse_buf_puts(out, "{\"sweep\":");
    DSE_TRY(dse_record_encode(DSE_RECORD_sweep, front->sweep, out, err));
    dse_buf_puts(out, ",\"objectives\":[");
    for (int i = 0; i < front->objectives_n; i++) {
        dse_buf_puts(out, i > 0 ? "," : "");
        DSE_TRY(dse_record_encode(DSE_RECORD_objective, &front->objectives[i], out, err));
    }
    if (front->baseline != NULL) {
        dse_buf_puts(out, "],\"baseline\":");
        DSE_TRY(dse_record_encode(DSE_RECORD_individual, front->baseline, out, err));
        dse_buf_puts(out, ",\"members\":[");
    } else {
        dse_buf_puts(out, "],\"members\":[");
    }
    return DSE_OK;
}

static enum dse_status put_members(const struct dse_msg_front *front, bool first,
                                   struct dse_err *err) {
    struct dse_buf out = {0};
    enum dse_status status = first ? put_head(front, &out, err) : DSE_OK;
    for (int i = 0; status == DSE_OK && i < front->members_n; i++) {
        dse_buf_puts(&out, first && i == 0 ? "" : ",");
        status = dse_record_encode(DSE_RECORD_individual, &front->members[i], &out, err);
    }
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}

static enum dse_status put_end(int64_t total, struct dse_err *err) {
    struct dse_buf out = {0};
    dse_buf_printf(&out, "],\"total\":%lld}\n", (long long)total);
    return dse_console_put(&out, err);
}

/* One part, whose memory is given back. */
static enum dse_status put_part(struct client *c, struct dse_msg_front_query *query,
                                struct place *place, int64_t *total, bool *more,
                                struct dse_err *err) {
    struct dse_rpc_reply reply;
    bool first = query->after == NULL;
    DSE_TRY(ask_for_part(c, query, place, &reply, more, err));
    const struct dse_msg_front *front = reply.result;
    *total += front->members_n;
    if (first && !*more)
        return client__put_json(&reply, err);
    DSE_TRY(put_members(front, first, err));
    return *more ? DSE_OK : put_end(*total, err);
}

enum dse_status client__put_front_json(struct client *c, struct dse_msg_front_query query,
                                       struct dse_err *err) {
    struct dse_arena of_command = c->arena;
    enum dse_status status = DSE_OK;
    struct place place;
    int64_t total = 0;
    for (bool more = true; status == DSE_OK && more;) {
        c->arena = (struct dse_arena){0};
        status = put_part(c, &query, &place, &total, &more, err);
        dse_arena_fini(&c->arena);
    }
    c->arena = of_command;
    return status;
}
