/* Training images: their order, their alterations. Inside of train. */
#ifndef DSE_EVALUATOR_TRAIN_DATA_H
#define DSE_EVALUATOR_TRAIN_DATA_H

#include "evaluator/train/trainer.h"

/* order[0..n): the images of an epoch, shuffled; a function of seed and epoch. */
void train__shuffle(uint64_t seed, uint32_t epoch, int n, uint32_t *order);
/* One image [h][w][c] altered as the options say, a function of seed, epoch and id, and
 * normalised. What an alteration leaves open has the mean. */
void train__take_image(const struct dse_train_data *data, const struct dse_augment *augment,
                       uint64_t seed, uint32_t epoch, uint32_t id, float *out);

#endif
