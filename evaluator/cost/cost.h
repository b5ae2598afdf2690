/* cost: what a layer costs, counted from shapes. DESIGN.md, "Numbers, defined once". */
#ifndef DSE_EVALUATOR_COST_H
#define DSE_EVALUATOR_COST_H

#include "evaluator/graph/graph.h"

/* Multiply-accumulates of one CONV or DENSE node for one image: oh x ow x oc x kh x kw x ic/groups.
 * Padding counts as data, bias does not count (as torchprofile). */
int64_t dse_cost_macs(const struct dse_graph *graph, const struct dse_node *node);
/* Number of weights of one CONV or DENSE node, bias not counted. */
int64_t dse_cost_weights(const struct dse_graph *graph, const struct dse_node *node);

#endif
