/* Largest magnitudes from histograms: the calibration methods of pytorch-quantization. Where that
 * computes in float32 this computes in double; sums are taken in the order of the bins. */
#include <math.h>
#include <string.h>

#include "evaluator/quantize/quantize.h"

enum {
    CALIBRATION_BITS = 8,  /* the toolkit's default; candidates of fewer bits share the range */
    FIRST_CANDIDATE = 128, /* bins: the toolkit's start_bin */
    GROUPS = 1 << (CALIBRATION_BITS - 1),
    MOST_BINS = 1 << 14, /* both methods need time of n_bins squared */
};

static const char *const method_names[] = {
#define X(name, text, help) text,
    DSE_CALIBRATION_METHODS(X)
#undef X
};

bool dse_calibration_method_find(const char *text, enum dse_calibration_method *method) {
    for (size_t i = 0; i < sizeof method_names / sizeof method_names[0]; i++) {
        if (strcmp(method_names[i], text) == 0) {
            *method = (enum dse_calibration_method)i;
            return true;
        }
    }
    return false;
}

const char *dse_calibration_method_text(enum dse_calibration_method method) {
    dse_assert((size_t)method < sizeof method_names / sizeof method_names[0]);
    return method_names[method];
}

/* ---- mse ---- */

static double centre_of(const struct dse_histogram *histogram, int bin) {
    return (bin + 0.5) * histogram->width;
}

/* Sum over the bins of count x (value as quantised - value)^2, value being the centre. */
static double squared_error(const struct dse_histogram *histogram, double amax) {
    const double top = GROUPS - 1;
    double sum = 0, scale = top / amax;
    for (int bin = 0; bin < histogram->n_bins; bin++) {
        if (histogram->counts[bin] == 0)
            continue;
        double x = centre_of(histogram, bin), q = rint(x * scale);
        double error = (q < top ? q : top) / scale - x;
        sum += error * error * (double)histogram->counts[bin];
    }
    return sum;
}

static double amax_by_mse(const struct dse_histogram *histogram) {
    int best = FIRST_CANDIDATE;
    double least = INFINITY;
    for (int i = FIRST_CANDIDATE; i < histogram->n_bins; i++) {
        double error = squared_error(histogram, centre_of(histogram, i));
        if (error < least) {
            least = error;
            best = i;
        }
    }
    return centre_of(histogram, best);
}

/* ---- entropy ---- */

struct distribution {
    const uint64_t *bins; /* the histogram's, but bin 0 is as large as bin 1 */
    int n;                /* first bins that are kept */
    uint64_t tail;        /* sum of the others */
    double mass[GROUPS];  /* of the groups that the kept bins are merged into */
    int filled[GROUPS];   /* bins of a group that are not empty */
};

/* Bin b of n belongs to group b GROUPS / n, rounded down. */
static int group_of(const struct distribution *d, int bin) {
    return (int)((int64_t)bin * GROUPS / d->n);
}

static void merge(struct distribution *d) {
    memset(d->mass, 0, sizeof d->mass);
    memset(d->filled, 0, sizeof d->filled);
    for (int bin = 0; bin < d->n; bin++) {
        int group = group_of(d, bin);
        d->mass[group] += (double)d->bins[bin];
        d->filled[group] += d->bins[bin] != 0;
    }
}

/* Kullback-Leibler divergence of the kept bins, the tail on the last of them, from the groups
 * spread over their bins that are not empty; both normalised to sum 1. */
static double divergence(const struct distribution *d) {
    double reference_sum = (double)d->tail, candidate_sum = 0, sum = 0;
    for (int bin = 0; bin < d->n; bin++) {
        reference_sum += (double)d->bins[bin];
        candidate_sum += (double)d->bins[bin];
    }
    for (int bin = 0; bin < d->n; bin++) {
        int group = group_of(d, bin);
        uint64_t mass = d->bins[bin] + (bin == d->n - 1 ? d->tail : 0);
        if (mass == 0)
            continue;
        if (d->bins[bin] == 0)
            return INFINITY;
        double p = (double)mass / reference_sum;
        double q = d->mass[group] / d->filled[group] / candidate_sum;
        sum += p * dse_math_log(p / q);
    }
    return sum;
}

static enum dse_status amax_by_entropy(const struct dse_histogram *histogram, double *amax,
                                       struct dse_err *err) {
    uint64_t *bins = dse_alloc((size_t)histogram->n_bins, sizeof *bins);
    if (bins == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a calibration histogram");
    memcpy(bins, histogram->counts, (size_t)histogram->n_bins * sizeof *bins);
    bins[0] = bins[1];
    struct distribution d = {.bins = bins, .tail = 0};
    for (int bin = FIRST_CANDIDATE; bin < histogram->n_bins; bin++)
        d.tail += bins[bin];
    int best = FIRST_CANDIDATE;
    double least = INFINITY;
    for (d.n = FIRST_CANDIDATE; d.n <= histogram->n_bins; d.n++) {
        merge(&d);
        double now = divergence(&d);
        if (now <= least) { /* the last of equal ones */
            least = now;
            best = d.n;
        }
        d.tail -= d.n < histogram->n_bins ? bins[d.n] : 0;
    }
    dse_free(bins);
    *amax = best * histogram->width;
    return DSE_OK;
}

/* ---- all ---- */

enum dse_status dse_histogram_amax(const struct dse_histogram *histogram,
                                   const struct dse_calibration_rule *rule, double *amax,
                                   struct dse_err *err) {
    bool by_bins = rule->method == DSE_CALIBRATION_MSE || rule->method == DSE_CALIBRATION_ENTROPY;
    if (by_bins && histogram->n_bins > MOST_BINS)
        DSE_FAIL(err, DSE_INVALID,
                 "calibration by %s: a value is more than %d times the largest one of the first "
                 "batch; calibrate on images in another order, or by percentile",
                 dse_calibration_method_text(rule->method), MOST_BINS / 2048);
    if (histogram->width == 0) {
        *amax = 0;
        return DSE_OK;
    }
    switch (rule->method) {
    case DSE_CALIBRATION_MAX:
        *amax = (double)histogram->largest;
        return DSE_OK;
    case DSE_CALIBRATION_PERCENTILE:
        *amax = dse_histogram_percentile(histogram, rule->percentile);
        return DSE_OK;
    case DSE_CALIBRATION_MSE:
        *amax = amax_by_mse(histogram);
        return DSE_OK;
    case DSE_CALIBRATION_ENTROPY:
        return amax_by_entropy(histogram, amax, err);
    }
    DSE_FAIL(err, DSE_INTERNAL, "unknown calibration method");
}
