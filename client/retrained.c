/* pareto retrained: what retraining brought, kept beside the individuals. */
#include <inttypes.h>
#include <string.h>

#include "client/client.h"

enum { MOST_BYTES = 16 << 20 };

static enum dse_status keep_file(struct client *c, int64_t sweep, const char *path,
                                 struct dse_err *err) {
    struct dse_buf text = {0};
    struct dse_msg_retraining retraining;
    struct dse_rpc_reply reply;
    DSE_TRY(dse_file_read(path, MOST_BYTES, &text, err));
    enum dse_status status = dse_record_decode(DSE_RECORD_retraining, dse_buf_text(&text),
                                               text.size, &c->arena, &retraining, err);
    dse_buf_fini(&text);
    if (status != DSE_OK) {
        (void)dse_err_prefix(err, "%s", path);
        return status;
    }
    if (retraining.sweep != sweep)
        DSE_FAIL(err, DSE_CONFLICT, "%s is of sweep %" PRId64 ", not %" PRId64, path,
                 retraining.sweep, sweep);
    return client__call(c, DSE_METHOD_retrained, &retraining, &reply, err);
}

static enum dse_status print_table(struct client *c, const struct dse_msg_retraining_list *list,
                                   struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "id"},
        {.header = "accuracy\nbefore, %"},
        {.header = "accuracy\nafter, %"},
        {.header = "nll\nbefore", .drop_order = 2},
        {.header = "nll\nafter", .drop_order = 3},
        {.header = "images", .drop_order = 4},
        {.header = "best\nepoch", .drop_order = 5},
        {.header = "network", .is_left = true, .may_shrink = true, .drop_order = 1},
    };
    struct dse_console_table table;
    struct dse_buf out = {0};
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   list->retrainings_n, &c->arena, err));
    for (int i = 0; i < list->retrainings_n; i++) {
        const struct dse_msg_retraining *r = &list->retrainings[i];
        dse_console_table_set(&table, i, 0,
                              client__individual_name(&c->arena, r->generation, r->slot));
        dse_console_table_set(&table, i, 1,
                              dse_console_printf(&c->arena, "%.2f", 100 * r->accuracy_before));
        dse_console_table_set(&table, i, 2,
                              dse_console_printf(&c->arena, "%.2f", 100 * r->accuracy_after));
        dse_console_table_set(&table, i, 3, dse_console_printf(&c->arena, "%.4f", r->nll_before));
        dse_console_table_set(&table, i, 4, dse_console_printf(&c->arena, "%.4f", r->nll_after));
        dse_console_table_set(&table, i, 5, dse_console_printf(&c->arena, "%" PRId64, r->images));
        dse_console_table_set(
            &table, i, 6,
            dse_console_printf(&c->arena, "%" PRId64 "/%d", r->best_epoch, r->epochs_n));
        dse_console_table_set(&table, i, 7, dse_console_clean(&c->arena, r->file));
    }
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, &out);
    return dse_console_put(&out, err);
}

enum dse_status client__command_retrained(struct client *c, struct dse_err *err) {
    struct dse_msg_sweep_id id;
    struct dse_rpc_reply reply;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &id.sweep, err));
    for (int i = 1; i < c->options.n_operands; i++)
        DSE_TRY(keep_file(c, id.sweep, c->options.operands[i], err));
    DSE_TRY(client__call(c, DSE_METHOD_retrainings, &id, &reply, err));
    return c->options.json ? client__put_json(&reply, err) : print_table(c, reply.result, err);
}
