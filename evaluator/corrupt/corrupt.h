/* corrupt: the 19 common corruptions of images (Hendrycks and Dietterich, "Benchmarking neural
 * network robustness to common corruptions and perturbations", ICLR 2019). A result is a pure
 * function of (image, its index, corruption, severity, data seed, frost overlays), the same bits on
 * every machine. */
#ifndef DSE_EVALUATOR_CORRUPT_H
#define DSE_EVALUATOR_CORRUPT_H

#include "base/base.h"
#include "problems/problems.h"

/* Raise when any result changes: corrupted images of other versions are not reused. */
#define DSE_CORRUPT_VERSION "2"

enum {
    DSE_CORRUPT_SMALLEST_SIDE = 8,
    DSE_CORRUPT_LARGEST_SIDE = 4096,
    /* Images whose shorter side is at most this use the constants of CIFAR-10-C (32 pixels), larger
     * ones those of ImageNet-C (224): the geometric middle of both. */
    DSE_CORRUPT_SMALL_SIDE = 84,
    DSE_CORRUPT_FROST_FILES = 5, /* overlays that frost chooses from */
};

/* Names of the published overlays, in order: the five that the published script draws from. */
extern const char *const dse_corrupt_frost_names[DSE_CORRUPT_FROST_FILES];

/* Corrupts images of one size: its tables and working memory. One thread at a time. */
struct dse_corrupter;

/* h, w: DSE_CORRUPT_SMALLEST_SIDE to _LARGEST_SIDE; c: 1 (grey) or 3 (RGB). frost_files: paths of
 * the overlays (read when frost is first asked for; copied), or NULL for textures of our own. */
DSE_MUST_USE enum dse_status dse_corrupter_new(int h, int w, int c, const char *const *frost_files,
                                               struct dse_corrupter **corrupter,
                                               struct dse_err *err);
void dse_corrupter_free(struct dse_corrupter *corrupter);

/* One image [h][w][c] to another of the same size, which must not overlap; dst is untouched on
 * failure. severity 1..5. image_index is the image's place in its data set; seed the data seed. */
DSE_MUST_USE enum dse_status dse_corrupt_image(struct dse_corrupter *corrupter,
                                               enum dse_corruption corruption, int severity,
                                               uint64_t seed, uint32_t image_index,
                                               const uint8_t *src, uint8_t *dst,
                                               struct dse_err *err);

/* Images of one corruption and severity. */
struct dse_corrupt_set {
    enum dse_corruption corruption;
    int severity; /* 1..5 */
    uint64_t seed;
    int n;
    const int32_t *indices; /* [n], places in the data set */
    const uint8_t *src;     /* [n][h][w][c] */
    uint8_t *dst;           /* the same; must not overlap src; undefined on failure */
};
/* Each image as dse_corrupt_image makes it; jpeg takes 0.6 of the time for many small images. */
DSE_MUST_USE enum dse_status dse_corrupt_images(struct dse_corrupter *corrupter,
                                                const struct dse_corrupt_set *set,
                                                struct dse_err *err);

/* Does the result depend on index and seed? */
bool dse_corruption_is_random(enum dse_corruption corruption);

#endif
