/* Layers: what they are, and one layer computed. */
#include "evaluator/plan/plan_internal.h"

#include <math.h>
#include <string.h>

/* A convolution call takes as many images as keep its integers within this, so that they are still
 * in the second-level cache when the next loop reads them. */
enum { SCRATCH_BYTES = 128 * 1024 };
/* Largest sum of products is K x 127 x 127. */
enum { MAX_PRODUCTS = INT32_MAX / (127 * 127) };

/* ---- what the layers are ---- */

size_t plan__layer_elements(const struct plan__layer *layer) {
    const struct dse_conv_shape *shape = &layer->shape;
    return (size_t)shape->ih * (size_t)shape->iw * (size_t)shape->ic;
}

size_t plan__layer_input_size(const struct plan__layer *layer) {
    return plan__layer_elements(layer) * (layer->splits ? 2 : 1);
}

size_t plan__layer_output_size(const struct plan__layer *layer) {
    const struct dse_conv_shape *shape = &layer->shape;
    return (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->oc;
}

size_t plan__weights_per_channel(const struct dse_conv_shape *shape) {
    return (size_t)shape->kernel_h * (size_t)shape->kernel_w * (size_t)(shape->ic / shape->groups);
}

static int choose_at_once(const struct plan__layer *layer, int batch) {
    size_t per_image =
        plan__layer_input_size(layer) + plan__layer_output_size(layer) * sizeof(int32_t);
    int best = 1;
    for (int n = 1; n <= batch; n++)
        if (batch % n == 0 && (size_t)n * per_image <= SCRATCH_BYTES)
            best = n;
    return best;
}

enum dse_status plan__layers_describe(struct dse_plan *plan, struct dse_err *err) {
    for (int i = 0; i < plan->graph->n_layers; i++) {
        const struct dse_node *node = &plan->graph->nodes[plan->graph->layers[i]];
        struct plan__layer *layer = &plan->layers[i];
        layer->shape = dse_shapes_conv(plan->graph, node);
        layer->splits = dse_graph_value_signed(plan->graph, node->inputs[0]);
        layer->at_once = choose_at_once(layer, plan->batch);
        for (int type = 0; type < PLAN__TYPES; type++)
            layer->convs[type] = -1;
        if (plan->input_amax != NULL && plan__weights_per_channel(&layer->shape) > MAX_PRODUCTS)
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "layer '%s' adds %zu products for one output; integers hold at most %d",
                     node->name, plan__weights_per_channel(&layer->shape), MAX_PRODUCTS);
    }
    return DSE_OK;
}

int plan__integer_bits(const struct dse_candidate *candidate, int layer) {
    int input = candidate->input_bits[layer], weights = candidate->weight_bits[layer];
    bool integers = input != 0 && input <= DSE_BITS_OF_INTEGERS && weights != 0 &&
                    weights <= DSE_BITS_OF_INTEGERS;
    return integers ? input : 0;
}

enum dse_conv_type plan__layer_type(const struct dse_candidate *candidate, int layer) {
    return plan__integer_bits(candidate, layer) == 0 ? DSE_CONV_F32 : DSE_CONV_U8S8;
}

/* ---- one layer ---- */

/* 1 / scale; 0 where that is no number, so that everything becomes 0. */
static float invert_scale(float scale) {
    float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    return isfinite(inverse) ? inverse : 0.0f;
}

/* What integers a layer takes at some bits. */
struct grid {
    int bits, top;
    float scale, inverse;
};

static struct grid describe_grid(const struct dse_plan *plan, int layer, int bits) {
    struct grid grid = {.bits = bits, .top = dse_quantize_max(bits)};
    grid.scale = dse_quantize_scale(plan->input_amax[layer], bits);
    grid.inverse = invert_scale(grid.scale);
    return grid;
}

/* Channels of a group stay together: the halves alternate group by group. */
static void quantise_input(const struct plan__layer *layer, const float *x, int images,
                           const struct grid *grid, uint8_t *q) {
    const struct dse_conv_shape *shape = &layer->shape;
    size_t n = (size_t)images * (size_t)shape->ih * (size_t)shape->iw * (size_t)shape->ic;
    int group = shape->ic / shape->groups;
    if (layer->splits)
        dse_quantize_split_u8(x, n / (size_t)group, group, grid->inverse, grid->top, q);
    else
        dse_quantize_u8(x, n, grid->inverse, grid->top, q);
}

/* What a quantised layer does to some images of the batch, in this order. */
struct integer_run {
    const struct dse_plan *plan;
    const struct plan__task *task;
    const struct plan__layer *layer;
    bool quantises; /* else its integers are there already */
    struct grid grid;
    const struct plan__conv *conv;
    const struct plan__weights *weights;
    struct dse_conv_finish finish;           /* without addresses */
    bool wants_floats;                       /* is y written? */
    const struct dse_activation *activation; /* NULL: none; else y is written */
    int next_bits;                           /* of finish.q, the next layer's integers; or 0 */
};

/* From image `first` on. An activation comes before the integers. */
static struct dse_conv_finish finish_from(const struct integer_run *run, size_t first) {
    const struct plan__step *step = run->task->step;
    struct dse_conv_finish part = run->finish;
    if (step->add >= 0)
        part.add = plan__value_at(run->plan, step->add, first);
    if (run->wants_floats)
        part.y = plan__value_at(run->plan, step->output, first);
    if (run->next_bits != 0 && run->activation == NULL)
        part.q = plan__input_at(run->plan, step->feeds, first);
    return part;
}

/* Finished values through the activation, while they are in the cache. */
static void activate(const struct integer_run *run, size_t first, size_t n) {
    float *y = plan__value_at(run->plan, run->task->step->output, first);
    dse_activate_f32(run->activation, y, n, y);
    if (run->next_bits != 0)
        dse_quantize_u8(y, n, run->finish.inv_scale, run->finish.M,
                        plan__input_at(run->plan, run->task->step->feeds, first));
}

static enum dse_status run_images(const struct integer_run *run, size_t first, int32_t *inspected,
                                  struct dse_err *err) {
    const struct plan__layer *layer = run->layer;
    const struct plan__step *step = run->task->step;
    size_t out = plan__layer_output_size(layer);
    const struct dse_conv_finish finish = finish_from(run, first);
    uint8_t *input = plan__input_at(run->plan, step->layer, first);
    if (run->quantises)
        quantise_input(layer, plan__value_at(run->plan, step->node->inputs[0], first),
                       layer->at_once, &run->grid, input);
    const uint8_t *kept = plan__drop_integers(run->plan, run->task, input, first);
    if (inspected != NULL)
        DSE_TRY(dse_conv_run(run->conv->conv, run->weights->packed, kept, inspected + first * out,
                             err));
    DSE_TRY(dse_conv_run_finished(run->conv->conv, run->weights->packed, kept, &finish,
                                  run->plan->accumulators, err));
    if (run->activation != NULL)
        activate(run, first, out * (size_t)layer->at_once);
    return DSE_OK;
}

static struct integer_run describe_run(const struct dse_plan *plan, const struct plan__task *task) {
    const struct plan__step *step = task->step;
    const struct plan__layer *layer = &plan->layers[step->layer];
    const struct dse_candidate *candidate = task->item->candidate;
    int bits = candidate->input_bits[step->layer];
    struct integer_run run = {
        .plan = plan,
        .task = task,
        .layer = layer,
        .quantises = layer->held_bits != bits,
        .grid = describe_grid(plan, step->layer, bits),
        .conv = &plan->convs[layer->convs[DSE_CONV_U8S8]],
        .weights = &layer->weights[DSE_CONV_U8S8][candidate->weight_bits[step->layer]],
        .finish = {.scale = plan->scales, .bias = step->node->conv.bias, .relu = step->relu},
        .activation = step->activation,
        .next_bits = step->feeds < 0 ? 0 : plan__integer_bits(candidate, step->feeds),
    };
    if (run.next_bits != 0) {
        struct grid next = describe_grid(plan, step->feeds, run.next_bits);
        run.finish.inv_scale = next.inverse;
        run.finish.M = next.top;
    }
    run.wants_floats = task->wants_floats || run.next_bits == 0 || run.activation != NULL;
    return run;
}

static enum dse_status run_integers(struct dse_plan *plan, const struct plan__task *task,
                                    struct dse_err *err) {
    struct plan__layer *layer = &plan->layers[task->step->layer];
    struct integer_run run = describe_run(plan, task);
    float factor = dse_dropout_factor(plan__dropout_rate(task->item->candidate, task->step->layer));
    for (int c = 0; c < layer->shape.oc; c++)
        plan->scales[c] = run.grid.scale * run.weights->scales[c] * factor;
    int end = plan->first + plan->count;
    for (int first = plan->first; first < end; first += layer->at_once)
        DSE_TRY(run_images(&run, (size_t)first, task->accumulators, err));
    if (end == plan->batch)
        layer->held_bits = run.grid.bits;
    if (run.next_bits != 0)
        plan->layers[task->step->feeds].held_bits = run.next_bits;
    return DSE_OK;
}

/* The input of some images, `first` the first of them, on the grid of its bits. */
static const float *fake_input(const struct dse_plan *plan, const struct plan__task *task,
                               size_t first) {
    const struct plan__layer *layer = &plan->layers[task->step->layer];
    size_t in = plan__layer_elements(layer);
    const float *x = plan__value_at(plan, task->step->node->inputs[0], first);
    int bits = task->item->candidate->input_bits[task->step->layer];
    if (bits == 0)
        return x;
    struct grid grid = describe_grid(plan, task->step->layer, bits);
    dse_fake_quantize_f32(x, in * (size_t)layer->at_once, grid.inverse, grid.scale, grid.top,
                          plan->fake_input);
    return plan->fake_input;
}

static enum dse_status run_floats(struct dse_plan *plan, const struct plan__task *task,
                                  struct dse_err *err) {
    const struct plan__step *step = task->step;
    const struct plan__layer *layer = &plan->layers[step->layer];
    const struct dse_conv_shape *shape = &layer->shape;
    const struct dse_packed *packed =
        layer->weights[DSE_CONV_F32][task->item->candidate->weight_bits[step->layer]].packed;
    size_t pixels = (size_t)shape->oh * (size_t)shape->ow * (size_t)layer->at_once;
    for (int done = plan->first; done < plan->first + plan->count; done += layer->at_once) {
        size_t first = (size_t)done;
        float *result = plan__value_at(plan, step->output, first);
        const struct dse_conv_finish finish = {
            .bias = step->node->conv.bias,
            .add = step->add < 0 ? NULL : plan__value_at(plan, step->add, first),
            .relu = step->relu,
            .y = result,
        };
        DSE_TRY(dse_conv_run_finished(
            plan->convs[layer->convs[DSE_CONV_F32]].conv, packed,
            plan__drop_floats(plan, task, fake_input(plan, task, first), first), &finish, NULL,
            err));
        if (step->activation != NULL)
            dse_activate_f32(step->activation, result, pixels * (size_t)shape->oc, result);
    }
    return DSE_OK;
}

enum dse_status plan__run_layer(struct dse_plan *plan, const struct plan__task *task,
                                struct dse_err *err) {
    if (plan__layer_type(task->item->candidate, task->step->layer) == DSE_CONV_F32)
        return run_floats(plan, task, err);
    return run_integers(plan, task, err);
}
