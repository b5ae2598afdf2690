/* What order the axes of a value have in memory, and nodes that change it. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

size_t graph__form_size(const struct graph__form *form) {
    size_t n = 1;
    for (int i = 0; i < form->rank; i++)
        n *= (size_t)form->dims[i];
    return n;
}

bool graph__same_dims(const struct graph__form *a, const struct graph__form *b) {
    return a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0);
}

static bool can_be_image(int rank, const int64_t *dims) {
    return (rank == 3 || rank == 4) && dims[0] == 1;
}

/* Do the two orders of an image agree? */
static bool orders_agree(int rank, const int64_t *dims) {
    int64_t pixels = dims[2] * (rank == 4 ? dims[3] : 1);
    return dims[1] == 1 || pixels == 1;
}

struct graph__form graph__plain_form(int rank, const int64_t *dims) {
    struct graph__form form = {.rank = rank, .order = GRAPH__PLAIN};
    for (int i = 0; i < rank; i++)
        form.dims[i] = dims[i];
    if (can_be_image(rank, dims) && orders_agree(rank, dims))
        form.order = GRAPH__IMAGE;
    return form;
}

struct graph__form graph__image_form(int64_t c, int64_t h, int64_t w) {
    return (struct graph__form){.rank = 4, .dims = {1, c, h, w}, .order = GRAPH__IMAGE};
}

bool graph__is_plain(const struct graph__form *form) {
    switch (form->order) {
    case GRAPH__IMAGE:
        return orders_agree(form->rank, form->dims);
    case GRAPH__FLAT:
        return form->flat.c == 1 || (form->flat.h == 1 && form->flat.w == 1);
    default:
        return true;
    }
}

bool graph__is_map(const struct graph__form *form) {
    return form->order == GRAPH__IMAGE && form->rank == 4;
}

enum graph__order graph__choose_order(int rank, const int64_t *dims,
                                      const struct graph__operand *sources, size_t n) {
    for (size_t i = 0; can_be_image(rank, dims) && i < n; i++)
        if (sources[i].value >= 0 && sources[i].form.order == GRAPH__IMAGE &&
            !graph__is_plain(&sources[i].form))
            return GRAPH__IMAGE;
    return graph__plain_form(rank, dims).order;
}

void graph__memory_axes(const struct graph__form *form, int *axes) {
    dse_assert(form->order != GRAPH__FLAT);
    for (int i = 0; i < form->rank; i++)
        axes[i] = i;
    if (form->order != GRAPH__IMAGE)
        return;
    for (int i = 1; i < form->rank - 1; i++)
        axes[i] = i + 1;
    axes[form->rank - 1] = 1;
}

void graph__strides(const struct graph__form *form, int64_t *strides) {
    int axes[GRAPH__MAX_RANK];
    int64_t stride = 1;
    graph__memory_axes(form, axes);
    for (int i = form->rank - 1; i >= 0; i--) {
        strides[axes[i]] = stride;
        stride *= form->dims[axes[i]];
    }
}

enum dse_status graph__form_shape(const struct graph__form *form, struct dse_shape *shape,
                                  struct dse_err *err) {
    const int64_t *dims = form->dims;
    size_t n = 0;
    DSE_TRY(graph__count(form->rank, dims, &n, err));
    int64_t last = form->rank > 0 ? dims[form->rank - 1] : 1;
    if (form->order == GRAPH__IMAGE && form->rank == 4)
        return graph__make_shape(dims[2], dims[3], dims[1], shape, err);
    if (form->order == GRAPH__IMAGE)
        return graph__make_shape(1, dims[2], dims[1], shape, err);
    if (form->order == GRAPH__FLAT || n == 0 || (int64_t)n / last > GRAPH__MAX_EXTENT)
        return graph__make_shape(1, 1, (int64_t)n, shape, err);
    return graph__make_shape((int64_t)n / last, 1, last, shape, err);
}

static bool same_shape(struct dse_shape a, struct dse_shape b) {
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

enum dse_status graph__view(struct graph__import *import, const Onnx__NodeProto *node,
                            const struct graph__form *form, struct graph__operand *operand,
                            struct dse_err *err) {
    struct graph__operand made = *operand;
    struct dse_shape shape;
    made.form = *form;
    if (operand->constant != NULL) {
        made.constant = dse_arena_alloc(&import->arena, 1, sizeof *made.constant);
        if (made.constant == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a constant");
        *made.constant = *operand->constant;
        made.constant->rank = form->rank;
        memcpy(made.constant->dims, form->dims, sizeof form->dims);
    } else {
        DSE_TRY(graph__form_shape(form, &shape, err));
        bool same = graph__same_dims(form, &operand->form) && form->order == operand->form.order &&
                    same_shape(shape, import->graph->values[operand->value].shape);
        struct dse_node content = {.op = DSE_OP_FLATTEN, .inputs = {operand->value, -1}};
        if (!same)
            DSE_TRY(graph__add_node(import, node, &content, &made, err));
    }
    *operand = made;
    return DSE_OK;
}

/* The map behind a flattened value, with its dimensions. */
static enum dse_status restore_map(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct graph__operand *operand, struct dse_err *err) {
    struct dse_shape flat = operand->form.flat;
    struct graph__form form = graph__image_form(flat.c, flat.h, flat.w);
    return graph__view(import, node, &form, operand, err);
}

static enum dse_status move_to(struct graph__import *import, const Onnx__NodeProto *node,
                               enum graph__order order, struct graph__operand *operand,
                               struct dse_err *err) {
    struct graph__places places = {.source_axis = {0, 1, 2, 3, 4, 5, 6, 7}};
    struct graph__operand moved = {.form = operand->form};
    moved.form.order = order;
    DSE_TRY(graph__take(import, node, operand, &places, 0, &moved, err));
    *operand = moved;
    return DSE_OK;
}

enum dse_status graph__to_order(struct graph__import *import, const Onnx__NodeProto *node,
                                enum graph__order order, struct graph__operand *operand,
                                struct dse_err *err) {
    struct graph__form wanted = operand->form;
    wanted.order = order;
    dse_assert(order != GRAPH__FLAT);
    if (operand->value < 0 || operand->form.order == order)
        return DSE_OK;
    if (order == GRAPH__IMAGE && !can_be_image(operand->form.rank, operand->form.dims))
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input of %d dimensions is not one image per image",
                 operand->form.rank);
    if (graph__is_plain(&operand->form) &&
        (order == GRAPH__PLAIN || orders_agree(wanted.rank, wanted.dims)))
        return graph__view(import, node, &wanted, operand, err);
    if (operand->form.order == GRAPH__FLAT) {
        DSE_TRY(restore_map(import, node, operand, err));
        DSE_TRY(move_to(import, node, GRAPH__PLAIN, operand, err));
        return graph__view(import, node, &wanted, operand, err);
    }
    return move_to(import, node, order, operand, err);
}
