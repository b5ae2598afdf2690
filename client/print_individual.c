/* pareto show: one individual with its objectives, cells and bits. */
#include "client/client.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool parse_number(const char **text, int64_t *out) {
    char *end;
    errno = 0;
    long long number = strtoll(*text, &end, 10);
    if (errno != 0 || end == *text)
        return false;
    *out = number;
    *text = end;
    return true;
}

enum dse_status client__individual_of(const char *operand, int64_t *generation, int64_t *slot,
                                      struct dse_err *err) {
    enum { BASELINE = -1 };
    const char *text = operand;
    int64_t g = BASELINE, s = 0;
    bool is_good =
        strcmp(operand, "baseline") == 0 || strcmp(operand, "float32") == 0 ||
        (parse_number(&text, &g) && *text++ == '.' && parse_number(&text, &s) && *text == '\0');
    if (!is_good || g < BASELINE || s < 0)
        DSE_FAIL(err, DSE_USAGE,
                 "\"%.60s\" is not an individual; name it like the front does: generation.slot, as "
                 "in 12.3, or baseline",
                 operand);
    *generation = g;
    *slot = s;
    return DSE_OK;
}

const char *client__individual_name(struct dse_arena *arena, int64_t generation, int64_t slot) {
    return generation < 0
               ? "float32"
               : dse_console_printf(arena, "%lld.%lld", (long long)generation, (long long)slot);
}

/* What the value is an estimate of; nothing for an exact number. */
static void print_interval(struct client *c, const struct client__measure *measure,
                           const struct dse_msg_estimate *estimate, struct dse_buf *out) {
    struct dse_arena *arena = &c->arena;
    if (estimate->images == 0 || !isfinite(estimate->low))
        return;
    dse_buf_printf(out, "  (%s .. %s, %s images)",
                   client__measure_text(arena, measure, estimate->low),
                   client__measure_text(arena, measure, estimate->high),
                   dse_console_count_text(arena, estimate->images));
}

static void print_objectives(struct client *c, const struct dse_msg_individual *individual,
                             struct dse_buf *out) {
    struct dse_arena *arena = &c->arena;
    int n = individual->objectives_n < individual->objective_names_n
                ? individual->objectives_n
                : individual->objective_names_n;
    for (int i = 0; i < n; i++) {
        struct client__measure measure =
            client__measure_of(arena, &individual->objective_names[i], individual->objectives[i]);
        dse_buf_printf(out, "%-32s  %12s", measure.label,
                       client__measure_text(arena, &measure, individual->objectives[i]));
        if (i < individual->estimates_n)
            print_interval(c, &measure, &individual->estimates[i], out);
        dse_buf_puts(out, "\n");
    }
}

/* Of problems that are about no network. */
static void print_genes_and_values(struct client *c, const struct dse_msg_individual *individual,
                                   struct dse_buf *out) {
    if (individual->genes_n > 0)
        dse_buf_puts(out, "\ngenes\n");
    for (int i = 0; i < individual->genes_n; i++)
        dse_buf_printf(out, "  %s\n", dse_console_clean(&c->arena, individual->genes[i]));
    if (individual->values_n > 0)
        dse_buf_puts(out, "\nmeasured\n");
    for (int i = 0; i < individual->values_n; i++)
        dse_buf_printf(out, "  %-30s  %12.6g\n",
                       dse_console_clean(&c->arena, individual->values[i].name),
                       individual->values[i].value);
}

static const char *percent(struct dse_arena *arena, double share) {
    return isfinite(share) ? dse_console_printf(arena, "%.2f", share * 100) : "-";
}

static enum dse_status print_cells(struct client *c, const struct dse_msg_individual *individual,
                                   struct dse_buf *out, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "cell", .is_left = true, .may_shrink = true},
        {.header = "accuracy\n%"},
        {.header = "95 % interval\n%"},
        {.header = "correct", .drop_order = 1},
        {.header = "images", .drop_order = 2},
    };
    struct dse_arena *arena = &c->arena;
    struct dse_console_table table;
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   individual->cells_n, arena, err));
    for (int i = 0; i < individual->cells_n; i++) {
        const struct dse_msg_cell_result *cell = &individual->cells[i];
        dse_console_table_set(&table, i, 0, dse_console_clean(arena, cell->cell));
        dse_console_table_set(&table, i, 1, percent(arena, cell->accuracy));
        dse_console_table_set(&table, i, 2,
                              dse_console_printf(arena, "%s .. %s", percent(arena, cell->low),
                                                 percent(arena, cell->high)));
        dse_console_table_set(&table, i, 3, dse_console_count_text(arena, cell->correct));
        dse_console_table_set(&table, i, 4, dse_console_count_text(arena, cell->seen));
    }
    dse_buf_puts(out, "\n");
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, out);
    return DSE_OK;
}

static const char *bits_text(struct dse_arena *arena, const int64_t *bits, int n, int layer) {
    if (layer >= n)
        return "";
    return bits[layer] == 0 ? "float32" : dse_console_printf(arena, "%lld", (long long)bits[layer]);
}

/* Of the dropout on a layer's input; "" for none. */
static const char *rate_text(struct dse_arena *arena, const struct dse_msg_individual *individual,
                             int layer) {
    if (layer >= individual->dropout_n || individual->dropout[layer] == 0)
        return "";
    return dse_console_printf(arena, "%.2f", client__dropout_percent(individual->dropout[layer]));
}

static enum dse_status print_layers(struct client *c, const struct dse_msg_individual *individual,
                                    struct dse_buf *out, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "layer", .is_left = true, .may_shrink = true},
        {.header = "operator", .is_left = true, .drop_order = 3},
        {.header = "weight\nbits"},
        {.header = "input\nbits"},
        {.header = "MACs/image", .drop_order = 1},
        {.header = "weights", .drop_order = 2},
        {.header = "dropout\n%"}, /* only where there is some */
    };
    struct dse_arena *arena = &c->arena;
    struct dse_console_table table;
    int n_columns = (int)(sizeof columns / sizeof columns[0]) - (individual->dropout_n == 0);
    int n = individual->layers_n > individual->weight_bits_n ? individual->layers_n
                                                             : individual->weight_bits_n;
    if (n == 0)
        return DSE_OK;
    DSE_TRY(dse_console_table_init(&table, columns, n_columns, n, arena, err));
    for (int i = 0; i < n; i++) {
        const struct dse_msg_layer *layer =
            i < individual->layers_n ? &individual->layers[i] : NULL;
        dse_console_table_set(&table, i, 0,
                              layer != NULL ? dse_console_clean(arena, layer->name)
                                            : dse_console_printf(arena, "layer %d", i));
        dse_console_table_set(
            &table, i, 2, bits_text(arena, individual->weight_bits, individual->weight_bits_n, i));
        dse_console_table_set(
            &table, i, 3, bits_text(arena, individual->input_bits, individual->input_bits_n, i));
        if (individual->dropout_n > 0)
            dse_console_table_set(&table, i, 6, rate_text(arena, individual, i));
        if (layer == NULL)
            continue;
        dse_console_table_set(&table, i, 1, dse_console_clean(arena, layer->op));
        dse_console_table_set(&table, i, 4, dse_console_count_text(arena, layer->macs));
        dse_console_table_set(&table, i, 5, dse_console_count_text(arena, layer->weights));
    }
    dse_buf_puts(out, "\n");
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, out);
    return DSE_OK;
}

static enum dse_status print_individual(struct client *c, int64_t sweep,
                                        const struct dse_msg_individual *individual,
                                        struct dse_buf *out, struct dse_err *err) {
    struct dse_arena *arena = &c->arena;
    const char *name =
        individual->generation < 0
            ? "the float32 baseline"
            : dse_console_printf(arena, "individual %lld.%lld", (long long)individual->generation,
                                 (long long)individual->slot);
    dse_buf_printf(
        out, "%s of sweep %lld: %s%s%s%s\n", name, (long long)sweep,
        dse_console_clean(arena, individual->state), individual->reason[0] != '\0' ? ", " : "",
        dse_console_clean(arena, individual->reason), individual->in_front ? ", in the front" : "");
    if (individual->violation > 0)
        dse_buf_printf(out, "not feasible: violates its constraints by %g\n",
                       individual->violation);
    if (individual->genome[0] != '\0')
        dse_buf_printf(out, "genome %s\n", dse_console_clean(arena, individual->genome));
    dse_buf_puts(out, "\n");
    print_objectives(c, individual, out);
    if (individual->passes > 0)
        dse_buf_printf(out, "%-32s  %12lld\n", "passes of Monte-Carlo dropout",
                       (long long)individual->passes);
    print_genes_and_values(c, individual, out);
    client__print_looks(c, individual, out);
    if (individual->cells_n > 0)
        DSE_TRY(print_cells(c, individual, out, err));
    if (individual->exits != NULL)
        DSE_TRY(client__print_exits(c, individual, out, err));
    return print_layers(c, individual, out, err);
}

enum dse_status client__command_show(struct client *c, struct dse_err *err) {
    const struct client__options *options = &c->options;
    struct dse_msg_individual_id id;
    struct dse_rpc_reply reply;
    struct dse_buf out = {0};
    DSE_TRY(client__individual_of(options->operands[options->n_operands - 1], &id.generation,
                                  &id.slot, err));
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, options->n_operands == 2 ? options->operands[0] : NULL, &id.sweep,
                             err));
    DSE_TRY(client__call(c, DSE_METHOD_show, &id, &reply, err));
    if (options->json)
        return client__put_json(&reply, err);
    enum dse_status status = print_individual(c, id.sweep, reply.result, &out, err);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}
