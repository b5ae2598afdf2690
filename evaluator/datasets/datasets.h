/* datasets: images and labels from the files people have, checked in full before use. */
#ifndef DSE_EVALUATOR_DATASETS_H
#define DSE_EVALUATOR_DATASETS_H

#include "base/base.h"

enum dse_dataset_format {
    DSE_DATASET_IDX,     /* files: images, labels; IDX (LeCun), plain or gzip; any size, grey */
    DSE_DATASET_CIFAR10, /* files: binary batches, in order; 1 + 3,072 bytes a record */
};
/* By name: idx, cifar10; false when unknown. */
bool dse_dataset_format_find(const char *name, enum dse_dataset_format *format);

/* A fixed run of images in memory. */
struct dse_dataset {
    int n, h, w, c;
    uint8_t *pixels; /* [n][h][w][c]; c 1 grey, 3 RGB */
    uint8_t *labels; /* [n] */
    int classes;     /* largest label of the whole file + 1 */
};

/* Reads images first .. first + count of the files together. Checks every file in full: magic,
 * sizes, that images and labels match, truncation, rubbish after the end. INVALID and NOT_FOUND
 * name the file and say what was expected; INVALID when there are fewer than first + count images
 * (says how many there are). */
DSE_MUST_USE enum dse_status dse_dataset_load(enum dse_dataset_format format,
                                              const char *const *paths, int n_paths, int first,
                                              int count, struct dse_dataset *dataset,
                                              struct dse_err *err);
void dse_dataset_fini(struct dse_dataset *dataset);

/* (x / 255 - mean[c]) / std[c] for every pixel; computed in double, rounded once to float32.
 * pixels: [n_values] with c innermost. mean and std hold c values. */
void dse_dataset_normalize(const uint8_t *pixels, size_t n_values, int c, const double *mean,
                           const double *std, float *out);

#endif
