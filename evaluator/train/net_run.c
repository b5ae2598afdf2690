/* A step and an inference: the threads walk over the units together. */
#include <math.h>
#include <string.h>

#include "evaluator/train/net_internal.h"

float *train__grad_to_add(struct dse_net *net, struct train__seat *seat, int value) {
    if (!seat->has_grad[value]) {
        memset(seat->grads[value], 0, (size_t)net->slots * train__size(net, value) * sizeof(float));
        seat->has_grad[value] = true;
    }
    return seat->grads[value];
}

void train__note(struct train__seat *seat, enum dse_status status, const char *what) {
    if (status == DSE_OK || seat->status != DSE_OK)
        return;
    seat->status = status;
    (void)dse_err_prefix(&seat->err, "%s", what);
}

static void take_images(struct dse_net *net, struct train__seat *seat, int thread) {
    const struct dse_net_batch *batch = net->batch;
    int threads = net->setup.threads;
    seat->first = (int)((int64_t)batch->n * thread / threads);
    seat->n = (int)((int64_t)batch->n * (thread + 1) / threads) - seat->first;
    size_t size = train__size(net, net->graph->input);
    memcpy(seat->values[net->graph->input], batch->images + (size_t)seat->first * size,
           (size_t)seat->n * size * sizeof(float));
    memset(seat->has_grad, 0, (size_t)net->graph->n_values * sizeof *seat->has_grad);
    memset(seat->sums, 0, net->n_sums * sizeof *seat->sums);
    seat->status = DSE_OK;
    seat->err = (struct dse_err){0};
}

static void walk_forward(struct dse_net *net, struct train__seat *seat) {
    for (int u = 0; u < net->n_units; u++) {
        struct train__job job = {net, seat, &net->units[u]};
        if (job.unit->layer >= 0) {
            train__conv_load(&job);
            train__conv_forward(&job);
        } else if (job.unit->node->op == DSE_OP_NORM) {
            train__norm_forward(&job);
        } else {
            train__move_forward(&job);
        }
    }
}

static void walk_backward(struct dse_net *net, struct train__seat *seat) {
    for (int u = net->n_units - 1; u >= 0; u--) {
        struct train__job job = {net, seat, &net->units[u]};
        if (job.unit->layer >= 0) {
            train__conv_backward(&job);
            train__conv_take(&job);
        } else if (job.unit->node->op == DSE_OP_NORM) {
            train__norm_backward(&job);
        } else {
            train__move_backward(&job);
        }
    }
}

/* The threads' gradients, added in their order; each thread adds a part of the parameters. */
static void add_gradients(struct dse_net *net, int thread) {
    size_t threads = (size_t)net->setup.threads;
    size_t first = net->n_parameters * (size_t)thread / threads;
    size_t last = net->n_parameters * (size_t)(thread + 1) / threads;
    memcpy(net->gradients + first, net->seats[0].gradients + first,
           (last - first) * sizeof *net->gradients);
    for (size_t t = 1; t < threads; t++)
        dse_train_add_to(net->gradients + first, net->seats[t].gradients + first, last - first);
}

static void step_on_thread(void *context, int thread) {
    struct dse_net *net = context;
    struct train__seat *seat = &net->seats[thread];
    take_images(net, seat, thread);
    walk_forward(net, seat);
    train__loss(net, seat);
    walk_backward(net, seat);
    train__team_meet(net->team);
    add_gradients(net, thread);
}

static enum dse_status first_failure(const struct dse_net *net, struct dse_err *err) {
    for (int t = 0; t < net->setup.threads; t++)
        if (net->seats[t].status != DSE_OK)
            DSE_FAIL(err, net->seats[t].status, "%s", net->seats[t].err.text);
    return DSE_OK;
}

static void move_running(struct dse_net *net) {
    for (int u = 0; u < net->n_units; u++)
        if (net->units[u].node->op == DSE_OP_NORM)
            train__norm_move(net, &net->units[u]);
}

enum dse_status dse_net_step(struct dse_net *net, const struct dse_net_batch *batch,
                             struct dse_net_result *result, struct dse_err *err) {
    dse_assert(batch->n >= 2 && batch->n <= net->setup.batch);
    struct dse_net_result sum = {0};
    net->learns = true;
    net->batch = batch;
    train__quantise_weights(net);
    train__team_run(net->team, step_on_thread, net);
    DSE_TRY(first_failure(net, err));
    for (int t = 0; t < net->setup.threads; t++) {
        sum.loss += net->seats[t].loss;
        for (int o = 0; o < net->graph->n_outputs; o++)
            sum.correct[o] += net->seats[t].correct[o];
    }
    sum.loss /= batch->n;
    if (!isfinite(sum.loss))
        DSE_FAIL(err, DSE_FAILED, "the loss is not a finite number");
    move_running(net);
    *result = sum;
    return DSE_OK;
}

void dse_net_clip_gradients(struct dse_net *net, double longest) {
    double sum = 0.0;
    for (size_t i = 0; i < net->n_parameters; i++)
        sum += (double)net->gradients[i] * (double)net->gradients[i];
    double norm = sqrt(sum);
    if (!(norm > longest))
        return;
    float factor = (float)(longest / norm);
    for (size_t i = 0; i < net->n_parameters; i++)
        net->gradients[i] *= factor;
}

static void infer_on_thread(void *context, int thread) {
    struct dse_net *net = context;
    struct train__seat *seat = &net->seats[thread];
    size_t classes = (size_t)net->classes;
    take_images(net, seat, thread);
    walk_forward(net, seat);
    for (int o = 0; o < net->graph->n_outputs; o++)
        memcpy(net->logits[o] + (size_t)seat->first * classes,
               seat->values[net->alias[net->graph->outputs[o]]],
               (size_t)seat->n * classes * sizeof(float));
}

enum dse_status dse_net_infer(struct dse_net *net, const float *images, int n, float *const *logits,
                              struct dse_err *err) {
    dse_assert(n >= 1 && n <= net->setup.batch);
    struct dse_net_batch batch = {.images = images, .n = n};
    net->learns = false;
    net->batch = &batch;
    net->logits = logits;
    train__quantise_weights(net);
    train__team_run(net->team, infer_on_thread, net);
    net->batch = NULL;
    return first_failure(net, err);
}
