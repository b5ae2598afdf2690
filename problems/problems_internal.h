/* Shared by the files of problems/ only. */
#ifndef DSE_PROBLEMS_INTERNAL_H
#define DSE_PROBLEMS_INTERNAL_H

#include "problems/problems.h"

/* Objectives and constraints of settings into space; genes stay. INVALID when a metric is unknown,
 * a constraint malformed, or a metric not defined for this model and its cells. */
DSE_MUST_USE enum dse_status problems__fill_metrics(const struct dse_problem_settings *settings,
                                                    const struct dse_model_facts *model,
                                                    struct dse_space *space, struct dse_err *err);

#define X(name, help)                                                                         \
    enum dse_status problems__##name##_prepare(const struct dse_problem_settings *settings,   \
                                               const struct dse_model_facts *model,           \
                                               struct dse_space *space, struct dse_err *err); \
    void problems__##name##_repair(const struct dse_space *space, double *genome);            \
    void problems__##name##_decode(const struct dse_space *space, const double *genome,       \
                                   struct dse_candidate *candidate);
#include "problems/problems.def"
#undef X

#endif
