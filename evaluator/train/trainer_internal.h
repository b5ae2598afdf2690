/* The trainer, inside. */
#ifndef DSE_EVALUATOR_TRAIN_TRAINER_INTERNAL_H
#define DSE_EVALUATOR_TRAIN_TRAINER_INTERNAL_H

#include "evaluator/train/data.h"

struct dse_trainer {
    struct dse_trainer_options options;
    const struct dse_train_data *data, *validation;
    struct dse_net *net;
    struct dse_optimizer *optimizer;
    struct dse_net_parameters parameters;
    float *running;
    size_t n_running;
    uint32_t *order;
    float *images; /* of one batch */
    int32_t *labels;
    uint32_t *ids;
    float *logits[DSE_NET_MAX_OUTPUTS]; /* of one batch */
    int epochs;                         /* done */
    /* the best state so far */
    int best_epoch;
    double best_loss;
    float *best_values, *best_running;
};

#endif
