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

/* Adds n images. logits: [n][classes]; scratch: [classes]. Predicted is the arg max; an image whose
 * logits are all NaN is not correct, whatever its label. */
void dse_metrics_tally_logits(const float *logits, const uint16_t *labels, int n, int classes,
                              double *scratch, int64_t *tally);

#endif
