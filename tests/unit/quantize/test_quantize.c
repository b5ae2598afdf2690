/* quantize: known values, ties, zeros, percentiles by hand and as NumPy computed them. */
#include "tests/lib/testing.h"

#include <float.h>
#include <math.h>

#include "evaluator/quantize/quantize.h"

static void largest_integer_of_every_width(void **state) {
    (void)state;
    static const int expected[] = {1,   3,    7,    15,   31,   63,    127,  255,
                                   511, 1023, 2047, 4095, 8191, 16383, 32767};
    for (int bits = 2; bits <= 16; bits++)
        assert_int_equal(dse_quantize_max(bits), expected[bits - 2]);
}

static void weights_round_half_to_even(void **state) {
    (void)state;
    /* amax 7 at 4 bits: scale 1, so the weights are the quotients. */
    static const float weights[] = {7,     0.5f, 1.5f,  2.5f, 3.5f,  -0.5f, -1.5f,
                                    -2.5f, 6.5f, -6.5f, -7,   0.49f, 0,     -0.51f};
    static const int8_t expected[] = {7, 0, 2, 2, 4, 0, -2, -2, 6, -6, -7, 0, 0, -1};
    enum { N = sizeof expected };
    int8_t q[N];
    float scale;
    const struct dse_layer_weights given = {weights, 1, N, DSE_SCALE_A_CHANNEL};
    dse_quantize_weights(&given, 4, q, &scale);
    assert_true(scale == 1.0f);
    assert_memory_equal(q, expected, N);
}

static void every_channel_has_its_scale(void **state) {
    (void)state;
    static const float weights[] = {0.1f, -0.2f, 0.05f, 0, 0, 0, -3, 1.5f, 0.7f, 1e-40f, 0, 0};
    int8_t q[12];
    float scales[4];
    struct dse_layer_weights given = {weights, 4, 3, DSE_SCALE_A_CHANNEL};
    dse_quantize_weights(&given, 8, q, scales);
    static const int8_t expected[] = {64, -127, 32, 0, 0, 0, -127, 64, 30};
    assert_memory_equal(q, expected, sizeof expected);
    assert_true(scales[0] == 0.2f / 127.0f && scales[1] == 0 && scales[2] == 3.0f / 127.0f);
    /* So small that the scale is not a normal number: any integer in range, no undefined value. */
    assert_in_range(q[9], 0, 127);
    dse_quantize_weights(&given, 2, q, scales);
    static const int8_t ternary[] = {0, -1, 0, 0, 0, 0, -1, 0, 0};
    assert_memory_equal(q, ternary, sizeof ternary);
    given.share = DSE_SCALE_A_TENSOR;
    dse_quantize_weights(&given, 8, q, scales);
    static const int8_t shared[] = {4, -8, 2, 0, 0, 0, -127, 64, 30, 0, 0, 0};
    assert_memory_equal(q, shared, sizeof shared);
    for (int i = 0; i < 4; i++)
        assert_true(scales[i] == 3.0f / 127.0f);
}

/* Against division, nearbyint and a product; at 8 bits, against the integers too. */
static void fake_quantised_weights_lie_on_the_grid(void **state) {
    (void)state;
    enum { OC = 3, PER_CHANNEL = 700 };
    static float weights[OC * PER_CHANNEL], values[OC * PER_CHANNEL];
    static int8_t q[OC * PER_CHANNEL];
    float scales[OC];
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 3, 0);
    for (int i = 0; i < OC * PER_CHANNEL; i++)
        weights[i] = (float)dse_rng_normal(&rng) * (float)(i / PER_CHANNEL);
    for (int share = 0; share < 2; share++)
        for (int bits = 2; bits <= 16; bits++) {
            const struct dse_layer_weights given = {weights, OC, PER_CHANNEL,
                                                    (enum dse_weight_scales)share};
            dse_fake_quantize_weights(&given, bits, values);
            if (bits <= 8)
                dse_quantize_weights(&given, bits, q, scales);
            for (int i = 0; i < OC * PER_CHANNEL; i++) {
                int from = share == DSE_SCALE_A_TENSOR ? 0 : i / PER_CHANNEL * PER_CHANNEL;
                int n = share == DSE_SCALE_A_TENSOR ? OC * PER_CHANNEL : PER_CHANNEL;
                float amax = 0;
                for (int k = from; k < from + n; k++)
                    amax = fmaxf(amax, fabsf(weights[k]));
                float scale = amax / (float)((1 << (bits - 1)) - 1);
                float wanted = scale == 0 ? 0 : nearbyintf(weights[i] / scale) * scale;
                assert_true(values[i] == wanted);
                if (bits <= 8)
                    assert_true(values[i] == (float)q[i] * scales[i / PER_CHANNEL]);
            }
        }
}

static void range_is_narrow_and_quotients_are_nearest(void **state) {
    (void)state;
    enum { N = 5000 };
    static float weights[N];
    static int8_t q[N];
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (int bits = 2; bits <= 8; bits++) {
        int M = dse_quantize_max(bits), largest = 0;
        const float amax = 5.37f;
        float scale;
        for (int i = 0; i < N; i++) {
            /* Every other one close to a tie, where a product with 1 / scale would differ. */
            float tie = ((float)dse_rng_below(&rng, (uint32_t)M) + 0.5f) * (amax / (float)M);
            weights[i] = i % 2 ? tie : (float)dse_rng_normal(&rng);
        }
        weights[0] = -amax;
        const struct dse_layer_weights given = {weights, 1, N, DSE_SCALE_A_CHANNEL};
        dse_quantize_weights(&given, bits, q, &scale);
        for (int i = 0; i < N; i++) {
            assert_int_equal(q[i], (int)nearbyint((double)(weights[i] / scale)));
            largest = abs(q[i]) > largest ? abs(q[i]) : largest;
        }
        assert_int_equal(largest, M);
    }
}

static void scale_of_an_activation(void **state) {
    (void)state;
    assert_true(dse_quantize_scale(6.35, 8) == 6.35f / 127.0f);
    assert_true(dse_quantize_scale(6.35, 2) == 6.35f);
    assert_true(dse_quantize_scale(0, 8) == 0);
}

/* ---- calibration ---- */

static void percentile_by_hand(void **state) {
    (void)state;
    struct dse_histogram histogram = {0};
    struct dse_err err = {0};
    assert_true(dse_histogram_percentile(&histogram, 99.99) == 0);
    /* First maximum 2048: bins of width 1. */
    static const float first[] = {2048, 0.5f, -1, 1.5f, -3.25f, 100, 0, 7};
    assert_ok(dse_histogram_add(&histogram, first, 8, &err), &err);
    assert_int_equal(histogram.n_bins, 2048);
    assert_true(histogram.width == 1);
    assert_int_equal(histogram.counts[0], 2);
    assert_int_equal(histogram.counts[1], 2);
    assert_int_equal(histogram.counts[2047], 1); /* the last bin holds its right edge */
    assert_true(dse_histogram_percentile(&histogram, 25) == 1);   /* bin 0: one width */
    assert_true(dse_histogram_percentile(&histogram, 25.1) == 1); /* bin 1 */
    assert_true(dse_histogram_percentile(&histogram, 62.5) == 3);
    assert_true(dse_histogram_percentile(&histogram, 63) == 7);
    assert_true(dse_histogram_percentile(&histogram, 100) == 2047);
    /* A larger value extends it with the same width; an inner edge belongs to the bin above. */
    static const float second[] = {3000.5f, 2048};
    assert_ok(dse_histogram_add(&histogram, second, 2, &err), &err);
    assert_int_equal(histogram.n_bins, 3001);
    assert_int_equal(histogram.total, 10);
    assert_int_equal(histogram.counts[2048], 1);
    assert_true(dse_histogram_percentile(&histogram, 90) == 2048);
    assert_true(dse_histogram_percentile(&histogram, 100) == 3000);
    dse_histogram_fini(&histogram);
}

static void zeros_first_and_values_later(void **state) {
    (void)state;
    struct dse_histogram histogram = {0};
    struct dse_err err = {0};
    static const float zeros[4];
    static const float values[] = {4, 0};
    assert_ok(dse_histogram_add(&histogram, zeros, 4, &err), &err);
    assert_true(dse_histogram_percentile(&histogram, 99.99) == 0);
    assert_ok(dse_histogram_add(&histogram, values, 2, &err), &err);
    assert_ok(dse_histogram_add(&histogram, values, 0, &err), &err);
    assert_int_equal(histogram.counts[0], 5);
    assert_true(dse_histogram_percentile(&histogram, 50) == 4.0 / 2048);
    assert_true(dse_histogram_percentile(&histogram, 99) == 4.0 / 2048 * 2047);
    dse_histogram_fini(&histogram);
}

static void unusable_values_leave_the_histogram_as_it_was(void **state) {
    (void)state;
    const float bad[][2] = {{1, NAN}, {INFINITY, 0}, {-INFINITY, 0}, {1e9f, 0}};
    static const float good[] = {1, 0.5f};
    struct dse_histogram histogram = {0};
    struct dse_err err = {0};
    assert_ok(dse_histogram_add(&histogram, good, 2, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        struct dse_err failure = {0};
        assert_int_equal(dse_histogram_add(&histogram, bad[i], 2, &failure), DSE_INVALID);
        assert_true(failure.text[0] != 0);
        assert_int_equal(histogram.total, 2);
        assert_int_equal(histogram.n_bins, 2048);
    }
    static const float larger[] = {1.5f};
    dse_alloc_fail_at(0);
    struct dse_err failure = {0};
    assert_int_equal(dse_histogram_add(&histogram, larger, 1, &failure), DSE_NO_MEMORY);
    dse_alloc_fail_at(-1);
    assert_int_equal(histogram.n_bins, 2048);
    assert_ok(dse_histogram_add(&histogram, larger, 1, &err), &err);
    assert_int_equal(histogram.n_bins, 3072);
    dse_histogram_fini(&histogram);
    assert_int_equal(dse_alloc_live(), 0);
}

static void percentiles_as_numpy_computes_them(void **state) {
    (void)state;
    enum { BATCHES = 4, N = 1500, PERCENTILES = 7 };
    static float x[BATCHES][N];
    FILE *values = fopen(DSE_FIXTURES_DIR "/histogram.f32", "rb");
    FILE *expected = fopen(DSE_FIXTURES_DIR "/histogram.txt", "r");
    assert_non_null(values);
    assert_non_null(expected);
    assert_int_equal(fread(x, sizeof x, 1, values), 1);
    struct dse_histogram histogram = {0};
    struct dse_err err = {0};
    for (int batch = 0; batch < BATCHES; batch++) {
        assert_ok(dse_histogram_add(&histogram, x[batch], N, &err), &err);
        for (int i = 0; i < PERCENTILES; i++) {
            int n_bins;
            double percentile, value;
            assert_int_equal(fscanf(expected, "%d %lf %lf", &n_bins, &percentile, &value), 3);
            assert_int_equal(histogram.n_bins, n_bins);
            double ours = dse_histogram_percentile(&histogram, percentile);
            if (!(fabs(ours - value) <= 4 * DBL_EPSILON * value))
                fail_msg("batch %d, %g: %.17g, NumPy %.17g", batch, percentile, ours, value);
        }
    }
    dse_histogram_fini(&histogram);
    (void)fclose(values);
    (void)fclose(expected);
}

static void assert_near(const char *what, int batch, double ours, double expected) {
    if (!(fabs(ours - expected) <= 4 * DBL_EPSILON * expected))
        fail_msg("batch %d, %s: %.17g, recorded %.17g", batch, what, ours, expected);
}

/* max, mse, entropy after each batch, by tests/fixtures/record_histogram.py */
static void methods_as_recorded(void **state) {
    (void)state;
    enum { BATCHES = 4, N = 1500 };
    static float x[BATCHES][N];
    static const enum dse_calibration_method methods[] = {DSE_CALIBRATION_MAX, DSE_CALIBRATION_MSE,
                                                          DSE_CALIBRATION_ENTROPY};
    FILE *values = fopen(DSE_FIXTURES_DIR "/histogram.f32", "rb");
    FILE *expected = fopen(DSE_FIXTURES_DIR "/histogram.methods.txt", "r");
    assert_non_null(values);
    assert_non_null(expected);
    assert_int_equal(fread(x, sizeof x, 1, values), 1);
    struct dse_histogram histogram = {0};
    struct dse_err err = {0};
    for (int batch = 0; batch < BATCHES; batch++) {
        assert_ok(dse_histogram_add(&histogram, x[batch], N, &err), &err);
        for (int i = 0; i < 3; i++) {
            struct dse_calibration_rule rule = {methods[i], 0};
            double value, ours = -1;
            assert_int_equal(fscanf(expected, "%lf", &value), 1);
            assert_ok(dse_histogram_amax(&histogram, &rule, &ours, &err), &err);
            if (methods[i] == DSE_CALIBRATION_MAX)
                value = (double)(float)value;
            assert_near(dse_calibration_method_text(methods[i]), batch, ours, value);
        }
    }
    dse_histogram_fini(&histogram);
    (void)fclose(values);
    (void)fclose(expected);
}

/* Bins 0 and 1 are equal and the others empty: every candidate has divergence 0. */
static void of_equal_divergences_the_last_is_taken(void **state) {
    (void)state;
    enum { BINS = 200 };
    uint64_t counts[BINS] = {5, 5};
    const struct dse_histogram histogram = {
        .counts = counts, .n_bins = BINS, .width = 0.5, .total = 10, .largest = 1};
    const struct dse_calibration_rule rule = {DSE_CALIBRATION_ENTROPY, 0};
    struct dse_err err = {0};
    double amax = -1;
    assert_ok(dse_histogram_amax(&histogram, &rule, &amax, &err), &err);
    assert_true(amax == BINS * 0.5);
}

static void an_empty_histogram_has_no_magnitude(void **state) {
    (void)state;
    static const float zeros[5];
    for (int i = 0; i < 4; i++) {
        struct dse_histogram histogram = {0};
        struct dse_err err = {0};
        struct dse_calibration_rule rule = {(enum dse_calibration_method)i, 99};
        double amax = -1;
        assert_ok(dse_histogram_amax(&histogram, &rule, &amax, &err), &err);
        assert_true(amax == 0);
        assert_ok(dse_histogram_add(&histogram, zeros, 5, &err), &err);
        assert_ok(dse_histogram_amax(&histogram, &rule, &amax, &err), &err);
        assert_true(amax == 0);
        dse_histogram_fini(&histogram);
    }
}

static void calibrations_are_kept_exactly(void **state) {
    (void)state;
    static const double amax[] = {0.1, 1.0 / 3, 0};
    static const char *const names[] = {"/conv1/Conv", "a name with blanks", "fc"};
    const struct dse_calibration kept = {.model = "00ff",
                                         .data = "images 0 to 9",
                                         .rule = {DSE_CALIBRATION_MSE, 99.9},
                                         .n_layers = 3,
                                         .amax = amax,
                                         .names = names};
    struct dse_arena arena = {0};
    struct dse_calibration read = {0};
    struct dse_buf text = {0};
    struct dse_err err = {0};
    char dir[256], path[300];
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/c", dir);
    assert_ok(dse_calibration_write(&kept, &text, &err), &err);
    assert_ok(dse_file_replace(path, text.data, text.size, &err), &err);
    assert_ok(dse_calibration_load(path, &arena, &read, &err), &err);
    assert_int_equal(read.n_layers, 3);
    assert_memory_equal(read.amax, amax, sizeof amax);
    assert_string_equal(read.names[1], names[1]);
    assert_int_equal(read.rule.method, DSE_CALIBRATION_MSE);
    assert_ok(dse_calibration_check(&read, path, "00ff", names, 3, &err), &err);
    assert_int_equal(dse_calibration_check(&read, path, "00fe", names, 3, &err), DSE_CONFLICT);
    err = (struct dse_err){0};
    assert_int_equal(dse_calibration_check(&read, path, "00ff", names, 2, &err), DSE_CONFLICT);
    err = (struct dse_err){0};
    assert_int_equal(dse_calibration_check(&read, path, "00ff", names + 1, 3, &err), DSE_CONFLICT);
    for (size_t size = 0; size < text.size; size += 7) { /* cut off anywhere: refused or shorter */
        err = (struct dse_err){0};
        assert_ok(dse_file_replace(path, text.data, size, &err), &err);
        enum dse_status status = dse_calibration_load(path, &arena, &read, &err);
        assert_true(status == DSE_INVALID || (status == DSE_OK && read.n_layers <= 3));
    }
    dse_arena_fini(&arena);
    dse_buf_fini(&text);
    (void)unlink(path);
    (void)rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_integer_of_every_width),
        cmocka_unit_test(weights_round_half_to_even),
        cmocka_unit_test(every_channel_has_its_scale),
        cmocka_unit_test(fake_quantised_weights_lie_on_the_grid),
        cmocka_unit_test(range_is_narrow_and_quotients_are_nearest),
        cmocka_unit_test(scale_of_an_activation),
        cmocka_unit_test(percentile_by_hand),
        cmocka_unit_test(zeros_first_and_values_later),
        cmocka_unit_test(unusable_values_leave_the_histogram_as_it_was),
        cmocka_unit_test(percentiles_as_numpy_computes_them),
        cmocka_unit_test(methods_as_recorded),
        cmocka_unit_test(of_equal_divergences_the_last_is_taken),
        cmocka_unit_test(an_empty_histogram_has_no_magnitude),
        cmocka_unit_test(calibrations_are_kept_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
