/* A converted network is opened with the bits and scales it was converted with. */
#include "evaluator/graph/surgery.h"
#include "evaluator/model/convert_qdq.h"
#include "evaluator/model/model_network.h"
#include "evaluator/quantize/quantize.h"
#include "tests/lib/testing.h"

static const char source[] = DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx";
enum { LAYERS_MOST = 64 };

struct converted {
    char dir[256], path[300];
    int input_bits[LAYERS_MOST], weight_bits[LAYERS_MOST];
    double amax[LAYERS_MOST];
    struct dse_graph *graph; /* before */
    struct model__network network;
    struct model m;
};

/* Layer i has 2 + i % 7 bits of input, or none, and others of weights; dropouts from `start` on. */
static void convert(struct converted *c, const char *start) {
    struct dse_err err = {0};
    struct dse_onnx *onnx = NULL;
    double rate;
    int node, n;
    make_temp_dir(c->dir, sizeof c->dir);
    (void)snprintf(c->path, sizeof c->path, "%s/net.onnx", c->dir);
    assert_ok(dse_onnx_load(source, &onnx, &err), &err);
    if (start != NULL) {
        assert_ok(dse_surgery_find_start(onnx, start, &node, &rate, &err), &err);
        assert_ok(dse_surgery_add_dropouts(onnx, node, 0.25, &n, &err), &err);
    }
    assert_ok(dse_onnx_save(onnx, c->path, &err), &err);
    c->m.options.output = "logits";
    assert_ok(model__load_graph(&c->m, c->path, &c->graph, &err), &err);
    assert_in_range(c->graph->n_layers, 8, LAYERS_MOST);
    for (int i = 0; i < c->graph->n_layers; i++) {
        c->input_bits[i] = i == 3 ? 0 : 2 + i % 7;
        c->weight_bits[i] = i == 5 ? 0 : 8 - i % 7;
        c->amax[i] = 1.3 + 0.37 * i;
    }
    const struct model__widths widths = {c->input_bits, c->weight_bits, c->amax,
                                         DSE_SCALE_A_CHANNEL};
    assert_ok(model__quantize_onnx(onnx, c->graph, &widths, &err), &err);
    assert_ok(dse_onnx_save(onnx, c->path, &err), &err);
    dse_onnx_free(onnx);
    assert_ok(model__network_open(&c->m, c->path, 3, &c->network, &err), &err);
}

static void release(struct converted *c) {
    model__network_close(&c->network);
    dse_graph_free(c->graph);
    dse_arena_fini(&c->m.arena);
    (void)remove(c->path);
    (void)rmdir(c->dir);
}

static size_t weights_of(const struct dse_graph *graph, const struct dse_node *node) {
    const struct dse_conv_node *conv = &node->conv;
    return (size_t)(conv->kernel_h * conv->kernel_w) *
           (size_t)(dse_graph_input_shape(graph, node).c / conv->groups);
}

static void assert_same_integers(const struct converted *c, int layer) {
    const struct dse_node *before = &c->graph->nodes[c->graph->layers[layer]];
    const struct dse_node *after = &c->network.graph->nodes[c->network.graph->layers[layer]];
    size_t each = weights_of(c->graph, before),
           oc = (size_t)dse_graph_output_shape(c->graph, before).c;
    int8_t *integers[2] = {dse_alloc(oc, each), dse_alloc(oc, each)};
    float *scales[2] = {dse_alloc(oc, sizeof(float)), dse_alloc(oc, sizeof(float))};
    const float *values[2] = {before->conv.weights, after->conv.weights};
    for (int k = 0; k < 2; k++) {
        const struct dse_layer_weights weights = {values[k], oc, each, DSE_SCALE_A_CHANNEL};
        dse_quantize_weights(&weights, c->weight_bits[layer], integers[k], scales[k]);
    }
    assert_memory_equal(integers[0], integers[1], oc * each);
    for (size_t o = 0; o < oc; o++)
        assert_true(scales[1][o] > scales[0][o] * 0.999999F &&
                    scales[1][o] < scales[0][o] * 1.000001F);
    for (int k = 0; k < 2; k++) {
        dse_free(integers[k]);
        dse_free(scales[k]);
    }
}

static void check(const char *start) {
    struct converted c = {0};
    convert(&c, start);
    const struct dse_candidate *candidate = &c.network.candidate;
    assert_int_equal(candidate->n_layers, c.graph->n_layers);
    assert_int_equal(candidate->passes, start != NULL ? 3 : 1);
    for (int i = 0; i < c.graph->n_layers; i++) {
        assert_int_equal(candidate->input_bits[i], c.input_bits[i]);
        assert_int_equal(candidate->weight_bits[i], c.weight_bits[i]);
        assert_int_equal(candidate->dropout[i], start != NULL && i > 0 ? 16384 : 0);
        if (c.input_bits[i] != 0) /* the scale is a float32 in the file */
            assert_true(c.network.amax[i] > c.amax[i] * 0.999999 &&
                        c.network.amax[i] < c.amax[i] * 1.000001);
        if (c.weight_bits[i] != 0)
            assert_same_integers(&c, i);
    }
    release(&c);
}

static void bits_and_scales_come_back(void **state) {
    (void)state;
    check(NULL);
}

/* Behind a dropout the file's scale is larger; the engine drops integers. */
static void dropouts_do_not_change_them(void **state) {
    (void)state;
    check("full");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_and_scales_come_back),
        cmocka_unit_test(dropouts_do_not_change_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
