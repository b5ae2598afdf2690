/* An implementation against the reference, at start: a library that is broken on this processor
 * is noticed before it computes results. */
#include <math.h>
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

enum { CHECK_IMAGES = 2, MAX_SRC = 4096, MAX_WEIGHTS = 8192, MAX_DST = 4096 };

/* Small ones of the kinds that networks have: 3x3, stride 2, 1x1, first layer, dense, grouped; many
 * channels with an edge of less than a tile. */
static const struct dse_conv_shape check_shapes[] = {
    {.ic = 16,
     .ih = 8,
     .iw = 8,
     .oc = 16,
     .oh = 8,
     .ow = 8,
     .kernel_h = 3,
     .kernel_w = 3,
     .stride_h = 1,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 1,
     .pad_top = 1,
     .pad_left = 1},
    {.ic = 16,
     .ih = 8,
     .iw = 8,
     .oc = 32,
     .oh = 4,
     .ow = 4,
     .kernel_h = 3,
     .kernel_w = 3,
     .stride_h = 2,
     .stride_w = 2,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 1,
     .pad_top = 1,
     .pad_left = 1},
    {.ic = 6,
     .ih = 7,
     .iw = 9,
     .oc = 17,
     .oh = 7,
     .ow = 9,
     .kernel_h = 3,
     .kernel_w = 3,
     .stride_h = 1,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 1,
     .pad_top = 1,
     .pad_left = 1},
    {.ic = 24,
     .ih = 5,
     .iw = 5,
     .oc = 40,
     .oh = 5,
     .ow = 5,
     .kernel_h = 1,
     .kernel_w = 1,
     .stride_h = 1,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 1},
    {.ic = 64,
     .ih = 1,
     .iw = 1,
     .oc = 10,
     .oh = 1,
     .ow = 1,
     .kernel_h = 1,
     .kernel_w = 1,
     .stride_h = 1,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 1},
    {.ic = 8,
     .ih = 6,
     .iw = 6,
     .oc = 12,
     .oh = 6,
     .ow = 6,
     .kernel_h = 3,
     .kernel_w = 3,
     .stride_h = 1,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 4,
     .pad_top = 1,
     .pad_left = 1},
    {.ic = 64,
     .ih = 5,
     .iw = 6,
     .oc = 12,
     .oh = 5,
     .ow = 6,
     .kernel_h = 3,
     .kernel_w = 3,
     .stride_h = 1,
     .stride_w = 1,
     .dilation_h = 1,
     .dilation_w = 1,
     .groups = 1,
     .pad_top = 1,
     .pad_left = 1},
};

/* Data of one check. One block, so that there is one allocation to fail. */
struct check {
    float src_f32[MAX_SRC], weights_f32[MAX_WEIGHTS], f32[2][MAX_DST];
    int32_t s32[2][MAX_DST];
    uint8_t src_u8[MAX_SRC];
    int8_t weights_s8[MAX_WEIGHTS];
};

/* Reaches the extremes 127 x +-127, and mixes signs. */
static void fill(struct check *check) {
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (size_t i = 0; i < MAX_SRC; i++) {
        uint32_t u = dse_rng_below(&rng, 160);
        check->src_u8[i] = (uint8_t)(u < 127 ? u : 127);
        check->src_f32[i] = (float)check->src_u8[i] / 64.0f;
    }
    for (size_t i = 0; i < MAX_WEIGHTS; i++) {
        int w = (int)dse_rng_below(&rng, 401) - 200;
        check->weights_s8[i] = (int8_t)(w > 127 ? 127 : w < -127 ? -127 : w);
        check->weights_f32[i] = (float)check->weights_s8[i] / 128.0f;
    }
}

static enum dse_status run_once(const struct kernels__ops *ops, const struct dse_conv_shape *shape,
                                enum dse_conv_type type, const void *weights, const void *src,
                                void *dst, struct dse_err *err) {
    void *conv = NULL, *packed = NULL;
    DSE_TRY(ops->conv_new(shape, type, CHECK_IMAGES, &conv, err));
    enum dse_status status = ops->pack(conv, weights, &packed, err);
    if (status == DSE_OK) {
        status = ops->run(conv, packed, src, dst, err);
        ops->packed_free(packed);
    }
    ops->conv_free(conv);
    return status;
}

static bool floats_agree(const float *a, const float *b, size_t n) {
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fabsf(a[i]) > largest ? fabsf(a[i]) : largest;
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-5f * largest))
            return false;
    return true;
}

static enum dse_status check_shape(const struct kernels__ops *ops, struct check *check,
                                   const struct dse_conv_shape *shape, enum dse_conv_type type,
                                   struct dse_err *err) {
    bool is_float = type == DSE_CONV_F32;
    size_t n = (size_t)(CHECK_IMAGES * shape->oh * shape->ow * shape->oc);
    dse_assert(n <= MAX_DST && CHECK_IMAGES * shape->ih * shape->iw * shape->ic <= MAX_SRC);
    dse_assert(shape->oc * shape->kernel_h * shape->kernel_w * shape->ic / shape->groups <=
               MAX_WEIGHTS);
    const struct kernels__ops *both[] = {&kernels__reference_ops, ops};
    for (int i = 0; i < 2; i++) {
        enum dse_status status =
            run_once(both[i], shape, type,
                     is_float ? (const void *)check->weights_f32 : (const void *)check->weights_s8,
                     is_float ? (const void *)check->src_f32 : (const void *)check->src_u8,
                     is_float ? (void *)check->f32[i] : (void *)check->s32[i], err);
        if (status == DSE_UNSUPPORTED && i == 1)
            return DSE_OK; /* declined: it will not be used for such a shape */
        if (status != DSE_OK)
            return status;
    }
    bool agree = is_float ? floats_agree(check->f32[0], check->f32[1], n)
                          : memcmp(check->s32[0], check->s32[1], n * sizeof(int32_t)) == 0;
    if (!agree)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "kernels '%s' compute a wrong %s convolution (%dx%d, %d to %d channels) on this "
                 "processor; use other kernels",
                 ops->name, is_float ? "float32" : "integer", shape->kernel_h, shape->kernel_w,
                 shape->ic, shape->oc);
    return DSE_OK;
}

enum dse_status kernels__self_check(const struct kernels__ops *ops, struct dse_err *err) {
    struct check *check = dse_alloc_aligned(1, sizeof *check);
    if (check == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to check kernels");
    fill(check);
    enum dse_status status = DSE_OK;
    for (size_t i = 0; i < sizeof check_shapes / sizeof check_shapes[0] && status == DSE_OK; i++) {
        status = check_shape(ops, check, &check_shapes[i], DSE_CONV_U8S8, err);
        if (status == DSE_OK)
            status = check_shape(ops, check, &check_shapes[i], DSE_CONV_F32, err);
    }
    dse_free(check);
    return status;
}
