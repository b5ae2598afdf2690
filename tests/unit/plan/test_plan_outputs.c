/* Early exits: several outputs of one graph, computed in one run. */
#include "tests/unit/plan/plan_helpers.h"

enum { BATCH = 3, EXITS = 3, CLASSES = 10 };
static const char *const exits[EXITS] = {"exit0", "exit1", "logits"};

/* Of a graph with fewer layers, from that of one with more: by name. */
static int layer_named(const struct dse_graph *graph, const char *name) {
    for (int i = 0; i < graph->n_layers; i++)
        if (strcmp(graph->nodes[graph->layers[i]].name, name) == 0)
            return i;
    fail_msg("no layer %s", name);
    return -1;
}

static void assert_one_exit(const struct dse_graph *whole, const double *whole_amax,
                            const struct dse_candidate *candidate, struct dse_kernels *kernels,
                            const float *images, int exit, const float *expected) {
    struct dse_graph *part = load_graph(SAMPLE, exits[exit]);
    struct dse_candidate of_part = new_candidate(part->n_layers, 0);
    double *amax = dse_alloc((size_t)part->n_layers, sizeof *amax);
    assert_non_null(amax);
    for (int i = 0; i < part->n_layers; i++) {
        int layer = layer_named(whole, part->nodes[part->layers[i]].name);
        amax[i] = whole_amax[layer];
        of_part.input_bits[i] = candidate->input_bits[layer];
        of_part.weight_bits[i] = candidate->weight_bits[layer];
    }
    struct dse_plan *plan = new_plan(part, kernels, BATCH, amax);
    float *logits = run_one(plan, part, BATCH, &of_part, images, BATCH);
    assert_memory_equal(logits, expected, sizeof(float) * BATCH * CLASSES);
    dse_free(logits);
    dse_plan_free(plan);
    dse_free(amax);
    dse_candidate_fini(&of_part);
    dse_graph_free(part);
}

static void each_exit_is_what_it_is_alone(void **state) {
    (void)state;
    const struct dse_graph_options options = {.outputs = exits, .n_outputs = EXITS};
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    struct dse_rng rng;
    assert_ok(dse_graph_load_onnx(SAMPLE, &options, &graph, &err), &err);
    float *images = random_images(graph, BATCH, 60);
    double *amax = calibrate(graph, images, BATCH);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(graph, kernels, BATCH, amax);
    struct dse_candidate candidate = new_candidate(graph->n_layers, 8);
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 61, 0);
    for (int round = 0; round < 4; round++) {
        float logits[EXITS][BATCH * CLASSES];
        const int order = 0;
        vary_candidate(&candidate, 0, &rng);
        assert_ok(
            dse_plan_run(plan, &candidate, 1, &order, images, BATCH, &logits[0][0], NULL, &err),
            &err);
        for (int i = 0; i < EXITS; i++)
            assert_one_exit(graph, amax, &candidate, kernels, images, i, logits[i]);
    }
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_free(amax);
    dse_free(images);
    dse_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_exit_is_what_it_is_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
