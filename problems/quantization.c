/* Problem `quantization`: the bits of every layer's input and weights. Two integer genes a layer,
 * input bits then weight bits, layers in order of execution. */
#include "problems/problems_internal.h"

static const unsigned PARTS = PROBLEMS__BITS;

enum dse_status problems__quantization_prepare(const struct dse_problem_settings *settings,
                                               const struct dse_model_facts *model,
                                               struct dse_space *space, struct dse_err *err) {
    return problems__build(PARTS, settings, model, space, err);
}

void problems__quantization_repair(const struct dse_space *space, double *genome) {
    problems__repair_parts(PARTS, space, genome);
}

void problems__quantization_decode(const struct dse_space *space, const double *genome,
                                   struct dse_candidate *candidate) {
    problems__decode_parts(PARTS, space, genome, candidate);
}
