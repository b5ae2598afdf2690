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
