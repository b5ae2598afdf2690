/* plan, inside.
 *
 * plan_steps    from nodes to steps: what is computed in one go, and where its result stands
 * plan_layers   convolutions and dense layers: what they are, one layer computed
 * plan_weights  their primitives and packed weights
 * plan_moves    the other steps: poolings, pads, slices, sums
 * plan_dropout  masks on the input of a layer
 * plan_queue    candidates and passes in order, and what differs
 * plan          buffers, and the run
 * calibrate_plan  largest inputs of layers */
#ifndef DSE_EVALUATOR_PLAN_INTERNAL_H
#define DSE_EVALUATOR_PLAN_INTERNAL_H

#include "evaluator/plan/plan.h"
#include "evaluator/shapes/shapes.h"
#include "evaluator/tensor/tensor.h"

enum { PLAN__TYPES = 2 };

/* One thing computed: a node, or a convolution or dense layer with the sum and the Relu or other
 * activation after it. */
struct plan__step {
    const struct dse_node *node;
    int layer;                               /* index in the graph's list of layers; -1: none */
    int add;                                 /* value added before the Relu; -1: none */
    bool relu;                               /* is a Relu part of this step? */
    const struct dse_activation *activation; /* another one at its end; NULL: none */
    int output; /* value that holds the result; node->inputs[0] is the input */
    int feeds;  /* layer whose integers this step can write; -1: none */
    bool read;  /* is the float32 result read by anybody else? */
    /* The last step that reads the result, where a layer makes it and only steps read it, as it is;
     * else INT_MAX. */
    int last_reader;
};

/* Weights of one layer at one number of bits, packed. */
struct plan__weights {
    struct dse_packed *packed; /* NULL: not yet */
    float *scales;             /* [oc]; NULL for float32, fake-quantised or not */
    int64_t used;              /* plan->uses when it was asked for last */
};

/* Does the node's result stand where its first or second input does? -1: it has a place of its own.
 * Other dimensions move nothing, and parts of a concatenation share its place. */
int plan__shared_input(const struct dse_node *node);

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

/* One pass of one candidate. */
struct plan__item {
    const struct dse_candidate *candidate;
    int pass;
};

/* What is run over the same images, in this order. */
struct plan__queue {
    struct plan__item *items; /* by candidate, then pass; room of them, kept from run to run */
    int n, room;
    const int *order; /* borrowed for the run */
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
    bool *depends;    /* [step][layer]: do the layer's settings change the step's result? */
    bool *changed;    /* by step: must it be computed for the item at work? */
    int first, count; /* the images of the batch at work */
    /* By value: does it stand in the places of the first images, since nobody reads it once the
     * images at work are through? */
    bool *folded;
    struct plan__queue queue;
    uint64_t mask_seed;   /* dropout */
    uint32_t first_image; /* of the batch, for its masks */
    struct plan__conv *convs;
    int n_convs;
    int64_t uses; /* grows with every run, and every look at what fits */
    size_t weights_bytes, weights_bytes_most;
    /* One block of memory for all of these. */
    void *block;
    float **values;        /* by value: [batch][h][w][c]; NULL where it is inside of a step */
    int32_t *accumulators; /* sums of the layer at work, at_once images */
    float *scales;         /* its output scales */
    float *fake_input;     /* its input on a grid of more than 8 bits, at_once images */
    void *masked;          /* its input after dropout, at_once images */
    uint64_t *keep;        /* a mask of one image */
    /* For dse_plan_inspect_layer: a whole batch of the above. NULL until asked. */
    uint8_t *inspected_input;
    int32_t *inspected_accumulators;
};

/* One layer to compute. */
struct plan__task {
    const struct plan__step *step;
    const struct plan__item *item;
    bool wants_floats;     /* is the float32 result read, now or by a later item? */
    int32_t *accumulators; /* room for the sums of the whole batch, to be looked at; NULL: none */
};

/* ---- plan_steps.c ---- */

/* Fills plan->steps, n_steps, depends, layers[].step, layers[].source and layer_order. */
DSE_MUST_USE enum dse_status plan__compile(struct dse_plan *plan, struct dse_err *err);

/* The row of plan->depends of a step. */
const bool *plan__step_depends(const struct dse_plan *plan, int step);

/* ---- plan.c ---- */

/* Where a value, or the integer input of a layer, stands for an image of the batch at work. */
float *plan__value_at(const struct dse_plan *plan, int value, size_t image);
uint8_t *plan__input_at(const struct dse_plan *plan, int layer, size_t image);

/* ---- plan_queue.c ---- */

uint32_t plan__dropout_rate(const struct dse_candidate *candidate, int layer);
/* Checks a candidate and makes what its layers need; nothing that was prepared since plan->uses
 * last changed is given up for it. */
DSE_MUST_USE enum dse_status plan__prepare_candidate(struct dse_plan *plan,
                                                     const struct dse_candidate *candidate,
                                                     struct dse_err *err);
/* Fills plan->queue, after preparing the candidates. */
DSE_MUST_USE enum dse_status plan__queue_fill(struct dse_plan *plan,
                                              const struct dse_candidate *candidates, int n,
                                              const int *order, struct dse_err *err);
/* The item at a place of the order. */
const struct plan__item *plan__queue_at(const struct dse_plan *plan, int place);
/* Fills plan->changed: the steps whose results differ from those of the item before. */
void plan__queue_mark_changes(struct dse_plan *plan, int place);
/* Is a step's result the same for the next item? */
bool plan__queue_shares_on(const struct dse_plan *plan, int place, int step);
/* Must the float32 result of a step be written? Where one layer alone reads it, and as integers
 * that this item makes on the way, it is read only by a later item that shares the step and takes
 * other integers of it. */
bool plan__queue_wants_floats(const struct dse_plan *plan, int place, int step);

/* ---- plan_dropout.c ---- */

/* The input of at_once images, `first` the first of them in the batch: as it is where the layer
 * drops nothing, else masked in a scratch. Floats are multiplied by 1 / (1 - rate); for integers
 * the factor belongs into the output scales. */
const uint8_t *plan__drop_integers(const struct dse_plan *plan, const struct plan__task *task,
                                   const uint8_t *input, size_t first);
const float *plan__drop_floats(const struct dse_plan *plan, const struct plan__task *task,
                               const float *input, size_t first);

/* ---- plan_layers.c ---- */

/* Bits of the integers that a layer takes; 0: it is computed in float32. */
int plan__integer_bits(const struct dse_candidate *candidate, int layer);

/* Fills shape, splits and at_once of every layer; checks that sums of integers fit. */
DSE_MUST_USE enum dse_status plan__layers_describe(struct dse_plan *plan, struct dse_err *err);
enum dse_conv_type plan__layer_type(const struct dse_candidate *candidate, int layer);
/* Weights that one output adds up. */
size_t plan__weights_per_channel(const struct dse_conv_shape *shape);
/* Elements for one image: of the input, of the integer input (with its split) and of the sums. */
size_t plan__layer_elements(const struct plan__layer *layer);
size_t plan__layer_input_size(const struct plan__layer *layer);
size_t plan__layer_output_size(const struct plan__layer *layer);
DSE_MUST_USE enum dse_status plan__run_layer(struct dse_plan *plan, const struct plan__task *task,
                                             struct dse_err *err);

/* ---- plan_weights.c ---- */

/* Makes the primitive and the packed weights of a layer at these bits, where they are missing. */
DSE_MUST_USE enum dse_status plan__layer_prepare(struct dse_plan *plan,
                                                 const struct dse_candidate *candidate, int layer,
                                                 struct dse_err *err);
/* Bytes of the candidate's packed weights, about, without those counted since plan->uses last
 * changed. */
size_t plan__count_weights(struct dse_plan *plan, const struct dse_candidate *candidate);
void plan__layers_fini(struct dse_plan *plan);

/* ---- plan_moves.c ---- */

/* A step that is not a layer. */
void plan__run_move(const struct dse_plan *plan, const struct plan__step *step);

#endif
