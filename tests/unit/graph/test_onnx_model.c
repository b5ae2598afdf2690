/* ONNX models that are made, edited and written: read back by the engine's own reader. */
#include "evaluator/graph/graph.h"
#include "evaluator/graph/onnx_model.h"
#include "tests/lib/testing.h"

static struct dse_onnx_node node_of(const char *name, const char *op, const char *const *inputs,
                                    int n_inputs, const char *const *output) {
    return (struct dse_onnx_node){
        .name = name,
        .op = op,
        .inputs = inputs,
        .n_inputs = n_inputs,
        .outputs = output,
        .n_outputs = 1,
    };
}

/* x (2, 4, 4) - Conv 3 of 3x3 - Relu - y */
static enum dse_status make_small(struct dse_onnx **made, struct dse_err *err) {
    static const char *const conv_in[] = {"x", "w", "b"}, *const conv_out[] = {"c"};
    static const char *const relu_out[] = {"y"};
    static const int64_t in[] = {DSE_ONNX_DYNAMIC, 2, 4, 4}, out[] = {DSE_ONNX_DYNAMIC, 3, 2, 2};
    static const int64_t w_dims[] = {3, 2, 3, 3}, b_dims[] = {3}, kernel[] = {3, 3};
    float weights[54];
    const float bias[] = {1, 2, 3};
    struct dse_onnx *model = NULL;
    for (int i = 0; i < 54; i++)
        weights[i] = (float)i;
    DSE_TRY(dse_onnx_new("small", 13, &model, err));
    dse_onnx_add_input(model, "x", 4, in);
    dse_onnx_insert_output(model, 0, "y", 4, out);
    dse_onnx_add_constant(model, "w", DSE_ONNX_FLOAT, 4, w_dims, weights);
    dse_onnx_add_constant(model, "b", DSE_ONNX_FLOAT, 1, b_dims, bias);
    struct dse_onnx_node relu = node_of("relu", "Relu", conv_out, 1, relu_out);
    struct dse_onnx_node conv = node_of("conv", "Conv", conv_in, 3, conv_out);
    dse_onnx_append_node(model, &relu);
    dse_onnx_insert_node(model, 0, &conv);
    if (dse_onnx_n_nodes(model) == 2) {
        dse_onnx_set_ints(model, 0, "kernel_shape", kernel, 2);
        dse_onnx_set_int(model, 0, "group", 7);
        dse_onnx_set_int(model, 0, "group", 1);
    }
    enum dse_status status = dse_onnx_status(model, err);
    if (status == DSE_OK)
        *made = model;
    else
        dse_onnx_free(model);
    return status;
}

static struct dse_graph *graph_of(const struct dse_onnx *model, bool keep_dropout) {
    struct dse_err err = {0};
    struct dse_buf bytes = {0};
    struct dse_graph *graph = NULL;
    const struct dse_graph_options options = {.keep_dropout = keep_dropout};
    assert_ok(dse_onnx_write(model, &bytes, &err), &err);
    assert_ok(dse_graph_read_onnx(bytes.data, bytes.size, "model", &options, &graph, &err), &err);
    dse_buf_fini(&bytes);
    return graph;
}

static void a_new_model_is_read_back(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_onnx *model = NULL;
    assert_ok(make_small(&model, &err), &err);
    struct dse_graph *graph = graph_of(model, false);
    assert_int_equal(graph->n_nodes, 2);
    assert_string_equal(graph->nodes[0].name, "conv");
    assert_int_equal(graph->values[graph->output].shape.c, 3);
    assert_int_equal(graph->values[graph->output].shape.h, 2);
    /* [oc][h][w][ic] of ours, [oc][ic][h][w] of ONNX */
    assert_true(graph->nodes[0].conv.weights[1] == 9);
    assert_true(graph->nodes[0].conv.bias[2] == 3);
    dse_graph_free(graph);
    dse_onnx_free(model);
}

static void nodes_come_and_go(void **state) {
    (void)state;
    static const char *const inputs[] = {"c", "ratio"}, *const output[] = {"d"};
    const float ratio = 0.25f;
    struct dse_err err = {0};
    struct dse_onnx *model = NULL;
    assert_ok(make_small(&model, &err), &err);
    int relu = dse_onnx_find_node(model, "relu");
    assert_int_equal(dse_onnx_find_producer(model, "c"), 0);
    assert_int_equal(dse_onnx_find_producer(model, "x"), -1);
    struct dse_onnx_node extra = node_of("", "Dropout", inputs, 2, output);
    dse_onnx_insert_node(model, relu, &extra);
    dse_onnx_add_constant(model, "ratio", DSE_ONNX_FLOAT, 0, NULL, &ratio);
    dse_onnx_set_node_input(model, relu + 1, 0, "d");
    assert_string_equal(dse_onnx_node_label(model, relu), "d");
    struct dse_graph *graph = graph_of(model, false);
    assert_int_equal(graph->n_nodes, 2);
    dse_graph_free(graph);
    dse_onnx_remove_node(model, relu);
    dse_onnx_redirect(model, "d", "c");
    dse_onnx_remove_constant(model, "ratio");
    assert_false(dse_onnx_is_constant(model, "ratio"));
    graph = graph_of(model, false);
    assert_int_equal(graph->n_nodes, 2);
    dse_graph_free(graph);
    dse_onnx_free(model);
}

static void copies_have_the_attributes_and_names_of_their_own(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_onnx *model = NULL;
    assert_ok(make_small(&model, &err), &err);
    assert_string_equal(dse_onnx_new_name(model, "c"), "c_2");
    assert_string_equal(dse_onnx_new_name(model, "relu"), "relu_2");
    assert_string_equal(dse_onnx_new_name(model, "fresh"), "fresh");
    dse_onnx_copy_node(model, 0, 1);
    assert_int_equal(dse_onnx_get_int(model, 1, "group", 0), 1);
    dse_onnx_set_node_output(model, 1, 0, "c_2");
    dse_onnx_set_node_name(model, 1, "conv_2");
    dse_onnx_set_int(model, 1, "group", 2);
    assert_int_equal(dse_onnx_get_int(model, 0, "group", 0), 1);
    assert_int_equal(dse_onnx_get_int(model, 1, "group", 0), 2);
    assert_int_equal(dse_onnx_get_int(model, 1, "kernel_shape", -5), -5);
    dse_onnx_set_int(model, 1, "group", 1);
    dse_onnx_copy_output(model, 0, 0, "c_2");
    assert_int_equal(dse_onnx_n_outputs(model), 2);
    assert_string_equal(dse_onnx_output_name(model, 0), "c_2");
    dse_onnx_remove_output(model, 1);
    struct dse_graph *graph = graph_of(model, false);
    assert_int_equal(graph->n_nodes, 1);
    assert_string_equal(graph->nodes[0].name, "conv_2");
    dse_graph_free(graph);
    dse_onnx_free(model);
}

/* Reading and writing changes no bytes, and writing twice gives the same. */
static void bytes_depend_on_the_model_alone(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_buf file = {0}, written = {0};
    struct dse_onnx *model = NULL;
    assert_ok(dse_file_read(DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx", 1 << 24,
                            &file, &err),
              &err);
    assert_ok(dse_onnx_read(file.data, file.size, "model", &model, &err), &err);
    assert_ok(dse_onnx_write(model, &written, &err), &err);
    assert_int_equal(written.size, file.size);
    assert_memory_equal(written.data, file.data, file.size);
    assert_int_equal(dse_onnx_n_outputs(model), 3);
    dse_onnx_free(model);
    dse_buf_fini(&file);
    dse_buf_fini(&written);
}

static void strangers_files_are_refused(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_onnx *model = NULL;
    assert_int_equal(dse_onnx_load(DSE_FIXTURES_DIR "/onnx/bad-external.onnx", &model, &err),
                     DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "in another file"));
    err = (struct dse_err){0};
    assert_int_equal(dse_onnx_read("rubbish", 7, "file.onnx", &model, &err), DSE_INVALID);
    assert_non_null(strstr(err.text, "file.onnx: broken"));
    err = (struct dse_err){0};
    assert_int_equal(dse_onnx_load(DSE_FIXTURES_DIR "/onnx/bad-opset.onnx", &model, &err),
                     DSE_UNSUPPORTED);
    assert_null(model);
}

static enum dse_status make_and_write(struct dse_err *err) {
    struct dse_onnx *model = NULL;
    struct dse_buf bytes = {0};
    DSE_TRY(make_small(&model, err));
    enum dse_status status = dse_onnx_write(model, &bytes, err);
    dse_onnx_free(model);
    model = NULL;
    if (status == DSE_OK)
        status = dse_onnx_read(bytes.data, bytes.size, "again", &model, err);
    if (status == DSE_OK) {
        /* So many that the arena has to grow. */
        for (int i = 0; i < 100; i++) {
            const char *name = dse_onnx_new_name(model, "node");
            dse_onnx_copy_node(model, 0, 1);
            if (dse_onnx_n_nodes(model) > 1)
                dse_onnx_set_node_output(model, 1, 0, name);
        }
        status = dse_onnx_status(model, err);
    }
    dse_onnx_free(model);
    dse_buf_fini(&bytes);
    return status;
}

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    size_t live = dse_alloc_live();
    enum dse_status status = DSE_NO_MEMORY;
    long n = 0;
    for (; status != DSE_OK; n++) {
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        status = make_and_write(&err);
        dse_alloc_fail_at(-1);
        assert_true(status == DSE_OK || status == DSE_NO_MEMORY);
        assert_int_equal(err.code, status);
        assert_int_equal(dse_alloc_live(), live);
    }
    assert_true(n > 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_model_is_read_back),
        cmocka_unit_test(nodes_come_and_go),
        cmocka_unit_test(copies_have_the_attributes_and_names_of_their_own),
        cmocka_unit_test(bytes_depend_on_the_model_alone),
        cmocka_unit_test(strangers_files_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
