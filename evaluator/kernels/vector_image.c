/* One image with zeros around it, in whole quads of channels, for code that knows no borders. */
#include <string.h>

#include "evaluator/kernels/vector_internal.h"

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* Extent that windows reach over, but at least the image itself. */
static int reach(int outputs, int stride, int kernel, int dilation, int pad, int inputs) {
    int windows = (outputs - 1) * stride + (kernel - 1) * dilation + 1;
    return windows > pad + inputs ? windows : pad + inputs;
}

void kernels__image_describe(struct kernels__image *image, const struct dse_conv_shape *s, int oh,
                             int ow, size_t value_bytes) {
    enum { ALIGNMENT = 64 };
    int width = reach(ow, s->stride_w, s->kernel_w, s->dilation_w, s->pad_left, s->iw);
    *image = (struct kernels__image){
        .shape = *s,
        .value_bytes = value_bytes,
        .channels = round_up((size_t)s->ic, KERNELS__QUAD),
        .height = reach(oh, s->stride_h, s->kernel_h, s->dilation_h, s->pad_top, s->ih),
    };
    size_t pixel_bytes = image->channels * value_bytes, left = (size_t)s->pad_left * pixel_bytes;
    image->row_bytes = round_up((size_t)width * pixel_bytes, ALIGNMENT);
    image->first_bytes = round_up(left, ALIGNMENT) - left;
}

enum dse_status kernels__image_init(struct kernels__image *image, size_t bytes_behind,
                                    struct dse_err *err) {
    image->bytes = dse_alloc_aligned(
        image->first_bytes + (size_t)image->height * image->row_bytes + bytes_behind, 1);
    if (image->bytes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the padded input of a convolution");
    return DSE_OK;
}

void kernels__image_fini(struct kernels__image *image) {
    dse_free(image->bytes);
    image->bytes = NULL;
}

const void *kernels__image_row(const struct kernels__image *image, int y) {
    return image->bytes + image->first_bytes + (size_t)y * image->row_bytes;
}

/* Pixels of `ic` channels to pixels of `channels`, in pieces of a constant size. What stands behind
 * a pixel's channels comes along and meets weights of zero; nothing is read behind the row. */
static inline __attribute__((always_inline)) void
widen_by(const uint8_t *src, size_t pixels, size_t ic, size_t channels, size_t piece, uint8_t *to) {
    size_t p = 0, bytes = pixels * ic;
    for (; p * ic + channels <= bytes; p++, src += ic)
        for (size_t i = 0; i < channels; i += piece, to += piece)
            memcpy(to, src + i, piece);
    for (; p < pixels; p++, src += ic, to += channels)
        memcpy(to, src, ic);
}

static void widen_pixels(const uint8_t *src, size_t pixels, size_t ic, uint8_t *to) {
    size_t channels = round_up(ic, KERNELS__QUAD);
    if (channels == 8)
        widen_by(src, pixels, ic, 8, 8, to);
    else
        widen_by(src, pixels, ic, channels, KERNELS__QUAD, to);
}

/* The border is zero from the allocation and is never written. */
void kernels__image_take(const struct kernels__image *image, const void *src) {
    const struct dse_conv_shape *s = &image->shape;
    size_t ic = (size_t)s->ic, from_bytes = (size_t)s->iw * ic * image->value_bytes;
    const uint8_t *from = src;
    uint8_t *to = image->bytes + image->first_bytes + (size_t)s->pad_top * image->row_bytes +
                  (size_t)s->pad_left * image->channels * image->value_bytes;
    for (int y = 0; y < s->ih; y++, from += from_bytes, to += image->row_bytes) {
        if (image->channels == ic)
            memcpy(to, from, from_bytes);
        else
            widen_pixels(from, (size_t)s->iw, ic, to);
    }
}
