/* Lessons: a network taught from images, with checkpoints, for the commands that teach. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evaluator/model/lesson.h"
#include "evaluator/train/events.h"

enum { DEFAULT_SEED = 1, DEFAULT_BATCH = 128, VALIDATION_SHARE = 10 };
enum { LARGEST_LOG_BYTES = 1 << 26 };

/* Learning rates where none is said: Kingma and Ba 2015; He et al. 2016. */
static const double ADAM_RATE = 1e-3, SGD_RATE = 0.1;

static volatile sig_atomic_t interrupted;

static void note_signal(int number) {
    (void)number;
    interrupted = 1;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = note_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* ---- what is wanted ---- */

static double real_or(const struct model *m, enum model__option_id id, double value,
                      double fallback) {
    return model__given(m, id) ? value : fallback;
}

static enum dse_status read_optimizer(struct model__lesson *l, struct dse_err *err) {
    const struct model *m = l->m;
    struct dse_trainer_options *o = &l->options;
    const char *name = m->options.optimizer == NULL ? "nesterov" : m->options.optimizer;
    const char *schedule = m->options.schedule == NULL ? "cosine" : m->options.schedule;
    if (!dse_optimizer_find(name, &o->optimizer.rule))
        DSE_FAIL(err, DSE_USAGE, "--optimizer '%s': there are sgd, nesterov, adam and adamw", name);
    if (!dse_schedule_find(schedule, &o->schedule))
        DSE_FAIL(err, DSE_USAGE,
                 "--schedule '%s': there are constant, step, cosine, one-cycle and late-steps",
                 schedule);
    bool adam = o->optimizer.rule == DSE_ADAM || o->optimizer.rule == DSE_ADAMW;
    o->optimizer.momentum = real_or(m, MODEL_OPTION_momentum, m->options.momentum, 0.9);
    o->optimizer.beta1 = 0.9; /* Kingma and Ba 2015, section 2 */
    o->optimizer.beta2 = 0.999;
    o->optimizer.epsilon = 1e-8;
    o->optimizer.weight_decay =
        real_or(m, MODEL_OPTION_weight_decay, m->options.weight_decay, 1e-4);
    o->learning_rate =
        real_or(m, MODEL_OPTION_initial_learning_rate, m->options.initial_learning_rate,
                l->rate_factor * (adam ? ADAM_RATE : SGD_RATE));
    o->clip_norm = real_or(m, MODEL_OPTION_clip_norm, m->options.clip_norm, l->clip_norm);
    o->warm_up = m->options.warm_up;
    return DSE_OK;
}

static enum dse_status read_options(struct model__lesson *l, struct dse_err *err) {
    const struct model *m = l->m;
    struct dse_trainer_options *o = &l->options;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    DSE_TRY(read_optimizer(l, err));
    o->epochs = model__given(m, MODEL_OPTION_epochs) ? (int)m->options.epochs : l->epochs;
    o->seed = model__given(m, MODEL_OPTION_seed) ? (uint64_t)m->options.seed : DEFAULT_SEED;
    o->augment =
        (struct dse_augment){m->options.flip, (int)m->options.shift, (int)m->options.cutout};
    o->net.batch = model__given(m, MODEL_OPTION_batch) ? (int)m->options.batch : DEFAULT_BATCH;
    o->net.label_smoothing = m->options.label_smoothing;
    o->net.threads = model__given(m, MODEL_OPTION_threads) ? (int)m->options.threads
                     : processors < 1                      ? 1
                     : processors > 64                     ? 64
                                                           : (int)processors;
    double exit_weight = real_or(m, MODEL_OPTION_exit_weight, m->options.exit_weight, 0.3);
    for (int i = 0; i < DSE_NET_MAX_OUTPUTS; i++)
        o->net.output_weights[i] = i + 1 == l->graph->n_outputs ? 1.0 : exit_weight;
    if (o->net.batch < 2)
        DSE_FAIL(err, DSE_USAGE, "--batch must be at least 2: norms are of several images");
    if (o->learning_rate <= 0.0)
        DSE_FAIL(err, DSE_USAGE, "--initial-learning-rate must be above 0");
    return DSE_OK;
}

/* Everything that decides what is learned, as text. */
static enum dse_status describe(struct model__lesson *l, struct dse_err *err) {
    const struct dse_trainer_options *o = &l->options;
    struct dse_buf text = {0};
    char hash[DSE_SHA256_HEX];
    dse_buf_printf(&text, "%d %d %.17g %.17g %d %.17g %llu %d %d %d %.17g %d", o->epochs,
                   o->net.batch, o->learning_rate, o->warm_up, o->schedule, o->net.label_smoothing,
                   (unsigned long long)o->seed, o->augment.flip, o->augment.shift_pixels,
                   o->augment.cutout_pixels, o->net.output_weights[0], o->net.threads);
    dse_buf_printf(&text, " %d %.17g %.17g %.17g", o->optimizer.rule, o->optimizer.momentum,
                   o->optimizer.weight_decay, o->clip_norm);
    DSE_TRY(dse_sha256_file(l->m->line.operands[0], hash, err));
    dse_buf_printf(&text, " %s", hash);
    for (int i = 0; i < 2; i++)
        dse_buf_printf(&text, " %s", l->images[i].sha256);
    const struct dse_net_quantization *q = o->net.quantization;
    for (int i = 0; q != NULL && i < l->graph->n_layers; i++)
        dse_buf_printf(&text, " %d/%d/%.17g", q->input_bits[i], q->weight_bits[i],
                       q->input_bits[i] == 0 ? 0 : q->input_amax[i]);
    l->fingerprint = dse_arena_strdup(&l->m->arena, dse_buf_text(&text));
    enum dse_status status = dse_buf_status(&text, err);
    dse_buf_fini(&text);
    if (status == DSE_OK && l->fingerprint == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a training");
    return status;
}

/* ---- getting ready ---- */

enum dse_status model__lesson_load(struct model__lesson *l, struct dse_err *err) {
    const char *path = l->m->line.operands[0];
    DSE_TRY(dse_onnx_load(path, &l->onnx, err));
    int n = dse_onnx_n_outputs(l->onnx);
    const char **names = dse_arena_alloc(&l->m->arena, (size_t)n, sizeof *names);
    if (names == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d outputs", n);
    for (int i = 0; i < n; i++)
        names[i] = dse_onnx_output_name(l->onnx, i);
    bool all = l->n_outputs == 0;
    struct dse_graph_options options = {.outputs = all ? names : l->outputs,
                                        .n_outputs = all ? n : l->n_outputs,
                                        .keep_dropout = true,
                                        .for_training = true};
    DSE_TRY(dse_graph_load_onnx(path, &options, &l->graph, err));
    return dse_kernels_new(DSE_KERNELS_AUTO, &l->kernels, err);
}

/* The images to choose by: a file of their own, or the last tenth of those to learn from. */
static enum dse_status load_images(struct model__lesson *l, struct dse_err *err) {
    struct model *m = l->m;
    int count = model__given(m, MODEL_OPTION_images) ? (int)m->options.images : 0;
    if (m->options.data == NULL)
        DSE_FAIL(err, DSE_USAGE, "--data is needed: FORMAT:FILE,... as cifar10:data_batch_1.bin");
    DSE_TRY(model__load_images(m, m->options.data, count, &l->images[0], err));
    if (m->options.validation != NULL)
        return model__load_images(m, m->options.validation, 0, &l->images[1], err);
    return model__split_images(&l->images[0], l->images[0].data.n / VALIDATION_SHARE, &l->images[1],
                               err);
}

/* Cuts off the lines of epochs that the checkpoint does not know. */
static enum dse_status cut_log(const struct model__lesson *l, struct dse_err *err) {
    struct dse_buf text = {0};
    enum dse_status status = dse_file_read(l->log, LARGEST_LOG_BYTES, &text, err);
    size_t end = 0;
    for (int line = 0; status == DSE_OK && line < dse_trainer_epochs(l->trainer) + 1; line++) {
        const char *newline = memchr(text.data + end, '\n', text.size - end);
        end = newline == NULL ? text.size : (size_t)(newline + 1 - text.data);
    }
    if (status == DSE_OK)
        status = dse_file_replace(l->log, text.data, end, err);
    dse_buf_fini(&text);
    return status;
}

enum dse_status model__lesson_prepare(struct model__lesson *l, struct dse_err *err) {
    struct model *m = l->m;
    const char *out = m->line.operands[1];
    DSE_TRY(read_options(l, err));
    DSE_TRY(load_images(l, err));
    l->options.net.graph = l->graph;
    l->options.net.kernels = l->kernels;
    l->checkpoint = m->options.ckpt_path != NULL ? m->options.ckpt_path
                                                 : dse_console_printf(&m->arena, "%s.ckpt", out);
    l->log = m->options.log != NULL ? m->options.log : dse_console_printf(&m->arena, "%s.csv", out);
    if (m->options.tensorboard_logdir != NULL)
        DSE_TRY(dse_dir_create(m->options.tensorboard_logdir, err));
    DSE_TRY(describe(l, err));
    DSE_TRY(dse_trainer_new(&l->options, &l->images[0].data, &l->images[1].data, &l->trainer, err));
    dse_file_remove_parts(l->checkpoint);
    dse_file_remove_parts(out);
    if (m->options.resume) {
        DSE_TRY(dse_trainer_restore(l->trainer, l->fingerprint, l->checkpoint, err));
        return cut_log(l, err);
    }
    if (access(l->checkpoint, F_OK) == 0)
        DSE_FAIL(err, DSE_CONFLICT,
                 "%s: there is a checkpoint; go on from it with --resume, or remove it",
                 l->checkpoint);
    return DSE_OK;
}

/* ---- at work ---- */

static bool show_step(void *context, int step, int steps, double loss) {
    struct model__lesson *l = context;
    int done = dse_trainer_epochs(l->trainer);
    const char *phase = dse_console_printf(&l->m->arena, "training");
    (void)loss;
    dse_console_progress_step(&l->m->progress, phase, (int64_t)done * steps + step,
                              (int64_t)l->options.epochs * steps);
    return !interrupted;
}

/* Before the checkpoint, so that a kill between the two can only leave a line too many. */
static enum dse_status log_epoch(struct model__lesson *l, const struct dse_epoch *e,
                                 struct dse_err *err) {
    struct dse_buf text = {0};
    FILE *file = fopen(l->log, e->epoch == 1 ? "w" : "a");
    if (file == NULL)
        return dse_err_set_errno(err, l->log);
    if (e->epoch == 1) {
        dse_buf_puts(&text, "epoch,learning_rate,loss,accuracy,validation_loss");
        for (int o = 0; o < l->graph->n_outputs; o++)
            dse_buf_printf(&text, ",validation_accuracy_%s",
                           l->graph->values[l->graph->outputs[o]].name);
        dse_buf_puts(&text, "\n");
    }
    dse_buf_printf(&text, "%d,%.6g,%.6f,%.4f,%.6f", e->epoch, e->learning_rate, e->loss,
                   e->accuracy, e->validation_loss);
    for (int o = 0; o < l->graph->n_outputs; o++)
        dse_buf_printf(&text, ",%.4f", e->validation_accuracy[o]);
    dse_buf_puts(&text, "\n");
    bool written = fputs(dse_buf_text(&text), file) >= 0;
    written = fclose(file) == 0 && written;
    dse_buf_fini(&text);
    return written ? DSE_OK : dse_err_set_errno(err, l->log);
}

static enum dse_status log_events(const struct model__lesson *l, const struct dse_epoch *e,
                                  struct dse_err *err) {
    const char *const tags[] = {"learning_rate", "loss/train", "accuracy/train", "loss/validation",
                                "accuracy/validation"};
    const double values[] = {e->learning_rate, e->loss, e->accuracy, e->validation_loss,
                             e->validation_accuracy[l->graph->n_outputs - 1]};
    const char *directory = l->m->options.tensorboard_logdir;
    if (directory == NULL)
        return DSE_OK;
    return dse_events_append(directory, "pareto-model", e->epoch, tags, values, 5, err);
}

static void show_epoch(const struct model__lesson *l, const struct dse_epoch *e) {
    struct dse_buf text = {0};
    if (l->m->options.json)
        return;
    dse_buf_printf(&text,
                   "epoch %3d  rate %.5f  loss %.4f  accuracy %5.2f %%  validation: loss %.4f "
                   " accuracy",
                   e->epoch, e->learning_rate, e->loss, 100.0 * e->accuracy, e->validation_loss);
    for (int o = 0; o < l->graph->n_outputs; o++)
        dse_buf_printf(&text, " %5.2f", 100.0 * e->validation_accuracy[o]);
    dse_buf_printf(&text, " %%%s\n", e->is_best ? "  best" : "");
    (void)fputs(dse_buf_text(&text), stderr);
    dse_buf_fini(&text);
}

static enum dse_status keep_epoch(struct model__lesson *l, const struct dse_epoch *epoch,
                                  struct dse_err *err) {
    DSE_TRY(log_epoch(l, epoch, err));
    DSE_TRY(log_events(l, epoch, err));
    return dse_trainer_save(l->trainer, l->fingerprint, l->checkpoint, err);
}

/* Where a file could not be written: says what there is to go on from. */
static enum dse_status point_to_checkpoint(const struct model__lesson *l, enum dse_status status,
                                           struct dse_err *err) {
    if (access(l->checkpoint, F_OK) == 0)
        (void)dse_err_prefix(err, "what was done before is in %s (--resume)", l->checkpoint);
    return status;
}

enum dse_status model__lesson_run(struct model__lesson *l, struct dse_err *err) {
    struct dse_epoch epoch;
    catch_signals();
    while (dse_trainer_epochs(l->trainer) < l->options.epochs) {
        enum dse_status status = dse_trainer_run_epoch(l->trainer, show_step, l, &epoch, err);
        if (status == DSE_INTERRUPTED && dse_trainer_epochs(l->trainer) > 0)
            return dse_err_prefix(err, "what was done before is in %s (--resume)", l->checkpoint);
        if (status == DSE_FAILED && dse_trainer_epochs(l->trainer) > 0)
            return dse_err_prefix(err,
                                  "the checkpoint %s stays; try a smaller "
                                  "--initial-learning-rate",
                                  l->checkpoint);
        DSE_TRY(status);
        dse_console_progress_end(&l->m->progress);
        show_epoch(l, &epoch);
        status = keep_epoch(l, &epoch, err);
        if (status != DSE_OK)
            return point_to_checkpoint(l, status, err);
    }
    return DSE_OK;
}

/* ---- the end ---- */

enum dse_status model__lesson_finish(struct model__lesson *l, double *loss,
                                     double accuracy[DSE_NET_MAX_OUTPUTS], struct dse_err *err) {
    dse_trainer_take_best(l->trainer, l->graph);
    DSE_TRY(dse_trainer_measure(l->trainer, &l->images[1].data, loss, accuracy, err));
    DSE_TRY(dse_graph_store(l->graph, l->onnx, err));
    enum dse_status status = dse_onnx_save(l->onnx, l->m->line.operands[1], err);
    return status == DSE_OK ? DSE_OK : point_to_checkpoint(l, status, err);
}

void model__lesson_fini(struct model__lesson *l) {
    dse_trainer_free(l->trainer);
    dse_kernels_free(l->kernels);
    dse_graph_free(l->graph);
    dse_onnx_free(l->onnx);
    for (int i = 0; i < 2; i++)
        model__images_fini(&l->images[i]);
}
