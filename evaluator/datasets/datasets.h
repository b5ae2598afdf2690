/* datasets: images and labels from the files people have, checked in full before use. */
#ifndef DSE_EVALUATOR_DATASETS_H
#define DSE_EVALUATOR_DATASETS_H

#include "base/base.h"

/* X(name, text of workloads, files): c is 1 (grey) or 3 (RGB) throughout. */
#define DSE_DATASET_FORMATS(X)                                                            \
    X(IDX, "idx", "images, labels: IDX (LeCun), any size, grey")                          \
    X(CIFAR10, "cifar10", "binary batches, in order: 1 + 3,072 bytes a record")           \
    X(CIFAR100, "cifar100", "binary batches, in order: coarse, fine label + 3,072 bytes") \
    X(NPY, "npy",                                                                         \
      "images.npy, labels.npy, or one .npz with both: uint8 [n][h][w] or [n][h][w][c]")   \
    X(PICTURES, "pictures", "a folder with a folder of PNG and JPEG files for each class, sorted")
enum dse_dataset_format {
#define X(name, text, files) DSE_DATASET_##name,
    DSE_DATASET_FORMATS(X)
#undef X
};
/* By text: idx, cifar10, …; false when unknown. */
bool dse_dataset_format_find(const char *name, enum dse_dataset_format *format);

enum { DSE_DATASET_ALL = -1 };

/* Which images of which files. All files may be packed with gzip. */
struct dse_dataset_request {
    enum dse_dataset_format format;
    const char *const *paths;
    int n_paths;
    int first, count; /* count DSE_DATASET_ALL: every image from `first` on */
    /* False: images first .. first + count. True: count images of those from `first` on, drawn so
     * that every class has its share; a function of labels, first, count and seed alone. */
    bool stratified;
    uint64_t seed;
    bool coarse_labels; /* CIFAR100: the 20 classes instead of the 100 */
    /* PICTURES: the shorter side is made so long, then a square of this side is cut out of the
     * middle; 0: neither. With 0 and 0 all pictures must have one size. */
    int resize, crop;
    bool grey; /* PICTURES: one channel, luminance, instead of RGB */
    /* PICTURES: called after each picture, which takes a while; NULL: nothing is. */
    void (*progress)(void *context, int done, int total);
    void *progress_context;
};

/* A fixed choice of images in memory, in the order of the files. */
struct dse_dataset {
    int n, h, w, c;
    uint8_t *pixels;  /* [n][h][w][c] */
    uint16_t *labels; /* [n] */
    int32_t *indices; /* [n], rising: the place of an image among all those of the files */
    int classes;      /* largest label of all files + 1 */
};

/* Reads images. Checks every file in full: magic, sizes, that images and labels match, truncation,
 * rubbish after the end. INVALID and NOT_FOUND name the file and say what was expected; INVALID
 * when there are fewer than first + count images (says how many there are). */
DSE_MUST_USE enum dse_status dse_dataset_load(const struct dse_dataset_request *request,
                                              struct dse_dataset *dataset, struct dse_err *err);
void dse_dataset_fini(struct dse_dataset *dataset);

/* Images of one .npy file (uint8, [n][h][w] or [n][h][w][c]) read one at a time. Its header and
 * size are checked when it is opened: INVALID, NOT_FOUND, IO, naming the file. */
struct dse_image_rows;
DSE_MUST_USE enum dse_status dse_image_rows_open(const char *path, struct dse_image_rows **rows,
                                                 struct dse_err *err);
void dse_image_rows_close(struct dse_image_rows *rows); /* NULL is fine */
void dse_image_rows_shape(const struct dse_image_rows *rows, int64_t *n, int *h, int *w, int *c);
/* Image 0 .. n - 1 into out [h][w][c]. */
DSE_MUST_USE enum dse_status dse_image_rows_read(const struct dse_image_rows *rows, int64_t index,
                                                 uint8_t *out, struct dse_err *err);

/* All labels of one .npy file: integers of shape (n) or (n, 1), checked in full. *labels is heap
 * memory of the caller, untouched on failure: INVALID, NOT_FOUND, IO, NO_MEMORY, naming the file.
 */
DSE_MUST_USE enum dse_status dse_labels_load(const char *path, uint16_t **labels, int64_t *n,
                                             struct dse_err *err);

/* A file's bytes, unpacked where it is gzip; or, with a member, those of the first file of that
 * name (without folders) in a tar archive, plain or gzip. Appended. INVALID above limit bytes and
 * for what is damaged, NOT_FOUND, IO. */
DSE_MUST_USE enum dse_status dse_dataset_unpack(const char *path, const char *member, size_t limit,
                                                struct dse_buf *out, struct dse_err *err);

/* (x / 255 - mean[c]) / std[c] for every pixel; computed in double, rounded once to float32.
 * pixels: [n_values] with c innermost. mean and std hold c values. */
void dse_dataset_normalize(const uint8_t *pixels, size_t n_values, int c, const double *mean,
                           const double *std, float *out);

#endif
