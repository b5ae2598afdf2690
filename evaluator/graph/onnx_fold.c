/* Operators on constants, computed at import: what exporters write to compute pads, axes and
 * shapes. Elements are moved, hardly ever computed with. */
#include "evaluator/graph/graph_internal.h"

#include <math.h>
#include <string.h>

/* ---- helpers ---- */

enum dse_status graph__resolve_axis(int64_t axis, int rank, int *resolved, struct dse_err *err) {
    if (axis < -rank || axis >= rank)
        DSE_FAIL(err, DSE_INVALID, "axis %lld of a tensor of %d dimensions", (long long)axis, rank);
    *resolved = (int)(axis < 0 ? axis + rank : axis);
    return DSE_OK;
}

/* A tensor for a result; what is computed from integers stays small. */
static enum dse_status new_result(struct graph__import *import, enum graph__type type, int rank,
                                  const int64_t *dims, struct graph__tensor **tensor,
                                  struct dse_err *err) {
    size_t n = 0;
    if (rank > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    DSE_TRY(graph__count(rank, dims, &n, err));
    if (type == GRAPH__I64 && n > GRAPH__MAX_FOLDED)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a computed constant of more than %d integers",
                 GRAPH__MAX_FOLDED);
    if (type == GRAPH__F32) {
        if (n > GRAPH__MAX_ELEMENTS - import->n_folded_floats)
            DSE_FAIL(err, DSE_UNSUPPORTED, "computed constants of more than %d numbers",
                     GRAPH__MAX_ELEMENTS);
        import->n_folded_floats += n;
    }
    return graph__tensor_new(import, type, rank, dims, tensor, err);
}

/* A constant input of any type that must be there. */
static enum dse_status any_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                    size_t k, struct graph__tensor **tensor, struct dse_err *err) {
    struct graph__symbol *symbol = NULL;
    DSE_TRY(graph__input(import, node, k, &symbol, err));
    if (symbol == NULL)
        DSE_FAIL(err, DSE_INVALID, "input %zu is missing", k + 1);
    if (symbol->constant == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "'%s' must be a constant, not computed from the image",
                 symbol->name);
    *tensor = symbol->constant;
    return DSE_OK;
}

/* Elements between neighbours along each axis. */
static void compute_strides(const struct graph__tensor *tensor, int64_t *strides) {
    int64_t stride = tensor->n == 0 ? 0 : 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= tensor->n == 0 ? 0 : tensor->dims[i];
    }
}

/* to[i0, i1, ...] = from[base + i0 * strides[0] + i1 * strides[1] + ...] */
static void move_elements(const struct graph__tensor *from, int64_t base, const int64_t *strides,
                          struct graph__tensor *to) {
    size_t size = graph__element_size(from->type);
    const char *source = from->data;
    char *target = to->data;
    int64_t index[GRAPH__MAX_RANK] = {0}, offset = base;
    for (size_t i = 0; i < to->n; i++) {
        memcpy(target + i * size, source + (size_t)offset * size, size);
        for (int axis = to->rank - 1; axis >= 0; axis--) {
            offset += strides[axis];
            if (++index[axis] < to->dims[axis])
                break;
            offset -= strides[axis] * to->dims[axis];
            index[axis] = 0;
        }
    }
}

/* The same elements with other dimensions: shares the data. */
static enum dse_status with_dims(struct graph__import *import, const struct graph__tensor *from,
                                 int rank, const int64_t *dims, struct graph__tensor **out,
                                 struct dse_err *err) {
    size_t n = 0;
    if (rank > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    DSE_TRY(graph__count(rank, dims, &n, err));
    if (n != from->n)
        DSE_FAIL(err, DSE_INVALID, "the new shape has %zu elements, the data %zu", n, from->n);
    struct graph__tensor *made = dse_arena_alloc(&import->arena, 1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a constant");
    *made = *from;
    made->rank = rank;
    for (int i = 0; i < rank; i++)
        made->dims[i] = dims[i];
    *out = made;
    return DSE_OK;
}

/* ---- sources ---- */

enum dse_status graph__fold_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct graph__tensor **out, struct dse_err *err) {
    static const char *const names[] = {"value", "value_int", "value_ints", "value_float",
                                        "value_floats"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (graph__has_attribute(node, names[i]))
            return graph__get_tensor(import, node, names[i], out, err);
    DSE_FAIL(err, DSE_INVALID, "attribute 'value' is missing");
}

enum dse_status graph__fold_constant_of_shape(struct graph__import *import,
                                              const Onnx__NodeProto *node,
                                              struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *shape, *value = NULL;
    DSE_TRY(graph__need_constant(import, node, 0, GRAPH__I64, &shape, err));
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
    enum graph__type type = value == NULL ? GRAPH__F32 : value->type;
    struct graph__tensor *made = NULL;
    DSE_TRY(new_result(import, type, (int)shape->n, shape->i64, &made, err));
    for (size_t i = 0; value != NULL && i < made->n; i++)
        memcpy((char *)made->data + i * graph__element_size(type), value->data,
               graph__element_size(type));
    *out = made;
    return DSE_OK;
}

/* The batch is not known at import: it reads as -1, which Reshape takes as "the rest". */
enum dse_status graph__fold_shape(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct graph__tensor **out, struct dse_err *err) {
    struct graph__symbol *symbol = NULL;
    int64_t dims[GRAPH__MAX_RANK] = {0}, start = 0, end = 0;
    int rank = 0;
    DSE_TRY(graph__input(import, node, 0, &symbol, err));
    if (symbol == NULL)
        DSE_FAIL(err, DSE_INVALID, "input 1 is missing");
    if (symbol->constant != NULL) {
        rank = symbol->constant->rank;
        memcpy(dims, symbol->constant->dims, sizeof dims);
    } else {
        struct dse_shape shape = import->graph->values[symbol->value].shape;
        rank = import->facts[symbol->value].rank;
        dims[0] = -1;
        dims[1] = shape.c;
        dims[2] = shape.h;
        dims[3] = shape.w;
    }
    DSE_TRY(graph__get_int(node, "start", 0, &start, err));
    DSE_TRY(graph__get_int(node, "end", rank, &end, err));
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start;
    end = end > rank ? rank : end;
    int64_t n = end > start ? end - start : 0;
    struct graph__tensor *made = NULL;
    DSE_TRY(new_result(import, GRAPH__I64, 1, &n, &made, err));
    for (int64_t i = 0; i < n; i++)
        made->i64[i] = dims[start + i];
    *out = made;
    return DSE_OK;
}

enum dse_status graph__fold_identity(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct graph__tensor **out, struct dse_err *err) {
    return any_constant(import, node, 0, out, err);
}

/* ---- moves ---- */

static enum dse_status check_concat(const struct graph__tensor *first,
                                    const struct graph__tensor *next, int axis,
                                    struct dse_err *err) {
    bool fits = first->type == next->type && first->rank == next->rank;
    for (int i = 0; fits && i < first->rank; i++)
        fits = i == axis || first->dims[i] == next->dims[i];
    if (!fits)
        DSE_FAIL(err, DSE_INVALID, "the inputs differ in type or shape");
    return DSE_OK;
}

enum dse_status graph__fold_concat(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *first = NULL, *next = NULL, *made = NULL;
    int64_t axis_given = 0, dims[GRAPH__MAX_RANK] = {0};
    int axis = 0;
    DSE_TRY(any_constant(import, node, 0, &first, err));
    DSE_TRY(graph__get_int(node, "axis", 0, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, first->rank, &axis, err));
    memcpy(dims, first->dims, sizeof dims);
    dims[axis] = 0;
    for (size_t k = 0; k < node->n_input; k++) {
        DSE_TRY(any_constant(import, node, k, &next, err));
        DSE_TRY(check_concat(first, next, axis, err));
        if (__builtin_add_overflow(dims[axis], next->dims[axis], &dims[axis]))
            DSE_FAIL(err, DSE_UNSUPPORTED, "more than %d elements", GRAPH__MAX_ELEMENTS);
    }
    DSE_TRY(new_result(import, first->type, first->rank, dims, &made, err));
    size_t inner = graph__element_size(first->type), outer = made->n == 0 ? 0 : 1;
    for (int i = 0; made->n > 0 && i < made->rank; i++) {
        if (i < axis)
            outer *= (size_t)dims[i];
        else if (i > axis)
            inner *= (size_t)dims[i];
    }
    char *target = made->data;
    for (size_t o = 0; o < outer; o++) {
        for (size_t k = 0; k < node->n_input; k++) {
            DSE_TRY(any_constant(import, node, k, &next, err));
            size_t bytes = (size_t)next->dims[axis] * inner;
            memcpy(target, (const char *)next->data + o * bytes, bytes);
            target += bytes;
        }
    }
    *out = made;
    return DSE_OK;
}

enum dse_status graph__fold_reshape(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *shape = NULL;
    int64_t dims[GRAPH__MAX_RANK], allow_zero, known = 1;
    int rest = -1;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__I64, &shape, err));
    DSE_TRY(graph__get_int(node, "allowzero", 0, &allow_zero, err));
    if (shape->n > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    for (int i = 0; i < (int)shape->n; i++) {
        dims[i] = shape->i64[i];
        if (dims[i] == 0 && allow_zero == 0 && i < data->rank)
            dims[i] = data->dims[i];
        if (dims[i] < -1 || (dims[i] == -1 && rest >= 0))
            DSE_FAIL(err, DSE_INVALID, "the new shape has more than one unknown dimension");
        if (dims[i] == -1)
            rest = i;
        else if (__builtin_mul_overflow(known, dims[i], &known))
            DSE_FAIL(err, DSE_INVALID, "the new shape has too many elements");
    }
    if (rest >= 0)
        dims[rest] = known == 0 ? 0 : (int64_t)data->n / known;
    return with_dims(import, data, (int)shape->n, dims, out, err);
}

enum dse_status graph__fold_transpose(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *made = NULL;
    int permutation[GRAPH__MAX_RANK] = {0};
    int64_t dims[GRAPH__MAX_RANK] = {0}, strides[GRAPH__MAX_RANK] = {0},
            source_strides[GRAPH__MAX_RANK] = {0};
    unsigned seen = 0;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    int rank = data->rank;
    if (graph__has_attribute(node, "perm"))
        DSE_TRY(graph__get_ints(node, "perm", (size_t)rank, 0, 0, rank - 1, permutation, err));
    else
        for (int i = 0; i < rank; i++)
            permutation[i] = rank - 1 - i;
    compute_strides(data, source_strides);
    for (int i = 0; i < rank; i++) {
        seen |= 1u << permutation[i];
        dims[i] = data->dims[permutation[i]];
        strides[i] = source_strides[permutation[i]];
    }
    if (seen != (1u << rank) - 1)
        DSE_FAIL(err, DSE_INVALID, "attribute 'perm' is not a permutation");
    DSE_TRY(new_result(import, data->type, rank, dims, &made, err));
    move_elements(data, 0, strides, made);
    *out = made;
    return DSE_OK;
}

enum dse_status graph__fold_cast(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *made = NULL;
    int64_t to = 0;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    DSE_TRY(graph__get_int(node, "to", 0, &to, err));
    bool to_float = to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (!to_float && to != ONNX__TENSOR_PROTO__DATA_TYPE__INT64 &&
        to != ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
        DSE_FAIL(err, DSE_UNSUPPORTED, "element type %lld (supported: float32, int64, int32)",
                 (long long)to);
    DSE_TRY(
        new_result(import, to_float ? GRAPH__F32 : GRAPH__I64, data->rank, data->dims, &made, err));
    for (size_t i = 0; i < data->n; i++) {
        if (to_float) {
            made->f32[i] = data->type == GRAPH__F32 ? data->f32[i] : (float)data->i64[i];
        } else if (data->type == GRAPH__I64) {
            made->i64[i] = data->i64[i];
        } else {
            if (!(fabsf(data->f32[i]) < 0x1p31f))
                DSE_FAIL(err, DSE_INVALID, "%g does not fit an integer", (double)data->f32[i]);
            made->i64[i] = (int64_t)data->f32[i];
        }
    }
    *out = made;
    return DSE_OK;
}

/* ---- slices ---- */

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* ONNX, operator Slice: negative positions count from the end, then both are clamped. */
static struct graph__range resolve_range(int64_t start, int64_t end, int64_t step, int64_t extent) {
    start = start < 0 ? start + extent : start;
    end = end < 0 ? end + extent : end;
    struct graph__range range = {.step = step};
    if (extent == 0)
        return range;
    if (step > 0) {
        range.first = clamp(start, 0, extent);
        end = clamp(end, 0, extent);
        range.count = end > range.first ? (end - range.first + step - 1) / step : 0;
    } else {
        range.first = clamp(start, 0, extent - 1);
        end = clamp(end, -1, extent - 1);
        range.count = range.first > end ? (range.first - end - step - 1) / -step : 0;
    }
    return range;
}

enum dse_status graph__read_slice(struct graph__import *import, const Onnx__NodeProto *node,
                                  int rank, const int64_t *dims, struct graph__range *ranges,
                                  struct dse_err *err) {
    struct graph__tensor *starts = NULL, *ends = NULL, *axes = NULL, *steps = NULL;
    unsigned seen = 0;
    DSE_TRY(graph__get_list(import, node, "starts", 1, &starts, err));
    DSE_TRY(graph__get_list(import, node, "ends", 2, &ends, err));
    DSE_TRY(graph__get_list(import, node, "axes", 3, &axes, err));
    DSE_TRY(graph__get_list(import, node, "steps", 4, &steps, err));
    if (starts == NULL || ends == NULL)
        DSE_FAIL(err, DSE_INVALID, "starts or ends are missing");
    if (ends->n != starts->n || (axes != NULL && axes->n != starts->n) ||
        (steps != NULL && steps->n != starts->n) || starts->n > (size_t)rank)
        DSE_FAIL(err, DSE_INVALID, "starts, ends, axes and steps differ in length");
    for (int i = 0; i < rank; i++)
        ranges[i] = (struct graph__range){.first = 0, .step = 1, .count = dims[i]};
    for (size_t i = 0; i < starts->n; i++) {
        int axis = 0;
        int64_t step = steps == NULL ? 1 : steps->i64[i];
        DSE_TRY(graph__resolve_axis(axes == NULL ? (int64_t)i : axes->i64[i], rank, &axis, err));
        if ((seen & 1u << axis) != 0)
            DSE_FAIL(err, DSE_INVALID, "axis %d is given twice", axis);
        seen |= 1u << axis;
        if (step == 0 || step > INT32_MAX || step < -INT32_MAX)
            DSE_FAIL(err, DSE_INVALID, "step %lld", (long long)step);
        ranges[axis] = resolve_range(starts->i64[i], ends->i64[i], step, dims[axis]);
    }
    return DSE_OK;
}

enum dse_status graph__fold_slice(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *made = NULL;
    struct graph__range ranges[GRAPH__MAX_RANK] = {0};
    int64_t dims[GRAPH__MAX_RANK], strides[GRAPH__MAX_RANK], base = 0;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    DSE_TRY(graph__read_slice(import, node, data->rank, data->dims, ranges, err));
    compute_strides(data, strides);
    for (int i = 0; i < data->rank; i++) {
        dims[i] = ranges[i].count;
        base += ranges[i].first * strides[i];
        strides[i] = ranges[i].count > 1 ? strides[i] * ranges[i].step : 0;
    }
    DSE_TRY(new_result(import, data->type, data->rank, dims, &made, err));
    move_elements(data, base, strides, made);
    *out = made;
    return DSE_OK;
}

enum dse_status graph__fold_gather(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *indices = NULL, *made = NULL;
    int64_t axis_given = 0, dims[2 * GRAPH__MAX_RANK] = {0};
    int axis = 0, rank = 0;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__I64, &indices, err));
    DSE_TRY(graph__get_int(node, "axis", 0, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, data->rank, &axis, err));
    size_t outer = 1, inner = graph__element_size(data->type), extent = (size_t)data->dims[axis];
    for (int i = 0; i < axis; i++)
        dims[rank++] = data->dims[i];
    for (int i = 0; i < indices->rank; i++)
        dims[rank++] = indices->dims[i];
    for (int i = axis + 1; i < data->rank; i++)
        dims[rank++] = data->dims[i];
    DSE_TRY(new_result(import, data->type, rank, dims, &made, err));
    for (int i = 0; made->n > 0 && i < data->rank; i++) {
        if (i < axis)
            outer *= (size_t)data->dims[i];
        else if (i > axis)
            inner *= (size_t)data->dims[i];
    }
    char *target = made->data;
    for (size_t o = 0; made->n > 0 && o < outer; o++) {
        for (size_t k = 0; k < indices->n; k++) {
            int64_t index = indices->i64[k] + (indices->i64[k] < 0 ? data->dims[axis] : 0);
            if (index < 0 || index >= data->dims[axis])
                DSE_FAIL(err, DSE_INVALID, "index %lld of %lld elements",
                         (long long)indices->i64[k], (long long)data->dims[axis]);
            memcpy(target, (const char *)data->data + (o * extent + (size_t)index) * inner, inner);
            target += inner;
        }
    }
    *out = made;
    return DSE_OK;
}

/* ---- dimensions of extent 1 ---- */

/* Bit i: axis i of a tensor of that rank is in the list. */
static enum dse_status read_axes(const struct graph__tensor *axes, int rank, unsigned *set,
                                 struct dse_err *err) {
    unsigned found = 0;
    for (size_t i = 0; i < axes->n; i++) {
        int axis = 0;
        DSE_TRY(graph__resolve_axis(axes->i64[i], rank, &axis, err));
        if ((found & 1u << axis) != 0)
            DSE_FAIL(err, DSE_INVALID, "axis %d is given twice", axis);
        found |= 1u << axis;
    }
    *set = found;
    return DSE_OK;
}

enum dse_status graph__fold_squeeze(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *axes = NULL;
    int64_t dims[GRAPH__MAX_RANK] = {0};
    unsigned dropped = 0;
    int rank = 0;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    DSE_TRY(graph__get_list(import, node, "axes", 1, &axes, err));
    if (axes != NULL)
        DSE_TRY(read_axes(axes, data->rank, &dropped, err));
    for (int i = 0; i < data->rank; i++) {
        bool drop = axes == NULL ? data->dims[i] == 1 : (dropped & 1u << i) != 0;
        if (!drop)
            dims[rank++] = data->dims[i];
    }
    return with_dims(import, data, rank, dims, out, err);
}

enum dse_status graph__fold_unsqueeze(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct graph__tensor **out, struct dse_err *err) {
    struct graph__tensor *data = NULL, *axes = NULL;
    int64_t dims[GRAPH__MAX_RANK] = {0};
    unsigned added = 0;
    DSE_TRY(any_constant(import, node, 0, &data, err));
    DSE_TRY(graph__get_list(import, node, "axes", 1, &axes, err));
    if (axes == NULL)
        DSE_FAIL(err, DSE_INVALID, "axes are missing");
    if (axes->n > (size_t)(GRAPH__MAX_RANK - data->rank))
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    int rank = data->rank + (int)axes->n;
    DSE_TRY(read_axes(axes, rank, &added, err));
    for (int i = 0, from = 0; i < rank; i++)
        dims[i] = (added & 1u << i) != 0 ? 1 : data->dims[from++];
    return with_dims(import, data, rank, dims, out, err);
}
