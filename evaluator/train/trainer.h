/* trainer: epochs over a data set, with validation, the best state kept, and checkpoints from which
 * a training goes on to the same numbers, bit for bit (same kind of machine, same threads). */
#ifndef DSE_EVALUATOR_TRAIN_TRAINER_H
#define DSE_EVALUATOR_TRAIN_TRAINER_H

#include "evaluator/train/train.h"

/* Images of a training or validation; borrowed as long as the trainer lives. */
struct dse_train_data {
    int n, h, w, c;
    const uint8_t *pixels; /* [n][h][w][c] */
    const int32_t *labels; /* [n] */
    float levels[4][256];  /* normalised value of each level of each channel */
};

struct dse_augment {
    bool flip;         /* left and right, every second time */
    int shift_pixels;  /* up to so many in each direction; zeros (the mean) come in */
    int cutout_pixels; /* side of a square set to the mean; 0: none */
};

struct dse_trainer_options {
    struct dse_net_setup net; /* graph, kernels, threads, batch, loss */
    struct dse_optimizer_options optimizer;
    struct dse_augment augment;
    int epochs;
    double learning_rate;
    int schedule;     /* dse_schedule_find */
    double warm_up;   /* share of the training */
    double clip_norm; /* of the gradients, at most; 0: any */
    uint64_t seed;    /* order, alterations, masks */
};

struct dse_trainer;
/* data and validation (may be NULL: the last state counts as the best) are borrowed. */
DSE_MUST_USE enum dse_status dse_trainer_new(const struct dse_trainer_options *options,
                                             const struct dse_train_data *data,
                                             const struct dse_train_data *validation,
                                             struct dse_trainer **trainer, struct dse_err *err);
/* NULL is fine. */
void dse_trainer_free(struct dse_trainer *trainer);

/* What an epoch has brought. */
struct dse_epoch {
    int epoch;              /* from 1 */
    double learning_rate;   /* at its end */
    double loss, accuracy;  /* over the training images as they were seen; of the last output */
    double validation_loss; /* weighted over the outputs; NaN without validation */
    double validation_accuracy[DSE_NET_MAX_OUTPUTS];
    bool is_best; /* smallest validation loss so far */
};

/* Called after every step; false stops the epoch with INTERRUPTED. */
typedef bool (*dse_trainer_progress)(void *context, int step, int steps, double loss);

/* Runs the next epoch. After a failure or a stop the trainer stands where the epoch began only if
 * it is restored from a checkpoint; the best state stays. FAILED: the loss is not a finite number
 * (says at which step). */
DSE_MUST_USE enum dse_status dse_trainer_run_epoch(struct dse_trainer *trainer,
                                                   dse_trainer_progress progress, void *context,
                                                   struct dse_epoch *epoch, struct dse_err *err);
/* Epochs done. */
int dse_trainer_epochs(const struct dse_trainer *trainer);
/* The epoch of the best state, from 1; 0: none yet. */
int dse_trainer_best_epoch(const struct dse_trainer *trainer);
/* Accuracy of every output, and the weighted loss, over images as they are. logits may be NULL. */
DSE_MUST_USE enum dse_status dse_trainer_measure(struct dse_trainer *trainer,
                                                 const struct dse_train_data *data, double *loss,
                                                 double accuracy[DSE_NET_MAX_OUTPUTS],
                                                 struct dse_err *err);
/* Takes the best state (the last one, where there is none) for what follows and writes it into the
 * graph, so that dse_graph_store can bring it to a file. */
void dse_trainer_take_best(struct dse_trainer *trainer, struct dse_graph *graph);

/* The whole state after an epoch as bytes, and back. fingerprint: text of everything that must be
 * the same for the training to go on (model, data, options); INVALID when it differs or the bytes
 * are no checkpoint. */
DSE_MUST_USE enum dse_status dse_trainer_save(const struct dse_trainer *trainer,
                                              const char *fingerprint, const char *path,
                                              struct dse_err *err);
DSE_MUST_USE enum dse_status dse_trainer_restore(struct dse_trainer *trainer,
                                                 const char *fingerprint, const char *path,
                                                 struct dse_err *err);

#endif
