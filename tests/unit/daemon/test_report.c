/* What clients are told of a sweep. */
#include "tests/lib/testing.h"

#include "daemon/report.h"

static void assert_measured(int generation, int individuals, int measured, double expected) {
    const struct dse_msg_spec spec = {.population = 50, .offspring = 20, .generations = 10};
    const struct dse_sweep_counts counts = {
        .generation = generation, .individuals = individuals, .measured = measured};
    assert_true(dse_report_measured(&spec, &counts) == expected);
}

static void progress_counts_what_was_born(void **state) {
    (void)state;
    assert_measured(-2, 0, 0, 0);
    assert_measured(-1, 1, 0, 0); /* the float32 network */
    assert_measured(0, 50, 0, 0);
    assert_measured(0, 50, 12, 12);
    assert_measured(2, 90, 75, 75);
    /* A thousand were found with the records of others: the newest 20 are still not there. */
    assert_measured(2, 1090, 1070, 70);
    assert_measured(2, 1090, 1090, 90);
    assert_measured(5, 40, 40, 40); /* a small space has no 150 genomes */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_counts_what_was_born),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
