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

/* How many members of the first are covered. From left to right: one is when the lowest of the
 * others so far is not above it. */
static int count_covered(const struct plane_point *of, int n_of, const struct plane_point *by,
                         int n_by) {
    double lowest = INFINITY;
    int covered = 0;
    for (int i = 0, k = 0; i < n_of; i++) {
        for (; k < n_by && by[k].x <= of[i].x; k++)
            lowest = fmin(lowest, by[k].y);
        covered += lowest <= of[i].y;
    }
    return covered;
}

/* covered[f]: by front f, members of the other. */
static enum dse_status cover_plane(const struct dse_space *space,
                                   const struct dse_compare_front fronts[2], int covered[2],
                                   struct dse_err *err) {
    struct plane_point *a = sort_points(space, &fronts[0]), *b = sort_points(space, &fronts[1]);
    enum dse_status status = DSE_OK;
    if (a == NULL || b == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory to compare two fronts");
    } else {
        covered[0] = count_covered(b, fronts[1].n, a, fronts[0].n);
        covered[1] = count_covered(a, fronts[0].n, b, fronts[1].n);
    }
    dse_free(a);
    dse_free(b);
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
                                     const struct dse_compare_front fronts[2], double coverage[2],
                                     struct dse_err *err) {
    int covered[2];
    if (space->n_objectives == 2)
        DSE_TRY(cover_plane(space, fronts, covered, err));
    for (int f = 0; f < 2; f++) {
        if (space->n_objectives != 2)
            covered[f] = cover_space(space, &fronts[1 - f], &fronts[f]);
        coverage[f] = fronts[1 - f].n > 0 ? (double)covered[f] / fronts[1 - f].n : NAN;
    }
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
    DSE_TRY(find_coverage(&space, fronts, found.coverage, err));
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
