/* plan, inside.
 *
 * plan_steps    from nodes to steps: what is computed in one go, and where its result stands
 * plan_layers   convolutions and dense layers: primitives, packed weights, one layer computed
 * plan_moves    the other steps: poolings, pads, slices, sums
 * plan          buffers, candidates in order, and only what differs
 * calibrate_plan  largest inputs of layers */
#ifndef DSE_EVALUATOR_PLAN_INTERNAL_H
#define DSE_EVALUATOR_PLAN_INTERNAL_H

#include "evaluator/plan/plan.h"

enum { PLAN__TYPES = 2 };

/* One thing computed: a node, or a convolution or dense layer with the sum and the Relu after it.
 */
struct plan__step {
    const struct dse_node *node;
    int layer;  /* index in the graph's list of layers; -1: none */
    int add;    /* value added before the Relu; -1: none */
    bool relu;  /* is a Relu part of this step? */
    int output; /* value that holds the result; node->inputs[0] is the input */
    int feeds;  /* layer whose integers this step can write; -1: none */
    bool read;  /* is the float32 result read by anybody else? */
};

/* Weights of one layer at one number of bits, packed. */
struct plan__weights {
    struct dse_packed *packed; /* NULL: not yet */
    float *scales;             /* [oc]; NULL for float32, fake-quantised or not */
};

struct plan__layer {
    int step;
    int source;                  /* step that makes its input; -1: the images themselves */
    bool splits;                 /* is the input signed, so that it takes twice the channels? */
    int at_once;                 /* images a convolution call computes; divides the batch */
    struct dse_conv_shape shape; /* of the float32 convolution */
    int convs[PLAN__TYPES];      /* by dse_conv_type, index in plan->convs; -1: not yet */
    uint8_t *input;              /* its integer input, the whole batch; part of plan->block */
    int held_bits;               /* of what is in there now; 0: nothing that counts */
    /* By dse_conv_type and bits; 0: as they are. */
    struct plan__weights weights[PLAN__TYPES][DSE_BITS_MOST + 1];
};

/* Layers of the same shape share one. */
struct plan__conv {
    struct dse_conv *conv;
    struct dse_conv_shape shape;
    enum dse_conv_type type;
    int images;
};

struct dse_plan {
    const struct dse_graph *graph; /* borrowed */
    struct dse_kernels *kernels;   /* borrowed */
    int batch;
    enum dse_weight_scales weight_scales;
    double *input_amax; /* per layer; NULL: float32 candidates only */
    struct plan__step *steps;
    int n_steps;
    struct plan__layer *layers;
    int *layer_order; /* layers in the order of their steps */
    struct plan__conv *convs;
    int n_convs;
    /* One block of memory for all of these. */
    void *block;
    float **values;        /* by value: [batch][h][w][c]; NULL where it is inside of a step */
    int32_t *accumulators; /* sums of the layer at work, at_once images */
    float *scales;         /* its output scales */
    float *fake_input;     /* its input on a grid of more than 8 bits, at_once images */
    /* For dse_plan_inspect_layer: a whole batch of the above. NULL until asked. */
    uint8_t *inspected_input;
    int32_t *inspected_accumulators;
};

/* One layer to compute. */
struct plan__task {
    const struct plan__step *step;
    const struct dse_candidate *candidate;
    bool wants_floats;     /* is the float32 result read, now or by a later candidate? */
    int32_t *accumulators; /* room for the sums of the whole batch, to be looked at; NULL: none */
};

/* ---- plan_steps.c ---- */

/* Fills plan->steps, n_steps, layers[].step, layers[].source and layer_order. */
DSE_MUST_USE enum dse_status plan__compile(struct dse_plan *plan, struct dse_err *err);

/* ---- plan_layers.c ---- */

/* Bits of the integers that a layer takes; 0: it is computed in float32. */
int plan__integer_bits(const struct dse_candidate *candidate, int layer);

/* Fills shape, splits and at_once of every layer; checks that sums of integers fit. */
DSE_MUST_USE enum dse_status plan__layers_describe(struct dse_plan *plan, struct dse_err *err);
void plan__layers_fini(struct dse_plan *plan);
/* Makes the primitive and the packed weights of a layer at these bits, where they are missing. */
DSE_MUST_USE enum dse_status plan__layer_prepare(struct dse_plan *plan,
                                                 const struct dse_candidate *candidate, int layer,
                                                 struct dse_err *err);
/* Elements for one image: of the integer input (with its split) and of the sums. */
size_t plan__layer_input_size(const struct plan__layer *layer);
size_t plan__layer_output_size(const struct plan__layer *layer);
DSE_MUST_USE enum dse_status plan__run_layer(struct dse_plan *plan, const struct plan__task *task,
                                             struct dse_err *err);

/* ---- plan_moves.c ---- */

/* A step that is not a layer. */
void plan__run_move(const struct dse_plan *plan, const struct plan__step *step);

#endif
