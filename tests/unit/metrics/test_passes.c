/* Passes of Monte-Carlo dropout against NumPy (tests/fixtures/record_passes.py). */
#include <math.h>

#include "evaluator/metrics/metrics.h"
#include "tests/lib/testing.h"

enum { IMAGES = 200, PASSES = 5, CLASSES = 7 };

static float logits[IMAGES][PASSES][CLASSES];
static int labels[IMAGES];
static FILE *expected; /* at its first name and value */

static double memory_p[PASSES * CLASSES], memory_scratch[PASSES];
static int64_t memory_sums[CLASSES];
static struct dse_passes passes = {.p = memory_p, .sums = memory_sums, .scratch = memory_scratch};

static int open_fixture(void **state) {
    (void)state;
    int sizes[3];
    FILE *file = fopen(DSE_FIXTURES_DIR "/passes.logits.f32", "rb");
    expected = fopen(DSE_FIXTURES_DIR "/passes.txt", "r");
    assert_true(file != NULL && expected != NULL);
    assert_int_equal(fread(logits, sizeof logits, 1, file), 1);
    (void)fclose(file);
    assert_int_equal(fscanf(expected, "%d %d %d", &sizes[0], &sizes[1], &sizes[2]), 3);
    assert_true(sizes[0] == IMAGES && sizes[1] == PASSES && sizes[2] == CLASSES);
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(fscanf(expected, "%d", &labels[i]), 1);
    return 0;
}

static int close_fixture(void **state) {
    (void)state;
    return fclose(expected);
}

static int predict(int image, int n_passes, double *mean) {
    dse_metrics_reset_passes(&passes, CLASSES);
    for (int t = 0; t < n_passes; t++)
        dse_metrics_add_pass(logits[image][t], CLASSES, &passes);
    return dse_metrics_mean_of_passes(&passes, CLASSES, mean);
}

/* A word is a sum of roundings to 2^-bits: some 1e-9 of these means. */
static void assert_recorded(const char *name, double value) {
    char read[32];
    double wanted;
    assert_int_equal(fscanf(expected, "%31s %lf", read, &wanted), 2);
    assert_string_equal(read, name);
    if (!(fabs(value - wanted) <= 1e-9 * fmax(1, fabs(wanted))))
        fail_msg("%s: %.17g, recorded %.17g", name, value, wanted);
}

static double mean_of(const int64_t *tally, int word, int bits) {
    return ldexp((double)tally[word], -bits) / IMAGES;
}

static void tallies_are_those_of_numpy(void **state) {
    (void)state;
    int64_t tally[DSE_TALLY_SIZE] = {0};
    for (int i = 0; i < IMAGES; i++) {
        double mean[CLASSES];
        int predicted = predict(i, PASSES, mean);
        struct dse_pass_spread spread = dse_metrics_spread_of_passes(&passes, CLASSES, mean);
        dse_metrics_tally(mean, CLASSES, labels[i], predicted, tally);
        dse_metrics_tally_spread(&spread, tally);
    }
    assert_recorded("correct", (double)tally[DSE_TALLY_CORRECT]);
    assert_recorded("nll", mean_of(tally, DSE_TALLY_NLL, DSE_TALLY_BITS_NLL));
    assert_recorded("brier", mean_of(tally, DSE_TALLY_BRIER, DSE_TALLY_BITS_BRIER));
    assert_recorded("entropy", mean_of(tally, DSE_TALLY_ENTROPY, DSE_TALLY_BITS_ENTROPY));
    assert_recorded("mutual", mean_of(tally, DSE_TALLY_MUTUAL, DSE_TALLY_BITS_MUTUAL));
    assert_recorded("deviation", mean_of(tally, DSE_TALLY_DEVIATION, DSE_TALLY_BITS_DEVIATION));
    assert_recorded("interval", mean_of(tally, DSE_TALLY_INTERVAL, DSE_TALLY_BITS_INTERVAL));
}

/* Sums after T passes of a longer run are those of a run of T passes in any order. */
static void the_order_of_passes_changes_nothing(void **state) {
    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        double forward[CLASSES], backward[CLASSES];
        int predicted = predict(i, PASSES, forward);
        dse_metrics_reset_passes(&passes, CLASSES);
        for (int t = PASSES - 1; t >= 0; t--)
            dse_metrics_add_pass(logits[i][t], CLASSES, &passes);
        assert_int_equal(dse_metrics_mean_of_passes(&passes, CLASSES, backward), predicted);
        assert_memory_equal(forward, backward, sizeof forward);
    }
}

static void equal_passes_do_not_differ(void **state) {
    (void)state;
    double mean[CLASSES];
    dse_metrics_reset_passes(&passes, CLASSES);
    for (int t = 0; t < 4; t++)
        dse_metrics_add_pass(logits[0][0], CLASSES, &passes);
    (void)dse_metrics_mean_of_passes(&passes, CLASSES, mean);
    struct dse_pass_spread spread = dse_metrics_spread_of_passes(&passes, CLASSES, mean);
    assert_true(spread.mutual < 1e-15 && spread.deviation < 1e-15 && spread.interval == 0);
}

static void a_pass_without_numbers_is_never_correct(void **state) {
    (void)state;
    const float nothing[CLASSES] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double mean[CLASSES];
    dse_metrics_reset_passes(&passes, CLASSES);
    dse_metrics_add_pass(logits[0][0], CLASSES, &passes);
    dse_metrics_add_pass(nothing, CLASSES, &passes);
    assert_int_equal(dse_metrics_mean_of_passes(&passes, CLASSES, mean), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tallies_are_those_of_numpy),
        cmocka_unit_test(the_order_of_passes_changes_nothing),
        cmocka_unit_test(equal_passes_do_not_differ),
        cmocka_unit_test(a_pass_without_numbers_is_never_correct),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
