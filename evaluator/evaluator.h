/* evaluator: a context (model, data, corruptions) made ready, and tasks computed on it. This is
 * what the worker program does between reading a message and writing one. */
#ifndef DSE_EVALUATOR_H
#define DSE_EVALUATOR_H

#include "base/base.h"
#include "evaluator/kernels/kernels.h"
#include "protocol/protocol.h"

/* Raise when the result of any evaluation may change: results of other versions are not reused. */
#define DSE_EVALUATOR_VERSION "6"

struct dse_evaluator;

/* Called now and then during long work; phase is borrowed for the call. */
typedef void (*dse_evaluator_progress)(void *context, const char *phase, int64_t done,
                                       int64_t total);

DSE_MUST_USE enum dse_status
dse_evaluator_new(enum dse_kernel_choice choice, dse_evaluator_progress progress,
                  void *progress_context, struct dse_evaluator **evaluator, struct dse_err *err);
void dse_evaluator_free(struct dse_evaluator *evaluator);
const char *dse_evaluator_kernels(const struct dse_evaluator *evaluator);
/* What an operator should know and has not been told: that the cache of corrupted images cannot be
 * used, and work goes on without. Into out[size], which is returned; "" when there is nothing. */
const char *dse_evaluator_take_warning(struct dse_evaluator *evaluator, char *out, size_t size);

/* Packed weights that contexts opened from now on keep, in bytes; 0, as at first: as many as
 * dse_plan_options say. Results do not depend on it. */
void dse_evaluator_bound_weights(struct dse_evaluator *evaluator, size_t bytes_most);

/* Opens a context in place of the one before: checks every file against its SHA-256 (CONFLICT when
 * it has changed), loads model and data, calibrates unless context->input_amax is given.
 * *prepared lives in the arena. */
DSE_MUST_USE enum dse_status
dse_evaluator_open(struct dse_evaluator *evaluator, const struct dse_msg_context *context,
                   struct dse_arena *arena, struct dse_msg_prepared *prepared, struct dse_err *err);

/* Computes a task on the open context. *partials lives in the arena. Shards stay in memory, the
 * oldest are dropped above a bound. */
DSE_MUST_USE enum dse_status
dse_evaluator_run(struct dse_evaluator *evaluator, const struct dse_msg_task *task,
                  struct dse_arena *arena, struct dse_msg_partials *partials, struct dse_err *err);

#endif
