/* The histogram of magnitudes and its percentile. */
#include "evaluator/quantize/quantize.h"

#include <math.h>
#include <string.h>

enum {
    FIRST_BINS = 2048,
    MAX_BINS = 1 << 22, /* 32 MiB: later batches may be 2,048 times the first one */
};

static enum dse_status find_largest(const float *x, size_t n, float *largest, struct dse_err *err) {
    float top = 0;
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        float magnitude = fabsf(x[i]);
        finite = finite && magnitude <= 3.402823466e+38f; /* FLT_MAX; false for NaN */
        top = magnitude > top ? magnitude : top;
    }
    if (!finite)
        DSE_FAIL(err, DSE_INVALID, "calibration met a value that is infinite or not a number");
    *largest = top;
    return DSE_OK;
}

/* Room for n_bins bins; new ones are 0. */
static enum dse_status grow(struct dse_histogram *histogram, int n_bins, struct dse_err *err) {
    if (n_bins <= histogram->n_bins)
        return DSE_OK;
    uint64_t *counts = dse_realloc(histogram->counts, (size_t)n_bins, sizeof *counts);
    if (counts == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a calibration histogram");
    memset(counts + histogram->n_bins, 0, (size_t)(n_bins - histogram->n_bins) * sizeof *counts);
    histogram->counts = counts;
    histogram->n_bins = n_bins;
    return DSE_OK;
}

/* Bins for values up to largest. Until a value is above 0 there are the first bins without width,
 * and zeros in bin 0. */
static enum dse_status fit_bins(struct dse_histogram *histogram, double largest,
                                struct dse_err *err) {
    DSE_TRY(grow(histogram, FIRST_BINS, err));
    if (histogram->width == 0) {
        histogram->width = largest / FIRST_BINS;
        return DSE_OK;
    }
    double needed = ceil(largest / histogram->width);
    if (needed > MAX_BINS)
        DSE_FAIL(err, DSE_INVALID,
                 "calibration met a value (%g) more than %d times the largest one of the first "
                 "batch; calibrate on images in another order",
                 largest, MAX_BINS / FIRST_BINS);
    return grow(histogram, (int)needed, err);
}

enum dse_status dse_histogram_add(struct dse_histogram *histogram, const float *x, size_t n,
                                  struct dse_err *err) {
    if (n == 0)
        return DSE_OK;
    float largest = 0;
    DSE_TRY(find_largest(x, n, &largest, err));
    DSE_TRY(fit_bins(histogram, largest, err));
    histogram->total += n;
    histogram->largest = largest > histogram->largest ? largest : histogram->largest;
    if (histogram->width == 0) {
        histogram->counts[0] += n;
        return DSE_OK;
    }
    int last = histogram->n_bins - 1;
    double width = histogram->width;
    uint64_t *counts = histogram->counts;
    for (size_t i = 0; i < n; i++) {
        int bin = (int)(fabs((double)x[i]) / width);
        counts[bin < last ? bin : last]++; /* the last bin holds its right edge too */
    }
    return DSE_OK;
}

void dse_histogram_fini(struct dse_histogram *histogram) {
    dse_free(histogram->counts);
    *histogram = (struct dse_histogram){0};
}

double dse_histogram_percentile(const struct dse_histogram *histogram, double percentile) {
    uint64_t sum = 0;
    for (int bin = 0; bin < histogram->n_bins && histogram->total > 0; bin++) {
        sum += histogram->counts[bin];
        if ((double)sum / (double)histogram->total >= percentile / 100)
            return (bin == 0 ? 1 : bin) * histogram->width;
    }
    return 0;
}
