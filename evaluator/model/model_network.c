/* Networks as they are run. */
#include "evaluator/model/model_network.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "evaluator/kernels/kernels.h"
#include "evaluator/metrics/metrics.h"
#include "evaluator/model/convert_qdq.h"
#include "evaluator/plan/plan.h"

/* ---- opening ---- */

/* Bytes of an output's name before what `branch` appends; 0: it is no branch. */
static size_t stem_of(const char *output) {
    const char *mark = strstr(output, "_branch_");
    return mark == NULL ? 0 : (size_t)(mark - output);
}

/* The last output, with its siblings where it is one of several branches. */
static int choose_outputs(const struct dse_onnx *onnx, const char **outputs) {
    int n = dse_onnx_n_outputs(onnx), chosen = 0;
    const char *last = n > 0 ? dse_onnx_output_name(onnx, n - 1) : "";
    size_t stem = stem_of(last);
    for (int i = 0; stem > 0 && i + 1 < n; i++) {
        const char *name = dse_onnx_output_name(onnx, i);
        if (stem_of(name) == stem && strncmp(name, last, stem) == 0)
            outputs[chosen++] = name;
    }
    outputs[chosen++] = last;
    return chosen;
}

static enum dse_status read_graph(struct model *m, const struct dse_onnx *onnx, const char *path,
                                  struct dse_graph **graph, struct dse_err *err) {
    int n = dse_onnx_n_outputs(onnx), n_wanted = 1;
    const char **outputs = dse_arena_alloc(&m->arena, (size_t)n + 1, sizeof *outputs);
    struct dse_buf bytes = {0};
    if (outputs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d outputs", n);
    if (m->options.output != NULL)
        outputs[0] = m->options.output;
    else
        n_wanted = choose_outputs(onnx, outputs);
    struct dse_graph_options options = {.outputs = outputs,
                                        .n_outputs = n > 0 ? n_wanted : 0,
                                        .keep_dropout = true,
                                        .only_active_dropout = true};
    enum dse_status status = dse_onnx_write(onnx, &bytes, err);
    if (status == DSE_OK)
        status = dse_graph_read_onnx(bytes.data, bytes.size, path, &options, graph, err);
    dse_buf_fini(&bytes);
    return status;
}

static void take_widths(const struct model__width *widths, int n_widths, const char *name,
                        int *input_bits, int *weight_bits, double *amax) {
    for (int i = 0; i < n_widths; i++)
        if (strcmp(widths[i].layer, name) == 0) {
            *input_bits = widths[i].input_bits;
            *weight_bits = widths[i].weight_bits;
            *amax = widths[i].amax;
        }
}

static enum dse_status make_candidate(struct model *m, const struct model__width *widths,
                                      int n_widths, int passes, struct model__network *network,
                                      struct dse_err *err) {
    const struct dse_graph *graph = network->graph;
    size_t n = (size_t)graph->n_layers;
    int *ints = dse_arena_alloc(&m->arena, 3 * n + 1, sizeof *ints);
    double *amax = dse_arena_alloc(&m->arena, n + 1, sizeof *amax);
    bool drops = false;
    if (ints == NULL || amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", graph->n_layers);
    network->candidate = (struct dse_candidate){.n_layers = graph->n_layers,
                                                .input_bits = ints,
                                                .weight_bits = ints + n,
                                                .dropout = ints + 2 * n};
    for (size_t i = 0; i < n; i++) {
        const struct dse_node *node = &graph->nodes[graph->layers[i]];
        take_widths(widths, n_widths, node->name, &ints[i], &ints[n + i], &amax[i]);
        if (!node->conv.drops)
            continue;
        long steps = lround((double)node->conv.rate * DSE_DROPOUT_STEPS);
        ints[2 * n + i] = (int)(steps < DSE_DROPOUT_STEPS ? steps : DSE_DROPOUT_STEPS - 1);
        amax[i] *= 1.0 - (double)node->conv.rate; /* the file's is behind the dropout */
        drops = true;
    }
    network->candidate.passes = drops ? passes : 1;
    network->amax = n_widths > 0 ? amax : NULL;
    return DSE_OK;
}

static const char *name_of(struct model *m, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t length = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    return dse_console_printf(&m->arena, "%.*s", (int)length, name);
}

static enum dse_status open_onnx(struct model *m, struct dse_onnx *onnx, int passes,
                                 struct model__network *network, struct dse_err *err) {
    struct model__width *widths = NULL;
    int n_widths = 0;
    DSE_TRY(model__dequantize_onnx(onnx, &m->arena, &widths, &n_widths, err));
    DSE_TRY(read_graph(m, onnx, network->path, &network->graph, err));
    const struct dse_graph *graph = network->graph;
    network->classes = (int)dse_shape_size(graph->values[graph->output].shape);
    network->input_size = (int64_t)dse_shape_size(graph->values[graph->input].shape);
    return make_candidate(m, widths, n_widths, passes, network, err);
}

enum dse_status model__network_open(struct model *m, const char *path, int passes,
                                    struct model__network *network, struct dse_err *err) {
    struct model__network opened = {.path = path, .name = name_of(m, path)};
    struct dse_onnx *onnx = NULL;
    struct stat st;
    DSE_TRY(dse_onnx_load(path, &onnx, err));
    if (stat(path, &st) == 0)
        opened.file_bytes = (int64_t)st.st_size;
    enum dse_status status = open_onnx(m, onnx, passes, &opened, err);
    dse_onnx_free(onnx);
    if (status == DSE_OK)
        *network = opened;
    else
        model__network_close(&opened);
    return status;
}

void model__network_close(struct model__network *network) {
    dse_graph_free(network->graph);
    network->graph = NULL;
}

/* ---- running ---- */

struct model__runner {
    const struct model__network *network;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    struct dse_arena arena;
    int batch, items, outputs;
    int *order;
    float *logits; /* [item][output][image][class] */
    struct dse_passes samples;
    double *p;
};

static enum dse_status allocate(struct model__runner *r, struct dse_err *err) {
    size_t classes = (size_t)r->network->classes, items = (size_t)r->items;
    size_t samples = items * (size_t)r->outputs;
    r->order = dse_arena_alloc(&r->arena, items, sizeof *r->order);
    r->logits = dse_arena_alloc(&r->arena, samples * (size_t)r->batch * classes, sizeof *r->logits);
    r->samples.p = dse_arena_alloc(&r->arena, samples * classes, sizeof *r->samples.p);
    r->samples.sums = dse_arena_alloc(&r->arena, classes, sizeof *r->samples.sums);
    r->samples.scratch = dse_arena_alloc(&r->arena, samples, sizeof *r->samples.scratch);
    r->p = dse_arena_alloc(&r->arena, classes, sizeof *r->p);
    if (r->order == NULL || r->logits == NULL || r->samples.p == NULL || r->samples.sums == NULL ||
        r->samples.scratch == NULL || r->p == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the results of %s", r->network->path);
    return DSE_OK;
}

static enum dse_status prepare(struct model__runner *r, struct dse_err *err) {
    const struct model__network *network = r->network;
    struct dse_plan_options options = {.batch = r->batch, .input_amax = network->amax};
    DSE_TRY(dse_kernels_new(DSE_KERNELS_AUTO, &r->kernels, err));
    DSE_TRY(dse_plan_new(network->graph, r->kernels, &options, &r->plan, err));
    r->outputs = network->graph->n_outputs;
    r->items = dse_plan_items(&network->candidate, 1);
    DSE_TRY(allocate(r, err));
    return dse_plan_order(r->plan, &network->candidate, 1, r->order, err);
}

enum dse_status model__runner_new(const struct model__network *network, int batch,
                                  struct model__runner **runner, struct dse_err *err) {
    struct model__runner *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to run %s", network->path);
    made->network = network;
    made->batch = batch;
    enum dse_status status = prepare(made, err);
    if (status == DSE_OK)
        *runner = made;
    else
        model__runner_free(made);
    return status;
}

void model__runner_free(struct model__runner *runner) {
    if (runner == NULL)
        return;
    dse_plan_free(runner->plan);
    dse_kernels_free(runner->kernels);
    dse_arena_fini(&runner->arena);
    dse_free(runner);
}

enum dse_status model__runner_run(struct model__runner *runner, const float *images, int n,
                                  uint64_t seed, uint32_t first_image, struct dse_err *err) {
    dse_plan_set_masks(runner->plan, seed, first_image);
    return dse_plan_run(runner->plan, &runner->network->candidate, 1, runner->order, images, n,
                        runner->logits, NULL, err);
}

void model__runner_tally(struct model__runner *runner, const int32_t *labels, int n,
                         int64_t *tally) {
    int classes = runner->network->classes, samples = runner->items * runner->outputs;
    for (int i = 0; i < n; i++) {
        const float *logits = runner->logits + (size_t)i * (size_t)classes;
        int predicted;
        if (samples == 1) {
            predicted = dse_metrics_predict(logits, classes, runner->p);
        } else {
            dse_metrics_reset_passes(&runner->samples, classes);
            for (int s = 0; s < samples; s++)
                dse_metrics_add_pass(logits + (size_t)s * (size_t)n * (size_t)classes, classes,
                                     &runner->samples);
            predicted = dse_metrics_mean_of_passes(&runner->samples, classes, runner->p);
        }
        dse_metrics_tally(runner->p, classes, (int)labels[i], predicted, tally);
    }
}
