/* The network in training, inside.
 *
 * net          from the graph to units; memory; what callers ask
 * net_run      a step, an inference: the threads walk over the units
 * net_conv     convolutions and dense layers
 * net_quantize layers on the values of integers
 * net_norm     batch norms, with the sum and the Relu behind them
 * net_moves    the other operators
 * net_loss     soft-max and cross-entropy */
#ifndef DSE_EVALUATOR_TRAIN_NET_INTERNAL_H
#define DSE_EVALUATOR_TRAIN_NET_INTERNAL_H

#include "evaluator/shapes/shapes.h"
#include "evaluator/train/team.h"
#include "evaluator/train/train.h"

/* One thing computed: a node, with the sum and the Relu behind it where it is a batch norm or a
 * sum and nobody else reads the values between. */
struct train__unit {
    const struct dse_node *node;
    int input, output; /* values; flattened ones stand for the map they were made of */
    int add;           /* value added, or the second source of a TENSOR; -1: none */
    bool relu;
    int partner;  /* CONV: the norm that alone reads its result. NORM: that layer. -1: none */
    int layer;    /* CONV and DENSE: number of the layer; -1: another unit */
    int made_by;  /* layer: the norm whose result it makes for itself; -1: it reads a value */
    bool inlined; /* NORM: its result is made by the layer that reads it, and nowhere kept */
    bool has_bias;
    bool wants_input;    /* is the gradient of its input of use? */
    size_t parameters;   /* offset: weights then bias; gamma then beta */
    size_t n_weights;    /* of a layer or a transposed convolution */
    size_t running;      /* NORM, offset: mean then variance */
    size_t sums;         /* offset in sums. NORM: two a channel, then two more for the way back;
                            what has a bias: one a channel */
    size_t coefficients; /* NORM, offset in a seat's: two a channel, forward, and three, backward */
    int weight_bits;     /* of a layer; 0: float32 */
    int top;             /* largest integer of its input; 0: float32 */
    float scale, inverse;
    int at_once; /* images of one call of a convolution; divides the slots */
};

/* What one thread has. */
struct train__seat {
    int first, n;                 /* its images of the batch */
    float **values;               /* by value: [slots][h][w][c]; NULL where it is part of a unit */
    float **grads;                /* by value, of the same shape; several share memory */
    bool *has_grad;               /* has it been written since the step began? */
    struct dse_conv_grad **convs; /* by unit; NULL: not a layer */
    float *chunk[2];              /* scratch for one call: of an input, of a result */
    float *gradients;             /* of all parameters */
    double *sums;
    float *coefficients;   /* of the norm at work: two a channel; then of every norm, backward */
    double *probabilities; /* of one image */
    double loss;
    int64_t correct[DSE_NET_MAX_OUTPUTS];
    struct dse_err err; /* of the first failure */
    enum dse_status status;
};

struct dse_net {
    const struct dse_graph *graph;
    struct dse_net_setup setup;
    struct train__team *team;
    struct dse_arena arena; /* the small things */
    int *alias;             /* by value: the value that holds the numbers */
    int *readers;           /* by value, through aliases */
    struct train__unit *units;
    int n_units;
    int slots; /* images a thread has room for */
    int classes;
    size_t n_parameters, n_running, n_sums, n_coefficients, most_channels, chunk_floats[2];
    float *values, *gradients, *running;
    float *quantised; /* weights as their integers have them, like values; NULL: float32 */
    bool *decays;
    struct train__seat *seats; /* by thread */
    void **blocks;             /* by thread: memory of its maps */
    bool learns;               /* is this run a step, not an inference? */
    const struct dse_net_batch *batch;
    float *const *logits; /* of an inference */
};

/* A unit on one thread. */
struct train__job {
    struct dse_net *net;
    struct train__seat *seat;
    const struct train__unit *unit;
};

static inline struct dse_shape train__shape(const struct dse_net *net, int value) {
    return net->graph->values[value].shape;
}
static inline size_t train__size(const struct dse_net *net, int value) {
    return dse_shape_size(net->graph->values[value].shape);
}
/* Memory to add a gradient of a value to: zeros when it is the first. */
float *train__grad_to_add(struct dse_net *net, struct train__seat *seat, int value);
/* Remembers the first failure of a thread; the others go on, so that all meet. */
void train__note(struct train__seat *seat, enum dse_status status, const char *what);

/* net_conv.c */
/* Images of one call: as many as a cache holds. */
int train__conv_at_once(const struct dse_net *net, const struct train__unit *unit);
DSE_MUST_USE enum dse_status train__conv_new(struct dse_net *net, const struct train__unit *unit,
                                             struct dse_conv_grad **conv, struct dse_err *err);
void train__conv_load(const struct train__job *job);
void train__conv_forward(const struct train__job *job);
void train__conv_backward(const struct train__job *job);
/* Gradients of weights and bias into the seat's. */
void train__conv_take(const struct train__job *job);

/* net_quantize.c */
/* Bits and scales of the units. */
DSE_MUST_USE enum dse_status train__quantise_units(struct dse_net *net, struct dse_err *err);
/* Of all layers, before a step; on one thread. */
void train__quantise_weights(struct dse_net *net);
/* What the layer computes with. */
const float *train__weights(const struct dse_net *net, const struct train__unit *unit);
/* Of a layer with a top: y may be x. */
void train__quantise_input(const struct train__unit *unit, const float *x, size_t n, float *y);
/* Gradients of what was clipped become 0; x: before quantisation. */
void train__stop_clipped(const struct train__unit *unit, const float *x, size_t n, float *gradient);

/* net_norm.c; threads meet inside. */
void train__norm_forward(const struct train__job *job);
void train__norm_backward(const struct train__job *job);
/* The result for images first .. first + count of the seat's, for the layer that reads it. */
void train__norm_make(const struct train__job *norm, int first, int count, float *y);
/* dx of images first .. first + count of the seat's, for the layer in front of the norm. */
void train__norm_input(const struct train__job *norm, int first, int count, float *dx);
/* Running mean and variance move; on one thread, before the sums of the step are lost. */
void train__norm_move(struct dse_net *net, const struct train__unit *unit);

/* net_moves.c */
void train__move_forward(const struct train__job *job);
void train__move_backward(const struct train__job *job);

/* net_loss.c */
/* Loss of the seat's images; with net->learns also the gradients of the outputs. */
void train__loss(struct dse_net *net, struct train__seat *seat);

#endif
