/* Epochs over a data set. */
#include "evaluator/train/trainer.h"

#include <math.h>
#include <string.h>

#include "evaluator/train/loss.h"
#include "evaluator/train/trainer_internal.h"

static enum dse_status check_data(const struct dse_trainer *t, const struct dse_train_data *data,
                                  struct dse_err *err) {
    const struct dse_graph *graph = t->options.net.graph;
    struct dse_shape in = graph->values[graph->input].shape;
    int classes = dse_net_classes(t->net);
    if (data->h != in.h || data->w != in.w || data->c != in.c)
        DSE_FAIL(err, DSE_INVALID,
                 "the model takes images of %dx%d with %d channels, the data set has %dx%d with %d",
                 in.h, in.w, in.c, data->h, data->w, data->c);
    for (int i = 0; i < data->n; i++)
        if (data->labels[i] < 0 || data->labels[i] >= classes)
            DSE_FAIL(err, DSE_INVALID, "image %d has the label %d; the model has %d outputs", i,
                     data->labels[i], classes);
    return DSE_OK;
}

static enum dse_status make_room(struct dse_trainer *t, struct dse_err *err) {
    const struct dse_graph *graph = t->options.net.graph;
    size_t batch = (size_t)t->options.net.batch;
    size_t image = dse_shape_size(graph->values[graph->input].shape);
    t->order = dse_alloc((size_t)t->data->n, sizeof *t->order);
    t->images = dse_alloc_aligned(batch * image, sizeof *t->images);
    t->labels = dse_alloc(batch, sizeof *t->labels);
    t->ids = dse_alloc(batch, sizeof *t->ids);
    t->best_values = dse_alloc(t->parameters.n, sizeof *t->best_values);
    t->best_running = dse_alloc(t->n_running, sizeof *t->best_running);
    bool whole = t->order != NULL && t->images != NULL && t->labels != NULL && t->ids != NULL &&
                 t->best_values != NULL && t->best_running != NULL;
    for (int o = 0; o < dse_net_outputs(t->net); o++) {
        t->logits[o] = dse_alloc(batch * (size_t)dse_net_classes(t->net), sizeof(float));
        whole = whole && t->logits[o] != NULL;
    }
    if (!whole)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a training");
    return DSE_OK;
}

static enum dse_status make_trainer(struct dse_trainer *t, struct dse_err *err) {
    t->options.net.seed = t->options.seed;
    if (t->data->n < 2)
        DSE_FAIL(err, DSE_INVALID, "%d training images; at least 2 are needed", t->data->n);
    if (t->options.net.batch > t->data->n)
        t->options.net.batch = t->data->n;
    DSE_TRY(dse_net_new(&t->options.net, &t->net, err));
    t->parameters = dse_net_parameters(t->net);
    t->running = dse_net_running(t->net, &t->n_running);
    DSE_TRY(dse_optimizer_new(&t->options.optimizer, t->parameters.n, &t->optimizer, err));
    DSE_TRY(check_data(t, t->data, err));
    if (t->validation != NULL)
        DSE_TRY(check_data(t, t->validation, err));
    return make_room(t, err);
}

enum dse_status dse_trainer_new(const struct dse_trainer_options *options,
                                const struct dse_train_data *data,
                                const struct dse_train_data *validation,
                                struct dse_trainer **trainer, struct dse_err *err) {
    struct dse_trainer *t = dse_alloc(1, sizeof *t);
    if (t == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a training");
    t->options = *options;
    t->data = data;
    t->validation = validation;
    t->best_loss = INFINITY;
    enum dse_status status = make_trainer(t, err);
    if (status != DSE_OK) {
        dse_trainer_free(t);
        return status;
    }
    *trainer = t;
    return DSE_OK;
}

void dse_trainer_free(struct dse_trainer *trainer) {
    if (trainer == NULL)
        return;
    dse_optimizer_free(trainer->optimizer);
    dse_net_free(trainer->net);
    dse_free(trainer->order);
    dse_free(trainer->images);
    dse_free(trainer->labels);
    dse_free(trainer->ids);
    dse_free(trainer->best_values);
    dse_free(trainer->best_running);
    for (int o = 0; o < DSE_NET_MAX_OUTPUTS; o++)
        dse_free(trainer->logits[o]);
    dse_free(trainer);
}

/* Images order[first..first + n), or first .. where order is NULL. */
static void take_batch(struct dse_trainer *t, const struct dse_train_data *data,
                       const uint32_t *order, int first, int n) {
    size_t image = (size_t)data->h * (size_t)data->w * (size_t)data->c;
    for (int i = 0; i < n; i++) {
        uint32_t id = order == NULL ? (uint32_t)(first + i) : order[first + i];
        t->ids[i] = id;
        t->labels[i] = data->labels[id];
        train__take_image(data, order == NULL ? NULL : &t->options.augment, t->options.seed,
                          (uint32_t)t->epochs, id, t->images + (size_t)i * image);
    }
}

/* ---- measuring ---- */

static double cross_entropy(const float *logits, int n, int label) {
    double largest = (double)logits[train__arg_max(logits, n)];
    return train__soft_max(logits, n, largest, NULL) - ((double)logits[label] - largest);
}

enum dse_status dse_trainer_measure(struct dse_trainer *t, const struct dse_train_data *data,
                                    double *loss, double accuracy[DSE_NET_MAX_OUTPUTS],
                                    struct dse_err *err) {
    int classes = dse_net_classes(t->net), outputs = dse_net_outputs(t->net);
    int64_t correct[DSE_NET_MAX_OUTPUTS] = {0};
    double sum = 0.0;
    for (int first = 0; first < data->n; first += t->options.net.batch) {
        int left = data->n - first;
        int n = left < t->options.net.batch ? left : t->options.net.batch;
        take_batch(t, data, NULL, first, n);
        DSE_TRY(dse_net_infer(t->net, t->images, n, t->logits, err));
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < n; i++) {
                const float *logits = t->logits[o] + (size_t)i * (size_t)classes;
                sum +=
                    t->options.net.output_weights[o] * cross_entropy(logits, classes, t->labels[i]);
                correct[o] += train__arg_max(logits, classes) == t->labels[i];
            }
    }
    *loss = sum / data->n;
    for (int o = 0; o < outputs; o++)
        accuracy[o] = (double)correct[o] / data->n;
    return DSE_OK;
}

/* ---- an epoch ---- */

static int batches(const struct dse_trainer *t) {
    return t->data->n / t->options.net.batch; /* what does not fill a batch waits for its turn */
}

static double learning_rate(const struct dse_trainer *t, int step) {
    double steps = (double)batches(t) * t->options.epochs;
    double share = ((double)t->epochs * batches(t) + step) / steps;
    return t->options.learning_rate *
           dse_schedule_factor(t->options.schedule, t->options.warm_up, share < 1.0 ? share : 1.0);
}

static enum dse_status run_step(struct dse_trainer *t, int step, struct dse_epoch *epoch,
                                struct dse_err *err) {
    int n = t->options.net.batch;
    struct dse_net_batch batch = {t->images, t->labels, t->ids, n, (uint32_t)t->epochs};
    struct dse_net_result result;
    take_batch(t, t->data, t->order, step * n, n);
    enum dse_status status = dse_net_step(t->net, &batch, &result, err);
    if (status != DSE_OK)
        return dse_err_prefix(err, "epoch %d, step %d", t->epochs + 1, step + 1);
    if (t->options.clip_norm > 0.0)
        dse_net_clip_gradients(t->net, t->options.clip_norm);
    epoch->learning_rate = learning_rate(t, step);
    dse_optimizer_step(t->optimizer, &t->parameters, epoch->learning_rate);
    epoch->loss += result.loss / batches(t);
    epoch->accuracy += (double)result.correct[dse_net_outputs(t->net) - 1] / n / batches(t);
    return DSE_OK;
}

static void keep_best(struct dse_trainer *t, struct dse_epoch *epoch) {
    epoch->is_best = t->validation == NULL || epoch->validation_loss < t->best_loss;
    if (!epoch->is_best)
        return;
    t->best_epoch = epoch->epoch;
    t->best_loss = epoch->validation_loss;
    memcpy(t->best_values, t->parameters.values, t->parameters.n * sizeof *t->best_values);
    memcpy(t->best_running, t->running, t->n_running * sizeof *t->best_running);
}

enum dse_status dse_trainer_run_epoch(struct dse_trainer *t, dse_trainer_progress progress,
                                      void *context, struct dse_epoch *epoch, struct dse_err *err) {
    struct dse_epoch e = {.epoch = t->epochs + 1, .validation_loss = NAN};
    train__shuffle(t->options.seed, (uint32_t)t->epochs, t->data->n, t->order);
    for (int step = 0; step < batches(t); step++) {
        DSE_TRY(run_step(t, step, &e, err));
        if (progress != NULL &&
            !progress(context, step + 1, batches(t), e.loss * batches(t) / (step + 1)))
            DSE_FAIL(err, DSE_INTERRUPTED, "interrupted in epoch %d", e.epoch);
    }
    if (t->validation != NULL)
        DSE_TRY(
            dse_trainer_measure(t, t->validation, &e.validation_loss, e.validation_accuracy, err));
    t->epochs++;
    keep_best(t, &e);
    *epoch = e;
    return DSE_OK;
}

int dse_trainer_epochs(const struct dse_trainer *trainer) {
    return trainer->epochs;
}

int dse_trainer_best_epoch(const struct dse_trainer *trainer) {
    return trainer->best_epoch;
}

/* ---- the result ---- */

/* The array of a node that the k-th kind of parameter is. */
static float *array_of(struct dse_node *node, int k) {
    if (node->op == DSE_OP_NORM) {
        float *const arrays[] = {node->norm.gamma, node->norm.beta, node->norm.mean,
                                 node->norm.variance};
        return arrays[k];
    }
    return k == 0 ? node->conv.weights : node->conv.bias;
}

void dse_trainer_take_best(struct dse_trainer *t, struct dse_graph *graph) {
    if (t->best_epoch > 0) {
        memcpy(t->parameters.values, t->best_values, t->parameters.n * sizeof *t->best_values);
        memcpy(t->running, t->best_running, t->n_running * sizeof *t->best_running);
    }
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < DSE_PARAMETERS; k++) {
            size_t offset, n;
            if (!dse_net_find(t->net, i, k, &offset, &n))
                continue;
            const float *from = k < 2 ? t->parameters.values : t->running;
            memcpy(array_of(&graph->nodes[i], k), from + offset, n * sizeof *from);
        }
}
