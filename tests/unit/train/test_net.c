/* Loss, gradients and running numbers of one step, and an inference, against PyTorch and against
 * finite differences. */
#include "tests/unit/train/recorded.h"

#include <math.h>

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
    recorded_check_net(&t, &t.recorded, net);
    dse_net_free(net);
    trainee_fini(&t);
}

static void gradients_of_all_operators(void **state) {
    (void)state;
    for (int threads = 1; threads <= 3; threads++)
        check_step("small", DSE_KERNELS_AUTO, threads);
    check_step("small", DSE_KERNELS_REFERENCE, 2);
}

static void gradients_of_functions(void **state) {
    (void)state;
    check_step("functions", DSE_KERNELS_AUTO, 1);
    check_step("functions", DSE_KERNELS_AUTO, 3);
    check_step("functions", DSE_KERNELS_REFERENCE, 2);
}

static void gradients_of_tensors(void **state) {
    (void)state;
    check_step("operators", DSE_KERNELS_AUTO, 1);
    check_step("operators", DSE_KERNELS_AUTO, 3);
    check_step("operators", DSE_KERNELS_REFERENCE, 2);
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
static void check_slopes(const char *network) {
    struct trainee t;
    struct dse_net *net;
    struct dse_err err = {0};
    trainee_init(&t, network, DSE_KERNELS_REFERENCE, 1);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    struct dse_net_parameters p = dse_net_parameters(net);
    struct dse_net_result result;
    assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
    float *slopes = dse_alloc(p.n, sizeof *slopes);
    assert_non_null(slopes);
    memcpy(slopes, p.gradients, p.n * sizeof *slopes);
    double off = 0.0, all = 0.0;
    for (size_t i = 0; i < p.n; i += 13) {
        const float step = 5e-4f;
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

static void gradients_are_slopes(void **state) {
    (void)state;
    check_slopes("small");
    check_slopes("functions");
    check_slopes("operators");
}

/* All by one factor, and only where they are longer. */
static void long_gradients_are_shortened(void **state) {
    (void)state;
    struct trainee t;
    struct dse_net *net;
    struct dse_net_result result;
    struct dse_err err = {0};
    trainee_init(&t, "small", DSE_KERNELS_REFERENCE, 1);
    assert_ok(dse_net_new(&t.setup, &net, &err), &err);
    assert_ok(dse_net_step(net, &t.batch, &result, &err), &err);
    struct dse_net_parameters p = dse_net_parameters(net);
    double norm = norm_of(p.gradients, (int)p.n);
    float first = p.gradients[0];
    assert_true(first != 0.0f);
    dse_net_clip_gradients(net, norm * 1.001);
    assert_true(p.gradients[0] == first);
    dse_net_clip_gradients(net, norm / 4);
    assert_true(fabs(norm_of(p.gradients, (int)p.n) / norm - 0.25) < 1e-6);
    assert_true(fabs((double)(p.gradients[0] / first) - 0.25) < 1e-6);
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
        cmocka_unit_test(gradients_of_all_operators),     cmocka_unit_test(gradients_of_functions),
        cmocka_unit_test(gradients_of_tensors),           cmocka_unit_test(gradients_of_resnet20),
        cmocka_unit_test(inference_uses_running_numbers), cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(long_gradients_are_shortened),   cmocka_unit_test(steps_are_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
