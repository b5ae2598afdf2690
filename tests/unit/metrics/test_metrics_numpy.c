/* Every measure of 10,000 recorded predictions, and of as many of five passes, beside NumPy's
 * (tests/fixtures/record_metrics.py).
 */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/metrics/metrics.h"

enum { N = 10000, CLASSES = 10, ROW = CLASSES + 1, PASSES = 5 };

/* The predictions as one cell, and as shards of 1,000 that are added up. */
static void tally_predictions(int64_t whole[DSE_TALLY_SIZE], int64_t summed[DSE_TALLY_SIZE]) {
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    double scratch[CLASSES];
    int64_t shard[DSE_TALLY_SIZE] = {0};
    assert_ok(dse_file_read(DSE_FIXTURES_DIR "/predictions.i8", N * ROW, &bytes, &err), &err);
    assert_int_equal(bytes.size, N * ROW);
    for (int i = 0; i < N; i++) {
        const signed char *row = (const signed char *)bytes.data + (size_t)i * ROW;
        uint16_t label = (uint16_t)row[CLASSES];
        float logits[CLASSES];
        for (int k = 0; k < CLASSES; k++)
            logits[k] = (float)row[k] / 4;
        dse_metrics_tally_logits(logits, &label, 1, CLASSES, scratch, whole);
        dse_metrics_tally_logits(logits, &label, 1, CLASSES, scratch, shard);
        if (i % 1000 == 999) {
            assert_true(dse_tally_add(summed, shard, DSE_TALLY_SIZE));
            memset(shard, 0, sizeof shard);
        }
    }
    dse_buf_fini(&bytes);
}

static struct dse_estimate estimate_of(const char *measure, const int64_t *tally) {
    static const struct dse_cell_facts clean[1];
    const struct dse_model_facts model = {.cells = clean, .n_cells = 1};
    const struct dse_outcome outcome = {
        .tallies = tally, .n_cells = 1, .tally_size = DSE_TALLY_SIZE};
    const struct dse_evidence evidence = {.model = &model, .outcome = &outcome};
    struct dse_metric metric;
    struct dse_err err = {0};
    char name[80];
    (void)snprintf(name, sizeof name, "%s(clean)", measure);
    assert_ok(dse_metric_parse(name, strlen(name), &metric, &err), &err);
    return dse_metric_estimate(&metric, &evidence);
}

static bool is_near(double a, double b, double relative) {
    return fabs(a - b) <= relative * fabs(b);
}

/* Every line of the file beside the tally's measure. */
static void assert_equal_numpy(const char *path, const int64_t *tally, int n_measures) {
    char name[40];
    double value, half;
    int n = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fscanf(file, "%39s %lf %lf", name, &value, &half) == 3; n++) {
        struct dse_estimate found = estimate_of(name, tally);
        print_message("%-20s %.12g, relative difference %.1e\n", name, found.value,
                      (found.value - value) / value);
        if (!is_near(found.value, value, 1e-9))
            fail_msg("%s: %.17g, NumPy %.17g", name, found.value, value);
        assert_int_equal(found.images, N);
        if (!isnan(found.low))
            assert_true(found.low < found.value && found.value < found.high);
        if (half >= 0) /* the squares are coarser than the sums */
            assert_true(is_near(found.high - found.value, half, 1e-6) &&
                        is_near(found.value - found.low, half, 1e-6));
    }
    (void)fclose(file);
    assert_int_equal(n, n_measures);
}

static void measures_equal_numpy_to_one_part_in_a_billion(void **state) {
    (void)state;
    int64_t whole[DSE_TALLY_SIZE] = {0}, summed[DSE_TALLY_SIZE] = {0};
    tally_predictions(whole, summed);
    assert_memory_equal(whole, summed, sizeof whole);
    assert_equal_numpy(DSE_FIXTURES_DIR "/predictions.txt", whole, 10);
}

/* As record_metrics.py. */
static uint32_t scramble(uint32_t x) {
    x *= 2654435761u;
    x = (x ^ x >> 15) * 2246822519u;
    return x ^ x >> 13;
}

/* Image i: its label, and the logits of its passes. */
static int make_passes(uint32_t i, float logits[PASSES][CLASSES]) {
    uint32_t base[CLASSES], drawn = scramble(i + 2000000), best = 0;
    for (uint32_t k = 0; k < CLASSES; k++) {
        base[k] = scramble(i * CLASSES + k) % 128;
        best = base[k] > base[best] ? k : best;
    }
    for (uint32_t t = 0; t < PASSES; t++)
        for (uint32_t k = 0; k < CLASSES; k++)
            logits[t][k] =
                (float)(base[k] + scramble((i * PASSES + t) * CLASSES + k + 1000000) % 64) / 16;
    return (int)(drawn % 4 == 0 ? (drawn >> 8) % CLASSES : best);
}

static void measures_of_passes_equal_numpy_to_one_part_in_a_billion(void **state) {
    (void)state;
    double p[PASSES * CLASSES], mean[CLASSES], scratch[PASSES];
    int64_t sums[CLASSES], tally[DSE_TALLY_SIZE] = {0};
    struct dse_passes passes = {.p = p, .sums = sums, .scratch = scratch};
    for (uint32_t i = 0; i < N; i++) {
        float logits[PASSES][CLASSES];
        int label = make_passes(i, logits);
        dse_metrics_reset_passes(&passes, CLASSES);
        for (int t = 0; t < PASSES; t++)
            dse_metrics_add_pass(logits[t], CLASSES, &passes);
        int predicted = dse_metrics_mean_of_passes(&passes, CLASSES, mean);
        struct dse_pass_spread spread = dse_metrics_spread_of_passes(&passes, CLASSES, mean);
        dse_metrics_tally(mean, CLASSES, label, predicted, tally);
        dse_metrics_tally_spread(&spread, tally);
    }
    assert_equal_numpy(DSE_FIXTURES_DIR "/predictions_passes.txt", tally, 13);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_equal_numpy_to_one_part_in_a_billion),
        cmocka_unit_test(measures_of_passes_equal_numpy_to_one_part_in_a_billion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
