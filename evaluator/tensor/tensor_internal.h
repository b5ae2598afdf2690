/* tensor, inside: the loops, one a kind of operator. */
#ifndef DSE_EVALUATOR_TENSOR_INTERNAL_H
#define DSE_EVALUATOR_TENSOR_INTERNAL_H

#include "evaluator/tensor/tensor.h"

/* moves.c */
void tensor__take(const struct dse_tensor_op *op, const void *a, const void *b, void *y);
void tensor__resample(const struct dse_tensor_op *op, const void *a, const void *b, void *y);
void tensor__put(const struct dse_tensor_op *op, const void *a, const void *b, void *y);
/* arithmetic.c */
void tensor__binary(const struct dse_tensor_op *op, const void *a, const void *b, void *y);
/* reductions.c */
void tensor__matmul(const struct dse_tensor_op *op, const void *a, const void *b, void *y);
void tensor__mean(const struct dse_tensor_op *op, const void *a, const void *b, void *y);
void tensor__softmax(const struct dse_tensor_op *op, const void *a, const void *b, void *y);

/* Of a loop. */
int64_t tensor__count_places(const struct dse_tensor_loop *loop);

/* The places of a loop one after the other: {0} stands before the first. */
struct tensor__walk {
    int64_t index[DSE_TENSOR_MAX_RANK];
    int64_t a, b; /* offsets of the place in the sources */
};
/* To the next place of the loop's first `rank` axes, the last of them fastest; false after the last
 * place, when the walk is at its beginning again. */
static inline bool tensor__next(const struct dse_tensor_loop *loop, int rank,
                                struct tensor__walk *walk) {
    for (int axis = rank - 1; axis >= 0; axis--) {
        walk->a += loop->a[axis];
        walk->b += loop->b[axis];
        if (++walk->index[axis] < loop->extents[axis])
            return true;
        walk->a -= loop->a[axis] * loop->extents[axis];
        walk->b -= loop->b[axis] * loop->extents[axis];
        walk->index[axis] = 0;
    }
    return false;
}

#endif
