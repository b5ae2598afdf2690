/* Calibrated magnitudes in a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/quantize/quantize.h"

static const char first_line[] = "paretod calibration 1";
enum { MOST_BYTES = 16 << 20 };

enum dse_status dse_calibration_write(const struct dse_calibration *calibration,
                                      struct dse_buf *out, struct dse_err *err) {
    dse_buf_printf(out, "%s\nmodel %s\n", first_line, calibration->model);
    dse_buf_printf(out, "method %s\npercentile %.17g\ndata %s\n",
                   dse_calibration_method_text(calibration->rule.method),
                   calibration->rule.percentile, calibration->data);
    for (int i = 0; i < calibration->n_layers; i++)
        dse_buf_printf(out, "%.17g %s\n", calibration->amax[i], calibration->names[i]);
    return dse_buf_status(out, err);
}

/* The rest of a line that begins with the key; NULL when it does not. */
static const char *after_key(const char *line, const char *key) {
    size_t length = strlen(key);
    if (line == NULL || strncmp(line, key, length) != 0 || line[length] != ' ')
        return NULL;
    return line + length + 1;
}

static enum dse_status read_layers(char *rest, int n_lines, struct dse_arena *arena,
                                   struct dse_calibration *calibration, struct dse_err *err) {
    double *amax = dse_arena_alloc(arena, (size_t)n_lines, sizeof *amax);
    const char **names = dse_arena_alloc(arena, (size_t)n_lines, sizeof *names);
    if (amax == NULL || names == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", n_lines);
    char *line;
    int n = 0;
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        char *end;
        amax[n] = strtod(line, &end);
        if (end == line || *end != ' ' || !(amax[n] >= 0) || amax[n] > 3.4e38)
            DSE_FAIL(err, DSE_INVALID, "line \"%.60s\" is not a magnitude and a layer", line);
        names[n++] = end + 1;
    }
    calibration->amax = amax;
    calibration->names = names;
    calibration->n_layers = n;
    return DSE_OK;
}

static enum dse_status parse(char *text, struct dse_arena *arena,
                             struct dse_calibration *calibration, struct dse_err *err) {
    int n_lines = 1;
    for (const char *at = text; *at != '\0'; at++)
        n_lines += *at == '\n';
    char *rest = text;
    char *first = strsep(&rest, "\n");
    if (strcmp(first, first_line) != 0)
        DSE_FAIL(err, DSE_INVALID, "not a calibration of pareto-model calibrate");
    const char *model = after_key(strsep(&rest, "\n"), "model");
    const char *method = after_key(rest == NULL ? NULL : strsep(&rest, "\n"), "method");
    const char *percentile = after_key(rest == NULL ? NULL : strsep(&rest, "\n"), "percentile");
    const char *data = after_key(rest == NULL ? NULL : strsep(&rest, "\n"), "data");
    if (model == NULL || method == NULL || percentile == NULL || data == NULL || rest == NULL ||
        !dse_calibration_method_find(method, &calibration->rule.method))
        DSE_FAIL(err, DSE_INVALID, "damaged: its head is not whole");
    calibration->model = model;
    calibration->data = data;
    calibration->rule.percentile = strtod(percentile, NULL);
    return read_layers(rest, n_lines, arena, calibration, err);
}

enum dse_status dse_calibration_load(const char *path, struct dse_arena *arena,
                                     struct dse_calibration *calibration, struct dse_err *err) {
    struct dse_buf bytes = {0};
    struct dse_calibration read = {0};
    enum dse_status status = dse_file_read(path, MOST_BYTES, &bytes, err);
    char *text = NULL;
    if (status == DSE_OK &&
        (text = dse_arena_strndup(arena, dse_buf_text(&bytes), bytes.size)) == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "%s: no memory to read it", path);
    dse_buf_fini(&bytes);
    DSE_TRY(status);
    status = parse(text, arena, &read, err);
    if (status != DSE_OK)
        return dse_err_prefix(err, "%s", path), status;
    *calibration = read;
    return DSE_OK;
}

enum dse_status dse_calibration_check(const struct dse_calibration *calibration, const char *path,
                                      const char *model, const char *const *names, int n_layers,
                                      struct dse_err *err) {
    if (strcmp(calibration->model, model) != 0)
        DSE_FAIL(err, DSE_CONFLICT,
                 "%s: made for another model file (SHA-256 %.16s…, here %.16s…); calibrate again",
                 path, calibration->model, model);
    if (calibration->n_layers != n_layers)
        DSE_FAIL(err, DSE_CONFLICT,
                 "%s: has %d layers, the network %d; calibrate for the same outputs", path,
                 calibration->n_layers, n_layers);
    for (int i = 0; i < n_layers; i++)
        if (strcmp(calibration->names[i], names[i]) != 0)
            DSE_FAIL(err, DSE_CONFLICT,
                     "%s: layer %d is '%s', in the network '%s'; calibrate for the same outputs",
                     path, i, calibration->names[i], names[i]);
    return DSE_OK;
}
