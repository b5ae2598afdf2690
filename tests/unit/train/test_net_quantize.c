/* A step on the values of integers against PyTorch with fake quantisation and straight-through
 * gradients; and what is trained against what the engine computes. */
#include "tests/unit/train/recorded.h"

#include <math.h>

#include "evaluator/plan/plan.h"

enum { LAYERS_MOST = 32 };

/* Bits and largest inputs as they were recorded. */
struct widths {
    int input_bits[LAYERS_MOST], weight_bits[LAYERS_MOST];
    double amax[LAYERS_MOST];
    struct dse_net_quantization quantization;
};

static void read_widths(const struct recorded *recorded, const struct dse_graph *graph,
                        struct widths *widths) {
    assert_true(graph->n_layers <= LAYERS_MOST);
    for (int l = 0; l < graph->n_layers; l++) {
        const char *weights = graph->nodes[graph->layers[l]].conv.names.of[0];
        char name[96];
        int n = 0;
        (void)snprintf(name, sizeof name, "bits.%.*s", (int)(strlen(weights) - strlen(".weight")),
                       weights);
        const float *bits = recorded_find(recorded, name, &n);
        assert_true(bits != NULL && n == 3);
        widths->input_bits[l] = (int)bits[0];
        widths->weight_bits[l] = (int)bits[1];
        widths->amax[l] = (double)bits[2];
    }
    widths->quantization = (struct dse_net_quantization){widths->input_bits, widths->weight_bits,
                                                         widths->amax, DSE_SCALE_A_CHANNEL};
}

static void begin(struct trainee *t, struct recorded *recorded, struct widths *widths,
                  const char *network, enum dse_kernel_choice kernels, int threads) {
    char name[64];
    trainee_init(t, network, kernels, threads);
    (void)snprintf(name, sizeof name, "%s-quantised", network);
    recorded_load(recorded, name);
    read_widths(recorded, t->graph, widths);
    t->batch.images = recorded_find(recorded, "images", NULL);
    t->setup.quantization = &widths->quantization;
}

static void check_step(const char *network, enum dse_kernel_choice kernels, int threads) {
    struct trainee t;
    struct recorded recorded;
    struct widths widths;
    struct dse_net *net;
    struct dse_net_result result;
    struct dse_err err = {0};
    begin(&t, &recorded, &widths, network, kernels, threads);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
    double expected = recorded_find(&recorded, "loss", NULL)[0];
    assert_true(fabs(result.loss - expected) <= 1e-5 * expected);
    recorded_check_net(&t, &recorded, net);
    dse_net_free(net);
    recorded_fini(&recorded);
    trainee_fini(&t);
}

static void gradients_pass_straight_through(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++)
        check_step("small", DSE_KERNELS_AUTO, threads);
    check_step("small", DSE_KERNELS_REFERENCE, 2);
    check_step("resnet20", DSE_KERNELS_AUTO, 2);
    check_step("resnet20", DSE_KERNELS_REFERENCE, 1);
}

/* The folded network in the plan, on integers where both sides have at most 8 bits. */
static void what_is_trained_is_what_the_engine_computes(void **state) {
    (void)state;
    struct trainee t;
    struct recorded recorded;
    struct widths widths;
    struct dse_net *net;
    struct dse_graph *graph;
    struct dse_plan *plan;
    struct dse_candidate candidate;
    struct dse_err err = {0};
    float ours[10 * 16], engine[10 * 16], *const outputs[] = {ours};
    const int order = 0;
    begin(&t, &recorded, &widths, "resnet20", DSE_KERNELS_AUTO, 1);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    assert_ok(dse_net_infer(net, t.batch.images, t.batch.n, outputs, &err), &err);
    assert_ok(dse_graph_load_onnx(DSE_FIXTURES_DIR "/training/resnet20.onnx", NULL, &graph, &err),
              &err);
    const struct dse_plan_options options = {.batch = t.batch.n, .input_amax = widths.amax};
    assert_ok(dse_plan_new(graph, t.kernels, &options, &plan, &err), &err);
    assert_ok(dse_candidate_init(&candidate, graph->n_layers, 0, &err), &err);
    for (int l = 0; l < graph->n_layers; l++) {
        assert_string_equal(graph->nodes[graph->layers[l]].name,
                            t.graph->nodes[t.graph->layers[l]].name);
        candidate.input_bits[l] = widths.input_bits[l];
        candidate.weight_bits[l] = widths.weight_bits[l];
    }
    assert_ok(
        dse_plan_run(plan, &candidate, 1, &order, t.batch.images, t.batch.n, engine, NULL, &err),
        &err);
    const float *torch = recorded_find(&recorded, "inference", NULL);
    double off = 0, off_torch = 0, all = 0;
    for (int i = 0; i < 10 * t.batch.n; i++) {
        off += pow((double)(ours[i] - engine[i]), 2);
        off_torch += pow((double)(ours[i] - torch[i]), 2);
        all += pow((double)engine[i], 2);
    }
    print_message("off by %.1e of the engine, %.1e of PyTorch\n", sqrt(off / all),
                  sqrt(off_torch / all));
    assert_true(sqrt(off / all) < 1e-5); /* no value is on a tie */
    assert_true(sqrt(off_torch / all) < 1e-5);
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    dse_graph_free(graph);
    dse_net_free(net);
    recorded_fini(&recorded);
    trainee_fini(&t);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    struct trainee t;
    struct recorded recorded;
    struct widths widths;
    struct dse_net *net = NULL;
    struct dse_err err = {0};
    begin(&t, &recorded, &widths, "resnet20", DSE_KERNELS_AUTO, 1);
    widths.quantization.weight_scales = DSE_SCALE_A_TENSOR;
    assert_int_equal(dse_net_new(&t.setup, &net, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "has a batch norm"));
    widths.quantization.weight_scales = DSE_SCALE_A_CHANNEL;
    widths.weight_bits[3] = 17;
    err = (struct dse_err){0};
    assert_int_equal(dse_net_new(&t.setup, &net, &err), DSE_INVALID);
    assert_non_null(strstr(err.text, "17 bits are not possible"));
    recorded_fini(&recorded);
    trainee_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_pass_straight_through),
        cmocka_unit_test(what_is_trained_is_what_the_engine_computes),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
