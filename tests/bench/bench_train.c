/* Training images per second of a network, forward, backward and optimiser.
 *
 *     bench_train MODEL.onnx THREADS [BATCH [SECONDS [KERNELS]]]
 *
 * Images and labels are random: the work does not depend on them. Used by train_per_second.sh. */
#include <stdio.h>
#include <stdlib.h>

#include "evaluator/train/train.h"

enum { DEFAULT_BATCH = 128, DEFAULT_SECONDS = 5 };

struct bench {
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_net *net;
    struct dse_optimizer *optimizer;
    struct dse_net_batch batch;
    float *images;
    int32_t *labels;
    uint32_t *ids;
};

static enum dse_status make_batch(struct bench *b, int n, struct dse_err *err) {
    size_t size = dse_shape_size(b->graph->values[b->graph->input].shape);
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    b->images = dse_alloc_aligned((size_t)n * size, sizeof *b->images);
    b->labels = dse_alloc((size_t)n, sizeof *b->labels);
    b->ids = dse_alloc((size_t)n, sizeof *b->ids);
    if (b->images == NULL || b->labels == NULL || b->ids == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images", n);
    for (size_t i = 0; i < (size_t)n * size; i++)
        b->images[i] = (float)dse_rng_normal(&rng);
    for (int i = 0; i < n; i++)
        b->labels[i] = (int32_t)dse_rng_below(&rng, (uint32_t)dse_net_classes(b->net));
    b->batch = (struct dse_net_batch){b->images, b->labels, b->ids, n, 0};
    return DSE_OK;
}

struct work {
    const char *path;
    int threads, batch, seconds;
    enum dse_kernel_choice kernels;
};

static enum dse_status run(struct bench *b, const struct work *work, struct dse_err *err) {
    int batch = work->batch;
    struct dse_graph_options options = {.for_training = true};
    struct dse_net_result result;
    DSE_TRY(dse_graph_load_onnx(work->path, &options, &b->graph, err));
    DSE_TRY(dse_kernels_new(work->kernels, &b->kernels, err));
    struct dse_net_setup setup = {.graph = b->graph,
                                  .kernels = b->kernels,
                                  .threads = work->threads,
                                  .batch = batch,
                                  .output_weights = {1.0}};
    DSE_TRY(dse_net_new(&setup, &b->net, err));
    DSE_TRY(make_batch(b, batch, err));
    struct dse_net_parameters p = dse_net_parameters(b->net);
    struct dse_optimizer_options rule = {.rule = DSE_SGD, .momentum = 0.9, .weight_decay = 1e-4};
    DSE_TRY(dse_optimizer_new(&rule, p.n, &b->optimizer, err));
    DSE_TRY(dse_net_step(b->net, &b->batch, &result, err));
    int64_t begin = dse_clock_mono_ms(), images = 0, now = begin;
    for (; now < begin + work->seconds * 1000; images += batch, now = dse_clock_mono_ms()) {
        DSE_TRY(dse_net_step(b->net, &b->batch, &result, err));
        dse_optimizer_step(b->optimizer, &p, 0.01);
    }
    printf("engine %.1f\n", (double)images * 1000.0 / (double)(now - begin));
    return DSE_OK;
}

int main(int argc, char **argv) {
    struct bench bench = {0};
    struct dse_err err = {0};
    dse_kernels_fix_environment(argv);
    if (argc < 3) {
        (void)fprintf(stderr,
                      "usage: bench_train MODEL.onnx THREADS [BATCH [SECONDS [KERNELS]]]\n");
        return 2;
    }
    struct work work = {argv[1], atoi(argv[2]), argc > 3 ? atoi(argv[3]) : DEFAULT_BATCH,
                        argc > 4 ? atoi(argv[4]) : DEFAULT_SECONDS, DSE_KERNELS_AUTO};
    if (argc > 5 && !dse_kernel_choice_find(argv[5], &work.kernels)) {
        (void)fprintf(stderr, "bench_train: there are no kernels '%s'\n", argv[5]);
        return 2;
    }
    enum dse_status status = run(&bench, &work, &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_train: %s\n", err.text);
    dse_optimizer_free(bench.optimizer);
    dse_net_free(bench.net);
    dse_kernels_free(bench.kernels);
    dse_graph_free(bench.graph);
    dse_free(bench.images);
    dse_free(bench.labels);
    dse_free(bench.ids);
    return dse_status_exit(status);
}
