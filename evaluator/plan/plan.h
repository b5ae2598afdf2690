/* plan: how a whole population is executed. The graph becomes a list of steps with one buffer a
 * value, allocated once. Candidates are taken in the order of their layer settings, and a candidate
 * is computed from the first step in which it differs from the one before: the depth-first walk of
 * the tree of shared prefixes, without the tree. Results are those of one candidate at a time, bit
 * for bit. Nothing is allocated while it runs, but for packed weights seen for the first time
 * (kept per layer and bits; those not used for longest go when there are too many). */
#ifndef DSE_EVALUATOR_PLAN_H
#define DSE_EVALUATOR_PLAN_H

#include "base/base.h"
#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"
#include "evaluator/quantize/quantize.h"
#include "problems/problems.h"

struct dse_plan;

struct dse_plan_options {
    int batch; /* images computed at a time */
    /* Largest input of each quantisable layer, from dse_plan_calibrate, borrowed for the call; NULL
     * for a plan that runs float32 candidates only. */
    const double *input_amax;
    enum dse_weight_scales weight_scales;
    size_t weights_bytes_most; /* of packed weights that are kept; 0: DSE_PLAN_WEIGHTS_BYTES */
};
enum { DSE_PLAN_WEIGHTS_BYTES = 256 << 20 };
/* graph and kernels are borrowed until the plan is freed. UNSUPPORTED: the graph's outputs differ
 * in size. */
DSE_MUST_USE enum dse_status dse_plan_new(const struct dse_graph *graph,
                                          struct dse_kernels *kernels,
                                          const struct dse_plan_options *options,
                                          struct dse_plan **plan, struct dse_err *err);
void dse_plan_free(struct dse_plan *plan);

/* Largest input magnitude of every quantisable layer, by the rule, over the float32 network.
 * Computed with the plain C kernels, whatever the processor has: the result is the same bits on
 * every machine. images: float [n][h][w][c], normalised. input_amax: n_layers values. progress may
 * be NULL; it is called with (context, images done, n). */
DSE_MUST_USE enum dse_status
dse_plan_calibrate(const struct dse_graph *graph, const float *images, int n,
                   const struct dse_calibration_rule *rule, double *input_amax,
                   void (*progress)(void *context, int done, int total), void *context,
                   struct dse_err *err);

/* What a run has cost. */
struct dse_plan_stats {
    int64_t layers_run;   /* layer evaluations done */
    int64_t layers_asked; /* layer evaluations that one candidate at a time would have needed */
};

/* Passes of all candidates together. An item is one pass of one candidate; items are numbered by
 * candidate, then pass. Without dropout an item is a candidate. */
int dse_plan_items(const struct dse_candidate *candidates, int n);

/* How many of the first candidates to run together, so that their weights stay packed from one run
 * to the next: at least 1. Those of one candidate are packed whatever they take. INVALID as
 * dse_plan_run. */
DSE_MUST_USE enum dse_status dse_plan_fit(struct dse_plan *plan,
                                          const struct dse_candidate *candidates, int n, int *fit,
                                          struct dse_err *err);

/* Bytes of packed weights, about. */
size_t dse_plan_weights_bytes(const struct dse_plan *plan);

/* Sorts items so that neighbours share the longest prefixes: order[0..items) gets their numbers. */
DSE_MUST_USE enum dse_status dse_plan_order(const struct dse_plan *plan,
                                            const struct dse_candidate *candidates, int n,
                                            int *order, struct dse_err *err);

/* What dropout masks depend on, besides layer and pass: a seed, and the number of the first image
 * of the next runs in its data set. */
void dse_plan_set_masks(struct dse_plan *plan, uint64_t seed, uint32_t first_image);

/* Runs at most `batch` images through every pass of every candidate, in the `order` of items.
 * images: float [n_images][h][w][c]. logits: [items][outputs][n_images][classes], the graph's
 * outputs in their order; undefined after a failure. stats may be NULL; the run is added to what it
 * holds. Each candidate has the graph's n_layers; bits 2..16, or 0 for float32, inputs and weights
 * each. A layer of at most 8 bits in both is computed in integers; any other in float32, on the
 * values of the integers' grid (fake quantisation). Dropout (kernels/kernels.h; site is the layer's
 * index) sets inputs of layers to 0: integers in integer layers, whose output scales are multiplied
 * by 1 / (1 - rate), values in float32 layers, which are multiplied by it. What comes before the
 * first dropout is computed once for all passes. */
DSE_MUST_USE enum dse_status dse_plan_run(struct dse_plan *plan,
                                          const struct dse_candidate *candidates, int n,
                                          const int *order, const float *images, int n_images,
                                          float *logits, struct dse_plan_stats *stats,
                                          struct dse_err *err);

/* Numbers of one output for one image; all outputs have as many. */
int dse_plan_classes(const struct dse_plan *plan);

/* For checks: runs the images through the candidate up to one layer, and gives that layer's integer
 * input (u8, as quantised; 2c channels where the layer's input is signed: in each group, positive
 * parts, then negative parts) and int32 accumulators. Borrowed until the next inspection. NULL
 * pointers are not written. INVALID for a float32 layer. */
DSE_MUST_USE enum dse_status dse_plan_inspect_layer(struct dse_plan *plan,
                                                    const struct dse_candidate *candidate,
                                                    const float *images, int n_images, int layer,
                                                    const uint8_t **input, size_t *n_input,
                                                    const int32_t **accumulators,
                                                    size_t *n_accumulators, struct dse_err *err);

#endif
