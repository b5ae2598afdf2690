/* Who survives a generation: fronts, crowding distance, feasibility. */
#include "search/search_internal.h"

#include <math.h>
#include <stdlib.h>

bool dse_search_dominates(const struct dse_space *space, const double *a, const double *b) {
    bool better = false;
    for (int j = 0; j < space->n_objectives; j++) {
        bool maximised = space->objectives[j].sense == DSE_MAXIMIZE;
        double x = maximised ? -a[j] : a[j];
        double y = maximised ? -b[j] : b[j];
        if (x > y)
            return false;
        better = better || x < y;
    }
    return better;
}

/* ---- crowding ---- */

static int compare_keyed(const void *left, const void *right) {
    const struct search__keyed *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

void search__sort_keyed(struct search__keyed *items, int n) {
    qsort(items, (size_t)n, sizeof *items, compare_keyed);
}

/* The members of a front with different rows, the first of equals: into distinct; returns how many.
 * scratch and distinct have room for n. */
static int keep_distinct(const double *rows, int m, const int *members, int n, int *scratch,
                         int *distinct) {
    for (int i = 0; i < n; i++)
        scratch[i] = members[i];
    search__sort_rows(rows, m, scratch, n);
    int kept = 0;
    for (int i = 0; i < n; i++) {
        const double *row = rows + (size_t)scratch[i] * (size_t)m;
        if (kept == 0 ||
            !search__rows_are_equal(row, rows + (size_t)distinct[kept - 1] * (size_t)m, m))
            distinct[kept++] = scratch[i];
    }
    return kept;
}

/* Adds one objective's share, its values sorted: the gap between the neighbours over the range. */
static void add_gaps(const struct search__keyed *sorted, int n, double *crowding) {
    double range = sorted[n - 1].key - sorted[0].key;
    if (range == 0)
        return;
    crowding[sorted[0].index] = INFINITY;
    crowding[sorted[n - 1].index] = INFINITY;
    for (int i = 1; i + 1 < n; i++)
        crowding[sorted[i].index] += (sorted[i + 1].key - sorted[i - 1].key) / range;
}

static void crowd_distinct(const double *rows, int m, const int *distinct, int n,
                           struct search__keyed *sorted, double *crowding) {
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n; i++)
            sorted[i] = (struct search__keyed){rows[(size_t)distinct[i] * (size_t)m + (size_t)j],
                                               distinct[i]};
        search__sort_keyed(sorted, n);
        add_gaps(sorted, n, crowding);
    }
    for (int i = 0; i < n; i++)
        crowding[distinct[i]] /= m;
}

enum dse_status search__crowd_front(const double *rows, int m, const int *members, int n,
                                    double *crowding, struct dse_err *err) {
    int *indices = dse_alloc(2 * (size_t)n, sizeof *indices);
    struct search__keyed *sorted = dse_alloc((size_t)n, sizeof *sorted);
    enum dse_status status = DSE_OK;
    if (indices == NULL || sorted == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "out of memory for a front of %d", n);
        goto done;
    }
    int *distinct = indices + n;
    int n_distinct = keep_distinct(rows, m, members, n, indices, distinct);
    for (int i = 0; i < n; i++)
        crowding[members[i]] = n <= 2 ? INFINITY : 0;
    if (n > 2 && n_distinct > 2)
        crowd_distinct(rows, m, distinct, n_distinct, sorted, crowding);
    else
        for (int i = 0; i < n_distinct; i++)
            crowding[distinct[i]] = INFINITY;
done:
    dse_free(sorted);
    dse_free(indices);
    return status;
}

/* ---- survival ---- */

/* Working arrays of one call, n_pool long each unless said otherwise. */
struct survival {
    const struct dse_space *space;
    const struct dse_individual *pool;
    int n_pool;
    int n_feasible;
    int *feasible; /* indices into pool, ascending */
    double *rows;  /* [n_feasible][n_objectives], all minimised */
    int *row_rank; /* of a row */
    double *row_crowding;
    int *by_front; /* rows, front by front */
    int *rank;     /* of the pool */
    double *crowding;
    struct search__keyed *violations;
    int *order; /* the pool, best first */
};

static enum dse_status survival_init(struct survival *s, const struct dse_space *space,
                                     const struct dse_individual *pool, int n_pool,
                                     struct dse_arena *arena, struct dse_err *err) {
    size_t n = (size_t)n_pool;
    *s = (struct survival){.space = space, .pool = pool, .n_pool = n_pool};
    s->feasible = dse_arena_alloc(arena, n, sizeof *s->feasible);
    s->rows = dse_arena_alloc(arena, n, (size_t)space->n_objectives * sizeof *s->rows);
    s->row_rank = dse_arena_alloc(arena, n, sizeof *s->row_rank);
    s->row_crowding = dse_arena_alloc(arena, n, sizeof *s->row_crowding);
    s->by_front = dse_arena_alloc(arena, n, sizeof *s->by_front);
    s->rank = dse_arena_alloc(arena, n, sizeof *s->rank);
    s->crowding = dse_arena_alloc(arena, n, sizeof *s->crowding);
    s->violations = dse_arena_alloc(arena, n, sizeof *s->violations);
    s->order = dse_arena_alloc(arena, n, sizeof *s->order);
    if (s->feasible == NULL || s->rows == NULL || s->row_rank == NULL || s->row_crowding == NULL ||
        s->by_front == NULL || s->rank == NULL || s->crowding == NULL || s->violations == NULL ||
        s->order == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d individuals", n_pool);
    return DSE_OK;
}

static void collect_feasible(struct survival *s) {
    int m = s->space->n_objectives;
    for (int i = 0; i < s->n_pool; i++) {
        const struct dse_individual *one = &s->pool[i];
        dse_assert(one->violation >= 0); /* and not NaN */
        if (one->violation > 0)
            continue;
        double *row = s->rows + (size_t)s->n_feasible * (size_t)m;
        for (int j = 0; j < m; j++) {
            dse_assert(isfinite(one->objectives[j]));
            bool maximised = s->space->objectives[j].sense == DSE_MAXIMIZE;
            row[j] = maximised ? -one->objectives[j] : one->objectives[j];
        }
        s->feasible[s->n_feasible++] = i;
    }
}

/* Rows by rank, within a rank in their order; order serves as counters. */
static void group_rows_by_front(struct survival *s, int n_fronts) {
    int *next = s->order;
    for (int k = 0; k < n_fronts; k++)
        next[k] = 0;
    for (int i = 0; i < s->n_feasible; i++)
        if (s->row_rank[i] + 1 < n_fronts)
            next[s->row_rank[i] + 1]++;
    for (int k = 1; k < n_fronts; k++)
        next[k] += next[k - 1];
    for (int i = 0; i < s->n_feasible; i++)
        s->by_front[next[s->row_rank[i]]++] = i;
}

static enum dse_status rank_feasible(struct survival *s, int *n_fronts, struct dse_err *err) {
    int m = s->space->n_objectives;
    DSE_TRY(search__rank_fronts(s->rows, s->n_feasible, m, s->row_rank, n_fronts, err));
    group_rows_by_front(s, *n_fronts);
    for (int first = 0, next; first < s->n_feasible; first = next) {
        next = first + 1;
        while (next < s->n_feasible &&
               s->row_rank[s->by_front[next]] == s->row_rank[s->by_front[first]])
            next++;
        DSE_TRY(search__crowd_front(s->rows, m, s->by_front + first, next - first, s->row_crowding,
                                    err));
    }
    for (int i = 0; i < s->n_feasible; i++) {
        s->rank[s->feasible[i]] = s->row_rank[i];
        s->crowding[s->feasible[i]] = s->row_crowding[i];
    }
    return DSE_OK;
}

static void rank_infeasible(struct survival *s, int first_rank) {
    int n = 0;
    for (int i = 0; i < s->n_pool; i++)
        if (s->pool[i].violation > 0)
            s->violations[n++] = (struct search__keyed){s->pool[i].violation, i};
    search__sort_keyed(s->violations, n);
    int rank = first_rank;
    for (int i = 0; i < n; i++) {
        if (i > 0 && s->violations[i].key != s->violations[i - 1].key)
            rank++;
        s->rank[s->violations[i].index] = rank;
        s->crowding[s->violations[i].index] = 0;
    }
}

static int compare_fitness(const void *left, const void *right, void *context) {
    const struct survival *s = context;
    int a = *(const int *)left, b = *(const int *)right;
    if (s->rank[a] != s->rank[b])
        return s->rank[a] < s->rank[b] ? -1 : 1;
    if (s->crowding[a] != s->crowding[b])
        return s->crowding[a] > s->crowding[b] ? -1 : 1;
    return (a > b) - (a < b);
}

static enum dse_status rank_pool(struct survival *s, struct dse_err *err) {
    int n_fronts;
    collect_feasible(s);
    DSE_TRY(rank_feasible(s, &n_fronts, err));
    rank_infeasible(s, n_fronts);
    for (int i = 0; i < s->n_pool; i++)
        s->order[i] = i;
    qsort_r(s->order, (size_t)s->n_pool, sizeof *s->order, compare_fitness, s);
    return DSE_OK;
}

enum dse_status dse_search_survive(const struct dse_space *space, struct dse_individual *pool,
                                   int n_pool, int n_keep, int *survivors, struct dse_err *err) {
    dse_assert(n_keep >= 0 && n_keep <= n_pool);
    dse_assert(space->n_objectives >= 1 && space->n_objectives <= DSE_MAX_OBJECTIVES);
    struct dse_arena arena = {0};
    struct survival s;
    enum dse_status status;
    DSE_TRY_GOTO(status, survival_init(&s, space, pool, n_pool, &arena, err), done);
    DSE_TRY_GOTO(status, rank_pool(&s, err), done);
    for (int i = 0; i < n_pool; i++) {
        pool[i].rank = s.rank[i];
        pool[i].crowding = s.crowding[i];
    }
    for (int i = 0; i < n_keep; i++)
        survivors[i] = s.order[i];
done:
    dse_arena_fini(&arena);
    return status;
}
