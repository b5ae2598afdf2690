/* The masks of a sweep for one image, for branches that other programs run. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_BRANCH_MASKS_H
#define DSE_EVALUATOR_MODEL_BRANCH_MASKS_H

#include "evaluator/graph/graph.h"
#include "evaluator/graph/surgery.h"

/* What masks are drawn from; graph is that of all outputs of the model, with its dropouts. Both are
 * borrowed, buffers are owned. */
struct model__masks {
    const struct dse_onnx *model;
    const struct dse_graph *graph;
    uint64_t seed;  /* problem.mask_seed of the sweep */
    uint32_t image; /* its number in the data set */
    float *factors;
    uint64_t *keep;
};
/* Room for the largest mask. UNSUPPORTED: a Dropout that is not before one layer alone, where the
 * engine has masks that no single Dropout has. */
DSE_MUST_USE enum dse_status model__masks_init(struct model__masks *masks,
                                               const struct dse_onnx *model,
                                               const struct dse_graph *graph, struct dse_err *err);
void model__masks_fini(struct model__masks *masks); /* fine on {0} */
/* As dse_surgery_masks wants it: branch b is pass b. context: struct model__masks. */
DSE_MUST_USE enum dse_status model__masks_draw(void *context, int node, int branch,
                                               struct dse_surgery_mask *mask, struct dse_err *err);

#endif
