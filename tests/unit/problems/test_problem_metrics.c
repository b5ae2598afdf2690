/* problems: metrics, measuring, confidence interval. */
#include "tests/lib/testing.h"

#include <math.h>

#include "problems/problems.h"

static const struct dse_layer_facts layers[] = {{.name = "conv1", .macs = 1000, .weights = 100},
                                                {.name = "conv2", .macs = 300, .weights = 50}};
static const struct dse_model_facts with_clean = {
    .layers = layers, .n_layers = 2, .n_cells = 3, .has_clean = true};
static const struct dse_model_facts without_clean = {
    .layers = layers, .n_layers = 2, .n_cells = 3, .has_clean = false};

static int input_bits[] = {8, 3}, weight_bits[] = {4, 2};
static const struct dse_candidate candidate = {
    .n_layers = 2, .input_bits = input_bits, .weight_bits = weight_bits};
static const struct dse_candidate float32 = {
    .n_layers = 2, .input_bits = (int[]){0, 0}, .weight_bits = (int[]){0, 0}};

/* Accuracies 0.9, 0.5 and 0.25: the mean of the last two is not their pooled 30 / 60. */
static const struct dse_outcome counts = {
    (int64_t[]){100, 90, 20, 10, 40, 10}, 3, 2, NULL, 0, NULL, 0};

static double value_of(const char *metric, const struct dse_model_facts *model,
                       const struct dse_candidate *which, const struct dse_outcome *cells) {
    return dse_metric_find(metric)->value(model, which, cells);
}

static void metrics_have_their_values(void **state) {
    (void)state;
    static const struct {
        const char *metric;
        double clean, no_clean, float32;
    } cases[] = {
        {"accuracy_clean", 0.9, NAN, 0.9},
        {"accuracy_corrupted", 0.375, 0.55, 0.375},
        {"accuracy_worst", 0.25, 0.25, 0.25},
        {"bit_operations", 1000 * 32 + 300 * 6, 1000 * 32 + 300 * 6, 1300 * 1024},
        {"size_bits", 100 * 4 + 50 * 2, 500, 150 * 32},
        {"mean_weight_bits", 500.0 / 150, 500.0 / 150, 32},
    };
    int n;
    (void)dse_metric_table(&n);
    const int n_cases = sizeof cases / sizeof cases[0];
    assert_int_equal(n, n_cases + 7); /* those of exits and passes: test_problem_parts.c */
    for (int i = 0; i < n_cases; i++) {
        const char *name = cases[i].metric;
        double no_clean = value_of(name, &without_clean, &candidate, &counts);
        assert_true(fabs(value_of(name, &with_clean, &candidate, &counts) - cases[i].clean) <
                    1e-12);
        assert_true(fabs(value_of(name, &with_clean, &float32, &counts) - cases[i].float32) < 1e-9);
        assert_true(isnan(cases[i].no_clean) ? isnan(no_clean)
                                             : fabs(no_clean - cases[i].no_clean) < 1e-12);
    }
    assert_null(dse_metric_find("accuracy"));
}

static void metrics_without_data_are_not_numbers(void **state) {
    (void)state;
    static const struct dse_model_facts clean_only = {
        .layers = layers, .n_layers = 2, .n_cells = 1, .has_clean = true};
    const struct dse_outcome one = {.tallies = (int64_t[]){4, 1}, .n_cells = 1, .tally_size = 2};
    const struct dse_outcome unseen = {
        .tallies = (int64_t[]){4, 1, 4, 1, 0, 0}, .n_cells = 3, .tally_size = 2};
    assert_true(isnan(value_of("accuracy_corrupted", &clean_only, &candidate, &one)));
    assert_true(value_of("accuracy_clean", &clean_only, &candidate, &one) == 0.25);
    assert_true(isnan(value_of("accuracy_corrupted", &with_clean, &candidate, &unseen)));
    assert_true(isnan(value_of("accuracy_worst", &with_clean, &candidate, &unseen)));
}

static struct dse_space make_space(void) {
    struct dse_space space = {
        .objectives = {{"accuracy_clean", DSE_MAXIMIZE}, {"bit_operations", DSE_MINIMIZE}},
        .n_objectives = 2,
        .constraints = {{"accuracy_corrupted", DSE_AT_LEAST, 0.5}, {"size_bits", DSE_AT_MOST, 498}},
        .n_constraints = 2,
    };
    return space;
}

static void measuring_gives_objectives_and_violation(void **state) {
    (void)state;
    struct dse_space space = make_space();
    double objectives[3] = {-1, -1, -1}, violation = -1;
    struct dse_err err = {0};
    assert_ok(
        dse_space_measure(&space, &with_clean, &candidate, &counts, objectives, &violation, &err),
        &err);
    assert_true(objectives[0] == 0.9 && objectives[1] == 33800 && objectives[2] == -1);
    assert_true(violation == 0.125 + 2);
    space.constraints[0].bound = 0.375; /* on the bound is feasible */
    space.constraints[1].bound = 500;
    assert_ok(
        dse_space_measure(&space, &with_clean, &candidate, &counts, objectives, &violation, &err),
        &err);
    assert_true(violation == 0);
    space.constraints[0].bound =
        0.25; /* room to spare here does not pay for what is missing there */
    space.constraints[1].bound = 499;
    assert_ok(
        dse_space_measure(&space, &with_clean, &candidate, &counts, objectives, &violation, &err),
        &err);
    assert_true(violation == 1);
}

static void measuring_fails_by_name_and_leaves_outputs(void **state) {
    (void)state;
    struct dse_space space = make_space();
    double objectives[2] = {-1, -1}, violation = -1;
    struct dse_err err = {0};
    assert_int_equal(dse_space_measure(&space, &without_clean, &candidate, &counts, objectives,
                                       &violation, &err),
                     DSE_FAILED);
    assert_non_null(strstr(err.text, "accuracy_clean"));
    assert_true(objectives[0] == -1 && objectives[1] == -1 && violation == -1);
}

/* scipy 1.10, scipy.stats.binomtest(k, n).proportion_ci(0.95, "wilson"). */
static void wilson_interval_agrees_with_scipy(void **state) {
    (void)state;
    static const struct {
        int64_t correct, seen;
        double low, high;
    } cases[] = {
        {0, 10, 0.0, 0.27753279986288926},
        {10, 10, 0.7224672001371109, 1.0},
        {1, 1, 0.20654931437723745, 1.0},
        {873, 1000, 0.8509252474282143, 0.8922199907415616},
        {5, 7, 0.3589344518326193, 0.9177810759959432},
        {99990, 100000, 0.999815915304549, 0.9999456792654903},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double low, high;
        dse_wilson_interval(cases[i].correct, cases[i].seen, &low, &high);
        assert_true(fabs(low - cases[i].low) < 1e-12 && fabs(high - cases[i].high) < 1e-12);
    }
    for (int64_t seen = 1; seen < 2000; seen++) { /* the ends are exact, whatever rounding does */
        double low, high;
        dse_wilson_interval(0, seen, &low, &high);
        assert_true(low == 0 && high < 1);
        dse_wilson_interval(seen, seen, &low, &high);
        assert_true(low > 0 && high == 1);
    }
}

static void candidates_start_as_float32(void **state) {
    (void)state;
    size_t live = dse_alloc_live();
    struct dse_candidate made = {0};
    struct dse_err err = {0};
    assert_ok(dse_candidate_init(&made, 3, 0, &err), &err);
    for (int i = 0; i < 3; i++)
        assert_true(made.input_bits[i] == 0 && made.weight_bits[i] == 0);
    dse_candidate_fini(&made);
    dse_candidate_fini(&made);
    assert_int_equal(dse_alloc_live(), live);
    dse_alloc_fail_at(0);
    assert_int_equal(dse_candidate_init(&made, 3, 0, &err), DSE_NO_MEMORY);
    dse_alloc_fail_at(-1);
    assert_null(made.input_bits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_have_their_values),
        cmocka_unit_test(metrics_without_data_are_not_numbers),
        cmocka_unit_test(measuring_gives_objectives_and_violation),
        cmocka_unit_test(measuring_fails_by_name_and_leaves_outputs),
        cmocka_unit_test(wilson_interval_agrees_with_scipy),
        cmocka_unit_test(candidates_start_as_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
