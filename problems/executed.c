/* What of a network is executed for an image: up to the exit at which it leaves, and once a pass
 * from the first dropout on. */
#include "problems/problems_internal.h"

int problems__counted_bits(int bits) {
    enum { FLOAT32_BITS = 32 };
    return bits == 0 ? FLOAT32_BITS : bits;
}

static bool drops(const struct dse_candidate *candidate, int layer) {
    return candidate->dropout != NULL && candidate->dropout[layer] > 0;
}

/* Does the layer compute anew in every pass? */
static bool is_stochastic(const struct dse_model_facts *model,
                          const struct dse_candidate *candidate, int layer) {
    bool found = drops(candidate, layer);
    for (int i = 0; !found && i < model->layers[layer].n_after; i++)
        found = drops(candidate, model->layers[layer].after[i]);
    return found;
}

/* Share of the images of all cells that leave at the exit or later. */
static double share_reaching(const struct dse_outcome *outcome, int exit, int n_exits) {
    int64_t reaching = 0, all = 0;
    if (n_exits < 2 || outcome->tally_size < dse_exit_tally_size(n_exits))
        return 1;
    for (int cell = 0; cell < outcome->n_cells; cell++)
        for (int k = 0; k < n_exits; k++) {
            int64_t left =
                dse_outcome_cell(outcome, cell)[dse_exit_word(DSE_EXIT_LEFT, k, n_exits)];
            all += left;
            reaching += k >= exit ? left : 0;
        }
    return all > 0 ? (double)reaching / (double)all : 1;
}

double problems__executed(const struct dse_model_facts *model,
                          const struct dse_candidate *candidate, const struct dse_outcome *outcome,
                          problems__layer_cost cost) {
    double sum = 0;
    int n_exits = model->n_exits > 1 ? model->n_exits : 1;
    for (int k = 0; k < n_exits; k++) {
        double of_exit = 0; /* whole numbers, exact below 2^53 */
        for (int i = 0; i < model->n_layers; i++) {
            if (model->layers[i].exit != k)
                continue;
            bool again = candidate->passes > 1 && is_stochastic(model, candidate, i);
            of_exit += cost(model, candidate, i) * (again ? candidate->passes : 1);
        }
        sum += of_exit * share_reaching(outcome, k, n_exits);
    }
    return sum;
}
