/* Images for the commands that learn or measure. Inside of model. */
#ifndef DSE_EVALUATOR_MODEL_DATA_H
#define DSE_EVALUATOR_MODEL_DATA_H

#include "evaluator/model/model.h"
#include "evaluator/train/trainer.h"

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
