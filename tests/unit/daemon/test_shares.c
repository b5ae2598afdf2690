/* Who of several sweeps gets the next worker. */
#include "tests/lib/testing.h"

#include "daemon/shares.h"

/* Gives `rounds` tasks of task_ms to one worker after the other; counts them by sweep. */
static void simulate(struct dse_share *shares, int n, int rounds, const int64_t *task_ms,
                     int *given) {
    const struct dse_share *pointers[DSE_SHARES_MAX];
    int order[DSE_SHARES_MAX], held = -1;
    int64_t now_ms = 1000;
    for (int i = 0; i < n; i++) {
        pointers[i] = &shares[i];
        given[i] = 0;
    }
    for (int k = 0; k < rounds; k++) {
        dse_shares_order(pointers, n, held, now_ms, order);
        held = order[0];
        given[held]++;
        dse_share_begin_work(&shares[held], now_ms);
        dse_share_end_work(&shares[held], now_ms, now_ms + task_ms[held]);
        now_ms += task_ms[held];
    }
}

static void equals_share_by_time_not_by_tasks(void **state) {
    (void)state;
    struct dse_share shares[] = {{.id = 1}, {.id = 2}};
    const int64_t task_ms[] = {100, 300};
    int given[2];
    simulate(shares, 2, 4000, task_ms, given);
    assert_in_range(shares[0].used_ms, 290000, 310000); /* half of 3 x 100 + 1 x 300 a round */
    assert_in_range(shares[1].used_ms, 290000, 310000);
    assert_in_range(given[0], 2900, 3100);
}

static void a_greater_priority_gets_everything(void **state) {
    (void)state;
    struct dse_share shares[] = {{.id = 1}, {.id = 2, .priority = 1}, {.id = 3, .priority = -1}};
    const int64_t task_ms[] = {10, 10, 10};
    int given[3];
    simulate(shares, 3, 100, task_ms, given);
    assert_int_equal(given[1], 100);
}

static void a_context_that_is_open_is_kept_for_some_time(void **state) {
    (void)state;
    struct dse_share a = {.id = 1, .used_ms = 9000}, b = {.id = 2};
    const struct dse_share *shares[] = {&a, &b};
    int order[2];
    dse_shares_order(shares, 2, 0, 0, order);
    assert_int_equal(order[0], 0);
    dse_shares_order(shares, 2, -1, 0, order);
    assert_int_equal(order[0], 1);
    a.used_ms = 11000;
    dse_shares_order(shares, 2, 0, 0, order);
    assert_int_equal(order[0], 1);
    a.used_ms = 0;
    b.priority = 1; /* no context is worth more than a priority */
    dse_shares_order(shares, 2, 0, 0, order);
    assert_int_equal(order[0], 1);
}

static void work_under_way_counts_while_it_lasts(void **state) {
    (void)state;
    struct dse_share a = {.id = 1}, b = {.id = 2, .used_ms = 500};
    const struct dse_share *shares[] = {&a, &b};
    int order[2];
    dse_share_begin_work(&a, 100);
    dse_shares_order(shares, 2, -1, 200, order);
    assert_int_equal(order[0], 0);
    dse_shares_order(shares, 2, -1, 700, order);
    assert_int_equal(order[0], 1);
    dse_share_end_work(&a, 100, 700);
    assert_int_equal(a.used_ms, 600);
    assert_int_equal(a.in_work, 0);
    assert_int_equal(a.started_sum, 0);
}

static void a_newcomer_neither_catches_up_nor_waits(void **state) {
    (void)state;
    struct dse_share a = {.id = 1, .used_ms = 70000}, b = {.id = 2, .used_ms = 50000},
                     other = {.id = 3, .priority = 4, .used_ms = 10};
    const struct dse_share *shares[] = {&a, &b, &other};
    struct dse_share newcomer = {.id = 4};
    dse_share_join(&newcomer, shares, 3, 0);
    assert_int_equal(newcomer.used_ms, 50000);
    dse_share_join(&newcomer, shares, 0, 0);
    assert_int_equal(newcomer.used_ms, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_share_by_time_not_by_tasks),
        cmocka_unit_test(a_greater_priority_gets_everything),
        cmocka_unit_test(a_context_that_is_open_is_kept_for_some_time),
        cmocka_unit_test(work_under_way_counts_while_it_lasts),
        cmocka_unit_test(a_newcomer_neither_catches_up_nor_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
