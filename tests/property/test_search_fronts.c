/* Ranks against the definition: peel off, again and again, what nobody left dominates; and the
 * archive after every point against the first front of the points so far. Random sets with ties and
 * equal rows, 1 to 5 objectives. Prints the set's number when it fails; every set is
 * a function of its number. */
#include "tests/lib/testing.h"

#include <math.h>

#include "search/search.h"

enum { SETS = 4000, N_MAX = 60, M_MAX = 5 };

static void peel_fronts(const struct dse_space *space, const double *points, int n, int *rank) {
    int m = space->n_objectives, left = n;
    for (int i = 0; i < n; i++)
        rank[i] = -1;
    for (int front = 0; left > 0; front++) {
        int found[N_MAX], n_found = 0;
        for (int i = 0; i < n; i++) {
            bool dominated = false;
            for (int k = 0; k < n && !dominated; k++)
                dominated =
                    rank[k] < 0 && dse_search_dominates(space, points + k * m, points + i * m);
            if (rank[i] < 0 && !dominated)
                found[n_found++] = i;
        }
        for (int i = 0; i < n_found; i++)
            rank[found[i]] = front;
        left -= n_found;
    }
}

/* Senses, size and number of levels differ by set; 0 levels: continuous. */
static int make_set(int set, struct dse_space *space, double *points) {
    struct dse_rng rng;
    dse_rng_init(&rng, 77, DSE_RNG_TEST, (uint32_t)set, 0);
    int m = 1 + set % M_MAX, n = 1 + (int)dse_rng_below(&rng, N_MAX);
    uint32_t levels = dse_rng_below(&rng, 8);
    *space = (struct dse_space){.n_objectives = m};
    for (int j = 0; j < m; j++)
        space->objectives[j].sense = dse_rng_below(&rng, 2) == 0 ? DSE_MINIMIZE : DSE_MAXIMIZE;
    for (int i = 0; i < n * m; i++)
        points[i] = levels == 0 ? dse_rng_uniform(&rng)
                                : (double)dse_rng_below(&rng, levels) - (double)(levels / 2);
    return n;
}

/* survivors is a permutation in order of (rank, larger crowding, index). */
static void assert_in_order(const struct dse_individual *pool, const int *survivors, int n) {
    bool seen[N_MAX] = {false};
    for (int i = 0; i < n; i++) {
        assert_false(seen[survivors[i]]);
        seen[survivors[i]] = true;
        if (i == 0)
            continue;
        const struct dse_individual *a = &pool[survivors[i - 1]], *b = &pool[survivors[i]];
        assert_true(a->rank <= b->rank);
        if (a->rank == b->rank)
            assert_true(a->crowding > b->crowding ||
                        (a->crowding == b->crowding && survivors[i - 1] < survivors[i]));
    }
}

static void check_set(int set) {
    struct dse_space space;
    double points[N_MAX * M_MAX];
    int n = make_set(set, &space, points), expected[N_MAX], survivors[N_MAX];
    struct dse_individual pool[N_MAX];
    struct dse_err err = {0};
    for (int i = 0; i < n; i++)
        pool[i] = (struct dse_individual){.objectives = points + i * space.n_objectives};
    assert_ok(dse_search_survive(&space, pool, n, n, survivors, &err), &err);
    peel_fronts(&space, points, n, expected);
    for (int i = 0; i < n; i++) {
        if (pool[i].rank != expected[i])
            fail_msg("set %d: individual %d has rank %d, not %d", set, i, pool[i].rank,
                     expected[i]);
        assert_true(pool[i].crowding >= 0);
    }
    assert_in_order(pool, survivors, n);
}

static void ranks_equal_the_definition(void **state) {
    (void)state;
    for (int set = 0; set < SETS; set++)
        check_set(set);
}

/* Two offers are the same when their objectives and their tags modulo 3 are: so some, but not all,
 * equal rows stand in the archive together. */
enum { KINDS = 3 };

static bool is_same_kind(const void *context, int64_t tag, int64_t other) {
    (void)context;
    return tag % KINDS == other % KINDS;
}

static bool is_twin(const double *points, int m, int i, int k) {
    return i % KINDS == k % KINDS &&
           memcmp(points + i * m, points + k * m, (size_t)m * sizeof *points) == 0;
}

/* Which of the first n belong there: nobody dominates them, and no twin came before. */
static int find_members(const struct dse_space *space, const double *points, int n, bool *in) {
    int m = space->n_objectives, members = 0;
    for (int i = 0; i < n; i++) {
        in[i] = true;
        for (int k = 0; k < n && in[i]; k++)
            in[i] = !dse_search_dominates(space, points + k * m, points + i * m) &&
                    !(k < i && is_twin(points, m, i, k));
        members += in[i];
    }
    return members;
}

static void check_archive(int set) {
    struct dse_space space;
    double points[N_MAX * M_MAX], listed[N_MAX * M_MAX];
    bool in[N_MAX] = {false}, expected[N_MAX];
    int n = make_set(set, &space, points), m = space.n_objectives;
    struct dse_archive *archive;
    struct dse_err err = {0};
    assert_ok(dse_archive_new(&space, is_same_kind, NULL, &archive, &err), &err);
    for (int i = 0; i < n; i++) {
        struct dse_archive_change change;
        assert_ok(dse_archive_offer(archive, points + i * m, i, &change, &err), &err);
        in[i] = change.is_in;
        for (int k = 0; k < change.n_gone; k++) {
            assert_true(in[change.gone[k]]);
            in[change.gone[k]] = false;
        }
        int members = find_members(&space, points, i + 1, expected);
        for (int k = 0; k <= i; k++)
            if (in[k] != expected[k])
                fail_msg("set %d: after point %d, point %d is %s", set, i, k,
                         in[k] ? "in the archive" : "missing");
        assert_int_equal(dse_archive_size(archive), members);
    }
    dse_archive_points(archive, listed);
    for (int i = 0; i < n; i++) {
        int found = 0;
        for (int k = 0; k < dse_archive_size(archive); k++)
            found += memcmp(listed + k * m, points + i * m, (size_t)m * sizeof *points) == 0;
        assert_true(found > 0 || !in[i]);
    }
    dse_archive_free(archive);
}

static void the_archive_is_the_first_front(void **state) {
    (void)state;
    size_t live = dse_alloc_live();
    for (int set = 0; set < SETS; set++)
        check_archive(set);
    assert_int_equal(dse_alloc_live(), live);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_equal_the_definition),
                                       cmocka_unit_test(the_archive_is_the_first_front)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
