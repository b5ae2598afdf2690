/* metrics: ties, NaN, infinities, tallies. */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/metrics/metrics.h"

static void argmax_takes_the_lowest_of_equals_and_never_nan(void **state) {
    (void)state;
    static const struct {
        float values[4];
        int expected;
    } cases[] = {
        {{1, 3, 2, 0}, 1},
        {{0, 0, 0, 0}, 0},
        {{1, 5, 5, 2}, 1},
        {{-0.0f, 0.0f, -1, -1}, 0}, /* equal zeros */
        {{0.0f, -0.0f, -1, -1}, 0},
        {{NAN, 1, 2, NAN}, 2},
        {{NAN, -INFINITY, -INFINITY, NAN}, 1},
        {{NAN, NAN, NAN, -5}, 3},
        {{2, NAN, 1, 0}, 0},
        {{-INFINITY, NAN, INFINITY, INFINITY}, 2},
        {{-INFINITY, -INFINITY, NAN, -INFINITY}, 0},
        {{NAN, NAN, NAN, NAN}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(dse_metrics_argmax(cases[i].values, 4), cases[i].expected);
    assert_int_equal(dse_metrics_argmax(cases[0].values, 1), 0);
}

static void argmax_equals_a_search_for_a_value_none_exceeds(void **state) {
    (void)state;
    struct dse_rng rng;
    dse_rng_init(&rng, 11, DSE_RNG_TEST, 0, 0);
    for (int round = 0; round < 2000; round++) {
        float values[10];
        int n = 1 + (int)dse_rng_below(&rng, 10);
        for (int i = 0; i < n; i++)
            values[i] = (float)dse_rng_below(&rng, 6) - 3; /* many ties */
        int first_unexceeded = -1;
        for (int i = 0; i < n && first_unexceeded < 0; i++) {
            bool exceeded = false;
            for (int j = 0; j < n; j++)
                exceeded |= values[j] > values[i];
            if (!exceeded)
                first_unexceeded = i;
        }
        assert_int_equal(dse_metrics_argmax(values, n), first_unexceeded);
    }
}

static int64_t count_correct(const float *logits, const uint16_t *labels, int n) {
    int64_t tally[DSE_TALLY_SIZE] = {0};
    double scratch[3];
    dse_metrics_tally_logits(logits, labels, n, 3, scratch, tally);
    assert_int_equal(tally[DSE_TALLY_SEEN], n);
    return tally[DSE_TALLY_CORRECT];
}

static void correct_images_are_counted(void **state) {
    (void)state;
    static const float logits[6][3] = {
        {1, 2, 3},       /* 2 */
        {3, 2, 1},       /* 0 */
        {5, 5, 1},       /* 0, a tie */
        {5, 5, 1},       /* the same */
        {NAN, 0, NAN},   /* 1 */
        {NAN, NAN, NAN}, /* none */
    };
    static const uint16_t labels[6] = {2, 1, 0, 1, 1, 0};
    assert_int_equal(count_correct(&logits[0][0], labels, 6), 3);
    assert_int_equal(count_correct(&logits[0][0], labels, 1), 1);
    assert_int_equal(count_correct(&logits[0][0], labels, 0), 0);
}

/* In the units of tally.def; half a unit is rounding. */
static void assert_word(const int64_t *tally, int word, int bits, double expected) {
    double value = ldexp((double)tally[word], -bits), unit = ldexp(1, -bits);
    if (!(fabs(value - expected) <= 0.500001 * unit))
        fail_msg("word %d: %.17g, not %.17g", word, value, expected);
}
#define ASSERT_WORD(tally, name, expected) \
    assert_word(tally, DSE_TALLY_##name, DSE_TALLY_BITS_##name, expected)

/* p = (1/2, 1/4, 1/4), label 1: every number by hand. */
static void a_tally_has_the_numbers_of_its_image(void **state) {
    (void)state;
    const double p[] = {0.5, 0.25, 0.25}, ln2 = 0.69314718055994530942;
    int64_t tally[DSE_TALLY_SIZE] = {0};
    dse_metrics_tally(p, 3, 1, 0, tally);
    ASSERT_WORD(tally, BRIER, 0.875); /* 1/4 + 9/16 + 1/16 */
    ASSERT_WORD(tally, BRIER_SQUARE, 0.875 * 0.875);
    ASSERT_WORD(tally, NLL, 2 * ln2);
    ASSERT_WORD(tally, NLL_SQUARE, 4 * ln2 * ln2);
    ASSERT_WORD(tally, ENTROPY, 1.5 * ln2);
    ASSERT_WORD(tally, ENTROPY_SQUARE, 2.25 * ln2 * ln2);
    ASSERT_WORD(tally, CONFIDENCE, 0.5);
    ASSERT_WORD(tally, CONFIDENCE_SQUARE, 0.25);
    for (int b = 0; b < DSE_TALLY_BINS; b++) { /* 7/15 < 1/2 <= 8/15 */
        assert_int_equal(tally[DSE_TALLY_BIN_SEEN + b], b == 7);
        assert_int_equal(tally[DSE_TALLY_BIN_CORRECT + b], 0);
        assert_int_equal(tally[DSE_TALLY_BIN_CONFIDENCE + b] != 0, b == 7);
    }
    dse_metrics_tally(p, 3, 0, 0, tally);
    assert_int_equal(tally[DSE_TALLY_BIN_CORRECT + 7], 1);
    assert_int_equal(tally[DSE_TALLY_SEEN], 2);
    assert_int_equal(tally[DSE_TALLY_CORRECT], 1);
}

static void the_edges_of_a_bin_belong_to_the_bin_below(void **state) {
    (void)state;
    for (int b = 0; b <= DSE_TALLY_BINS; b++) {
        double edge = (double)b / DSE_TALLY_BINS;
        const double around[] = {edge, nextafter(edge, 2)};
        for (int i = 0; i < 2 && around[i] <= 1; i++) {
            int64_t tally[DSE_TALLY_SIZE] = {0};
            int expected = b - 1 + i < 0 ? 0 : b - 1 + i;
            dse_metrics_tally(&around[i], 1, 0, 0, tally);
            assert_int_equal(tally[DSE_TALLY_BIN_SEEN + expected], 1);
        }
    }
}

/* The worst image 2^31 times does not leave 63 bits, and what is impossible is clamped. */
static void extreme_images_stay_within_their_units(void **state) {
    (void)state;
    enum { CLASSES = 256 };
    double p[CLASSES] = {1}, uniform[CLASSES];
    int64_t wrong[DSE_TALLY_SIZE] = {0}, unsure[DSE_TALLY_SIZE] = {0};
    for (int k = 0; k < CLASSES; k++)
        uniform[k] = 1.0 / CLASSES;
    dse_metrics_tally(p, CLASSES, 1, 0, wrong);
    dse_metrics_tally(uniform, CLASSES, 1, 0, unsure);
    ASSERT_WORD(wrong, BRIER, 2);
    ASSERT_WORD(wrong, NLL, 27.631021115928547); /* -ln 1e-12 */
    ASSERT_WORD(wrong, ENTROPY, 0);
    ASSERT_WORD(unsure, ENTROPY, 5.5451774444795625); /* ln 256 */
    for (int word = 0; word < DSE_TALLY_SIZE; word++) {
        int64_t product;
        assert_false(__builtin_mul_overflow(wrong[word], INT64_C(1) << 31, &product));
        assert_false(__builtin_mul_overflow(unsure[word], INT64_C(1) << 31, &product));
    }
}

static void logits_that_are_no_numbers_say_nothing(void **state) {
    (void)state;
    static const float logits[][3] = {{NAN, 1, 2}, {INFINITY, 0, 0}, {NAN, NAN, NAN}};
    double p[3];
    for (size_t i = 0; i < sizeof logits / sizeof logits[0]; i++) {
        dse_metrics_softmax(logits[i], 3, p);
        assert_true(p[0] == 1.0 / 3 && p[1] == 1.0 / 3 && p[2] == 1.0 / 3);
    }
    static const float one_possible[3] = {-INFINITY, 80, -INFINITY};
    dse_metrics_softmax(one_possible, 3, p);
    assert_true(p[0] == 0 && p[1] == 1 && p[2] == 0);
}

/* Halves in any order, and all at once: the same integers. */
static void tallies_add_up(void **state) {
    (void)state;
    enum { N = 64, CLASSES = 5 };
    float logits[N][CLASSES];
    uint16_t labels[N];
    double scratch[CLASSES];
    int64_t whole[DSE_TALLY_SIZE] = {0}, halves[2][DSE_TALLY_SIZE] = {{0}};
    struct dse_rng rng;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 1, 0);
    for (int i = 0; i < N; i++) {
        labels[i] = (uint8_t)dse_rng_below(&rng, CLASSES);
        for (int k = 0; k < CLASSES; k++)
            logits[i][k] = (float)(4 * dse_rng_normal(&rng));
    }
    dse_metrics_tally_logits(&logits[0][0], labels, N, CLASSES, scratch, whole);
    for (int i = N - 1; i >= 0; i--)
        dse_metrics_tally_logits(logits[i], &labels[i], 1, CLASSES, scratch, halves[i % 2]);
    assert_true(dse_tally_add(halves[0], halves[1], DSE_TALLY_SIZE));
    assert_memory_equal(halves[0], whole, sizeof whole);
    assert_true(dse_tally_possible(whole, DSE_TALLY_SIZE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argmax_takes_the_lowest_of_equals_and_never_nan),
        cmocka_unit_test(argmax_equals_a_search_for_a_value_none_exceeds),
        cmocka_unit_test(correct_images_are_counted),
        cmocka_unit_test(a_tally_has_the_numbers_of_its_image),
        cmocka_unit_test(the_edges_of_a_bin_belong_to_the_bin_below),
        cmocka_unit_test(extreme_images_stay_within_their_units),
        cmocka_unit_test(logits_that_are_no_numbers_say_nothing),
        cmocka_unit_test(tallies_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
