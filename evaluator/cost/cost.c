/* Counts from shapes. */
#include "evaluator/cost/cost.h"

static int64_t weights_per_output(const struct dse_graph *graph, const struct dse_node *node) {
    dse_assert(node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE);
    int ic = dse_graph_input_shape(graph, node).c;
    return (int64_t)node->conv.kernel_h * node->conv.kernel_w * (ic / node->conv.groups);
}

int64_t dse_cost_macs(const struct dse_graph *graph, const struct dse_node *node) {
    struct dse_shape output = dse_graph_output_shape(graph, node);
    return (int64_t)dse_shape_size(output) * weights_per_output(graph, node);
}

int64_t dse_cost_weights(const struct dse_graph *graph, const struct dse_node *node) {
    return (int64_t)dse_graph_output_shape(graph, node).c * weights_per_output(graph, node);
}
