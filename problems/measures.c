/* From the tally of one cell to a number with its interval. */
#include <math.h>

#include "problems/problems_internal.h"

/* 97.5 % quantile of the standard normal. */
static const double Z = 1.959963984540054;
/* Axolotl's least ln p. */
static const double AXOLOTL_LEAST_LOG = -1e10;

/* A word as the real number it stands for. */
#define REAL(tally, name, i) \
    ldexp((double)(tally)[DSE_TALLY_##name + (i)], -(int)DSE_TALLY_BITS_##name)

void dse_wilson_interval(int64_t correct, int64_t seen, double *low, double *high) {
    dse_assert(seen > 0 && correct >= 0 && correct <= seen);
    double n = (double)seen, p = (double)correct / n;
    double shrink = 1 + Z * Z / n;
    double centre = (p + Z * Z / (2 * n)) / shrink;
    double half = Z / shrink * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n));
    /* At the ends the limit is exactly 0 or 1; rounding must not say otherwise. */
    *low = correct == 0 ? 0.0 : centre - half;
    *high = correct == seen ? 1.0 : centre + half;
}

static struct dse_estimate share(int64_t of, int64_t seen) {
    struct dse_estimate estimate = {.value = (double)of / (double)seen, .images = seen};
    dse_wilson_interval(of, seen, &estimate.low, &estimate.high);
    return estimate;
}

/* Of n numbers with this sum and this sum of squares, all within least..most: their mean; value is
 * what it is an estimate of. */
static struct dse_estimate with_deviation(double value, double mean, double square_sum, int64_t n,
                                          double least, double most) {
    double variance = fmax(square_sum / (double)n - mean * mean, 0);
    double half = n > 1 ? Z * sqrt(variance / (double)(n - 1)) : most - least;
    return (struct dse_estimate){.value = value,
                                 .low = fmax(value - half, least),
                                 .high = fmin(value + half, most),
                                 .images = n};
}

static struct dse_estimate mean_of(double sum, double square_sum, int64_t n, double most) {
    return with_deviation(sum / (double)n, sum / (double)n, square_sum, n, 0, most);
}

/* sign x estimate + offset. */
static struct dse_estimate moved(struct dse_estimate x, double sign, double offset) {
    double low = sign * x.low + offset, high = sign * x.high + offset;
    return (struct dse_estimate){.value = sign * x.value + offset,
                                 .low = fmin(low, high),
                                 .high = fmax(low, high),
                                 .images = x.images};
}

static struct dse_estimate measure_accuracy(const int64_t *tally) {
    return share(tally[DSE_TALLY_CORRECT], tally[DSE_TALLY_SEEN]);
}

static struct dse_estimate measure_error(const int64_t *tally) {
    return share(tally[DSE_TALLY_SEEN] - tally[DSE_TALLY_CORRECT], tally[DSE_TALLY_SEEN]);
}

static struct dse_estimate measure_brier(const int64_t *tally) {
    return mean_of(REAL(tally, BRIER, 0), REAL(tally, BRIER_SQUARE, 0), tally[DSE_TALLY_SEEN], 2);
}

static struct dse_estimate measure_nll(const int64_t *tally) {
    return mean_of(REAL(tally, NLL, 0), REAL(tally, NLL_SQUARE, 0), tally[DSE_TALLY_SEEN],
                   INFINITY);
}

static struct dse_estimate measure_log_prob(const int64_t *tally) {
    return moved(measure_nll(tally), -1, 0);
}

static struct dse_estimate measure_entropy(const int64_t *tally) {
    return mean_of(REAL(tally, ENTROPY, 0), REAL(tally, ENTROPY_SQUARE, 0), tally[DSE_TALLY_SEEN],
                   INFINITY);
}

static struct dse_estimate measure_confidence(const int64_t *tally) {
    return mean_of(REAL(tally, CONFIDENCE, 0), REAL(tally, CONFIDENCE_SQUARE, 0),
                   tally[DSE_TALLY_SEEN], 1);
}

/* ECE is the mean over the images of sign(bin) x (confidence - correct); its square knows no
 * signs. */
static struct dse_estimate measure_ece(const int64_t *tally) {
    int64_t n = tally[DSE_TALLY_SEEN];
    double sum = 0;
    for (int b = 0; b < DSE_TALLY_BINS; b++)
        sum += fabs(REAL(tally, BIN_CONFIDENCE, b) - (double)tally[DSE_TALLY_BIN_CORRECT + b]);
    double squares = REAL(tally, CONFIDENCE_SQUARE, 0) - 2 * REAL(tally, CONFIDENCE_CORRECT, 0) +
                     (double)tally[DSE_TALLY_CORRECT];
    return mean_of(sum, squares, n, 1);
}

static struct dse_estimate measure_axolotl_brier_score(const int64_t *tally) {
    return moved(measure_brier(tally), 1, -1);
}

/* The squares know only clamped numbers, so there is an interval only where nothing was clamped. */
static struct dse_estimate measure_axolotl_log_prob(const int64_t *tally) {
    struct dse_estimate clamped = measure_log_prob(tally);
    double n = (double)tally[DSE_TALLY_SEEN], impossible = (double)tally[DSE_TALLY_IMPOSSIBLE];
    double excess = REAL(tally, NLL_EXCESS, 0);
    if (!(excess > 0) && !(impossible > 0))
        return clamped;
    /* An impossible label stands in the clamped sum with ln 1e-12. */
    double least = dse_math_log(1e-12);
    clamped.value += (impossible * (AXOLOTL_LEAST_LOG - least) - excess) / n;
    clamped.low = clamped.high = NAN;
    return clamped;
}

static struct dse_estimate measure_mutual_information(const int64_t *tally) {
    return mean_of(REAL(tally, MUTUAL, 0), REAL(tally, MUTUAL_SQUARE, 0), tally[DSE_TALLY_SEEN],
                   INFINITY);
}

/* A mean whose squares nobody adds up: no interval. */
static struct dse_estimate plain_mean(double sum, int64_t n) {
    return (struct dse_estimate){.value = sum / (double)n, .low = NAN, .high = NAN, .images = n};
}

static struct dse_estimate measure_pass_deviation(const int64_t *tally) {
    return plain_mean(REAL(tally, DEVIATION, 0), tally[DSE_TALLY_SEEN]);
}

static struct dse_estimate measure_pass_interval(const int64_t *tally) {
    return plain_mean(REAL(tally, INTERVAL, 0), tally[DSE_TALLY_SEEN]);
}

const struct problems__measure problems__measures[] = {
#define X(name, sense, unit, last, help) \
    {#name, DSE_##sense, unit, DSE_TALLY_##last##_LAST, measure_##name},
#include "problems/measures.def"
#undef X
};
const int problems__n_measures = sizeof problems__measures / sizeof problems__measures[0];
