/* How good a front is, as one number that only grows: the hypervolume that it dominates. The box it
 * is measured in is that of the feasible individuals of the first generation that has some, their
 * worst value of each objective being the reference point and the box's volume the unit. So it does
 * not depend on units, may exceed 1, and is that of every run of the sweep. */
#include <math.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

/* Exact volume of more points of four objectives would hold up the daemon. */
enum { OBJECTIVES_MAX = 4, POINTS_MAX_OF_FOUR = 1000 };

static void widen(const struct dse_space *space, struct volume_box *box, const double *objectives) {
    for (int j = 0; j < space->n_objectives; j++) {
        double least = box->known ? fmin(box->least[j], objectives[j]) : objectives[j];
        double most = box->known ? fmax(box->most[j], objectives[j]) : objectives[j];
        box->least[j] = least;
        box->most[j] = most;
    }
    box->known = true;
}

/* Looks at the generations before `whole` that have not been looked at. */
static enum dse_status find_box(struct dse_store *store, int64_t sweep_id,
                                const struct dse_space *space, int whole, struct volume_box *box,
                                struct dse_err *err) {
    struct dse_arena arena = {0};
    enum dse_status status = DSE_OK;
    for (; status == DSE_OK && !box->known && box->next < whole; box->next++) {
        struct dse_individual_row *rows;
        int n = 0;
        status = dse_store_load_individuals(store, sweep_id, DSE_SELECT_GENERATION, box->next,
                                            &arena, &rows, &n, err);
        for (int i = 0; status == DSE_OK && i < n; i++)
            if (rows[i].state == DSE_RESULT_DONE && rows[i].violation == 0)
                widen(space, box, rows[i].objectives);
    }
    dse_arena_fini(&arena);
    return status;
}

/* NaN: not known. */
static enum dse_status measure(const struct dse_space *space, const struct volume_box *box,
                               const double *points, int n, double *volume, struct dse_err *err) {
    double reference[DSE_MAX_OBJECTIVES], unit = 1, found = 0;
    *volume = NAN;
    if (!box->known)
        return DSE_OK;
    for (int j = 0; j < space->n_objectives; j++) {
        double range = box->most[j] - box->least[j];
        reference[j] = space->objectives[j].sense == DSE_MAXIMIZE ? box->least[j] : box->most[j];
        unit *= range > 0 ? range : 1;
    }
    DSE_TRY(dse_search_hypervolume(space, points, n, reference, &found, err));
    *volume = found / unit;
    return DSE_OK;
}

static bool is_measurable(const struct dse_space *space, int n) {
    return space->n_objectives < OBJECTIVES_MAX ||
           (space->n_objectives == OBJECTIVES_MAX && n <= POINTS_MAX_OF_FOUR);
}

static enum dse_status measure_archive(struct dse_explorer *ex, double *volume,
                                       struct dse_err *err) {
    int n = dse_archive_size(ex->front.archive);
    *volume = NAN;
    if (!is_measurable(&ex->space, n))
        return DSE_OK;
    DSE_TRY(find_box(ex->store, ex->sweep_id, &ex->space, ex->generation, &ex->volume_box, err));
    double *points = dse_alloc((size_t)n * (size_t)ex->space.n_objectives, sizeof *points);
    if (points == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front of %d", n);
    dse_archive_points(ex->front.archive, points);
    enum dse_status status = measure(&ex->space, &ex->volume_box, points, n, volume, err);
    dse_free(points);
    return status;
}

double dse_explorer_hypervolume(struct dse_explorer *ex) {
    if (ex->front.changes != ex->volume_changes || ex->generation != ex->volume_generation) {
        if (measure_archive(ex, &ex->volume, NULL) != DSE_OK)
            ex->volume = NAN; /* it is for people: what is wrong shows elsewhere */
        ex->volume_changes = ex->front.changes;
        ex->volume_generation = ex->generation;
    }
    return ex->volume;
}

/* The points of a front, as they come from the store. */
struct points {
    size_t m;
    struct dse_buf values; /* doubles */
};

static enum dse_status add_point(void *context, const struct dse_individual_row *row,
                                 struct dse_err *err) {
    struct points *points = context;
    dse_buf_append(&points->values, (const char *)row->objectives,
                   points->m * sizeof *row->objectives);
    return dse_buf_status(&points->values, err);
}

enum dse_status dse_context_hypervolume(struct dse_store *store, int64_t sweep_id,
                                        const struct dse_space *space, int whole, double *volume,
                                        struct dse_err *err) {
    struct volume_box box = {0};
    struct points points = {.m = (size_t)space->n_objectives};
    double found = NAN;
    enum dse_status status = find_box(store, sweep_id, space, whole, &box, err);
    if (status == DSE_OK && box.known)
        status = dse_store_visit_front(store, sweep_id, add_point, &points, err);
    int n = (int)(points.values.size / (points.m * sizeof(double)));
    if (status == DSE_OK && is_measurable(space, n))
        status =
            measure(space, &box, (const double *)(const void *)points.values.data, n, &found, err);
    dse_buf_fini(&points.values);
    if (status == DSE_OK)
        *volume = found;
    return status;
}
