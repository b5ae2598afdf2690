/* search: dominance, ranks, crowding, survival; against pagmo2 and by hand. */
#include "tests/unit/search/search_testing.h"

#include <math.h>

enum { POOL_MAX = 64 };

static struct dse_space minimising(int m) {
    struct dse_space space = {.n_objectives = m};
    return space; /* sense 0 is minimise */
}

/* Survival of n points of m minimised objectives, all feasible. */
static void survive_points(const double *points, int n, int m, struct dse_individual *pool,
                           int *survivors) {
    struct dse_space space = minimising(m);
    struct dse_err err = {0};
    for (int i = 0; i < n; i++)
        pool[i] = (struct dse_individual){.objectives = points + (size_t)i * (size_t)m};
    assert_ok(dse_search_survive(&space, pool, n, n, survivors, &err), &err);
}

static void dominance_heeds_the_senses(void **state) {
    (void)state;
    struct dse_space space = {.objectives = {{"accuracy", DSE_MAXIMIZE}, {"bits", DSE_MINIMIZE}},
                              .n_objectives = 2};
    const double good[] = {0.9, 10}, cheap[] = {0.8, 5}, bad[] = {0.8, 10};
    assert_true(dse_search_dominates(&space, good, bad));
    assert_true(dse_search_dominates(&space, cheap, bad));
    assert_false(dse_search_dominates(&space, bad, good));
    assert_false(dse_search_dominates(&space, good, cheap));
    assert_false(dse_search_dominates(&space, cheap, good));
    assert_false(dse_search_dominates(&space, good, good));
}

static void ranks_and_crowding_agree_with_pagmo(void **state) {
    (void)state;
    FILE *file = open_pagmo_fixture();
    int sets = 0;
    for (; find_record(file, "fronts "); sets++) {
        int n = (int)read_real(file), m = (int)read_real(file);
        bool has_crowding = read_real(file) == 1;
        double points[POOL_MAX * 5], crowding[POOL_MAX];
        int rank[POOL_MAX], survivors[POOL_MAX];
        struct dse_individual pool[POOL_MAX];
        assert_true(n <= POOL_MAX && m <= 5);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < m; j++)
                points[i * m + j] = read_real(file);
            rank[i] = (int)read_real(file);
            crowding[i] = read_real(file);
        }
        survive_points(points, n, m, pool, survivors);
        for (int i = 0; i < n; i++) {
            assert_int_equal(pool[i].rank, rank[i]);
            if (has_crowding && crowding[i] < 0)
                assert_true(isinf(pool[i].crowding));
            else if (has_crowding) /* pagmo sums over the objectives, we take the mean */
                assert_true(fabs(pool[i].crowding * m - crowding[i]) < 1e-12);
        }
    }
    assert_int_equal(sets, 7);
    assert_int_equal(fclose(file), 0);
}

static void crowding_of_a_known_front(void **state) {
    (void)state;
    /* Range 4 in both; the middle points have gaps 3 and 3, then 3 and 3 of 4. */
    const double points[] = {0, 4, 1, 3, 3, 1, 4, 0};
    struct dse_individual pool[4];
    int survivors[4];
    survive_points(points, 4, 2, pool, survivors);
    assert_true(isinf(pool[0].crowding) && isinf(pool[3].crowding));
    assert_true(pool[1].crowding == 0.75 && pool[2].crowding == 0.75);
    assert_memory_equal(survivors, ((int[]){0, 3, 1, 2}), sizeof survivors);
}

static void equal_objectives_share_a_rank_and_only_the_first_has_crowding(void **state) {
    (void)state;
    const double points[] = {0, 4, 2, 2, 4, 0, 2, 2, 0, 4};
    struct dse_individual pool[5];
    int survivors[5];
    survive_points(points, 5, 2, pool, survivors);
    for (int i = 0; i < 5; i++)
        assert_int_equal(pool[i].rank, 0);
    assert_true(isinf(pool[0].crowding) && isinf(pool[2].crowding));
    assert_true(pool[1].crowding == 1);
    assert_true(pool[3].crowding == 0 && pool[4].crowding == 0);
    assert_memory_equal(survivors, ((int[]){0, 2, 1, 3, 4}), sizeof survivors);
}

static void small_and_flat_fronts(void **state) {
    (void)state;
    struct dse_individual pool[3];
    int survivors[3];
    const double twins[] = {1, 1, 1, 1};
    survive_points(twins, 2, 2, pool, survivors);
    assert_true(isinf(pool[0].crowding) && isinf(pool[1].crowding));
    const double triplets[] = {1, 1, 1, 1, 1, 1};
    survive_points(triplets, 3, 2, pool, survivors);
    assert_true(isinf(pool[0].crowding) && pool[1].crowding == 0 && pool[2].crowding == 0);
    /* The second objective is the same all over the front and counts nothing. */
    const double flat[] = {0, 5, 2, 1, 5, 1, 2, 5, 0};
    survive_points(flat, 3, 3, pool, survivors);
    assert_true(isinf(pool[0].crowding) && isinf(pool[2].crowding));
    assert_true(fabs(pool[1].crowding - 2.0 / 3) < 1e-15);
}

static void infeasible_come_after_by_violation(void **state) {
    (void)state;
    struct dse_space space = minimising(2);
    double nothing[] = {NAN, NAN}, best[] = {0, 0}, good[] = {1, 2}, worse[] = {2, 3};
    struct dse_individual pool[] = {
        {.objectives = nothing, .violation = INFINITY}, {.objectives = best, .violation = 2},
        {.objectives = worse, .violation = 0},          {.objectives = best, .violation = 0.5},
        {.objectives = good, .violation = 0},           {.objectives = NULL, .violation = INFINITY},
        {.objectives = worse, .violation = 0.5},
    };
    int survivors[6] = {0};
    struct dse_err err = {0};
    assert_ok(dse_search_survive(&space, pool, 7, 6, survivors, &err), &err);
    assert_memory_equal(survivors, ((int[]){4, 2, 3, 6, 1, 0}), sizeof survivors);
    static const int ranks[] = {4, 3, 1, 2, 0, 4, 2};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(pool[i].rank, ranks[i]);
        assert_true(pool[i].violation == 0 ? isinf(pool[i].crowding) : pool[i].crowding == 0);
    }
}

static void the_pool_may_be_empty(void **state) {
    (void)state;
    struct dse_space space = minimising(2);
    struct dse_err err = {0};
    assert_ok(dse_search_survive(&space, NULL, 0, 0, NULL, &err), &err);
}

static void survival_survives_failing_allocations(void **state) {
    (void)state;
    enum { N = 40, M = 3 };
    double points[N * M];
    struct dse_rng rng;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < N * M; i++)
        points[i] = dse_rng_uniform(&rng);
    struct dse_space space = minimising(M);
    size_t live = dse_alloc_live();
    long n = 0;
    for (enum dse_status status = DSE_NO_MEMORY; status != DSE_OK; n++) {
        struct dse_individual pool[N];
        int survivors[N];
        struct dse_err err = {0};
        for (int i = 0; i < N; i++)
            pool[i] = (struct dse_individual){.objectives = points + i * M, .rank = -7};
        survivors[0] = -7;
        dse_alloc_fail_at(n);
        status = dse_search_survive(&space, pool, N, N, survivors, &err);
        dse_alloc_fail_at(-1);
        assert_int_equal(dse_alloc_live(), live);
        if (status == DSE_OK)
            continue;
        assert_int_equal(status, DSE_NO_MEMORY);
        assert_true(survivors[0] == -7 && pool[0].rank == -7 && pool[N - 1].rank == -7);
    }
    assert_in_range(n, 8, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dominance_heeds_the_senses),
        cmocka_unit_test(ranks_and_crowding_agree_with_pagmo),
        cmocka_unit_test(crowding_of_a_known_front),
        cmocka_unit_test(equal_objectives_share_a_rank_and_only_the_first_has_crowding),
        cmocka_unit_test(small_and_flat_fronts),
        cmocka_unit_test(infeasible_come_after_by_violation),
        cmocka_unit_test(the_pool_may_be_empty),
        cmocka_unit_test(survival_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
