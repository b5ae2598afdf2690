/* Exact hypervolume for up to three objectives. */
#include "search/search_internal.h"

#include <math.h>
#include <string.h>

enum { OBJECTIVES_MAX = 3 };

/* Points that are better than the reference everywhere, as minimised coordinates. Padded to three:
 * a missing one is 0, with reference 1, so it multiplies the volume by 1. Returns their number. */
static int orient_points(const struct dse_space *space, const double *points, int n,
                         const double *reference, double *rows, double corner[OBJECTIVES_MAX]) {
    int m = space->n_objectives, kept = 0;
    double signs[OBJECTIVES_MAX];
    for (int j = 0; j < OBJECTIVES_MAX; j++) {
        signs[j] = j < m && space->objectives[j].sense == DSE_MAXIMIZE ? -1 : 1;
        corner[j] = j < m ? signs[j] * reference[j] : 1;
        dse_assert(isfinite(corner[j]));
    }
    for (int i = 0; i < n; i++) {
        double *row = rows + (size_t)kept * OBJECTIVES_MAX;
        bool counts = true;
        for (int j = 0; j < OBJECTIVES_MAX; j++) {
            row[j] = j < m ? signs[j] * points[(size_t)i * (size_t)m + (size_t)j] : 0;
            dse_assert(isfinite(row[j]));
            counts = counts && row[j] < corner[j];
        }
        kept += counts;
    }
    return kept;
}

/* Sweeps along the first coordinate: between two points the cross-section is the area above the
 * staircase of the other coordinates of the points passed. */
static enum dse_status sweep(const double *rows, const int *order, int n, const double *corner,
                             struct search__staircase *stairs, double *volume,
                             struct dse_err *err) {
    double area = 0, sum = 0, at = 0;
    for (int i = 0; i < n; i++) {
        const double *row = rows + (size_t)order[i] * OBJECTIVES_MAX;
        sum += area * (row[0] - at); /* the first time 0 */
        at = row[0];
        if (search__staircase_covers(stairs, row[1], row[2]))
            continue;
        area += search__staircase_gain(stairs, row[1], row[2], corner[1], corner[2]);
        DSE_TRY(search__staircase_add(stairs, row[1], row[2], err));
    }
    *volume = n == 0 ? 0 : sum + area * (corner[0] - at);
    return DSE_OK;
}

enum dse_status dse_search_hypervolume(const struct dse_space *space, const double *points, int n,
                                       const double *reference, double *volume,
                                       struct dse_err *err) {
    dse_assert(n >= 0);
    if (space->n_objectives < 1 || space->n_objectives > OBJECTIVES_MAX)
        DSE_FAIL(err, DSE_UNSUPPORTED, "hypervolume of %d objectives; it is computed for 1 to %d",
                 space->n_objectives, OBJECTIVES_MAX);
    double corner[OBJECTIVES_MAX];
    struct search__staircase stairs = {0};
    enum dse_status status = DSE_OK;
    double *rows = dse_alloc((size_t)n, OBJECTIVES_MAX * sizeof *rows);
    int *order = dse_alloc((size_t)n, sizeof *order);
    if (rows == NULL || order == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for a hypervolume of %d points", n);
        goto done;
    }
    int kept = orient_points(space, points, n, reference, rows, corner);
    for (int i = 0; i < kept; i++)
        order[i] = i;
    search__sort_rows(rows, OBJECTIVES_MAX, order, kept);
    status = sweep(rows, order, kept, corner, &stairs, volume, err);
done:
    search__staircase_fini(&stairs);
    dse_free(order);
    dse_free(rows);
    return status;
}
