/* Images per second of a quantised network, on one thread.
 *
 *     bench_images MODEL.onnx AMAX.txt KERNELS [SECONDS [BATCH [POPULATION]]]
 *
 * POPULATION: "one" (all layers at 8 bits), "float" (float32), "random" (32 candidates of random
 * bits), "neighbours" (32 mutants of one random parent, each different in one or two layers of the
 * last third), or a file of genomes, a line each: [input bits, weight bits, ...] as the database
 * has them. An image counts once a candidate. Time is that of the processor, so that other programs
 * matter little. Prints "engine N", then what ran, with the part of the layers that was computed;
 * then what candidates gain by going together and what new bit widths cost. The images are random:
 * the work does not depend on them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"
#include "evaluator/plan/plan.h"

enum {
    BITS = 8,
    DEFAULT_BATCH = 8,
    DEFAULT_SECONDS = 3,
    POPULATION = 32,
    MOST_CANDIDATES = 256,
    EVALUATED_IMAGES = 2000, /* of a candidate, where costs are stated a candidate */
};

struct bench {
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    struct dse_candidate candidates[MOST_CANDIDATES];
    int n_candidates;
    int order[MOST_CANDIDATES];
    struct dse_plan_stats stats;
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
    size_t n_logits =
        (size_t)bench->n_candidates * (size_t)bench->batch * (size_t)dse_plan_classes(bench->plan);
    bench->images = dse_alloc_aligned(n, sizeof *bench->images);
    bench->logits = dse_alloc_aligned(n_logits, sizeof *bench->logits);
    if (bench->images == NULL || bench->logits == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for images");
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++)
        bench->images[i] = (float)dse_rng_normal(&rng);
    return DSE_OK;
}

static void draw_bits(struct dse_candidate *candidate, int layer, struct dse_rng *rng) {
    candidate->input_bits[layer] = 2 + (int)dse_rng_below(rng, BITS - 1);
    candidate->weight_bits[layer] = 2 + (int)dse_rng_below(rng, BITS - 1);
}

static void mutate(const struct dse_candidate *parent, struct dse_candidate *child,
                   struct dse_rng *rng) {
    int n = parent->n_layers, late = n / 3 > 0 ? n / 3 : 1;
    memcpy(child->input_bits, parent->input_bits, (size_t)n * sizeof *child->input_bits);
    memcpy(child->weight_bits, parent->weight_bits, (size_t)n * sizeof *child->weight_bits);
    for (uint32_t times = 1 + dse_rng_below(rng, 2); times > 0; times--)
        draw_bits(child, n - 1 - (int)dse_rng_below(rng, (uint32_t)late), rng);
}

static enum dse_status read_population(struct bench *bench, FILE *file, const char *path,
                                       struct dse_err *err) {
    int n_layers = bench->graph->n_layers;
    while (bench->n_candidates < MOST_CANDIDATES && fscanf(file, " [") == 0 && !feof(file)) {
        struct dse_candidate *candidate = &bench->candidates[bench->n_candidates];
        DSE_TRY(dse_candidate_init(candidate, n_layers, 0, err));
        bench->n_candidates++;
        for (int i = 0; i < n_layers; i++)
            if (fscanf(file, "%d ,%d%*[],\n]", &candidate->input_bits[i],
                       &candidate->weight_bits[i]) != 2)
                DSE_FAIL(err, DSE_INVALID, "'%s', genome %d: no pair of bits for layer %d", path,
                         bench->n_candidates, i + 1);
    }
    if (bench->n_candidates == 0)
        DSE_FAIL(err, DSE_INVALID, "'%s' holds no genome", path);
    return dse_plan_order(bench->plan, bench->candidates, bench->n_candidates, bench->order, err);
}

static enum dse_status make_population(struct bench *bench, const char *kind, struct dse_err *err) {
    FILE *file = fopen(kind, "r");
    if (file != NULL) {
        enum dse_status status = read_population(bench, file, kind, err);
        (void)fclose(file);
        return status;
    }
    bool is_float = strcmp(kind, "float") == 0, one = strcmp(kind, "one") == 0 || is_float;
    bool neighbours = strcmp(kind, "neighbours") == 0;
    if (!one && !neighbours && strcmp(kind, "random") != 0)
        DSE_FAIL(err, DSE_USAGE, "population '%s': use one, float, random, neighbours or a file",
                 kind);
    struct dse_rng rng;
    dse_rng_init(&rng, 2, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < (one ? 1 : POPULATION); i++) {
        struct dse_candidate *candidate = &bench->candidates[i];
        DSE_TRY(dse_candidate_init(candidate, bench->graph->n_layers, 0, err));
        bench->n_candidates++;
        if (neighbours && i > 0) {
            mutate(&bench->candidates[0], candidate, &rng);
            continue;
        }
        for (int layer = 0; layer < candidate->n_layers; layer++)
            if (one)
                candidate->input_bits[layer] = candidate->weight_bits[layer] = is_float ? 0 : BITS;
            else
                draw_bits(candidate, layer, &rng);
    }
    return dse_plan_order(bench->plan, bench->candidates, bench->n_candidates, bench->order, err);
}

static enum dse_status open_bench(struct bench *bench, char **argv, const char *kind,
                                  struct dse_err *err) {
    static const char *const output = "logits";
    const struct dse_graph_options options = {.outputs = &output, .n_outputs = 1};
    enum dse_kernel_choice choice;
    if (!dse_kernel_choice_find(argv[3], &choice))
        DSE_FAIL(err, DSE_USAGE, "kernels '%s': use auto, c, openblas, onednn or vector", argv[3]);
    DSE_TRY(dse_graph_load_onnx(argv[1], &options, &bench->graph, err));
    DSE_TRY(dse_kernels_new(choice, &bench->kernels, err));
    int n_layers = bench->graph->n_layers;
    bench->amax = dse_alloc((size_t)n_layers, sizeof *bench->amax);
    if (bench->amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for scales");
    DSE_TRY(read_amax(argv[2], n_layers, bench->amax, err));
    const struct dse_plan_options how = {.batch = bench->batch, .input_amax = bench->amax};
    DSE_TRY(dse_plan_new(bench->graph, bench->kernels, &how, &bench->plan, err));
    DSE_TRY(make_population(bench, kind, err));
    return make_images(bench, err);
}

static enum dse_status run_once(struct bench *bench, struct dse_err *err) {
    return dse_plan_run(bench->plan, bench->candidates, bench->n_candidates, bench->order,
                        bench->images, bench->batch, bench->logits, &bench->stats, err);
}

static double seconds_since(clock_t start) {
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* One candidate after the other, none sharing anything. */
static enum dse_status run_alone(struct bench *bench, struct dse_err *err) {
    const int first = 0;
    for (int i = 0; i < bench->n_candidates; i++)
        DSE_TRY(dse_plan_run(bench->plan, &bench->candidates[i], 1, &first, bench->images,
                             bench->batch, bench->logits, NULL, err));
    return DSE_OK;
}

/* What the candidates gain by going together, each by turns with the other; their new bit widths.
 */
static enum dse_status measure_sharing(struct bench *bench, double packing, double seconds,
                                       struct dse_err *err) {
    double together = 0, alone = 0;
    int rounds = 0;
    for (; together + alone < seconds; rounds++) {
        clock_t start = clock();
        DSE_TRY(run_once(bench, err));
        together += seconds_since(start);
        start = clock();
        DSE_TRY(run_alone(bench, err));
        alone += seconds_since(start);
    }
    double images = (double)rounds * bench->batch * bench->n_candidates / EVALUATED_IMAGES;
    double cold = packing - together / rounds;
    printf("candidates a second over %d images: together %.2f, one at a time %.2f, ratio %.2f\n",
           EVALUATED_IMAGES, images / together, images / alone, alone / together);
    printf("first use of all bit widths: %.2f ms a candidate, %.1f %% of its evaluation\n",
           1000 * cold / bench->n_candidates,
           100 * cold / bench->n_candidates / (together / images));
    return DSE_OK;
}

static enum dse_status measure(struct bench *bench, double seconds, struct dse_err *err) {
    clock_t start = clock(), now;
    DSE_TRY(run_once(bench, err)); /* makes the convolutions, packs the weights */
    double first = seconds_since(start);
    int64_t images = 0;
    start = clock();
    do {
        DSE_TRY(run_once(bench, err));
        images += (int64_t)bench->batch * bench->n_candidates;
        now = clock();
    } while ((double)(now - start) < seconds * CLOCKS_PER_SEC);
    printf("engine %.1f\n%s, batch %d, candidates %d, layers computed %.0f %%\n",
           (double)images * CLOCKS_PER_SEC / (double)(now - start),
           dse_kernels_describe(bench->kernels), bench->batch, bench->n_candidates,
           100 * (double)bench->stats.layers_run / (double)bench->stats.layers_asked);
    return measure_sharing(bench, first, seconds, err);
}

static void close_bench(struct bench *bench) {
    dse_free(bench->images);
    dse_free(bench->logits);
    for (int i = 0; i < bench->n_candidates; i++)
        dse_candidate_fini(&bench->candidates[i]);
    dse_plan_free(bench->plan);
    dse_free(bench->amax);
    dse_kernels_free(bench->kernels);
    dse_graph_free(bench->graph);
}

int main(int argc, char **argv) {
    dse_kernels_fix_environment(argv);
    if (argc < 4) {
        (void)fprintf(stderr, "use: bench_images MODEL.onnx AMAX.txt KERNELS [SECONDS [BATCH "
                              "[POPULATION]]]\n");
        return dse_status_exit(DSE_USAGE);
    }
    struct bench bench = {.batch = argc > 5 ? (int)strtol(argv[5], NULL, 10) : DEFAULT_BATCH};
    double seconds = argc > 4 ? strtod(argv[4], NULL) : DEFAULT_SECONDS;
    struct dse_err err = {0};
    enum dse_status status =
        bench.batch > 0 ? open_bench(&bench, argv, argc > 6 ? argv[6] : "one", &err)
                        : dse_err_set(&err, DSE_USAGE, "batch '%s': use a number above 0", argv[5]);
    if (status == DSE_OK)
        status = measure(&bench, seconds, &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_images: %s\n", err.text);
    close_bench(&bench);
    return dse_status_exit(status);
}
