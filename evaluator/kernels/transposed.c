/* Transposed convolutions, output pixel by output pixel: the loop runs over output channels. */
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

static void add_scaled(const float *restrict row, float factor, int n, float *restrict y) {
    for (int i = 0; i < n; i++)
        y[i] += factor * row[i];
}

/* One pixel of the source, times the weights of one tap. */
static void spread_pixel(const struct dse_conv_shape *shape, const float *x, const float *weights,
                         float *y) {
    int group_ic = shape->ic / shape->groups, group_oc = shape->oc / shape->groups;
    for (int i = 0; i < shape->ic; i++, weights += group_oc)
        add_scaled(weights, x[i], group_oc, y + i / group_ic * group_oc);
}

/* The place of the source that reaches the output through tap k of one axis; -1: none. */
static int source_of(int output, int pad, int tap, int dilation, int stride, int extent) {
    int at = output + pad - tap * dilation;
    if (at < 0 || at % stride != 0 || at / stride >= extent)
        return -1;
    return at / stride;
}

static void gather_pixel(const struct dse_conv_shape *shape, const float *image,
                         const float *weights, int oy, int ox, float *y) {
    size_t tap_size = (size_t)shape->ic * (size_t)(shape->oc / shape->groups);
    for (int ky = 0; ky < shape->kernel_h; ky++) {
        int iy = source_of(oy, shape->pad_top, ky, shape->dilation_h, shape->stride_h, shape->ih);
        for (int kx = 0; iy >= 0 && kx < shape->kernel_w; kx++) {
            int ix =
                source_of(ox, shape->pad_left, kx, shape->dilation_w, shape->stride_w, shape->iw);
            size_t tap = (size_t)ky * (size_t)shape->kernel_w + (size_t)kx;
            if (ix >= 0)
                spread_pixel(shape,
                             image +
                                 ((size_t)iy * (size_t)shape->iw + (size_t)ix) * (size_t)shape->ic,
                             weights + tap * tap_size, y);
        }
    }
}

void dse_conv_transpose_f32(const float *x, int images, const struct dse_conv_shape *shape,
                            const float *weights, const float *bias, float *y) {
    size_t image = (size_t)shape->ih * (size_t)shape->iw * (size_t)shape->ic;
    for (int n = 0; n < images; n++, x += image)
        for (int oy = 0; oy < shape->oh; oy++)
            for (int ox = 0; ox < shape->ow; ox++, y += shape->oc) {
                memcpy(y, bias, (size_t)shape->oc * sizeof *y);
                gather_pixel(shape, x, weights, oy, ox, y);
            }
}

/* ---- gradients ---- */

/* One pixel of the source and one of the result that meet in a tap. */
static void meet(const struct dse_conv_shape *shape, const float *x, const float *dy,
                 const float *weights, float *dx, float *diff_weights) {
    int group_ic = shape->ic / shape->groups, group_oc = shape->oc / shape->groups;
    for (int i = 0; i < shape->ic; i++, weights += group_oc, diff_weights += group_oc) {
        const float *from = dy + i / group_ic * group_oc;
        float sum = 0;
        for (int o = 0; o < group_oc; o++)
            sum += from[o] * weights[o];
        dx[i] += sum;
        add_scaled(from, x[i], group_oc, diff_weights);
    }
}

/* All taps of one pixel of the source. */
static void meet_pixel(const struct dse_conv_shape *s, const struct dse_transposed_pass *pass,
                       int iy, int ix) {
    size_t tap_size = (size_t)s->ic * (size_t)(s->oc / s->groups);
    size_t at = ((size_t)iy * (size_t)s->iw + (size_t)ix) * (size_t)s->ic;
    for (int tap = 0; tap < s->kernel_h * s->kernel_w; tap++) {
        int oy = iy * s->stride_h - s->pad_top + tap / s->kernel_w * s->dilation_h;
        int ox = ix * s->stride_w - s->pad_left + tap % s->kernel_w * s->dilation_w;
        if (oy < 0 || oy >= s->oh || ox < 0 || ox >= s->ow)
            continue;
        size_t to = ((size_t)oy * (size_t)s->ow + (size_t)ox) * (size_t)s->oc;
        size_t place = (size_t)tap * tap_size;
        meet(s, pass->x + at, pass->dy + to, pass->weights + place, pass->dx + at,
             pass->diff_weights + place);
    }
}

void dse_train_transposed(const struct dse_conv_shape *shape, int images,
                          const struct dse_transposed_pass *pass) {
    struct dse_transposed_pass image = *pass;
    for (int n = 0; n < images; n++) {
        for (int iy = 0; iy < shape->ih; iy++)
            for (int ix = 0; ix < shape->iw; ix++)
                meet_pixel(shape, &image, iy, ix);
        image.x += (size_t)shape->ih * (size_t)shape->iw * (size_t)shape->ic;
        image.dx += (size_t)shape->ih * (size_t)shape->iw * (size_t)shape->ic;
        image.dy += (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->oc;
    }
}
