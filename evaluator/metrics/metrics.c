/* From logits to tallies. */
#include "evaluator/metrics/metrics.h"

#include <math.h>

/* Below, a probability counts as this one in nll (DESIGN.md). */
static const double LEAST_PROBABILITY = 1e-12;
/* Smaller probabilities add less than 2^-44 to an entropy, whose unit is 2^-28. */
static const double NEGLIGIBLE_PROBABILITY = 0x1p-50;

int dse_metrics_argmax(const float *values, int n) {
    dse_assert(n > 0);
    int best = 0;
    for (int i = 1; i < n; i++)
        if (values[i] > values[best] || (isnan(values[best]) && !isnan(values[i])))
            best = i;
    return best;
}

void dse_metrics_softmax(const float *logits, int n, double *p) {
    double largest = (double)logits[dse_metrics_argmax(logits, n)];
    double sum = 0;
    for (int k = 0; k < n; k++) {
        p[k] = dse_math_exp((double)logits[k] - largest);
        sum += p[k];
    }
    bool defined = sum >= 1 && sum <= n; /* not NaN; the largest adds 1 */
    for (int k = 0; k < n; k++)
        p[k] = defined ? p[k] / sum : 1.0 / n;
}

/* x in units of 2^-bits, to the nearest, half to even. */
static int64_t in_units(double x, int bits) {
    return (int64_t)nearbyint(x * (double)(INT64_C(1) << bits));
}

static double brier_of(const double *p, int classes, int label) {
    double sum = 0;
    for (int k = 0; k < classes; k++) {
        double distance = p[k] - (k == label ? 1 : 0);
        sum += distance * distance;
    }
    return sum;
}

double dse_metrics_entropy(const double *p, int classes) {
    double sum = 0;
    for (int k = 0; k < classes; k++)
        if (p[k] > NEGLIGIBLE_PROBABILITY)
            sum -= p[k] * dse_math_log(p[k]);
    return fmax(sum, 0); /* p slightly above 1 */
}

struct dse_exit_numbers dse_metrics_exit_numbers(const double *p, int classes, int label,
                                                 int predicted) {
    struct dse_exit_numbers numbers = {
        .entropy = dse_metrics_entropy(p, classes),
        .nll = fmax(0, -dse_math_log(fmax(p[label], LEAST_PROBABILITY))),
        .brier = brier_of(p, classes, label),
        .correct = predicted == label,
    };
    for (int k = 0; k < classes; k++)
        numbers.confidence = fmax(numbers.confidence, p[k]);
    return numbers;
}

static int bin_of(double confidence) {
    int bin = (int)ceil(confidence * DSE_TALLY_BINS) - 1;
    /* The product was rounded; the edges are b / n as a double. */
    if (bin > 0 && confidence <= (double)bin / DSE_TALLY_BINS)
        bin--;
    else if (bin < DSE_TALLY_BINS - 1 && confidence > (double)(bin + 1) / DSE_TALLY_BINS)
        bin++;
    return bin < 0 ? 0 : bin < DSE_TALLY_BINS ? bin : DSE_TALLY_BINS - 1;
}

void dse_metrics_tally(const double *p, int classes, int label, int predicted, int64_t *tally) {
    dse_assert(label >= 0 && label < classes);
    double confidence = 0;
    for (int k = 0; k < classes; k++)
        confidence = fmax(confidence, p[k]);
    double brier = brier_of(p, classes, label), entropy = dse_metrics_entropy(p, classes);
    double nll = fmax(-dse_math_log(fmax(p[label], LEAST_PROBABILITY)), 0);
    int correct = predicted == label, bin = bin_of(confidence);
    tally[DSE_TALLY_SEEN]++;
    tally[DSE_TALLY_CORRECT] += correct;
#define ADD(word, offset, x) \
    tally[DSE_TALLY_##word + (offset)] += in_units(x, DSE_TALLY_BITS_##word)
    ADD(BRIER, 0, brier);
    ADD(BRIER_SQUARE, 0, brier * brier);
    ADD(NLL, 0, nll);
    ADD(NLL_SQUARE, 0, nll * nll);
    ADD(ENTROPY, 0, entropy);
    ADD(ENTROPY_SQUARE, 0, entropy * entropy);
    ADD(CONFIDENCE, 0, confidence);
    ADD(CONFIDENCE_SQUARE, 0, confidence * confidence);
    tally[DSE_TALLY_BIN_SEEN + bin]++;
    tally[DSE_TALLY_BIN_CORRECT + bin] += correct;
    ADD(BIN_CONFIDENCE, bin, confidence);
    ADD(CONFIDENCE_CORRECT, 0, correct ? confidence : 0);
    if (p[label] > 0)
        ADD(NLL_EXCESS, 0, fmax(-dse_math_log(p[label]) - nll, 0));
    else
        tally[DSE_TALLY_IMPOSSIBLE]++;
#undef ADD
}

void dse_metrics_tally_spread(const struct dse_pass_spread *spread, int64_t *tally) {
    double mutual = spread->mutual;
    tally[DSE_TALLY_MUTUAL] += in_units(mutual, DSE_TALLY_BITS_MUTUAL);
    tally[DSE_TALLY_MUTUAL_SQUARE] += in_units(mutual * mutual, DSE_TALLY_BITS_MUTUAL_SQUARE);
    tally[DSE_TALLY_DEVIATION] += in_units(spread->deviation, DSE_TALLY_BITS_DEVIATION);
    tally[DSE_TALLY_INTERVAL] += in_units(spread->interval, DSE_TALLY_BITS_INTERVAL);
}

int dse_metrics_predict(const float *logits, int classes, double *p) {
    int best = dse_metrics_argmax(logits, classes);
    dse_metrics_softmax(logits, classes, p);
    return isnan(logits[best]) ? -1 : best;
}

void dse_metrics_tally_logits(const float *logits, const uint16_t *labels, int n, int classes,
                              double *scratch, int64_t *tally) {
    for (int image = 0; image < n; image++) {
        int predicted =
            dse_metrics_predict(logits + (size_t)image * (size_t)classes, classes, scratch);
        dse_metrics_tally(scratch, classes, labels[image], predicted, tally);
    }
}
