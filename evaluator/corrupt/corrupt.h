/* corrupt: common corruptions of images (Hendrycks and Dietterich, "Benchmarking neural network
 * robustness to common corruptions and perturbations", ICLR 2019), with the constants of CIFAR-10-C
 * (32 pixels). A result is a pure function of (image, its index, corruption, severity, data seed),
 * the same bits on every machine. */
#ifndef DSE_EVALUATOR_CORRUPT_H
#define DSE_EVALUATOR_CORRUPT_H

#include "base/base.h"

enum { DSE_SEVERITIES = 5 };

/* Names in the order of their numbers, which are part of random keys: never renumber. Numbers are
 * those of the published list of 19. */
#define DSE_CORRUPTION_TABLE(X)            \
    X(GAUSSIAN_NOISE, 1, "gaussian_noise") \
    X(CONTRAST, 12, "contrast")            \
    X(PIXELATE, 14, "pixelate")            \
    X(GAUSSIAN_BLUR, 17, "gaussian_blur")
enum dse_corruption {
#define X(name, number, text) DSE_CORRUPTION_##name = number,
    DSE_CORRUPTION_TABLE(X)
#undef X
};
/* By name; false when unknown. */
bool dse_corruption_find(const char *name, enum dse_corruption *corruption);

/* One image [h][w][c] to another of the same size; c 1 or 3, h and w at least 8. severity 1..5.
 * image_index is the image's place in its data set; seed is the data seed. */
DSE_MUST_USE enum dse_status dse_corrupt_image(enum dse_corruption corruption, int severity,
                                               uint64_t seed, uint32_t image_index,
                                               const uint8_t *src, int h, int w, int c,
                                               uint8_t *dst, struct dse_err *err);

#endif
