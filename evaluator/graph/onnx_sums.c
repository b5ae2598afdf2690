/* Sums over axes: products of two computed matrices, means, soft-maxes. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

/* ---- MatMul of any two operands ---- */

/* A vector becomes a matrix: of one row on the left, of one column on the right. */
static enum dse_status as_matrix(struct graph__import *import, const Onnx__NodeProto *node,
                                 bool left, struct graph__operand *operand, struct dse_err *err) {
    int64_t n = operand->form.dims[0];
    const int64_t row[2] = {1, n}, column[2] = {n, 1};
    if (operand->form.order == GRAPH__FLAT)
        DSE_TRY(graph__to_order(import, node, GRAPH__PLAIN, operand, err));
    if (operand->form.rank != 1)
        return DSE_OK;
    return graph__reshape(import, node, 2, left ? row : column, operand, err);
}

static int64_t extent_from_end(const struct graph__form *form, int back) {
    return form->rank < back ? 1 : form->dims[form->rank - back];
}

static int64_t stride_from_end(const struct graph__form *form, const int64_t *strides, int back) {
    return form->rank < back || form->dims[form->rank - back] == 1 ? 0 : strides[form->rank - back];
}

/* The matrices of the leading axes, one after the other. */
static enum dse_status fill_batches(const struct graph__form *a, const struct graph__form *b,
                                    struct dse_tensor_op *op, struct graph__form *result,
                                    struct dse_err *err) {
    int64_t of_a[GRAPH__MAX_RANK], of_b[GRAPH__MAX_RANK], dims[GRAPH__MAX_RANK] = {0};
    int rank = a->rank > b->rank ? a->rank : b->rank;
    size_t count;
    graph__strides(a, of_a);
    graph__strides(b, of_b);
    op->matmul.a_m = of_a[a->rank - 2];
    op->matmul.a_k = of_a[a->rank - 1];
    op->matmul.b_k = of_b[b->rank - 2];
    op->matmul.b_n = of_b[b->rank - 1];
    for (int back = rank; back > 2; back--) {
        int64_t x = extent_from_end(a, back), y = extent_from_end(b, back);
        if (x != y && x != 1 && y != 1)
            DSE_FAIL(err, DSE_INVALID, "its inputs differ in shape");
        dims[rank - back] = x == 1 ? y : x;
    }
    dims[rank - 2] = op->matmul.m;
    dims[rank - 1] = op->matmul.n;
    DSE_TRY(graph__count(rank, dims, &count, err));
    for (int back = rank; back > 2; back--)
        dse_tensor_loop_add(&op->matmul.loop, dims[rank - back], stride_from_end(a, of_a, back),
                            stride_from_end(b, of_b, back));
    *result = graph__plain_form(rank, dims);
    return DSE_OK;
}

enum dse_status graph__multiply(struct graph__import *import, const Onnx__NodeProto *node,
                                const struct graph__operand *a, const struct graph__operand *b,
                                struct graph__operand *result, struct dse_err *err) {
    struct graph__operand left = *a, right = *b, made = {.value = -1};
    if (a->form.rank < 1 || b->form.rank < 1)
        DSE_FAIL(err, DSE_INVALID, "an input without dimensions");
    DSE_TRY(as_matrix(import, node, true, &left, err));
    DSE_TRY(as_matrix(import, node, false, &right, err));
    int64_t k = left.form.dims[left.form.rank - 1];
    if (k != right.form.dims[right.form.rank - 2])
        DSE_FAIL(err, DSE_INVALID, "a matrix for %lld inputs does not fit an input of %lld",
                 (long long)right.form.dims[right.form.rank - 2], (long long)k);
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_MATMUL, DSE_TENSOR_F32);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    op->matmul.m = left.form.dims[left.form.rank - 2];
    op->matmul.k = k;
    op->matmul.n = right.form.dims[right.form.rank - 1];
    enum dse_status status = fill_batches(&left.form, &right.form, op, &made.form, err);
    if (status != DSE_OK) {
        dse_tensor_op_free(op);
        return status;
    }
    DSE_TRY(graph__apply(import, node, op, &left, &right, &made, err));
    int64_t dims[GRAPH__MAX_RANK];
    int rank = 0;
    for (int i = 0; i < made.form.rank; i++) {
        bool added = (a->form.rank == 1 && i == made.form.rank - 2) ||
                     (b->form.rank == 1 && i == made.form.rank - 1);
        if (!added)
            dims[rank++] = made.form.dims[i];
    }
    DSE_TRY(graph__reshape(import, node, rank, dims, &made, err));
    *result = made;
    return DSE_OK;
}

/* ---- reductions ---- */

/* Loops over the axes in the set and over the others, both in memory order. */
static void fill_reduction(const struct graph__form *form, unsigned set, struct dse_tensor_op *op) {
    int64_t strides[GRAPH__MAX_RANK];
    int axes[GRAPH__MAX_RANK];
    graph__strides(form, strides);
    graph__memory_axes(form, axes);
    for (int i = 0; i < form->rank; i++) {
        bool over = (set & 1u << axes[i]) != 0;
        dse_tensor_loop_add(over ? &op->reduce.over : &op->reduce.kept, form->dims[axes[i]],
                            strides[axes[i]], 0);
    }
}

static enum dse_status reduce(struct graph__import *import, const Onnx__NodeProto *node,
                              enum dse_tensor_kind kind, const struct graph__operand *data,
                              unsigned set, struct graph__operand *result, struct dse_err *err) {
    struct dse_tensor_op *op = dse_tensor_op_new(kind, DSE_TENSOR_F32);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    fill_reduction(&data->form, set, op);
    return graph__apply(import, node, op, data, NULL, result, err);
}

static enum dse_status read_reduced_axes(struct graph__import *import, const Onnx__NodeProto *node,
                                         int rank, unsigned *set, struct dse_err *err) {
    struct graph__tensor *axes = NULL;
    int64_t nothing = 0;
    DSE_TRY(graph__get_list(import, node, "axes", 1, &axes, err));
    DSE_TRY(graph__get_int(node, "noop_with_empty_axes", 0, &nothing, err));
    if (axes == NULL || axes->n == 0) {
        *set = nothing != 0 ? 0 : (1u << rank) - 1;
        return DSE_OK;
    }
    return graph__resolve_axes(axes, rank, set, err);
}

/* The mean over height and width has a node of its own. */
static enum dse_status average_map(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct graph__operand *data, struct dse_err *err) {
    struct graph__operand result = {.form = graph__image_form(data->form.dims[1], 1, 1)};
    struct dse_node content = {
        .op = DSE_OP_AVGPOOL,
        .inputs = {data->value, -1},
        .pool = {.kernel_h = (int)data->form.dims[2],
                 .kernel_w = (int)data->form.dims[3],
                 .stride_h = 1,
                 .stride_w = 1,
                 .dilation_h = 1,
                 .dilation_w = 1},
    };
    DSE_TRY(graph__add_node(import, node, &content, &result, err));
    *data = result;
    return DSE_OK;
}

enum dse_status graph__import_reduce_mean(struct graph__import *import, const Onnx__NodeProto *node,
                                          struct dse_err *err) {
    enum { PIXELS = 1 << 2 | 1 << 3 };
    struct graph__operand data, result = {.value = -1};
    int64_t keep = 1, dims[GRAPH__MAX_RANK] = {0};
    unsigned set = 0;
    int rank = 0;
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    DSE_TRY(graph__get_int(node, "keepdims", 1, &keep, err));
    DSE_TRY(read_reduced_axes(import, node, data.form.rank, &set, err));
    if (graph__form_size(&data.form) == 0)
        DSE_FAIL(err, DSE_INVALID, "the mean of nothing");
    for (int i = 0; i < data.form.rank; i++)
        if (keep != 0 || (set & 1u << i) == 0)
            dims[rank++] = (set & 1u << i) != 0 ? 1 : data.form.dims[i];
    if (data.value >= 0 && graph__is_map(&data.form) && set == PIXELS) {
        DSE_TRY(average_map(import, node, &data, err));
        result = data;
    } else if (set != 0) {
        result.form = data.form;
        for (int i = 0; i < data.form.rank; i++)
            result.form.dims[i] = (set & 1u << i) != 0 ? 1 : data.form.dims[i];
        DSE_TRY(reduce(import, node, DSE_TENSOR_MEAN, &data, set, &result, err));
    } else {
        result = data;
    }
    DSE_TRY(graph__reshape(import, node, rank, dims, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

/* Over one axis, or before version 13 over all axes from one on. */
enum dse_status graph__import_softmax(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    struct graph__operand data, result;
    bool first = import->opset < 13;
    int64_t axis_given = 0;
    int axis = 0;
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    DSE_TRY(graph__get_int(node, "axis", first ? 1 : -1, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, data.form.rank, &axis, err));
    unsigned set = first ? (1u << data.form.rank) - (1u << axis) : 1u << axis;
    result = data;
    DSE_TRY(reduce(import, node, DSE_TENSOR_SOFTMAX, &data, set, &result, err));
    return graph__bind(import, node, 0, &result, err);
}
