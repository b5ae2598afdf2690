/* Comparisons of fronts, by hand. */
#include "tests/lib/testing.h"

#include <math.h>

#include "client/compare/compare.h"

static const struct dse_msg_objective up_down[] = {{.sense = "maximize"}, {.sense = "minimize"}};

static void assert_near(double x, double expected) {
    if (!(fabs(x - expected) < 1e-12))
        fail_msg("%.17g is not %.17g", x, expected);
}

static void two_fronts_by_hand(void **state) {
    (void)state;
    /* Best (10, 0), worst (0, 10): reference (-1, 11), a box of 11 x 11. */
    static const double a[] = {10, 10, 0, 0}, b[] = {5, 5, 0, 0, 0, 10};
    const struct dse_compare_front fronts[2] = {{a, 2}, {b, 3}};
    struct dse_comparison comparison;
    struct dse_err err = {0};
    assert_ok(dse_compare_fronts(up_down, 2, fronts, &comparison, &err), &err);
    assert_near(comparison.reference[0], -1);
    assert_near(comparison.reference[1], 11);
    /* a: 11 x 1 and 1 x 11, which share 1; b: 6 x 6 and 1 x 11, which share 6. */
    assert_near(comparison.hypervolume[0], 21.0 / 121);
    assert_near(comparison.hypervolume[1], 41.0 / 121);
    /* a covers (0,0), which it has, and (0,10), which both of its members dominate; b covers (0,0).
     */
    assert_near(comparison.coverage[0], 2.0 / 3);
    assert_near(comparison.coverage[1], 1.0 / 2);
}

/* The third objective never differs, so the quick way for two and the plain one must agree. */
static void two_objectives_are_covered_as_more_are(void **state) {
    (void)state;
    enum { N = 400, VALUES = 40 }; /* few enough for equal ones */
    static const struct dse_msg_objective objectives[] = {
        {.sense = "maximize"}, {.sense = "minimize"}, {.sense = "minimize"}};
    double plane[2][2 * N], space[2][3 * N];
    struct dse_rng rng;
    struct dse_err err = {0};
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    for (int turn = 0; turn < 20; turn++) {
        for (int f = 0; f < 2; f++)
            for (int i = 0; i < N; i++) {
                double x = (double)(dse_rng_u32(&rng) % VALUES);
                double y = x + (double)(dse_rng_u32(&rng) % VALUES) + f * turn % 3;
                space[f][3 * i] = plane[f][2 * i] = x;
                space[f][3 * i + 1] = plane[f][2 * i + 1] = y;
                space[f][3 * i + 2] = 7;
            }
        const struct dse_compare_front flat[2] = {{plane[0], N - turn}, {plane[1], 1 + turn}};
        const struct dse_compare_front deep[2] = {{space[0], N - turn}, {space[1], 1 + turn}};
        struct dse_comparison two, three;
        assert_ok(dse_compare_fronts(objectives, 2, flat, &two, &err), &err);
        assert_ok(dse_compare_fronts(objectives, 3, deep, &three, &err), &err);
        assert_true(two.coverage[0] > 0);
        assert_near(two.coverage[0], three.coverage[0]);
        assert_near(two.coverage[1], three.coverage[1]);
    }
}

static void equal_fronts_cover_each_other(void **state) {
    (void)state;
    static const double a[] = {3, 4};
    const struct dse_compare_front fronts[2] = {{a, 1}, {a, 1}};
    struct dse_comparison comparison;
    struct dse_err err = {0};
    assert_ok(dse_compare_fronts(up_down, 2, fronts, &comparison, &err), &err);
    assert_near(comparison.coverage[0], 1);
    assert_near(comparison.coverage[1], 1);
    assert_near(comparison.hypervolume[0], 1); /* a range of 0: the box is the tenth beyond */
}

static void empty_fronts_have_nothing_to_say(void **state) {
    (void)state;
    static const double a[] = {3, 4};
    const struct dse_compare_front one[2] = {{a, 1}, {NULL, 0}}, none[2] = {{NULL, 0}, {NULL, 0}};
    struct dse_comparison comparison;
    struct dse_err err = {0};
    assert_ok(dse_compare_fronts(up_down, 2, one, &comparison, &err), &err);
    assert_true(isnan(comparison.coverage[0]));
    assert_near(comparison.coverage[1], 0);
    assert_near(comparison.hypervolume[1], 0);
    assert_ok(dse_compare_fronts(up_down, 2, none, &comparison, &err), &err);
    assert_true(isnan(comparison.hypervolume[0]) && isnan(comparison.coverage[1]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_fronts_by_hand),
        cmocka_unit_test(two_objectives_are_covered_as_more_are),
        cmocka_unit_test(equal_fronts_cover_each_other),
        cmocka_unit_test(empty_fronts_have_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
