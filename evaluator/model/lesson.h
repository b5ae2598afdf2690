/* A network that is taught from images: what train and retrain share. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_LESSON_H
#define DSE_EVALUATOR_MODEL_LESSON_H

#include "evaluator/kernels/kernels.h"
#include "evaluator/model/model.h"
#include "evaluator/model/model_data.h"
#include "evaluator/train/trainer.h"

enum { MODEL__TRAINING_EPOCHS = 20 /* where the user says none */ };

/* One training of operand 0 into operand 1, as the options say. The first members are the
 * command's; bits of layers go into options.net.quantization between load and prepare. */
struct model__lesson {
    struct model *m;
    int epochs;                 /* where the user says none */
    double rate_factor;         /* of the usual learning rates, likewise */
    double clip_norm;           /* longest gradients, likewise; 0: any */
    const char *const *outputs; /* n_outputs; 0: all of the model */
    int n_outputs;

    struct dse_onnx *onnx;
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_trainer_options options;
    struct model__images images[2]; /* to learn from, to choose by */
    struct dse_trainer *trainer;
    const char *checkpoint, *log, *fingerprint;
};
/* The network. */
DSE_MUST_USE enum dse_status model__lesson_load(struct model__lesson *l, struct dse_err *err);
/* Options, images and trainer; with --resume, where it stood. */
DSE_MUST_USE enum dse_status model__lesson_prepare(struct model__lesson *l, struct dse_err *err);
/* All epochs that are left, each told, logged and kept in the checkpoint. */
DSE_MUST_USE enum dse_status model__lesson_run(struct model__lesson *l, struct dse_err *err);
/* Writes the best state; loss and accuracies are those of the validation images. The checkpoint
 * stays: the command removes it when all is done. */
DSE_MUST_USE enum dse_status model__lesson_finish(struct model__lesson *l, double *loss,
                                                  double accuracy[DSE_NET_MAX_OUTPUTS],
                                                  struct dse_err *err);
void model__lesson_fini(struct model__lesson *l); /* fine on what was not prepared */

#endif
