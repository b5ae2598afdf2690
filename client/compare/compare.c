#include "client/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/search.h"

static const double BEYOND =
    0.1; /* of the range: where the reference lies behind the worst value */

static void describe_space(const struct dse_msg_objective *objectives, int n,
                           struct dse_space *space) {
    *space = (struct dse_space){.n_objectives = n};
    for (int j = 0; j < n; j++)
        space->objectives[j].sense =
            strcmp(objectives[j].sense, "maximize") == 0 ? DSE_MAXIMIZE : DSE_MINIMIZE;
}

static bool covers(const struct dse_space *space, const double *a, const double *b) {
    size_t m = (size_t)space->n_objectives;
    bool equal = true;
    for (size_t j = 0; j < m; j++)
        equal = equal && a[j] == b[j];
    return equal || dse_search_dominates(space, a, b);
}

/* A member of a front of two objectives, both minimised. */
struct plane_point {
    double x, y;
};

static int compare_points(const void *a, const void *b) {
    double x = ((const struct plane_point *)a)->x, y = ((const struct plane_point *)b)->x;
    return (x > y) - (x < y);
}

static struct plane_point *sort_points(const struct dse_space *space,
                                       const struct dse_compare_front *front) {
    struct plane_point *points = dse_alloc((size_t)front->n, sizeof *points);
    if (points == NULL)
        return NULL;
    double x_sign = space->objectives[0].sense == DSE_MAXIMIZE ? -1 : 1;
    double y_sign = space->objectives[1].sense == DSE_MAXIMIZE ? -1 : 1;
    for (int i = 0; i < front->n; i++)
        points[i] = (struct plane_point){x_sign * front->points[2 * (size_t)i],
                                         y_sign * front->points[2 * (size_t)i + 1]};
    if (front->n > 0)
        qsort(points, (size_t)front->n, sizeof *points, compare_points);
    return points;
}

/* From left to right: a point is covered when the lowest one so far is not above it. */
static enum dse_status cover_plane(const struct dse_space *space,
                                   const struct dse_compare_front *of,
                                   const struct dse_compare_front *by, int *covered,
                                   struct dse_err *err) {
    struct plane_point *points = sort_points(space, of), *others = sort_points(space, by);
    enum dse_status status = DSE_OK;
    if (points == NULL || others == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory to compare two fronts");
    double lowest = INFINITY;
    for (int i = 0, k = 0; status == DSE_OK && i < of->n; i++) {
        for (; k < by->n && others[k].x <= points[i].x; k++)
            lowest = fmin(lowest, others[k].y);
        *covered += lowest <= points[i].y;
    }
    dse_free(points);
    dse_free(others);
    return status;
}

static int cover_space(const struct dse_space *space, const struct dse_compare_front *of,
                       const struct dse_compare_front *by) {
    int covered = 0;
    for (int i = 0; i < of->n; i++)
        for (int k = 0; k < by->n; k++)
            if (covers(space, by->points + (size_t)k * (size_t)space->n_objectives,
                       of->points + (size_t)i * (size_t)space->n_objectives)) {
                covered++;
                break;
            }
    return covered;
}

static enum dse_status find_coverage(const struct dse_space *space,
                                     const struct dse_compare_front *of,
                                     const struct dse_compare_front *by, double *coverage,
                                     struct dse_err *err) {
    int covered = 0;
    if (space->n_objectives == 2)
        DSE_TRY(cover_plane(space, of, by, &covered, err));
    else
        covered = cover_space(space, of, by);
    *coverage = of->n > 0 ? (double)covered / of->n : NAN;
    return DSE_OK;
}

/* The reference, and the volume of the box from it to the best values. */
static double find_box(const struct dse_space *space, const struct dse_compare_front fronts[2],
                       double *reference) {
    double volume = 1;
    for (int j = 0; j < space->n_objectives; j++) {
        double low = INFINITY, high = -INFINITY;
        for (int f = 0; f < 2; f++)
            for (int i = 0; i < fronts[f].n; i++) {
                double x = fronts[f].points[(size_t)i * (size_t)space->n_objectives + (size_t)j];
                low = fmin(low, x);
                high = fmax(high, x);
            }
        double beyond = BEYOND * (high > low ? high - low : 1);
        reference[j] = space->objectives[j].sense == DSE_MAXIMIZE ? low - beyond : high + beyond;
        volume *= high - low + beyond;
    }
    return volume;
}

enum dse_status dse_compare_fronts(const struct dse_msg_objective *objectives, int n_objectives,
                                   const struct dse_compare_front fronts[2],
                                   struct dse_comparison *comparison, struct dse_err *err) {
    enum { VOLUME_OBJECTIVES_MAX = 4 };
    struct dse_space space;
    struct dse_comparison found = {.hypervolume = {NAN, NAN}};
    dse_assert(n_objectives <= DSE_COMPARE_OBJECTIVES_MAX);
    describe_space(objectives, n_objectives, &space);
    for (int f = 0; f < 2; f++)
        DSE_TRY(find_coverage(&space, &fronts[1 - f], &fronts[f], &found.coverage[f], err));
    if (fronts[0].n + fronts[1].n > 0) {
        double box = find_box(&space, fronts, found.reference);
        for (int f = 0; f < 2 && n_objectives <= VOLUME_OBJECTIVES_MAX; f++) {
            DSE_TRY(dse_search_hypervolume(&space, fronts[f].points, fronts[f].n, found.reference,
                                           &found.hypervolume[f], err));
            found.hypervolume[f] /= box;
        }
    }
    *comparison = found;
    return DSE_OK;
}
