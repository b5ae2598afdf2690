/* The commands that change what the daemon does: pause, resume, cancel, delete, priority; and
 * workers, which shows who does it. */
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- one word about a sweep ---- */

/* "sweep 3 (name) is paused; what follows" for people, else the record. */
static enum dse_status say_state(struct client *c, const struct dse_rpc_reply *reply,
                                 const char *rest, struct dse_err *err) {
    const struct dse_msg_sweep *sweep = reply->result;
    struct dse_buf out = {0};
    if (c->options.json)
        return client__put_json(reply, err);
    dse_buf_printf(&out, "sweep %lld (%s) is %s; %s\n", (long long)sweep->sweep,
                   dse_console_clean(&c->arena, sweep->name),
                   dse_console_clean(&c->arena, sweep->state), rest);
    return dse_console_put(&out, err);
}

enum dse_status client__command_cancel(struct client *c, struct dse_err *err) {
    struct dse_rpc_reply reply;
    DSE_TRY(client__ask_about_sweep(c, DSE_METHOD_cancel, &reply, err));
    const struct dse_msg_sweep *sweep = reply.result;
    return say_state(c, &reply,
                     dse_console_printf(&c->arena, "%s individuals stay",
                                        dse_console_count_text(&c->arena, sweep->individuals)),
                     err);
}

enum dse_status client__command_pause(struct client *c, struct dse_err *err) {
    struct dse_rpc_reply reply;
    DSE_TRY(client__ask_about_sweep(c, DSE_METHOD_pause, &reply, err));
    const struct dse_msg_sweep *sweep = reply.result;
    return say_state(
        c, &reply,
        dse_console_printf(&c->arena, "go on with: pareto resume %lld", (long long)sweep->sweep),
        err);
}

enum dse_status client__command_resume(struct client *c, struct dse_err *err) {
    struct dse_rpc_reply reply;
    DSE_TRY(client__ask_about_sweep(c, DSE_METHOD_resume, &reply, err));
    const struct dse_msg_sweep *sweep = reply.result;
    return say_state(
        c, &reply,
        dse_console_printf(&c->arena, "follow it with: pareto watch %lld", (long long)sweep->sweep),
        err);
}

/* ---- priority ---- */

static enum dse_status parse_priority(const char *text, int64_t *out, struct dse_err *err) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        DSE_FAIL(err, DSE_USAGE, "\"%.60s\" is not a priority: a whole number, greater is earlier",
                 text);
    *out = number;
    return DSE_OK;
}

enum dse_status client__command_priority(struct client *c, struct dse_err *err) {
    const struct client__options *options = &c->options;
    bool names_sweep = options->n_operands > 1;
    struct dse_msg_priority_of wish;
    struct dse_rpc_reply reply;
    DSE_TRY(parse_priority(options->operands[names_sweep], &wish.priority, err));
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, names_sweep ? options->operands[0] : NULL, &wish.sweep, err));
    DSE_TRY(client__call(c, DSE_METHOD_priority, &wish, &reply, err));
    return say_state(
        c, &reply,
        dse_console_printf(&c->arena, "its priority is now %lld", (long long)wish.priority), err);
}

/* ---- delete ---- */

enum dse_status client__command_delete(struct client *c, struct dse_err *err) {
    struct dse_msg_deletion wish = {.force = c->options.force};
    struct dse_rpc_reply reply;
    struct dse_buf out = {0};
    DSE_TRY(client__parse_id(c->options.operands[0], &wish.sweep, err));
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__call(c, DSE_METHOD_delete, &wish, &reply, err));
    if (c->options.json)
        return client__put_json(&reply, err);
    const struct dse_msg_deleted *deleted = reply.result;
    dse_buf_printf(&out,
                   "sweep %lld (%s) is deleted: %s individuals, and %s evaluations that no other "
                   "sweep uses\n",
                   (long long)deleted->sweep, dse_console_clean(&c->arena, deleted->name),
                   dse_console_count_text(&c->arena, deleted->individuals),
                   dse_console_count_text(&c->arena, deleted->evaluations));
    return dse_console_put(&out, err);
}

/* ---- workers ---- */

static const char *task_text(struct dse_arena *arena, const struct dse_msg_worker *worker) {
    if (worker->shard < 0)
        return "";
    return dse_console_printf(arena, "shard %lld, %lld candidate%s", (long long)worker->shard,
                              (long long)worker->candidates, worker->candidates == 1 ? "" : "s");
}

static void fill_worker_row(struct client *c, struct dse_console_table *table, int row,
                            const struct dse_msg_worker *worker) {
    enum { PID, STATE, SWEEP, TASK, BUSY, RATE, MEMORY };
    const double mebi = 1024.0 * 1024.0;
    struct dse_arena *arena = &c->arena;
    dse_console_table_set(table, row, PID,
                          dse_console_printf(arena, "%lld", (long long)worker->pid));
    dse_console_table_set(table, row, STATE, dse_console_clean(arena, worker->state));
    if (worker->sweep > 0) {
        dse_console_table_set(table, row, SWEEP,
                              dse_console_printf(arena, "%lld", (long long)worker->sweep));
        dse_console_table_set(table, row, BUSY, dse_console_printf(arena, "%.1f", worker->busy_s));
    }
    dse_console_table_set(table, row, TASK, task_text(arena, worker));
    dse_console_table_set(table, row, RATE,
                          dse_console_count_text(arena, (int64_t)worker->inferences_per_s));
    if (worker->memory_bytes > 0)
        dse_console_table_set(
            table, row, MEMORY,
            dse_console_count_text(arena, (int64_t)((double)worker->memory_bytes / mebi)));
}

enum dse_status client__command_workers(struct client *c, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "process"},
        {.header = "state", .is_left = true},
        {.header = "sweep"},
        {.header = "task", .is_left = true, .may_shrink = true, .drop_order = 2},
        {.header = "for\ns", .drop_order = 1},
        {.header = "inferences\n/s", .drop_order = 3},
        {.header = "memory\nMiB", .drop_order = 4},
    };
    static const struct dse_msg_empty nothing;
    struct dse_rpc_reply reply;
    struct dse_console_table table;
    struct dse_buf out = {0};
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__call(c, DSE_METHOD_workers, &nothing, &reply, err));
    if (c->options.json)
        return client__put_json(&reply, err);
    const struct dse_msg_worker_list *list = reply.result;
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   list->workers_n, &c->arena, err));
    for (int i = 0; i < list->workers_n; i++)
        fill_worker_row(c, &table, i, &list->workers[i]);
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, &out);
    return dse_console_put(&out, err);
}
