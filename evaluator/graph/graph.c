/* The graph as data: its memory and the questions asked of it. */
#include "evaluator/graph/graph.h"

const char *dse_op_text(enum dse_op op) {
    static const char *const texts[] = {
#define X(name, text) text,
        DSE_OP_TABLE(X)
#undef X
    };
    dse_assert((unsigned)op < DSE_OP_COUNT);
    return texts[op];
}

static void free_names(struct dse_parameter_names *names) {
    for (int i = 0; i < DSE_PARAMETERS; i++)
        dse_free(names->of[i]);
}

void dse_node_free_numbers(struct dse_node *node) {
    if (node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE || node->op == DSE_OP_CONV_TRANSPOSE) {
        dse_free(node->conv.weights);
        dse_free(node->conv.bias);
        free_names(&node->conv.names);
    } else if (node->op == DSE_OP_NORM) {
        dse_free(node->norm.gamma);
        free_names(&node->norm.names);
    } else if (node->op == DSE_OP_TENSOR) {
        dse_tensor_op_free(node->tensor);
    }
}

void dse_graph_free(struct dse_graph *graph) {
    if (graph == NULL)
        return;
    for (int i = 0; i < graph->n_nodes; i++) {
        dse_free(graph->nodes[i].name);
        dse_node_free_numbers(&graph->nodes[i]);
    }
    for (int i = 0; i < graph->n_values; i++)
        dse_free(graph->values[i].name);
    dse_free(graph->nodes);
    dse_free(graph->values);
    dse_free(graph->outputs);
    dse_free(graph->layers);
    dse_free(graph);
}

struct dse_shape dse_graph_input_shape(const struct dse_graph *graph, const struct dse_node *node) {
    return graph->values[node->inputs[0]].shape;
}

struct dse_shape dse_graph_output_shape(const struct dse_graph *graph,
                                        const struct dse_node *node) {
    return graph->values[node->output].shape;
}

size_t dse_shape_size(struct dse_shape shape) {
    return (size_t)shape.h * (size_t)shape.w * (size_t)shape.c;
}

bool dse_graph_value_signed(const struct dse_graph *graph, int value) {
    dse_assert(value >= 0 && value < graph->n_values);
    return graph->values[value].is_signed;
}

enum dse_status dse_graph_find_layers(const struct dse_graph *graph, int value, bool *layers,
                                      struct dse_err *err) {
    bool *needed = dse_alloc((size_t)graph->n_values, sizeof *needed);
    if (needed == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d values", graph->n_values);
    needed[value] = true;
    for (int i = graph->n_nodes - 1; i >= 0; i--) {
        const struct dse_node *node = &graph->nodes[i];
        for (int k = 0; needed[node->output] && k < 2; k++)
            if (node->inputs[k] >= 0)
                needed[node->inputs[k]] = true;
    }
    for (int i = 0; i < graph->n_layers; i++)
        layers[i] = needed[graph->nodes[graph->layers[i]].output];
    dse_free(needed);
    return DSE_OK;
}
