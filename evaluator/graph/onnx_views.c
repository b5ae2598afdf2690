/* Operators that give the same numbers other dimensions: nothing moves, but where an image becomes
 * something that is none. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

/* Can the result be seen as an image in the same places? Its channels must stay alone. */
static bool stays_image(const struct graph__form *from, const struct graph__form *to) {
    return from->order == GRAPH__IMAGE && (to->rank == 3 || to->rank == 4) && to->dims[0] == 1 &&
           to->dims[1] == from->dims[1];
}

/* Does a map become one row? Nothing moves then: layers behind it have their columns permuted. */
static bool becomes_flat(const struct graph__form *from, const struct graph__form *to) {
    return graph__is_map(from) && to->rank == 2 && to->dims[0] == 1;
}

enum dse_status graph__reshape(struct graph__import *import, const Onnx__NodeProto *node, int rank,
                               const int64_t *dims, struct graph__operand *operand,
                               struct dse_err *err) {
    size_t n = 0;
    if (rank > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    DSE_TRY(graph__count(rank, dims, &n, err));
    if (n != graph__form_size(&operand->form))
        DSE_FAIL(err, DSE_INVALID, "the new shape has %zu elements, the data %zu", n,
                 graph__form_size(&operand->form));
    struct graph__form form = graph__plain_form(rank, dims);
    const struct graph__form *from = &operand->form;
    if (operand->value >= 0 && from->order == GRAPH__FLAT && graph__same_dims(from, &form))
        return DSE_OK;
    if (operand->value >= 0 && stays_image(from, &form)) {
        form.order = GRAPH__IMAGE;
    } else if (operand->value >= 0 && !graph__is_plain(from) && becomes_flat(from, &form)) {
        form.order = GRAPH__FLAT;
        form.flat = (struct dse_shape){(int)from->dims[2], (int)from->dims[3], (int)from->dims[1]};
    } else if (operand->value >= 0 && !graph__is_plain(from)) {
        DSE_TRY(graph__to_order(import, node, GRAPH__PLAIN, operand, err));
    }
    return graph__view(import, node, &form, operand, err);
}

/* ---- Reshape ---- */

/* A file with a fixed batch names it in its shapes, too. */
static int64_t without_batch(const struct graph__import *import,
                             const struct graph__operand *operand, int axis, int64_t dim) {
    bool batch = axis == 0 && operand->value >= 0 && import->file_batch > 1 &&
                 dim == import->file_batch && operand->form.rank > 0 && operand->form.dims[0] == 1;
    return batch ? 1 : dim;
}

static enum dse_status read_shape(const struct graph__import *import,
                                  const struct graph__operand *data,
                                  const struct graph__tensor *shape, bool allow_zero, int64_t *dims,
                                  struct dse_err *err) {
    int64_t known = 1;
    int rest = -1;
    for (int i = 0; i < (int)shape->n; i++) {
        dims[i] = without_batch(import, data, i, shape->i64[i]);
        if (dims[i] == 0 && !allow_zero && i < data->form.rank)
            dims[i] = data->form.dims[i];
        if (dims[i] < -1 || (dims[i] == -1 && rest >= 0))
            DSE_FAIL(err, DSE_INVALID, "the new shape has more than one unknown dimension");
        if (dims[i] == -1)
            rest = i;
        else if (__builtin_mul_overflow(known, dims[i], &known))
            DSE_FAIL(err, DSE_INVALID, "the new shape has too many elements");
    }
    if (rest >= 0)
        dims[rest] = known == 0 ? 0 : (int64_t)graph__form_size(&data->form) / known;
    return DSE_OK;
}

enum dse_status graph__import_reshape(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    struct graph__operand data;
    struct graph__tensor *shape = NULL;
    int64_t dims[GRAPH__MAX_RANK] = {0}, allow_zero = 0;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(graph__need_constant(import, node, 1, DSE_TENSOR_I64, &shape, err));
    DSE_TRY(graph__get_int(node, "allowzero", 0, &allow_zero, err));
    if (shape->n > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    DSE_TRY(read_shape(import, &data, shape, allow_zero != 0, dims, err));
    DSE_TRY(graph__reshape(import, node, (int)shape->n, dims, &data, err));
    return graph__bind(import, node, 0, &data, err);
}

enum dse_status graph__import_flatten(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    struct graph__operand data;
    int64_t axis = 0, dims[2] = {1, 1};
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(graph__get_int(node, "axis", 1, &axis, err));
    if (axis < -data.form.rank || axis > data.form.rank)
        DSE_FAIL(err, DSE_INVALID, "axis %lld of a tensor of %d dimensions", (long long)axis,
                 data.form.rank);
    axis = axis < 0 ? axis + data.form.rank : axis;
    for (int i = 0; i < data.form.rank; i++)
        dims[i < axis ? 0 : 1] *= data.form.dims[i];
    DSE_TRY(graph__reshape(import, node, 2, dims, &data, err));
    return graph__bind(import, node, 0, &data, err);
}

/* ---- dimensions of extent 1 ---- */

enum dse_status graph__resolve_axis(int64_t axis, int rank, int *resolved, struct dse_err *err) {
    if (axis < -rank || axis >= rank)
        DSE_FAIL(err, DSE_INVALID, "axis %lld of a tensor of %d dimensions", (long long)axis, rank);
    *resolved = (int)(axis < 0 ? axis + rank : axis);
    return DSE_OK;
}

enum dse_status graph__resolve_axes(const struct graph__tensor *axes, int rank, unsigned *set,
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

enum dse_status graph__import_squeeze(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    struct graph__operand data;
    struct graph__tensor *axes = NULL;
    int64_t dims[GRAPH__MAX_RANK] = {0};
    unsigned dropped = 0;
    int rank = 0;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(graph__get_list(import, node, "axes", 1, &axes, err));
    if (axes != NULL)
        DSE_TRY(graph__resolve_axes(axes, data.form.rank, &dropped, err));
    for (int i = 0; i < data.form.rank; i++) {
        bool drop = axes == NULL ? data.form.dims[i] == 1 : (dropped & 1u << i) != 0;
        if (!drop)
            dims[rank++] = data.form.dims[i];
    }
    DSE_TRY(graph__reshape(import, node, rank, dims, &data, err));
    return graph__bind(import, node, 0, &data, err);
}

enum dse_status graph__import_unsqueeze(struct graph__import *import, const Onnx__NodeProto *node,
                                        struct dse_err *err) {
    struct graph__operand data;
    struct graph__tensor *axes = NULL;
    int64_t dims[GRAPH__MAX_RANK] = {0};
    unsigned added = 0;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(graph__get_list(import, node, "axes", 1, &axes, err));
    if (axes == NULL)
        DSE_FAIL(err, DSE_INVALID, "axes are missing");
    if (axes->n > (size_t)(GRAPH__MAX_RANK - data.form.rank))
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    int rank = data.form.rank + (int)axes->n;
    DSE_TRY(graph__resolve_axes(axes, rank, &added, err));
    for (int i = 0, from = 0; i < rank; i++)
        dims[i] = (added & 1u << i) != 0 ? 1 : data.form.dims[from++];
    DSE_TRY(graph__reshape(import, node, rank, dims, &data, err));
    return graph__bind(import, node, 0, &data, err);
}

/* ---- nothing ---- */

enum dse_status graph__import_identity(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err) {
    struct graph__operand operand;
    DSE_TRY(graph__operand(import, node, 0, &operand, err));
    return graph__bind(import, node, 0, &operand, err);
}
