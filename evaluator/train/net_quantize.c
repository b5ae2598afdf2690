/* Quantisation in training: a layer reads the values of integers, its input's and its weights'.
 * Gradients pass straight through what was rounded and stop at what was clipped (Bengio et al.,
 * "Estimating or propagating gradients through stochastic neurons", 2013; Jacob et al., CVPR 2018).
 * Weights are never clipped: their scale is made of the largest. */
#include <math.h>
#include <string.h>

#include "evaluator/train/net_internal.h"

static bool is_of_batch_norm(const struct train__unit *unit) {
    return unit->partner >= 0;
}

/* Place of the unit's layer in graph->layers. */
static int find_layer(const struct dse_graph *graph, const struct dse_node *node) {
    for (int l = 0; l < graph->n_layers; l++)
        if (&graph->nodes[graph->layers[l]] == node)
            return l;
    dse_assert(false);
    return 0;
}

static bool bits_are_possible(int bits) {
    return bits == 0 || (bits >= DSE_BITS_LEAST && bits <= DSE_BITS_MOST);
}

enum dse_status train__quantise_units(struct dse_net *net, struct dse_err *err) {
    const struct dse_net_quantization *q = net->setup.quantization;
    if (q == NULL)
        return DSE_OK;
    for (int u = 0; u < net->n_units; u++) {
        struct train__unit *unit = &net->units[u];
        if (unit->layer < 0)
            continue;
        int layer = find_layer(net->graph, unit->node);
        if (!bits_are_possible(q->input_bits[layer]) || !bits_are_possible(q->weight_bits[layer]))
            DSE_FAIL(err, DSE_INVALID, "layer '%s': %d and %d bits are not possible",
                     unit->node->name, q->input_bits[layer], q->weight_bits[layer]);
        if (q->weight_scales == DSE_SCALE_A_TENSOR && is_of_batch_norm(unit))
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "layer '%s' has a batch norm, which gives each channel a scale of its own; "
                     "one scale for the whole tensor cannot be trained",
                     unit->node->name);
        unit->weight_bits = q->weight_bits[layer];
        if (q->input_bits[layer] == 0)
            continue;
        unit->top = dse_quantize_max(q->input_bits[layer]);
        unit->scale = dse_quantize_scale(q->input_amax[layer], q->input_bits[layer]);
        unit->inverse = unit->scale > 0 ? 1 / unit->scale : 0;
    }
    net->quantised = dse_alloc_aligned(net->n_parameters, sizeof *net->quantised);
    if (net->quantised == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu parameters", net->n_parameters);
    return DSE_OK;
}

void train__quantise_weights(struct dse_net *net) {
    for (int u = 0; net->quantised != NULL && u < net->n_units; u++) {
        const struct train__unit *unit = &net->units[u];
        const float *values = net->values + unit->parameters;
        float *to = net->quantised + unit->parameters;
        if (unit->layer < 0)
            continue;
        size_t oc = (size_t)train__shape(net, unit->node->output).c;
        const struct dse_layer_weights weights = {.values = values,
                                                  .oc = oc,
                                                  .per_channel = unit->n_weights / oc,
                                                  .share = net->setup.quantization->weight_scales};
        if (unit->weight_bits == 0)
            memcpy(to, values, unit->n_weights * sizeof *to);
        else
            dse_fake_quantize_weights(&weights, unit->weight_bits, to);
    }
}

const float *train__weights(const struct dse_net *net, const struct train__unit *unit) {
    return (net->quantised != NULL ? net->quantised : net->values) + unit->parameters;
}

void train__quantise_input(const struct train__unit *unit, const float *x, size_t n, float *y) {
    dse_fake_quantize_f32(x, n, unit->inverse, unit->scale, unit->top, y);
}

void train__stop_clipped(const struct train__unit *unit, const float *x, size_t n,
                         float *gradient) {
    float most = (float)unit->top;
    for (size_t i = 0; i < n; i++)
        gradient[i] = fabsf(x[i] * unit->inverse) <= most ? gradient[i] : 0.0f;
}
