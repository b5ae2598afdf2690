/* Buffers, candidates in order, and only what differs. */
#include "evaluator/plan/plan_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- buffers ---- */

/* Hands out aligned parts of a block that does not exist yet: first sizes, then addresses. */
struct layout {
    size_t used_bytes;
    bool overflows;
};

static size_t reserve(struct layout *layout, size_t count, size_t size) {
    enum { ALIGNMENT = 64 };
    size_t at = layout->used_bytes, bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4 ||
        __builtin_add_overflow(at, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT,
                               &layout->used_bytes))
        layout->overflows = true;
    return at;
}

/* Largest scratch that a layer needs, in elements. */
static void measure_scratch(const struct dse_plan *plan, size_t *accumulators, size_t *channels,
                            size_t *inputs) {
    *accumulators = *channels = *inputs = 0;
    for (int i = 0; i < plan->graph->n_layers; i++) {
        const struct plan__layer *layer = &plan->layers[i];
        size_t out = plan__layer_output_size(layer) * (size_t)layer->at_once;
        size_t oc = (size_t)layer->shape.oc;
        *accumulators = out > *accumulators ? out : *accumulators;
        *channels = oc > *channels ? oc : *channels;
        size_t in = plan__layer_input_size(layer) * (size_t)layer->at_once;
        *inputs = in > *inputs ? in : *inputs;
    }
}

static float *address(struct dse_plan *plan, size_t offset) {
    return (float *)(void *)((char *)plan->block + offset);
}

/* Where everything that a run touches begins in the block. */
struct places {
    size_t *values; /* by value; those of steps and the images */
    size_t *inputs; /* by layer */
    size_t accumulators, scales, fake_input;
};

static void reserve_places(const struct dse_plan *plan, struct layout *layout,
                           struct places *places) {
    const struct dse_graph *graph = plan->graph;
    size_t batch = (size_t)plan->batch, accumulators, channels, inputs;
    places->values[graph->input] =
        reserve(layout, dse_shape_size(graph->values[graph->input].shape) * batch, sizeof(float));
    for (int i = 0; i < plan->n_steps; i++) {
        int value = plan->steps[i].output;
        places->values[value] =
            reserve(layout, dse_shape_size(graph->values[value].shape) * batch, sizeof(float));
    }
    for (int i = 0; i < graph->n_layers && plan->input_amax != NULL; i++)
        places->inputs[i] =
            reserve(layout, plan__layer_input_size(&plan->layers[i]) * batch, sizeof(uint8_t));
    measure_scratch(plan, &accumulators, &channels, &inputs);
    places->accumulators = reserve(layout, accumulators, sizeof *plan->accumulators);
    places->scales = reserve(layout, channels, sizeof *plan->scales);
    places->fake_input =
        reserve(layout, plan->input_amax == NULL ? 0 : inputs, sizeof *plan->fake_input);
}

static void set_addresses(struct dse_plan *plan, const struct places *places) {
    const struct dse_graph *graph = plan->graph;
    plan->values[graph->input] = address(plan, places->values[graph->input]);
    for (int i = 0; i < plan->n_steps; i++)
        plan->values[plan->steps[i].output] = address(plan, places->values[plan->steps[i].output]);
    for (int i = 0; i < graph->n_nodes; i++) /* a flatten moves nothing */
        if (graph->nodes[i].op == DSE_OP_FLATTEN)
            plan->values[graph->nodes[i].output] = plan->values[graph->nodes[i].inputs[0]];
    for (int i = 0; i < graph->n_layers && plan->input_amax != NULL; i++)
        plan->layers[i].input = (uint8_t *)address(plan, places->inputs[i]);
    plan->accumulators = (int32_t *)(void *)address(plan, places->accumulators);
    plan->scales = address(plan, places->scales);
    plan->fake_input = address(plan, places->fake_input);
}

/* One block for everything that a run touches. */
static enum dse_status new_buffers(struct dse_plan *plan, struct dse_err *err) {
    struct layout layout = {0};
    size_t n_values = (size_t)plan->graph->n_values, n_layers = (size_t)plan->graph->n_layers;
    size_t *offsets = dse_alloc(n_values + n_layers, sizeof *offsets);
    plan->values = dse_alloc(n_values, sizeof *plan->values);
    if (offsets == NULL || plan->values == NULL) {
        dse_free(offsets);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu values", n_values);
    }
    struct places places = {.values = offsets, .inputs = offsets + n_values};
    reserve_places(plan, &layout, &places);
    plan->block = layout.overflows ? NULL : dse_alloc_aligned(layout.used_bytes, 1);
    if (plan->block != NULL)
        set_addresses(plan, &places);
    dse_free(offsets);
    if (plan->block == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the values of %d images (%zu bytes)",
                 plan->batch, layout.used_bytes);
    return DSE_OK;
}

/* ---- creation ---- */

static enum dse_status build_plan(struct dse_plan *plan, const double *input_amax,
                                  struct dse_err *err) {
    size_t n_layers = (size_t)plan->graph->n_layers;
    plan->layers = dse_alloc(n_layers, sizeof *plan->layers);
    plan->layer_order = dse_alloc(n_layers, sizeof *plan->layer_order);
    plan->convs = dse_alloc(PLAN__TYPES * n_layers, sizeof *plan->convs);
    if (input_amax != NULL)
        plan->input_amax = dse_alloc(n_layers, sizeof *plan->input_amax);
    if (plan->layers == NULL || plan->layer_order == NULL || plan->convs == NULL ||
        (input_amax != NULL && plan->input_amax == NULL))
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu layers", n_layers);
    for (size_t i = 0; input_amax != NULL && i < n_layers; i++) {
        if (!(input_amax[i] >= 0 && input_amax[i] <= 3.4e38))
            DSE_FAIL(err, DSE_INVALID, "largest input of layer %zu is not a number", i + 1);
        plan->input_amax[i] = input_amax[i];
    }
    for (int i = 0; i < plan->graph->n_outputs; i++) {
        const struct dse_value *output = &plan->graph->values[plan->graph->outputs[i]];
        if (dse_shape_size(output->shape) != (size_t)dse_plan_classes(plan))
            DSE_FAIL(err, DSE_UNSUPPORTED, "output '%s' has %zu numbers, output '%s' %d",
                     output->name, dse_shape_size(output->shape),
                     plan->graph->values[plan->graph->output].name, dse_plan_classes(plan));
    }
    DSE_TRY(plan__layers_describe(plan, err));
    DSE_TRY(plan__compile(plan, err));
    return new_buffers(plan, err);
}

enum dse_status dse_plan_new(const struct dse_graph *graph, struct dse_kernels *kernels,
                             const struct dse_plan_options *options, struct dse_plan **plan,
                             struct dse_err *err) {
    dse_assert(options->batch > 0);
    struct dse_plan *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a plan");
    made->graph = graph;
    made->kernels = kernels;
    made->batch = options->batch;
    made->weight_scales = options->weight_scales;
    enum dse_status status = build_plan(made, options->input_amax, err);
    if (status != DSE_OK) {
        dse_plan_free(made);
        return status;
    }
    *plan = made;
    return DSE_OK;
}

void dse_plan_free(struct dse_plan *plan) {
    if (plan == NULL)
        return;
    plan__layers_fini(plan);
    dse_free(plan->convs);
    dse_free(plan->layers);
    dse_free(plan->layer_order);
    dse_free(plan->steps);
    dse_free(plan->input_amax);
    dse_free(plan->values);
    dse_free(plan->block);
    dse_free(plan->inspected_input);
    dse_free(plan->inspected_accumulators);
    dse_free(plan);
}

int dse_plan_classes(const struct dse_plan *plan) {
    return (int)dse_shape_size(plan->graph->values[plan->graph->output].shape);
}

/* ---- candidates ---- */

static bool bits_fit(int bits) {
    return bits == 0 || (bits >= DSE_BITS_LEAST && bits <= DSE_BITS_MOST);
}

static enum dse_status check_candidate(const struct dse_plan *plan,
                                       const struct dse_candidate *candidate, struct dse_err *err) {
    if (candidate->n_layers != plan->graph->n_layers)
        DSE_FAIL(err, DSE_INVALID, "a candidate of %d layers for a network of %d",
                 candidate->n_layers, plan->graph->n_layers);
    for (int i = 0; i < candidate->n_layers; i++) {
        int input_bits = candidate->input_bits[i], weight_bits = candidate->weight_bits[i];
        if (!bits_fit(input_bits) || !bits_fit(weight_bits))
            DSE_FAIL(err, DSE_INVALID,
                     "layer %d: %d input bits, %d weight bits; both must be %d to %d, or 0", i + 1,
                     input_bits, weight_bits, DSE_BITS_LEAST, DSE_BITS_MOST);
        if (input_bits != 0 && plan->input_amax == NULL)
            DSE_FAIL(err, DSE_INVALID, "a quantised candidate needs calibration");
    }
    return DSE_OK;
}

static enum dse_status prepare_candidate(struct dse_plan *plan,
                                         const struct dse_candidate *candidate,
                                         struct dse_err *err) {
    DSE_TRY(check_candidate(plan, candidate, err));
    for (int i = 0; i < candidate->n_layers; i++)
        DSE_TRY(plan__layer_prepare(plan, candidate, i, err));
    return DSE_OK;
}

static bool same_settings(const struct dse_candidate *a, const struct dse_candidate *b, int layer) {
    return a->input_bits[layer] == b->input_bits[layer] &&
           a->weight_bits[layer] == b->weight_bits[layer];
}

/* The first step whose result differs from that of the candidate before; n_steps: none. */
static int first_difference(const struct dse_plan *plan, const struct dse_candidate *before,
                            const struct dse_candidate *now) {
    if (before == NULL)
        return 0;
    for (int i = 0; i < plan->graph->n_layers; i++)
        if (!same_settings(before, now, plan->layer_order[i]))
            return plan->layers[plan->layer_order[i]].step;
    return plan->n_steps;
}

struct ordering {
    const struct dse_plan *plan;
    const struct dse_candidate *candidates;
};

static int compare_candidates(const void *a, const void *b, void *context) {
    const struct ordering *ordering = context;
    int left = *(const int *)a, right = *(const int *)b;
    const struct dse_candidate *x = &ordering->candidates[left];
    const struct dse_candidate *y = &ordering->candidates[right];
    for (int i = 0; i < ordering->plan->graph->n_layers; i++) {
        int layer = ordering->plan->layer_order[i];
        if (x->input_bits[layer] != y->input_bits[layer])
            return x->input_bits[layer] < y->input_bits[layer] ? -1 : 1;
        if (x->weight_bits[layer] != y->weight_bits[layer])
            return x->weight_bits[layer] < y->weight_bits[layer] ? -1 : 1;
    }
    return (left > right) - (left < right);
}

enum dse_status dse_plan_order(const struct dse_plan *plan, const struct dse_candidate *candidates,
                               int n, int *order, struct dse_err *err) {
    for (int i = 0; i < n; i++)
        DSE_TRY(check_candidate(plan, &candidates[i], err));
    for (int i = 0; i < n; i++)
        order[i] = i;
    struct ordering ordering = {plan, candidates};
    if (n > 1)
        qsort_r(order, (size_t)n, sizeof *order, compare_candidates, &ordering);
    return DSE_OK;
}

/* ---- running ---- */

/* Integers made of what is about to be computed again count no longer. ALL_STEPS: of the images
 * too. */
enum { ALL_STEPS = -1 };

static void drop_inputs(struct dse_plan *plan, int first_step) {
    for (int i = 0; i < plan->graph->n_layers; i++)
        if (plan->layers[i].source >= first_step)
            plan->layers[i].held_bits = 0;
}

/* Images that are not there are zeros: they cost time and change nothing. */
static void set_images(struct dse_plan *plan, const float *images, int n_images) {
    dse_assert(n_images >= 0 && n_images <= plan->batch);
    size_t size = dse_shape_size(plan->graph->values[plan->graph->input].shape);
    float *to = plan->values[plan->graph->input];
    if (n_images > 0)
        memcpy(to, images, (size_t)n_images * size * sizeof *to);
    memset(to + (size_t)n_images * size, 0, (size_t)(plan->batch - n_images) * size * sizeof *to);
    drop_inputs(plan, ALL_STEPS);
}

/* Candidates that are run over the same images, in this order. */
struct queue {
    const struct dse_candidate *candidates;
    const int *order;
    int n;
};

static bool same_up_to_step(const struct dse_plan *plan, const struct dse_candidate *a,
                            const struct dse_candidate *b, int step) {
    for (int i = 0; i < plan->graph->n_layers; i++) {
        int layer = plan->layer_order[i];
        if (plan->layers[layer].step > step)
            break;
        if (!same_settings(a, b, layer))
            return false;
    }
    return true;
}

/* Must the float32 result of a step be written? Where one layer alone reads it, and as integers
 * that this candidate (at place `now`) makes on the way, it is read only by a later candidate that
 * shares the step and takes other integers of it. */
static bool wants_floats(const struct dse_plan *plan, const struct queue *queue, int now,
                         int index) {
    const struct plan__step *step = &plan->steps[index];
    const struct dse_candidate *candidate = &queue->candidates[queue->order[now]];
    if (step->read || step->feeds < 0)
        return true;
    int bits = plan__integer_bits(candidate, step->feeds);
    for (int i = now + 1; i < queue->n; i++) {
        const struct dse_candidate *later = &queue->candidates[queue->order[i]];
        if (!same_up_to_step(plan, candidate, later, index))
            break;
        if (plan__integer_bits(later, step->feeds) != bits)
            return true;
    }
    return bits == 0;
}

static enum dse_status run_step(struct dse_plan *plan, const struct queue *queue, int now,
                                int index, struct dse_err *err) {
    const struct plan__step *step = &plan->steps[index];
    if (step->layer < 0) {
        plan__run_move(plan, step);
        return DSE_OK;
    }
    const struct plan__task task = {
        .step = step,
        .candidate = &queue->candidates[queue->order[now]],
        .wants_floats = wants_floats(plan, queue, now, index),
    };
    return plan__run_layer(plan, &task, err);
}

enum dse_status dse_plan_run(struct dse_plan *plan, const struct dse_candidate *candidates, int n,
                             const int *order, const float *images, int n_images, float *logits,
                             struct dse_plan_stats *stats, struct dse_err *err) {
    const struct queue queue = {candidates, order, n};
    size_t result = (size_t)n_images * (size_t)dse_plan_classes(plan);
    struct dse_plan_stats sums = {0};
    for (int i = 0; i < n; i++)
        DSE_TRY(prepare_candidate(plan, &candidates[order[i]], err));
    set_images(plan, images, n_images);
    for (int i = 0; i < n; i++) {
        const struct dse_candidate *now = &candidates[order[i]];
        int first = first_difference(plan, i == 0 ? NULL : &candidates[order[i - 1]], now);
        drop_inputs(plan, first);
        for (int s = first; s < plan->n_steps; s++) {
            DSE_TRY(run_step(plan, &queue, i, s, err));
            sums.layers_run += plan->steps[s].layer >= 0;
        }
        sums.layers_asked += plan->graph->n_layers;
        float *to = logits + (size_t)order[i] * (size_t)plan->graph->n_outputs * result;
        for (int k = 0; k < plan->graph->n_outputs; k++)
            memcpy(to + (size_t)k * result, plan->values[plan->graph->outputs[k]],
                   result * sizeof *to);
    }
    if (stats != NULL) {
        stats->layers_run += sums.layers_run;
        stats->layers_asked += sums.layers_asked;
    }
    return DSE_OK;
}

/* ---- inspection ---- */

/* Room for the integers of a whole batch of the layer, in place of what was inspected before. */
static enum dse_status new_inspection(struct dse_plan *plan, size_t input, size_t accumulators,
                                      struct dse_err *err) {
    uint8_t *new_input = dse_alloc_aligned(input, 1);
    int32_t *new_accumulators = dse_alloc_aligned(accumulators, sizeof *new_accumulators);
    if (new_input == NULL || new_accumulators == NULL) {
        dse_free(new_input);
        dse_free(new_accumulators);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the integers of a layer");
    }
    dse_free(plan->inspected_input);
    dse_free(plan->inspected_accumulators);
    plan->inspected_input = new_input;
    plan->inspected_accumulators = new_accumulators;
    return DSE_OK;
}

enum dse_status dse_plan_inspect_layer(struct dse_plan *plan, const struct dse_candidate *candidate,
                                       const float *images, int n_images, int layer,
                                       const uint8_t **input, size_t *n_input,
                                       const int32_t **accumulators, size_t *n_accumulators,
                                       struct dse_err *err) {
    dse_assert(layer >= 0 && layer < plan->graph->n_layers);
    const struct plan__layer *of = &plan->layers[layer];
    size_t in = plan__layer_input_size(of), out = plan__layer_output_size(of);
    DSE_TRY(prepare_candidate(plan, candidate, err));
    if (plan__integer_bits(candidate, layer) == 0)
        DSE_FAIL(err, DSE_INVALID, "layer %d is in float32: it has no integers", layer + 1);
    DSE_TRY(new_inspection(plan, in * (size_t)plan->batch, out * (size_t)plan->batch, err));
    set_images(plan, images, n_images);
    const int order = 0;
    const struct queue queue = {candidate, &order, 1};
    for (int s = 0; s < of->step; s++)
        DSE_TRY(run_step(plan, &queue, 0, s, err));
    const struct plan__task task = {
        .step = &plan->steps[of->step],
        .candidate = candidate,
        .accumulators = plan->inspected_accumulators,
    };
    DSE_TRY(plan__run_layer(plan, &task, err));
    memcpy(plan->inspected_input, of->input, in * (size_t)plan->batch);
    if (input != NULL)
        *input = plan->inspected_input;
    if (n_input != NULL)
        *n_input = in * (size_t)n_images;
    if (accumulators != NULL)
        *accumulators = plan->inspected_accumulators;
    if (n_accumulators != NULL)
        *n_accumulators = out * (size_t)n_images;
    return DSE_OK;
}
