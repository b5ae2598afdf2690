/* train: a network's numbers learned from images. The graph is computed forward and backward on
 * float32, data-parallel over threads; batch norm takes its statistics over the whole batch, so the
 * number of threads changes rounding only. With the same number of threads on the same kind of
 * processor every step gives the same bits. */
#ifndef DSE_EVALUATOR_TRAIN_H
#define DSE_EVALUATOR_TRAIN_H

#include "base/base.h"
#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"
#include "evaluator/quantize/quantize.h"

/* ---- the network ---- */

struct dse_net;

enum { DSE_NET_MAX_OUTPUTS = 16 };

/* What integers the layers of graph->layers compute with (quantize.h); arrays borrowed. */
struct dse_net_quantization {
    const int *input_bits, *weight_bits; /* 2..16, 0: float32 */
    const double *input_amax;            /* largest inputs, which do not change */
    enum dse_weight_scales weight_scales;
};

struct dse_net_setup {
    const struct dse_graph *graph; /* read with options.for_training; borrowed until free */
    struct dse_kernels *kernels;   /* borrowed until free */
    int threads;                   /* at least 1 */
    int batch;                     /* most images of a step, at least 2 */
    double output_weights[DSE_NET_MAX_OUTPUTS]; /* of each output in the loss */
    double label_smoothing; /* share of the target that is spread over all classes */
    uint64_t seed;          /* of dropout masks */
    /* NULL: float32. Else steps and inferences see inputs and weights of the layers as their
     * integers do; parameters stay float32, and gradients pass straight through. */
    const struct dse_net_quantization *quantization;
};

/* UNSUPPORTED names a node that cannot be trained; INVALID: bits that are not possible. Starts with
 * the graph's numbers. */
DSE_MUST_USE enum dse_status dse_net_new(const struct dse_net_setup *setup, struct dse_net **net,
                                         struct dse_err *err);
/* NULL is fine. */
void dse_net_free(struct dse_net *net);

/* Numbers that are learned, one after the other; gradients are those of the last step. */
struct dse_net_parameters {
    size_t n;
    float *values;
    const float *gradients;
    const bool
        *decays; /* by number: does weight decay act on it? Weights yes, biases and norms no */
};
struct dse_net_parameters dse_net_parameters(struct dse_net *net);
/* Running means and variances of the batch norms, to be kept with the parameters. */
float *dse_net_running(struct dse_net *net, size_t *n);
/* Place of a node's k-th kind of parameter (see dse_parameter_names) in values; false: it has none.
 * n gets their number. Running numbers count from the start of dse_net_running. */
bool dse_net_find(const struct dse_net *net, int node, int k, size_t *offset, size_t *n);

/* Images of one step. */
struct dse_net_batch {
    const float *images;   /* [n][h][w][c], normalised */
    const int32_t *labels; /* [n] */
    const uint32_t *ids; /* [n] that name the images: a mask depends on seed, epoch, id and layer */
    int n;               /* 2 to setup.batch */
    uint32_t epoch;
};

struct dse_net_result {
    double loss;                          /* weighted over the outputs, mean over the images */
    int64_t correct[DSE_NET_MAX_OUTPUTS]; /* images classified correctly by each output */
};

/* Forward and backward: fills the gradients of the mean loss, and moves the running means and
 * variances. FAILED when the loss is not a finite number (then nothing is to be trusted but the
 * parameters, which stay). */
DSE_MUST_USE enum dse_status dse_net_step(struct dse_net *net, const struct dse_net_batch *batch,
                                          struct dse_net_result *result, struct dse_err *err);
/* Shortens the gradients of the last step, as one vector, to this norm where they are longer
 * (Pascanu et al., "On the difficulty of training recurrent neural networks", 2013). */
void dse_net_clip_gradients(struct dse_net *net, double longest);
/* Forward only, with the running means and variances and without dropout. logits: for each output
 * in order [n][classes]; n at most setup.batch. */
DSE_MUST_USE enum dse_status dse_net_infer(struct dse_net *net, const float *images, int n,
                                           float *const *logits, struct dse_err *err);
/* Number of outputs, and of classes of the outputs. */
int dse_net_outputs(const struct dse_net *net);
int dse_net_classes(const struct dse_net *net);

/* ---- how the parameters move ---- */

enum dse_optimizer_rule {
    DSE_SGD,      /* with momentum */
    DSE_NESTEROV, /* Sutskever et al., "On the importance of initialization and momentum", 2013 */
    DSE_ADAM,     /* Kingma and Ba, "Adam", 2015; weight decay in the gradient */
    DSE_ADAMW,    /* Loshchilov and Hutter, "Decoupled weight decay", 2019 */
};
/* By name: sgd, nesterov, adam, adamw; false when unknown. */
bool dse_optimizer_find(const char *name, enum dse_optimizer_rule *rule);
const char *dse_optimizer_name(enum dse_optimizer_rule rule);

struct dse_optimizer_options {
    enum dse_optimizer_rule rule;
    double momentum;              /* sgd, nesterov */
    double beta1, beta2, epsilon; /* adam, adamw */
    double weight_decay;
};

struct dse_optimizer;
/* For n parameters, with a state of zeros. */
DSE_MUST_USE enum dse_status dse_optimizer_new(const struct dse_optimizer_options *options,
                                               size_t n, struct dse_optimizer **optimizer,
                                               struct dse_err *err);
/* NULL is fine. */
void dse_optimizer_free(struct dse_optimizer *optimizer);
/* One step along the gradients. */
void dse_optimizer_step(struct dse_optimizer *optimizer,
                        const struct dse_net_parameters *parameters, double learning_rate);
/* The state as bytes (of this machine's kind), and back; n and options must be the same. */
size_t dse_optimizer_state_size(const struct dse_optimizer *optimizer);
void dse_optimizer_save(const struct dse_optimizer *optimizer, struct dse_buf *out);
void dse_optimizer_restore(struct dse_optimizer *optimizer, const void *state);

/* By name: constant, step, cosine, one-cycle, late-steps; false when unknown. */
bool dse_schedule_find(const char *name, int *schedule);
/* Factor of the initial learning rate after this share (0..1) of the training; it grows from 0
 * over the first warm_up of it. */
double dse_schedule_factor(int schedule, double warm_up, double share);

#endif
