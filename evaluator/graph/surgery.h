/* Surgery on ONNX models: dropouts before layers, branches of the part behind them, exit heads.
 * The changed model is an ordinary ONNX model, which other programs run, too. */
#ifndef DSE_EVALUATOR_GRAPH_SURGERY_H
#define DSE_EVALUATOR_GRAPH_SURGERY_H

#include "evaluator/graph/graph.h"
#include "evaluator/graph/onnx_model.h"

/* ---- dropouts ---- */

/* Where dropouts begin: X(name, rate, help). The rates are those with which the uncertainty
 * benchmark of Ovadia et al. (NeurIPS 2019) trained ResNet-20. */
#define DSE_DROPOUT_PRESETS(X)                                                   \
    X(last_layer, "last-layer", 0.319811, "the last layer only")                 \
    X(partial, "partial", 0.054988, "the layers from the middle one of them on") \
    X(full, "full", 0.054988, "all layers but the first")

/* The rate where neither the user nor a preset says one. */
#define DSE_DROPOUT_RATE 0.1

/* Convolutions and dense layers with constant weights: is the node one? */
bool dse_surgery_is_layer(const struct dse_onnx *model, int node);
/* The first layer meant by a preset or by a layer's name; the name may leave out a "/" at its
 * beginning and the operator at its end ("/conv1/Conv" is "conv1"). *rate is the preset's, or
 * untouched. NOT_FOUND names the nearest layer. */
DSE_MUST_USE enum dse_status dse_surgery_find_start(const struct dse_onnx *model, const char *start,
                                                    int *node, double *rate, struct dse_err *err);
/* Puts a Dropout of its own, in training mode, on the input of every layer from node `start` on, in
 * the order of the file; *n is their number. UNSUPPORTED before operator set 12, where a Dropout
 * cannot be active; CONFLICT where a layer has one already. */
DSE_MUST_USE enum dse_status dse_surgery_add_dropouts(struct dse_onnx *model, int start,
                                                      double rate, int *n, struct dse_err *err);

/* ---- branches ---- */

enum { DSE_BRANCHES_MIN = 2, DSE_BRANCHES_MAX = 10 };

/* What a Dropout does to one image, written down: factors of its input's elements, in C order. */
struct dse_surgery_mask {
    int rank;
    int64_t dims[4];
    const float *factors;
};
struct dse_surgery_masks {
    /* The mask of the Dropout at `node`, of the model before it is changed, in a branch. Its
     * factors are borrowed until the next call. */
    enum dse_status (*draw)(void *context, int node, int branch, struct dse_surgery_mask *mask,
                            struct dse_err *err);
    void *context;
};

/* Makes n copies of all that depends on a Dropout, with weights shared and with seeds of their own;
 * what comes before stays single. An output y that depends on one is replaced by y_branch_0,
 * y_branch_1, …. With masks (NULL: none) each Dropout becomes the product with its mask, so that
 * whoever runs the model computes the same. NOT_FOUND without a Dropout. */
DSE_MUST_USE enum dse_status dse_surgery_branch(struct dse_onnx *model, int n,
                                                const struct dse_surgery_masks *masks,
                                                struct dse_err *err);

/* ---- heads ---- */

/* Adds an exit from a description NAME@PLACE:STEP,STEP,…. PLACE is a value of the network or the
 * node that makes it; steps, in order, each on the result of the one before:
 * - conv=CxK[/S][v]: convolution to C channels, K x K, stride S, padded to keep the size for stride
 *   1 (v: not padded)
 * - cbr=CxK[/S][v]: convolution without bias, batch norm, relu
 * - res=C[/S]: residual block of two 3 x 3 convolutions (He et al. 2016); where the shape changes,
 *   its shortcut is a 1 x 1 convolution
 * - sep=C[/S]: depth-wise 3 x 3, then 1 x 1 convolution (MobileNet)
 * - norm, relu: batch norm, relu
 * - max=K[/S][s], avg=K[/S][s]: maximum and average pooling, K x K, stride S (K where not given),
 *   not padded (s: by K / 2)
 * - global: average over the whole map
 * - dense=C: dense layer to C outputs; flattens first
 *
 * The output NAME is put before the last output. Weights are drawn by He's rule from the stream of
 * (seed, number of the parameter). INVALID names the step that cannot be. */
DSE_MUST_USE enum dse_status dse_surgery_add_head(struct dse_onnx *model, const char *description,
                                                  uint64_t seed, struct dse_err *err);

/* ---- whole networks ---- */

/* A network of the same steps (operator set 13) from its input, named "input", to its output,
 * "logits". The step `exit` marks a place where an exit branches off: outputs exit0, exit1, …, each
 * made of exit_steps (of several exits with semicolons between, the last ones for the rest), stand
 * before the network's own. Steps must end with dense=CLASSES. */
DSE_MUST_USE enum dse_status dse_surgery_new_network(struct dse_shape input, const char *steps,
                                                     const char *exit_steps, uint64_t seed,
                                                     struct dse_onnx **model, struct dse_err *err);

#endif
