/* search: archives that grow large. Points come in the orders that make trees bad; what an offer
 * may not cost is seen by the members there are, and by the clock of the test's time limit. */
#include "tests/lib/testing.h"

#include "search/search.h"

enum { MANY = 50000, SOME = 400 };

static struct dse_space minimising(int m) {
    struct dse_space space = {.n_objectives = m};
    return space;
}

static struct dse_archive *make_archive(const struct dse_space *space) {
    struct dse_archive *archive;
    struct dse_err err = {0};
    assert_ok(dse_archive_new(space, NULL, NULL, &archive, &err), &err);
    return archive;
}

static bool offer(struct dse_archive *archive, const double *point, int64_t tag, int *n_gone) {
    struct dse_archive_change change;
    struct dse_err err = {0};
    assert_ok(dse_archive_offer(archive, point, tag, &change, &err), &err);
    *n_gone = change.n_gone;
    return change.is_in;
}

/* Point i of the line x + y = 0, shifted away from the origin. */
static void set_on_line(int i, double shift, double *point) {
    point[0] = i + shift;
    point[1] = -i + shift;
}

/* From one end to the other, back over it behind the line, and once more before it. */
static void a_front_that_comes_in_order_stays_quick(void **state) {
    (void)state;
    struct dse_space space = minimising(2);
    struct dse_archive *archive = make_archive(&space);
    double point[2];
    int n_gone;
    for (int i = 0; i < MANY; i++) {
        set_on_line(i, 0, point);
        assert_true(offer(archive, point, i, &n_gone));
    }
    for (int i = MANY; i-- > 0;) {
        set_on_line(i, 0.25, point);
        assert_false(offer(archive, point, i, &n_gone));
    }
    assert_int_equal(dse_archive_size(archive), MANY);
    for (int i = 0; i < MANY; i++) {
        set_on_line(i, -0.25, point);
        assert_true(offer(archive, point, i, &n_gone));
        assert_int_equal(n_gone, 1);
    }
    assert_int_equal(dse_archive_size(archive), MANY);
    point[0] = point[1] = -MANY;
    assert_true(offer(archive, point, 0, &n_gone));
    assert_int_equal(n_gone, MANY);
    assert_int_equal(dse_archive_size(archive), 1);
    dse_archive_free(archive);
}

/* Four objectives, one maximised; the points of the plane w - x - y - z = 0 dominate nobody. */
static void a_front_of_four_objectives(void **state) {
    (void)state;
    enum { N = 20000 };
    struct dse_space space = minimising(4);
    space.objectives[3].sense = DSE_MAXIMIZE;
    struct dse_archive *archive = make_archive(&space);
    struct dse_rng rng;
    double point[4];
    int n_gone;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 3; k++)
            point[k] = (double)dse_rng_below(&rng, 1 << 20);
        point[3] = point[0] + point[1] + point[2];
        assert_true(offer(archive, point, i, &n_gone));
        assert_int_equal(n_gone, 0);
        assert_false(offer(archive, point, i, &n_gone)); /* the same again */
        point[3] -= 1;
        assert_false(offer(archive, point, i, &n_gone));
    }
    assert_int_equal(dse_archive_size(archive), N);
    dse_archive_free(archive);
}

/* The allocation of an offer fails: it can be made again, and nothing was lost. */
static void failing_allocations_change_nothing(void **state) {
    (void)state;
    struct dse_space space = minimising(2);
    struct dse_archive_change change;
    struct dse_err err = {0};
    double point[2];
    int failures = 0;
    size_t live = dse_alloc_live();
    struct dse_archive *archive = NULL;
    dse_alloc_fail_at(0);
    assert_int_equal(dse_archive_new(&space, NULL, NULL, &archive, &err), DSE_NO_MEMORY);
    assert_null(archive);
    archive = make_archive(&space);
    for (int i = 0; i < SOME; i++) {
        set_on_line(i / 2, i % 2 == 0 ? 0 : -0.25,
                    point); /* every second replaces the one before */
        for (long n = 0;; n++) {
            dse_alloc_fail_at(n);
            enum dse_status status = dse_archive_offer(archive, point, i, &change, &err);
            dse_alloc_fail_at(-1);
            if (status == DSE_OK)
                break;
            assert_int_equal(status, DSE_NO_MEMORY);
            assert_int_equal(dse_archive_size(archive), (i + 1) / 2);
            failures++;
        }
        assert_true(change.is_in);
        assert_int_equal(change.n_gone, i % 2);
    }
    assert_true(failures > 10);
    dse_archive_free(archive);
    assert_int_equal(dse_alloc_live(), live);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_front_that_comes_in_order_stays_quick),
        cmocka_unit_test(a_front_of_four_objectives),
        cmocka_unit_test(failing_allocations_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
