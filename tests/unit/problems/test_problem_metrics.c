/* problems: metrics, measuring, confidence interval. */
#include "tests/lib/testing.h"

#include <math.h>

#include "problems/problems.h"

static const struct dse_layer_facts layers[] = {{.name = "conv1", .macs = 1000, .weights = 100},
                                                {.name = "conv2", .macs = 300, .weights = 50}};
static int input_bits[] = {8, 3}, weight_bits[] = {4, 2};
static const struct dse_candidate candidate = {
    .n_layers = 2, .input_bits = input_bits, .weight_bits = weight_bits};
static const struct dse_candidate float32 = {
    .n_layers = 2, .input_bits = (int[]){0, 0}, .weight_bits = (int[]){0, 0}};

/* Clean, two noises and fog at severities 1 and 3, an extra one at 1. */
enum { CLEAN, GAUSS1, GAUSS3, SHOT1, SHOT3, FOG1, FOG3, SPATTER1, CELLS };
static struct dse_cell_facts cells[CELLS];
static const struct dse_model_facts model = {
    .layers = layers, .n_layers = 2, .cells = cells, .n_cells = CELLS, .has_baseline = true};

static int name_cells(void **state) {
    (void)state;
    static const char *const names[CELLS] = {"clean",        "gaussian_noise:1", "gaussian_noise:3",
                                             "shot_noise:1", "shot_noise:3",     "fog:1",
                                             "fog:3",        "spatter:1"};
    for (int i = 0; i < CELLS; i++)
        if (!dse_cell_parse(names[i], &cells[i]))
            return -1;
    return 0;
}

/* Of 100 images in a cell (200 in fog:1): how many are right. */
static const int right[CELLS] = {90, 80, 60, 70, 50, 120, 30, 10};
static const int baseline_right[CELLS] = {95, 90, 80, 85, 75, 160, 60, 50};

struct result {
    int64_t tallies[CELLS][DSE_TALLY_SIZE];
    struct dse_outcome outcome;
};

static void make_result(const int *counts, struct result *result) {
    memset(result, 0, sizeof *result);
    for (int i = 0; i < CELLS; i++) {
        result->tallies[i][DSE_TALLY_SEEN] = i == FOG1 ? 200 : 100;
        result->tallies[i][DSE_TALLY_CORRECT] = counts[i];
    }
    result->outcome = (struct dse_outcome){
        .tallies = result->tallies[0], .n_cells = CELLS, .tally_size = DSE_TALLY_SIZE};
}

static struct dse_metric metric_of(const char *name) {
    struct dse_metric metric;
    struct dse_err err = {0};
    assert_ok(dse_metric_parse(name, strlen(name), &metric, &err), &err);
    return metric;
}

/* Of the usual result, compared with the usual baseline. */
static struct dse_estimate estimate(const char *name) {
    struct result result, baseline;
    make_result(right, &result);
    make_result(baseline_right, &baseline);
    const struct dse_evidence evidence = {&model, &candidate, &result.outcome, &baseline.outcome};
    struct dse_metric metric = metric_of(name);
    struct dse_err err = {0};
    assert_ok(dse_metric_check(&metric, &model, &err), &err);
    return dse_metric_estimate(&metric, &evidence);
}

static bool is_about(double a, double b) {
    return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

static void scopes_take_the_mean_of_their_cells(void **state) {
    (void)state;
    static const struct {
        const char *metric;
        double value;
        int64_t images;
    } cases[] = {
        {"accuracy_clean", 0.9, 100},
        {"accuracy(clean)", 0.9, 100},
        {"error(clean)", 0.1, 100},
        /* 0.8 0.6 0.7 0.5 0.6 0.3: every cell counts the same, spatter does not */
        {"accuracy_corrupted", 3.5 / 6, 700},
        {"accuracy(corrupted)", 3.5 / 6, 700},
        {"accuracy(standard)", 3.5 / 6, 700},
        {"accuracy(extra)", 0.1, 100},
        {"accuracy(all)", 3.6 / 7, 800},
        {"accuracy(standard+extra)", 3.6 / 7, 800},
        {"accuracy(noise)", 2.6 / 4, 400},
        {"accuracy(weather)", 0.45, 300},
        {"accuracy(fog)", 0.45, 300},
        {"accuracy(fog:3)", 0.3, 100},
        {"accuracy(severity:1)", 2.1 / 3, 400},
        {"accuracy(clean+fog)", 1.8 / 3, 400},
        {"accuracy( clean + fog )", 1.8 / 3, 400},
        {"accuracy(fog+weather+fog:3)", 0.45, 300}, /* each cell once */
        {"accuracy_worst", 0.1, 100},
        {"error(worst)", 0.9, 100},
        {"accuracy(worst_group)", 0.45, 300},
        {"error(worst_group)", 0.55, 300},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_estimate found = estimate(cases[i].metric);
        if (!is_about(found.value, cases[i].value) || found.images != cases[i].images)
            fail_msg("%s: %g of %lld images", cases[i].metric, found.value,
                     (long long)found.images);
    }
}

/* Baseline errors: gaussian 0.1 + 0.2, shot 0.15 + 0.25, fog 0.2 + 0.4, spatter 0.5; ours 0.2 +
 * 0.4, 0.3 + 0.5, 0.4 + 0.7, 0.9. */
static void corruption_errors_are_compared_with_a_baseline(void **state) {
    (void)state;
    struct dse_estimate mce = estimate("mce");
    assert_true(is_about(mce.value, (0.6 / 0.3 + 0.8 / 0.4 + 1.1 / 0.6) / 3));
    assert_true(mce.images == 700 && mce.low < mce.value && mce.value < mce.high);
    assert_true(is_about(estimate("mce_extra").value, 1.8));
    struct dse_metric alexnet = metric_of("mce(alexnet)");
    struct dse_err err = {0};
    assert_int_equal(dse_metric_check(&alexnet, &model, &err), DSE_INVALID);
    assert_non_null(strstr(err.text, "severities 1 to 5"));
    struct result result;
    make_result(right, &result);
    struct dse_evidence evidence = {&model, &candidate, &result.outcome, NULL};
    assert_true(is_about(dse_metric_estimate(&alexnet, &evidence).value,
                         (0.3 / 0.886428 + 0.4 / 0.894468 + 0.55 / 0.819324) / 3));
    struct dse_metric own = metric_of("mce");
    assert_true(isnan(dse_metric_estimate(&own, &evidence).value)); /* no baseline */
    struct dse_model_facts alone = model;
    struct dse_err none = {0};
    alone.has_baseline = false;
    assert_int_equal(dse_metric_check(&own, &alone, &none), DSE_INVALID);
    assert_non_null(strstr(none.text, "exploration.baseline"));
}

static void costs_have_their_values(void **state) {
    (void)state;
    static const struct {
        const char *metric;
        double value, float32;
    } cases[] = {
        {"macs", 1300, 1300},
        {"macs_ratio", 1, 1},
        {"bit_operations", 1000 * 32 + 300 * 6, 1300 * 1024},
        {"size_bits", 100 * 4 + 50 * 2, 150 * 32},
        {"mean_weight_bits", 500.0 / 150, 32},
        {"mean_input_bits", 5.5, 32},
        {"weighted_bits", 0.5 * 6 + 5 * 11, 2 * (16 + 160)},
        {"sum_bits", 17, 128},
    };
    struct dse_outcome nothing = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_metric metric = metric_of(cases[i].metric);
        struct dse_evidence evidence = {&model, &candidate, &nothing, NULL};
        struct dse_estimate found = dse_metric_estimate(&metric, &evidence);
        assert_true(is_about(found.value, cases[i].value));
        assert_true(isnan(found.low) && isnan(found.high) && found.images == 0);
        assert_int_equal(metric.sense, DSE_MINIMIZE);
        evidence.candidate = &float32;
        assert_true(is_about(dse_metric_estimate(&metric, &evidence).value, cases[i].float32));
    }
}

static void what_cannot_be_read_is_told_with_what_can(void **state) {
    (void)state;
    static const struct {
        const char *text, *parts[3];
    } cases[] = {
        {"acuracy(clean)",
         {"unknown metric \"acuracy(clean)\"", "did you mean \"accuracy\"?", "brier"}},
        {"speed",
         {"unknown metric \"speed\". Metrics: accuracy, ", "bit_operations", "mce(alexnet)"}},
        {"accuracy", {"needs a scope", "accuracy(clean)", ""}},
        {"accuracy(fogg)", {"unknown scope \"fogg\"", "did you mean \"fog\"?", "weather"}},
        {"accuracy(fog:6)", {"unknown scope \"fog:6\"", "severity:1", ""}},
        {"accuracy(fog:0)", {"unknown scope", "", ""}},
        {"accuracy(fog:)", {"unknown scope", "", ""}},
        {"accuracy(fog:33)", {"unknown scope", "", ""}},
        {"accuracy(clean:1)", {"unknown scope", "", ""}},
        {"accuracy()", {"unknown scope \"\"", "", ""}},
        {"accuracy(clean+)", {"unknown scope \"\"", "", ""}},
        {"accuracy(clean", {"does not end with )", "", ""}},
        {"accuracy(worst+clean)", {"\"worst\" stands alone", "", ""}},
        {"accuracy_fog", {"unknown metric", "", ""}},
        {"mce(fog)", {"unknown metric", "", ""}},
        {"macs(clean)", {"unknown metric", "", ""}},
        {"", {"unknown metric \"\"", "", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_metric metric = {.kind = -7};
        struct dse_err err = {0};
        assert_int_equal(dse_metric_parse(cases[i].text, strlen(cases[i].text), &metric, &err),
                         DSE_INVALID);
        for (int k = 0; k < 3; k++)
            if (strstr(err.text, cases[i].parts[k]) == NULL)
                fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, err.text, cases[i].parts[k]);
        assert_int_equal(metric.kind, -7);
    }
    char text[400] = "accuracy(";
    for (int i = 0; i < 22; i++)
        strcat(text, "fog:1+");
    struct dse_metric metric;
    assert_int_equal(dse_metric_parse(text, strlen(text), &metric, NULL), DSE_INVALID);
    memset(text, 'a', sizeof text);
    assert_int_equal(dse_metric_parse(text, sizeof text, &metric, NULL), DSE_INVALID);
}

static void equal_metrics_are_recognised(void **state) {
    (void)state;
    struct dse_metric a = metric_of("accuracy_clean"), b = metric_of("accuracy( clean )"),
                      c = metric_of("accuracy(fog)"), d = metric_of("accuracy(fog:1)"),
                      e = metric_of("error(fog)");
    assert_true(dse_metric_equal(&a, &b));
    assert_false(dse_metric_equal(&a, &c) || dse_metric_equal(&c, &d) || dse_metric_equal(&c, &e));
    assert_string_equal(b.name, "accuracy(clean)");
}

static void scopes_need_their_cells(void **state) {
    (void)state;
    static const char *const lacking[][2] = {
        {"accuracy(snow)", "snow"},        {"accuracy(fog+blur)", "blur"}, {"ece(fog:2)", "fog"},
        {"brier(severity:5)", "severity"}, {"nll(digital)", "digital"},
    };
    struct dse_err err = {0};
    for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
        struct dse_metric metric = metric_of(lacking[i][0]);
        struct dse_err why = {0};
        char needs[64];
        (void)snprintf(needs, sizeof needs, "needs %s images", lacking[i][1]);
        assert_int_equal(dse_metric_check(&metric, &model, &why), DSE_INVALID);
        assert_non_null(strstr(why.text, needs));
    }
    /* Where there are only extra corruptions they are what corrupted means. */
    struct dse_model_facts extra = model;
    const struct dse_outcome outcome = {
        .tallies = (int64_t[]){10, 4}, .n_cells = 1, .tally_size = 2};
    const struct dse_evidence evidence = {&extra, &candidate, &outcome, NULL};
    extra.cells = &cells[SPATTER1];
    extra.n_cells = 1;
    static const char *const of_extra[] = {"accuracy(corrupted)", "accuracy(worst_group)",
                                           "accuracy(severity:1)", "accuracy(extra)"};
    for (int i = 0; i < 4; i++) {
        struct dse_metric metric = metric_of(of_extra[i]);
        assert_ok(dse_metric_check(&metric, &extra, &err), &err);
        assert_true(dse_metric_estimate(&metric, &evidence).value == 0.4);
    }
    struct dse_metric clean = metric_of("accuracy(clean)");
    assert_int_equal(dse_metric_check(&clean, &extra, NULL), DSE_INVALID);
}

static void numbers_that_are_not_known_are_not_numbers(void **state) {
    (void)state;
    struct result result;
    make_result(right, &result);
    struct dse_evidence evidence = {&model, &candidate, &result.outcome, NULL};
    result.tallies[FOG3][DSE_TALLY_SEEN] = result.tallies[FOG3][DSE_TALLY_CORRECT] = 0;
    static const char *const unseen[] = {"accuracy(fog)", "accuracy_corrupted", "accuracy_worst",
                                         "accuracy(worst_group)", "mce(alexnet)"};
    for (int i = 0; i < 5; i++) {
        struct dse_metric metric = metric_of(unseen[i]);
        assert_true(isnan(dse_metric_estimate(&metric, &evidence).value));
    }
    struct dse_metric noise = metric_of("accuracy(noise)"), ece = metric_of("ece(noise)");
    assert_true(is_about(dse_metric_estimate(&noise, &evidence).value, 0.65));
    assert_true(!isnan(dse_metric_estimate(&ece, &evidence).value));
    /* A tally of two words knows accuracy, and nothing else. */
    const struct dse_outcome old = {.tallies = (int64_t[]){10, 4}, .n_cells = 1, .tally_size = 2};
    evidence.outcome = &old;
    struct dse_metric clean = metric_of("accuracy(clean)"), clean_ece = metric_of("ece(clean)");
    assert_true(dse_metric_estimate(&clean, &evidence).value == 0.4);
    assert_true(isnan(dse_metric_estimate(&clean_ece, &evidence).value));
}

/* Ten images: 4 with confidence 1/2, of which 1 is right; 6 with confidence 3/4, of which 3 are
 * right. ECE = |4/2 - 1| / 10 + |6 * 3/4 - 3| / 10 = 0.25; sum of squares of confidence - correct:
 * 4 * 1/4 + 3 * 1/16 + 3 * 9/16 = 2.875. */
static void calibration_errors_by_hand(void **state) {
    (void)state;
    int64_t tally[DSE_TALLY_SIZE] = {0};
    const int64_t half = INT64_C(1) << (DSE_TALLY_BITS_CONFIDENCE - 1), quarter = half / 2;
    tally[DSE_TALLY_SEEN] = 10;
    tally[DSE_TALLY_CORRECT] = 4;
    tally[DSE_TALLY_BIN_SEEN + 7] = 4;
    tally[DSE_TALLY_BIN_CORRECT + 7] = 1;
    tally[DSE_TALLY_BIN_CONFIDENCE + 7] = 4 * half;
    tally[DSE_TALLY_BIN_SEEN + 11] = 6;
    tally[DSE_TALLY_BIN_CORRECT + 11] = 3;
    tally[DSE_TALLY_BIN_CONFIDENCE + 11] = 18 * quarter;
    tally[DSE_TALLY_CONFIDENCE_SQUARE] = 4 * quarter + 6 * 9 * (quarter / 4);
    tally[DSE_TALLY_CONFIDENCE_CORRECT] = half + 9 * quarter;
    const struct dse_outcome outcome = {
        .tallies = tally, .n_cells = 1, .tally_size = DSE_TALLY_SIZE};
    const struct dse_evidence evidence = {&model, &candidate, &outcome, NULL};
    struct dse_metric metric = metric_of("ece(clean)");
    struct dse_estimate ece = dse_metric_estimate(&metric, &evidence);
    double deviation = 1.959963984540054 * sqrt((0.2875 - 0.0625) / 9);
    assert_true(is_about(ece.value, 0.25) && ece.images == 10);
    assert_true(is_about(ece.high, 0.25 + deviation) && ece.low == 0); /* cannot be below */
}

static struct dse_space make_space(void) {
    struct dse_space space = {
        .objectives = {{"accuracy_clean", DSE_MAXIMIZE}, {"bit_operations", DSE_MINIMIZE}},
        .n_objectives = 2,
        .constraints = {{"accuracy_corrupted", DSE_AT_LEAST, 0.75, false},
                        {"size_bits", DSE_AT_MOST, 498, false}},
        .n_constraints = 2,
    };
    return space;
}

static void measuring_gives_objectives_and_violation(void **state) {
    (void)state;
    struct dse_space space = make_space();
    struct result result, baseline;
    double objectives[3] = {-1, -1, -1}, violation = -1;
    struct dse_err err = {0};
    make_result(right, &result);
    make_result(baseline_right, &baseline);
    const struct dse_evidence evidence = {&model, &candidate, &result.outcome, &baseline.outcome};
    assert_ok(dse_space_measure(&space, &evidence, objectives, &violation, &err), &err);
    assert_true(objectives[0] == 0.9 && objectives[1] == 33800 && objectives[2] == -1);
    assert_true(is_about(violation, 0.75 - 3.5 / 6 + 2));
    /* Room to spare here does not pay for what is missing there; on the bound is feasible. */
    space.constraints[0].bound = 0.25;
    space.constraints[1].bound = 499;
    assert_ok(dse_space_measure(&space, &evidence, objectives, &violation, &err), &err);
    assert_true(violation == 1);
    space.constraints[1].bound = 500;
    assert_ok(dse_space_measure(&space, &evidence, objectives, &violation, &err), &err);
    assert_true(violation == 0);
    /* 0.95 - 0.125 is missed by 0.9 not at all, 0.95 - 0.025 by 0.025. */
    space.constraints[0] = (struct dse_constraint){"accuracy(clean)", DSE_AT_LEAST, -0.125, true};
    assert_ok(dse_space_measure(&space, &evidence, objectives, &violation, &err), &err);
    assert_true(violation == 0);
    space.constraints[0].bound = -0.025;
    assert_ok(dse_space_measure(&space, &evidence, objectives, &violation, &err), &err);
    assert_true(is_about(violation, 0.025));
}

static void measuring_fails_by_name_and_leaves_outputs(void **state) {
    (void)state;
    struct dse_space space = make_space();
    struct result result;
    double objectives[2] = {-1, -1}, violation = -1;
    struct dse_err err = {0}, no_baseline = {0};
    make_result(right, &result);
    const struct dse_evidence evidence = {&model, &candidate, &result.outcome, NULL};
    space.constraints[1] = (struct dse_constraint){"accuracy(clean)", DSE_AT_LEAST, 0, true};
    assert_int_equal(dse_space_measure(&space, &evidence, objectives, &violation, &no_baseline),
                     DSE_FAILED);
    assert_non_null(strstr(no_baseline.text, "compared with the baseline"));
    result.tallies[CLEAN][DSE_TALLY_SEEN] = result.tallies[CLEAN][DSE_TALLY_CORRECT] = 0;
    assert_int_equal(dse_space_measure(&space, &evidence, objectives, &violation, &err),
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
        cmocka_unit_test(scopes_take_the_mean_of_their_cells),
        cmocka_unit_test(corruption_errors_are_compared_with_a_baseline),
        cmocka_unit_test(costs_have_their_values),
        cmocka_unit_test(what_cannot_be_read_is_told_with_what_can),
        cmocka_unit_test(equal_metrics_are_recognised),
        cmocka_unit_test(scopes_need_their_cells),
        cmocka_unit_test(numbers_that_are_not_known_are_not_numbers),
        cmocka_unit_test(calibration_errors_by_hand),
        cmocka_unit_test(measuring_gives_objectives_and_violation),
        cmocka_unit_test(measuring_fails_by_name_and_leaves_outputs),
        cmocka_unit_test(wilson_interval_agrees_with_scipy),
        cmocka_unit_test(candidates_start_as_float32),
    };
    return cmocka_run_group_tests(tests, name_cells, NULL);
}
