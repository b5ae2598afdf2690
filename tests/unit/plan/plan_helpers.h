/* What the tests of plans share: models, candidates, images, runs. */
#ifndef DSE_TESTS_PLAN_HELPERS_H
#define DSE_TESTS_PLAN_HELPERS_H

#include "evaluator/plan/plan.h"
#include "tests/lib/testing.h"

#define SAMPLE DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx"

static inline struct dse_graph *load_graph(const char *path, const char *output) {
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    const struct dse_graph_options options = {.outputs = &output, .n_outputs = 1};
    assert_ok(dse_graph_load_onnx(path, &options, &graph, &err), &err);
    return graph;
}

static inline size_t image_size(const struct dse_graph *graph) {
    return dse_shape_size(graph->values[graph->input].shape);
}

/* Normal numbers; the caller frees them. */
static inline float *random_images(const struct dse_graph *graph, int n, uint32_t stream) {
    size_t total = image_size(graph) * (size_t)n;
    float *images = dse_alloc(total, sizeof *images);
    struct dse_rng rng;
    assert_non_null(images);
    dse_rng_init(&rng, 1, DSE_RNG_TEST, stream, 0);
    for (size_t i = 0; i < total; i++)
        images[i] = (float)dse_rng_normal(&rng);
    return images;
}

static inline struct dse_candidate new_candidate(int n_layers, int bits) {
    struct dse_candidate candidate;
    struct dse_err err = {0};
    assert_ok(dse_candidate_init(&candidate, n_layers, 0, &err), &err);
    for (int i = 0; i < n_layers; i++)
        candidate.input_bits[i] = candidate.weight_bits[i] = bits;
    return candidate;
}

/* Layers from first on get random bits. */
static inline void vary_candidate(struct dse_candidate *candidate, int first, struct dse_rng *rng) {
    for (int i = first; i < candidate->n_layers; i++) {
        candidate->input_bits[i] = 2 + (int)dse_rng_below(rng, 7);
        candidate->weight_bits[i] = 2 + (int)dse_rng_below(rng, 7);
    }
}

static inline void copy_candidate(struct dse_candidate *to, const struct dse_candidate *from) {
    size_t bytes = (size_t)from->n_layers * sizeof *to->input_bits;
    memcpy(to->input_bits, from->input_bits, bytes);
    memcpy(to->weight_bits, from->weight_bits, bytes);
}

/* Largest inputs by calibration on these images; the caller frees them. */
static inline double *calibrate(const struct dse_graph *graph, const float *images, int n) {
    struct dse_err err = {0};
    double *amax = dse_alloc((size_t)graph->n_layers, sizeof *amax);
    assert_non_null(amax);
    struct dse_calibration_rule rule = {DSE_CALIBRATION_PERCENTILE, 99.99};
    assert_ok(dse_plan_calibrate(graph, images, n, &rule, amax, NULL, NULL, &err), &err);
    return amax;
}

static inline struct dse_kernels *new_kernels(enum dse_kernel_choice choice) {
    struct dse_kernels *kernels = NULL;
    struct dse_err err = {0};
    assert_ok(dse_kernels_new(choice, &kernels, &err), &err);
    return kernels;
}

static inline struct dse_plan *new_plan_with(const struct dse_graph *graph,
                                             struct dse_kernels *kernels,
                                             const struct dse_plan_options *options) {
    struct dse_plan *plan = NULL;
    struct dse_err err = {0};
    assert_ok(dse_plan_new(graph, kernels, options, &plan, &err), &err);
    return plan;
}

static inline struct dse_plan *new_plan(const struct dse_graph *graph, struct dse_kernels *kernels,
                                        int batch, const double *amax) {
    const struct dse_plan_options options = {.batch = batch, .input_amax = amax};
    return new_plan_with(graph, kernels, &options);
}

/* All images through one candidate, batch by batch: logits [n][classes], freed by the caller. */
static inline float *run_one(struct dse_plan *plan, const struct dse_graph *graph, int batch,
                             const struct dse_candidate *candidate, const float *images, int n) {
    const int order = 0;
    size_t classes = (size_t)dse_plan_classes(plan);
    float *logits = dse_alloc((size_t)n * classes, sizeof *logits);
    struct dse_err err = {0};
    assert_non_null(logits);
    for (int at = 0; at < n; at += batch)
        assert_ok(dse_plan_run(plan, candidate, 1, &order, images + (size_t)at * image_size(graph),
                               n - at < batch ? n - at : batch, logits + (size_t)at * classes, NULL,
                               &err),
                  &err);
    return logits;
}

#endif
