/* metrics: ties, NaN, infinities, counts. */
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
    static const uint8_t labels[6] = {2, 1, 0, 1, 1, 0};
    assert_int_equal(dse_metrics_count_correct(&logits[0][0], labels, 6, 3), 3);
    assert_int_equal(dse_metrics_count_correct(&logits[0][0], labels, 1, 3), 1);
    assert_int_equal(dse_metrics_count_correct(&logits[0][0], labels, 0, 3), 0);
    /* A label the model has no logit for is never correct. */
    static const uint8_t large_label[1] = {200};
    assert_int_equal(dse_metrics_count_correct(&logits[0][0], large_label, 1, 3), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argmax_takes_the_lowest_of_equals_and_never_nan),
        cmocka_unit_test(argmax_equals_a_search_for_a_value_none_exceeds),
        cmocka_unit_test(correct_images_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
