/* engine_predictions MODEL OUTPUT CALIBRATION FORMAT FILES MEAN STD N INPUT_BITS WEIGHT_BITS
 *
 * What the engine predicts for the first N images, as one byte an image on standard output. FILES,
 * MEAN, STD and bits are lists separated by commas; CALIBRATION is of pareto-model calibrate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/datasets/datasets.h"
#include "evaluator/graph/graph.h"
#include "evaluator/metrics/metrics.h"
#include "evaluator/plan/plan.h"

enum { BATCH = 50, FILES_MAX = 8 };

static int split(char *text, char **items, int most) {
    int n = 0;
    for (char *item; n < most && (item = strsep(&text, ",")) != NULL;)
        items[n++] = item;
    return n;
}

static void read_bits(char *text, int n_layers, int *bits) {
    char *items[256];
    int n = split(text, items, 256);
    for (int i = 0; i < n_layers; i++)
        bits[i] = atoi(items[n == 1 ? 0 : i]);
}

static void read_numbers(char *text, double *numbers) {
    char *items[3];
    int n = split(text, items, 3);
    for (int i = 0; i < 3; i++)
        numbers[i] = atof(items[i < n ? i : 0]);
}

static enum dse_status predict(struct dse_plan *plan, const struct dse_dataset *data,
                               const struct dse_candidate *candidate, const double *mean,
                               const double *std, struct dse_err *err) {
    int classes = dse_plan_classes(plan), order[1] = {0};
    size_t image = (size_t)data->h * (size_t)data->w * (size_t)data->c;
    float *images = dse_alloc_aligned(BATCH * image, sizeof *images);
    float *logits = dse_alloc((size_t)BATCH * (size_t)classes, sizeof *logits);
    enum dse_status status = images == NULL || logits == NULL ? DSE_NO_MEMORY : DSE_OK;
    for (int first = 0; status == DSE_OK && first < data->n; first += BATCH) {
        int n = data->n - first < BATCH ? data->n - first : BATCH;
        dse_dataset_normalize(data->pixels + (size_t)first * image, (size_t)n * image, data->c,
                              mean, std, images);
        status = dse_plan_run(plan, candidate, 1, order, images, n, logits, NULL, err);
        for (int i = 0; status == DSE_OK && i < n; i++)
            (void)putchar(dse_metrics_argmax(logits + i * classes, classes));
    }
    dse_free(images);
    dse_free(logits);
    return status;
}

static enum dse_status run(char **argv, struct dse_err *err) {
    const char *outputs[] = {argv[2]};
    char *files[FILES_MAX];
    double mean[3], std[3];
    struct dse_arena arena = {0};
    struct dse_graph_options graph_options = {.outputs = outputs, .n_outputs = 1};
    struct dse_calibration calibration;
    struct dse_dataset_request request = {.paths = (const char *const *)files,
                                          .count = atoi(argv[8])};
    struct dse_dataset data;
    struct dse_candidate candidate;
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    request.n_paths = split(argv[5], files, FILES_MAX);
    read_numbers(argv[6], mean);
    read_numbers(argv[7], std);
    if (!dse_dataset_format_find(argv[4], &request.format))
        DSE_FAIL(err, DSE_USAGE, "format");
    DSE_TRY(dse_graph_load_onnx(argv[1], &graph_options, &graph, err));
    DSE_TRY(dse_calibration_load(argv[3], &arena, &calibration, err));
    DSE_TRY(dse_dataset_load(&request, &data, err));
    DSE_TRY(dse_kernels_new(DSE_KERNELS_AUTO, &kernels, err));
    struct dse_plan_options options = {.batch = BATCH, .input_amax = calibration.amax};
    DSE_TRY(dse_plan_new(graph, kernels, &options, &plan, err));
    DSE_TRY(dse_candidate_init(&candidate, graph->n_layers, 0, err));
    read_bits(argv[9], graph->n_layers, candidate.input_bits);
    read_bits(argv[10], graph->n_layers, candidate.weight_bits);
    enum dse_status status = predict(plan, &data, &candidate, mean, std, err);
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_dataset_fini(&data);
    dse_graph_free(graph);
    dse_arena_fini(&arena);
    return status;
}

int main(int argc, char **argv) {
    struct dse_err err = {0};
    if (argc != 11)
        return 2;
    dse_kernels_fix_environment(argv);
    enum dse_status status = run(argv, &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "%s: %s\n", dse_status_name(status), err.text);
    return dse_status_exit(status);
}
