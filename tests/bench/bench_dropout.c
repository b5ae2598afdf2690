/* What Monte-Carlo dropout costs beside the same network without it, on one thread.
 *
 *     bench_dropout MODEL.onnx AMAX.txt [SECONDS [BATCH]]
 *
 * All layers at 8 bits, 5 passes. Dropout from the last layer, from the middle (the tenth layer of
 * a ResNet-20: behind the first block of the second stage) and from the second layer onward. Kinds
 * take turns, five rounds, and medians count. "allowed" is the share of the images per second that
 * the multiply-accumulates leave: vanilla / (backbone + 5 x tail); "reached" is the share of that
 * which is measured. Every batch takes other images, so that no mask is made twice. */
#include <stdio.h>
#include <stdlib.h>

#include "evaluator/cost/cost.h"
#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"
#include "evaluator/plan/plan.h"

enum { BITS = 8, PASSES = 5, ROUNDS = 5, KINDS = 4, DEFAULT_BATCH = 8 };
static const double DEFAULT_SECONDS = 1, RATE = 0.1;

struct bench {
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    double *amax;
    float *images, *logits;
    int batch;
    uint32_t next_image;
};

struct kind {
    const char *name;
    int start; /* first layer with dropout; -1: none */
    struct dse_candidate candidate;
    double speeds[ROUNDS]; /* images per second */
    double work;           /* multiply-accumulates per image */
};

static enum dse_status read_amax(const char *path, int n, double *amax, struct dse_err *err) {
    FILE *file = fopen(path, "r");
    int read = 0;
    while (file != NULL && read < n && fscanf(file, "%lf", &amax[read]) == 1)
        read++;
    if (file != NULL)
        (void)fclose(file);
    if (read < n)
        DSE_FAIL(err, DSE_INVALID, "'%s' has %d values, the model %d layers", path, read, n);
    return DSE_OK;
}

static enum dse_status open_bench(struct bench *bench, char **argv, struct dse_err *err) {
    DSE_TRY(dse_graph_load_onnx(argv[1], NULL, &bench->graph, err));
    DSE_TRY(dse_kernels_new(DSE_KERNELS_AUTO, &bench->kernels, err));
    size_t size = dse_shape_size(bench->graph->values[bench->graph->input].shape);
    bench->amax = dse_alloc((size_t)bench->graph->n_layers, sizeof *bench->amax);
    bench->images = dse_alloc((size_t)bench->batch * size, sizeof *bench->images);
    if (bench->amax == NULL || bench->images == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for images");
    DSE_TRY(read_amax(argv[2], bench->graph->n_layers, bench->amax, err));
    const struct dse_plan_options options = {.batch = bench->batch, .input_amax = bench->amax};
    DSE_TRY(dse_plan_new(bench->graph, bench->kernels, &options, &bench->plan, err));
    bench->logits = dse_alloc((size_t)(PASSES * bench->batch * dse_plan_classes(bench->plan)),
                              sizeof *bench->logits);
    if (bench->logits == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for logits");
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (size_t i = 0; i < (size_t)bench->batch * size; i++)
        bench->images[i] = (float)dse_rng_normal(&rng);
    return DSE_OK;
}

static enum dse_status open_kind(const struct bench *bench, struct kind *kind,
                                 struct dse_err *err) {
    const struct dse_graph *graph = bench->graph;
    DSE_TRY(dse_candidate_init(&kind->candidate, graph->n_layers, 0, err));
    for (int i = 0; i < graph->n_layers; i++) {
        bool drops = kind->start >= 0 && i >= kind->start;
        kind->candidate.input_bits[i] = kind->candidate.weight_bits[i] = BITS;
        kind->candidate.dropout[i] = drops ? (int)dse_dropout_steps(RATE) : 0;
        kind->work +=
            (double)dse_cost_macs(graph, &graph->nodes[graph->layers[i]]) * (drops ? PASSES : 1);
    }
    kind->candidate.passes = kind->start >= 0 ? PASSES : 1;
    return DSE_OK;
}

static enum dse_status measure(struct bench *bench, struct kind *kind, double seconds,
                               double *speed, struct dse_err *err) {
    int order[PASSES];
    int64_t begin_ms = dse_clock_mono_ms(), now_ms = begin_ms, images = 0;
    DSE_TRY(dse_plan_order(bench->plan, &kind->candidate, 1, order, err));
    for (; (double)(now_ms - begin_ms) < seconds * 1000; now_ms = dse_clock_mono_ms()) {
        dse_plan_set_masks(bench->plan, 1, bench->next_image);
        bench->next_image += (uint32_t)bench->batch;
        DSE_TRY(dse_plan_run(bench->plan, &kind->candidate, 1, order, bench->images, bench->batch,
                             bench->logits, NULL, err));
        images += bench->batch;
    }
    *speed = (double)images * 1000 / (double)(now_ms - begin_ms);
    return DSE_OK;
}

static int compare_speeds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *speeds) {
    qsort(speeds, ROUNDS, sizeof *speeds, compare_speeds);
    return speeds[ROUNDS / 2];
}

static void print(struct kind *kinds) {
    double vanilla = median(kinds[0].speeds);
    for (int k = 0; k < KINDS; k++) {
        double speed = median(kinds[k].speeds), allowed = kinds[0].work / kinds[k].work;
        printf("%-10s %9.0f images/s  ratio %.3f  allowed %.3f  reached %.2f\n", kinds[k].name,
               speed, speed / vanilla, allowed, speed / vanilla / allowed);
    }
}

static enum dse_status run(struct bench *bench, char **argv, double seconds, struct dse_err *err) {
    DSE_TRY(open_bench(bench, argv, err));
    int n = bench->graph->n_layers;
    struct kind kinds[KINDS] = {{.name = "vanilla", .start = -1},
                                {.name = "last-layer", .start = n - 1},
                                {.name = "partial", .start = n / 2 - 1},
                                {.name = "full", .start = 1}};
    enum dse_status status = DSE_OK;
    for (int k = 0; k < KINDS; k++)
        DSE_TRY_GOTO(status, open_kind(bench, &kinds[k], err), done);
    for (int round = -1; round < ROUNDS; round++) /* the first makes caches and weights ready */
        for (int k = 0; k < KINDS; k++)
            DSE_TRY_GOTO(status,
                         measure(bench, &kinds[k], round < 0 ? 0.1 : seconds,
                                 &kinds[k].speeds[round < 0 ? 0 : round], err),
                         done);
    print(kinds);
done:
    for (int k = 0; k < KINDS; k++)
        dse_candidate_fini(&kinds[k].candidate);
    return status;
}

int main(int argc, char **argv) {
    struct bench bench = {.batch = argc > 4 ? atoi(argv[4]) : DEFAULT_BATCH};
    struct dse_err err = {0};
    if (argc < 3 || argc > 5 || bench.batch < 1) {
        (void)fprintf(stderr, "usage: bench_dropout MODEL.onnx AMAX.txt [SECONDS [BATCH]]\n");
        return dse_status_exit(DSE_USAGE);
    }
    dse_kernels_fix_environment(argv);
    enum dse_status status = run(&bench, argv, argc > 3 ? atof(argv[3]) : DEFAULT_SECONDS, &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_dropout: %s\n", err.text);
    dse_plan_free(bench.plan);
    dse_kernels_free(bench.kernels);
    dse_graph_free(bench.graph);
    dse_free(bench.amax);
    dse_free(bench.images);
    dse_free(bench.logits);
    return dse_status_exit(status);
}
