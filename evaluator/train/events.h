/* events: scalars over the steps of a training in a file that TensorBoard reads. */
#ifndef DSE_EVALUATOR_TRAIN_EVENTS_H
#define DSE_EVALUATOR_TRAIN_EVENTS_H

#include "base/base.h"

/* Appends to a file events.out.tfevents.<name> in an existing directory; a new file begins with the
 * record that names the format. tags and values: n of them. IO, NO_SPACE name the file. */
DSE_MUST_USE enum dse_status dse_events_append(const char *directory, const char *name,
                                               int64_t step, const char *const *tags,
                                               const double *values, int n, struct dse_err *err);

/* CRC-32C (Castagnoli) of bytes. */
uint32_t dse_events_crc32c(const void *bytes, size_t size);

#endif
