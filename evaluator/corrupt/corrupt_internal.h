/* What the files of this room share. */
#ifndef DSE_EVALUATOR_CORRUPT_INTERNAL_H
#define DSE_EVALUATOR_CORRUPT_INTERNAL_H

#include "evaluator/corrupt/corrupt.h"

/* One image to make from another; both [h][w][c]. */
struct corrupt__job {
    const uint8_t *src;
    uint8_t *dst;
    int h, w, c;
    struct dse_rng *rng; /* at the start of the stream of this image, corruption and severity */
};

/* The published code computes on x / 255, clips to 0..1, multiplies by 255 and truncates. */
static inline double corrupt__intensity(uint8_t level) {
    return level / 255.0;
}
static inline uint8_t corrupt__level(double intensity) {
    double clipped = intensity < 0.0 ? 0.0 : intensity > 1.0 ? 1.0 : intensity;
    return (uint8_t)(clipped * 255.0);
}

/* sigma: standard deviation in pixels, one of the five of the published code. */
DSE_MUST_USE enum dse_status corrupt__blur_image(const struct corrupt__job *job, double sigma,
                                                 struct dse_err *err);
/* factor: share of the side that is left, below 1. */
DSE_MUST_USE enum dse_status corrupt__pixelate_image(const struct corrupt__job *job, double factor,
                                                     struct dse_err *err);

#endif
