/* From the passes of Monte-Carlo dropout to one prediction, and how far the passes differ.
 *
 * Soft-maxes are added in units of 2^-52: sums of whole numbers are exact in any order, so what is
 * known after T passes of many is what a run of T passes gives. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/metrics/metrics.h"

static const double UNIT = 0x1p-52;

void dse_metrics_add_pass(const float *logits, int classes, struct dse_passes *passes) {
    double *p = passes->p + (size_t)passes->n * (size_t)classes;
    int best = dse_metrics_argmax(logits, classes);
    dse_metrics_softmax(logits, classes, p);
    passes->undefined |= isnan(logits[best]);
    passes->entropies += dse_metrics_entropy(p, classes);
    for (int k = 0; k < classes; k++)
        passes->sums[k] += (int64_t)nearbyint(p[k] / UNIT);
    passes->n++;
}

int dse_metrics_mean_of_passes(const struct dse_passes *passes, int classes, double *mean) {
    int best = 0;
    for (int k = 0; k < classes; k++) {
        mean[k] = (double)passes->sums[k] * UNIT / passes->n;
        best = passes->sums[k] > passes->sums[best] ? k : best;
    }
    return passes->undefined ? -1 : best;
}

static double deviation(const double *x, int n, int stride) {
    double mean = 0, sum = 0;
    for (int t = 0; t < n; t++)
        mean += x[(size_t)t * (size_t)stride];
    mean /= n;
    for (int t = 0; t < n; t++) {
        double distance = x[(size_t)t * (size_t)stride] - mean;
        sum += distance * distance;
    }
    return sqrt(sum / n);
}

static int compare_reals(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted x, linear between its values. */
static double quantile(const double *x, int n, double share) {
    double at = share * (n - 1);
    int low = (int)at;
    int high = low + 1 < n ? low + 1 : low;
    return x[low] + (at - low) * (x[high] - x[low]);
}

struct dse_pass_spread dse_metrics_spread_of_passes(struct dse_passes *passes, int classes,
                                                    const double *mean) {
    static const double LOW = 0.025, HIGH = 0.975; /* 95 % */
    struct dse_pass_spread spread = {0};
    double *sorted = passes->scratch;
    spread.mutual = fmax(0, dse_metrics_entropy(mean, classes) - passes->entropies / passes->n);
    for (int k = 0; k < classes; k++) {
        spread.deviation += deviation(passes->p + k, passes->n, classes) / classes;
        for (int t = 0; t < passes->n; t++)
            sorted[t] = passes->p[(size_t)t * (size_t)classes + (size_t)k];
        qsort(sorted, (size_t)passes->n, sizeof *sorted, compare_reals);
        spread.interval +=
            (quantile(sorted, passes->n, HIGH) - quantile(sorted, passes->n, LOW)) / classes;
    }
    return spread;
}

void dse_metrics_reset_passes(struct dse_passes *passes, int classes) {
    memset(passes->sums, 0, (size_t)classes * sizeof *passes->sums);
    passes->n = 0;
    passes->entropies = 0;
    passes->undefined = false;
}
