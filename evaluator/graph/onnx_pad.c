/* Pad: zeros around an image, or any number, or what stands inside, along any axis. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE };

struct padding {
    enum pad_mode mode;
    double fill;
    int64_t before[GRAPH__MAX_RANK], after[GRAPH__MAX_RANK]; /* by ONNX axis */
};

static enum dse_status read_pad_mode(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct padding *padding, struct dse_err *err) {
    static const char *const modes[] = {"constant", "reflect", "edge"};
    char mode[16];
    float number = 0;
    struct graph__operand fill;
    DSE_TRY(graph__get_text(node, "mode", "constant", mode, sizeof mode, err));
    int found = -1;
    for (int i = 0; i < 3; i++)
        found = strcmp(mode, modes[i]) == 0 ? i : found;
    if (found < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "mode '%s' (supported: constant, reflect, edge)", mode);
    padding->mode = (enum pad_mode)found;
    DSE_TRY(graph__get_float(node, "value", 0, &number, err));
    padding->fill = (double)number;
    if (node->n_input < 3 || *graph__text(node->input[2]) == '\0')
        return DSE_OK;
    DSE_TRY(graph__operand(import, node, 2, &fill, err));
    if (fill.value >= 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it pads with a number computed from the image");
    if (fill.constant->n > 0)
        padding->fill = fill.type == DSE_TENSOR_F32 ? (double)fill.constant->f32[0]
                                                    : (double)fill.constant->i64[0];
    return DSE_OK;
}

static enum dse_status read_padding(struct graph__import *import, const Onnx__NodeProto *node,
                                    int rank, struct padding *padding, struct dse_err *err) {
    struct graph__tensor *pads = NULL, *axes = NULL;
    DSE_TRY(read_pad_mode(import, node, padding, err));
    DSE_TRY(graph__get_list(import, node, "pads", 1, &pads, err));
    DSE_TRY(graph__input_constant(import, node, 3, DSE_TENSOR_I64, &axes, err));
    size_t n = axes == NULL ? (size_t)rank : axes->n;
    if (pads == NULL || pads->n != 2 * n)
        DSE_FAIL(err, DSE_INVALID, "pads must have %zu numbers", 2 * n);
    for (size_t i = 0; i < n; i++) {
        int axis = 0;
        int64_t low = pads->i64[i], high = pads->i64[n + i];
        DSE_TRY(graph__resolve_axis(axes == NULL ? (int64_t)i : axes->i64[i], rank, &axis, err));
        if (low < -GRAPH__MAX_EXTENT || high < -GRAPH__MAX_EXTENT || low > GRAPH__MAX_SETTING ||
            high > GRAPH__MAX_SETTING)
            DSE_FAIL(err, DSE_UNSUPPORTED, "pads must be at most %d", GRAPH__MAX_SETTING);
        padding->before[axis] = low;
        padding->after[axis] = high;
    }
    return DSE_OK;
}

/* Where a padded axis takes its number i from; i may be outside of it. */
static int64_t padded_place(int64_t i, int64_t extent, enum pad_mode mode) {
    if (i >= 0 && i < extent)
        return i;
    if (mode == PAD_CONSTANT)
        return DSE_TENSOR_OUTSIDE;
    if (mode == PAD_EDGE)
        return i < 0 ? 0 : extent - 1;
    return i < 0 ? -i : 2 * (extent - 1) - i;
}

static enum dse_status pad_axis(struct graph__import *import, const struct padding *padding,
                                int axis, int64_t extent, int64_t *padded, int64_t **places,
                                struct dse_err *err) {
    int64_t before = padding->before[axis], after = padding->after[axis];
    int64_t n = before + extent + after;
    if (n < 1)
        DSE_FAIL(err, DSE_INVALID, "its result would be empty");
    if (padding->mode == PAD_REFLECT && (before >= extent || after >= extent))
        DSE_FAIL(err, DSE_INVALID, "it reflects more than the %lld numbers there are",
                 (long long)extent);
    if (padding->mode != PAD_CONSTANT && extent == 0)
        DSE_FAIL(err, DSE_INVALID, "it repeats numbers of an empty axis");
    DSE_TRY(graph__list_places(import, n, places, err));
    for (int64_t i = 0; i < n; i++)
        (*places)[i] = padded_place(i - before, extent, padding->mode);
    *padded = n;
    return DSE_OK;
}

/* Zeros around an image have a node of their own. */
static bool pads_map_with_zeros(const struct graph__operand *data, const struct padding *padding) {
    bool grows = data->value >= 0 && graph__is_map(&data->form) && padding->fill == 0 &&
                 padding->mode == PAD_CONSTANT && padding->before[0] == 0 && padding->after[0] == 0;
    for (int i = 0; grows && i < data->form.rank; i++)
        grows = padding->before[i] >= 0 && padding->after[i] >= 0;
    return grows;
}

static enum dse_status pad_map(struct graph__import *import, const Onnx__NodeProto *node,
                               const struct graph__operand *map, const struct padding *padding,
                               struct dse_err *err) {
    static const int memory_axis[4] = {-1, DSE_AXIS_C, DSE_AXIS_H, DSE_AXIS_W};
    struct dse_node content = {.op = DSE_OP_PAD, .inputs = {map->value, -1}};
    struct graph__operand result = {.form = map->form};
    for (int axis = 1; axis < 4; axis++) {
        content.pad.before[memory_axis[axis]] = (int)padding->before[axis];
        content.pad.after[memory_axis[axis]] = (int)padding->after[axis];
        result.form.dims[axis] += padding->before[axis] + padding->after[axis];
    }
    DSE_TRY(graph__add_node(import, node, &content, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

enum dse_status graph__import_pad(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    struct graph__operand data;
    struct padding padding = {0};
    struct graph__places places = graph__same_places();
    int64_t dims[GRAPH__MAX_RANK] = {0};
    bool any = false;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(read_padding(import, node, data.form.rank, &padding, err));
    for (int i = 0; i < data.form.rank; i++)
        any = any || padding.before[i] != 0 || padding.after[i] != 0;
    if (!any)
        return graph__bind(import, node, 0, &data, err);
    if (pads_map_with_zeros(&data, &padding))
        return pad_map(import, node, &data, &padding, err);
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    for (int i = 0; i < data.form.rank; i++)
        DSE_TRY(pad_axis(import, &padding, i, data.form.dims[i], &dims[i], &places.places[i], err));
    return graph__take_and_bind(import, node, &data, &places, padding.fill, dims, err);
}
