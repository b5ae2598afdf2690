/* Operators as data: their memory, and which loop runs which. */
#include "evaluator/tensor/tensor_internal.h"

#include <string.h>

size_t dse_tensor_type_size(enum dse_tensor_type type) {
    return type == DSE_TENSOR_F32 ? sizeof(float) : sizeof(int64_t);
}

struct dse_tensor_op *dse_tensor_op_new(enum dse_tensor_kind kind, enum dse_tensor_type type) {
    struct dse_tensor_op *op = dse_alloc(1, sizeof *op);
    if (op == NULL)
        return NULL;
    op->kind = kind;
    op->type = type;
    op->constant_source = -1;
    return op;
}

void dse_tensor_op_free(struct dse_tensor_op *op) {
    if (op == NULL)
        return;
    bool has_axes = op->kind == DSE_TENSOR_TAKE || op->kind == DSE_TENSOR_RESAMPLE;
    for (int i = 0; has_axes && i < op->take.rank; i++) {
        dse_free(op->take.axes[i].offsets);
        dse_free(op->take.axes[i].weights);
    }
    dse_free(op->constant);
    dse_free(op);
}

enum dse_status dse_tensor_axis_init(struct dse_tensor_axis *axis, int64_t extent, int taps,
                                     bool weighted, struct dse_err *err) {
    dse_assert(extent >= 0 && taps > 0);
    size_t n = (size_t)extent;
    struct dse_tensor_axis made = {.extent = extent, .taps = taps};
    made.offsets = dse_alloc(n, (size_t)taps * sizeof *made.offsets);
    made.weights = weighted ? dse_alloc(n, (size_t)taps * sizeof *made.weights) : NULL;
    if (made.offsets == NULL || (weighted && made.weights == NULL)) {
        dse_free(made.offsets);
        dse_free(made.weights);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an axis of %zu numbers", n);
    }
    *axis = made;
    return DSE_OK;
}

void dse_tensor_loop_add(struct dse_tensor_loop *loop, int64_t extent, int64_t a, int64_t b) {
    if (extent == 1)
        return;
    int last = loop->rank - 1;
    if (last >= 0 && loop->a[last] == a * extent && loop->b[last] == b * extent) {
        loop->extents[last] *= extent;
        loop->a[last] = a;
        loop->b[last] = b;
        return;
    }
    dse_assert(loop->rank < DSE_TENSOR_MAX_RANK);
    loop->extents[loop->rank] = extent;
    loop->a[loop->rank] = a;
    loop->b[loop->rank++] = b;
}

void dse_tensor_run(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    static void (*const run[DSE_TENSOR_KINDS])(const struct dse_tensor_op *, const void *,
                                               const void *, void *) = {
        [DSE_TENSOR_TAKE] = tensor__take,       [DSE_TENSOR_RESAMPLE] = tensor__resample,
        [DSE_TENSOR_PUT] = tensor__put,         [DSE_TENSOR_BINARY] = tensor__binary,
        [DSE_TENSOR_MATMUL] = tensor__matmul,   [DSE_TENSOR_MEAN] = tensor__mean,
        [DSE_TENSOR_SOFTMAX] = tensor__softmax,
    };
    if (op->constant_source == 0)
        a = op->constant;
    else if (op->constant_source == 1)
        b = op->constant;
    if (op->n > 0)
        run[op->kind](op, a, b, y);
}
