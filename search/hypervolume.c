/* Exact hypervolume for up to four objectives. */
#include "search/search_internal.h"

#include <math.h>
#include <string.h>

/* Coordinates of the swept space, and of the one that a fourth is added to. */
enum { SPACE = 3, OBJECTIVES_MAX = 4 };

/* Arrays of one call. Points are minimised coordinates, at least three: a missing one is 0, with
 * corner 1, so it multiplies the volume by 1. */
struct measuring {
    double corner[OBJECTIVES_MAX];
    double *rows; /* [n][SPACE], or [n][OBJECTIVES_MAX] of four objectives */
    int *order;   /* [n] */
    struct search__staircase stairs;
    /* Of four objectives: the last three of the points passed that none of them dominates, those
     * points moved into the box of a new one, and room to sort them. */
    double *passed, *boxed; /* [n][SPACE] each */
    int *boxed_order;       /* [n] */
    int n_passed;
};

/* Keeps the points that are better than the reference everywhere; returns their number. */
static int orient_points(struct measuring *me, const struct dse_space *space, const double *points,
                         int n, const double *reference) {
    int m = space->n_objectives, width = m > SPACE ? m : SPACE, kept = 0;
    double signs[OBJECTIVES_MAX];
    for (int j = 0; j < width; j++) {
        signs[j] = j < m && space->objectives[j].sense == DSE_MAXIMIZE ? -1 : 1;
        me->corner[j] = j < m ? signs[j] * reference[j] : 1;
        dse_assert(isfinite(me->corner[j]));
    }
    for (int i = 0; i < n; i++) {
        double *row = me->rows + (size_t)kept * (size_t)width;
        bool counts = true;
        for (int j = 0; j < width; j++) {
            row[j] = j < m ? signs[j] * points[(size_t)i * (size_t)m + (size_t)j] : 0;
            dse_assert(isfinite(row[j]));
            counts = counts && row[j] < me->corner[j];
        }
        kept += counts;
    }
    return kept;
}

static void sort_points(const double *rows, int width, int *order, int n) {
    for (int i = 0; i < n; i++)
        order[i] = i;
    search__sort_rows(rows, width, order, n);
}

/* Volume between rows [n][SPACE] and the corner. Sweeps along the first coordinate: between two
 * points the cross-section is the area above the staircase of the other coordinates of the points
 * passed. */
static enum dse_status sweep_space(struct measuring *me, const double *rows, int *order, int n,
                                   const double *corner, double *volume, struct dse_err *err) {
    double area = 0, sum = 0, at = 0;
    sort_points(rows, SPACE, order, n);
    me->stairs.n = 0;
    for (int i = 0; i < n; i++) {
        const double *row = rows + (size_t)order[i] * SPACE;
        sum += area * (row[0] - at); /* the first time 0 */
        at = row[0];
        if (search__staircase_covers(&me->stairs, row[1], row[2]))
            continue;
        area += search__staircase_gain(&me->stairs, row[1], row[2], corner[1], corner[2]);
        DSE_TRY(search__staircase_add(&me->stairs, row[1], row[2], err));
    }
    *volume = n == 0 ? 0 : sum + area * (corner[0] - at);
    return DSE_OK;
}

static bool covers(const double *a, const double *b) {
    return a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2];
}

/* What a point adds to the volume of those passed: its box less the part of it that they take up
 * (While, Bradstreet, Barone 2012, "A fast way of calculating exact hypervolumes"). The point
 * joins those passed. */
static enum dse_status pass_point(struct measuring *me, const double *point, double *gain,
                                  struct dse_err *err) {
    const double *corner = me->corner + 1;
    double taken;
    int kept = 0;
    *gain = 0;
    for (int i = 0; i < me->n_passed; i++) {
        const double *other = me->passed + (size_t)i * SPACE;
        double *boxed = me->boxed + (size_t)i * SPACE;
        if (covers(other, point))
            return DSE_OK;
        for (int j = 0; j < SPACE; j++)
            boxed[j] = other[j] > point[j] ? other[j] : point[j];
    }
    DSE_TRY(sweep_space(me, me->boxed, me->boxed_order, me->n_passed, corner, &taken, err));
    for (int i = 0; i < me->n_passed; i++) {
        const double *other = me->passed + (size_t)i * SPACE;
        if (!covers(point, other))
            memmove(me->passed + (size_t)kept++ * SPACE, other, SPACE * sizeof *other);
    }
    memcpy(me->passed + (size_t)kept * SPACE, point, SPACE * sizeof *point);
    me->n_passed = kept + 1;
    *gain = (corner[0] - point[0]) * (corner[1] - point[1]) * (corner[2] - point[2]) - taken;
    return DSE_OK;
}

/* Sweeps along the first of four coordinates: O(n^2 log n) at worst, n points in a front. */
static enum dse_status sweep_four(struct measuring *me, int n, double *volume,
                                  struct dse_err *err) {
    double section = 0, sum = 0, at = 0, gain;
    sort_points(me->rows, OBJECTIVES_MAX, me->order, n);
    for (int i = 0; i < n; i++) {
        const double *row = me->rows + (size_t)me->order[i] * OBJECTIVES_MAX;
        sum += section * (row[0] - at);
        at = row[0];
        DSE_TRY(pass_point(me, row + 1, &gain, err));
        section += gain;
    }
    *volume = n == 0 ? 0 : sum + section * (me->corner[0] - at);
    return DSE_OK;
}

static enum dse_status measuring_init(struct measuring *me, int n, int m, struct dse_arena *arena,
                                      struct dse_err *err) {
    size_t size = (size_t)n;
    *me = (struct measuring){0};
    me->rows = dse_arena_alloc(arena, size, OBJECTIVES_MAX * sizeof *me->rows);
    me->order = dse_arena_alloc(arena, size, sizeof *me->order);
    if (me->rows == NULL || me->order == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a hypervolume of %d points", n);
    if (m <= SPACE)
        return DSE_OK;
    me->passed = dse_arena_alloc(arena, size, SPACE * sizeof *me->passed);
    me->boxed = dse_arena_alloc(arena, size, SPACE * sizeof *me->boxed);
    me->boxed_order = dse_arena_alloc(arena, size, sizeof *me->boxed_order);
    if (me->passed == NULL || me->boxed == NULL || me->boxed_order == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a hypervolume of %d points", n);
    return DSE_OK;
}

enum dse_status dse_search_hypervolume(const struct dse_space *space, const double *points, int n,
                                       const double *reference, double *volume,
                                       struct dse_err *err) {
    dse_assert(n >= 0);
    if (space->n_objectives < 1 || space->n_objectives > OBJECTIVES_MAX)
        DSE_FAIL(err, DSE_UNSUPPORTED, "hypervolume of %d objectives; it is computed for 1 to %d",
                 space->n_objectives, OBJECTIVES_MAX);
    struct dse_arena arena = {0};
    struct measuring me;
    enum dse_status status;
    DSE_TRY_GOTO(status, measuring_init(&me, n, space->n_objectives, &arena, err), done);
    int kept = orient_points(&me, space, points, n, reference);
    status = space->n_objectives > SPACE
                 ? sweep_four(&me, kept, volume, err)
                 : sweep_space(&me, me.rows, me.order, kept, me.corner, volume, err);
done:
    search__staircase_fini(&me.stairs);
    dse_arena_fini(&arena);
    return status;
}
