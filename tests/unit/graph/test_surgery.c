/* Dropouts, branches and heads put into the sample model, as the engine's reader sees them. */
#include "evaluator/graph/graph.h"
#include "evaluator/graph/surgery.h"
#include "tests/lib/testing.h"

static const char sample[] = DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx";

static struct dse_onnx *load(void) {
    struct dse_err err = {0};
    struct dse_onnx *model = NULL;
    assert_ok(dse_onnx_load(sample, &model, &err), &err);
    return model;
}

static enum dse_status read_outputs(const struct dse_onnx *model, const char *const *outputs, int n,
                                    struct dse_graph **graph, struct dse_err *err) {
    struct dse_graph_options options = {.outputs = outputs, .n_outputs = n, .keep_dropout = true};
    struct dse_buf bytes = {0};
    enum dse_status status = dse_onnx_write(model, &bytes, err);
    if (status == DSE_OK)
        status = dse_graph_read_onnx(bytes.data, bytes.size, "model", &options, graph, err);
    dse_buf_fini(&bytes);
    return status;
}

static struct dse_graph *graph_of(const struct dse_onnx *model, const char *const *outputs, int n) {
    struct dse_err err = {0};
    struct dse_graph *graph = NULL;
    assert_ok(read_outputs(model, outputs, n, &graph, &err), &err);
    return graph;
}

static int count_dropouts(const struct dse_graph *graph, float rate) {
    int n = 0;
    for (int i = 0; i < graph->n_layers; i++) {
        const struct dse_conv_node *conv = &graph->nodes[graph->layers[i]].conv;
        assert_true(!conv->drops || conv->rate == rate);
        n += conv->drops;
    }
    return n;
}

static const char *const logits[] = {"logits"};

/* The sample has 12 layers: 9 convolutions, then a dense layer for each of its 3 outputs. */
static void presets_begin_where_they_should(void **state) {
    (void)state;
    static const struct {
        const char *start;
        double rate;
        const char *first;
        int dropouts;
    } cases[] = {
        {"last-layer", 0.319811, "/head/fc/Gemm", 1},
        {"partial", 0.054988, "/stage2/shortcut/Conv", 7},
        {"full", 0.054988, "/stage1/conv1/Conv", 11},
        {"/stage3/conv1/Conv", 0.5, "/stage3/conv1/Conv", 6},
        {"stage3/conv1", 0.5, "/stage3/conv1/Conv", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_err err = {0};
        struct dse_onnx *model = load();
        double rate = 0.5;
        int start = -1, n = 0;
        assert_ok(dse_surgery_find_start(model, cases[i].start, &start, &rate, &err), &err);
        assert_true(rate == cases[i].rate);
        assert_string_equal(dse_onnx_node_label(model, start), cases[i].first);
        assert_ok(dse_surgery_add_dropouts(model, start, rate, &n, &err), &err);
        assert_int_equal(n, cases[i].dropouts);
        static const char *const all[] = {"exit0", "exit1", "logits"};
        struct dse_graph *graph = graph_of(model, all, 3);
        assert_int_equal(count_dropouts(graph, (float)rate), n);
        dse_graph_free(graph);
        dse_onnx_free(model);
    }
}

/* A shortcut and the convolution beside it read the same values, but drop others. */
static void every_layer_has_a_dropout_of_its_own(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_onnx *model = load();
    int n = 0, start = dse_onnx_find_node(model, "/stage2/conv1/Conv");
    assert_ok(dse_surgery_add_dropouts(model, start, 0.25, &n, &err), &err);
    int conv = dse_onnx_find_node(model, "/stage2/conv1/Conv");
    int shortcut = dse_onnx_find_node(model, "/stage2/shortcut/Conv");
    const char *a = dse_onnx_node(model, conv).inputs[0];
    const char *b = dse_onnx_node(model, shortcut).inputs[0];
    assert_string_not_equal(a, b);
    int of_a = dse_onnx_find_producer(model, a), of_b = dse_onnx_find_producer(model, b);
    assert_string_equal(dse_onnx_node(model, of_a).inputs[0], dse_onnx_node(model, of_b).inputs[0]);
    assert_int_equal(dse_surgery_add_dropouts(model, conv, 0.25, &n, &err), DSE_CONFLICT);
    assert_non_null(strstr(err.text, "has a Dropout on its input already"));
    dse_onnx_free(model);
}

static void branches_share_the_backbone(void **state) {
    (void)state;
    static const char *const names[] = {"logits_branch_0", "logits_branch_1", "logits_branch_2"};
    struct dse_err err = {0};
    struct dse_onnx *model = load();
    int n = 0, start = dse_onnx_find_node(model, "/stage3/conv2/Conv");
    assert_ok(dse_surgery_add_dropouts(model, start, 0.25, &n, &err), &err);
    struct dse_graph *single = graph_of(model, logits, 1);
    int dropouts = count_dropouts(single, 0.25f);
    assert_ok(dse_surgery_branch(model, 3, NULL, &err), &err);
    assert_int_equal(dse_onnx_n_outputs(model), 9); /* the dense layers of all outputs drop */
    assert_string_equal(dse_onnx_output_name(model, 0), "exit0_branch_0");
    assert_string_equal(dse_onnx_output_name(model, 8), "logits_branch_2");
    struct dse_graph *graph = graph_of(model, names, 3);
    assert_int_equal(count_dropouts(graph, 0.25f), 3 * dropouts);
    /* conv2, shortcut and the dense layer are there three times */
    assert_int_equal(graph->n_layers, single->n_layers + 2 * 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(graph->values[graph->outputs[i]].name, names[i]);
    dse_graph_free(single);
    dse_graph_free(graph);
    dse_onnx_free(model);
}

static void branches_need_a_dropout(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_onnx *model = load();
    assert_int_equal(dse_surgery_branch(model, 2, NULL, &err), DSE_NOT_FOUND);
    assert_non_null(strstr(err.text, "the model has no Dropout"));
    dse_onnx_free(model);
}

static void heads_have_the_shapes_described(void **state) {
    (void)state;
    static const char *const names[] = {"early", "logits"};
    struct dse_err err = {0};
    struct dse_onnx *model = load();
    assert_ok(dse_surgery_add_head(
                  model,
                  "early@/stage1/Relu_1:max=2,conv=12x5/3,relu,avg=2/1,dense=7,relu,dense=10", 1,
                  &err),
              &err);
    assert_int_equal(dse_onnx_n_outputs(model), 4);
    assert_string_equal(dse_onnx_output_name(model, 2), "early");
    struct dse_graph *graph = graph_of(model, names, 2);
    const struct dse_value *early = &graph->values[graph->outputs[0]];
    assert_int_equal(early->shape.c, 10);
    /* 28 - max 14 - conv (14 + 4 - 5) / 3 + 1 = 5 - average 4: 12 x 4 x 4 = 192 inputs */
    int dense = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        if (strncmp(node->name, "early/", 6) != 0 || node->op != DSE_OP_DENSE)
            continue;
        assert_int_equal(dse_graph_input_shape(graph, node).c, dense++ == 0 ? 192 : 7);
    }
    assert_int_equal(dense, 2);
    dse_graph_free(graph);
    dse_onnx_free(model);
}

static void same_seed_same_bytes(void **state) {
    (void)state;
    static const uint64_t seeds[] = {7, 7, 8};
    struct dse_buf bytes[3] = {0};
    for (int i = 0; i < 3; i++) {
        struct dse_err err = {0};
        struct dse_onnx *model = load();
        assert_ok(dse_surgery_add_head(model, "early@/stage1/Relu:global,dense=10", seeds[i], &err),
                  &err);
        assert_ok(dse_onnx_write(model, &bytes[i], &err), &err);
        dse_onnx_free(model);
    }
    assert_int_equal(bytes[0].size, bytes[1].size);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
    assert_memory_not_equal(bytes[0].data, bytes[2].data, bytes[0].size);
    for (int i = 0; i < 3; i++)
        dse_buf_fini(&bytes[i]);
}

static void wrong_heads_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *description;
        enum dse_status status;
        const char *text;
    } cases[] = {
        {"", DSE_INVALID, "expected NAME@PLACE:STEP"},
        {"early", DSE_INVALID, "expected NAME@PLACE:STEP"},
        {"@/stage1/Relu:dense=10", DSE_INVALID, "expected NAME@PLACE:STEP"},
        {"early@nowhere:dense=10", DSE_NOT_FOUND, "no node and no value 'nowhere'"},
        {"exit0@/stage1/Relu:dense=10", DSE_CONFLICT, "has a value 'exit0' already"},
        {"early@/stage1/Relu:", DSE_INVALID, "step '' is not known"},
        {"early@/stage1/Relu:conv=0x3,dense=10", DSE_INVALID, "not of the form conv=CxK"},
        {"early@/stage1/Relu:conv=3x3/0,dense=10", DSE_INVALID, "not of the form conv=CxK"},
        {"early@/stage1/Relu:conv=3x3x3,dense=10", DSE_INVALID, "not of the form conv=CxK"},
        {"early@/stage1/Relu:dense=99999999999999999999", DSE_INVALID, "not of the form dense=C"},
        {"early@/stage1/Relu:max=29,dense=10", DSE_INVALID, "the map has only 28 x 28 pixels"},
        {"early@/stage1/Relu:dense=10,conv=3x3", DSE_INVALID, "nothing but relu, drop and dense"},
        {"early@/stage1/Relu:global", DSE_INVALID, "ends with dense=CLASSES"},
        {"early@/stage1/Relu:softmax,dense=10", DSE_INVALID, "step 'softmax' is not known"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_err err = {0};
        struct dse_onnx *model = load();
        assert_int_equal(dse_surgery_add_head(model, cases[i].description, 1, &err),
                         cases[i].status);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].text, err.text);
        dse_onnx_free(model);
    }
}

static void wrong_starts_are_refused(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_onnx *model = load();
    int start = -1, n = 0;
    double rate = 0;
    assert_int_equal(dse_surgery_find_start(model, "/stage3/conv1/Konv", &start, &rate, &err),
                     DSE_NOT_FOUND);
    assert_non_null(strstr(err.text, "did you mean '/stage3/conv1/Conv'?"));
    assert_int_equal(start, -1);
    static const double rates[] = {-0.1, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        err = (struct dse_err){0};
        assert_int_equal(dse_surgery_add_dropouts(model, 0, rates[i], &n, &err), DSE_INVALID);
    }
    dse_onnx_free(model);
    err = (struct dse_err){0};
    assert_ok(dse_onnx_load(DSE_FIXTURES_DIR "/onnx/old-style.onnx", &model, &err), &err);
    assert_int_equal(dse_surgery_add_dropouts(model, 0, 0.5, &n, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "in which a Dropout cannot be active"));
    dse_onnx_free(model);
}

/* Reading a mask for anything but the guard of a branch would change the network. */
static void masks_are_not_read(void **state) {
    (void)state;
    static const char *const sum[] = {"logits", "mask"}, *const out[] = {"wrong"};
    struct dse_err err = {0};
    struct dse_onnx *model = load();
    int n = 0, start = dse_onnx_find_node(model, "/head/fc/Gemm");
    assert_ok(dse_surgery_add_dropouts(model, start, 0.25, &n, &err), &err);
    dse_onnx_append_output(model, start, "mask");
    struct dse_onnx_node add = {
        .name = "", .op = "Add", .inputs = sum, .n_inputs = 2, .outputs = out, .n_outputs = 1};
    dse_onnx_append_node(model, &add);
    dse_onnx_redirect(model, "logits", "wrong");
    dse_onnx_set_node_input(model, dse_onnx_n_nodes(model) - 1, 0, "logits");
    struct dse_graph *graph = NULL;
    assert_int_equal(read_outputs(model, out, 1, &graph, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "the mask of a Dropout"));
    dse_onnx_free(model);
}

static enum dse_status operate(struct dse_err *err) {
    struct dse_onnx *model = NULL;
    struct dse_buf bytes = {0};
    int start = 0, n = 0;
    double rate = 0.5;
    DSE_TRY(dse_onnx_load(sample, &model, err));
    enum dse_status status =
        dse_surgery_add_head(model, "early@/stage1/Relu:conv=3x3,global,dense=10", 1, err);
    if (status == DSE_OK)
        status = dse_surgery_find_start(model, "partial", &start, &rate, err);
    if (status == DSE_OK)
        status = dse_surgery_add_dropouts(model, start, rate, &n, err);
    if (status == DSE_OK)
        status = dse_surgery_branch(model, 10, NULL, err);
    if (status == DSE_OK)
        status = dse_onnx_write(model, &bytes, err);
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
        status = operate(&err);
        dse_alloc_fail_at(-1);
        assert_true(status == DSE_OK || status == DSE_NO_MEMORY);
        assert_int_equal(err.code, status);
        assert_int_equal(dse_alloc_live(), live);
        if (n > 400) /* names of branches, one like the other */
            n += 20;
    }
    assert_true(n > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_begin_where_they_should),
        cmocka_unit_test(every_layer_has_a_dropout_of_its_own),
        cmocka_unit_test(branches_share_the_backbone),
        cmocka_unit_test(branches_need_a_dropout),
        cmocka_unit_test(heads_have_the_shapes_described),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(wrong_starts_are_refused),
        cmocka_unit_test(masks_are_not_read),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
