/* Images with their padding made explicit, so that inner loops know no borders. */
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

/* Rows (or columns) that the windows of a convolution reach over, from the first padded one. */
static int reach(int outputs, int stride, int kernel, int dilation) {
    return (outputs - 1) * stride + (kernel - 1) * dilation + 1;
}

enum dse_status kernels__padded_init(struct kernels__padded *padded,
                                     const struct dse_conv_shape *shape, size_t value_bytes,
                                     struct dse_err *err) {
    int height = reach(shape->oh, shape->stride_h, shape->kernel_h, shape->dilation_h);
    int width = reach(shape->ow, shape->stride_w, shape->kernel_w, shape->dilation_w);
    bool in_place =
        shape->pad_top == 0 && shape->pad_left == 0 && height <= shape->ih && width <= shape->iw;
    if (in_place) {
        height = shape->ih;
        width = shape->iw;
    }
    size_t row_bytes = (size_t)width * (size_t)shape->ic * value_bytes;
    size_t image_bytes = row_bytes * (size_t)height;
    unsigned char *copy = NULL;
    if (!in_place) {
        copy = dse_alloc_aligned(image_bytes, 1);
        if (copy == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the padded input of a convolution");
    }
    *padded = (struct kernels__padded){
        .in_place = in_place,
        .value_bytes = value_bytes,
        .height = height,
        .width = width,
        .row_bytes = row_bytes,
        .image_bytes = image_bytes,
        .copy = copy,
    };
    return DSE_OK;
}

void kernels__padded_fini(struct kernels__padded *padded) {
    dse_free(padded->copy);
    padded->copy = NULL;
}

static int at_most(int a, int b) {
    return a < b ? a : b;
}

/* The border of the copy is zero from its allocation and is never written. */
const void *kernels__padded_image(struct kernels__padded *padded,
                                  const struct dse_conv_shape *shape, const void *src, int image) {
    size_t pixel_bytes = (size_t)shape->ic * padded->value_bytes;
    size_t src_row_bytes = (size_t)shape->iw * pixel_bytes;
    const unsigned char *from =
        (const unsigned char *)src + (size_t)image * (size_t)shape->ih * src_row_bytes;
    if (padded->in_place)
        return from;
    int rows = at_most(shape->ih, padded->height - shape->pad_top);
    int columns = at_most(shape->iw, padded->width - shape->pad_left);
    if (columns <= 0)
        return padded->copy;
    unsigned char *to = padded->copy + (size_t)shape->pad_top * padded->row_bytes +
                        (size_t)shape->pad_left * pixel_bytes;
    for (int y = 0; y < rows; y++)
        memcpy(to + (size_t)y * padded->row_bytes, from + (size_t)y * src_row_bytes,
               (size_t)columns * pixel_bytes);
    return padded->copy;
}
