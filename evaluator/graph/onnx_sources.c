/* Operators that make constants, or look at what is known of a value. */
#include "evaluator/graph/graph_internal.h"

#include <math.h>
#include <string.h>

static enum dse_status bind_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct graph__tensor *constant, struct dse_err *err) {
    const struct graph__operand operand = {.value = -1,
                                           .constant = constant,
                                           .type = constant->type,
                                           .form =
                                               graph__plain_form(constant->rank, constant->dims)};
    return graph__bind(import, node, 0, &operand, err);
}

enum dse_status graph__import_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err) {
    static const char *const names[] = {"value", "value_int", "value_ints", "value_float",
                                        "value_floats"};
    struct graph__tensor *constant = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!graph__has_attribute(node, names[i]))
            continue;
        DSE_TRY(graph__get_tensor(import, node, names[i], &constant, err));
        return bind_constant(import, node, constant, err);
    }
    DSE_FAIL(err, DSE_INVALID, "attribute 'value' is missing");
}

enum dse_status graph__import_constant_of_shape(struct graph__import *import,
                                                const Onnx__NodeProto *node, struct dse_err *err) {
    struct graph__tensor *shape, *value = NULL;
    DSE_TRY(graph__need_constant(import, node, 0, DSE_TENSOR_I64, &shape, err));
    if (shape->n > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    if (graph__has_attribute(node, "value"))
        DSE_TRY(graph__get_tensor(import, node, "value", &value, err));
    if (value != NULL && value->n != 1)
        DSE_FAIL(err, DSE_INVALID, "attribute 'value' must have one element");
    size_t n = 0;
    DSE_TRY(graph__count((int)shape->n, shape->i64, &n, err));
    if (n > GRAPH__MAX_FOLDED)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a computed constant of more than %d elements",
                 GRAPH__MAX_FOLDED);
    enum dse_tensor_type type = value == NULL ? DSE_TENSOR_F32 : value->type;
    struct graph__tensor *made = NULL;
    DSE_TRY(graph__new_result(import, type, (int)shape->n, shape->i64, &made, err));
    for (size_t i = 0; value != NULL && i < made->n; i++)
        memcpy((char *)made->data + i * dse_tensor_type_size(type), value->data,
               dse_tensor_type_size(type));
    return bind_constant(import, node, made, err);
}

/* The batch is 1 at import. */
enum dse_status graph__import_shape(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err) {
    struct graph__operand operand;
    int64_t start = 0, end = 0;
    DSE_TRY(graph__operand(import, node, 0, &operand, err));
    int rank = operand.form.rank;
    DSE_TRY(graph__get_int(node, "start", 0, &start, err));
    DSE_TRY(graph__get_int(node, "end", rank, &end, err));
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start;
    end = end > rank ? rank : end;
    int64_t n = end > start ? end - start : 0;
    struct graph__tensor *made = NULL;
    DSE_TRY(graph__new_result(import, DSE_TENSOR_I64, 1, &n, &made, err));
    for (int64_t i = 0; i < n; i++)
        made->i64[i] = operand.form.dims[start + i];
    return bind_constant(import, node, made, err);
}

/* Converts a constant; floats go to integers towards 0. */
static enum dse_status convert(const struct graph__tensor *from, struct graph__tensor *to,
                               struct dse_err *err) {
    for (size_t i = 0; i < from->n; i++) {
        if (to->type == DSE_TENSOR_F32) {
            to->f32[i] = from->type == DSE_TENSOR_F32 ? from->f32[i] : (float)from->i64[i];
        } else if (from->type == DSE_TENSOR_I64) {
            to->i64[i] = from->i64[i];
        } else {
            if (!(fabsf(from->f32[i]) < 0x1p31f))
                DSE_FAIL(err, DSE_INVALID, "%g does not fit an integer", (double)from->f32[i]);
            to->i64[i] = (int64_t)from->f32[i];
        }
    }
    return DSE_OK;
}

enum dse_status graph__import_cast(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    struct graph__operand data;
    struct graph__tensor *made = NULL;
    int64_t to = 0;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(graph__get_int(node, "to", 0, &to, err));
    bool to_float = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (!to_float && to != ONNX__TENSOR_PROTO__DATA_TYPE__INT64 &&
        to != ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
        DSE_FAIL(err, DSE_UNSUPPORTED, "element type %lld (supported: float32, int64, int32)",
                 (long long)to);
    if (data.value >= 0 && to_float)
        return graph__bind(import, node, 0, &data, err);
    if (data.value >= 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it makes integers of what is computed from the image");
    DSE_TRY(graph__new_result(import, to_float ? DSE_TENSOR_F32 : DSE_TENSOR_I64, data.form.rank,
                              data.form.dims, &made, err));
    DSE_TRY(convert(data.constant, made, err));
    return bind_constant(import, node, made, err);
}
