/* calibrate: the largest inputs of the layers, kept in a file. */
#include "evaluator/model/model_run.h"

enum { IMAGES = 256 /* where no number is given, as in workloads */ };

static const char *describe_data(struct model *m, const struct model__images *images) {
    return dse_console_printf(&m->arena, "the first %d images of %s", images->data.n,
                              dse_console_clean(&m->arena, m->options.data));
}

static enum dse_status say(struct model *m, const struct dse_calibration *calibration,
                           struct dse_err *err) {
    struct dse_buf out = {0};
    if (m->options.json)
        dse_buf_puts(&out, "{\"file\":");
    else
        dse_buf_puts(&out, "wrote  ");
    if (m->options.json) {
        dse_console_json_string(&out, m->line.operands[1]);
        dse_buf_printf(&out, ",\"method\":\"%s\",\"layers\":[",
                       dse_calibration_method_text(calibration->rule.method));
    } else {
        dse_buf_printf(&out, "%s: %d layers, by %s\n",
                       dse_console_clean(&m->arena, m->line.operands[1]), calibration->n_layers,
                       dse_calibration_method_text(calibration->rule.method));
    }
    for (int i = 0; i < calibration->n_layers; i++) {
        if (!m->options.json) {
            dse_buf_printf(&out, "%12.6g  %s\n", calibration->amax[i],
                           dse_console_clean(&m->arena, calibration->names[i]));
            continue;
        }
        dse_buf_puts(&out, i > 0 ? ",{\"name\":" : "{\"name\":");
        dse_console_json_string(&out, calibration->names[i]);
        dse_buf_printf(&out, ",\"amax\":%.17g}", calibration->amax[i]);
    }
    dse_buf_puts(&out, m->options.json ? "]}\n" : "");
    return dse_console_put(&out, err);
}

static enum dse_status calibrate(struct model *m, const struct dse_graph *graph,
                                 const struct model__images *images, struct dse_err *err) {
    char model_hash[DSE_SHA256_HEX];
    double *amax = dse_arena_alloc(&m->arena, (size_t)graph->n_layers, sizeof *amax);
    const char **names = NULL;
    struct dse_calibration calibration = {
        .model = model_hash, .n_layers = graph->n_layers, .amax = amax};
    struct dse_buf text = {0};
    if (amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", graph->n_layers);
    DSE_TRY(model__rule(m, &calibration.rule, err));
    DSE_TRY(dse_sha256_file(m->line.operands[0], model_hash, err));
    DSE_TRY(model__layer_names(m, graph, &names, err));
    calibration.names = names;
    calibration.data = describe_data(m, images);
    DSE_TRY(model__calibrate(m, graph, images, &calibration.rule, amax, err));
    enum dse_status status = dse_calibration_write(&calibration, &text, err);
    if (status == DSE_OK)
        status = dse_file_replace(m->line.operands[1], text.data, text.size, err);
    dse_buf_fini(&text);
    return status == DSE_OK ? say(m, &calibration, err) : status;
}

enum dse_status model__command_calibrate(struct model *m, struct dse_err *err) {
    struct dse_graph *graph = NULL;
    struct model__images images = {0};
    DSE_TRY(model__load_graph(m, m->line.operands[0], &graph, err));
    enum dse_status status = model__load_images_for(m, graph, IMAGES, &images, err);
    if (status == DSE_OK)
        status = calibrate(m, graph, &images, err);
    model__images_fini(&images);
    dse_graph_free(graph);
    return status;
}
