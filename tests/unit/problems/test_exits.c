/* Records of early exits: thresholds applied to them, and whole grids of thresholds. */
#include <math.h>
#include <stdlib.h>

#include "problems/problems.h"
#include "tests/lib/testing.h"

enum { EXITS = 3, CELLS = 2, IMAGES = 200, TALLY = DSE_TALLY_SIZE + DSE_EXIT_WORDS * EXITS };

static struct dse_exit_numbers numbers[CELLS][IMAGES][EXITS];
static uint8_t records[CELLS][IMAGES][EXITS][DSE_RECORD_BYTES];

/* Later exits are surer; some numbers are exactly equal. */
static int make_records(void **state) {
    (void)state;
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 80, 0);
    for (int c = 0; c < CELLS; c++)
        for (int i = 0; i < IMAGES; i++)
            for (int k = 0; k < EXITS; k++) {
                double u = dse_rng_uniform(&rng);
                struct dse_exit_numbers *of = &numbers[c][i][k];
                *of = (struct dse_exit_numbers){
                    .entropy = i % 10 == 0 ? 0.5 : 2.3 * u * u / (1 + k),
                    .confidence = i % 7 == 0 ? 1 : 1 - 0.9 * u,
                    .nll = 5 * u,
                    .brier = 1.5 * u,
                    .correct = dse_rng_uniform(&rng) < 1 - 0.5 * u,
                };
                dse_exit_record_write(of, records[c][i][k]);
            }
    return 0;
}

static int exit_by_numbers(int cell, int image, const double *thresholds) {
    int exit = 0;
    while (exit < EXITS - 1 && !(numbers[cell][image][exit].entropy < thresholds[exit]))
        exit++;
    return exit;
}

static double real(const int64_t *tally, int word, int bits) {
    return ldexp((double)tally[word], -bits);
}

/* By another way: numbers, not records; sums of doubles. */
static void a_tally_is_the_sum_of_its_images(void **state) {
    (void)state;
    const double thresholds[EXITS - 1] = {0.31, 0.77};
    const struct dse_exit_policy policy = {.n_exits = EXITS, .thresholds = thresholds};
    int64_t tally[TALLY] = {0}, left[EXITS] = {0}, left_correct[EXITS] = {0};
    double nll = 0, brier = 0, entropy = 0, confidence = 0, ece = 0, recorded_ece = 0;
    double bins[DSE_TALLY_BINS][3] = {{0}};
    dse_exits_apply(&policy, &records[0][0][0][0], IMAGES, tally);
    for (int i = 0; i < IMAGES; i++) {
        int exit = exit_by_numbers(0, i, thresholds);
        const struct dse_exit_numbers *of = &numbers[0][i][exit];
        int bin = (int)ceil(of->confidence * DSE_TALLY_BINS) - 1;
        left[exit]++;
        left_correct[exit] += of->correct;
        nll += of->nll;
        brier += of->brier;
        entropy += of->entropy;
        confidence += of->confidence;
        bins[bin][0] += of->confidence;
        bins[bin][1] += of->correct;
        bins[bin][2]++;
    }
    int64_t correct = 0;
    for (int k = 0; k < EXITS; k++) {
        assert_int_equal(tally[dse_exit_word(DSE_EXIT_LEFT, k, EXITS)], left[k]);
        assert_int_equal(tally[dse_exit_word(DSE_EXIT_LEFT_CORRECT, k, EXITS)], left_correct[k]);
        assert_true(left[k] > 10);
        correct += left_correct[k];
    }
    assert_int_equal(tally[DSE_TALLY_SEEN], IMAGES);
    assert_int_equal(tally[DSE_TALLY_CORRECT], correct);
    assert_true(fabs(real(tally, DSE_TALLY_NLL, DSE_TALLY_BITS_NLL) - nll) < IMAGES * 0x1p-12);
    assert_true(fabs(real(tally, DSE_TALLY_BRIER, DSE_TALLY_BITS_BRIER) - brier) <
                IMAGES * 0x1p-16);
    assert_true(fabs(real(tally, DSE_TALLY_ENTROPY, DSE_TALLY_BITS_ENTROPY) - entropy) <
                IMAGES * 0x1p-29);
    assert_true(fabs(real(tally, DSE_TALLY_CONFIDENCE, DSE_TALLY_BITS_CONFIDENCE) - confidence) <
                IMAGES * 0x1p-32);
    for (int b = 0; b < DSE_TALLY_BINS; b++) {
        ece += fabs(bins[b][0] - bins[b][1]);
        recorded_ece += fabs(real(tally, DSE_TALLY_BIN_CONFIDENCE + b, 31) -
                             (double)tally[DSE_TALLY_BIN_CORRECT + b]);
        assert_int_equal(tally[DSE_TALLY_BIN_SEEN + b], bins[b][2]);
    }
    assert_true(fabs(ece - recorded_ece) < IMAGES * 0x1p-31);
}

/* An image whose entropy is the threshold stays. */
static void leaving_needs_less_than_the_threshold(void **state) {
    (void)state;
    struct dse_exit_numbers half = {.entropy = 0.5, .confidence = 1};
    uint8_t record[2][DSE_RECORD_BYTES];
    dse_exit_record_write(&half, record[0]);
    dse_exit_record_write(&half, record[1]);
    static const struct {
        double threshold;
        int left_first;
    } cases[] = {{0.5, 0},
                 {0.5 + 0x1p-29, 1},
                 {0.5 + 0x1p-28, 1},
                 {0.5 - 0x1p-28, 0},
                 {0, 0},
                 {-1, 0},
                 {1e9, 1},
                 {NAN, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t tally[DSE_TALLY_SIZE + DSE_EXIT_WORDS * 2] = {0};
        const struct dse_exit_policy policy = {.n_exits = 2, .thresholds = &cases[i].threshold};
        dse_exits_apply(&policy, record[0], 1, tally);
        assert_int_equal(tally[dse_exit_word(DSE_EXIT_LEFT, 0, 2)], cases[i].left_first);
    }
}

/* The notebook's policy: the mean of a batch decides for all of it. */
static void a_batch_leaves_together(void **state) {
    (void)state;
    enum { BATCH = 16 };
    const double thresholds[EXITS - 1] = {0.75, 0.4};
    const struct dse_exit_policy policy = {EXITS, thresholds, BATCH};
    int64_t tally[TALLY] = {0}, left[EXITS] = {0};
    dse_exits_apply(&policy, &records[1][0][0][0], IMAGES, tally);
    for (int first = 0; first < IMAGES; first += BATCH) {
        int n = IMAGES - first < BATCH ? IMAGES - first : BATCH, exit = 0;
        for (; exit < EXITS - 1; exit++) {
            double sum = 0;
            for (int i = first; i < first + n; i++)
                sum += numbers[1][i][exit].entropy;
            if (sum / n < thresholds[exit])
                break;
        }
        left[exit] += n;
    }
    for (int k = 0; k < EXITS; k++)
        assert_int_equal(tally[dse_exit_word(DSE_EXIT_LEFT, k, EXITS)], left[k]);
    assert_true(left[0] > 0 && left[1] > 0);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void a_summary_is_that_of_the_numbers(void **state) {
    (void)state;
    enum { ALL = CELLS * IMAGES };
    const double thresholds[EXITS - 1] = {0.31, 0.77};
    const struct dse_exit_policy policy = {.n_exits = EXITS, .thresholds = thresholds};
    const struct dse_exit_images images = {&records[0][0][0][0], IMAGES, CELLS, EXITS};
    struct dse_exit_summary summary;
    struct dse_err err = {0};
    double entropies[ALL];
    int64_t left[EXITS] = {0}, correct[EXITS] = {0}, wrong = 0;
    for (int i = 0; i < ALL; i++) {
        int exit = exit_by_numbers(i / IMAGES, i % IMAGES, thresholds);
        const struct dse_exit_numbers *of = &numbers[i / IMAGES][i % IMAGES][exit];
        entropies[i] = of->entropy;
        left[exit]++;
        correct[exit] += of->correct;
        wrong += !of->correct;
    }
    qsort(entropies, ALL, sizeof *entropies, compare_doubles);
    assert_ok(dse_exit_summarize(&policy, &images, &summary, &err), &err);
    assert_memory_equal(summary.left, left, sizeof left);
    assert_memory_equal(summary.left_correct, correct, sizeof correct);
    assert_true(fabs(summary.entropies[0] - entropies[0]) < 0x1p-28);
    assert_true(fabs(summary.entropies[2] - (entropies[ALL / 2 - 1] + entropies[ALL / 2]) / 2) <
                0x1p-28);
    assert_true(fabs(summary.entropies[4] - entropies[ALL - 1]) < 0x1p-28);
    assert_true(fabs(summary.risks[DSE_EXIT_COVERAGES - 1] - (double)wrong / ALL) < 1e-12);
    for (int c = 1; c < DSE_EXIT_COVERAGES; c++)
        assert_true(dse_exit_coverage(c) > dse_exit_coverage(c - 1));
}

/* By hand: four images of falling confidence, the second and the last wrong. */
static void risk_is_that_of_the_surest(void **state) {
    (void)state;
    uint8_t four[4][2][DSE_RECORD_BYTES];
    const double thresholds[1] = {9};
    const struct dse_exit_policy policy = {.n_exits = 2, .thresholds = thresholds};
    struct dse_exit_summary summary;
    struct dse_err err = {0};
    for (int i = 0; i < 4; i++) {
        const struct dse_exit_numbers sure = {
            .entropy = 0.1 * i, .confidence = 0.9 - 0.1 * i, .correct = i % 2 == 0};
        dse_exit_record_write(&sure, four[i][0]);
        dse_exit_record_write(&sure, four[i][1]);
    }
    const struct dse_exit_images images = {&four[0][0][0], 4, 1, 2};
    assert_ok(dse_exit_summarize(&policy, &images, &summary, &err), &err);
    static const double expected[DSE_EXIT_COVERAGES] = {1.0 / 2, 1.0 / 3, 2.0 / 4, 2.0 / 4,
                                                        2.0 / 4};
    for (int c = 0; c < DSE_EXIT_COVERAGES; c++)
        assert_true(fabs(summary.risks[c] - expected[c]) < 1e-12);
    assert_int_equal(summary.left[0], 4);
}

/* ---- grids ---- */

struct seen {
    int n;
};

static void compare_with_apply(void *context, const double *thresholds,
                               const struct dse_outcome *outcome) {
    struct seen *seen = context;
    const struct dse_exit_policy policy = {.n_exits = EXITS, .thresholds = thresholds};
    int64_t tallies[CELLS][TALLY] = {{0}};
    assert_int_equal(outcome->n_cells, CELLS);
    assert_int_equal(outcome->tally_size, TALLY);
    for (int c = 0; c < CELLS; c++)
        dse_exits_apply(&policy, &records[c][0][0][0], IMAGES, tallies[c]);
    assert_memory_equal(outcome->tallies, tallies, sizeof tallies);
    seen->n++;
}

static void a_sweep_gives_what_each_vector_gives(void **state) {
    (void)state;
    const struct dse_exit_images images = {&records[0][0][0][0], IMAGES, CELLS, EXITS};
    struct dse_exit_grid grid;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct seen seen = {0};
    assert_ok(dse_exit_grid_make(&images, 33, &arena, &grid, &err), &err);
    assert_int_equal(grid.n[0], 33);
    assert_int_equal(grid.n[1], 33);
    assert_ok(dse_exit_sweep(&images, &grid, compare_with_apply, &seen, &err), &err);
    assert_int_equal(seen.n, 33 * 33);
    dse_arena_fini(&arena);
}

/* With room for all values, every share of leaving images is there. */
static void a_large_grid_has_every_value(void **state) {
    (void)state;
    const struct dse_exit_images images = {&records[0][0][0][0], 30, 1, EXITS};
    struct dse_exit_grid grid;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    assert_ok(dse_exit_grid_make(&images, 1000, &arena, &grid, &err), &err);
    assert_int_equal(grid.n[0], 1 + 30 - 2); /* three of the first 30 have 0.5 */
    for (int t = 0; t < grid.n[0]; t++) {
        int below = 0, shared = 0;
        for (int i = 0; i < 30; i++) {
            below += dse_exit_record_entropy(records[0][i][0]) <
                     dse_exit_threshold_units(grid.thresholds[0][t]);
            shared += numbers[0][i][0].entropy == 0.5 && 0.5 < grid.thresholds[0][t];
        }
        assert_int_equal(below, t + (shared == 3 ? 2 : 0));
    }
    dse_arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tally_is_the_sum_of_its_images),
        cmocka_unit_test(leaving_needs_less_than_the_threshold),
        cmocka_unit_test(a_batch_leaves_together),
        cmocka_unit_test(a_summary_is_that_of_the_numbers),
        cmocka_unit_test(risk_is_that_of_the_surest),
        cmocka_unit_test(a_sweep_gives_what_each_vector_gives),
        cmocka_unit_test(a_large_grid_has_every_value),
    };
    return cmocka_run_group_tests(tests, make_records, NULL);
}
