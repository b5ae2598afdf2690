/* BINARY: two sources, number by number, either repeated along some axes. */
#include "evaluator/tensor/tensor_internal.h"

/* One row of the loop: n numbers, steps da and db. Written once for each pair of steps that is
 * worth a loop of its own: both in rows, one of them standing still, anything else. */
#define ROW(a_at, b_at, value)                 \
    for (int64_t i = 0; i < n; i++) {          \
        const NUMBER p = a[a_at], q = b[b_at]; \
        y[i] = (value);                        \
    }
#define ROWS(value)                  \
    do {                             \
        if (da == 1 && db == 1)      \
            ROW(i, i, value)         \
        else if (da == 1 && db == 0) \
            ROW(i, 0, value)         \
        else                         \
            ROW(i *da, i *db, value) \
    } while (0)

#define NUMBER float
static void row_f32(enum dse_tensor_binary how, const float *a, int64_t da, const float *b,
                    int64_t db, int64_t n, float *y) {
    switch (how) {
    case DSE_TENSOR_ADD:
        ROWS(p + q);
        break;
    case DSE_TENSOR_SUB:
        ROWS(p - q);
        break;
    case DSE_TENSOR_MUL:
        ROWS(p * q);
        break;
    case DSE_TENSOR_DIV:
        ROWS(p / q);
        break;
    default:
        dse_assert(how == DSE_TENSOR_PRELU);
        ROWS(p < 0.0f ? p * q : p);
    }
}

/* c follows b at a fixed distance. */
static void row_scale(const float *a, int64_t da, const float *b, const float *c, int64_t db,
                      int64_t n, float *y) {
    for (int64_t i = 0; i < n; i++) {
        const float product = a[i * da] * b[i * db];
        y[i] = product + c[i * db];
    }
}
#undef NUMBER

/* Of the results that do not fit the lower 64 bits are kept; the importer has seen to it that no
 * divisor is 0. */
#define NUMBER     int64_t
#define WRAP(sign) (int64_t)((uint64_t)p sign(uint64_t) q)
static void row_i64(enum dse_tensor_binary how, const int64_t *a, int64_t da, const int64_t *b,
                    int64_t db, int64_t n, int64_t *y) {
    switch (how) {
    case DSE_TENSOR_ADD:
        ROWS(WRAP(+));
        break;
    case DSE_TENSOR_SUB:
        ROWS(WRAP(-));
        break;
    case DSE_TENSOR_MUL:
        ROWS(WRAP(*));
        break;
    default:
        dse_assert(how == DSE_TENSOR_DIV);
        ROWS(q == -1 ? (int64_t)(0 - (uint64_t)p) : p / q);
    }
}
#undef NUMBER

void tensor__binary(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    const struct dse_tensor_loop *loop = &op->binary.loop;
    enum dse_tensor_binary how = op->binary.how;
    int outer = loop->rank > 0 ? loop->rank - 1 : 0;
    int64_t n = loop->rank > 0 ? loop->extents[outer] : 1;
    int64_t da = loop->rank > 0 ? loop->a[outer] : 0, db = loop->rank > 0 ? loop->b[outer] : 0;
    int64_t at = 0;
    struct tensor__walk walk = {0};
    do {
        if (op->type == DSE_TENSOR_I64)
            row_i64(how, (const int64_t *)a + walk.a, da, (const int64_t *)b + walk.b, db, n,
                    (int64_t *)y + at);
        else if (how == DSE_TENSOR_SCALE)
            row_scale((const float *)a + walk.a, da, (const float *)b + walk.b,
                      (const float *)b + op->n_constant / 2 + walk.b, db, n, (float *)y + at);
        else
            row_f32(how, (const float *)a + walk.a, da, (const float *)b + walk.b, db, n,
                    (float *)y + at);
        at += n;
    } while (tensor__next(loop, outer, &walk));
}
