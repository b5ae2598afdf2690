/* Trained models from outside the repository; skipped where they are absent. */
#include "evaluator/cost/cost.h"
#include "evaluator/graph/graph.h"
#include "tests/lib/testing.h"

static const char *model_path(const char *name) {
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/data/models/%s.onnx", DSE_SHARED_DIR, name);
    return path;
}

static struct dse_graph *load(const char *name, const char *output) {
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    const struct dse_graph_options options = {.outputs = &output, .n_outputs = 1};
    assert_ok(dse_graph_load_onnx(model_path(name), &options, &graph, &err), &err);
    return graph;
}

static int64_t sum_macs(const struct dse_graph *graph) {
    int64_t sum = 0;
    for (int i = 0; i < graph->n_layers; i++)
        sum += dse_cost_macs(graph, &graph->nodes[graph->layers[i]]);
    return sum;
}

static int count_ops(const struct dse_graph *graph, enum dse_op op) {
    int n = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        n += graph->nodes[i].op == op;
    return n;
}

/* MACs of the paper's networks, by hand: conv1 442,368; stage 1 6 x 2,359,296; stages 2 and 3
 * 1,179,648 + 5 x 2,359,296 each; dense 640. */
static void resnet20_has_its_layers(void **state) {
    (void)state;
    struct dse_graph *graph = load("resnet20-cifar10", "");
    assert_int_equal(graph->n_layers, 20);
    assert_int_equal(sum_macs(graph), 442368 + 6 * 2359296 + 2 * (1179648 + 5 * 2359296) + 640);
    assert_int_equal(count_ops(graph, DSE_OP_PAD), 2);
    assert_int_equal(count_ops(graph, DSE_OP_SLICE), 4);
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        if (node->op != DSE_OP_PAD)
            continue;
        int c = dse_graph_output_shape(graph, node).c;
        assert_int_equal(node->pad.before[DSE_AXIS_C], c / 4);
        assert_int_equal(node->pad.after[DSE_AXIS_C], c / 4);
    }
    dse_graph_free(graph);
}

static void resnet32_has_its_layers(void **state) {
    (void)state;
    struct dse_graph *graph = load("resnet32-cifar10", "");
    assert_int_equal(graph->n_layers, 32);
    assert_int_equal(sum_macs(graph), 442368 + 10 * 2359296 + 2 * (1179648 + 9 * 2359296) + 640);
    dse_graph_free(graph);
}

static void resnet8_has_a_dense_layer_on_a_map(void **state) {
    (void)state;
    struct dse_graph *graph = load("resnet8-2exits-cifar10", "exit0");
    const struct dse_node *dense = &graph->nodes[graph->layers[graph->n_layers - 1]];
    assert_int_equal(dense->op, DSE_OP_DENSE);
    assert_int_equal(dse_graph_input_shape(graph, dense).c, 512);
    assert_int_equal(graph->n_layers, 4);
    dse_graph_free(graph);
    graph = load("resnet8-2exits-cifar10", "exit1");
    assert_int_equal(graph->n_layers, 10);
    dse_graph_free(graph);
}

int main(void) {
    if (access(model_path("resnet20-cifar10"), R_OK) != 0)
        skip_all("the trained models are not there");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet20_has_its_layers),
        cmocka_unit_test(resnet32_has_its_layers),
        cmocka_unit_test(resnet8_has_a_dense_layer_on_a_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
