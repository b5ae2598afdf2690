/* Contexts: what a worker must open for a workload, built from the workload and the hashes of its
 * files. */
#ifndef DSE_DAEMON_CONTEXT_H
#define DSE_DAEMON_CONTEXT_H

#include "base/base.h"
#include "problems/problems.h"
#include "protocol/protocol.h"
#include "workloads/workloads.h"

/* Hashes every file of the workload and builds its context and content hash; all in the arena.
 * evaluator: the version of the workers' evaluator. Errors name the file. */
DSE_MUST_USE enum dse_status dse_context_build(const struct dse_workload *workload,
                                               const char *evaluator, struct dse_arena *arena,
                                               struct dse_msg_context *context,
                                               const char **content_hash, struct dse_err *err);
/* The names of the cells, as a worker gives them. */
DSE_MUST_USE enum dse_status dse_context_model_facts(const struct dse_msg_prepared *prepared,
                                                     bool has_clean, struct dse_arena *arena,
                                                     struct dse_model_facts *facts,
                                                     struct dse_err *err);
struct dse_search_options;
/* The search options of a workload. */
struct dse_search_options dse_context_search_options(const struct dse_workload *workload);

#endif
