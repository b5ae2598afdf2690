/* Sums of many numbers: MATMUL, MEAN, SOFTMAX. */
#include "evaluator/tensor/tensor_internal.h"

/* Rows of b are added with the numbers of a row of a as weights, so the inner loop has no sum. */
static void multiply_matrices(const struct dse_tensor_op *op, const float *a, const float *b,
                              float *restrict y) {
    for (int64_t m = 0; m < op->matmul.m; m++, y += op->matmul.n) {
        for (int64_t n = 0; n < op->matmul.n; n++)
            y[n] = 0;
        for (int64_t k = 0; k < op->matmul.k; k++) {
            const float weight = a[m * op->matmul.a_m + k * op->matmul.a_k];
            const float *row = b + k * op->matmul.b_k;
            if (op->matmul.b_n == 1)
                for (int64_t n = 0; n < op->matmul.n; n++)
                    y[n] += weight * row[n];
            else
                for (int64_t n = 0; n < op->matmul.n; n++)
                    y[n] += weight * row[n * op->matmul.b_n];
        }
    }
}

void tensor__matmul(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    const struct dse_tensor_loop *loop = &op->matmul.loop;
    struct tensor__walk walk = {0};
    float *to = y;
    do {
        multiply_matrices(op, (const float *)a + walk.a, (const float *)b + walk.b, to);
        to += op->matmul.m * op->matmul.n;
    } while (tensor__next(loop, loop->rank, &walk));
}

int64_t tensor__count_places(const struct dse_tensor_loop *loop) {
    int64_t n = 1;
    for (int i = 0; i < loop->rank; i++)
        n *= loop->extents[i];
    return n;
}

/* Sums in double, in the order of the loop. */
void tensor__mean(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    (void)b;
    const struct dse_tensor_loop *kept = &op->reduce.kept, *over = &op->reduce.over;
    struct tensor__walk at = {0}, walk = {0};
    double count = (double)tensor__count_places(over);
    float *to = y;
    do {
        double sum = 0;
        do
            sum += (double)((const float *)a)[at.a + walk.a];
        while (tensor__next(over, over->rank, &walk));
        *to++ = (float)(sum / count);
    } while (tensor__next(kept, kept->rank, &at));
}

static void soften(const struct dse_tensor_loop *over, const float *x, float *y) {
    struct tensor__walk walk = {0};
    float largest = x[0];
    double sum = 0;
    do
        largest = x[walk.a] > largest ? x[walk.a] : largest;
    while (tensor__next(over, over->rank, &walk));
    do
        sum += dse_math_exp((double)x[walk.a] - (double)largest);
    while (tensor__next(over, over->rank, &walk));
    do
        y[walk.a] = (float)(dse_math_exp((double)x[walk.a] - (double)largest) / sum);
    while (tensor__next(over, over->rank, &walk));
}

void tensor__softmax(const struct dse_tensor_op *op, const void *a, const void *b, void *y) {
    (void)b;
    const struct dse_tensor_loop *kept = &op->reduce.kept;
    struct tensor__walk at = {0};
    do
        soften(&op->reduce.over, (const float *)a + at.a, (float *)y + at.a);
    while (tensor__next(kept, kept->rank, &at));
}
