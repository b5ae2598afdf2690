/* Operators that move or pool: windows, poolings, flatten, pad, slice. */
#include "evaluator/graph/graph_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- windows ---- */

static enum dse_status check_input_rank(const struct graph__import *import, int value, int rank,
                                        struct dse_err *err) {
    if (import->facts[value].rank != rank)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input has %d dimensions; %d are supported",
                 import->facts[value].rank, rank);
    return DSE_OK;
}

/* Zeros before and after for an output of ceil(extent / stride). */
static void pad_same(int extent, int kernel, int stride, int dilation, bool upper, int *before,
                     int *after) {
    int64_t out = ((int64_t)extent + stride - 1) / stride;
    int64_t total = (out - 1) * stride + (int64_t)(kernel - 1) * dilation + 1 - extent;
    total = total < 0 ? 0 : total;
    int64_t small = total / 2, large = total - small;
    *before = (int)(upper ? small : large);
    *after = (int)(upper ? large : small);
}

static enum dse_status read_pads(const Onnx__NodeProto *node, struct dse_shape input,
                                 struct graph__window *window, struct dse_err *err) {
    char automatic[16];
    int pads[4]; /* top, left, bottom, right */
    DSE_TRY(graph__get_text(node, "auto_pad", "NOTSET", automatic, sizeof automatic, err));
    DSE_TRY(graph__get_ints(node, "pads", 4, 0, 0, GRAPH__MAX_SETTING, pads, err));
    bool set = strcmp(automatic, "NOTSET") != 0 && automatic[0] != '\0';
    if (set && (pads[0] | pads[1] | pads[2] | pads[3]) != 0)
        DSE_FAIL(err, DSE_INVALID, "has both auto_pad %s and pads", automatic);
    window->pad_top = pads[0];
    window->pad_left = pads[1];
    window->pad_bottom = pads[2];
    window->pad_right = pads[3];
    if (!set || strcmp(automatic, "VALID") == 0)
        return DSE_OK;
    bool upper = strcmp(automatic, "SAME_UPPER") == 0;
    if (!upper && strcmp(automatic, "SAME_LOWER") != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "auto_pad '%s'", automatic);
    pad_same(input.h, window->kernel_h, window->stride_h, window->dilation_h, upper,
             &window->pad_top, &window->pad_bottom);
    pad_same(input.w, window->kernel_w, window->stride_w, window->dilation_w, upper,
             &window->pad_left, &window->pad_right);
    return DSE_OK;
}

/* Number of window positions along one axis; *rest is what the last one leaves uncovered. */
static enum dse_status count_positions(int64_t extent, int kernel, int stride, int dilation,
                                       int64_t *count, int64_t *rest, struct dse_err *err) {
    int64_t slack = extent - ((int64_t)(kernel - 1) * dilation + 1);
    if (slack < 0)
        DSE_FAIL(err, DSE_INVALID, "the window is larger than the padded image (%lld pixels)",
                 (long long)extent);
    *count = slack / stride + 1;
    *rest = slack % stride;
    return DSE_OK;
}

enum dse_status graph__read_window(const Onnx__NodeProto *node, struct dse_shape input,
                                   int kernel_h, int kernel_w, struct graph__window *window,
                                   struct dse_err *err) {
    int kernel[2] = {0}, strides[2] = {0}, dilations[2] = {0};
    int64_t ceil_mode = 0, rest_h = 0, rest_w = 0;
    if (kernel_h == 0 && !graph__has_attribute(node, "kernel_shape"))
        DSE_FAIL(err, DSE_INVALID, "attribute 'kernel_shape' is missing");
    DSE_TRY(graph__get_ints(node, "kernel_shape", 2, kernel_h, 0, GRAPH__MAX_SETTING, kernel, err));
    if (!graph__has_attribute(node, "kernel_shape"))
        kernel[1] = kernel_w;
    if (kernel[0] < 1 || kernel[1] < 1 ||
        (kernel_h != 0 && (kernel[0] != kernel_h || kernel[1] != kernel_w)))
        DSE_FAIL(err, DSE_INVALID, "attribute 'kernel_shape' does not fit the weights");
    DSE_TRY(graph__get_ints(node, "strides", 2, 1, 1, GRAPH__MAX_SETTING, strides, err));
    DSE_TRY(graph__get_ints(node, "dilations", 2, 1, 1, GRAPH__MAX_SETTING, dilations, err));
    DSE_TRY(graph__get_int(node, "ceil_mode", 0, &ceil_mode, err));
    if ((int64_t)kernel[0] * dilations[0] > GRAPH__MAX_EXTENT ||
        (int64_t)kernel[1] * dilations[1] > GRAPH__MAX_EXTENT)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a window of more than %d pixels", GRAPH__MAX_EXTENT);
    *window = (struct graph__window){.kernel_h = kernel[0],
                                     .kernel_w = kernel[1],
                                     .stride_h = strides[0],
                                     .stride_w = strides[1],
                                     .dilation_h = dilations[0],
                                     .dilation_w = dilations[1]};
    DSE_TRY(read_pads(node, input, window, err));
    DSE_TRY(count_positions((int64_t)input.h + window->pad_top + window->pad_bottom,
                            window->kernel_h, window->stride_h, window->dilation_h, &window->out_h,
                            &rest_h, err));
    DSE_TRY(count_positions((int64_t)input.w + window->pad_left + window->pad_right,
                            window->kernel_w, window->stride_w, window->dilation_w, &window->out_w,
                            &rest_w, err));
    if (ceil_mode != 0 && (rest_h != 0 || rest_w != 0))
        DSE_FAIL(err, DSE_UNSUPPORTED, "ceil_mode 1 where it changes the shape");
    return DSE_OK;
}

/* ---- poolings ---- */

static enum dse_status add_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                enum dse_op op, int value, const struct graph__window *window,
                                bool exclude_padding, struct dse_err *err) {
    struct dse_shape input = import->graph->values[value].shape, output;
    if (window->dilation_h != 1 || window->dilation_w != 1)
        DSE_FAIL(err, DSE_UNSUPPORTED, "attribute 'dilations' other than 1");
    if (window->pad_top >= window->kernel_h || window->pad_bottom >= window->kernel_h ||
        window->pad_left >= window->kernel_w || window->pad_right >= window->kernel_w)
        DSE_FAIL(err, DSE_UNSUPPORTED, "padding as large as the window");
    DSE_TRY(graph__make_shape(window->out_h, window->out_w, input.c, &output, err));
    struct dse_node content = {
        .op = op,
        .inputs = {value, -1},
        .pool = {window->kernel_h, window->kernel_w, window->stride_h, window->stride_w,
                 window->pad_top, window->pad_left, window->pad_bottom, window->pad_right,
                 exclude_padding},
    };
    return graph__add_node(import, node, &content, output, 4, output, err);
}

static enum dse_status import_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                   enum dse_op op, bool exclude_padding, struct dse_err *err) {
    int value = 0;
    struct graph__window window = {0};
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(check_input_rank(import, value, 4, err));
    DSE_TRY(graph__read_window(node, import->graph->values[value].shape, 0, 0, &window, err));
    return add_pool(import, node, op, value, &window, exclude_padding, err);
}

enum dse_status graph__import_average_pool(struct graph__import *import,
                                           const Onnx__NodeProto *node, struct dse_err *err) {
    int64_t include = 0;
    DSE_TRY(graph__get_int(node, "count_include_pad", 0, &include, err));
    return import_pool(import, node, DSE_OP_AVGPOOL, include == 0, err);
}

enum dse_status graph__import_max_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err) {
    int64_t order = 0;
    DSE_TRY(graph__get_int(node, "storage_order", 0, &order, err));
    if (order != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "attribute 'storage_order' other than 0");
    return import_pool(import, node, DSE_OP_MAXPOOL, false, err);
}

enum dse_status graph__import_global_average_pool(struct graph__import *import,
                                                  const Onnx__NodeProto *node,
                                                  struct dse_err *err) {
    int value = 0;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(check_input_rank(import, value, 4, err));
    struct dse_shape input = import->graph->values[value].shape;
    struct graph__window window = {.kernel_h = input.h,
                                   .kernel_w = input.w,
                                   .stride_h = 1,
                                   .stride_w = 1,
                                   .dilation_h = 1,
                                   .dilation_w = 1,
                                   .out_h = 1,
                                   .out_w = 1};
    return add_pool(import, node, DSE_OP_AVGPOOL, value, &window, false, err);
}

/* ---- flatten ---- */

static enum dse_status add_flatten(struct graph__import *import, const Onnx__NodeProto *node,
                                   int value, struct dse_err *err) {
    struct dse_shape input = import->graph->values[value].shape, output;
    DSE_TRY(graph__make_shape(1, 1, (int64_t)dse_shape_size(input), &output, err));
    struct dse_node content = {.op = DSE_OP_FLATTEN, .inputs = {value, -1}};
    return graph__add_node(import, node, &content, output, 2, input, err);
}

enum dse_status graph__import_flatten(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    int value = 0, axis = 0;
    int64_t axis_given = 0;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    int rank = import->facts[value].rank;
    DSE_TRY(graph__get_int(node, "axis", 1, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, rank, &axis, err));
    if (axis != 1)
        DSE_FAIL(err, DSE_UNSUPPORTED, "axis %d (supported: 1)", axis);
    if (rank == 4)
        return add_flatten(import, node, value, err);
    graph__define_alias(import, node, value);
    return DSE_OK;
}

enum dse_status graph__import_reshape(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    int value = 0;
    struct graph__tensor *shape = NULL;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__I64, &shape, err));
    int64_t n = (int64_t)dse_shape_size(import->graph->values[value].shape);
    bool flattens =
        shape->n == 2 && shape->i64[0] >= -1 && (shape->i64[1] == n || shape->i64[1] == -1);
    if (!flattens)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "only a Reshape to [batch, %lld], which is a flatten, is supported", (long long)n);
    if (import->facts[value].rank == 4)
        return add_flatten(import, node, value, err);
    graph__define_alias(import, node, value);
    return DSE_OK;
}

/* ---- pad and slice: ONNX's axes are (batch, c, h, w), or (batch, c) after a flatten ---- */

static const int memory_axis[4] = {-1, DSE_AXIS_C, DSE_AXIS_H, DSE_AXIS_W};

/* A flattened map of more than one pixel has its elements in another order than ONNX. */
static enum dse_status check_order(const struct graph__import *import, int value,
                                   struct dse_err *err) {
    const struct graph__value_facts *facts = &import->facts[value];
    if (facts->rank == 2 && (facts->flat.h > 1 || facts->flat.w > 1))
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input is a flattened map of %dx%d pixels",
                 facts->flat.h, facts->flat.w);
    return DSE_OK;
}

static enum dse_status check_pad_mode(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    char mode[16];
    float number = 0;
    struct graph__tensor *value = NULL;
    DSE_TRY(graph__get_text(node, "mode", "constant", mode, sizeof mode, err));
    if (strcmp(mode, "constant") != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "mode '%s' (supported: constant)", mode);
    DSE_TRY(graph__get_float(node, "value", 0, &number, err));
    DSE_TRY(graph__input_constant(import, node, 2, GRAPH__F32, &value, err));
    if (value != NULL && value->n > 0)
        number = value->f32[0];
    if (number != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it pads with %g (supported: 0)", (double)number);
    return DSE_OK;
}

/* Zeros before and after each ONNX axis. */
static enum dse_status read_pad_amounts(struct graph__import *import, const Onnx__NodeProto *node,
                                        int rank, int before[4], int after[4],
                                        struct dse_err *err) {
    struct graph__tensor *pads = NULL, *axes = NULL;
    DSE_TRY(graph__get_list(import, node, "pads", 1, &pads, err));
    DSE_TRY(graph__input_constant(import, node, 3, GRAPH__I64, &axes, err));
    size_t n = axes == NULL ? (size_t)rank : axes->n;
    if (pads == NULL || pads->n != 2 * n)
        DSE_FAIL(err, DSE_INVALID, "pads must have %zu numbers", 2 * n);
    for (size_t i = 0; i < n; i++) {
        int axis = 0;
        int64_t low = pads->i64[i], high = pads->i64[n + i];
        DSE_TRY(graph__resolve_axis(axes == NULL ? (int64_t)i : axes->i64[i], rank, &axis, err));
        if (low < 0 || high < 0 || low > GRAPH__MAX_SETTING || high > GRAPH__MAX_SETTING)
            DSE_FAIL(err, DSE_UNSUPPORTED, "pads must be 0 to %d", GRAPH__MAX_SETTING);
        if (axis == 0 && (low != 0 || high != 0))
            DSE_FAIL(err, DSE_UNSUPPORTED, "it pads the batch");
        before[axis] = (int)low;
        after[axis] = (int)high;
    }
    return DSE_OK;
}

enum dse_status graph__import_pad(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    int value, before[4] = {0}, after[4] = {0}, any = 0;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(check_pad_mode(import, node, err));
    int rank = import->facts[value].rank;
    DSE_TRY(read_pad_amounts(import, node, rank, before, after, err));
    struct dse_node content = {.op = DSE_OP_PAD, .inputs = {value, -1}};
    for (int axis = 1; axis < rank; axis++) {
        any |= before[axis] | after[axis];
        content.pad.before[memory_axis[axis]] = before[axis];
        content.pad.after[memory_axis[axis]] = after[axis];
    }
    if (any == 0) {
        graph__define_alias(import, node, value);
        return DSE_OK;
    }
    DSE_TRY(check_order(import, value, err));
    struct dse_shape shape = import->graph->values[value].shape, output;
    DSE_TRY(graph__make_shape((int64_t)shape.h + before[2] + after[2],
                              (int64_t)shape.w + before[3] + after[3],
                              (int64_t)shape.c + before[1] + after[1], &output, err));
    return graph__add_node(import, node, &content, output, rank, output, err);
}

enum dse_status graph__import_slice(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err) {
    int value = 0;
    bool everything = true;
    struct graph__range ranges[4] = {0};
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    struct dse_shape shape = import->graph->values[value].shape, output;
    int rank = import->facts[value].rank;
    /* The batch is not known: any extent that an exporter may mean as "all of it". */
    const int64_t dims[4] = {INT32_MAX, shape.c, shape.h, shape.w};
    DSE_TRY(graph__read_slice(import, node, rank, dims, ranges, err));
    struct dse_node content = {.op = DSE_OP_SLICE, .inputs = {value, -1}};
    int64_t extents[DSE_AXES] = {1, 1, shape.c};
    content.slice.step[DSE_AXIS_H] = content.slice.step[DSE_AXIS_W] = 1;
    for (int axis = 0; axis < rank; axis++) {
        const struct graph__range *range = &ranges[axis];
        bool full = range->first == 0 && range->step == 1 && range->count == dims[axis];
        everything = everything && full;
        if (axis == 0 && !full)
            DSE_FAIL(err, DSE_UNSUPPORTED, "it slices the batch");
        if (range->step < 0 || range->count < 1)
            DSE_FAIL(err, DSE_UNSUPPORTED, "a slice that is empty or runs backwards");
        if (axis == 0)
            continue;
        content.slice.start[memory_axis[axis]] = (int)range->first;
        content.slice.step[memory_axis[axis]] = (int)range->step;
        extents[memory_axis[axis]] = range->count;
    }
    if (everything) {
        graph__define_alias(import, node, value);
        return DSE_OK;
    }
    DSE_TRY(check_order(import, value, err));
    DSE_TRY(graph__make_shape(extents[DSE_AXIS_H], extents[DSE_AXIS_W], extents[DSE_AXIS_C],
                              &output, err));
    return graph__add_node(import, node, &content, output, rank, output, err);
}
