/* Models of tests/fixtures/onnx against what PyTorch computed for them, and the sample model. */
#include "evaluator/graph/graph.h"
#include "tests/lib/testing.h"
#include "tests/unit/graph/naive_net.h"

#include <math.h>

#define SAMPLE DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx"

static struct dse_graph *load(const char *path, const char *output) {
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    const struct dse_graph_options options = {.outputs = &output, .n_outputs = 1};
    assert_ok(dse_graph_load_onnx(path, &options, &graph, &err), &err);
    return graph;
}

static struct dse_graph *load_fixture(const char *name, const char *output) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/onnx/%s.onnx", DSE_FIXTURES_DIR, name);
    return load(path, output);
}

/* ---- against PyTorch ---- */

static float *read_numbers(FILE *file, const char *title, size_t *n) {
    char word[32];
    assert_int_equal(fscanf(file, "%31s %zu", word, n), 2);
    assert_string_equal(word, title);
    float *numbers = dse_alloc(*n, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < *n; i++)
        assert_int_equal(fscanf(file, "%f", &numbers[i]), 1);
    return numbers;
}

/* [c][h][w] to [h][w][c] */
static float *channels_last(const float *from, struct dse_shape shape) {
    float *to = dse_alloc(dse_shape_size(shape), sizeof *to), *at = to;
    assert_non_null(to);
    for (int h = 0; h < shape.h; h++)
        for (int w = 0; w < shape.w; w++)
            for (int c = 0; c < shape.c; c++)
                *at++ =
                    from[((size_t)c * (size_t)shape.h + (size_t)h) * (size_t)shape.w + (size_t)w];
    return to;
}

/* Sums of at most 30 products of numbers near 1, added in another order. */
static const float TOLERANCE = 2e-6f;

static void assert_computes_as_recorded(const char *name, const char *output) {
    char path[512];
    size_t n_input, n_output;
    (void)snprintf(path, sizeof path, "%s/onnx/%s.txt", DSE_FIXTURES_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    float *input = read_numbers(file, "input", &n_input);
    float *expected = read_numbers(file, "output", &n_output);
    (void)fclose(file);

    struct dse_graph *graph = load_fixture(name, output);
    struct dse_shape in = graph->values[graph->input].shape;
    struct dse_shape out = graph->values[graph->output].shape;
    assert_int_equal(dse_shape_size(in), n_input);
    assert_int_equal(dse_shape_size(out), n_output);
    float *image = channels_last(input, in), *wanted = channels_last(expected, out);
    float *got = naive_run(graph, image);
    for (size_t i = 0; i < n_output; i++)
        if (!(fabsf(got[i] - wanted[i]) <= TOLERANCE * (1 + fabsf(wanted[i]))))
            fail_msg("%s: output %zu is %.9g, recorded %.9g", name, i, (double)got[i],
                     (double)wanted[i]);
    dse_free(got);
    dse_free(image);
    dse_free(wanted);
    dse_free(input);
    dse_free(expected);
    dse_graph_free(graph);
}

static void assert_ops(const struct dse_graph *graph, const char *expected) {
    struct dse_buf text = {0};
    for (int i = 0; i < graph->n_nodes; i++)
        dse_buf_printf(&text, "%s%s", i == 0 ? "" : " ", dse_op_text(graph->nodes[i].op));
    assert_string_equal(dse_buf_text(&text), expected);
    dse_buf_fini(&text);
}

static void batch_norm_is_folded_into_the_convolution(void **state) {
    (void)state;
    struct dse_graph *graph = load_fixture("conv-bn", "");
    assert_ops(graph, "Conv Relu");
    dse_graph_free(graph);
    assert_computes_as_recorded("conv-bn", "y");
}

static void windows_groups_and_dilations_are_kept(void **state) {
    (void)state;
    struct dse_graph *graph = load_fixture("windows", "");
    assert_ops(graph, "Conv MaxPool AveragePool AveragePool");
    const struct dse_conv_node *conv = &graph->nodes[0].conv;
    assert_int_equal(conv->groups, 2);
    assert_int_equal(conv->dilation_h, 2);
    assert_int_equal(conv->pad_top, 2);
    assert_true(graph->nodes[2].pool.exclude_padding);
    assert_false(graph->nodes[3].pool.exclude_padding);
    dse_graph_free(graph);
    assert_computes_as_recorded("windows", "");
}

static void columns_of_a_dense_layer_follow_the_flattened_map(void **state) {
    (void)state;
    struct dse_graph *graph = load_fixture("dense", "");
    assert_ops(graph, "Conv Flatten Relu Gemm Gemm");
    assert_int_equal(graph->n_layers, 3);
    assert_string_equal(graph->nodes[graph->layers[2]].name, "matmul_mm");
    dse_graph_free(graph);
    assert_computes_as_recorded("dense", "");
}

static void computed_pads_and_shapes_are_folded(void **state) {
    (void)state;
    struct dse_graph *graph = load_fixture("shortcut", "");
    assert_ops(graph, "Relu Conv Slice Slice Pad Add Relu AveragePool Flatten Gemm");
    assert_int_equal(graph->nodes[4].pad.before[DSE_AXIS_C], 2);
    assert_int_equal(graph->nodes[4].pad.after[DSE_AXIS_C], 2);
    assert_int_equal(graph->nodes[4].pad.after[DSE_AXIS_H], 0);
    dse_graph_free(graph);
    assert_computes_as_recorded("shortcut", "");
}

static void old_operator_sets_and_unneeded_heads_load(void **state) {
    (void)state;
    struct dse_graph *graph = load_fixture("old-style", "y");
    assert_ops(graph, "Slice Pad Conv");
    dse_graph_free(graph);
    assert_computes_as_recorded("old-style", "y");
}

static void sums_in_every_position_load(void **state) {
    (void)state;
    assert_computes_as_recorded("branches", "");
}

/* ---- the sample model ---- */

static void the_sample_model_has_its_shapes(void **state) {
    (void)state;
    struct dse_graph *graph = load(SAMPLE, "logits");
    struct dse_shape in = graph->values[graph->input].shape;
    assert_true(in.h == 28 && in.w == 28 && in.c == 1);
    assert_int_equal(graph->values[graph->output].shape.c, 10);
    assert_string_equal(graph->values[graph->output].name, "logits");
    assert_ops(graph, "Conv Relu Conv Relu Conv Add Relu Conv Relu Conv Conv Add Relu "
                      "Conv Relu Conv Conv Add Relu AveragePool Flatten Gemm");
    static const char *const names[] = {"/conv1/Conv",           "/stage1/conv1/Conv",
                                        "/stage1/conv2/Conv",    "/stage2/conv1/Conv",
                                        "/stage2/conv2/Conv",    "/stage2/shortcut/Conv",
                                        "/stage3/conv1/Conv",    "/stage3/conv2/Conv",
                                        "/stage3/shortcut/Conv", "/head/fc/Gemm"};
    assert_int_equal(graph->n_layers, sizeof names / sizeof names[0]);
    for (int i = 0; i < graph->n_layers; i++)
        assert_string_equal(graph->nodes[graph->layers[i]].name, names[i]);
    dse_graph_free(graph);
}

static void an_early_exit_needs_fewer_layers(void **state) {
    (void)state;
    struct dse_graph *graph = load(SAMPLE, "exit0");
    assert_ops(graph, "Conv Relu Conv Relu Conv Add Relu AveragePool Flatten Gemm");
    assert_int_equal(graph->n_layers, 4);
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < 2; k++) {
            int input = graph->nodes[i].inputs[k];
            assert_true(input < 0 || graph->values[input].producer < i);
        }
    dse_graph_free(graph);
}

static void all_exits_are_one_graph(void **state) {
    (void)state;
    static const char *const exits[] = {"logits", "exit0", "exit1"};
    const struct dse_graph_options options = {.outputs = exits, .n_outputs = 3};
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    assert_ok(dse_graph_load_onnx(SAMPLE, &options, &graph, &err), &err);
    assert_int_equal(graph->n_outputs, 3);
    assert_int_equal(graph->output, graph->outputs[2]);
    for (int i = 0; i < 3; i++)
        assert_string_equal(graph->values[graph->outputs[i]].name, exits[i]);
    assert_int_equal(graph->n_layers, 10 + 2);
    dse_graph_free(graph);
}

static void an_output_is_named_once_and_exists(void **state) {
    (void)state;
    static const struct {
        const char *names[2], *text;
        enum dse_status status;
    } cases[] = {
        {{"exit1", "exit1"}, "output 'exit1' is named twice", DSE_INVALID},
        {{"exit1", "exit7"}, "no output 'exit7'; the model has: exit0, exit1", DSE_NOT_FOUND},
        {{"logits", ""}, "name one of: exit0, exit1, logits", DSE_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct dse_graph_options options = {.outputs = cases[i].names, .n_outputs = 2};
        struct dse_graph *graph = NULL;
        struct dse_err err = {0};
        assert_int_equal(dse_graph_load_onnx(SAMPLE, &options, &graph, &err), cases[i].status);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("'%s' where '%s' was expected", err.text, cases[i].text);
        assert_null(graph);
    }
}

static void a_dropout_marks_the_layer_it_stands_before(void **state) {
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        const struct dse_graph_options options = {.keep_dropout = keep == 1};
        struct dse_graph *graph = NULL;
        struct dse_err err = {0};
        assert_ok(dse_graph_load_onnx(DSE_FIXTURES_DIR "/onnx/dense.onnx", &options, &graph, &err),
                  &err);
        assert_ops(graph, "Conv Flatten Relu Gemm Gemm");
        for (int i = 0; i < graph->n_layers; i++) {
            const struct dse_conv_node *layer = &graph->nodes[graph->layers[i]].conv;
            assert_int_equal(layer->drops, keep == 1 && i == 2);
            assert_true(layer->rate == (keep == 1 && i == 2 ? 0.5f : 0.0f));
        }
        dse_graph_free(graph);
    }
}

static void signs_follow_from_the_operators(void **state) {
    (void)state;
    struct dse_graph *graph = load(SAMPLE, "logits");
    assert_true(dse_graph_value_signed(graph, graph->input));
    for (int i = 0; i < graph->n_layers; i++) {
        const struct dse_node *node = &graph->nodes[graph->layers[i]];
        assert_int_equal(dse_graph_value_signed(graph, node->inputs[0]), i == 0);
        assert_true(dse_graph_value_signed(graph, node->output));
    }
    dse_graph_free(graph);
    graph = load_fixture("shortcut", "");
    assert_false(dse_graph_value_signed(graph, graph->nodes[4].output)); /* relu, slices, pad */
    assert_true(dse_graph_value_signed(graph, graph->nodes[5].output));  /* sum with a conv */
    dse_graph_free(graph);
}

/* ---- memory ---- */

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(DSE_FIXTURES_DIR "/onnx/shortcut.onnx", 1 << 20, &bytes, &err), &err);
    size_t live = dse_alloc_live();
    enum dse_status status = DSE_NO_MEMORY;
    long n;
    for (n = 0; status != DSE_OK; n++) {
        struct dse_graph *graph = NULL;
        err = (struct dse_err){0};
        dse_alloc_fail_at(n);
        status = dse_graph_read_onnx(bytes.data, bytes.size, "model", NULL, &graph, &err);
        dse_alloc_fail_at(-1);
        assert_true(status == DSE_OK || (status == DSE_NO_MEMORY && graph == NULL));
        assert_int_equal(err.code, status);
        dse_graph_free(graph);
        assert_int_equal(dse_alloc_live(), live);
    }
    assert_true(n > 20);
    dse_buf_fini(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_is_folded_into_the_convolution),
        cmocka_unit_test(windows_groups_and_dilations_are_kept),
        cmocka_unit_test(columns_of_a_dense_layer_follow_the_flattened_map),
        cmocka_unit_test(computed_pads_and_shapes_are_folded),
        cmocka_unit_test(old_operator_sets_and_unneeded_heads_load),
        cmocka_unit_test(sums_in_every_position_load),
        cmocka_unit_test(the_sample_model_has_its_shapes),
        cmocka_unit_test(an_early_exit_needs_fewer_layers),
        cmocka_unit_test(all_exits_are_one_graph),
        cmocka_unit_test(an_output_is_named_once_and_exists),
        cmocka_unit_test(a_dropout_marks_the_layer_it_stands_before),
        cmocka_unit_test(signs_follow_from_the_operators),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
