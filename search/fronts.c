/* Non-dominated sorting. Rows are visited in lexicographic order, so a row can only be dominated by
 * rows before it, and it belongs to the first front that holds none that dominates it. A row that
 * front k dominates is dominated by front k - 1 too, so that front is found by bisection (Zhang,
 * Tian, Cheng, Jin 2015, "An efficient approach to non-dominated sorting", ENS-BS). How a front is
 * asked depends on the number of values:
 *   1     never: equal rows are a front
 *   2     its smallest second value: O(n log n) in all
 *   3     the staircase of its second and third values: O(n log^2 n), but for moving steps
 *   more  its rows, latest first, until one dominates: O(n^2) at worst, usually far less */
#include "search/search_internal.h"

#include <stdlib.h>

struct row_order {
    const double *rows;
    int m;
};

static int compare_rows(const void *left, const void *right, void *context) {
    const struct row_order *order = context;
    int a = *(const int *)left, b = *(const int *)right;
    const double *x = order->rows + (size_t)a * (size_t)order->m;
    const double *y = order->rows + (size_t)b * (size_t)order->m;
    for (int j = 0; j < order->m; j++)
        if (x[j] != y[j])
            return x[j] < y[j] ? -1 : 1;
    return (a > b) - (a < b);
}

void search__sort_rows(const double *rows, int m, int *order, int n) {
    struct row_order context = {rows, m};
    qsort_r(order, (size_t)n, sizeof *order, compare_rows, &context);
}

bool search__rows_are_equal(const double *a, const double *b, int m) {
    for (int j = 0; j < m; j++)
        if (a[j] != b[j])
            return false;
    return true;
}

/* What is known of one front. */
struct front {
    double smallest;                 /* two values */
    struct search__staircase stairs; /* three */
    int latest;                      /* more: the row added last; its `before` leads on */
};

struct sorting {
    const double *rows;
    int m;
    struct front *fronts; /* room for n */
    int n_fronts;
    int *before; /* [n]: the row added to the same front before this one, or -1 */
};

static bool row_dominates_later(const double *earlier, const double *row, int m) {
    /* The first value and inequality follow from the order of visits. */
    for (int j = 1; j < m; j++)
        if (earlier[j] > row[j])
            return false;
    return true;
}

static bool front_dominates(const struct sorting *sorting, const struct front *front,
                            const double *row) {
    int m = sorting->m;
    if (m == 1)
        return true;
    if (m == 2)
        return front->smallest <= row[1];
    if (m == 3)
        return search__staircase_covers(&front->stairs, row[1], row[2]);
    for (int i = front->latest; i >= 0; i = sorting->before[i])
        if (row_dominates_later(sorting->rows + (size_t)i * (size_t)m, row, m))
            return true;
    return false;
}

static int find_front(const struct sorting *sorting, const double *row) {
    int low = 0, high = sorting->n_fronts;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (front_dominates(sorting, &sorting->fronts[middle], row))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum dse_status add_to_front(struct sorting *sorting, int k, int index,
                                    struct dse_err *err) {
    if (k == sorting->n_fronts)
        sorting->fronts[sorting->n_fronts++].latest = -1;
    struct front *front = &sorting->fronts[k];
    const double *row = sorting->rows + (size_t)index * (size_t)sorting->m;
    if (sorting->m == 2)
        front->smallest = row[1]; /* not dominated, so smaller than all before */
    else if (sorting->m == 3)
        return search__staircase_add(&front->stairs, row[1], row[2], err);
    sorting->before[index] = front->latest;
    front->latest = index;
    return DSE_OK;
}

static enum dse_status visit_rows(struct sorting *sorting, const int *order, int n, int *rank,
                                  struct dse_err *err) {
    const double *previous = NULL;
    for (int i = 0; i < n; i++) {
        const double *row = sorting->rows + (size_t)order[i] * (size_t)sorting->m;
        if (previous != NULL && search__rows_are_equal(previous, row, sorting->m)) {
            rank[order[i]] = rank[order[i - 1]];
            continue;
        }
        int k = find_front(sorting, row);
        DSE_TRY(add_to_front(sorting, k, order[i], err));
        rank[order[i]] = k;
        previous = row;
    }
    return DSE_OK;
}

enum dse_status search__rank_fronts(const double *rows, int n, int m, int *rank, int *n_fronts,
                                    struct dse_err *err) {
    struct sorting sorting = {.rows = rows, .m = m};
    enum dse_status status = DSE_OK;
    int *order = dse_alloc((size_t)n, sizeof *order);
    sorting.before = dse_alloc((size_t)n, sizeof *sorting.before);
    sorting.fronts = dse_alloc((size_t)n, sizeof *sorting.fronts);
    if (order == NULL || sorting.before == NULL || sorting.fronts == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for sorting %d individuals", n);
        goto done;
    }
    for (int i = 0; i < n; i++)
        order[i] = i;
    search__sort_rows(rows, m, order, n);
    DSE_TRY_GOTO(status, visit_rows(&sorting, order, n, rank, err), done);
    *n_fronts = sorting.n_fronts;
done:
    for (int k = 0; k < sorting.n_fronts; k++)
        search__staircase_fini(&sorting.fronts[k].stairs);
    dse_free(sorting.fronts);
    dse_free(sorting.before);
    dse_free(order);
    return status;
}
