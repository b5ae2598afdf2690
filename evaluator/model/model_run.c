/* Networks run over images. */
#include "evaluator/model/model_run.h"

#include "evaluator/plan/plan.h"

enum dse_status model__check_images(const char *name, const struct dse_graph *graph,
                                    const struct model__images *images, struct dse_err *err) {
    struct dse_shape in = graph->values[graph->input].shape;
    int classes = (int)dse_shape_size(graph->values[graph->output].shape);
    const struct dse_train_data *data = &images->data;
    if (in.h != data->h || in.w != data->w || in.c != data->c)
        DSE_FAIL(err, DSE_INVALID,
                 "%s takes images of %dx%d with %d channels, the data set has %dx%d with %d", name,
                 in.h, in.w, in.c, data->h, data->w, data->c);
    for (int i = 0; i < data->n; i++)
        if (data->labels[i] >= classes)
            DSE_FAIL(err, DSE_INVALID, "image %d has label %d, %s has %d outputs", i,
                     data->labels[i], name, classes);
    return DSE_OK;
}

enum dse_status model__load_images_for(struct model *m, const struct dse_graph *graph, int count,
                                       struct model__images *images, struct dse_err *err) {
    if (m->options.data == NULL)
        DSE_FAIL(err, DSE_USAGE, "--data FORMAT:FILE,... is needed: the images to use");
    if (model__given(m, MODEL_OPTION_images))
        count = (int)m->options.images;
    struct model__images read = {0};
    DSE_TRY(model__load_images(m, m->options.data, count, &read, err));
    enum dse_status status = model__check_images("the model", graph, &read, err);
    if (status == DSE_OK)
        *images = read;
    else
        model__images_fini(&read);
    return status;
}

void model__normalize_images(const struct model__images *images, int first, int n, float *out) {
    const struct dse_train_data *data = &images->data;
    size_t image = (size_t)data->h * (size_t)data->w * (size_t)data->c;
    const uint8_t *pixels = data->pixels + (size_t)first * image;
    for (size_t i = 0; i < (size_t)n * image; i++)
        out[i] = data->levels[i % (size_t)data->c][pixels[i]];
}

static void show_calibrating(void *context, int done, int total) {
    struct model *m = context;
    dse_console_progress_step(&m->progress, "calibrating, images", done, total);
}

enum dse_status model__calibrate(struct model *m, const struct dse_graph *graph,
                                 const struct model__images *images,
                                 const struct dse_calibration_rule *rule, double *amax,
                                 struct dse_err *err) {
    int n = images->data.n;
    size_t image = dse_shape_size(graph->values[graph->input].shape);
    float *values = dse_alloc_aligned((size_t)n * image, sizeof *values);
    if (values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images", n);
    model__normalize_images(images, 0, n, values);
    enum dse_status status =
        dse_plan_calibrate(graph, values, n, rule, amax, show_calibrating, m, err);
    dse_console_progress_end(&m->progress);
    dse_free(values);
    return status;
}

enum dse_status model__rule(const struct model *m, struct dse_calibration_rule *rule,
                            struct dse_err *err) {
    const double percentile = 99.99; /* the toolkit's default */
    *rule = (struct dse_calibration_rule){DSE_CALIBRATION_PERCENTILE, percentile};
    if (model__given(m, MODEL_OPTION_percentile))
        rule->percentile = m->options.percentile;
    if (m->options.method != NULL && !dse_calibration_method_find(m->options.method, &rule->method))
        DSE_FAIL(err, DSE_USAGE, "--method: max, percentile, mse or entropy, not \"%.40s\"",
                 m->options.method);
    return DSE_OK;
}

enum dse_status model__layer_names(struct model *m, const struct dse_graph *graph,
                                   const char ***names, struct dse_err *err) {
    const char **made = dse_arena_alloc(&m->arena, (size_t)graph->n_layers, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", graph->n_layers);
    for (int i = 0; i < graph->n_layers; i++)
        made[i] = graph->nodes[graph->layers[i]].name;
    *names = made;
    return DSE_OK;
}
