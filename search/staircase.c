/* The minimal points of a growing set in the plane. */
#include "search/search_internal.h"

#include <string.h>

/* Number of steps whose x is below the given one; those with an equal x count when `equal_too`. */
static int count_left(const struct search__staircase *stairs, double x, bool equal_too) {
    int low = 0, high = stairs->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        double at = stairs->steps[middle].x;
        if (at < x || (equal_too && at == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool search__staircase_covers(const struct search__staircase *stairs, double x, double y) {
    int left = count_left(stairs, x, true);
    /* y descends: the last step to the left has the smallest. */
    return left > 0 && stairs->steps[left - 1].y <= y;
}

static enum dse_status reserve_step(struct search__staircase *stairs, struct dse_err *err) {
    if (stairs->n < stairs->capacity)
        return DSE_OK;
    int capacity = stairs->capacity == 0 ? 4 : 2 * stairs->capacity;
    struct search__step *steps =
        dse_realloc(stairs->steps, (size_t)capacity, sizeof *stairs->steps);
    if (steps == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d points of a front", capacity);
    stairs->steps = steps;
    stairs->capacity = capacity;
    return DSE_OK;
}

enum dse_status search__staircase_add(struct search__staircase *stairs, double x, double y,
                                      struct dse_err *err) {
    dse_assert(!search__staircase_covers(stairs, x, y));
    DSE_TRY(reserve_step(stairs, err));
    int first = count_left(stairs, x, false);
    int kept = first; /* steps from here on stay */
    while (kept < stairs->n && stairs->steps[kept].y >= y)
        kept++;
    memmove(&stairs->steps[first + 1], &stairs->steps[kept],
            (size_t)(stairs->n - kept) * sizeof *stairs->steps);
    stairs->steps[first] = (struct search__step){x, y};
    stairs->n += first + 1 - kept;
    return DSE_OK;
}

double search__staircase_gain(const struct search__staircase *stairs, double x, double y,
                              double corner_x, double corner_y) {
    int at = count_left(stairs, x, false);
    double top = at > 0 ? stairs->steps[at - 1].y : corner_y;
    double left = x, area = 0;
    /* From left to right, strip by strip, down to y. */
    for (; at < stairs->n && stairs->steps[at].y > y; at++) {
        area += (stairs->steps[at].x - left) * (top - y);
        left = stairs->steps[at].x;
        top = stairs->steps[at].y;
    }
    double right = at < stairs->n ? stairs->steps[at].x : corner_x;
    return area + (right - left) * (top - y);
}

void search__staircase_fini(struct search__staircase *stairs) {
    dse_free(stairs->steps);
    *stairs = (struct search__staircase){0};
}
