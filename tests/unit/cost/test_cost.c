/* MACs and weights counted by hand. */
#include "evaluator/cost/cost.h"
#include "tests/lib/testing.h"

static void assert_layer(const char *model, const char *output, int layer, int64_t macs,
                         int64_t weights) {
    char path[512];
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", DSE_SOURCE_DIR, model);
    const struct dse_graph_options options = {.outputs = &output, .n_outputs = 1};
    assert_ok(dse_graph_load_onnx(path, &options, &graph, &err), &err);
    const struct dse_node *node = &graph->nodes[graph->layers[layer]];
    assert_int_equal(dse_cost_macs(graph, node), macs);
    assert_int_equal(dse_cost_weights(graph, node), weights);
    dse_graph_free(graph);
}

static void padding_counts_as_data(void **state) {
    (void)state;
    const char *sample = "workloads/models/resnet8-3exits-fashion.onnx";
    assert_layer(sample, "logits", 0, 28 * 28 * 16 * 9 * 1, 16 * 9);
    assert_layer(sample, "logits", 3, 14 * 14 * 32 * 9 * 16, 32 * 9 * 16);
    assert_layer(sample, "logits", 5, 14 * 14 * 32 * 16, 32 * 16);
    assert_layer(sample, "logits", 9, 64 * 10, 64 * 10);
}

static void groups_divide_the_work(void **state) {
    (void)state;
    /* 4 to 6 channels in 2 groups, 3x3, output 5 x 8 */
    assert_layer("tests/fixtures/onnx/windows.onnx", "", 0, 5 * 8 * 6 * 9 * 2, 6 * 9 * 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_counts_as_data),
        cmocka_unit_test(groups_divide_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
