/* What the files that speak to oneDNN share. Only they include it. */
#ifndef DSE_EVALUATOR_KERNELS_ONEDNN_COMMON_H
#define DSE_EVALUATOR_KERNELS_ONEDNN_COMMON_H

#include <oneapi/dnnl/dnnl.h>

#include "evaluator/kernels/kernels_internal.h"

/* The status that fits the library's. */
enum dse_status kernels__onednn_status(dnnl_status_t status);

/* Forwards a failure of the library. */
#define TRY_DNNL(call, err)                                                                \
    do {                                                                                   \
        dnnl_status_t try_dnnl_status_ = (call);                                           \
        if (try_dnnl_status_ != dnnl_success)                                              \
            DSE_FAIL((err), kernels__onednn_status(try_dnnl_status_), "oneDNN: status %d", \
                     (int)try_dnnl_status_);                                               \
    } while (0)

/* One thread at a time makes or frees what the library keeps for all: its cache of primitives
 * passes them between threads by means that ThreadSanitizer does not see, so our own lock says that
 * a primitive is made before another thread runs it, and no longer run when it is freed. */
void kernels__onednn_lock(void);
void kernels__onednn_unlock(void);

/* A convolution in the library's words. */
struct kernels__onednn_layouts {
    dnnl_memory_desc_t src, dst;       /* NHWC */
    dnnl_memory_desc_t given_weights;  /* [oc][h][w][ic], as callers have them */
    dnnl_memory_desc_t chosen_weights; /* "any": the library chooses */
    dnnl_dims_t strides, dilations, before, after;
};
/* Element types are those of an enum dse_conv_type. */
DSE_MUST_USE enum dse_status kernels__onednn_describe(const struct dse_conv_shape *shape,
                                                      enum dse_conv_type type, int images,
                                                      struct kernels__onednn_layouts *layouts,
                                                      struct dse_err *err);

#endif
