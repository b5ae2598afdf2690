/* kernels, inside the room: what an implementation of convolutions provides. */
#ifndef DSE_EVALUATOR_KERNELS_INTERNAL_H
#define DSE_EVALUATOR_KERNELS_INTERNAL_H

#include "evaluator/kernels/kernels.h"

#define KERNELS__CLONES DSE_CLONES

/* Added to a float32 of magnitude below 2^22 it leaves no fraction bits, rounded half to even; the
 * last bits of the sum are the integer's. */
static const float KERNELS__ROUNDER = 12582912.0f; /* 1.5 x 2^23 */

/* One implementation. conv and packed are its own structs. */
struct kernels__ops {
    const char *name;
    /* Readies the library for one thread and writes what it is, for people, into out[size].
     * UNSUPPORTED when it cannot work in this process. */
    enum dse_status (*open)(char *out, size_t size, struct dse_err *err);
    /* UNSUPPORTED: declines this shape; the next implementation takes it. */
    enum dse_status (*conv_new)(const struct dse_conv_shape *shape, enum dse_conv_type type,
                                int images, void **conv, struct dse_err *err);
    void (*conv_free)(void *conv);
    enum dse_status (*pack)(void *conv, const void *weights, void **packed, struct dse_err *err);
    void (*packed_free)(void *packed);
    enum dse_status (*run)(void *conv, const void *packed, const void *src, void *dst,
                           struct dse_err *err);
    /* dse_conv_run_finished in one go, for integers; NULL: run, then kernels__finish. */
    enum dse_status (*run_finished)(void *conv, const void *packed, const void *src,
                                    const struct dse_conv_finish *finish, struct dse_err *err);
};

/* A window along one axis: pixels first, first + step, ... below end lie inside the image; `count`
 * of the window's pixels lie in the image or its padding. */
struct kernels__window_axis {
    int first, end, step, count;
};
struct kernels__window_axis kernels__window_rows(const struct dse_pool_shape *shape, int oy);
struct kernels__window_axis kernels__window_columns(const struct dse_pool_shape *shape, int ox);

/* Sums of some pixels of c channels, finished. */
void kernels__finish(const int32_t *sums, size_t pixels, int c,
                     const struct dse_conv_finish *finish);

/* One implementation of float32 convolutions with gradients; grad is its own struct. */
struct kernels__grad_ops {
    const char *name;
    /* UNSUPPORTED: declines this shape; the next implementation takes it. */
    enum dse_status (*grad_new)(const struct dse_conv_shape *shape, int images, void **grad,
                                struct dse_err *err);
    void (*grad_free)(void *grad);
    enum dse_status (*load)(void *grad, const float *weights, struct dse_err *err);
    enum dse_status (*forward)(void *grad, const float *src, float *dst, struct dse_err *err);
    enum dse_status (*input)(void *grad, const float *diff_dst, float *diff_src,
                             struct dse_err *err);
    enum dse_status (*weights)(void *grad, const float *src, const float *diff_dst,
                               struct dse_err *err);
    enum dse_status (*take)(void *grad, float *weights, struct dse_err *err);
};

extern const struct kernels__ops kernels__reference_ops, kernels__vector_ops;
/* Has the processor matrix units for bytes? Those are oneDNN's. */
bool kernels__has_amx(void);
extern const struct kernels__grad_ops kernels__reference_grad_ops, kernels__vector_grad_ops;
#ifdef DSE_HAVE_OPENBLAS
extern const struct kernels__ops kernels__openblas_ops;
/* The core type that OpenBLAS should have chosen for this processor; NULL when its choice is fine.
 */
const char *kernels__openblas_better_core(void);
#endif
#ifdef DSE_HAVE_ONEDNN
extern const struct kernels__ops kernels__onednn_ops;
extern const struct kernels__grad_ops kernels__onednn_grad_ops;
#endif

/* Is the implementation of this name among those that passed their check? */
bool kernels__in_use(const struct dse_kernels *kernels, const char *name);

/* Compares an implementation with the reference on small shapes; UNSUPPORTED says what differs. */
DSE_MUST_USE enum dse_status kernels__self_check(const struct kernels__ops *ops,
                                                 struct dse_err *err);

/* The source as convolutions without padding read it: a copy of the images with zeros around them,
 * or the source itself where no zeros are needed. */
struct kernels__padded {
    bool in_place;
    size_t value_bytes;
    int height, width; /* of an image with its padding */
    size_t row_bytes, image_bytes;
    unsigned char *copy; /* one image; NULL when in_place */
};
DSE_MUST_USE enum dse_status kernels__padded_init(struct kernels__padded *padded,
                                                  const struct dse_conv_shape *shape,
                                                  size_t value_bytes, struct dse_err *err);
void kernels__padded_fini(struct kernels__padded *padded);
/* Image number `image` of src; valid until the next call. */
const void *kernels__padded_image(struct kernels__padded *padded,
                                  const struct dse_conv_shape *shape, const void *src, int image);

#endif
