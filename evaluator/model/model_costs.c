/* What a network costs: to each of its exits, and before and behind its first dropout. */
#include "evaluator/cost/cost.h"
#include "evaluator/model/model.h"

static bool is_layer(const struct dse_node *node) {
    return node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE;
}

static int64_t macs_of(const struct dse_graph *graph, const struct dse_node *node) {
    return is_layer(node) ? dse_cost_macs(graph, node) : 0;
}

/* Marks the nodes that a value needs; nodes stand in order, so one walk backwards is enough. */
static void mark_needed(const struct dse_graph *graph, int value, bool *values, bool *nodes) {
    values[value] = true;
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const struct dse_node *node = &graph->nodes[i];
        if (!values[node->output])
            continue;
        nodes[i] = true;
        for (int k = 0; k < 2; k++)
            if (node->inputs[k] >= 0)
                values[node->inputs[k]] = true;
    }
}

static int64_t sum_needed(const struct dse_graph *graph, const bool *nodes) {
    int64_t sum = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        sum += nodes[i] ? macs_of(graph, &graph->nodes[i]) : 0;
    return sum;
}

/* in_tail: by value, zeros. */
static void split_at_dropouts(const struct dse_graph *graph, bool *in_tail,
                              struct model__costs *costs) {
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        bool drops = is_layer(node) && node->conv.drops;
        bool tail = drops;
        for (int k = 0; k < 2; k++)
            tail = tail || (node->inputs[k] >= 0 && in_tail[node->inputs[k]]);
        in_tail[node->output] = tail;
        if (drops && costs->dropouts++ == 0)
            costs->first_dropout = i;
        *(tail ? &costs->tail : &costs->backbone) += macs_of(graph, node);
    }
    costs->total = costs->backbone + costs->tail;
}

enum dse_status model__costs_of(const struct dse_graph *graph, struct dse_arena *arena,
                                struct model__costs *costs, struct dse_err *err) {
    size_t n_values = (size_t)graph->n_values;
    bool *in_tail = dse_arena_alloc(arena, n_values, sizeof *in_tail);
    bool *values = dse_arena_alloc(arena, n_values, sizeof *values);
    bool *nodes = dse_arena_alloc(arena, (size_t)graph->n_nodes, sizeof *nodes);
    int64_t *exits = dse_arena_alloc(arena, (size_t)graph->n_outputs, sizeof *exits);
    if (in_tail == NULL || values == NULL || nodes == NULL || exits == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d nodes", graph->n_nodes);
    *costs = (struct model__costs){.first_dropout = -1, .exits = exits};
    split_at_dropouts(graph, in_tail, costs);
    for (int i = 0; i < graph->n_outputs; i++) { /* what earlier exits needed is computed, too */
        mark_needed(graph, graph->outputs[i], values, nodes);
        exits[i] = sum_needed(graph, nodes);
    }
    return DSE_OK;
}

void model__costs_print(const struct dse_graph *graph, const struct model__costs *costs,
                        struct dse_arena *arena, struct dse_buf *out) {
    dse_buf_printf(out, "MACs         %s an image\n", dse_console_count_text(arena, costs->total));
    if (costs->dropouts > 0) {
        dse_buf_printf(out, "dropouts     %d, from %s on\n", costs->dropouts,
                       dse_console_clean(arena, graph->nodes[costs->first_dropout].name));
        dse_buf_printf(out, "passes       backbone %s + passes x tail %s\n",
                       dse_console_count_text(arena, costs->backbone),
                       dse_console_count_text(arena, costs->tail));
    }
    for (int i = 0; graph->n_outputs > 1 && i < graph->n_outputs; i++)
        dse_buf_printf(out, "%s %s MACs to %s (%.1f %%)\n",
                       i == 0 ? "exits       " : "            ",
                       dse_console_count_text(arena, costs->exits[i]),
                       dse_console_clean(arena, graph->values[graph->outputs[i]].name),
                       100.0 * (double)costs->exits[i] / (double)costs->total);
}

void model__costs_json(const struct dse_graph *graph, const struct model__costs *costs,
                       struct dse_buf *out) {
    dse_buf_printf(out, "\"macs\":%lld,\"dropouts\":%d,\"backbone_macs\":%lld,\"tail_macs\":%lld",
                   (long long)costs->total, costs->dropouts, (long long)costs->backbone,
                   (long long)costs->tail);
    dse_buf_puts(out, ",\"outputs\":[");
    for (int i = 0; i < graph->n_outputs; i++) {
        const struct dse_value *value = &graph->values[graph->outputs[i]];
        dse_buf_printf(out, "%s{\"name\":", i > 0 ? "," : "");
        dse_console_json_string(out, value->name);
        dse_buf_printf(out, ",\"shape\":[%d,%d,%d],\"macs\":%lld}", value->shape.h, value->shape.w,
                       value->shape.c, (long long)costs->exits[i]);
    }
    dse_buf_puts(out, "]");
}

/* The graph of one output, or (NULL) of all. */
static enum dse_status read_outputs(const struct dse_onnx *onnx, const char *name,
                                    const char *output, bool only_active_dropout,
                                    struct dse_graph **graph, struct dse_err *err) {
    int n = dse_onnx_n_outputs(onnx);
    const char **outputs = dse_alloc((size_t)n + 1, sizeof *outputs);
    struct dse_buf bytes = {0};
    if (outputs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d outputs", n);
    for (int i = 0; i < n; i++)
        outputs[i] = dse_onnx_output_name(onnx, i);
    if (output != NULL) {
        outputs[0] = output;
        n = 1;
    }
    struct dse_graph_options options = {.outputs = outputs,
                                        .n_outputs = n,
                                        .keep_dropout = true,
                                        .only_active_dropout = only_active_dropout};
    enum dse_status status = dse_onnx_write(onnx, &bytes, err);
    if (status == DSE_OK)
        status = dse_graph_read_onnx(bytes.data, bytes.size, name, &options, graph, err);
    dse_buf_fini(&bytes);
    dse_free(outputs);
    return status;
}

enum dse_status model__graph_of(const struct dse_onnx *onnx, const char *name,
                                struct dse_graph **graph, struct dse_err *err) {
    return read_outputs(onnx, name, NULL, false, graph, err);
}

enum dse_status model__finish(struct model *m, const struct dse_onnx *onnx, const char *path,
                              const char *change, struct dse_err *err) {
    struct dse_graph *graph = NULL;
    struct model__costs costs;
    struct dse_buf out = {0};
    DSE_TRY(model__graph_of(onnx, path, &graph, err));
    enum dse_status status = model__costs_of(graph, &m->arena, &costs, err);
    if (status == DSE_OK)
        status = dse_onnx_save(onnx, path, err);
    if (status == DSE_OK && m->options.json) {
        dse_buf_puts(&out, "{\"file\":");
        dse_console_json_string(&out, path);
        dse_buf_printf(&out, ",\"layers\":%d,", graph->n_layers);
        model__costs_json(graph, &costs, &out);
        dse_buf_puts(&out, "}\n");
    } else if (status == DSE_OK) {
        dse_buf_printf(&out, "wrote        %s: %s\n", dse_console_clean(&m->arena, path), change);
        model__costs_print(graph, &costs, &m->arena, &out);
    }
    if (status == DSE_OK)
        status = dse_console_put(&out, err);
    dse_buf_fini(&out);
    dse_graph_free(graph);
    return status;
}

enum dse_status model__load_graph(const struct model *m, const char *path, struct dse_graph **graph,
                                  struct dse_err *err) {
    struct dse_onnx *onnx = NULL;
    DSE_TRY(dse_onnx_load(path, &onnx, err));
    enum dse_status status = read_outputs(onnx, path, m->options.output, true, graph, err);
    dse_onnx_free(onnx);
    return status;
}
