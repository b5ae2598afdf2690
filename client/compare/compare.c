#include "client/compare/compare.h"

#include <math.h>
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

static double coverage(const struct dse_space *space, const struct dse_compare_front *of,
                       const struct dse_compare_front *by) {
    int covered = 0;
    for (int i = 0; i < of->n; i++)
        for (int k = 0; k < by->n; k++)
            if (covers(space, by->points + (size_t)k * (size_t)space->n_objectives,
                       of->points + (size_t)i * (size_t)space->n_objectives)) {
                covered++;
                break;
            }
    return of->n > 0 ? (double)covered / of->n : NAN;
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
    found.coverage[0] = coverage(&space, &fronts[1], &fronts[0]);
    found.coverage[1] = coverage(&space, &fronts[0], &fronts[1]);
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
