/* When a sweep stops before its last generation. Asked at the end of a generation, in the
 * transaction that writes its survivors, so the answer is a row like any other: a restart does not
 * ask again. */
#include <math.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

/* A front whose volume has grown by no more than this share stands still. */
static const double LEAST_GROWTH = 1e-4;

static enum dse_status has_enough(const struct dse_explorer *ex, bool *enough,
                                  struct dse_err *err) {
    struct dse_sweep_counts counts;
    DSE_TRY(dse_store_count_sweep(ex->store, ex->sweep_id, &counts, err));
    *enough = counts.individuals >= ex->workload.exploration_individuals;
    return DSE_OK;
}

static enum dse_status is_over_time(struct dse_explorer *ex, bool *over, struct dse_err *err) {
    struct dse_sweep_row row;
    DSE_TRY(dse_store_load_sweep(ex->store, ex->sweep_id, &ex->wave_arena, &row, err));
    double seconds = (double)(dse_clock_wall_ms() - row.submitted_at_ms) / 1e3;
    *over = seconds >= (double)ex->workload.exploration_time_s;
    return DSE_OK;
}

/* Objectives of feasible points, [n][n_objectives]. */
struct points {
    double *values;
    int n;
};

static void add_point(const struct dse_explorer *ex, struct points *points,
                      const double *objectives) {
    size_t m = (size_t)ex->space.n_objectives;
    memcpy(points->values + (size_t)points->n * m, objectives, m * sizeof *objectives);
    points->n++;
}

static enum dse_status load_points_before(struct dse_explorer *ex, int generation,
                                          struct points *points, struct dse_err *err) {
    struct dse_survivor_row *survivors;
    int n;
    DSE_TRY(dse_store_load_survivors(ex->store, ex->sweep_id, generation, &ex->wave_arena,
                                     &survivors, &n, err));
    points->values = dse_arena_alloc(&ex->wave_arena, (size_t)n,
                                     (size_t)ex->space.n_objectives * sizeof *points->values);
    if (points->values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d survivors", n);
    for (int i = 0; i < n; i++) {
        struct dse_individual_row row;
        DSE_TRY(dse_store_load_individual(ex->store, ex->sweep_id, survivors[i].generation,
                                          survivors[i].slot, &ex->wave_arena, &row, err));
        if (row.state == DSE_RESULT_DONE && row.violation == 0)
            add_point(ex, points, row.objectives);
    }
    return DSE_OK;
}

/* The worst of both sets in each objective: in it no point has a share of the volume by its
 * extremes alone, but both sets are measured alike. */
static void find_reference(const struct dse_explorer *ex, const struct points *a,
                           const struct points *b, double *reference) {
    for (int j = 0; j < ex->space.n_objectives; j++) {
        bool maximised = ex->space.objectives[j].sense == DSE_MAXIMIZE;
        reference[j] = maximised ? INFINITY : -INFINITY;
        for (int i = 0; i < a->n + b->n; i++) {
            const struct points *of = i < a->n ? a : b;
            double x = of->values[(i < a->n ? i : i - a->n) * ex->space.n_objectives + j];
            reference[j] = maximised ? fmin(reference[j], x) : fmax(reference[j], x);
        }
    }
}

static enum dse_status stands_still(struct dse_explorer *ex, int generation,
                                    const struct dse_individual *kept, int n_kept, bool *still,
                                    struct dse_err *err) {
    struct points before = {0}, now = {0};
    double reference[DSE_MAX_OBJECTIVES], volume_before, volume_now;
    int then = generation - (int)ex->workload.exploration_standstill;
    if (then < 0)
        return DSE_OK;
    DSE_TRY(load_points_before(ex, then, &before, err));
    now.values = dse_arena_alloc(&ex->wave_arena, (size_t)n_kept,
                                 (size_t)ex->space.n_objectives * sizeof *now.values);
    if (now.values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d survivors", n_kept);
    for (int i = 0; i < n_kept; i++)
        if (kept[i].violation == 0)
            add_point(ex, &now, kept[i].objectives);
    if (before.n == 0 || now.n == 0)
        return DSE_OK; /* nothing feasible yet: there is something to find */
    find_reference(ex, &before, &now, reference);
    DSE_TRY(dse_search_hypervolume(&ex->space, before.values, before.n, reference, &volume_before,
                                   err));
    DSE_TRY(dse_search_hypervolume(&ex->space, now.values, now.n, reference, &volume_now, err));
    *still = volume_now <= volume_before * (1 + LEAST_GROWTH);
    return DSE_OK;
}

enum dse_status dse_explorer__should_stop(struct dse_explorer *ex, int generation,
                                          const struct dse_individual *kept, int n_kept, bool *stop,
                                          struct dse_err *err) {
    *stop = generation + 1 >= ex->search.generations;
    if (!*stop && ex->workload.exploration_individuals > 0)
        DSE_TRY(has_enough(ex, stop, err));
    if (!*stop && ex->workload.exploration_time_s > 0)
        DSE_TRY(is_over_time(ex, stop, err));
    if (!*stop && ex->workload.exploration_standstill > 0)
        DSE_TRY(stands_still(ex, generation, kept, n_kept, stop, err));
    return DSE_OK;
}
