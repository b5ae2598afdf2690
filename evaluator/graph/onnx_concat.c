/* Concat: each part is put into its place of the whole. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

static enum dse_status check_part(const struct graph__operand *first,
                                  const struct graph__operand *next, int axis,
                                  struct dse_err *err) {
    bool fits = first->type == next->type && first->form.rank == next->form.rank;
    for (int i = 0; fits && i < first->form.rank; i++)
        fits = i == axis || first->form.dims[i] == next->form.dims[i];
    if (!fits)
        DSE_FAIL(err, DSE_INVALID, "the inputs differ in type or shape");
    return DSE_OK;
}

/* Dimensions and order of the whole. */
static enum dse_status read_parts(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct graph__operand *parts, int *axis,
                                  struct graph__form *whole, struct dse_err *err) {
    int64_t axis_given = 0, extent = 0;
    bool constants = false;
    DSE_TRY(graph__operand(import, node, 0, &parts[0], err));
    DSE_TRY(graph__get_int(node, "axis", 0, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, parts[0].form.rank, axis, err));
    for (size_t k = 0; k < node->n_input; k++) {
        DSE_TRY(graph__operand(import, node, k, &parts[k], err));
        DSE_TRY(check_part(&parts[0], &parts[k], *axis, err));
        constants = constants || parts[k].value < 0;
        if (__builtin_add_overflow(extent, parts[k].form.dims[*axis], &extent))
            DSE_FAIL(err, DSE_UNSUPPORTED, "more than %d elements", GRAPH__MAX_ELEMENTS);
    }
    int64_t dims[GRAPH__MAX_RANK];
    memcpy(dims, parts[0].form.dims, sizeof dims);
    dims[*axis] = extent;
    *whole = graph__plain_form(parts[0].form.rank, dims);
    whole->order =
        constants ? GRAPH__PLAIN : graph__choose_order(whole->rank, dims, parts, node->n_input);
    return DSE_OK;
}

/* Rows are what stands together in memory along the axis. */
static struct dse_tensor_op *new_put(const struct graph__form *whole, int axis, int64_t first,
                                     const struct graph__operand *part) {
    int axes[GRAPH__MAX_RANK];
    int64_t rows = 1, inner = 1;
    bool behind = false;
    graph__memory_axes(whole, axes);
    for (int i = 0; i < whole->rank; i++) {
        if (axes[i] == axis)
            behind = true;
        else if (behind)
            inner *= whole->dims[axes[i]];
        else
            rows *= whole->dims[axes[i]];
    }
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_PUT, part->type);
    if (op != NULL) {
        op->put.rows = rows;
        op->put.part = part->form.dims[axis] * inner;
        op->put.row = whole->dims[axis] * inner;
        op->put.first = first * inner;
    }
    return op;
}

/* Part k of the whole, whose first number along the axis is `first`. */
static enum dse_status put_part(struct graph__import *import, const Onnx__NodeProto *node, int axis,
                                int64_t first, struct graph__operand *part,
                                struct graph__operand *whole, struct dse_err *err) {
    struct graph__operand before = *whole;
    if (part->form.order != whole->form.order)
        DSE_TRY(graph__to_order(import, node, whole->form.order, part, err));
    struct dse_tensor_op *op = new_put(&whole->form, axis, first, part);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    if (whole->constant == NULL)
        return graph__apply(import, node, op, part, before.value < 0 ? NULL : &before, whole, err);
    op->n = whole->constant->n;
    dse_tensor_run(op, part->constant->data, NULL, whole->constant->data);
    dse_tensor_op_free(op);
    return DSE_OK;
}

/* The parts that are constants, or those that are not. */
static enum dse_status put_parts(struct graph__import *import, const Onnx__NodeProto *node,
                                 int axis, bool constants, struct graph__operand *parts,
                                 struct graph__operand *whole, struct dse_err *err) {
    int64_t first = 0;
    for (size_t k = 0; k < node->n_input; k++) {
        int64_t extent = parts[k].form.dims[axis];
        if ((parts[k].value < 0) == constants && graph__form_size(&parts[k].form) > 0)
            DSE_TRY(put_part(import, node, axis, first, &parts[k], whole, err));
        first += extent;
    }
    return DSE_OK;
}

enum dse_status graph__import_concat(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct dse_err *err) {
    struct graph__operand whole = {.value = -1};
    int axis = 0;
    bool known = true;
    struct graph__operand *parts = dse_arena_alloc(&import->arena, node->n_input, sizeof *parts);
    if (parts == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu parts", node->n_input);
    DSE_TRY(read_parts(import, node, parts, &axis, &whole.form, err));
    for (size_t k = 0; k < node->n_input; k++)
        known = known && parts[k].value < 0;
    whole.type = parts[0].type;
    if (known)
        DSE_TRY(graph__new_result(import, whole.type, whole.form.rank, whole.form.dims,
                                  &whole.constant, err));
    /* Values first: a constant then has a value to be put into. */
    DSE_TRY(put_parts(import, node, axis, false, parts, &whole, err));
    DSE_TRY(put_parts(import, node, axis, true, parts, &whole, err));
    return graph__bind(import, node, 0, &whole, err);
}
