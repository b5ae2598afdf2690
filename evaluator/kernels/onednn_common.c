/* What the files that speak to oneDNN share: statuses, and shapes in the library's words. */
#include <pthread.h>

#include "evaluator/kernels/onednn_common.h"

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

void kernels__onednn_lock(void) {
    (void)pthread_mutex_lock(&making);
}

void kernels__onednn_unlock(void) {
    (void)pthread_mutex_unlock(&making);
}

enum dse_status kernels__onednn_status(dnnl_status_t status) {
    switch (status) {
    case dnnl_success:
        return DSE_OK;
    case dnnl_out_of_memory:
        return DSE_NO_MEMORY;
    case dnnl_unimplemented:
    case dnnl_invalid_arguments:
        return DSE_UNSUPPORTED;
    default:
        return DSE_INTERNAL;
    }
}

/* Zeros after the last row or column that windows read; outputs that leave input unread at the end
 * need none. */
static int pad_after(int outputs, int stride, int kernel, int dilation, int before, int inputs) {
    int pad = (outputs - 1) * stride + (kernel - 1) * dilation + 1 - before - inputs;
    return pad > 0 ? pad : 0;
}

/* Dimensions of weights are (group,) oc, ic, h, w in the library's order; ours lie as
 * [oc][h][w][ic]. */
static enum dse_status describe_weights(const struct dse_conv_shape *s, dnnl_data_type_t type,
                                        struct kernels__onednn_layouts *l, struct dse_err *err) {
    dnnl_dim_t ic = s->ic / s->groups, oc = s->oc / s->groups, h = s->kernel_h, w = s->kernel_w;
    const dnnl_dims_t plain_dims = {oc, ic, h, w};
    const dnnl_dims_t plain_strides = {h * w * ic, 1, w * ic, ic};
    const dnnl_dims_t group_dims = {s->groups, oc, ic, h, w};
    const dnnl_dims_t group_strides = {oc * h * w * ic, h * w * ic, 1, w * ic, ic};
    const dnnl_dim_t *dims = s->groups == 1 ? plain_dims : group_dims;
    const dnnl_dim_t *strides = s->groups == 1 ? plain_strides : group_strides;
    int n = s->groups == 1 ? 4 : 5;
    TRY_DNNL(dnnl_memory_desc_init_by_strides(&l->given_weights, n, dims, type, strides), err);
    TRY_DNNL(dnnl_memory_desc_init_by_tag(&l->chosen_weights, n, dims, type, dnnl_format_tag_any),
             err);
    return DSE_OK;
}

static void take_pair(dnnl_dims_t pair, dnnl_dim_t vertical, dnnl_dim_t horizontal) {
    pair[0] = vertical;
    pair[1] = horizontal;
}

enum dse_status kernels__onednn_describe(const struct dse_conv_shape *s, enum dse_conv_type type,
                                         int images, struct kernels__onednn_layouts *layouts,
                                         struct dse_err *err) {
    bool is_float = type == DSE_CONV_F32;
    const dnnl_dims_t src = {images, s->ic, s->ih, s->iw}, dst = {images, s->oc, s->oh, s->ow};
    struct kernels__onednn_layouts l = {0};
    take_pair(l.strides, s->stride_h, s->stride_w);
    take_pair(l.dilations, s->dilation_h - 1, s->dilation_w - 1);
    take_pair(l.before, s->pad_top, s->pad_left);
    take_pair(l.after, pad_after(s->oh, s->stride_h, s->kernel_h, s->dilation_h, s->pad_top, s->ih),
              pad_after(s->ow, s->stride_w, s->kernel_w, s->dilation_w, s->pad_left, s->iw));
    DSE_TRY(describe_weights(s, is_float ? dnnl_f32 : dnnl_s8, &l, err));
    TRY_DNNL(dnnl_memory_desc_init_by_tag(&l.src, 4, src, is_float ? dnnl_f32 : dnnl_u8, dnnl_nhwc),
             err);
    TRY_DNNL(
        dnnl_memory_desc_init_by_tag(&l.dst, 4, dst, is_float ? dnnl_f32 : dnnl_s32, dnnl_nhwc),
        err);
    *layouts = l;
    return DSE_OK;
}
