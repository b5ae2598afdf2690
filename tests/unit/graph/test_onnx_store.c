/* Numbers of a graph go back into its model: of every recorded network, read for training, all
 * numbers are changed, stored, written and read again, and are the changed ones. */
#include <dirent.h>

#include "evaluator/graph/graph.h"
#include "evaluator/graph/onnx_model.h"
#include "tests/lib/testing.h"

#define FOLDER DSE_FIXTURES_DIR "/networks"

static const struct dse_graph_options options = {.for_training = true};

static bool has_weights(const struct dse_node *node) {
    return node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE || node->op == DSE_OP_CONV_TRANSPOSE;
}

/* Each parameter of its own numbers; none shared by two nodes of these models. */
static void visit_numbers(const struct dse_graph *graph, const struct dse_node *node,
                          void (*visit)(const struct dse_node *node, float *numbers, size_t n)) {
    size_t oc = (size_t)dse_graph_output_shape(graph, node).c;
    if (node->op == DSE_OP_NORM)
        visit(node, node->norm.gamma, DSE_PARAMETERS * oc);
    if (!has_weights(node))
        return;
    const struct dse_conv_node *conv = &node->conv;
    size_t ic = (size_t)dse_graph_input_shape(graph, node).c;
    visit(node, conv->weights,
          oc * ic / (size_t)conv->groups * (size_t)conv->kernel_h * (size_t)conv->kernel_w);
    if (conv->names.of[1] != NULL)
        visit(node, conv->bias, oc);
}

static uint32_t next_number;

static void set(const struct dse_node *node, float *numbers, size_t n) {
    (void)node;
    for (size_t i = 0; i < n; i++)
        numbers[i] = (float)(++next_number % 1000003) / 64.0f;
}

static void check(const struct dse_node *node, float *numbers, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (numbers[i] != (float)(++next_number % 1000003) / 64.0f)
            fail_msg("%s: number %zu of %zu is %g", node->name, i, n, numbers[i]);
}

/* False: the network is not one that can be trained. */
static bool check_model(const char *path) {
    struct dse_graph *graph, *again;
    struct dse_onnx *model;
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    enum dse_status status = dse_graph_load_onnx(path, &options, &graph, &err);
    if (status == DSE_UNSUPPORTED)
        return false;
    assert_ok(status, &err);
    next_number = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        visit_numbers(graph, &graph->nodes[i], set);
    assert_ok(dse_onnx_load(path, &model, &err), &err);
    assert_ok(dse_graph_store(graph, model, &err), &err);
    assert_ok(dse_onnx_write(model, &bytes, &err), &err);
    status = dse_graph_read_onnx(bytes.data, bytes.size, "again", &options, &again, &err);
    if (status != DSE_OK)
        fail_msg("%s: %s", path, err.text);
    assert_int_equal(again->n_nodes, graph->n_nodes);
    next_number = 0;
    for (int i = 0; i < again->n_nodes; i++)
        visit_numbers(again, &again->nodes[i], check);
    dse_graph_free(again);
    dse_onnx_free(model);
    dse_graph_free(graph);
    dse_buf_fini(&bytes);
    return true;
}

static void numbers_return_to_every_model(void **state) {
    (void)state;
    struct dirent **entries;
    int n = scandir(FOLDER, &entries, NULL, alphasort), checked = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        const char *ending = strrchr(entries[i]->d_name, '.');
        char path[1024];
        (void)snprintf(path, sizeof path, FOLDER "/%s", entries[i]->d_name);
        if (ending != NULL && strcmp(ending, ".onnx") == 0)
            checked += check_model(path);
        free(entries[i]);
    }
    free(entries);
    print_message("%d models\n", checked);
    assert_true(checked > 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_return_to_every_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
