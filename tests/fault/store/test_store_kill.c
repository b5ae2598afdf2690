/* store: a process that writes is killed at any moment. What it reported as committed is there
 * afterwards, and nothing half. */
#include "tests/fault/store/store_workload.h"

#include <signal.h>
#include <sys/wait.h>

/* Commits transactions from `next` on and reports each; never returns. */
static _Noreturn void write_until_killed(const struct place *place, int64_t next, int report_fd) {
    struct dse_store *store;
    if (dse_store_open(place->path, 0, &store, NULL) != DSE_OK)
        _exit(1);
    for (;; next++)
        if (write_transaction(store, next, "", NULL) != DSE_OK ||
            write(report_fd, &next, sizeof next) != sizeof next)
            _exit(2);
}

/* Kills the writer after that many reports. Returns the number of transactions reported so far, to
 * the last report in the pipe. */
static int64_t kill_after(const struct place *place, int64_t next, uint32_t reports) {
    int fds[2];
    int status;
    int64_t last = next - 1, report;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(fds[0]);
        write_until_killed(place, next, fds[1]);
    }
    (void)close(fds[1]);
    for (uint32_t i = 0; i < reports; i++) {
        assert_int_equal(read(fds[0], &report, sizeof report), sizeof report);
        last = report;
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(fds[0], &report, sizeof report) == sizeof report)
        last = report;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    (void)close(fds[0]);
    return last + 1;
}

static void what_was_reported_survives_a_kill(void **state) {
    (void)state;
    enum { ROUNDS = 60 };
    struct place place;
    struct dse_rng rng;
    int64_t present = 0;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    make_place(&place);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t reported = kill_after(&place, present, dse_rng_below(&rng, 12));
        present = check_transactions(&place);
        if (present < reported || present > reported + 1)
            fail_msg("%lld reported, %lld present", (long long)reported, (long long)present);
    }
    assert_true(present > ROUNDS);
    remove_place(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_reported_survives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
