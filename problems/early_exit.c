/* Problem `early_exit`: the threshold of every early exit. No genome costs an inference: all share
 * the records of one evaluation. */
#include "problems/problems_internal.h"

static const unsigned PARTS = PROBLEMS__THRESHOLDS;

enum dse_status problems__early_exit_prepare(const struct dse_problem_settings *settings,
                                             const struct dse_model_facts *model,
                                             struct dse_space *space, struct dse_err *err) {
    return problems__build(PARTS, settings, model, space, err);
}

void problems__early_exit_repair(const struct dse_space *space, double *genome) {
    problems__repair_parts(PARTS, space, genome);
}

void problems__early_exit_decode(const struct dse_space *space, const double *genome,
                                 struct dse_candidate *candidate) {
    problems__decode_parts(PARTS, space, genome, candidate);
}
