/* shapes: what a node of the graph is to the kernels. Graph and kernels know nothing of each other;
 * whoever computes a graph starts here. */
#ifndef DSE_EVALUATOR_SHAPES_H
#define DSE_EVALUATOR_SHAPES_H

#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"

/* Of a CONV or DENSE node. */
struct dse_conv_shape dse_shapes_conv(const struct dse_graph *graph, const struct dse_node *node);
/* Of an AVGPOOL or MAXPOOL node. */
struct dse_pool_shape dse_shapes_pool(const struct dse_graph *graph, const struct dse_node *node);

#endif
