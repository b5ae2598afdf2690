/* The kill matrix: a sweep whose daemon is killed with -9 before and after every single commit, at
 * commits and instants chosen by chance, and whose workers are killed, ends with the dump of the
 * undisturbed one; nothing that was told to a client is ever lost. The same with other numbers of
 * workers, and with workers of random speed.
 *
 *   crash_matrix [points [seed]]
 *
 * points: kills in all (default 200); seed chooses what is chosen by chance (default 1). */
#include "tests/lib/testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/lib/daemon_fixture.h"
#include "tests/lib/sample.h"

static int points = 200;
static uint64_t seed = 1;
static int killed;     /* points so far */
static int boundaries; /* of them at each commit in turn */

static const struct sample_options sample = {
    .images = 20, .shard_images = 10, .population = 8, .generations = 6, .seed = 3};

static const char *const two_workers[] = {"--workers", "2", "--log-level", "error", NULL};

static char workload[400];
static char expected[DSE_SHA256_HEX];

static void begin(struct daemon_fixture *fixture, const char *const *extra, int64_t *sweep) {
    fixture_init(fixture);
    write_sample_workload(fixture->dir, &sample, workload, sizeof workload);
    fixture_start(fixture, extra);
    *sweep = fixture_submit(fixture, workload);
}

static void end(struct daemon_fixture *fixture, int64_t sweep) {
    char state[32], hash[DSE_SHA256_HEX];
    assert_true(fixture_watch(fixture, sweep, INT64_MAX, state, sizeof state));
    assert_string_equal(state, "done");
    assert_int_equal(fixture->measured, sample.population * sample.generations);
    fixture_dump_hash(fixture, sweep, hash);
    if (expected[0] == '\0')
        memcpy(expected, hash, sizeof expected);
    assert_string_equal(hash, expected);
    assert_int_equal(fixture_stop(fixture, SIGTERM), 0);
    fixture_fini(fixture);
}

static void the_dump_is_that_of_any_number_of_workers(void **state) {
    (void)state;
    static const char *const numbers[] = {"2", "1", "8"};
    for (int i = 0; i < 3; i++) {
        struct daemon_fixture fixture;
        int64_t sweep;
        const char *const extra[] = {"--workers", numbers[i], "--log-level", "error", NULL};
        begin(&fixture, extra, &sweep);
        end(&fixture, sweep);
    }
    print_message("1, 2 and 8 workers: dump %s\n", expected);
}

static void the_dump_is_that_of_workers_of_random_speed(void **state) {
    (void)state;
    const char *const extra[] = {"--workers",   "5",     "--worker", TEST_SLOW_WORKER,
                                 "--log-level", "error", NULL};
    assert_int_equal(setenv("PARETO_TEST_DELAY_MS", "60", 1), 0);
    for (int i = 0; i < 3; i++) {
        struct daemon_fixture fixture;
        int64_t sweep;
        begin(&fixture, extra, &sweep);
        end(&fixture, sweep);
    }
    assert_int_equal(unsetenv("PARETO_TEST_DELAY_MS"), 0);
}

/* ---- kills ---- */

/* Starts a daemon that kills itself at the n-th end of a transaction; true when it did, false when
 * the sweep was done before. What was told before the kill is there after it. */
static bool run_to_commit(struct daemon_fixture *fixture, int64_t sweep, int n, bool before) {
    char number[16], state[32];
    int64_t told = fixture->measured;
    (void)snprintf(number, sizeof number, "%d", n);
    assert_int_equal(setenv("PARETO_TEST_KILL_COMMIT", number, 1), 0);
    assert_int_equal(setenv("PARETO_TEST_KILL_WHEN", before ? "before" : "after", 1), 0);
    fixture_start(fixture, two_workers);
    bool done = fixture_watch(fixture, sweep, INT64_MAX, state, sizeof state);
    assert_true(fixture->measured >= told);
    assert_int_equal(unsetenv("PARETO_TEST_KILL_COMMIT"), 0);
    if (done)
        return false;
    int status = fixture_wait(fixture);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    killed++;
    return true;
}

/* Every commit of the sweep is once the first of a process that is killed before it, and once of
 * one that is killed after it. */
static void every_commit_boundary_survives_a_kill(void **state) {
    (void)state;
    struct daemon_fixture fixture;
    int64_t sweep;
    begin(&fixture, two_workers, &sweep);
    (void)fixture_stop(&fixture, SIGKILL);
    killed++;
    fixture.program = TEST_KILLED_PARETOD;
    for (bool before = true; run_to_commit(&fixture, sweep, 1, before); before = !before)
        boundaries++;
    end(&fixture, sweep);
    print_message("%d kills at commit boundaries\n", boundaries);
    assert_true(boundaries > 40);
}

static void commits_chosen_by_chance_survive_a_kill(void **state) {
    (void)state;
    enum { COMMITS_MAX = 12 };
    struct dse_rng rng;
    dse_rng_init(&rng, seed, DSE_RNG_TEST, 1, 0);
    int until = killed + (points - killed) / 2;
    while (killed < until) {
        struct daemon_fixture fixture;
        int64_t sweep;
        begin(&fixture, two_workers, &sweep);
        (void)fixture_stop(&fixture, SIGKILL);
        killed++;
        fixture.program = TEST_KILLED_PARETOD;
        while (run_to_commit(&fixture, sweep, 1 + (int)dse_rng_below(&rng, COMMITS_MAX),
                             dse_rng_below(&rng, 2) == 0))
            ;
        end(&fixture, sweep);
    }
}

/* Kills at an instant some time after a result. Without a daemon to kill the sweep is done. */
static bool kill_by_chance(struct daemon_fixture *fixture, int64_t sweep, struct dse_rng *rng) {
    enum { INSTANT_MAX_NS = 30 * 1000 * 1000 };
    enum { DAEMON, WORKER, BOTH, VICTIMS };
    char state[32];
    int64_t told = fixture->measured;
    struct timespec instant = {.tv_nsec = (long)dse_rng_below(rng, INSTANT_MAX_NS)};
    int victim = (int)dse_rng_below(rng, VICTIMS);
    assert_true(fixture_watch(fixture, sweep, told + dse_rng_below(rng, 8), state, sizeof state));
    assert_true(fixture->measured >= told);
    if (strcmp(state, "done") == 0)
        return false;
    (void)nanosleep(&instant, NULL);
    if (victim != DAEMON)
        (void)fixture_kill_worker(fixture, (int)dse_rng_below(rng, 2));
    if (victim != WORKER) {
        (void)fixture_stop(fixture, SIGKILL);
        fixture_start(fixture, two_workers);
    }
    killed++;
    return true;
}

static void instants_chosen_by_chance_survive_kills_of_all(void **state) {
    (void)state;
    struct dse_rng rng;
    dse_rng_init(&rng, seed, DSE_RNG_TEST, 2, 0);
    while (killed < points) {
        struct daemon_fixture fixture;
        int64_t sweep;
        begin(&fixture, two_workers, &sweep);
        while (kill_by_chance(&fixture, sweep, &rng))
            ;
        end(&fixture, sweep);
    }
    print_message("%d kills, %d of them at every commit boundary; dump %s\n", killed, boundaries,
                  expected);
}

/* A submit that is killed before its commit is not there; after it, it is, though nobody was told:
 * the same command finds it. */
static void a_killed_submit_is_there_or_not(void **state) {
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct daemon_fixture fixture;
        struct dse_buf list = {0};
        const char *const submit[] = {"submit", "--reuse", workload, NULL};
        const char *const ask[] = {"--json", "list", NULL};
        fixture_init(&fixture);
        write_sample_workload(fixture.dir, &sample, workload, sizeof workload);
        fixture_start(&fixture, two_workers); /* makes the schema */
        assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
        fixture.program = TEST_KILLED_PARETOD;
        assert_int_equal(setenv("PARETO_TEST_KILL_COMMIT", "1", 1), 0);
        assert_int_equal(setenv("PARETO_TEST_KILL_WHEN", before ? "before" : "after", 1), 0);
        fixture_start(&fixture, two_workers);
        assert_int_equal(fixture_pareto(&fixture, submit, NULL, NULL), 5);
        assert_true(WIFSIGNALED(fixture_wait(&fixture)));
        assert_int_equal(unsetenv("PARETO_TEST_KILL_COMMIT"), 0);
        fixture_start(&fixture, two_workers);
        assert_int_equal(fixture_pareto(&fixture, ask, &list, NULL), 0);
        assert_int_equal(strcmp(list.data, "{\"sweeps\":[]}\n") == 0, before);
        assert_int_equal(fixture_pareto(&fixture, submit, NULL, NULL), 0);
        end(&fixture, 1);
        dse_buf_fini(&list);
    }
}

int main(int argc, char **argv) {
    if (argc > 1)
        points = atoi(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    print_message("%d points, seed %llu\n", points, (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dump_is_that_of_any_number_of_workers),
        cmocka_unit_test(the_dump_is_that_of_workers_of_random_speed),
        cmocka_unit_test(a_killed_submit_is_there_or_not),
        cmocka_unit_test(every_commit_boundary_survives_a_kill),
        cmocka_unit_test(commits_chosen_by_chance_survive_a_kill),
        cmocka_unit_test(instants_chosen_by_chance_survive_kills_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
