/* A context made ready, and tasks computed on it. */
#include "evaluator/evaluator_internal.h"

#include <stdio.h>
#include <string.h>

#include "evaluator/cost/cost.h"

void evaluator__report(struct dse_evaluator *ev, const char *phase, int64_t done, int64_t total) {
    if (ev->progress != NULL)
        ev->progress(ev->progress_context, phase, done, total);
}

enum dse_status dse_evaluator_new(enum dse_kernel_choice choice, dse_evaluator_progress progress,
                                  void *progress_context, struct dse_evaluator **evaluator,
                                  struct dse_err *err) {
    struct dse_evaluator *ev = dse_alloc(1, sizeof *ev);
    if (ev == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the evaluator");
    ev->progress = progress;
    ev->progress_context = progress_context;
    enum dse_status status = dse_kernels_new(choice, &ev->kernels, err);
    if (status != DSE_OK) {
        dse_free(ev);
        return status;
    }
    evaluator__open_cache(ev);
    *evaluator = ev;
    return DSE_OK;
}

void dse_evaluator_bound_weights(struct dse_evaluator *ev, size_t bytes_most) {
    ev->weights_bytes_most = bytes_most;
}

static void close_context(struct dse_evaluator *ev) {
    ev->hash[0] = '\0';
    evaluator__values_free(ev->values);
    ev->values = NULL;
    evaluator__drop_shards(ev);
    dse_free(ev->cells);
    ev->cells = NULL;
    dse_free(ev->images);
    ev->images = NULL;
    dse_plan_free(ev->plan);
    ev->plan = NULL;
    dse_graph_free(ev->graph);
    ev->graph = NULL;
    dse_corrupter_free(ev->corrupter);
    ev->corrupter = NULL;
    evaluator__published_free(ev->published);
    ev->published = NULL;
    dse_dataset_fini(&ev->data);
    ev->data = (struct dse_dataset){0};
}

void dse_evaluator_free(struct dse_evaluator *evaluator) {
    if (evaluator == NULL)
        return;
    close_context(evaluator);
    dse_cache_close(evaluator->cache);
    dse_kernels_free(evaluator->kernels);
    dse_free(evaluator);
}

const char *dse_evaluator_kernels(const struct dse_evaluator *evaluator) {
    return dse_kernels_describe(evaluator->kernels);
}

enum dse_status evaluator__check_file(const struct dse_msg_file_ref *file, struct dse_err *err) {
    char hex[DSE_SHA256_HEX];
    DSE_TRY(dse_sha256_path(file->path, NULL, hex, err));
    if (strcmp(hex, file->sha256) != 0)
        DSE_FAIL(err, DSE_CONFLICT,
                 "%s: the file has changed since the workload was submitted; put the old one back, "
                 "or submit the workload again",
                 file->path);
    return DSE_OK;
}

static void loading_step(void *context, int done, int total) {
    evaluator__report(context, "loading pictures", done, total);
}

static enum dse_status load_dataset(struct dse_evaluator *ev, const struct dse_msg_dataset *spec,
                                    struct dse_dataset *dataset, struct dse_err *err) {
    enum dse_dataset_format format;
    enum { MAX_FILES = 64 };
    const char *paths[MAX_FILES];
    if (!dse_dataset_format_find(spec->format, &format))
        DSE_FAIL(err, DSE_INVALID, "dataset format '%s' is not known", spec->format);
    if (spec->files_n > MAX_FILES)
        DSE_FAIL(err, DSE_INVALID, "%d dataset files; at most %d are allowed", spec->files_n,
                 (int)MAX_FILES);
    if (spec->first < 0 || spec->count < 0 || spec->first > INT32_MAX - spec->count)
        DSE_FAIL(err, DSE_INVALID, "images %lld to %lld cannot be used", (long long)spec->first,
                 (long long)(spec->first + spec->count));
    for (int i = 0; i < spec->files_n; i++) {
        DSE_TRY(evaluator__check_file(&spec->files[i], err));
        paths[i] = spec->files[i].path;
    }
    struct dse_dataset_request request = {
        .format = format,
        .paths = paths,
        .n_paths = spec->files_n,
        .first = (int)spec->first,
        .count = spec->count == 0 ? DSE_DATASET_ALL : (int)spec->count,
        .stratified = spec->stratified,
        .seed = (uint64_t)spec->seed,
        .coarse_labels = spec->coarse_labels,
        .resize = (int)spec->resize,
        .crop = (int)spec->crop,
        .grey = spec->mean_n == 1,
        .progress = loading_step,
        .progress_context = ev,
    };
    return dse_dataset_load(&request, dataset, err);
}

/* Does the data fit the network and its normalisation the data? */
static enum dse_status check_fit(const struct dse_graph *graph, const struct dse_msg_dataset *spec,
                                 const struct dse_dataset *data, struct dse_err *err) {
    struct dse_shape in = graph->values[graph->input].shape;
    if (in.h != data->h || in.w != data->w || in.c != data->c)
        DSE_FAIL(err, DSE_INVALID,
                 "the model takes images of %dx%d with %d channels, the data set has %dx%d with %d",
                 in.h, in.w, in.c, data->h, data->w, data->c);
    if (spec->mean_n != data->c || spec->std_n != data->c)
        DSE_FAIL(err, DSE_INVALID,
                 "dataset.mean has %d numbers and dataset.std %d; the images have %d channels",
                 spec->mean_n, spec->std_n, data->c);
    int classes = (int)dse_shape_size(graph->values[graph->output].shape);
    if (data->classes > classes)
        DSE_FAIL(err, DSE_INVALID, "the data set has labels up to %d, the model %d outputs",
                 data->classes - 1, classes);
    return DSE_OK;
}

struct calibration_progress {
    struct dse_evaluator *ev;
};

static void calibration_step(void *context, int done, int total) {
    struct calibration_progress *p = context;
    evaluator__report(p->ev, "calibrating", done, total);
}

static enum dse_status calibrate(struct dse_evaluator *ev, const struct dse_graph *graph,
                                 const struct dse_msg_context *context, double *input_amax,
                                 struct dse_err *err) {
    struct dse_dataset data = {0};
    float *images = NULL;
    enum dse_status status = load_dataset(ev, context->calibration, &data, err);
    if (status != DSE_OK)
        return dse_err_prefix(err, "calibration");
    DSE_TRY_GOTO(status, check_fit(graph, context->calibration, &data, err), fail);
    size_t image_size = (size_t)data.h * (size_t)data.w * (size_t)data.c;
    images = dse_alloc_aligned((size_t)data.n * image_size, sizeof *images);
    if (images == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for %d calibration images", data.n);
        goto fail;
    }
    dse_dataset_normalize(data.pixels, (size_t)data.n * image_size, data.c,
                          context->calibration->mean, context->calibration->std, images);
    struct calibration_progress progress = {ev};
    struct dse_calibration_rule rule = {DSE_CALIBRATION_PERCENTILE, context->percentile};
    if (context->method != NULL && !dse_calibration_method_find(context->method, &rule.method))
        status =
            dse_err_set(err, DSE_INVALID, "calibration method '%s' is not known", context->method);
    else
        status = dse_plan_calibrate(graph, images, data.n, &rule, input_amax, calibration_step,
                                    &progress, err);
fail:
    dse_free(images);
    dse_dataset_fini(&data);
    return status;
}

static enum dse_status list_cells(struct dse_evaluator *ev, const struct dse_msg_context *context,
                                  struct dse_err *err) {
    int n = (context->clean ? 1 : 0) + context->corruptions_n * context->severities_n;
    if (n == 0)
        DSE_FAIL(err, DSE_INVALID, "there is nothing to evaluate: no clean and no corrupted cell");
    ev->cells = dse_alloc((size_t)n, sizeof *ev->cells);
    if (ev->cells == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d cells", n);
    ev->n_cells = 0;
    if (context->clean)
        ev->cells[ev->n_cells++] = (struct cell){.severity = 0};
    for (int i = 0; i < context->corruptions_n; i++) {
        const struct dse_corruption_def *corruption = dse_corruption_find(context->corruptions[i]);
        if (corruption == NULL)
            DSE_FAIL(err, DSE_INVALID, "corruption '%s' is not known", context->corruptions[i]);
        for (int k = 0; k < context->severities_n; k++) {
            int64_t severity = context->severities[k];
            if (severity < 1 || severity > DSE_SEVERITIES)
                DSE_FAIL(err, DSE_INVALID, "severity %lld is not within 1..%d", (long long)severity,
                         (int)DSE_SEVERITIES);
            ev->cells[ev->n_cells++] = (struct cell){corruption->corruption, (int)severity, i};
        }
    }
    return DSE_OK;
}

static enum dse_status check_sizes(const struct dse_msg_context *context, struct dse_err *err) {
    if (context->batch < 1 || context->batch > 4096)
        DSE_FAIL(err, DSE_INVALID, "batch %lld is not within 1..4096", (long long)context->batch);
    if (context->shard_images < 1 || context->shard_images > INT32_MAX)
        DSE_FAIL(err, DSE_INVALID, "shards of %lld images are not possible",
                 (long long)context->shard_images);
    return DSE_OK;
}

/* Which exits need the layer, and what comes before it. */
static enum dse_status describe_place(const struct dse_graph *graph, int layer,
                                      struct dse_arena *arena, struct dse_msg_layer *message,
                                      struct dse_err *err) {
    size_t n_layers = (size_t)graph->n_layers;
    bool *found = dse_arena_alloc(arena, n_layers, sizeof *found);
    int64_t *after = dse_arena_alloc(arena, n_layers, sizeof *after);
    if (found == NULL || after == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", graph->n_layers);
    for (int k = graph->n_outputs - 1; k >= 0; k--) {
        DSE_TRY(dse_graph_find_layers(graph, graph->outputs[k], found, err));
        if (found[layer])
            message->exit = k;
    }
    DSE_TRY(dse_graph_find_layers(graph, graph->nodes[graph->layers[layer]].inputs[0], found, err));
    for (size_t i = 0; i < n_layers; i++)
        if (found[i])
            after[message->after_n++] = (int64_t)i;
    message->after = after;
    return DSE_OK;
}

/* The layers of the answer; names live in the arena because the graph may go first. */
static enum dse_status describe_layers(const struct dse_graph *graph, const double *input_amax,
                                       struct dse_arena *arena, struct dse_msg_prepared *prepared,
                                       struct dse_err *err) {
    struct dse_msg_layer *layers = dse_arena_alloc(arena, (size_t)graph->n_layers, sizeof *layers);
    if (layers == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", graph->n_layers);
    for (int i = 0; i < graph->n_layers; i++) {
        const struct dse_node *node = &graph->nodes[graph->layers[i]];
        layers[i] = (struct dse_msg_layer){
            .name = dse_arena_strdup(arena, node->name),
            .op = dse_op_text(node->op),
            .macs = dse_cost_macs(graph, node),
            .weights = dse_cost_weights(graph, node),
            .inputs = (int64_t)dse_shape_size(dse_graph_input_shape(graph, node)),
            .outputs = (int64_t)dse_shape_size(dse_graph_output_shape(graph, node)),
            .drops = node->conv.drops,
            .input_amax = input_amax[i],
            .input_signed = dse_graph_value_signed(graph, node->inputs[0]),
        };
        DSE_TRY(describe_place(graph, i, arena, &layers[i], err));
        if (layers[i].name == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", graph->n_layers);
    }
    prepared->layers = layers;
    prepared->layers_n = graph->n_layers;
    return DSE_OK;
}

static enum dse_status describe_cells(const struct dse_evaluator *ev,
                                      const struct dse_msg_context *context,
                                      struct dse_arena *arena, struct dse_msg_prepared *prepared,
                                      struct dse_err *err) {
    const char **names = dse_arena_alloc(arena, (size_t)ev->n_cells, sizeof *names);
    if (names == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d cells", ev->n_cells);
    int n = 0;
    if (context->clean)
        names[n++] = "clean";
    for (int i = 0; i < context->corruptions_n; i++) {
        for (int k = 0; k < context->severities_n; k++) {
            names[n] = dse_arena_printf(arena, "%s:%d", context->corruptions[i],
                                        (int)context->severities[k]);
            if (names[n++] == NULL)
                DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d cells", ev->n_cells);
        }
    }
    prepared->cells = names;
    prepared->cells_n = n;
    return DSE_OK;
}

/* A calibration that is kept is used as it is, if it belongs to this model. */
static enum dse_status load_calibration(const struct dse_graph *graph,
                                        const struct dse_msg_context *context, double *input_amax,
                                        struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_calibration calibration;
    const char *path = context->calibration_file->path;
    const char **names = dse_arena_alloc(&arena, (size_t)graph->n_layers, sizeof *names);
    enum dse_status status = evaluator__check_file(context->calibration_file, err);
    if (status == DSE_OK && names == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for %d layers", graph->n_layers);
    for (int i = 0; status == DSE_OK && i < graph->n_layers; i++)
        names[i] = graph->nodes[graph->layers[i]].name;
    if (status == DSE_OK)
        status = dse_calibration_load(path, &arena, &calibration, err);
    if (status == DSE_OK)
        status = dse_calibration_check(&calibration, path, context->model->sha256, names,
                                       graph->n_layers, err);
    if (status == DSE_OK)
        memcpy(input_amax, calibration.amax, (size_t)graph->n_layers * sizeof *input_amax);
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status take_input_amax(struct dse_evaluator *ev,
                                       const struct dse_msg_context *context, double *input_amax,
                                       struct dse_err *err) {
    if (context->input_amax_n == 0 && context->calibration_file != NULL)
        return load_calibration(ev->graph, context, input_amax, err);
    if (context->input_amax_n == 0)
        return calibrate(ev, ev->graph, context, input_amax, err);
    if (context->input_amax_n != ev->graph->n_layers)
        DSE_FAIL(err, DSE_INTERNAL, "calibration has %d layers, the model %d",
                 context->input_amax_n, ev->graph->n_layers);
    memcpy(input_amax, context->input_amax, (size_t)context->input_amax_n * sizeof *input_amax);
    return DSE_OK;
}

/* With the overlays of frost that the context names; what they are is part of the cache's keys. */
static enum dse_status make_corrupter(struct dse_evaluator *ev,
                                      const struct dse_msg_context *context, struct dse_err *err) {
    const char *files[DSE_CORRUPT_FROST_FILES];
    int n = context->frost_files_n;
    ev->frost[0] = '\0';
    if (n != 0 && n != DSE_CORRUPT_FROST_FILES)
        DSE_FAIL(err, DSE_INVALID, "%d overlays of frost; five are needed, or none", n);
    for (int i = 0; i < n; i++) {
        DSE_TRY(evaluator__check_file(&context->frost_files[i], err));
        files[i] = context->frost_files[i].path;
        (void)snprintf(ev->frost + strlen(ev->frost), sizeof ev->frost - strlen(ev->frost), "%s\n",
                       context->frost_files[i].sha256);
    }
    return dse_corrupter_new(ev->data.h, ev->data.w, ev->data.c, n == 0 ? NULL : files,
                             &ev->corrupter, err);
}

static enum dse_status allocate_for_data(struct dse_evaluator *ev,
                                         const struct dse_msg_context *context,
                                         struct dse_err *err) {
    size_t image_size = (size_t)ev->data.h * (size_t)ev->data.w * (size_t)ev->data.c;
    ev->batch = (int)context->batch;
    ev->shard_images = context->shard_images < ev->data.n ? (int)context->shard_images : ev->data.n;
    ev->n_shards = (ev->data.n + ev->shard_images - 1) / ev->shard_images;
    ev->shards = dse_alloc((size_t)ev->n_shards, sizeof *ev->shards);
    ev->images = dse_alloc_aligned((size_t)ev->batch * image_size, sizeof *ev->images);
    if (ev->shards == NULL || ev->images == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d shards", ev->n_shards);
    if (context->corrupted_files_n > 0)
        DSE_TRY(evaluator__published_open(ev, context, &ev->published, err));
    else if (context->corruptions_n > 0)
        DSE_TRY(make_corrupter(ev, context, err));
    ev->data_seed = (uint64_t)context->data_seed;
    ev->mask_seed = (uint64_t)context->mask_seed;
    memcpy(ev->mean, context->dataset->mean, (size_t)ev->data.c * sizeof ev->mean[0]);
    memcpy(ev->std, context->dataset->std, (size_t)ev->data.c * sizeof ev->std[0]);
    return DSE_OK;
}

static enum dse_status open_plan(struct dse_evaluator *ev, const struct dse_msg_context *context,
                                 const double *input_amax, struct dse_err *err) {
    struct dse_plan_options options = {
        .batch = ev->batch, .input_amax = input_amax, .weights_bytes_most = ev->weights_bytes_most};
    if (context->weight_scales != NULL &&
        !dse_weight_scales_find(context->weight_scales, &options.weight_scales))
        DSE_FAIL(err, DSE_INVALID, "weight scales '%s' are not known", context->weight_scales);
    return dse_plan_new(ev->graph, ev->kernels, &options, &ev->plan, err);
}

/* Early exits, then the last output. */
static enum dse_status load_graph(struct dse_evaluator *ev, const struct dse_msg_context *context,
                                  struct dse_arena *arena, struct dse_err *err) {
    int n = context->exits_n + 1;
    const char **outputs = dse_arena_alloc(arena, (size_t)n, sizeof *outputs);
    if (outputs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d outputs", n);
    if (n > DSE_EXITS_MOST)
        DSE_FAIL(err, DSE_INVALID, "%d outputs; at most %d are allowed", n, DSE_EXITS_MOST);
    for (int i = 0; i < context->exits_n; i++)
        outputs[i] = context->exits[i];
    outputs[n - 1] = context->output;
    const struct dse_graph_options options = {
        .outputs = outputs, .n_outputs = n, .keep_dropout = context->keep_dropout};
    return dse_graph_load_onnx(context->model->path, &options, &ev->graph, err);
}

static enum dse_status open_context(struct dse_evaluator *ev, const struct dse_msg_context *context,
                                    struct dse_arena *arena, struct dse_msg_prepared *prepared,
                                    struct dse_err *err) {
    if (context->problem != NULL) {
        *prepared = (struct dse_msg_prepared){.hash = context->hash, .shards = 1};
        return evaluator__values_open(ev, context, &ev->values, err);
    }
    if (context->model == NULL || context->dataset == NULL || context->calibration == NULL)
        DSE_FAIL(err, DSE_PROTOCOL, "a context without model, dataset or calibration");
    evaluator__report(ev, "loading", 0, 1);
    DSE_TRY(check_sizes(context, err));
    DSE_TRY(list_cells(ev, context, err));
    DSE_TRY(evaluator__check_file(context->model, err));
    DSE_TRY(load_graph(ev, context, arena, err));
    enum dse_status status = load_dataset(ev, context->dataset, &ev->data, err);
    if (status != DSE_OK)
        return dse_err_prefix(err, "dataset");
    DSE_TRY(check_fit(ev->graph, context->dataset, &ev->data, err));
    double *input_amax = dse_arena_alloc(arena, (size_t)ev->graph->n_layers, sizeof *input_amax);
    if (input_amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", ev->graph->n_layers);
    DSE_TRY(take_input_amax(ev, context, input_amax, err));
    DSE_TRY(allocate_for_data(ev, context, err));
    DSE_TRY(open_plan(ev, context, input_amax, err));
    *prepared = (struct dse_msg_prepared){
        .hash = context->hash,
        .classes = dse_plan_classes(ev->plan),
        .images = ev->data.n,
        .shards = ev->n_shards,
        .exits = ev->graph->n_outputs,
        .tally = dse_exit_tally_size(ev->graph->n_outputs),
    };
    DSE_TRY(describe_layers(ev->graph, input_amax, arena, prepared, err));
    return describe_cells(ev, context, arena, prepared, err);
}

enum dse_status dse_evaluator_open(struct dse_evaluator *evaluator,
                                   const struct dse_msg_context *context, struct dse_arena *arena,
                                   struct dse_msg_prepared *prepared, struct dse_err *err) {
    struct dse_msg_prepared answer = {0};
    if (strlen(context->hash) >= sizeof evaluator->hash)
        DSE_FAIL(err, DSE_PROTOCOL, "the context's hash is too long");
    close_context(evaluator);
    enum dse_status status = open_context(evaluator, context, arena, &answer, err);
    if (status != DSE_OK) {
        close_context(evaluator);
        return status;
    }
    memcpy(evaluator->hash, context->hash, strlen(context->hash) + 1);
    *prepared = answer;
    return DSE_OK;
}
