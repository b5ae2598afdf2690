/* metrics: from logits to counts. DESIGN.md, "Numbers, defined once". */
#ifndef DSE_EVALUATOR_METRICS_H
#define DSE_EVALUATOR_METRICS_H

#include "base/base.h"

/* Index of the largest of n values; ties: the lowest index. NaN never wins. */
int dse_metrics_argmax(const float *values, int n);
/* How many of n images have their label as arg max. logits: [n][classes]. */
int64_t dse_metrics_count_correct(const float *logits, const uint8_t *labels, int n, int classes);

#endif
