/* Problem `dropout`: Monte-Carlo dropout: the rate, the first layer with dropout on its input (all
 * later ones have it, too, or all later ones of those that the model marks), and the passes. */
#include "problems/problems_internal.h"

static const unsigned PARTS = PROBLEMS__DROPOUT;

enum dse_status problems__dropout_prepare(const struct dse_problem_settings *settings,
                                          const struct dse_model_facts *model,
                                          struct dse_space *space, struct dse_err *err) {
    return problems__build(PARTS, settings, model, space, err);
}

void problems__dropout_repair(const struct dse_space *space, double *genome) {
    problems__repair_parts(PARTS, space, genome);
}

void problems__dropout_decode(const struct dse_space *space, const double *genome,
                              struct dse_candidate *candidate) {
    problems__decode_parts(PARTS, space, genome, candidate);
}
