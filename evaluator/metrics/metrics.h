/* metrics: from logits to tallies. DESIGN.md, "Numbers, defined once"; problems/tally.def. */
#ifndef DSE_EVALUATOR_METRICS_H
#define DSE_EVALUATOR_METRICS_H

#include "base/base.h"
#include "problems/problems.h"

/* Index of the largest of n values, n > 0; ties: the lowest index. NaN never wins over a number;
 * 0 when all are NaN. */
int dse_metrics_argmax(const float *values, int n);

/* p[0..n) = soft-max of the logits, in double with base's exponential: the same bits on every
 * machine. Uniform where it is not defined (NaN among the logits, or +infinity). */
void dse_metrics_softmax(const float *logits, int n, double *p);

/* Adds one image to a tally of at least DSE_TALLY_SIZE words. p: its probabilities, [classes];
 * label: its class, below classes; predicted: the class it was put in, or -1 (never correct). */
void dse_metrics_tally(const double *p, int classes, int label, int predicted, int64_t *tally);

/* Soft-max into p, and the arg max; -1 where all logits are NaN (never correct). */
int dse_metrics_predict(const float *logits, int classes, double *p);

/* Adds n images. logits: [n][classes]; scratch: [classes]. Predicted is the arg max; an image whose
 * logits are all NaN is not correct, whatever its label. */
void dse_metrics_tally_logits(const float *logits, const uint16_t *labels, int n, int classes,
                              double *scratch, int64_t *tally);

/* -sum of p ln p, natural, at least 0. */
double dse_metrics_entropy(const double *p, int classes);

/* What the record of an exit says (problems.h), from the same arguments as dse_metrics_tally. */
struct dse_exit_numbers dse_metrics_exit_numbers(const double *p, int classes, int label,
                                                 int predicted);

/* ---- passes of Monte-Carlo dropout, of one image ---- */

/* The caller's memory; n passes so far. The first T passes of many are those of T. */
struct dse_passes {
    int n;
    bool undefined;   /* was a pass without any number? */
    double *p;        /* [passes][classes]: soft-max of each */
    int64_t *sums;    /* [classes]: exact, in units of 2^-52 */
    double entropies; /* sum over the passes, in their order */
    double *scratch;  /* [passes] */
};
void dse_metrics_reset_passes(struct dse_passes *passes, int classes);
void dse_metrics_add_pass(const float *logits, int classes, struct dse_passes *passes);
/* mean[0..classes) = mean of the soft-maxes; returns its arg max (ties: the lowest index), or -1
 * where a pass was undefined. */
int dse_metrics_mean_of_passes(const struct dse_passes *passes, int classes, double *mean);
/* How far the passes differ: mutual information (Houlsby et al. 2011; Gal 2016), standard deviation
 * (of the passes, not of a larger population) and the width between the 2.5 % and 97.5 % quantiles
 * (linear between passes), both a class, mean over the classes. */
struct dse_pass_spread {
    double mutual, deviation, interval;
};
struct dse_pass_spread dse_metrics_spread_of_passes(struct dse_passes *passes, int classes,
                                                    const double *mean);
void dse_metrics_tally_spread(const struct dse_pass_spread *spread, int64_t *tally);

#endif
