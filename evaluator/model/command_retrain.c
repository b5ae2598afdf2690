/* retrain: an individual's network fine-tuned on the values of its integers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evaluator/model/lesson.h"
#include "evaluator/model/model_network.h"
#include "evaluator/model/model_widths.h"

/* A hundredth of the learning rate and a tenth of the epochs, as the makers of
 * pytorch-quantization advise. */
static const double RATE_FACTOR = 0.01;
/* Few bits, and batch norms folded into the weights, make gradients of a norm of hundreds at first,
 * and some tens later, which throw a network out of its place; where norms were kept it is some
 * ones. */
static const double CLIP_NORM = 10;
enum { EPOCHS = MODEL__TRAINING_EPOCHS / 10, BATCH = 8, LARGEST_LOG_BYTES = 1 << 26 };

/* What the engine finds with the bits of the layers: of the last output. */
struct score {
    double accuracy, nll;
};

struct retraining {
    struct model *m;
    struct model__lesson lesson;
    struct dse_msg_recipe recipe; /* where there is an individual */
    struct model__widths widths;
    struct dse_net_quantization quantization;
    struct model__images judged; /* before and after */
    bool has_judged;             /* else those of the lesson's validation */
    struct score before, after;
    const char *converted; /* path; NULL: more than 8 bits */
};

/* The images of before and after. */
static const struct model__images *judges(const struct retraining *r) {
    return r->has_judged ? &r->judged : &r->lesson.images[1];
}

/* ---- what the engine says ---- */

/* Bits of a network's layers, by their names. */
static enum dse_status quantise(const struct retraining *r, struct model__network *network,
                                struct dse_err *err) {
    const struct dse_graph *all = r->lesson.graph, *graph = network->graph;
    double *amax = dse_arena_alloc(&r->m->arena, (size_t)graph->n_layers, sizeof *amax);
    if (amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", graph->n_layers);
    for (int i = 0; i < graph->n_layers; i++)
        for (int l = 0; l < all->n_layers; l++) {
            if (strcmp(graph->nodes[graph->layers[i]].name, all->nodes[all->layers[l]].name) != 0)
                continue;
            network->candidate.input_bits[i] = r->widths.input_bits[l];
            network->candidate.weight_bits[i] = r->widths.weight_bits[l];
            network->candidate.dropout[i] = 0;
            amax[i] = r->widths.amax == NULL ? 0 : r->widths.amax[l];
        }
    network->candidate.passes = 1;
    network->amax = amax;
    return DSE_OK;
}

static enum dse_status tally_images(struct retraining *r, struct model__runner *runner,
                                    const struct model__network *network,
                                    const struct model__images *images, int64_t *tally,
                                    struct dse_err *err) {
    int n = images->data.n;
    float *pixels = dse_alloc_aligned((size_t)BATCH * (size_t)network->input_size, sizeof *pixels);
    enum dse_status status = pixels == NULL ? DSE_NO_MEMORY : DSE_OK;
    if (pixels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images", (int)BATCH);
    for (int first = 0; status == DSE_OK && first < n; first += BATCH) {
        int count = n - first < BATCH ? n - first : BATCH;
        dse_console_progress_step(&r->m->progress, "measuring, images", first, n);
        model__normalize_images(images, first, count, pixels);
        status = model__runner_run(runner, pixels, count, 0, (uint32_t)first, err);
        if (status == DSE_OK)
            model__runner_tally(runner, images->data.labels + first, count, tally);
    }
    dse_console_progress_end(&r->m->progress);
    dse_free(pixels);
    return status;
}

static enum dse_status measure(struct retraining *r, const char *path, struct score *score,
                               struct dse_err *err) {
    struct model__network network = {0};
    struct model__runner *runner = NULL;
    int64_t tally[DSE_TALLY_SIZE] = {0};
    const struct model__images *images = judges(r);
    const char *asked = r->m->options.output;
    if (r->recipe.outputs_n > 0)
        r->m->options.output = r->recipe.outputs[r->recipe.outputs_n - 1];
    enum dse_status status = model__network_open(r->m, path, 1, &network, err);
    r->m->options.output = asked;
    if (status == DSE_OK)
        status = quantise(r, &network, err);
    if (status == DSE_OK)
        status = model__check_images(path, network.graph, images, err);
    if (status == DSE_OK)
        status = model__runner_new(&network, BATCH, &runner, err);
    if (status == DSE_OK)
        status = tally_images(r, runner, &network, images, tally, err);
    model__runner_free(runner);
    model__network_close(&network);
    if (status != DSE_OK)
        return status;
    double n = (double)tally[DSE_TALLY_SEEN];
    *score = (struct score){
        .accuracy = (double)tally[DSE_TALLY_CORRECT] / n,
        .nll = (double)tally[DSE_TALLY_NLL] / (double)((int64_t)1 << DSE_TALLY_BITS_NLL) / n,
    };
    return DSE_OK;
}

/* ---- getting ready ---- */

/* "M,M,M" of a data set, where the user says none. */
static const char *channels(struct model *m, const double *values, int n) {
    const char *text = dse_console_printf(&m->arena, "%.17g", n > 0 ? values[0] : 0.0);
    for (int i = 1; i < n; i++)
        text = dse_console_printf(&m->arena, "%s,%.17g", text, values[i]);
    return text;
}

/* The images that the sweep was judged by, where they are a run of images. */
static enum dse_status load_judged(struct retraining *r, struct dse_err *err) {
    const struct dse_msg_dataset *dataset = r->recipe.dataset;
    struct model__images all = {0};
    struct dse_buf text = {0};
    if (dataset->stratified || dataset->coarse_labels || dataset->first != 0)
        return DSE_OK;
    dse_buf_printf(&text, "%s:", dataset->format);
    for (int i = 0; i < dataset->files_n; i++)
        dse_buf_printf(&text, "%s%s", i == 0 ? "" : ",", dataset->files[i].path);
    if (dataset->resize > 0)
        dse_buf_printf(&text, ",resize=%lld", (long long)dataset->resize);
    if (dataset->crop > 0)
        dse_buf_printf(&text, ",crop=%lld", (long long)dataset->crop);
    enum dse_status status = dse_buf_status(&text, err);
    if (status == DSE_OK)
        status = model__load_images(r->m, dse_buf_text(&text), (int)dataset->count, &all, err);
    dse_buf_fini(&text);
    if (status != DSE_OK)
        return status;
    r->judged = all;
    r->has_judged = true;
    return DSE_OK;
}

static enum dse_status take_individual(struct retraining *r, struct dse_err *err) {
    struct model *m = r->m;
    const struct dse_msg_dataset *dataset;
    if (m->options.individual == NULL)
        return DSE_OK;
    DSE_TRY(model__read_recipe(m, &r->recipe, err));
    r->lesson.outputs = r->recipe.outputs;
    r->lesson.n_outputs = r->recipe.outputs_n;
    dataset = r->recipe.dataset;
    if (m->options.mean == NULL)
        m->options.mean = channels(m, dataset->mean, dataset->mean_n);
    if (m->options.std == NULL)
        m->options.std = channels(m, dataset->std, dataset->std_n);
    return load_judged(r, err);
}

/* NAME.qdq.onnx beside NAME.onnx. */
static const char *converted_beside(struct model *m, const char *path) {
    static const char end[] = ".onnx";
    size_t length = strlen(path);
    if (length > strlen(end) && strcmp(path + length - strlen(end), end) == 0)
        length -= strlen(end);
    return dse_console_printf(&m->arena, "%.*s.qdq.onnx", (int)length, path);
}

static bool fits_integers(const struct retraining *r) {
    for (int l = 0; l < r->lesson.graph->n_layers; l++)
        if (r->widths.input_bits[l] > DSE_BITS_OF_INTEGERS ||
            r->widths.weight_bits[l] > DSE_BITS_OF_INTEGERS)
            return false;
    return true;
}

/* The network as the engine computes it, batch norms folded: with the same layers as the one that
 * learns. */
static enum dse_status load_folded(const struct retraining *r, const char *path,
                                   const struct dse_onnx *onnx, struct dse_graph **graph,
                                   struct dse_err *err) {
    const struct dse_graph_options options = {
        .outputs = r->lesson.outputs, .n_outputs = r->lesson.n_outputs, .keep_dropout = true};
    if (r->lesson.n_outputs == 0)
        return model__graph_of(onnx, path, graph, err);
    return dse_graph_load_onnx(path, &options, graph, err);
}

static enum dse_status get_ready(struct retraining *r, struct dse_err *err) {
    struct model *m = r->m;
    struct dse_graph *folded = NULL;
    bool of_sweep = m->options.individual != NULL;
    DSE_TRY(take_individual(r, err));
    DSE_TRY(model__lesson_load(&r->lesson, err));
    DSE_TRY(load_folded(r, m->line.operands[0], r->lesson.onnx, &folded, err));
    enum dse_status status =
        model__read_widths(m, folded, of_sweep ? &r->recipe : NULL, DSE_BITS_MOST, &r->widths, err);
    if (status == DSE_OK && folded->n_layers != r->lesson.graph->n_layers)
        status = dse_err_set(err, DSE_UNSUPPORTED, "%d layers learn, %d compute",
                             r->lesson.graph->n_layers, folded->n_layers);
    dse_graph_free(folded);
    DSE_TRY(status);
    r->quantization = (struct dse_net_quantization){
        .input_bits = r->widths.input_bits,
        .weight_bits = r->widths.weight_bits,
        .input_amax = r->widths.amax,
        .weight_scales = r->widths.share,
    };
    r->lesson.options.net.quantization = &r->quantization;
    if (fits_integers(r))
        r->converted = converted_beside(m, m->line.operands[1]);
    return model__lesson_prepare(&r->lesson, err);
}

/* ---- results ---- */

static enum dse_status convert(const struct retraining *r, struct dse_err *err) {
    struct dse_onnx *onnx = NULL;
    struct dse_graph *graph = NULL;
    if (r->converted == NULL)
        return DSE_OK;
    DSE_TRY(dse_onnx_load(r->m->line.operands[1], &onnx, err));
    enum dse_status status = load_folded(r, r->m->line.operands[1], onnx, &graph, err);
    if (status == DSE_OK)
        status = model__quantize_onnx(onnx, graph, &r->widths, err);
    if (status == DSE_OK)
        status = dse_onnx_save(onnx, r->converted, err);
    dse_graph_free(graph);
    dse_onnx_free(onnx);
    return status;
}

/* A line of the log as numbers; false where it is none. */
static bool read_epoch(char *line, struct dse_msg_retraining_epoch *epoch) {
    double numbers[5 + DSE_NET_MAX_OUTPUTS];
    int n = 0;
    char *rest = NULL;
    for (char *at = strtok_r(line, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest))
        if (n < 5 + DSE_NET_MAX_OUTPUTS)
            numbers[n++] = strtod(at, NULL);
    if (n < 6)
        return false;
    *epoch = (struct dse_msg_retraining_epoch){
        .epoch = (int64_t)numbers[0],
        .learning_rate = numbers[1],
        .loss = numbers[2],
        .accuracy = numbers[3],
        .validation_loss = numbers[4],
        .validation_accuracy = numbers[n - 1],
    };
    return true;
}

/* The lines of the log behind its first. */
static enum dse_status read_epochs(const struct retraining *r,
                                   struct dse_msg_retraining_epoch *epochs, int most, int *n,
                                   struct dse_err *err) {
    struct dse_buf log = {0};
    char *rest = NULL;
    int line = 0;
    DSE_TRY(dse_file_read(r->lesson.log, LARGEST_LOG_BYTES, &log, err));
    *n = 0;
    for (char *at = strtok_r(log.data, "\n", &rest); at != NULL; at = strtok_r(NULL, "\n", &rest))
        if (line++ > 0 && *n < most && read_epoch(at, &epochs[*n]))
            ++*n;
    dse_buf_fini(&log);
    return DSE_OK;
}

/* What tells one retraining of an individual from another. */
static const char *settings_of(const struct retraining *r) {
    const struct dse_trainer_options *o = &r->lesson.options;
    return dse_console_printf(
        &r->m->arena,
        "epochs %d, batch %d, %s, learning rate %g, gradients to %g, %d images, seed %llu",
        o->epochs, o->net.batch, dse_optimizer_name(o->optimizer.rule), o->learning_rate,
        o->clip_norm, r->lesson.images[0].data.n, (unsigned long long)o->seed);
}

static enum dse_status print_json(const struct retraining *r, struct dse_buf *out,
                                  struct dse_err *err) {
    int most = r->lesson.options.epochs, n = 0;
    const struct dse_msg_individual *individual = r->recipe.individual;
    struct dse_msg_retraining_epoch *epochs =
        dse_arena_alloc(&r->m->arena, (size_t)most, sizeof *epochs);
    if (epochs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d epochs", most);
    DSE_TRY(read_epochs(r, epochs, most, &n, err));
    const struct dse_msg_retraining retraining = {
        .sweep = r->recipe.sweep,
        .generation = individual == NULL ? 0 : individual->generation,
        .slot = individual == NULL ? 0 : individual->slot,
        .settings = settings_of(r),
        .file = r->m->line.operands[1],
        .converted = r->converted,
        .images = judges(r)->data.n,
        .accuracy_before = r->before.accuracy,
        .accuracy_after = r->after.accuracy,
        .nll_before = r->before.nll,
        .nll_after = r->after.nll,
        .best_epoch = dse_trainer_best_epoch(r->lesson.trainer),
        .epochs = epochs,
        .epochs_n = n,
    };
    DSE_TRY(dse_record_encode(DSE_RECORD_retraining, &retraining, out, err));
    dse_buf_puts(out, "\n");
    return DSE_OK;
}

static void print_table(const struct retraining *r, struct dse_buf *out) {
    dse_buf_printf(out, "before       %6.2f %%  nll %.4f\nafter        %6.2f %%  nll %.4f\n",
                   100 * r->before.accuracy, r->before.nll, 100 * r->after.accuracy, r->after.nll);
    dse_buf_printf(out, "             of %d images of %s, by the engine, epoch %d\n",
                   judges(r)->data.n, r->has_judged ? "the sweep" : "the validation",
                   dse_trainer_best_epoch(r->lesson.trainer));
    dse_buf_printf(out, "wrote        %s\n",
                   dse_console_clean(&r->m->arena, r->m->line.operands[1]));
    if (r->converted != NULL)
        dse_buf_printf(out, "wrote        %s\n", dse_console_clean(&r->m->arena, r->converted));
}

static enum dse_status retrain(struct retraining *r, struct dse_err *err) {
    const char *out_path = r->m->line.operands[1];
    double loss, accuracy[DSE_NET_MAX_OUTPUTS];
    struct dse_buf out = {0};
    DSE_TRY(get_ready(r, err));
    DSE_TRY(measure(r, r->m->line.operands[0], &r->before, err));
    DSE_TRY(model__lesson_run(&r->lesson, err));
    DSE_TRY(model__lesson_finish(&r->lesson, &loss, accuracy, err));
    DSE_TRY(measure(r, out_path, &r->after, err));
    DSE_TRY(convert(r, err));
    enum dse_status status = DSE_OK;
    if (r->m->options.json)
        status = print_json(r, &out, err);
    else
        print_table(r, &out);
    if (status == DSE_OK)
        status = dse_console_put(&out, err);
    dse_buf_fini(&out);
    if (status == DSE_OK)
        (void)unlink(r->lesson.checkpoint);
    return status;
}

enum dse_status model__command_retrain(struct model *m, struct dse_err *err) {
    struct retraining r = {
        .m = m,
        .lesson = {.m = m, .epochs = EPOCHS, .rate_factor = RATE_FACTOR, .clip_norm = CLIP_NORM},
        .widths = {.share = DSE_SCALE_A_CHANNEL}};
    enum dse_status status = retrain(&r, err);
    model__lesson_fini(&r.lesson);
    if (r.has_judged)
        model__images_fini(&r.judged);
    return status;
}
