/* The commands that are a question and an answer. */
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what they share ---- */

enum dse_status client__put_json(const struct dse_rpc_reply *reply, struct dse_err *err) {
    struct dse_buf line = {0};
    dse_buf_printf(&line, "%s\n", reply->result_json);
    return dse_console_put(&line, err);
}

enum dse_status client__parse_id(const char *text, int64_t *out, struct dse_err *err) {
    char *end;
    errno = 0;
    long long id = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || id < 1)
        DSE_FAIL(err, DSE_USAGE, "\"%.60s\" is not the id of a sweep; pareto list shows them",
                 text);
    *out = id;
    return DSE_OK;
}

enum dse_status client__sweep_of(struct client *c, const char *operand, int64_t *sweep,
                                 struct dse_err *err) {
    if (operand != NULL)
        return client__parse_id(operand, sweep, err);
    static const struct dse_msg_empty nothing;
    struct dse_rpc_reply reply;
    DSE_TRY(client__call(c, DSE_METHOD_list, &nothing, &reply, err));
    const struct dse_msg_sweep_list *list = reply.result;
    for (int i = list->sweeps_n; i > 0; i--)
        if (list->sweeps[i - 1].reevaluates == 0) {
            *sweep = list->sweeps[i - 1].sweep;
            return DSE_OK;
        }
    DSE_FAIL(err, DSE_NOT_FOUND, "there is no sweep yet; pareto submit FILE makes one");
}

bool client__sweep_has_ended(const struct dse_msg_sweep *sweep) {
    return strcmp(sweep->state, "done") == 0 || strcmp(sweep->state, "failed") == 0 ||
           strcmp(sweep->state, "cancelled") == 0;
}

enum dse_status client__ask_about_sweep(struct client *c, enum dse_method method,
                                        struct dse_rpc_reply *reply, struct dse_err *err) {
    struct dse_msg_sweep_id id = {0};
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &id.sweep, err));
    return client__call(c, method, &id, reply, err);
}

/* ---- ping, submit ---- */

enum dse_status client__command_ping(struct client *c, struct dse_err *err) {
    static const struct dse_msg_empty nothing;
    struct dse_rpc_reply reply;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__call(c, DSE_METHOD_hello, &nothing, &reply, err));
    if (c->options.json)
        return client__put_json(&reply, err);
    const struct dse_msg_hello *hello = reply.result;
    struct dse_buf out = {0};
    dse_buf_printf(&out, "paretod %s (protocol %lld), process %lld, %lld worker%s, state in %s\n",
                   dse_console_clean(&c->arena, hello->version), (long long)hello->protocol,
                   (long long)hello->pid, (long long)hello->workers, hello->workers == 1 ? "" : "s",
                   dse_console_clean(&c->arena, hello->state_dir));
    return dse_console_put(&out, err);
}

enum dse_status client__command_submit(struct client *c, struct dse_err *err) {
    struct dse_msg_workload_text workload;
    struct dse_rpc_reply reply;
    DSE_TRY(client__workload_read(c, c->options.operands[0], &workload, err));
    workload.reuse = c->options.reuse;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__call(c, DSE_METHOD_submit, &workload, &reply, err));
    if (c->options.json)
        return client__put_json(&reply, err);
    const struct dse_msg_sweep *sweep = reply.result;
    struct dse_buf out = {0};
    dse_buf_printf(&out, "sweep %lld (%s) is %s; follow it with: pareto watch %lld\n",
                   (long long)sweep->sweep, dse_console_clean(&c->arena, sweep->name),
                   sweep->reused
                       ? dse_console_printf(&c->arena, "an existing one, %s", sweep->state)
                       : sweep->state,
                   (long long)sweep->sweep);
    return dse_console_put(&out, err);
}

/* ---- list ---- */

static void fill_sweep_row(struct client *c, struct dse_console_table *table, int row,
                           const struct dse_msg_sweep *sweep) {
    struct dse_arena *arena = &c->arena;
    int64_t reached = sweep->generation + 1;
    reached = reached > sweep->generations ? sweep->generations : reached;
    dse_console_table_set(table, row, 0,
                          dse_console_printf(arena, "%lld", (long long)sweep->sweep));
    dse_console_table_set(table, row, 1, dse_console_clean(arena, sweep->name));
    dse_console_table_set(table, row, 2, dse_console_clean(arena, sweep->state));
    dse_console_table_set(table, row, 3,
                          dse_console_printf(arena, "%.0f %%", sweep->progress * 100));
    dse_console_table_set(
        table, row, 4,
        dse_console_printf(arena, "%lld/%lld", (long long)reached, (long long)sweep->generations));
    dse_console_table_set(table, row, 5, dse_console_count_text(arena, sweep->evaluations));
    dse_console_table_set(table, row, 6, dse_console_count_text(arena, sweep->front_size));
    dse_console_table_set(table, row, 7, dse_console_date_text(arena, sweep->submitted_at_ms));
}

enum dse_status client__command_list(struct client *c, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "sweep"},
        {.header = "name", .is_left = true, .may_shrink = true},
        {.header = "state", .is_left = true},
        {.header = "done"},
        {.header = "gener-\nation", .drop_order = 2},
        {.header = "evalu-\nations", .drop_order = 3},
        {.header = "front", .drop_order = 1},
        {.header = "submitted", .is_left = true, .drop_order = 4},
    };
    static const struct dse_msg_empty nothing;
    struct dse_rpc_reply reply;
    struct dse_console_table table;
    struct dse_buf out = {0};
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__call(c, DSE_METHOD_list, &nothing, &reply, err));
    if (c->options.json)
        return client__put_json(&reply, err);
    const struct dse_msg_sweep_list *list = reply.result;
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   list->sweeps_n, &c->arena, err));
    for (int i = 0; i < list->sweeps_n; i++)
        fill_sweep_row(c, &table, i, &list->sweeps[i]);
    if (list->sweeps_n == 0)
        dse_buf_puts(&out, "No sweeps yet. pareto submit FILE makes one.\n");
    else
        dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, &out);
    return dse_console_put(&out, err);
}

/* ---- status ---- */

static void print_status(struct client *c, const struct dse_msg_sweep *sweep, struct dse_buf *out) {
    struct dse_arena *arena = &c->arena;
    dse_buf_printf(out, "sweep         %lld (%s)\n", (long long)sweep->sweep,
                   dse_console_clean(arena, sweep->name));
    dse_buf_printf(out, "state         %s%s%s\n", dse_console_clean(arena, sweep->state),
                   sweep->reason[0] != '\0' ? ": " : "", dse_console_clean(arena, sweep->reason));
    if (sweep->phase != NULL && sweep->phase[0] != '\0')
        dse_buf_printf(out, "phase         %s\n", dse_console_clean(arena, sweep->phase));
    dse_buf_printf(out, "progress      %.1f %%", sweep->progress * 100);
    if (sweep->remaining_s >= 0 && !client__sweep_has_ended(sweep))
        dse_buf_printf(out, ", about %s left",
                       dse_console_duration_text(arena, sweep->remaining_s));
    if (sweep->generation < 0)
        dse_buf_printf(out, "\ngeneration    baseline (of %lld generations)\n",
                       (long long)sweep->generations);
    else
        dse_buf_printf(out, "\ngeneration    %lld of %lld, population %s\n",
                       (long long)(sweep->generation < sweep->generations ? sweep->generation + 1
                                                                          : sweep->generations),
                       (long long)sweep->generations,
                       dse_console_count_text(arena, sweep->population));
    dse_buf_printf(out, "individuals   %s, %s with a result, %s failed\n",
                   dse_console_count_text(arena, sweep->individuals),
                   dse_console_count_text(arena, sweep->measured),
                   dse_console_count_text(arena, sweep->failures));
    dse_buf_printf(out, "evaluations   %s computed",
                   dse_console_count_text(arena, sweep->evaluations));
    if (!client__sweep_has_ended(sweep))
        dse_buf_printf(out, " (%.1f/s)", sweep->evaluations_per_s);
    dse_buf_printf(out, ", %s found in the store\n",
                   dse_console_count_text(arena, sweep->cache_hits));
    dse_buf_printf(out, "front         %s individuals\n",
                   dse_console_count_text(arena, sweep->front_size));
    if (sweep->hypervolume > 0)
        dse_buf_printf(out, "hypervolume   %.6f\n", sweep->hypervolume);
    dse_buf_printf(out, "seed          %lld\ncontent       %s\nsubmitted     %s\n",
                   (long long)sweep->seed, dse_console_clean(arena, sweep->content_hash),
                   dse_console_date_text(arena, sweep->submitted_at_ms));
    if (sweep->finished_at_ms > 0)
        dse_buf_printf(out, "finished      %s\n",
                       dse_console_date_text(arena, sweep->finished_at_ms));
}

enum dse_status client__command_status(struct client *c, struct dse_err *err) {
    struct dse_rpc_reply reply;
    struct dse_buf out = {0};
    DSE_TRY(client__ask_about_sweep(c, DSE_METHOD_status, &reply, err));
    if (c->options.json)
        return client__put_json(&reply, err);
    print_status(c, reply.result, &out);
    return dse_console_put(&out, err);
}

/* ---- dump ---- */

/* One generation: printed, or kept for the hash. */
static enum dse_status take_dump_part(struct client *c, const struct dse_rpc_reply *reply,
                                      struct dse_buf *kept, struct dse_err *err) {
    const struct dse_msg_dump_part *part = reply->result;
    if (c->options.json)
        return client__put_json(reply, err);
    dse_buf_puts(kept, part->text);
    return c->options.sha256 ? dse_buf_status(kept, err) : dse_console_put(kept, err);
}

static enum dse_status dump_generations(struct client *c, int64_t sweep, struct dse_buf *kept,
                                        struct dse_err *err) {
    enum { FIRST = -1, NO_MORE = -2 };
    struct dse_msg_generation_id ask = {.sweep = sweep, .generation = FIRST};
    while (ask.generation != NO_MORE) {
        struct dse_rpc_reply reply;
        DSE_TRY(client__call(c, DSE_METHOD_dump, &ask, &reply, err));
        DSE_TRY(take_dump_part(c, &reply, kept, err));
        int64_t next = ((const struct dse_msg_dump_part *)reply.result)->next;
        if (next != NO_MORE && next <= ask.generation)
            DSE_FAIL(err, DSE_PROTOCOL, "the daemon's dump goes back from generation %lld to %lld",
                     (long long)ask.generation, (long long)next);
        ask.generation = next;
        dse_arena_fini(&c->arena);
    }
    return DSE_OK;
}

enum dse_status client__command_dump(struct client *c, struct dse_err *err) {
    int64_t sweep;
    char hash[DSE_SHA256_HEX];
    struct dse_buf kept = {0};
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &sweep, err));
    enum dse_status status = dump_generations(c, sweep, &kept, err);
    if (status == DSE_OK && c->options.sha256) {
        status = dse_sha256_bytes(dse_buf_text(&kept), kept.size, hash, err);
        dse_buf_reset(&kept);
        if (status == DSE_OK) {
            dse_buf_printf(&kept, "%s\n", hash);
            status = dse_console_put(&kept, err);
        }
    }
    dse_buf_fini(&kept);
    return status;
}
