/* pareto plan: what a sweep would do. */
#include "client/client.h"

#include <string.h>

static enum dse_status print_layers(struct client *c, const struct dse_msg_plan *plan,
                                    struct dse_buf *out, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "layer", .is_left = true, .may_shrink = true},
        {.header = "operator", .is_left = true, .drop_order = 1},
        {.header = "MACs/image"},
        {.header = "weights"},
    };
    struct dse_arena *arena = &c->arena;
    struct dse_console_table table;
    int64_t macs = 0, weights = 0;
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   plan->layers_n + 1, arena, err));
    for (int i = 0; i < plan->layers_n; i++) {
        const struct dse_msg_layer *layer = &plan->layers[i];
        dse_console_table_set(&table, i, 0, dse_console_clean(arena, layer->name));
        dse_console_table_set(&table, i, 1, dse_console_clean(arena, layer->op));
        dse_console_table_set(&table, i, 2, dse_console_count_text(arena, layer->macs));
        dse_console_table_set(&table, i, 3, dse_console_count_text(arena, layer->weights));
        macs += layer->macs;
        weights += layer->weights;
    }
    dse_console_table_set(&table, plan->layers_n, 0,
                          dse_console_printf(arena, "%d layers", plan->layers_n));
    dse_console_table_set(&table, plan->layers_n, 2, dse_console_count_text(arena, macs));
    dse_console_table_set(&table, plan->layers_n, 3, dse_console_count_text(arena, weights));
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, out);
    return DSE_OK;
}

/* "label  word, word, ..." over as many lines as it takes. */
static void print_words(const char *label, const char *const *words, int n, int width,
                        struct dse_buf *out) {
    enum { INDENT = 14 };
    int used = INDENT;
    dse_buf_printf(out, "%-*s", INDENT, label);
    for (int i = 0; i < n; i++) {
        const char *separator = i + 1 < n ? "," : "";
        int needed = dse_console_text_width(words[i]) + 2;
        if (used + needed > width && used > INDENT) {
            dse_buf_printf(out, "\n%*s", INDENT, "");
            used = INDENT;
        }
        dse_buf_printf(out, "%s%s%s", used > INDENT ? " " : "", words[i], separator);
        used += needed;
    }
    dse_buf_puts(out, n == 0 ? "none\n" : "\n");
}

static enum dse_status print_search(struct client *c, const struct dse_msg_plan *plan,
                                    struct dse_buf *out, struct dse_err *err) {
    struct dse_arena *arena = &c->arena;
    int width = dse_console_terminal_width(1);
    size_t n_words = (size_t)plan->objectives_n + (size_t)plan->cells_n;
    const char **words = dse_arena_alloc(arena, n_words, sizeof *words);
    if (words == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a list");
    for (int i = 0; i < plan->objectives_n; i++)
        words[i] = dse_console_printf(arena, "%s (%s)",
                                      dse_console_clean(arena, plan->objectives[i].metric),
                                      dse_console_clean(arena, plan->objectives[i].sense));
    print_words("objectives", words, plan->objectives_n, width, out);
    for (int i = 0; i < plan->cells_n; i++)
        words[i] = dse_console_clean(arena, plan->cells[i]);
    if (plan->cells_n > 0) {
        print_words(dse_console_printf(arena, "cells (%d)", plan->cells_n), words, plan->cells_n,
                    width, out);
        dse_buf_printf(out, "images        %s a cell\n",
                       dse_console_count_text(arena, plan->images_per_cell));
    }
    dse_buf_printf(out, "search        %s genes, population %s, %s generations\n",
                   dse_console_count_text(arena, plan->genes),
                   dse_console_count_text(arena, plan->population),
                   dse_console_count_text(arena, plan->generations));
    if (plan->initial_given > 0)
        dse_buf_printf(out, "begins with   %s of %s predefined individuals\n",
                       dse_console_count_text(arena, plan->initial),
                       dse_console_count_text(arena, plan->initial_given));
    dse_buf_printf(out, "at most       %s evaluations",
                   dse_console_count_text(arena, plan->evaluations_max));
    if (plan->inferences_max > 0)
        dse_buf_printf(out, ", %s inferences", dse_console_count_text(arena, plan->inferences_max));
    dse_buf_puts(out, "\n");
    dse_buf_printf(out, "content       %s\n", dse_console_clean(arena, plan->content_hash));
    return DSE_OK;
}

static enum dse_status print_plan(struct client *c, const struct dse_rpc_reply *reply,
                                  struct dse_err *err) {
    const struct dse_msg_plan *plan = reply->result;
    struct dse_buf out = {0};
    if (c->options.json)
        return client__put_json(reply, err);
    dse_buf_printf(&out, "workload      %s (%s)\n\n", dse_console_clean(&c->arena, plan->name),
                   dse_console_clean(&c->arena, plan->problem));
    enum dse_status status = DSE_OK;
    if (plan->layers_n > 0) {
        status = print_layers(c, plan, &out, err);
        dse_buf_puts(&out, "\n");
    }
    if (status == DSE_OK)
        status = print_search(c, plan, &out, err);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}

enum dse_status client__command_plan(struct client *c, struct dse_err *err) {
    struct dse_msg_workload_text workload;
    struct dse_rpc_reply reply;
    DSE_TRY(client__workload_read(c, c->options.operands[0], &workload, err));
    struct dse_err why = {0};
    enum dse_status status = client__connect(c, &why);
    if (status == DSE_NO_DAEMON) {
        DSE_TRY(client__catch_signals(c, err));
        DSE_TRY(client__use_temporary_state(c, err));
        status = client__start_daemon(c, err);
    } else if (status != DSE_OK) {
        *err = why;
        return status;
    }
    if (status == DSE_OK)
        status = client__call(c, DSE_METHOD_plan, &workload, &reply, err);
    client__stop_daemon(c);
    return status == DSE_OK ? print_plan(c, &reply, err) : status;
}
