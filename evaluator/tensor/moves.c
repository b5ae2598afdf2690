/* Operators that move numbers, or mix neighbours: TAKE, RESAMPLE, PUT. */
#include <string.h>

#include "evaluator/tensor/tensor_internal.h"

/* ---- simpler descriptions ---- */

/* An axis whose numbers stand evenly in the source needs no table. */
static void drop_table(struct dse_tensor_op *op, struct dse_tensor_axis *axis) {
    if (axis->offsets == NULL || axis->weights != NULL || axis->extent == 0)
        return;
    int64_t start = axis->offsets[0];
    for (int64_t i = 0; i < axis->extent; i++)
        if (axis->offsets[i] == DSE_TENSOR_OUTSIDE)
            return;
    int64_t stride = axis->extent > 1 ? axis->offsets[1] - start : 0;
    for (int64_t i = 0; i < axis->extent; i++)
        if (axis->offsets[i] != start + i * stride)
            return;
    dse_free(axis->offsets);
    axis->offsets = NULL;
    axis->stride = stride;
    op->take.first += start;
}

static bool continues(const struct dse_tensor_axis *outer, const struct dse_tensor_axis *inner) {
    return outer->offsets == NULL && inner->offsets == NULL && outer->weights == NULL &&
           inner->weights == NULL && outer->stride == inner->stride * inner->extent;
}

static bool is_trivial(const struct dse_tensor_axis *axis) {
    return axis->extent == 1 && axis->offsets == NULL && axis->weights == NULL;
}

void dse_tensor_take_simplify(struct dse_tensor_op *op) {
    struct dse_tensor_axis *axes = op->take.axes;
    int rank = 0;
    for (int i = 0; i < op->take.rank; i++) {
        drop_table(op, &axes[i]);
        if (is_trivial(&axes[i]))
            continue;
        if (rank > 0 && continues(&axes[rank - 1], &axes[i])) {
            axes[rank - 1].extent *= axes[i].extent;
            axes[rank - 1].stride = axes[i].stride;
            continue;
        }
        struct dse_tensor_axis kept = axes[i];
        axes[i] = (struct dse_tensor_axis){0};
        axes[rank++] = kept;
    }
    op->take.rank = rank;
}

bool dse_tensor_take_is_identity(const struct dse_tensor_op *op, size_t n_source) {
    const struct dse_tensor_axis *axis = &op->take.axes[0];
    if (op->kind != DSE_TENSOR_TAKE || op->take.first != 0 || op->n != n_source)
        return false;
    return op->take.rank == 0 || (op->take.rank == 1 && axis->offsets == NULL && axis->stride == 1);
}

/* ---- TAKE ---- */

static int64_t offset_at(const struct dse_tensor_axis *axis, int64_t i) {
    return axis->offsets == NULL ? i * axis->stride : axis->offsets[i];
}

/* What is being taken. */
struct taking {
    const struct dse_tensor_op *op;
    const char *source;
    char *to; /* the next number */
    size_t size;
};

static void fill_numbers(struct taking *taking, int64_t n) {
    const void *number = taking->op->type == DSE_TENSOR_F32
                             ? (const void *)&taking->op->take.fill
                             : (const void *)&taking->op->take.fill_i64;
    for (int64_t i = 0; i < n; i++, taking->to += taking->size)
        memcpy(taking->to, number, taking->size);
}

static void take_row(struct taking *taking, const struct dse_tensor_axis *axis, int64_t base) {
    size_t size = taking->size, n = (size_t)axis->extent;
    const char *from = taking->source + base * (int64_t)size;
    if (axis->offsets == NULL && axis->stride == 1) {
        memcpy(taking->to, from, n * size);
        taking->to += n * size;
        return;
    }
    for (int64_t i = 0; i < axis->extent; i++) {
        int64_t offset = offset_at(axis, i);
        if (offset == DSE_TENSOR_OUTSIDE) {
            fill_numbers(taking, 1);
            continue;
        }
        memcpy(taking->to, from + offset * (int64_t)size, size);
        taking->to += size;
    }
}

/* Depth first through the axes; there are at most DSE_TENSOR_MAX_RANK. */
static void take_axis(struct taking *taking, int index, int64_t base) {
    const struct dse_tensor_axis *axes = taking->op->take.axes;
    int rank = taking->op->take.rank;
    if (index == rank - 1) {
        take_row(taking, &axes[index], base);
        return;
    }
    for (int64_t i = 0; i < axes[index].extent; i++) {
        int64_t offset = offset_at(&axes[index], i), below = 1;
        if (offset != DSE_TENSOR_OUTSIDE) {
            take_axis(taking, index + 1, base + offset);
            continue;
        }
        for (int k = index + 1; k < rank; k++)
            below *= axes[k].extent;
        fill_numbers(taking, below);
    }
}

void tensor__take(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    (void)b;
    struct taking taking = {op, a, y, dse_tensor_type_size(op->type)};
    if (op->take.rank == 0)
        memcpy(y, taking.source + op->take.first * (int64_t)taking.size, taking.size);
    else
        take_axis(&taking, 0, op->take.first);
}

/* ---- RESAMPLE: the axes but the last choose rows of the source and their weights ---- */

enum { MAX_ROWS = 256 }; /* products of taps: cubic over four axes */

struct rows {
    int n;
    bool outside;
    int64_t offsets[MAX_ROWS];
    float weights[MAX_ROWS];
};

/* Every row so far once for each tap of number i of the axis. */
static void multiply_rows(struct rows *rows, const struct dse_tensor_axis *axis, int64_t i) {
    struct rows made = {.outside = rows->outside};
    for (int r = 0; r < rows->n; r++)
        for (int t = 0; t < axis->taps; t++) {
            int64_t offset =
                axis->offsets == NULL ? i * axis->stride : axis->offsets[i * axis->taps + t];
            float weight = axis->weights == NULL ? 1.0f : axis->weights[i * axis->taps + t];
            dse_assert(made.n < MAX_ROWS);
            made.outside = made.outside || offset == DSE_TENSOR_OUTSIDE;
            made.offsets[made.n] = made.outside ? 0 : rows->offsets[r] + offset;
            made.weights[made.n++] = rows->weights[r] * weight;
        }
    *rows = made;
}

static void add_row(const float *restrict x, float weight, int64_t n, float *restrict y) {
    for (int64_t i = 0; i < n; i++)
        y[i] += weight * x[i];
}

static void mix_rows(const struct dse_tensor_op *op, const struct rows *rows, const float *x,
                     float *y) {
    const struct dse_tensor_axis *axis = &op->take.axes[op->take.rank - 1];
    bool whole = axis->offsets == NULL && axis->stride == 1 && !rows->outside;
    for (int64_t i = 0; i < axis->extent; i++)
        y[i] = 0;
    for (int r = 0; whole && r < rows->n; r++)
        add_row(x + rows->offsets[r], rows->weights[r], axis->extent, y);
    for (int64_t i = 0; !whole && i < axis->extent; i++) {
        struct rows all = *rows;
        multiply_rows(&all, axis, i);
        for (int r = 0; !all.outside && r < all.n; r++)
            y[i] += all.weights[r] * x[all.offsets[r]];
        if (all.outside)
            y[i] = op->take.fill;
    }
}

void tensor__resample(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    (void)b;
    int outer = op->take.rank - 1;
    int64_t index[DSE_TENSOR_MAX_RANK] = {0};
    float *to = y;
    dse_assert(outer >= 0);
    for (bool more = true; more; to += op->take.axes[outer].extent) {
        struct rows rows = {.n = 1, .offsets = {op->take.first}, .weights = {1}};
        for (int axis = 0; axis < outer; axis++)
            multiply_rows(&rows, &op->take.axes[axis], index[axis]);
        mix_rows(op, &rows, a, to);
        more = false;
        for (int axis = outer - 1; axis >= 0 && !more; axis--) {
            more = ++index[axis] < op->take.axes[axis].extent;
            if (!more)
                index[axis] = 0;
        }
    }
}

/* ---- PUT ---- */

void tensor__put(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    (void)b;
    size_t size = dse_tensor_type_size(op->type);
    size_t part = (size_t)op->put.part * size, row = (size_t)op->put.row * size;
    char *to = (char *)y + (size_t)op->put.first * size;
    const char *from = a;
    for (int64_t i = 0; i < op->put.rows; i++, from += part, to += row)
        memcpy(to, from, part);
}
