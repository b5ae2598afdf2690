/* From logits to counts. */
#include "evaluator/metrics/metrics.h"

#include <math.h>

int dse_metrics_argmax(const float *values, int n) {
    dse_assert(n > 0);
    int best = 0;
    for (int i = 1; i < n; i++)
        if (values[i] > values[best] || (isnan(values[best]) && !isnan(values[i])))
            best = i;
    return best;
}

int64_t dse_metrics_count_correct(const float *logits, const uint8_t *labels, int n, int classes) {
    int64_t correct = 0;
    for (int image = 0; image < n; image++) {
        const float *row = logits + (size_t)image * (size_t)classes;
        int best = dse_metrics_argmax(row, classes);
        correct += best == labels[image] && !isnan(row[best]);
    }
    return correct;
}
