/* Dropout masks: every code computes the defined bits; rate, nesting and independence. */
#include <math.h>

#include "evaluator/kernels/kernels.h"
#include "tests/lib/testing.h"

enum { ELEMENTS = 64 * 64, WORDS = ELEMENTS / 64 };

static const struct dse_dropout some = {
    .seed = 0x123456789abcdef0, .image = 77, .site = 5, .pass = 3, .rate = 20000};

static bool kept(const uint64_t *keep, size_t e) {
    return keep[e / 64] >> (e % 64) & 1;
}

/* ---- the definition, one element at a time from the generator of base ---- */

static bool defined_kept(const struct dse_dropout *dropout, uint32_t element) {
    struct dse_rng rng;
    dse_rng_init(&rng, dropout->seed, DSE_RNG_DROPOUT, dropout->image,
                 (uint32_t)dropout->site * 65536 + dropout->pass);
    uint32_t word = 0;
    for (uint32_t i = 0; i <= element / 2; i++)
        word = dse_rng_u32(&rng);
    return (element % 2 == 0 ? word % 65536 : word / 65536) >= dropout->rate;
}

static void every_code_computes_the_defined_bits(void **state) {
    (void)state;
    static const uint32_t rates[] = {0, 1, 3277, 32767, 32768, 40000, 65535};
    int n_codes;
    const struct dse_dropout_code *codes = dse_dropout_code_table(&n_codes);
    for (int c = 0; c < n_codes; c++) {
        const struct dse_dropout_code *code = &codes[c];
        if (!code->supported())
            continue;
        for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
            struct dse_dropout dropout = some;
            uint64_t keep[WORDS];
            dropout.rate = rates[r];
            code->bits(&dropout, 0, WORDS, keep);
            for (uint32_t e = 0; e < ELEMENTS; e += e < 200 ? 1 : 97)
                if (kept(keep, e) != defined_kept(&dropout, e))
                    fail_msg("%s: element %u at rate %u", code->name, e, rates[r]);
        }
    }
}

static void a_larger_rate_drops_what_a_smaller_one_drops(void **state) {
    (void)state;
    struct dse_dropout dropout = some;
    uint64_t small[WORDS], large[WORDS];
    memset(small, 0xff, sizeof small);
    for (uint32_t rate = 0; rate < DSE_DROPOUT_STEPS; rate += 4369) {
        dropout.rate = rate;
        dse_dropout_bits(&dropout, ELEMENTS, large);
        for (int w = 0; w < WORDS; w++)
            assert_int_equal(large[w] & ~small[w], 0);
        memcpy(small, large, sizeof small);
    }
}

/* ---- statistics ---- */

/* Largest chi-square with 1 degree of freedom that chance exceeds once in 10^6 tests. */
static const double CHI_SQUARE_1E6 = 23.93;

static double chi_square(double observed, double n, double share) {
    double expected = n * share, difference = observed - expected;
    return difference * difference / expected + difference * difference / (n - expected);
}

static double count_kept(const uint64_t *keep) {
    int n = 0;
    for (int w = 0; w < WORDS; w++)
        n += __builtin_popcountll(keep[w]);
    return n;
}

static void the_rate_is_the_share_of_the_dropped(void **state) {
    (void)state;
    static const double rates[] = {0.01, 0.054988, 0.25, 0.319811, 0.5};
    enum { IMAGES = 100 };
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct dse_dropout dropout = some;
        double stays = 0;
        dropout.rate = dse_dropout_steps(rates[r]);
        double rate = (double)dropout.rate / DSE_DROPOUT_STEPS;
        assert_true(fabs(rate - rates[r]) <= 0.5 / DSE_DROPOUT_STEPS);
        for (dropout.image = 0; dropout.image < IMAGES; dropout.image++) {
            uint64_t keep[WORDS];
            dse_dropout_bits(&dropout, ELEMENTS, keep);
            stays += count_kept(keep);
        }
        assert_true(chi_square(stays, (double)IMAGES * ELEMENTS, 1 - rate) < CHI_SQUARE_1E6);
    }
}

/* Are two masks of the same rate dropped together as often as independent ones? */
static void assert_independent(const struct dse_dropout *a, const struct dse_dropout *b,
                               size_t shift, const char *what) {
    enum { ROUNDS = 64 };
    double rate = (double)a->rate / DSE_DROPOUT_STEPS, both = 0, n = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct dse_dropout x = *a, y = *b;
        uint64_t keep_x[WORDS], keep_y[WORDS];
        x.seed += round;
        y.seed += round;
        dse_dropout_bits(&x, ELEMENTS, keep_x);
        dse_dropout_bits(&y, ELEMENTS, keep_y);
        for (size_t e = 0; e + shift < ELEMENTS; e++, n++)
            both += !kept(keep_x, e) && !kept(keep_y, e + shift);
    }
    double value = chi_square(both, n, rate * rate);
    if (value >= CHI_SQUARE_1E6)
        fail_msg("masks that differ in %s: chi-square %.1f", what, value);
}

static void masks_of_images_sites_passes_and_elements_are_independent(void **state) {
    (void)state;
    struct dse_dropout other = some;
    other.image++;
    assert_independent(&some, &other, 0, "the image");
    other = some;
    other.site++;
    assert_independent(&some, &other, 0, "the site");
    other = some;
    other.pass++;
    assert_independent(&some, &other, 0, "the pass");
    static const size_t shifts[] = {1, 2, 7, 8, 9, 31, 32, 63, 64, 512};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++)
        assert_independent(&some, &some, shifts[i], "the element");
}

/* ---- use ---- */

static void integers_floats_and_halves_lose_the_same_elements(void **state) {
    (void)state;
    enum { C = 3, PIXELS = 47, N = C * PIXELS };
    uint64_t keep[(N + 63) / 64];
    uint8_t q[N], out[N], split[2 * N], split_out[2 * N];
    float x[N], y[N];
    for (int i = 0; i < N; i++) {
        q[i] = (uint8_t)(1 + i % 120);
        x[i] = (float)q[i] * 0.37f;
    }
    for (int i = 0; i < 2 * N; i++)
        split[i] = (uint8_t)(1 + i % 100);
    float factor = dse_dropout_factor(some.rate);
    dse_dropout_bits(&some, N, keep);
    dse_dropout_u8(q, N, keep, out);
    dse_dropout_f32(x, N, keep, factor, y);
    dse_dropout_split_u8(split, PIXELS, C, keep, split_out);
    for (int i = 0; i < N; i++) {
        int positive = i / C * 2 * C + i % C, negative = positive + C;
        bool stays = kept(keep, (size_t)i);
        assert_int_equal(out[i], stays ? q[i] : 0);
        assert_true(y[i] == (stays ? x[i] * factor : 0.0f));
        assert_int_equal(split_out[positive], stays ? split[positive] : 0);
        assert_int_equal(split_out[negative], stays ? split[negative] : 0);
    }
}

static void the_factor_is_exact_where_it_can_be(void **state) {
    (void)state;
    assert_true(dse_dropout_factor(0) == 1.0f);
    assert_true(dse_dropout_factor(32768) == 2.0f);
    assert_true(dse_dropout_factor(16384) == (float)(4.0 / 3.0));
    assert_int_equal(dse_dropout_steps(0.5), 32768);
    assert_int_equal(dse_dropout_steps(0.9999999), 65535);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_computes_the_defined_bits),
        cmocka_unit_test(a_larger_rate_drops_what_a_smaller_one_drops),
        cmocka_unit_test(the_rate_is_the_share_of_the_dropped),
        cmocka_unit_test(masks_of_images_sites_passes_and_elements_are_independent),
        cmocka_unit_test(integers_floats_and_halves_lose_the_same_elements),
        cmocka_unit_test(the_factor_is_exact_where_it_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
