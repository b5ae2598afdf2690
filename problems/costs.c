/* What candidates cost. */
#include <math.h>

#include "problems/problems_internal.h"

/* The replaced explorer's weights of a layer's bits (dnn-model-exploration, "per_layer"). */
static const double WEIGHT_BITS_WEIGHT = 0.5, INPUT_BITS_WEIGHT = 5.0;

/* The replaced explorer's accelerator: picojoules of a DRAM access, and its bits. */
static const double DRAM_ACCESS_PJ = 200, DRAM_ACCESS_BITS = 16, PJ_PER_UJ = 1e6;

static double layer_macs(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                         int layer) {
    (void)candidate;
    return (double)model->layers[layer].macs;
}

static double layer_bit_operations(const struct dse_model_facts *model,
                                   const struct dse_candidate *candidate, int layer) {
    return (double)model->layers[layer].macs *
           problems__counted_bits(candidate->weight_bits[layer]) *
           problems__counted_bits(candidate->input_bits[layer]);
}

/* A result is kept with the bits of the first layer that reads it; that of a last layer with those
 * of an access. */
static double bits_of_output(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate, int layer) {
    for (int i = layer + 1; i < model->n_layers; i++)
        for (int k = 0; k < model->layers[i].n_after; k++)
            if (model->layers[i].after[k] == layer)
                return problems__counted_bits(candidate->input_bits[i]);
    return DRAM_ACCESS_BITS;
}

/* Bits read and written; NaN: not known. */
static double layer_traffic(const struct dse_model_facts *model,
                            const struct dse_candidate *candidate, int layer) {
    const struct dse_layer_facts *facts = &model->layers[layer];
    if (facts->inputs <= 0 || facts->outputs <= 0)
        return NAN;
    return (double)facts->inputs * problems__counted_bits(candidate->input_bits[layer]) +
           (double)facts->weights * problems__counted_bits(candidate->weight_bits[layer]) +
           (double)facts->outputs * bits_of_output(model, candidate, layer);
}

static double cost_macs(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                        const struct dse_outcome *outcome) {
    return problems__executed(model, candidate, outcome, layer_macs);
}

static double cost_dram_energy(const struct dse_model_facts *model,
                               const struct dse_candidate *candidate,
                               const struct dse_outcome *outcome) {
    double bits = problems__executed(model, candidate, outcome, layer_traffic);
    return bits / DRAM_ACCESS_BITS * DRAM_ACCESS_PJ / PJ_PER_UJ;
}

static double cost_macs_ratio(const struct dse_model_facts *model,
                              const struct dse_candidate *candidate,
                              const struct dse_outcome *outcome) {
    double all = 0;
    for (int i = 0; i < model->n_layers; i++)
        all += (double)model->layers[i].macs;
    return all > 0 ? cost_macs(model, candidate, outcome) / all : NAN;
}

static double cost_bit_operations(const struct dse_model_facts *model,
                                  const struct dse_candidate *candidate,
                                  const struct dse_outcome *outcome) {
    return problems__executed(model, candidate, outcome, layer_bit_operations);
}

/* Mean over the images of all cells of an exit's number, weighted with what is counted of it. */
static double exit_mean(const struct dse_model_facts *model, const struct dse_outcome *outcome,
                        enum dse_exit_word word) {
    double sum = 0, seen = 0;
    if (model->n_exits < 2 || outcome->tally_size < dse_exit_tally_size(model->n_exits))
        return NAN;
    for (int cell = 0; cell < outcome->n_cells; cell++) {
        const int64_t *tally = dse_outcome_cell(outcome, cell);
        seen += (double)tally[DSE_TALLY_SEEN];
        for (int k = 0; k < model->n_exits; k++)
            sum += k * (double)tally[dse_exit_word(word, k, model->n_exits)];
    }
    return seen > 0 ? sum / seen : NAN;
}

static double cost_mean_exit(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate,
                             const struct dse_outcome *outcome) {
    (void)candidate;
    return exit_mean(model, outcome, DSE_EXIT_LEFT);
}

static double cost_prediction_depth(const struct dse_model_facts *model,
                                    const struct dse_candidate *candidate,
                                    const struct dse_outcome *outcome) {
    (void)candidate;
    return exit_mean(model, outcome, DSE_EXIT_DEPTH);
}

/* a x weight bits + b x input bits, summed over the layers. */
static double weigh_bits(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                         double a, double b) {
    double sum = 0;
    for (int i = 0; i < model->n_layers; i++)
        sum += a * problems__counted_bits(candidate->weight_bits[i]) +
               b * problems__counted_bits(candidate->input_bits[i]);
    return sum;
}

static double cost_size_bits(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate,
                             const struct dse_outcome *outcome) {
    (void)outcome;
    double sum = 0;
    for (int i = 0; i < model->n_layers; i++)
        sum += (double)model->layers[i].weights * problems__counted_bits(candidate->weight_bits[i]);
    return sum;
}

static double cost_mean_weight_bits(const struct dse_model_facts *model,
                                    const struct dse_candidate *candidate,
                                    const struct dse_outcome *outcome) {
    (void)outcome;
    double weights = 0;
    for (int i = 0; i < model->n_layers; i++)
        weights += (double)model->layers[i].weights;
    return weights > 0 ? cost_size_bits(model, candidate, outcome) / weights : NAN;
}

static double cost_mean_input_bits(const struct dse_model_facts *model,
                                   const struct dse_candidate *candidate,
                                   const struct dse_outcome *outcome) {
    (void)outcome;
    return weigh_bits(model, candidate, 0, 1) / model->n_layers;
}

static double cost_weighted_bits(const struct dse_model_facts *model,
                                 const struct dse_candidate *candidate,
                                 const struct dse_outcome *outcome) {
    (void)outcome;
    return weigh_bits(model, candidate, WEIGHT_BITS_WEIGHT, INPUT_BITS_WEIGHT);
}

static double cost_sum_bits(const struct dse_model_facts *model,
                            const struct dse_candidate *candidate,
                            const struct dse_outcome *outcome) {
    (void)outcome;
    return weigh_bits(model, candidate, 1, 1);
}

const struct problems__cost problems__costs[] = {
#define X(name, sense, unit, of_exits, help) {#name, DSE_##sense, unit, of_exits, cost_##name},
#include "problems/costs.def"
#undef X
};
const int problems__n_costs = sizeof problems__costs / sizeof problems__costs[0];
