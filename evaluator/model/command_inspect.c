/* inspect: the layers of a network and what they cost. */
#include "evaluator/cost/cost.h"
#include "evaluator/model/model.h"

/* Genes of a layer in the problem `quantization`: bits of its input, then of its weights. */
enum { GENES_PER_LAYER = 2 };

struct totals {
    int64_t parameters, weights;
};

struct row {
    const struct dse_node *node;
    int layer; /* number among the quantisable layers; -1: none */
    int64_t parameters, macs;
    struct dse_shape shape;
};

static int layer_of(const struct dse_graph *graph, int node) {
    for (int i = 0; i < graph->n_layers; i++)
        if (graph->layers[i] == node)
            return i;
    return -1;
}

static struct row describe_node(const struct dse_graph *graph, int node) {
    const struct dse_node *n = &graph->nodes[node];
    struct row row = {n, layer_of(graph, node), 0, 0, dse_graph_output_shape(graph, n)};
    if (row.layer >= 0) {
        row.parameters = dse_cost_weights(graph, n) + row.shape.c; /* and a bias a channel */
        row.macs = dse_cost_macs(graph, n);
    }
    return row;
}

static struct totals sum_up(const struct dse_graph *graph) {
    struct totals totals = {0};
    for (int i = 0; i < graph->n_nodes; i++) {
        struct row row = describe_node(graph, i);
        totals.parameters += row.parameters;
        totals.weights += row.layer >= 0 ? dse_cost_weights(graph, row.node) : 0;
    }
    return totals;
}

static const char *shape_text(struct dse_arena *arena, struct dse_shape shape) {
    if (shape.h == 1 && shape.w == 1)
        return dse_console_printf(arena, "%d", shape.c);
    return dse_console_printf(arena, "%dx%dx%d", shape.h, shape.w, shape.c);
}

static enum dse_status print_table(struct model *m, const struct dse_graph *graph,
                                   struct dse_buf *out, struct dse_err *err) {
    static const struct dse_console_column columns[] = {
        {.header = "node", .is_left = true, .may_shrink = true},
        {.header = "operator", .is_left = true, .drop_order = 1},
        {.header = "result", .drop_order = 2},
        {.header = "parameters"},
        {.header = "MACs"},
        {.header = "genes"},
    };
    struct dse_console_table table;
    struct dse_arena *arena = &m->arena;
    DSE_TRY(dse_console_table_init(&table, columns, sizeof columns / sizeof columns[0],
                                   graph->n_nodes, arena, err));
    for (int i = 0; i < graph->n_nodes; i++) {
        struct row row = describe_node(graph, i);
        dse_console_table_set(&table, i, 0, dse_console_clean(arena, row.node->name));
        bool drops = row.layer >= 0 && row.node->conv.drops;
        dse_console_table_set(&table, i, 1,
                              drops ? dse_console_printf(arena, "%s, dropout %g",
                                                         dse_op_text(row.node->op),
                                                         (double)row.node->conv.rate)
                                    : dse_op_text(row.node->op));
        dse_console_table_set(&table, i, 2, shape_text(arena, row.shape));
        if (row.layer < 0)
            continue;
        dse_console_table_set(&table, i, 3, dse_console_count_text(arena, row.parameters));
        dse_console_table_set(&table, i, 4, dse_console_count_text(arena, row.macs));
        dse_console_table_set(&table, i, 5,
                              dse_console_printf(arena, "%d, %d", GENES_PER_LAYER * row.layer,
                                                 GENES_PER_LAYER * row.layer + 1));
    }
    dse_console_table_print(&table, dse_console_terminal_width(1), &m->style, out);
    return DSE_OK;
}

static void print_totals(struct model *m, const struct dse_graph *graph,
                         const struct model__costs *costs, struct dse_buf *out) {
    struct totals totals = sum_up(graph);
    struct dse_arena *arena = &m->arena;
    const struct dse_value *input = &graph->values[graph->input];
    dse_buf_printf(out, "\ninput        %s, %s\n", dse_console_clean(arena, input->name),
                   shape_text(arena, input->shape));
    for (int i = 0; i < graph->n_outputs; i++) {
        const struct dse_value *output = &graph->values[graph->outputs[i]];
        dse_buf_printf(out, "output       %s, %s\n", dse_console_clean(arena, output->name),
                       shape_text(arena, output->shape));
    }
    dse_buf_printf(out, "quantisable  %d layers, %d genes\n", graph->n_layers,
                   GENES_PER_LAYER * graph->n_layers);
    dse_buf_printf(out, "parameters   %s, %s of them weights\n",
                   dse_console_count_text(arena, totals.parameters),
                   dse_console_count_text(arena, totals.weights));
    model__costs_print(graph, costs, arena, out);
}

static void print_json_shape(const char *key, struct dse_shape shape, struct dse_buf *out) {
    dse_buf_printf(out, "\"%s\":[%d,%d,%d]", key, shape.h, shape.w, shape.c);
}

static void print_json_value(const char *key, const struct dse_value *value, struct dse_buf *out) {
    dse_buf_printf(out, "\"%s\":{\"name\":", key);
    dse_console_json_string(out, value->name);
    dse_buf_puts(out, ",");
    print_json_shape("shape", value->shape, out);
    dse_buf_puts(out, "}");
}

static void print_json_node(const struct dse_graph *graph, int node, struct dse_buf *out) {
    struct row row = describe_node(graph, node);
    dse_buf_printf(out, "%s{\"name\":", node > 0 ? "," : "");
    dse_console_json_string(out, row.node->name);
    dse_buf_printf(out, ",\"op\":\"%s\",", dse_op_text(row.node->op));
    print_json_shape("input", dse_graph_input_shape(graph, row.node), out);
    dse_buf_puts(out, ",");
    print_json_shape("output", row.shape, out);
    dse_buf_printf(out, ",\"quantisable\":%s", row.layer >= 0 ? "true" : "false");
    if (row.layer >= 0)
        dse_buf_printf(out, ",\"genes\":[%d,%d],\"parameters\":%lld,\"weights\":%lld,\"macs\":%lld",
                       GENES_PER_LAYER * row.layer, GENES_PER_LAYER * row.layer + 1,
                       (long long)row.parameters, (long long)dse_cost_weights(graph, row.node),
                       (long long)row.macs);
    if (row.layer >= 0 && row.node->conv.drops)
        dse_buf_printf(out, ",\"droprate\":%.9g", (double)row.node->conv.rate);
    dse_buf_puts(out, "}");
}

/* Shapes are [h, w, c] of one image. */
static void print_json(const struct dse_graph *graph, const struct model__costs *costs,
                       struct dse_buf *out) {
    struct totals totals = sum_up(graph);
    dse_buf_puts(out, "{\"nodes\":[");
    for (int i = 0; i < graph->n_nodes; i++)
        print_json_node(graph, i, out);
    dse_buf_puts(out, "],");
    print_json_value("input", &graph->values[graph->input], out);
    dse_buf_printf(out, ",\"layers\":%d,\"parameters\":%lld,\"weights\":%lld,", graph->n_layers,
                   (long long)totals.parameters, (long long)totals.weights);
    model__costs_json(graph, costs, out);
    dse_buf_puts(out, "}\n");
}

static enum dse_status load(struct model *m, struct dse_graph **graph, struct dse_err *err) {
    const char *path = m->line.operands[0];
    if (m->options.output != NULL) {
        struct dse_graph_options options = {
            .outputs = &m->options.output, .n_outputs = 1, .keep_dropout = true};
        return dse_graph_load_onnx(path, &options, graph, err);
    }
    struct dse_onnx *onnx;
    DSE_TRY(dse_onnx_load(path, &onnx, err));
    enum dse_status status = model__graph_of(onnx, path, graph, err);
    dse_onnx_free(onnx);
    return status;
}

static enum dse_status print(struct model *m, const struct dse_graph *graph, struct dse_buf *out,
                             struct dse_err *err) {
    struct model__costs costs;
    DSE_TRY(model__costs_of(graph, &m->arena, &costs, err));
    if (m->options.json) {
        print_json(graph, &costs, out);
        return DSE_OK;
    }
    DSE_TRY(print_table(m, graph, out, err));
    print_totals(m, graph, &costs, out);
    return DSE_OK;
}

enum dse_status model__command_inspect(struct model *m, struct dse_err *err) {
    struct dse_graph *graph;
    struct dse_buf out = {0};
    DSE_TRY(load(m, &graph, err));
    enum dse_status status = print(m, graph, &out, err);
    if (status == DSE_OK)
        status = dse_console_put(&out, err);
    dse_buf_fini(&out);
    dse_graph_free(graph);
    return status;
}
