/* Bits and scales of the layers, from options or from an individual of a sweep. */
#include "evaluator/model/model_widths.h"

#include <stdlib.h>
#include <string.h>

enum { CALIBRATION_IMAGES = 256, DEFAULT_BITS = 8, MOST_RECIPE_BYTES = 64 << 20 };

/* ---- as options say ---- */

static enum dse_status read_bits(const char *option, const char *text, int n, int most, int *bits,
                                 struct dse_err *err) {
    int read = 0;
    for (const char *at = text; at != NULL;) {
        char *end;
        long value = strtol(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0') ||
            (value != 0 && (value < DSE_BITS_LEAST || value > most)))
            DSE_FAIL(err, DSE_USAGE, "%s '%.60s': expected 2 to %d bits, or 0 for float32, %s",
                     option, text, most, "for all layers or for each, separated by commas");
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
                                 int most, const int **bits, struct dse_err *err) {
    int *made = dse_arena_alloc(&m->arena, (size_t)n, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", n);
    for (int i = 0; i < n; i++)
        made[i] = DEFAULT_BITS;
    *bits = made;
    return text == NULL ? DSE_OK : read_bits(option, text, n, most, made, err);
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

static enum dse_status take_options(struct model *m, const struct dse_graph *graph, int most,
                                    struct model__widths *widths, struct dse_err *err) {
    const struct model__options *options = &m->options;
    int n = graph->n_layers;
    bool quantises = false;
    if (options->weight_scales != NULL &&
        !dse_weight_scales_find(options->weight_scales, &widths->share))
        DSE_FAIL(err, DSE_USAGE, "--weight-scales: channel or tensor, not \"%.40s\"",
                 options->weight_scales);
    DSE_TRY(take_bits(m, "--input-bits", options->input_bits, n, most, &widths->input_bits, err));
    DSE_TRY(
        take_bits(m, "--weight-bits", options->weight_bits, n, most, &widths->weight_bits, err));
    for (int i = 0; i < n; i++)
        quantises = quantises || widths->input_bits[i] != 0;
    if (!quantises)
        return DSE_OK;
    return options->calibration != NULL ? read_amax(m, graph, &widths->amax, err)
                                        : measure_amax(m, graph, &widths->amax, err);
}

/* ---- an individual of a sweep ---- */

enum dse_status model__read_recipe(struct model *m, struct dse_msg_recipe *recipe,
                                   struct dse_err *err) {
    const char *path = m->options.individual;
    struct dse_buf text = {0};
    char hash[DSE_SHA256_HEX];
    const struct model__options *o = &m->options;
    if (o->output != NULL || o->calibration != NULL || o->input_bits != NULL ||
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
                                   int i, const char *name, int most, struct dse_err *err) {
    const char *path = m->options.individual;
    int64_t input = from->input_bits[i], weight = from->weight_bits[i];
    if (strcmp(from->layers[i].name, name) != 0)
        DSE_FAIL(err, DSE_CONFLICT, "%s: layer %d is '%s', in the network '%s'", path, i,
                 from->layers[i].name, name);
    if (input > most || weight > most || input < 0 || weight < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "layer '%s' has %d and %d bits; at most %d are possible here", name, (int)input,
                 (int)weight, most);
    return DSE_OK;
}

static enum dse_status take_individual(struct model *m, const struct dse_graph *graph,
                                       const struct dse_msg_recipe *recipe, int most,
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
        DSE_TRY(check_layer(m, from, i, names[i], most, err));
        input_bits[i] = (int)from->input_bits[i];
        weight_bits[i] = (int)from->weight_bits[i];
        amax[i] = from->layers[i].input_amax;
    }
    widths->input_bits = input_bits;
    widths->weight_bits = weight_bits;
    widths->amax = amax;
    return DSE_OK;
}

enum dse_status model__read_widths(struct model *m, const struct dse_graph *graph,
                                   const struct dse_msg_recipe *recipe, int most,
                                   struct model__widths *widths, struct dse_err *err) {
    return recipe != NULL ? take_individual(m, graph, recipe, most, widths, err)
                          : take_options(m, graph, most, widths, err);
}
