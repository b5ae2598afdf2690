/* Any bytes as an ONNX model: it is read or refused, a graph that was read is whole, and a model
 * that was read can be written. */
#include "evaluator/cost/cost.h"
#include "evaluator/graph/graph.h"
#include "evaluator/graph/onnx_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_graph(const struct dse_graph *graph) {
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        dse_assert(graph->values[node->output].producer == i);
        for (int k = 0; k < 2; k++)
            dse_assert(node->inputs[k] < 0 || graph->values[node->inputs[k]].producer < i);
    }
    for (int i = 0; i < graph->n_layers; i++) {
        const struct dse_node *node = &graph->nodes[graph->layers[i]];
        dse_assert(dse_cost_macs(graph, node) > 0 && dse_cost_weights(graph, node) > 0);
    }
    for (int i = 0; i < graph->n_values; i++)
        dse_assert(dse_shape_size(graph->values[i].shape) > 0);
}

static void check_model(const uint8_t *bytes, size_t size) {
    struct dse_onnx *model = NULL;
    struct dse_buf written = {0};
    struct dse_err err = {0};
    if (dse_onnx_read(bytes, size, "fuzz", &model, &err) != DSE_OK)
        return;
    for (int i = 0; i < dse_onnx_n_nodes(model); i++)
        (void)dse_onnx_find_node(model, dse_onnx_node_label(model, i));
    (void)dse_onnx_new_name(model, "y");
    dse_assert(dse_onnx_write(model, &written, &err) == DSE_OK);
    dse_buf_fini(&written);
    dse_onnx_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const exits[] = {"exit0", "exit1", "logits"};
    static const char *const outputs[] = {"", "y", "logits"};
    static const struct dse_graph_options options[] = {
        {.outputs = exits, .n_outputs = 3, .keep_dropout = true},
        {.outputs = &outputs[0], .n_outputs = 1},
        {.outputs = &outputs[1], .n_outputs = 1, .keep_dropout = true},
        {.outputs = &outputs[2], .n_outputs = 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct dse_graph *graph = NULL;
        struct dse_err err = {0};
        enum dse_status status =
            dse_graph_read_onnx(bytes, size, "fuzz", &options[i], &graph, &err);
        dse_assert((status == DSE_OK) == (graph != NULL));
        dse_assert(status == err.code);
        if (graph != NULL)
            check_graph(graph);
        dse_graph_free(graph);
        if (status != DSE_NOT_FOUND)
            break;
    }
    check_model(bytes, size);
    dse_assert(dse_alloc_live() == 0);
    return 0;
}
