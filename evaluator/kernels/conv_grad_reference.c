/* Gradients of float32 convolutions in plain C: the definition, and what is left where no library
 * takes a shape. Vectors run over channels, which lie innermost; sums are in the order of the
 * loops. */
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

struct reference_grad {
    struct dse_conv_shape shape;
    int images;
    size_t group_ic, group_oc, taps;
    float *by_oc; /* weights [group][tap][ic][oc]: outputs together */
    float *by_ic; /* weights [group][tap][oc][ic]: inputs together */
    float *sum;   /* gradient, as by_oc */
};

static size_t weight_count(const struct reference_grad *g) {
    return (size_t)g->shape.groups * g->taps * g->group_ic * g->group_oc;
}

static void reference_grad_free(void *grad) {
    struct reference_grad *g = grad;
    if (g == NULL)
        return;
    dse_free(g->by_oc);
    dse_free(g->by_ic);
    dse_free(g->sum);
    dse_free(g);
}

static enum dse_status reference_grad_new(const struct dse_conv_shape *shape, int images,
                                          void **grad, struct dse_err *err) {
    struct reference_grad *g = dse_alloc(1, sizeof *g);
    if (g == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    g->shape = *shape;
    g->images = images;
    g->group_ic = (size_t)(shape->ic / shape->groups);
    g->group_oc = (size_t)(shape->oc / shape->groups);
    g->taps = (size_t)shape->kernel_h * (size_t)shape->kernel_w;
    g->by_oc = dse_alloc_aligned(weight_count(g), sizeof *g->by_oc);
    g->by_ic = dse_alloc_aligned(weight_count(g), sizeof *g->by_ic);
    g->sum = dse_alloc_aligned(weight_count(g), sizeof *g->sum);
    if (g->by_oc == NULL || g->by_ic == NULL || g->sum == NULL) {
        reference_grad_free(g);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    }
    *grad = g;
    return DSE_OK;
}

/* Calls back for every weight: its place in by_oc, in by_ic, and in the caller's order. */
#define FOR_EACH_WEIGHT(g, o, i, plain)                                                            \
    for (size_t group_ = 0, plain = 0; group_ < (size_t)(g)->shape.groups; group_++)               \
        for (size_t oc_ = 0; oc_ < (g)->group_oc; oc_++)                                           \
            for (size_t tap_ = 0; tap_ < (g)->taps; tap_++)                                        \
                for (size_t ic_ = 0,                                                               \
                            o = (group_ * (g)->taps + tap_) * (g)->group_ic * (g)->group_oc + oc_, \
                            i = (group_ * (g)->taps + tap_) * (g)->group_ic * (g)->group_oc +      \
                                oc_ * (g)->group_ic;                                               \
                     ic_ < (g)->group_ic; ic_++, o += (g)->group_oc, i++, plain++)

static enum dse_status reference_grad_load(void *grad, const float *weights, struct dse_err *err) {
    struct reference_grad *g = grad;
    (void)err;
    FOR_EACH_WEIGHT(g, o, i, plain) g->by_oc[o] = g->by_ic[i] = weights[plain];
    return DSE_OK;
}

static enum dse_status reference_grad_take(void *grad, float *weights, struct dse_err *err) {
    struct reference_grad *g = grad;
    (void)err;
    FOR_EACH_WEIGHT(g, o, i, plain) {
        (void)i;
        weights[plain] = g->sum[o];
    }
    memset(g->sum, 0, weight_count(g) * sizeof *g->sum);
    return DSE_OK;
}

/* One output pixel and one tap of one group that lies inside of the image. */
struct meeting {
    size_t src, dst, weights; /* places of the group's first channels and weights */
};

typedef void (*meet)(const struct reference_grad *g, const struct meeting *at, const float *a,
                     const float *b, float *out);

DSE_CLONES
static void meet_forward(const struct reference_grad *g, const struct meeting *at, const float *src,
                         const float *unused, float *dst) {
    (void)unused;
    const float *w = g->by_oc + at->weights;
    float *restrict to = dst + at->dst;
    for (size_t i = 0; i < g->group_ic; i++, w += g->group_oc)
        for (size_t o = 0; o < g->group_oc; o++)
            to[o] += src[at->src + i] * w[o];
}

DSE_CLONES
static void meet_input(const struct reference_grad *g, const struct meeting *at,
                       const float *diff_dst, const float *unused, float *diff_src) {
    (void)unused;
    const float *w = g->by_ic + at->weights;
    float *restrict to = diff_src + at->src;
    for (size_t o = 0; o < g->group_oc; o++, w += g->group_ic)
        for (size_t i = 0; i < g->group_ic; i++)
            to[i] += diff_dst[at->dst + o] * w[i];
}

DSE_CLONES
static void meet_weights(const struct reference_grad *g, const struct meeting *at, const float *src,
                         const float *diff_dst, float *sum) {
    float *restrict to = sum + at->weights;
    for (size_t i = 0; i < g->group_ic; i++, to += g->group_oc)
        for (size_t o = 0; o < g->group_oc; o++)
            to[o] += src[at->src + i] * diff_dst[at->dst + o];
}

static void meet_tap(const struct reference_grad *g, size_t src_pixel, size_t dst_pixel, size_t tap,
                     meet what, const float *a, const float *b, float *out) {
    for (size_t group = 0; group < (size_t)g->shape.groups; group++) {
        struct meeting at = {
            .src = src_pixel * (size_t)g->shape.ic + group * g->group_ic,
            .dst = dst_pixel * (size_t)g->shape.oc + group * g->group_oc,
            .weights = (group * g->taps + tap) * g->group_ic * g->group_oc,
        };
        what(g, &at, a, b, out);
    }
}

/* Every output pixel with every tap inside of its image. */
static void meet_all(const struct reference_grad *g, meet what, const float *a, const float *b,
                     float *out) {
    const struct dse_conv_shape *s = &g->shape;
    size_t dst_pixel = 0;
    for (int n = 0; n < g->images; n++)
        for (int y = 0; y < s->oh; y++)
            for (int x = 0; x < s->ow; x++, dst_pixel++)
                for (int tap = 0; tap < s->kernel_h * s->kernel_w; tap++) {
                    int sy = y * s->stride_h - s->pad_top + tap / s->kernel_w * s->dilation_h;
                    int sx = x * s->stride_w - s->pad_left + tap % s->kernel_w * s->dilation_w;
                    if (sy < 0 || sy >= s->ih || sx < 0 || sx >= s->iw)
                        continue;
                    size_t src_pixel = ((size_t)n * (size_t)s->ih + (size_t)sy) * (size_t)s->iw;
                    meet_tap(g, src_pixel + (size_t)sx, dst_pixel, (size_t)tap, what, a, b, out);
                }
}

static enum dse_status reference_grad_forward(void *grad, const float *src, float *dst,
                                              struct dse_err *err) {
    const struct reference_grad *g = grad;
    (void)err;
    memset(dst, 0,
           (size_t)g->images * (size_t)g->shape.oh * (size_t)g->shape.ow * (size_t)g->shape.oc *
               sizeof *dst);
    meet_all(g, meet_forward, src, NULL, dst);
    return DSE_OK;
}

static enum dse_status reference_grad_input(void *grad, const float *diff_dst, float *diff_src,
                                            struct dse_err *err) {
    const struct reference_grad *g = grad;
    (void)err;
    memset(diff_src, 0,
           (size_t)g->images * (size_t)g->shape.ih * (size_t)g->shape.iw * (size_t)g->shape.ic *
               sizeof *diff_src);
    meet_all(g, meet_input, diff_dst, NULL, diff_src);
    return DSE_OK;
}

static enum dse_status reference_grad_weights(void *grad, const float *src, const float *diff_dst,
                                              struct dse_err *err) {
    struct reference_grad *g = grad;
    (void)err;
    meet_all(g, meet_weights, src, diff_dst, g->sum);
    return DSE_OK;
}

const struct kernels__grad_ops kernels__reference_grad_ops = {
    .name = "c",
    .grad_new = reference_grad_new,
    .grad_free = reference_grad_free,
    .load = reference_grad_load,
    .forward = reference_grad_forward,
    .input = reference_grad_input,
    .weights = reference_grad_weights,
    .take = reference_grad_take,
};
