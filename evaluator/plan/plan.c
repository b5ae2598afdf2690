/* Buffers, and the run. */
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

enum { MASK_WORD_BITS = 64 };

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
    size_t accumulators, scales, fake_input, masked, keep;
};

static void reserve_places(const struct dse_plan *plan, struct layout *layout,
                           struct places *places) {
    const struct dse_graph *graph = plan->graph;
    size_t batch = (size_t)plan->batch, accumulators, channels, inputs;
    places->values[graph->input] =
        reserve(layout, dse_shape_size(graph->values[graph->input].shape) * batch, sizeof(float));
    for (int i = 0; i < plan->n_steps; i++) {
        int value = plan->steps[i].output;
        if (plan__shared_input(plan->steps[i].node) >= 0)
            continue;
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
    places->masked = reserve(layout, inputs, sizeof(float));
    places->keep = reserve(layout, inputs / MASK_WORD_BITS + 1, sizeof *plan->keep);
}

static void set_addresses(struct dse_plan *plan, const struct places *places) {
    const struct dse_graph *graph = plan->graph;
    plan->values[graph->input] = address(plan, places->values[graph->input]);
    for (int i = 0; i < plan->n_steps; i++)
        plan->values[plan->steps[i].output] = address(plan, places->values[plan->steps[i].output]);
    for (int i = 0; i < graph->n_nodes; i++) {
        int shared = plan__shared_input(&graph->nodes[i]);
        if (shared >= 0)
            plan->values[graph->nodes[i].output] = plan->values[graph->nodes[i].inputs[shared]];
    }
    for (int i = 0; i < graph->n_layers && plan->input_amax != NULL; i++)
        plan->layers[i].input = (uint8_t *)address(plan, places->inputs[i]);
    plan->accumulators = (int32_t *)(void *)address(plan, places->accumulators);
    plan->scales = address(plan, places->scales);
    plan->fake_input = address(plan, places->fake_input);
    plan->masked = address(plan, places->masked);
    plan->keep = (uint64_t *)(void *)address(plan, places->keep);
}

/* One block for everything that a run touches. */
static enum dse_status new_buffers(struct dse_plan *plan, struct dse_err *err) {
    struct layout layout = {0};
    size_t n_values = (size_t)plan->graph->n_values, n_layers = (size_t)plan->graph->n_layers;
    size_t *offsets = dse_alloc(n_values + n_layers, sizeof *offsets);
    plan->values = dse_alloc(n_values, sizeof *plan->values);
    plan->folded = dse_alloc(n_values, sizeof *plan->folded);
    if (offsets == NULL || plan->values == NULL || plan->folded == NULL) {
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
    made->weights_bytes_most =
        options->weights_bytes_most != 0 ? options->weights_bytes_most : DSE_PLAN_WEIGHTS_BYTES;
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
    dse_free(plan->depends);
    dse_free(plan->changed);
    dse_free(plan->queue.items);
    dse_free(plan->input_amax);
    dse_free(plan->values);
    dse_free(plan->folded);
    dse_free(plan->block);
    dse_free(plan->inspected_input);
    dse_free(plan->inspected_accumulators);
    dse_free(plan);
}

size_t dse_plan_weights_bytes(const struct dse_plan *plan) {
    return plan->weights_bytes;
}

int dse_plan_classes(const struct dse_plan *plan) {
    return (int)dse_shape_size(plan->graph->values[plan->graph->output].shape);
}

/* ---- running ---- */

/* Integers made of what is about to be computed again count no longer. */
static void drop_inputs(struct dse_plan *plan) {
    for (int i = 0; i < plan->graph->n_layers; i++)
        if (plan->layers[i].source >= 0 && plan->changed[plan->layers[i].source])
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
    for (int i = 0; i < plan->graph->n_layers; i++)
        plan->layers[i].held_bits = 0;
}

static enum dse_status run_step(struct dse_plan *plan, int place, int index, struct dse_err *err) {
    const struct plan__step *step = &plan->steps[index];
    if (step->layer < 0) {
        plan__run_move(plan, step);
        return DSE_OK;
    }
    const struct plan__task task = {
        .step = step,
        .item = plan__queue_at(plan, place),
        .wants_floats = plan__queue_wants_floats(plan, place, index),
    };
    return plan__run_layer(plan, &task, err);
}

float *plan__value_at(const struct dse_plan *plan, int value, size_t image) {
    size_t place = plan->folded[value] ? image - (size_t)plan->first : image;
    return plan->values[value] + place * dse_shape_size(plan->graph->values[value].shape);
}

uint8_t *plan__input_at(const struct dse_plan *plan, int layer, size_t image) {
    const struct plan__layer *of = &plan->layers[layer];
    bool folded = of->source >= 0 && plan->folded[plan->steps[of->source].output];
    return of->input + (folded ? image - (size_t)plan->first : image) * plan__layer_input_size(of);
}

/* Images that a step computes at a time; 0: any number. */
static int images_at_once(const struct dse_plan *plan, int step) {
    int layer = plan->steps[step].layer;
    return layer < 0 || !plan->changed[step] ? 0 : plan->layers[layer].at_once;
}

/* The end of the steps from `from` on that take as many images at a time. */
static int end_of_group(const struct dse_plan *plan, int from, int *count) {
    int end = from, found = 0;
    for (; end < plan->n_steps; end++) {
        int now = images_at_once(plan, end);
        if (found != 0 && now != 0 && now != found)
            break;
        found = now != 0 ? now : found;
    }
    *count = found != 0 ? found : plan->batch;
    return end;
}

/* Results that are read inside of the group only; calibration wants them all. */
static void fold_values(struct dse_plan *plan, int place, int from, int end) {
    for (int s = from; s < end; s++)
        if (plan->changed[s])
            plan->folded[plan->steps[s].output] = plan->input_amax != NULL &&
                                                  plan->steps[s].last_reader < end &&
                                                  !plan__queue_shares_on(plan, place, s);
}

/* A few images go through steps of the same size one after the other, so that each finds what the
 * one before wrote in a near cache. */
static enum dse_status run_item(struct dse_plan *plan, int place, struct dse_plan_stats *sums,
                                struct dse_err *err) {
    plan__queue_mark_changes(plan, place);
    drop_inputs(plan);
    for (int from = 0, end; from < plan->n_steps; from = end) {
        end = end_of_group(plan, from, &plan->count);
        fold_values(plan, place, from, end);
        for (plan->first = 0; plan->first < plan->batch; plan->first += plan->count)
            for (int s = from; s < end; s++)
                if (plan->changed[s])
                    DSE_TRY(run_step(plan, place, s, err));
    }
    for (int s = 0; s < plan->n_steps; s++)
        sums->layers_run += plan->changed[s] && plan->steps[s].layer >= 0;
    sums->layers_asked += plan->graph->n_layers;
    return DSE_OK;
}

void dse_plan_set_masks(struct dse_plan *plan, uint64_t seed, uint32_t first_image) {
    plan->mask_seed = seed;
    plan->first_image = first_image;
}

enum dse_status dse_plan_run(struct dse_plan *plan, const struct dse_candidate *candidates, int n,
                             const int *order, const float *images, int n_images, float *logits,
                             struct dse_plan_stats *stats, struct dse_err *err) {
    int n_outputs = plan->graph->n_outputs;
    size_t result = (size_t)n_images * (size_t)dse_plan_classes(plan);
    struct dse_plan_stats sums = {0};
    DSE_TRY(plan__queue_fill(plan, candidates, n, order, err));
    set_images(plan, images, n_images);
    for (int i = 0; i < plan->queue.n; i++) {
        DSE_TRY(run_item(plan, i, &sums, err));
        float *to = logits + (size_t)order[i] * (size_t)n_outputs * result;
        for (int k = 0; k < n_outputs; k++)
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
    const int order = 0;
    const struct plan__item first_pass = {candidate, 0};
    plan->uses++;
    DSE_TRY(plan__prepare_candidate(plan, candidate, err));
    if (plan__integer_bits(candidate, layer) == 0)
        DSE_FAIL(err, DSE_INVALID, "layer %d is in float32: it has no integers", layer + 1);
    DSE_TRY(new_inspection(plan, in * (size_t)plan->batch, out * (size_t)plan->batch, err));
    set_images(plan, images, n_images);
    DSE_TRY(plan__queue_fill(plan, candidate, 1, &order, err));
    plan->queue.n = 1;
    plan->first = 0;
    plan->count = plan->batch;
    memset(plan->folded, 0, (size_t)plan->graph->n_values * sizeof *plan->folded);
    for (int s = 0; s < of->step; s++)
        DSE_TRY(run_step(plan, 0, s, err));
    const struct plan__task task = {
        .step = &plan->steps[of->step],
        .item = &first_pass,
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
