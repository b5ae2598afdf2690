/* One million threshold vectors on 10,000 recorded images with three exits, on one thread.
 *
 *     bench_thresholds
 *
 * Of every vector accuracy, expected calibration error and mean exit are computed; the best is
 * printed, so that nothing is left out. The records are random. */
#include <math.h>
#include <stdio.h>

#include "problems/problems.h"

enum { EXITS = 3, IMAGES = 10000, THRESHOLDS = 1000 };

struct best {
    int64_t n;
    double score, thresholds[EXITS - 1];
};

static void note(void *context, const double *thresholds, const struct dse_outcome *outcome) {
    struct best *best = context;
    const int64_t *tally = dse_outcome_cell(outcome, 0);
    double ece = 0, depth = 0;
    for (int b = 0; b < DSE_TALLY_BINS; b++)
        ece += fabs(
            ldexp((double)tally[DSE_TALLY_BIN_CONFIDENCE + b], -DSE_TALLY_BITS_BIN_CONFIDENCE) -
            (double)tally[DSE_TALLY_BIN_CORRECT + b]);
    for (int k = 0; k < EXITS; k++)
        depth += k * (double)tally[dse_exit_word(DSE_EXIT_LEFT, k, EXITS)];
    double score = ((double)tally[DSE_TALLY_CORRECT] - ece - 0.1 * depth) / IMAGES;
    best->n++;
    if (best->n > 1 && score <= best->score)
        return;
    best->score = score;
    best->thresholds[0] = thresholds[0];
    best->thresholds[1] = thresholds[1];
}

int main(void) {
    static uint8_t records[IMAGES][EXITS][DSE_RECORD_BYTES];
    struct dse_rng rng;
    struct dse_arena arena = {0};
    struct dse_exit_grid grid;
    struct best best = {0};
    struct dse_err err = {0};
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < EXITS; k++) {
            double u = dse_rng_uniform(&rng);
            const struct dse_exit_numbers numbers = {2.3 * u / (1 + k), 1 - 0.9 * u, 5 * u, u,
                                                     dse_rng_uniform(&rng) > 0.5 * u};
            dse_exit_record_write(&numbers, records[i][k]);
        }
    const struct dse_exit_images images = {&records[0][0][0], IMAGES, 1, EXITS};
    int64_t begin_ms = dse_clock_mono_ms();
    enum dse_status status = dse_exit_grid_make(&images, THRESHOLDS, &arena, &grid, &err);
    if (status == DSE_OK)
        status = dse_exit_sweep(&images, &grid, note, &best, &err);
    double seconds = (double)(dse_clock_mono_ms() - begin_ms) / 1000;
    dse_arena_fini(&arena);
    if (status != DSE_OK)
        return (void)fprintf(stderr, "bench_thresholds: %s\n", err.text), dse_status_exit(status);
    printf("%lld vectors in %.2f s; best %.4f at (%.4f, %.4f)\n", (long long)best.n, seconds,
           best.score, best.thresholds[0], best.thresholds[1]);
    return 0;
}
