/* All combinations of thresholds on a grid, without going over all images for each.
 *
 * At every exit an image stands in a bucket: the first threshold of the grid that lets it leave.
 * Exits before the last decision are taken one threshold after the other (images that leave are
 * added, those that stay go on). At the last decision, raising the threshold moves one bucket of
 * images from the last exit to this one: a step costs the words of the tallies, however many images
 * there are. */
#include "problems/problems.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sweep {
    const struct dse_exit_images *images;
    const struct dse_exit_grid *grid;
    dse_exit_visit visit;
    void *context;
    size_t words;    /* of all cells */
    int *buckets;    /* [exit][image]: 0..n of the exit; n: no threshold lets it leave */
    int64_t *moves;  /* [n of the last decision + 1][words] */
    size_t *staying; /* [exit][image]: images that reach the exit */
    int64_t *totals; /* [exit][words]: tallies of those that have left before */
    double chosen[DSE_EXITS_MOST];
    struct dse_outcome outcome;
};

static size_t n_images(const struct sweep *sweep) {
    return sweep->images->n_images * (size_t)sweep->images->n_cells;
}

static const uint8_t *record_of(const struct sweep *sweep, size_t image, int exit) {
    return sweep->images->records +
           (image * (size_t)sweep->images->n_exits + (size_t)exit) * DSE_RECORD_BYTES;
}

static void add_record(const struct sweep *sweep, size_t image, int exit, int sign,
                       int64_t *tallies) {
    size_t cell = image / sweep->images->n_images;
    dse_exit_record_tally(record_of(sweep, image, exit), exit, sweep->images->n_exits, sign,
                          tallies + cell * (size_t)sweep->outcome.tally_size);
}

/* The first of n rising thresholds above the entropy. */
static int bucket_of(uint32_t entropy, const uint64_t *thresholds, int n) {
    int low = 0, high = n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (entropy < thresholds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static enum dse_status fill_buckets(struct sweep *sweep, int exit, struct dse_err *err) {
    int n = sweep->grid->n[exit];
    uint64_t *units = dse_alloc((size_t)n, sizeof *units);
    if (units == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d thresholds", n);
    for (int i = 0; i < n; i++)
        units[i] = dse_exit_threshold_units(sweep->grid->thresholds[exit][i]);
    int *buckets = sweep->buckets + (size_t)exit * n_images(sweep);
    for (size_t i = 0; i < n_images(sweep); i++)
        buckets[i] = bucket_of(dse_exit_record_entropy(record_of(sweep, i, exit)), units, n);
    dse_free(units);
    return DSE_OK;
}

/* Where the parts of one exit begin. */
static const int *buckets_at(const struct sweep *sweep, int exit) {
    return sweep->buckets + (size_t)exit * n_images(sweep);
}
static size_t *staying_at(const struct sweep *sweep, int exit) {
    return sweep->staying + (size_t)exit * n_images(sweep);
}
static int64_t *totals_at(const struct sweep *sweep, int exit) {
    return sweep->totals + (size_t)exit * sweep->words;
}

static void add_words(int64_t *sum, const int64_t *addend, size_t n) {
    for (size_t i = 0; i < n; i++)
        sum[i] += addend[i];
}

/* The last decision, for the n images that reach it: all go to the last exit, then bucket after
 * bucket moves here. */
static void decide_last(struct sweep *sweep, int exit, size_t n) {
    const size_t *staying = staying_at(sweep, exit);
    int64_t *total = totals_at(sweep, exit + 1);
    int n_thresholds = sweep->grid->n[exit];
    memcpy(total, totals_at(sweep, exit), sweep->words * sizeof *total);
    memset(sweep->moves, 0, (size_t)(n_thresholds + 1) * sweep->words * sizeof *sweep->moves);
    for (size_t i = 0; i < n; i++) {
        int bucket = buckets_at(sweep, exit)[staying[i]];
        int64_t *move = sweep->moves + (size_t)bucket * sweep->words;
        add_record(sweep, staying[i], exit + 1, 1, total);
        add_record(sweep, staying[i], exit + 1, -1, move);
        add_record(sweep, staying[i], exit, 1, move);
    }
    sweep->outcome.tallies = total;
    for (int t = 0; t < n_thresholds; t++) {
        add_words(total, sweep->moves + (size_t)t * sweep->words, sweep->words);
        sweep->chosen[exit] = sweep->grid->thresholds[exit][t];
        sweep->visit(sweep->context, sweep->chosen, &sweep->outcome);
    }
}

/* The n images in staying_at(exit) decide here; what left before is in totals_at(exit). At most
 * DSE_EXITS_MOST deep. */
static void decide(struct sweep *sweep, int exit, size_t n) {
    if (exit == sweep->images->n_exits - 2) {
        decide_last(sweep, exit, n);
        return;
    }
    const size_t *staying = staying_at(sweep, exit);
    int64_t *total = totals_at(sweep, exit + 1);
    for (int t = 0; t < sweep->grid->n[exit]; t++) {
        size_t n_next = 0;
        memcpy(total, totals_at(sweep, exit), sweep->words * sizeof *total);
        for (size_t i = 0; i < n; i++) {
            if (buckets_at(sweep, exit)[staying[i]] <= t)
                add_record(sweep, staying[i], exit, 1, total);
            else
                staying_at(sweep, exit + 1)[n_next++] = staying[i];
        }
        sweep->chosen[exit] = sweep->grid->thresholds[exit][t];
        decide(sweep, exit + 1, n_next);
    }
}

static enum dse_status allocate(struct sweep *sweep, struct dse_arena *arena, struct dse_err *err) {
    size_t exits = (size_t)sweep->images->n_exits, images = n_images(sweep);
    size_t n_last = (size_t)sweep->grid->n[sweep->images->n_exits - 2] + 1;
    sweep->buckets = dse_arena_alloc(arena, exits * images, sizeof *sweep->buckets);
    sweep->staying = dse_arena_alloc(arena, exits * images, sizeof *sweep->staying);
    sweep->totals = dse_arena_alloc(arena, exits * sweep->words, sizeof *sweep->totals);
    sweep->moves = dse_arena_alloc(arena, n_last * sweep->words, sizeof *sweep->moves);
    if (sweep->buckets == NULL || sweep->staying == NULL || sweep->totals == NULL ||
        sweep->moves == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu images at %zu exits", images, exits);
    return DSE_OK;
}

enum dse_status dse_exit_sweep(const struct dse_exit_images *images,
                               const struct dse_exit_grid *grid, dse_exit_visit visit,
                               void *context, struct dse_err *err) {
    struct dse_arena arena = {0};
    int size = dse_exit_tally_size(images->n_exits);
    struct sweep sweep = {.images = images, .grid = grid, .visit = visit, .context = context};
    enum dse_status status;
    dse_assert(images->n_exits > 1 && images->n_exits <= DSE_EXITS_MOST);
    sweep.words = (size_t)images->n_cells * (size_t)size;
    sweep.outcome = (struct dse_outcome){.n_cells = images->n_cells, .tally_size = size};
    DSE_TRY_GOTO(status, allocate(&sweep, &arena, err), done);
    for (int k = 0; k < images->n_exits - 1; k++)
        DSE_TRY_GOTO(status, fill_buckets(&sweep, k, err), done);
    for (size_t i = 0; i < n_images(&sweep); i++)
        sweep.staying[i] = i;
    decide(&sweep, 0, n_images(&sweep));
done:
    dse_arena_fini(&arena);
    return status;
}

/* ---- the grid ---- */

static int compare_entropies(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Entropies of an exit, rising, each once. */
static size_t distinct_entropies(const struct dse_exit_images *images, int exit, uint32_t *out) {
    size_t n = images->n_images * (size_t)images->n_cells, kept = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = dse_exit_record_entropy(
            images->records + (i * (size_t)images->n_exits + (size_t)exit) * DSE_RECORD_BYTES);
    qsort(out, n, sizeof *out, compare_entropies);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || out[kept - 1] != out[i])
            out[kept++] = out[i];
    return kept;
}

/* As a threshold a value keeps its own image; one unit more lets it leave. 0 keeps all. */
static void spread_thresholds(const uint32_t *entropies, size_t n, int most, double *thresholds,
                              int *n_thresholds) {
    size_t wanted = n < (size_t)most - 1 ? n : (size_t)most - 1;
    *n_thresholds = 0;
    thresholds[(*n_thresholds)++] = 0;
    for (size_t i = 1; i <= wanted; i++) {
        double units = (double)entropies[i * n / wanted - 1] + 1;
        thresholds[(*n_thresholds)++] = ldexp(units, -DSE_TALLY_BITS_ENTROPY);
    }
}

enum dse_status dse_exit_grid_make(const struct dse_exit_images *images, int most,
                                   struct dse_arena *arena, struct dse_exit_grid *grid,
                                   struct dse_err *err) {
    size_t n = images->n_images * (size_t)images->n_cells;
    struct dse_exit_grid made = {.n = {0}};
    uint32_t *entropies = dse_alloc(n, sizeof *entropies);
    enum dse_status status = DSE_OK;
    dse_assert(most > 1);
    for (int k = 0; k < images->n_exits - 1; k++) {
        made.thresholds[k] = dse_arena_alloc(arena, (size_t)most, sizeof *made.thresholds[k]);
        if (entropies == NULL || made.thresholds[k] == NULL) {
            status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for %d thresholds", most);
            break;
        }
        spread_thresholds(entropies, distinct_entropies(images, k, entropies), most,
                          made.thresholds[k], &made.n[k]);
    }
    dse_free(entropies);
    if (status == DSE_OK)
        *grid = made;
    return status;
}
