/* Loss, gradients and running numbers of one step, and an inference, against PyTorch and against
 * finite differences. */
#include "tests/unit/train/recorded.h"

#include <math.h>

/* [oc][ic][kh][kw] (or a Gemm's [oc][c h w]) to our [oc][kh][kw][ic], undone: the place of our i-th
 * number in PyTorch's order. */
static size_t place_in_torch(const struct dse_graph *graph, const struct dse_node *node, size_t i) {
    struct dse_shape in = dse_graph_input_shape(graph, node), flat = node->conv.names.flat;
    bool dense = node->op == DSE_OP_DENSE;
    size_t channels = (size_t)(dense ? flat.c : in.c / node->conv.groups);
    size_t pixels = dense ? (size_t)flat.h * (size_t)flat.w
                          : (size_t)node->conv.kernel_h * (size_t)node->conv.kernel_w;
    size_t per_output = channels * pixels, o = i / per_output, rest = i % per_output;
    return o * per_output + rest % channels * pixels + rest / channels;
}

static double norm_of(const float *x, int n) {
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

/* Relative to the whole array: of a gradient near 0 nothing else can be asked. */
static void check_array(const char *name, const float *ours, const float *expected, int n,
                        const struct dse_graph *graph, const struct dse_node *weights_of) {
    double difference = 0.0;
    for (int i = 0; i < n; i++) {
        size_t at = weights_of == NULL ? (size_t)i : place_in_torch(graph, weights_of, (size_t)i);
        difference += pow((double)ours[i] - (double)expected[at], 2.0);
    }
    if (!(sqrt(difference) <= 1e-4 * norm_of(expected, n) + 1e-7))
        fail_msg("%s: off by %g of %g", name, sqrt(difference), norm_of(expected, n));
}

static int check_node(struct trainee *t, struct dse_net *net, int index) {
    const struct dse_node *node = &t->graph->nodes[index];
    struct dse_net_parameters parameters = dse_net_parameters(net);
    size_t n_running, offset, n;
    const float *running = dse_net_running(net, &n_running);
    int checked = 0;
    for (int k = 0; k < DSE_PARAMETERS; k++) {
        bool norm = node->op == DSE_OP_NORM;
        if (!dse_net_find(net, index, k, &offset, &n))
            continue;
        const char *name = norm ? node->norm.names.of[k] : node->conv.names.of[k];
        int n_expected = 0;
        const float *expected = recorded_find(&t->recorded, name, &n_expected);
        assert_non_null(expected);
        assert_int_equal(n, n_expected);
        check_array(name, (k < 2 ? parameters.gradients : running) + offset, expected, (int)n,
                    t->graph, !norm && k == 0 ? node : NULL);
        checked++;
    }
    return checked;
}

static void check_step(const char *network, enum dse_kernel_choice kernels, int threads) {
    struct trainee t;
    struct dse_net *net;
    struct dse_net_result result;
    struct dse_err err = {0};
    trainee_init(&t, network, kernels, threads);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
    double expected = recorded_find(&t.recorded, "loss", NULL)[0];
    assert_true(fabs(result.loss - expected) <= 1e-5 * expected);
    int checked = 0, entries = 0;
    for (int i = 0; i < t.graph->n_nodes; i++)
        checked += check_node(&t, net, i);
    for (int i = 0; i < t.recorded.n; i++)
        entries += strchr(t.recorded.entries[i].name, '.') != NULL &&
                   strncmp(t.recorded.entries[i].name, "losses", 6) != 0;
    assert_int_equal(checked, entries);
    dse_net_free(net);
    trainee_fini(&t);
}

static void gradients_of_all_operators(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++)
        check_step("small", DSE_KERNELS_AUTO, threads);
    check_step("small", DSE_KERNELS_REFERENCE, 2);
}

static void gradients_of_resnet20(void **state) {
    (void)state;
    check_step("resnet20", DSE_KERNELS_AUTO, 2);
    check_step("resnet20", DSE_KERNELS_REFERENCE, 1);
}

static void inference_uses_running_numbers(void **state) {
    (void)state;
    struct trainee t;
    struct dse_net *net;
    struct dse_err err = {0};
    float logits[2][7 * 5];
    float *const outputs[] = {logits[0], logits[1]};
    trainee_init(&t, "small", DSE_KERNELS_AUTO, 2);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    assert_ok(dse_net_infer(net, t.batch.images, t.batch.n, outputs, &err), &err);
    const float *expected = recorded_find(&t.recorded, "inference", NULL);
    for (int o = 0; o < 2; o++)
        for (int i = 0; i < 7 * 5; i++)
            assert_true(fabsf(logits[o][i] - expected[o * 7 * 5 + i]) <= 1e-4f);
    dse_net_free(net);
    trainee_fini(&t);
}

/* A little more or less of a parameter changes the loss as the gradient says. */
static void gradients_are_slopes(void **state) {
    (void)state;
    struct trainee t;
    struct dse_net *net;
    struct dse_err err = {0};
    trainee_init(&t, "small", DSE_KERNELS_REFERENCE, 1);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    struct dse_net_parameters p = dse_net_parameters(net);
    struct dse_net_result result;
    assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
    float *slopes = dse_alloc(p.n, sizeof *slopes);
    assert_non_null(slopes);
    memcpy(slopes, p.gradients, p.n * sizeof *slopes);
    double off = 0.0, all = 0.0;
    for (size_t i = 0; i < p.n; i += 13) {
        const float step = 2e-3f;
        float start = p.values[i];
        double loss[2];
        for (int side = 0; side < 2; side++) {
            p.values[i] = start + (side == 0 ? step : -step);
            assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
            loss[side] = result.loss;
        }
        p.values[i] = start;
        double slope = (loss[0] - loss[1]) / (2.0 * (double)step);
        off += pow(slope - (double)slopes[i], 2.0);
        all += slope * slope;
    }
    assert_true(all > 0.0 && sqrt(off / all) < 2e-2);
    dse_free(slopes);
    dse_net_free(net);
    trainee_fini(&t);
}

/* Twice the same, bit for bit, with several threads. */
static void steps_are_reproducible(void **state) {
    (void)state;
    struct trainee t;
    struct dse_err err = {0};
    struct dse_net_result result;
    trainee_init(&t, "resnet20", DSE_KERNELS_AUTO, 3);
    float *first = NULL;
    for (int run = 0; run < 2; run++) {
        struct dse_net *net;
        assert_ok(dse_net_new(&t.setup, &net, &err), &err);
        assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
        struct dse_net_parameters p = dse_net_parameters(net);
        if (run == 0) {
            first = dse_alloc(p.n, sizeof *first);
            assert_non_null(first);
            memcpy(first, p.gradients, p.n * sizeof *first);
        } else {
            assert_memory_equal(first, p.gradients, p.n * sizeof *first);
        }
        dse_net_free(net);
    }
    dse_free(first);
    trainee_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_all_operators),     cmocka_unit_test(gradients_of_resnet20),
        cmocka_unit_test(inference_uses_running_numbers), cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(steps_are_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
