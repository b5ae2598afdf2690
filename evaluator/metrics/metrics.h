/* metrics: from logits to counts. DESIGN.md, "Numbers, defined once". */
#ifndef DSE_EVALUATOR_METRICS_H
#define DSE_EVALUATOR_METRICS_H

#include "base/base.h"

/* Index of the largest of n values, n > 0; ties: the lowest index. NaN never wins over a number;
 * 0 when all are NaN. */
int dse_metrics_argmax(const float *values, int n);
/* How many of n images have their label as arg max. logits: [n][classes]. An image whose logits are
 * all NaN is not correct, whatever its label. */
int64_t dse_metrics_count_correct(const float *logits, const uint8_t *labels, int n, int classes);

#endif
