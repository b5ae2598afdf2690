/* Images for the commands that learn or measure. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_DATA_H
#define DSE_EVALUATOR_MODEL_DATA_H

#include "evaluator/datasets/datasets.h"
#include "evaluator/model/model.h"
#include "evaluator/train/trainer.h"

enum { MODEL_FILES_MAX = 64 };
/* "FORMAT:FILE,FILE..." taken apart into request and paths; strings live in the arena. */
DSE_MUST_USE enum dse_status model__read_request(struct model *m, const char *text,
                                                 const char *paths[MODEL_FILES_MAX],
                                                 struct dse_dataset_request *request,
                                                 struct dse_err *err);

struct model__images {
    struct dse_train_data data;
    char sha256[DSE_SHA256_HEX]; /* of pixels, labels and normalisation */
    uint8_t *pixels;             /* owned; NULL: a part of another's */
    int32_t *labels;
};

/* Reads "FORMAT:FILE,FILE..." and normalises as --mean and --std say. count 0: all images. */
DSE_MUST_USE enum dse_status model__load_images(struct model *m, const char *text, int count,
                                                struct model__images *images, struct dse_err *err);
/* The last n images become another set, which lives no longer than the first. */
DSE_MUST_USE enum dse_status model__split_images(struct model__images *images, int n,
                                                 struct model__images *rest, struct dse_err *err);
void model__images_fini(struct model__images *images);

#endif
