/* search: hypervolume, against pagmo2, by hand and by counting cells. */
#include "tests/unit/search/search_testing.h"

#include <math.h>

static double volume_of(const struct dse_space *space, const double *points, int n,
                        const double *reference) {
    double volume = -1;
    struct dse_err err = {0};
    assert_ok(dse_search_hypervolume(space, points, n, reference, &volume, &err), &err);
    return volume;
}

static void volumes_agree_with_pagmo(void **state) {
    (void)state;
    static const double ones[] = {1, 1, 1};
    FILE *file = open_pagmo_fixture();
    int sets = 0;
    for (; find_record(file, "volume "); sets++) {
        double points[32 * 3];
        int n = (int)read_real(file), m = (int)read_real(file);
        double expected = read_real(file);
        assert_true(n <= 32 && m <= 3);
        for (int i = 0; i < n * m; i++)
            points[i] = read_real(file);
        struct dse_space space = {.n_objectives = m};
        assert_true(fabs(volume_of(&space, points, n, ones) - expected) < 1e-14);
    }
    assert_int_equal(sets, 3);
    assert_int_equal(fclose(file), 0);
}

static void senses_and_points_outside(void **state) {
    (void)state;
    struct dse_space space = {.objectives = {{"accuracy", DSE_MAXIMIZE}, {"bits", DSE_MINIMIZE}},
                              .n_objectives = 2};
    const double reference[] = {0.5, 10};
    /* 0.25 x 6 and, above it, 0.25 x 2; then a point at the reference's level, one below it in
     * accuracy, one too large, and a dominated one. */
    const double points[] = {0.75, 4, 1.0, 8, 0.5, 1, 0.25, 0, 0.9, 11, 0.7, 5};
    assert_true(volume_of(&space, points, 6, reference) == 0.25 * 6 + 0.25 * 2);
    assert_true(volume_of(&space, points, 0, reference) == 0);
    assert_true(volume_of(&space, points + 4, 3, reference) == 0);
}

static void one_objective_is_a_length(void **state) {
    (void)state;
    struct dse_space space = {.objectives = {{"accuracy", DSE_MAXIMIZE}}, .n_objectives = 1};
    assert_true(volume_of(&space, (double[]){0.5, 0.75, 0.25}, 3, (double[]){0.125}) == 0.625);
}

static void more_objectives_are_not_supported(void **state) {
    (void)state;
    struct dse_space space = {.n_objectives = 5};
    double volume = -1, zeros[5] = {0};
    struct dse_err err = {0};
    assert_int_equal(dse_search_hypervolume(&space, zeros, 1, zeros, &volume, &err),
                     DSE_UNSUPPORTED);
    assert_true(volume == -1);
}

/* Whole coordinates 0..7: the volume is the number of unit cells that a point dominates. */
static double count_cells(const double *points, int n, int m) {
    int cells = 0;
    for (int cell = 0; cell < 1 << 3 * m; cell++) {
        const int at[] = {cell & 7, cell >> 3 & 7, cell >> 6 & 7, cell >> 9};
        bool covered = false;
        for (int i = 0; i < n && !covered; i++) {
            covered = true;
            for (int j = 0; j < m; j++)
                covered = covered && points[i * m + j] <= at[j];
        }
        cells += covered;
    }
    return cells;
}

static void volumes_equal_counted_cells(void **state) {
    (void)state;
    static const double eights[] = {8, 8, 8, 8};
    struct dse_rng rng;
    dse_rng_init(&rng, 21, DSE_RNG_TEST, 0, 0);
    for (int set = 0; set < 600; set++) {
        int m = 2 + set % 3, n = 1 + (int)dse_rng_below(&rng, 20);
        double points[20 * 4];
        for (int i = 0; i < n * m; i++)
            points[i] = dse_rng_below(&rng, 9);
        struct dse_space space = {.n_objectives = m};
        assert_true(volume_of(&space, points, n, eights) == count_cells(points, n, m));
    }
}

static void volume_survives_failing_allocations(void **state) {
    (void)state;
    const double points[] = {0, 1, 2, 2, 2, 1, 0, 1, 1, 0, 2, 0,
                             0, 2, 1, 3, 1, 2, 0, 2, 2, 0, 1, 1};
    const double reference[] = {4, 4, 4, 4};
    struct dse_space space = {.n_objectives = 4};
    size_t live = dse_alloc_live();
    long n = 0;
    for (enum dse_status status = DSE_NO_MEMORY; status != DSE_OK; n++) {
        double volume = -1;
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        status = dse_search_hypervolume(&space, points, 6, reference, &volume, &err);
        dse_alloc_fail_at(-1);
        assert_int_equal(dse_alloc_live(), live);
        if (status != DSE_OK) {
            assert_int_equal(status, DSE_NO_MEMORY);
            assert_true(volume == -1);
        }
    }
    assert_in_range(n, 3, 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_agree_with_pagmo),
        cmocka_unit_test(senses_and_points_outside),
        cmocka_unit_test(one_objective_is_a_length),
        cmocka_unit_test(more_objectives_are_not_supported),
        cmocka_unit_test(volumes_equal_counted_cells),
        cmocka_unit_test(volume_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
