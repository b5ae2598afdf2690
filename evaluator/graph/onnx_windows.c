/* Sliding windows: what convolutions and poolings share, and poolings. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

/* ---- images ---- */

enum dse_status graph__image_operand(struct graph__import *import, const Onnx__NodeProto *node,
                                     size_t k, struct graph__operand *operand,
                                     struct dse_err *err) {
    struct graph__operand found;
    DSE_TRY(graph__value_operand(import, node, k, &found, err));
    if (found.form.rank != 4 && found.form.rank != 3)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input has %d dimensions; 4 or 3 are supported",
                 found.form.rank);
    DSE_TRY(graph__to_order(import, node, GRAPH__IMAGE, &found, err));
    *operand = found;
    return DSE_OK;
}

struct graph__form graph__like_image(const struct graph__form *image, int64_t c, int64_t h,
                                     int64_t w) {
    if (image->rank == 4)
        return graph__image_form(c, h, w);
    return (struct graph__form){.rank = 3, .dims = {1, c, w}, .order = GRAPH__IMAGE};
}

void graph__image_extents(const struct graph__form *image, int64_t extents[2]) {
    extents[0] = image->rank == 4 ? image->dims[2] : 1;
    extents[1] = image->dims[image->rank - 1];
}

/* ---- windows ---- */

enum dse_status graph__get_pair(const Onnx__NodeProto *node, const char *name,
                                const struct graph__form *image, size_t n, int64_t fallback,
                                int64_t low, int *values, struct dse_err *err) {
    int given[4] = {0};
    size_t axes = (size_t)image->rank - 2;
    DSE_TRY(
        graph__get_ints(node, name, n / 2 * axes, fallback, low, GRAPH__MAX_SETTING, given, err));
    for (size_t i = 0; i < n; i++) {
        size_t end = i / 2, axis = i % 2;
        if (axes == 2)
            values[i] = given[i];
        else
            values[i] = axis == 1 ? given[end] : (int)fallback;
    }
    return DSE_OK;
}

/* Zeros before and after for an output of ceil(extent / stride). */
static void pad_same(int64_t extent, int kernel, int stride, int dilation, bool upper, int *before,
                     int *after) {
    int64_t out = (extent + stride - 1) / stride;
    int64_t total = (out - 1) * stride + (int64_t)(kernel - 1) * dilation + 1 - extent;
    total = total < 0 ? 0 : total;
    int64_t small = total / 2, large = total - small;
    *before = (int)(upper ? small : large);
    *after = (int)(upper ? large : small);
}

static enum dse_status read_pads(const Onnx__NodeProto *node, const struct graph__form *image,
                                 struct graph__window *window, struct dse_err *err) {
    char automatic[16];
    int pads[4]; /* top, left, bottom, right */
    int64_t extents[2];
    DSE_TRY(graph__get_text(node, "auto_pad", "NOTSET", automatic, sizeof automatic, err));
    DSE_TRY(graph__get_pair(node, "pads", image, 4, 0, 0, pads, err));
    bool set = strcmp(automatic, "NOTSET") != 0 && automatic[0] != '\0';
    if (set && (pads[0] | pads[1] | pads[2] | pads[3]) != 0)
        DSE_FAIL(err, DSE_INVALID, "has both auto_pad %s and pads", automatic);
    for (int i = 0; i < 2; i++) {
        window->pad_before[i] = pads[i];
        window->pad_after[i] = pads[2 + i];
    }
    if (!set || strcmp(automatic, "VALID") == 0)
        return DSE_OK;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0;
    if (!upper && strcmp(automatic, "SAME_LOWER") != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "auto_pad '%s'", automatic);
    graph__image_extents(image, extents);
    for (int i = 0; i < 2; i++)
        pad_same(extents[i], window->kernel[i], window->stride[i], window->dilation[i], upper,
                 &window->pad_before[i], &window->pad_after[i]);
    return DSE_OK;
}

enum dse_status graph__read_kernel(const Onnx__NodeProto *node, const struct graph__form *image,
                                   const int *kernel, struct graph__window *window,
                                   struct dse_err *err) {
    if (kernel == NULL && !graph__has_attribute(node, "kernel_shape"))
        DSE_FAIL(err, DSE_INVALID, "attribute 'kernel_shape' is missing");
    DSE_TRY(graph__get_pair(node, "kernel_shape", image, 2, 1, 0, window->kernel, err));
    for (int i = 0; kernel != NULL && i < 2; i++) {
        if (graph__has_attribute(node, "kernel_shape") && window->kernel[i] != kernel[i])
            DSE_FAIL(err, DSE_INVALID, "attribute 'kernel_shape' does not fit the weights");
        window->kernel[i] = kernel[i];
    }
    DSE_TRY(graph__get_pair(node, "strides", image, 2, 1, 1, window->stride, err));
    DSE_TRY(graph__get_pair(node, "dilations", image, 2, 1, 1, window->dilation, err));
    for (int i = 0; i < 2; i++) {
        if (window->kernel[i] < 1)
            DSE_FAIL(err, DSE_INVALID, "attribute 'kernel_shape' does not fit the weights");
        if ((int64_t)window->kernel[i] * window->dilation[i] > GRAPH__MAX_EXTENT)
            DSE_FAIL(err, DSE_UNSUPPORTED, "a window of more than %d pixels", GRAPH__MAX_EXTENT);
    }
    return DSE_OK;
}

/* Number of window positions along one axis. With ceil_mode the last one may reach beyond the
 * padding, but must begin before it (as PyTorch; newer versions of ONNX say so, too). */
static enum dse_status count_positions(const struct graph__window *window, int axis, int64_t extent,
                                       bool ceil_mode, int64_t *count, struct dse_err *err) {
    int64_t stride = window->stride[axis];
    int64_t padded = extent + window->pad_before[axis] + window->pad_after[axis];
    int64_t slack = padded - ((int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1);
    if (slack < 0)
        DSE_FAIL(err, DSE_INVALID, "the window is larger than the padded image (%lld pixels)",
                 (long long)padded);
    int64_t positions = slack / stride + 1;
    if (ceil_mode && slack % stride != 0 && positions * stride < extent + window->pad_before[axis])
        positions++;
    *count = positions;
    return DSE_OK;
}

enum dse_status graph__read_window(const Onnx__NodeProto *node, const struct graph__form *image,
                                   const int *kernel, struct graph__window *window,
                                   struct dse_err *err) {
    int64_t ceil_mode = 0, extents[2];
    struct graph__window made = {0};
    DSE_TRY(graph__read_kernel(node, image, kernel, &made, err));
    DSE_TRY(graph__get_int(node, "ceil_mode", 0, &ceil_mode, err));
    DSE_TRY(read_pads(node, image, &made, err));
    graph__image_extents(image, extents);
    for (int i = 0; i < 2; i++)
        DSE_TRY(count_positions(&made, i, extents[i], ceil_mode != 0, &made.out[i], err));
    *window = made;
    return DSE_OK;
}

/* ---- poolings ---- */

static enum dse_status add_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                enum dse_op op, const struct graph__operand *image,
                                const struct graph__window *window, bool exclude_padding,
                                struct dse_err *err) {
    for (int i = 0; i < 2; i++) {
        int reach = (window->kernel[i] - 1) * window->dilation[i] + 1;
        if (window->pad_before[i] >= reach || window->pad_after[i] >= reach)
            DSE_FAIL(err, DSE_UNSUPPORTED, "padding as large as the window");
    }
    struct graph__operand result = {.form = graph__like_image(&image->form, image->form.dims[1],
                                                              window->out[0], window->out[1])};
    struct dse_node content = {
        .op = op,
        .inputs = {image->value, -1},
        .pool = {.kernel_h = window->kernel[0],
                 .kernel_w = window->kernel[1],
                 .stride_h = window->stride[0],
                 .stride_w = window->stride[1],
                 .dilation_h = window->dilation[0],
                 .dilation_w = window->dilation[1],
                 .pad_top = window->pad_before[0],
                 .pad_left = window->pad_before[1],
                 .pad_bottom = window->pad_after[0],
                 .pad_right = window->pad_after[1],
                 .exclude_padding = exclude_padding},
    };
    DSE_TRY(graph__add_node(import, node, &content, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

static enum dse_status import_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                   enum dse_op op, bool exclude_padding, struct dse_err *err) {
    struct graph__operand image;
    struct graph__window window = {0};
    DSE_TRY(graph__image_operand(import, node, 0, &image, err));
    DSE_TRY(graph__read_window(node, &image.form, NULL, &window, err));
    return add_pool(import, node, op, &image, &window, exclude_padding, err);
}

enum dse_status graph__import_average_pool(struct graph__import *import,
                                           const Onnx__NodeProto *node, struct dse_err *err) {
    int64_t include = 0;
    DSE_TRY(graph__get_int(node, "count_include_pad", 0, &include, err));
    return import_pool(import, node, DSE_OP_AVGPOOL, include == 0, err);
}

/* Of the places of the largest numbers (output 2) nothing is known. */
enum dse_status graph__import_max_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err) {
    return import_pool(import, node, DSE_OP_MAXPOOL, false, err);
}

enum dse_status graph__import_global_average_pool(struct graph__import *import,
                                                  const Onnx__NodeProto *node,
                                                  struct dse_err *err) {
    struct graph__operand image;
    int64_t extents[2];
    DSE_TRY(graph__image_operand(import, node, 0, &image, err));
    graph__image_extents(&image.form, extents);
    struct graph__window window = {.kernel = {(int)extents[0], (int)extents[1]},
                                   .stride = {1, 1},
                                   .dilation = {1, 1},
                                   .out = {1, 1}};
    return add_pool(import, node, DSE_OP_AVGPOOL, &image, &window, false, err);
}
