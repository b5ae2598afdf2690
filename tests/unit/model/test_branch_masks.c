/* Branches with the masks of an image written down compute what the engine does with dropout. */
#include <math.h>

#include "evaluator/model/branch_masks.h"
#include "evaluator/model/model.h"
#include "tests/unit/plan/plan_helpers.h"

enum { BRANCHES = 3, IMAGE = 4711 };
static const uint64_t SEED = 0x0123456789abcdef;

static struct dse_onnx *load(const char *path) {
    struct dse_onnx *onnx = NULL;
    struct dse_err err = {0};
    assert_ok(dse_onnx_load(path, &onnx, &err), &err);
    return onnx;
}

static void add_dropouts(struct dse_onnx *onnx, const char *start, double rate) {
    struct dse_err err = {0};
    int node, n;
    double unused;
    assert_ok(dse_surgery_find_start(onnx, start, &node, &unused, &err), &err);
    assert_ok(dse_surgery_add_dropouts(onnx, node, rate, &n, &err), &err);
    assert_true(n > 0);
}

static struct dse_graph *graph_of(const struct dse_onnx *onnx) {
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    assert_ok(model__graph_of(onnx, "model", &graph, &err), &err);
    return graph;
}

static void branch(struct dse_onnx *onnx, const struct dse_graph *graph) {
    struct model__masks masks = {.seed = SEED, .image = IMAGE};
    const struct dse_surgery_masks drawn = {model__masks_draw, &masks};
    struct dse_err err = {0};
    assert_ok(model__masks_init(&masks, onnx, graph, &err), &err);
    assert_ok(dse_surgery_branch(onnx, BRANCHES, &drawn, &err), &err);
    model__masks_fini(&masks);
}

/* One image, all outputs of every pass; layers with a Dropout of the graph drop. */
static void run(const struct dse_graph *graph, const float *image, int passes, float *logits) {
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(graph, kernels, 1, NULL);
    struct dse_candidate candidate = new_candidate(graph->n_layers, 0);
    int order[BRANCHES];
    struct dse_err err = {0};
    candidate.passes = passes;
    for (int l = 0; l < graph->n_layers; l++) {
        const struct dse_conv_node *conv = &graph->nodes[graph->layers[l]].conv;
        candidate.dropout[l] = conv->drops ? (int)dse_dropout_steps((double)conv->rate) : 0;
    }
    dse_plan_set_masks(plan, SEED, IMAGE);
    assert_ok(dse_plan_order(plan, &candidate, 1, order, &err), &err);
    assert_ok(dse_plan_run(plan, &candidate, 1, order, image, 1, logits, NULL, &err), &err);
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
}

/* Place of an output's branch among those of the branched graph; of the output itself where no
 * dropout comes before it. */
static int place_of(const struct dse_graph *branched, const char *output, int pass) {
    char name[300];
    (void)snprintf(name, sizeof name, "%s_branch_%d", output, pass);
    for (int i = 0; i < branched->n_outputs; i++) {
        const char *found = branched->values[branched->outputs[i]].name;
        if (strcmp(found, name) == 0 || strcmp(found, output) == 0)
            return i;
    }
    fail_msg("no output %s", name);
    return -1;
}

/* To the bit, but where sums are in another order. */
static void assert_near(const float *a, const float *b, size_t n, float tolerance) {
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= tolerance * fmaxf(1, fabsf(a[i]))))
            fail_msg("%zu: %.9g and %.9g", i, (double)a[i], (double)b[i]);
}

/* Takes the model. */
static void assert_branches_are_passes(struct dse_onnx *onnx, const char *start, double rate,
                                       float tolerance) {
    add_dropouts(onnx, start, rate);
    struct dse_graph *graph = graph_of(onnx);
    float *image = random_images(graph, 1, 80);
    branch(onnx, graph);
    struct dse_graph *branched = graph_of(onnx);
    int outputs = graph->n_outputs;
    size_t classes = dse_shape_size(graph->values[graph->output].shape), row = classes;
    float *expected = dse_alloc(BRANCHES * (size_t)outputs * row, sizeof *expected);
    float *found = dse_alloc((size_t)branched->n_outputs * row, sizeof *found);
    assert_true(expected != NULL && found != NULL && branched->n_outputs > outputs);
    run(graph, image, BRANCHES, expected);
    run(branched, image, 1, found);
    for (int pass = 0; pass < BRANCHES; pass++)
        for (int o = 0; o < outputs; o++) {
            const char *name = graph->values[graph->outputs[o]].name;
            const float *a = expected + ((size_t)pass * (size_t)outputs + (size_t)o) * row;
            const float *b = found + (size_t)place_of(branched, name, pass) * row;
            assert_near(a, b, row, tolerance);
        }
    /* Dropout has done something, and not the same in all passes. */
    size_t last = (size_t)(outputs - 1) * row, pass = (size_t)outputs * row;
    assert_memory_not_equal(expected + last, expected + pass + last, row * sizeof *expected);
    dse_free(expected);
    dse_free(found);
    dse_free(image);
    dse_graph_free(branched);
    dse_graph_free(graph);
    dse_onnx_free(onnx);
}

static void branches_of_a_network_with_exits_are_passes(void **state) {
    (void)state;
    assert_branches_are_passes(load(SAMPLE), "partial", 0.2, 0);
    assert_branches_are_passes(load(SAMPLE), "full", 0.054988, 0);
    assert_branches_are_passes(load(SAMPLE), "last-layer", 0.5, 0);
}

/* The mask of a dense layer behind a flattened map has ONNX's order, the engine's another; so have
 * the layer's sums. */
static void masks_of_flattened_maps_are_in_order(void **state) {
    (void)state;
    struct dse_onnx *onnx = NULL;
    struct dse_err err = {0};
    assert_ok(dse_surgery_new_network((struct dse_shape){12, 10, 2},
                                      "conv=6x5,relu,max=2,dense=16,relu,dense=10", "", 1, &onnx,
                                      &err),
              &err);
    assert_branches_are_passes(onnx, "full", 0.3, 1e-5f);
}

static void a_dropout_of_two_layers_has_no_mask(void **state) {
    (void)state;
    struct dse_onnx *onnx = load(SAMPLE);
    add_dropouts(onnx, "full", 0.2);
    struct dse_graph *graph = graph_of(onnx);
    struct model__masks masks = {0};
    struct dse_err err = {0};
    int a = dse_onnx_find_node(onnx, "/stage2/conv1/Conv");
    int b = dse_onnx_find_node(onnx, "/stage2/shortcut/Conv");
    dse_onnx_set_node_input(onnx, a, 0, dse_onnx_node(onnx, b).inputs[0]);
    assert_int_equal(model__masks_init(&masks, onnx, graph, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "is not on the input of one layer alone"));
    dse_graph_free(graph);
    dse_onnx_free(onnx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_of_a_network_with_exits_are_passes),
        cmocka_unit_test(masks_of_flattened_maps_are_in_order),
        cmocka_unit_test(a_dropout_of_two_layers_has_no_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
