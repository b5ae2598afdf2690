/* Convolutions and dense layers, a few images at a time so that their maps stay in the cache. In
 * front of a batch norm a layer also takes the sums that the norm needs, and on the way back the
 * norm's gradient is made right where it is used. */
#include <string.h>

#include "evaluator/train/net_internal.h"

enum { CHUNK_BYTES = 512 * 1024 };

int train__conv_at_once(const struct dse_net *net, const struct train__unit *unit) {
    size_t bytes = (train__size(net, unit->input) + train__size(net, unit->output)) * sizeof(float);
    int at_once = net->slots;
    while (at_once > 1 && ((size_t)at_once * bytes > CHUNK_BYTES || net->slots % at_once != 0))
        at_once--;
    return at_once;
}

enum dse_status train__conv_new(struct dse_net *net, const struct train__unit *unit,
                                struct dse_conv_grad **conv, struct dse_err *err) {
    struct dse_conv_shape shape = dse_shapes_conv(net->graph, unit->node);
    return dse_conv_grad_new(net->setup.kernels, &shape, unit->at_once, conv, err);
}

static struct dse_conv_grad *conv_of(const struct train__job *job) {
    return job->seat->convs[job->unit - job->net->units];
}

void train__conv_load(const struct train__job *job) {
    struct train__seat *seat = job->seat;
    train__note(seat,
                dse_conv_grad_load(conv_of(job), train__weights(job->net, job->unit), &seat->err),
                "weights");
}

/* Dropout on the layer's input, inverted; the mask depends on seed, epoch, image and layer. */
static void drop(const struct train__job *job, int image, float *x) {
    const struct dse_net *net = job->net;
    const struct dse_net_batch *batch = net->batch;
    float rate = job->unit->node->conv.rate, factor = 1.0f / (1.0f - rate);
    uint32_t limit = (uint32_t)((double)rate * 4294967296.0), out[4];
    uint32_t id = batch->ids[job->seat->first + image];
    const uint32_t key[2] = {(uint32_t)net->setup.seed, (uint32_t)(net->setup.seed >> 32)};
    uint32_t purpose = DSE_RNG_TRAIN_DROPOUT + ((uint32_t)job->unit->layer << 8);
    size_t n = train__size(net, job->unit->input);
    for (size_t i = 0; i < n; i += 4) {
        const uint32_t counter[4] = {(uint32_t)(i / 4), purpose, id, batch->epoch};
        dse_philox4x32(key, counter, out);
        for (size_t k = 0; k < 4 && i + k < n; k++)
            x[i + k] = out[k] < limit ? 0.0f : x[i + k] * factor;
    }
}

static bool drops(const struct train__job *job) {
    return job->net->learns && job->unit->node->conv.drops && job->unit->node->conv.rate > 0.0f;
}

/* Images of a call that are not only room. */
static int images_of_chunk(const struct train__job *job, int first) {
    int left = job->seat->n - first;
    return left < job->unit->at_once ? left : job->unit->at_once;
}

/* The value that the layer stands behind: where it is kept, or in the scratch, the result of the
 * norm before it. */
static const float *value_of_chunk(const struct train__job *job, int first) {
    size_t size = train__size(job->net, job->unit->input);
    if (job->unit->made_by < 0)
        return job->seat->values[job->unit->input] + (size_t)first * size;
    struct train__job norm = *job;
    norm.unit = &job->net->units[job->unit->made_by];
    train__norm_make(&norm, first, images_of_chunk(job, first), job->seat->chunk[0]);
    return job->seat->chunk[0];
}

/* What the layer reads: that value, or in the scratch: on the grid of its integers, a part set to
 * zero by dropout. */
static const float *input_of_chunk(const struct train__job *job, int first) {
    size_t size = train__size(job->net, job->unit->input);
    const float *value = value_of_chunk(job, first);
    float *copy = job->seat->chunk[0];
    size_t n = (size_t)job->unit->at_once * size;
    if (job->unit->top > 0)
        train__quantise_input(job->unit, value, n, copy);
    else if (drops(job) && value != copy)
        memcpy(copy, value, n * sizeof *copy);
    else if (!drops(job))
        return value;
    for (int i = 0; drops(job) && i < images_of_chunk(job, first); i++)
        drop(job, first + i, copy + (size_t)i * size);
    return copy;
}

/* Sums for the batch norm behind; else the bias. */
static void finish_chunk(const struct train__job *job, int images, float *y) {
    const struct dse_net *net = job->net;
    const struct train__unit *unit = job->unit;
    struct dse_shape out = train__shape(net, unit->output);
    size_t pixels = (size_t)images * (size_t)out.h * (size_t)out.w;
    if (unit->has_bias)
        dse_finish_f32(y, pixels, out.c, net->values + unit->parameters + unit->n_weights, NULL,
                       false, y);
    if (unit->partner < 0 || !net->learns)
        return;
    const struct train__unit *norm = &net->units[unit->partner];
    double *sums = job->seat->sums + norm->sums;
    dse_train_moments(y, pixels, out.c, net->running + norm->running, sums, sums + out.c);
}

void train__conv_forward(const struct train__job *job) {
    struct train__seat *seat = job->seat;
    size_t out = train__size(job->net, job->unit->output);
    for (int first = 0; first < seat->n; first += job->unit->at_once) {
        float *y = seat->values[job->unit->output] + (size_t)first * out;
        train__note(seat,
                    dse_conv_grad_forward(conv_of(job), input_of_chunk(job, first), y, &seat->err),
                    "forward");
        finish_chunk(job, images_of_chunk(job, first), y);
    }
}

/* Gradient of the layer's result, with zeros where there is only room. */
static const float *result_of_chunk(const struct train__job *job, int first) {
    const struct train__unit *unit = job->unit;
    size_t size = train__size(job->net, unit->output);
    if (unit->partner < 0)
        return job->seat->grads[unit->output] + (size_t)first * size;
    struct train__job norm = *job;
    norm.unit = &job->net->units[unit->partner];
    int images = images_of_chunk(job, first);
    float *dx = job->seat->chunk[1];
    train__norm_input(&norm, first, images, dx);
    memset(dx + (size_t)images * size, 0, (size_t)(unit->at_once - images) * size * sizeof *dx);
    return dx;
}

/* Gradient of the input of a chunk: straight into its place, or added to what is there. */
static void give_input(const struct train__job *job, int first, const float *diff, bool adds) {
    struct train__seat *seat = job->seat;
    size_t size = train__size(job->net, job->unit->input);
    float *place = seat->grads[job->unit->input] + (size_t)first * size;
    bool straight = !adds;
    float *to = straight ? place : seat->chunk[0];
    train__note(seat, dse_conv_grad_input(conv_of(job), diff, to, &seat->err), "backward");
    for (int i = 0; drops(job) && i < images_of_chunk(job, first); i++)
        drop(job, first + i, to + (size_t)i * size);
    if (job->unit->top > 0) /* a norm's result is made in the scratch, which is free then */
        train__stop_clipped(job->unit, value_of_chunk(job, first),
                            (size_t)images_of_chunk(job, first) * size, to);
    if (!straight)
        dse_train_add_to(place, to, (size_t)job->unit->at_once * size);
}

void train__conv_backward(const struct train__job *job) {
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    struct dse_shape out = train__shape(job->net, unit->output);
    bool adds = seat->has_grad[unit->input];
    for (int first = 0; first < seat->n; first += unit->at_once) {
        const float *diff = result_of_chunk(job, first);
        if (unit->has_bias)
            dse_train_channel_sums(diff, (size_t)unit->at_once * (size_t)out.h * (size_t)out.w,
                                   out.c, seat->sums + unit->sums);
        train__note(
            seat, dse_conv_grad_weights(conv_of(job), input_of_chunk(job, first), diff, &seat->err),
            "backward");
        if (unit->wants_input)
            give_input(job, first, diff, adds);
    }
    if (unit->wants_input)
        seat->has_grad[unit->input] = true;
}

void train__conv_take(const struct train__job *job) {
    struct train__seat *seat = job->seat;
    const struct train__unit *unit = job->unit;
    float *to = seat->gradients + unit->parameters;
    train__note(seat, dse_conv_grad_take(conv_of(job), to, &seat->err), "gradients");
    size_t channels = (size_t)train__shape(job->net, unit->output).c;
    for (size_t i = 0; unit->has_bias && i < channels; i++)
        to[unit->n_weights + i] = (float)seat->sums[unit->sums + i];
}
