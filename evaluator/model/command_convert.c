/* convert: a network with its bits as ONNX in QDQ form. */
#include <stdlib.h>
#include <string.h>

#include "evaluator/model/convert_qdq.h"
#include "evaluator/model/model_run.h"
#include "protocol/protocol.h"

enum { CALIBRATION_IMAGES = 256, DEFAULT_BITS = 8, MOST_RECIPE_BYTES = 64 << 20 };

static enum dse_status read_bits(const char *option, const char *text, int n, int *bits,
                                 struct dse_err *err) {
    int read = 0;
    for (const char *at = text; at != NULL;) {
        char *end;
        long value = strtol(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0') ||
            (value != 0 && (value < DSE_BITS_LEAST || value > DSE_BITS_OF_INTEGERS)))
            DSE_FAIL(err, DSE_USAGE, "%s '%.60s': expected 2 to 8 bits, or 0 for float32, %s",
                     option, text, "for all layers or for each, separated by commas");
        if (read < n)
            bits[read] = (int)value;
        read++;
        at = *end == ',' ? end + 1 : NULL;
    }
    if (read != 1 && read != n)
        DSE_FAIL(err, DSE_USAGE, "%s: %d numbers for %d layers", option, read, n);
    for (int i = 1; read == 1 && i < n; i++)
        bits[i] = bits[0];
    return DSE_OK;
}

static enum dse_status take_bits(struct model *m, const char *option, const char *text, int n,
                                 const int **bits, struct dse_err *err) {
    int *made = dse_arena_alloc(&m->arena, (size_t)n, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", n);
    for (int i = 0; i < n; i++)
        made[i] = DEFAULT_BITS;
    *bits = made;
    return text == NULL ? DSE_OK : read_bits(option, text, n, made, err);
}

/* Largest inputs from a file that pareto-model calibrate wrote for this model. */
static enum dse_status read_amax(struct model *m, const struct dse_graph *graph,
                                 const double **amax, struct dse_err *err) {
    struct dse_calibration calibration;
    char hash[DSE_SHA256_HEX];
    const char **names = NULL;
    const char *path = m->options.calibration;
    DSE_TRY(dse_calibration_load(path, &m->arena, &calibration, err));
    DSE_TRY(dse_sha256_file(m->line.operands[0], hash, err));
    DSE_TRY(model__layer_names(m, graph, &names, err));
    DSE_TRY(dse_calibration_check(&calibration, path, hash, names, graph->n_layers, err));
    *amax = calibration.amax;
    return DSE_OK;
}

static enum dse_status measure_amax(struct model *m, const struct dse_graph *graph,
                                    const double **amax, struct dse_err *err) {
    struct model__images images = {0};
    struct dse_calibration_rule rule;
    double *made = dse_arena_alloc(&m->arena, (size_t)graph->n_layers, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", graph->n_layers);
    if (m->options.data == NULL)
        DSE_FAIL(err, DSE_USAGE, "--calibration FILE or --data FORMAT:FILE,... is needed");
    DSE_TRY(model__rule(m, &rule, err));
    DSE_TRY(model__load_images_for(m, graph, CALIBRATION_IMAGES, &images, err));
    enum dse_status status = model__calibrate(m, graph, &images, &rule, made, err);
    model__images_fini(&images);
    *amax = made;
    return status;
}

static enum dse_status read_widths(struct model *m, const struct dse_graph *graph,
                                   struct model__widths *widths, struct dse_err *err) {
    const struct model__options *options = &m->options;
    int n = graph->n_layers;
    bool quantises = false;
    if (options->weight_scales != NULL &&
        !dse_weight_scales_find(options->weight_scales, &widths->share))
        DSE_FAIL(err, DSE_USAGE, "--weight-scales: channel or tensor, not \"%.40s\"",
                 options->weight_scales);
    DSE_TRY(take_bits(m, "--input-bits", options->input_bits, n, &widths->input_bits, err));
    DSE_TRY(take_bits(m, "--weight-bits", options->weight_bits, n, &widths->weight_bits, err));
    for (int i = 0; i < n; i++)
        quantises = quantises || widths->input_bits[i] != 0;
    if (!quantises)
        return DSE_OK;
    return options->calibration != NULL ? read_amax(m, graph, &widths->amax, err)
                                        : measure_amax(m, graph, &widths->amax, err);
}

static enum dse_status say(struct model *m, const struct dse_graph *graph, struct dse_err *err) {
    struct dse_buf out = {0};
    if (m->options.json) {
        dse_buf_puts(&out, "{\"file\":");
        dse_console_json_string(&out, m->line.operands[1]);
        dse_buf_printf(&out, ",\"layers\":%d}\n", graph->n_layers);
    } else {
        dse_buf_printf(&out, "wrote  %s: %d layers in QDQ form\n",
                       dse_console_clean(&m->arena, m->line.operands[1]), graph->n_layers);
    }
    return dse_console_put(&out, err);
}

/* ---- an individual of a sweep ---- */

static enum dse_status read_recipe(struct model *m, struct dse_msg_recipe *recipe,
                                   struct dse_err *err) {
    const char *path = m->options.individual;
    struct dse_buf text = {0};
    char hash[DSE_SHA256_HEX];
    const struct model__options *o = &m->options;
    if (o->output != NULL || o->calibration != NULL || o->data != NULL || o->input_bits != NULL ||
        o->weight_bits != NULL || o->weight_scales != NULL)
        DSE_FAIL(err, DSE_USAGE, "--individual says outputs, bits and calibration already");
    DSE_TRY(dse_file_read(path, MOST_RECIPE_BYTES, &text, err));
    enum dse_status status = dse_record_decode(DSE_RECORD_recipe, dse_buf_text(&text), text.size,
                                               &m->arena, recipe, err);
    dse_buf_fini(&text);
    if (status != DSE_OK)
        return dse_err_prefix(err, "%s", path), status;
    DSE_TRY(dse_sha256_file(m->line.operands[0], hash, err));
    if (strcmp(hash, recipe->model->sha256) != 0)
        DSE_FAIL(err, DSE_CONFLICT, "%s: its network has SHA-256 %.16s…, %s has %.16s…", path,
                 recipe->model->sha256, m->line.operands[0], hash);
    return DSE_OK;
}

/* Does a layer of the individual's fit? */
static enum dse_status check_layer(const struct model *m, const struct dse_msg_individual *from,
                                   int i, const char *name, struct dse_err *err) {
    const char *path = m->options.individual;
    int64_t input = from->input_bits[i], weight = from->weight_bits[i];
    if (strcmp(from->layers[i].name, name) != 0)
        DSE_FAIL(err, DSE_CONFLICT, "%s: layer %d is '%s', in the network '%s'", path, i,
                 from->layers[i].name, name);
    if (input > DSE_BITS_OF_INTEGERS || weight > DSE_BITS_OF_INTEGERS || input < 0 || weight < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "layer '%s' has %d and %d bits; the int8 of ONNX holds %d",
                 name, (int)input, (int)weight, DSE_BITS_OF_INTEGERS);
    return DSE_OK;
}

static enum dse_status take_individual(struct model *m, const struct dse_graph *graph,
                                       const struct dse_msg_recipe *recipe,
                                       struct model__widths *widths, struct dse_err *err) {
    const struct dse_msg_individual *from = recipe->individual;
    const char **names = NULL;
    int n = graph->n_layers;
    int *input_bits = dse_arena_alloc(&m->arena, (size_t)n, sizeof *input_bits);
    int *weight_bits = dse_arena_alloc(&m->arena, (size_t)n, sizeof *weight_bits);
    double *amax = dse_arena_alloc(&m->arena, (size_t)n, sizeof *amax);
    if (input_bits == NULL || weight_bits == NULL || amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", n);
    if (!dse_weight_scales_find(recipe->weight_scales, &widths->share) || from->layers_n != n ||
        from->input_bits_n != n || from->weight_bits_n != n)
        DSE_FAIL(err, DSE_CONFLICT, "%s: %d layers, the network has %d", m->options.individual,
                 from->layers_n, n);
    DSE_TRY(model__layer_names(m, graph, &names, err));
    for (int i = 0; i < n; i++) {
        DSE_TRY(check_layer(m, from, i, names[i], err));
        input_bits[i] = (int)from->input_bits[i];
        weight_bits[i] = (int)from->weight_bits[i];
        amax[i] = from->layers[i].input_amax;
    }
    widths->input_bits = input_bits;
    widths->weight_bits = weight_bits;
    widths->amax = amax;
    return DSE_OK;
}

/* ---- the command ---- */

static enum dse_status convert(struct model *m, struct dse_onnx *onnx,
                               const struct dse_graph *graph, const struct dse_msg_recipe *recipe,
                               struct dse_err *err) {
    struct model__widths widths = {.share = DSE_SCALE_A_CHANNEL};
    if (recipe != NULL)
        DSE_TRY(take_individual(m, graph, recipe, &widths, err));
    else
        DSE_TRY(read_widths(m, graph, &widths, err));
    DSE_TRY(model__quantize_onnx(onnx, graph, &widths, err));
    DSE_TRY(dse_onnx_save(onnx, m->line.operands[1], err));
    return say(m, graph, err);
}

enum dse_status model__command_convert(struct model *m, struct dse_err *err) {
    struct dse_graph *graph = NULL;
    struct dse_onnx *onnx = NULL;
    struct dse_msg_recipe recipe = {0};
    const char *path = m->line.operands[0];
    bool of_sweep = m->options.individual != NULL;
    if (of_sweep) {
        DSE_TRY(read_recipe(m, &recipe, err));
        struct dse_graph_options options = {.outputs = recipe.outputs,
                                            .n_outputs = recipe.outputs_n};
        DSE_TRY(dse_graph_load_onnx(path, &options, &graph, err));
    } else {
        DSE_TRY(model__load_graph(m, path, &graph, err));
    }
    enum dse_status status = dse_onnx_load(path, &onnx, err);
    if (status == DSE_OK)
        status = convert(m, onnx, graph, of_sweep ? &recipe : NULL, err);
    dse_onnx_free(onnx);
    dse_graph_free(graph);
    return status;
}
