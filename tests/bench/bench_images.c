/* Images per second of a network with all layers at 8 bits, on one thread.
 *
 *     bench_images MODEL.onnx AMAX.txt KERNELS [SECONDS [BATCH]]
 *
 * Prints "engine N", then what ran. The images are random: the work does not depend on them. */
#include <stdio.h>
#include <stdlib.h>

#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"
#include "evaluator/plan/plan.h"

enum { BITS = 8, DEFAULT_BATCH = 16, DEFAULT_SECONDS = 3 };

struct bench {
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    struct dse_candidate candidate;
    double *amax;
    float *images, *logits;
    int batch;
};

static enum dse_status read_amax(const char *path, int n, double *amax, struct dse_err *err) {
    FILE *file = fopen(path, "r");
    if (file == NULL)
        DSE_FAIL(err, DSE_NOT_FOUND, "cannot open '%s'", path);
    int read = 0;
    while (read < n && fscanf(file, "%lf", &amax[read]) == 1)
        read++;
    (void)fclose(file);
    if (read < n)
        DSE_FAIL(err, DSE_INVALID, "'%s' has %d values, the model %d layers", path, read, n);
    return DSE_OK;
}

static enum dse_status make_images(struct bench *bench, struct dse_err *err) {
    struct dse_shape shape = bench->graph->values[bench->graph->input].shape;
    size_t n = dse_shape_size(shape) * (size_t)bench->batch;
    bench->images = dse_alloc_aligned(n, sizeof *bench->images);
    bench->logits = dse_alloc_aligned((size_t)bench->batch * (size_t)dse_plan_classes(bench->plan),
                                      sizeof *bench->logits);
    if (bench->images == NULL || bench->logits == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for images");
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++)
        bench->images[i] = (float)dse_rng_normal(&rng);
    return DSE_OK;
}

static enum dse_status open_bench(struct bench *bench, char **argv, struct dse_err *err) {
    enum dse_kernel_choice choice;
    if (!dse_kernel_choice_find(argv[3], &choice))
        DSE_FAIL(err, DSE_USAGE, "kernels '%s': use auto, c, openblas or onednn", argv[3]);
    DSE_TRY(dse_graph_load_onnx(argv[1], "logits", &bench->graph, err));
    DSE_TRY(dse_kernels_new(choice, &bench->kernels, err));
    int n_layers = bench->graph->n_layers;
    bench->amax = dse_alloc((size_t)n_layers, sizeof *bench->amax);
    if (bench->amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for scales");
    DSE_TRY(read_amax(argv[2], n_layers, bench->amax, err));
    DSE_TRY(
        dse_plan_new(bench->graph, bench->kernels, bench->batch, bench->amax, &bench->plan, err));
    DSE_TRY(dse_candidate_init(&bench->candidate, n_layers, err));
    for (int i = 0; i < n_layers; i++)
        bench->candidate.input_bits[i] = bench->candidate.weight_bits[i] = BITS;
    return make_images(bench, err);
}

static enum dse_status run_once(struct bench *bench, struct dse_err *err) {
    static const int order[] = {0};
    struct dse_plan_stats stats = {0};
    return dse_plan_run(bench->plan, &bench->candidate, 1, order, bench->images, bench->batch,
                        bench->logits, &stats, err);
}

static enum dse_status measure(struct bench *bench, double seconds, struct dse_err *err) {
    DSE_TRY(run_once(bench, err)); /* packs the weights */
    int64_t start = dse_clock_mono_ms(), now, images = 0;
    do {
        DSE_TRY(run_once(bench, err));
        images += bench->batch;
        now = dse_clock_mono_ms();
    } while ((double)(now - start) < seconds * 1000);
    printf("engine %.1f\n%s, batch %d\n", (double)images * 1000 / (double)(now - start),
           dse_kernels_describe(bench->kernels), bench->batch);
    return DSE_OK;
}

static void close_bench(struct bench *bench) {
    dse_free(bench->images);
    dse_free(bench->logits);
    dse_candidate_fini(&bench->candidate);
    dse_plan_free(bench->plan);
    dse_free(bench->amax);
    dse_kernels_free(bench->kernels);
    dse_graph_free(bench->graph);
}

int main(int argc, char **argv) {
    dse_kernels_fix_environment(argv);
    if (argc < 4) {
        (void)fprintf(stderr, "use: bench_images MODEL.onnx AMAX.txt KERNELS [SECONDS [BATCH]]\n");
        return dse_status_exit(DSE_USAGE);
    }
    struct bench bench = {.batch = argc > 5 ? (int)strtol(argv[5], NULL, 10) : DEFAULT_BATCH};
    double seconds = argc > 4 ? strtod(argv[4], NULL) : DEFAULT_SECONDS;
    struct dse_err err = {0};
    enum dse_status status =
        bench.batch > 0 ? open_bench(&bench, argv, &err)
                        : dse_err_set(&err, DSE_USAGE, "batch '%s': use a number above 0", argv[5]);
    if (status == DSE_OK)
        status = measure(&bench, seconds, &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_images: %s\n", err.text);
    close_bench(&bench);
    return dse_status_exit(status);
}
