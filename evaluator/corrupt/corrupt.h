/* corrupt: common corruptions of images (Hendrycks and Dietterich, "Benchmarking neural network
 * robustness to common corruptions and perturbations", ICLR 2019), with the constants of CIFAR-10-C
 * (32 pixels). A result is a pure function of (image, its index, corruption, severity, data seed),
 * the same bits on every machine. */
#ifndef DSE_EVALUATOR_CORRUPT_H
#define DSE_EVALUATOR_CORRUPT_H

#include "base/base.h"
#include "problems/problems.h"

/* One image [h][w][c] to another of the same size; c 1 or 3, h and w at least 8. severity 1..5.
 * image_index is the image's place in its data set; seed is the data seed. */
DSE_MUST_USE enum dse_status dse_corrupt_image(enum dse_corruption corruption, int severity,
                                               uint64_t seed, uint32_t image_index,
                                               const uint8_t *src, int h, int w, int c,
                                               uint8_t *dst, struct dse_err *err);

#endif
