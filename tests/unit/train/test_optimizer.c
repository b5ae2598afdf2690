/* Ten steps of every optimiser follow PyTorch's losses; schedules; state saved and restored. */
#include "tests/unit/train/recorded.h"

#include <math.h>

static const struct {
    const char *name, *recorded;
    struct dse_optimizer_options options;
    double rate;
} runs[] = {
    {"sgd", "losses.sgd", {.rule = DSE_SGD}, 0.05},
    {"sgd", "losses.momentum", {.rule = DSE_SGD, .momentum = 0.9, .weight_decay = 1e-3}, 0.05},
    {"nesterov", "losses.nesterov", {.rule = DSE_NESTEROV, .momentum = 0.9}, 0.05},
    {"adam",
     "losses.adam",
     {.rule = DSE_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 1e-3},
     0.002},
    {"adamw",
     "losses.adamw",
     {.rule = DSE_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1},
     0.002},
};
enum { RUNS = sizeof runs / sizeof runs[0], STEPS = 10 };

/* Loss before each of ten steps; in between, after `interrupted` of them, the state goes through
 * bytes into a new optimiser. */
static void learn(struct trainee *t, int run, int interrupted, double losses[STEPS]) {
    struct dse_net *net;
    struct dse_optimizer *optimizer;
    struct dse_net_result result;
    struct dse_err err = {0};
    assert_ok(dse_net_new(&t->setup, &net, &err), &err);
    struct dse_net_parameters p = dse_net_parameters(net);
    assert_ok(dse_optimizer_new(&runs[run].options, p.n, &optimizer, &err), &err);
    for (int i = 0; i < STEPS; i++) {
        if (i == interrupted) {
            struct dse_buf state = {0};
            dse_optimizer_save(optimizer, &state);
            dse_optimizer_free(optimizer);
            assert_ok(dse_optimizer_new(&runs[run].options, p.n, &optimizer, &err), &err);
            assert_int_equal(state.size, dse_optimizer_state_size(optimizer));
            dse_optimizer_restore(optimizer, state.data);
            dse_buf_fini(&state);
        }
        assert_ok(dse_net_step(net, &t->batch, &result, &err), &err);
        losses[i] = result.loss;
        dse_optimizer_step(optimizer, &p, runs[run].rate);
    }
    dse_optimizer_free(optimizer);
    dse_net_free(net);
}

static void check_network(const char *network) {
    for (int run = 0; run < RUNS; run++) {
        struct trainee t;
        double losses[STEPS], again[STEPS];
        enum dse_optimizer_rule rule;
        trainee_init(&t, network, DSE_KERNELS_AUTO, 2);
        assert_true(dse_optimizer_find(runs[run].name, &rule) && rule == runs[run].options.rule);
        learn(&t, run, -1, losses);
        const float *expected = recorded_find(&t.recorded, runs[run].recorded, NULL);
        for (int i = 0; i < STEPS; i++)
            if (fabs(losses[i] - (double)expected[i]) > 1e-3 * fabs((double)expected[i]))
                fail_msg("%s %s, step %d: %g, PyTorch %g", network, runs[run].recorded, i,
                         losses[i], (double)expected[i]);
        learn(&t, run, 4, again);
        assert_memory_equal(losses, again, sizeof losses);
        trainee_fini(&t);
    }
}

static void losses_follow_pytorch(void **state) {
    (void)state;
    check_network("small");
    check_network("functions");
    check_network("resnet20");
}

static void schedules_have_their_shape(void **state) {
    (void)state;
    int step = -1, cosine = -1, cycle = -1, unknown = -1;
    assert_false(dse_schedule_find("steep", &unknown));
    assert_true(dse_schedule_find("step", &step) && dse_schedule_find("cosine", &cosine) &&
                dse_schedule_find("one-cycle", &cycle));
    assert_true(dse_schedule_factor(step, 0.0, 0.49) == 1.0);
    assert_true(dse_schedule_factor(step, 0.0, 0.75) == 0.01);
    assert_true(fabs(dse_schedule_factor(cosine, 0.0, 0.5) - 0.5) < 1e-12);
    assert_true(dse_schedule_factor(cosine, 0.0, 1.0) < 1e-12);
    assert_true(fabs(dse_schedule_factor(cosine, 0.1, 0.05) - 0.5 * 0.99384417) < 1e-6);
    assert_true(fabs(dse_schedule_factor(cycle, 0.0, 0.0) - 0.04) < 1e-12);
    assert_true(fabs(dse_schedule_factor(cycle, 0.0, 0.3) - 1.0) < 1e-12);
    assert_true(fabs(dse_schedule_factor(cycle, 0.0, 1.0) - 4e-6) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_follow_pytorch),
        cmocka_unit_test(schedules_have_their_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
