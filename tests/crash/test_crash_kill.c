/* A sweep killed with -9 (daemon; a worker; both) at random moments ends with the same dump as the
 * undisturbed one; and so does one with another number of workers.
 *
 *   crash_kill [points [seed [workload.yaml | joint]]]
 *
 * points is the number of kills of each kind (default 5), seed chooses their moments (default 1);
 * without a workload a small one on made-up images is explored; joint: one with exits and dropout.
 */
#include "tests/lib/testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/lib/daemon_fixture.h"
#include "tests/lib/sample.h"

static int points = 5;
static uint64_t seed = 1;
static const char *workload; /* NULL: the sample */

static struct sample_options sample = {.images = SAMPLE_IMAGES(150),
                                       .shard_images = SAMPLE_IMAGES(50),
                                       .population = 16,
                                       .generations = 14,
                                       .seed = 3};

static int64_t submit(const struct daemon_fixture *fixture) {
    char path[400];
    if (workload != NULL)
        return fixture_submit(fixture, workload);
    write_sample_workload(fixture->dir, &sample, path, sizeof path);
    return fixture_submit(fixture, path);
}

/* Dump of the sweep, from start to end with a number of workers. */
static int64_t individuals; /* of the undisturbed sweep */

static void run_undisturbed(const char *workers, char hash[DSE_SHA256_HEX]) {
    struct daemon_fixture fixture;
    char state[32];
    const char *const extra[] = {"--workers", workers, "--log-level", "error", NULL};
    fixture_init(&fixture);
    fixture_start(&fixture, extra);
    int64_t sweep = submit(&fixture);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, state, sizeof state));
    assert_string_equal(state, "done");
    individuals = fixture_count_individuals(&fixture, sweep);
    fixture_dump_hash(&fixture, sweep, hash);
    print_message("%s workers, undisturbed: dump %s\n", workers, hash);
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
    fixture_fini(&fixture);
}

static const char *undisturbed_dump(void) {
    static char hash[DSE_SHA256_HEX];
    if (hash[0] == '\0')
        run_undisturbed("2", hash);
    return hash;
}

enum victim { DAEMON, WORKER, BOTH };

/* Waits for a point of progress, then for a random instant within the time of a few commits. */
static bool reach_kill_point(struct daemon_fixture *fixture, int64_t sweep, struct dse_rng *rng,
                             int64_t measured) {
    char state[32];
    struct timespec instant = {.tv_nsec = (long)dse_rng_below(rng, 60 * 1000 * 1000)};
    if (!fixture_watch(fixture, sweep, measured, state, sizeof state))
        return false;
    (void)nanosleep(&instant, NULL);
    return strcmp(state, "done") != 0;
}

static void kill_and_restart(struct daemon_fixture *fixture, enum victim victim, int k,
                             const char *const *extra) {
    if (victim != DAEMON)
        (void)fixture_kill_worker(fixture, k);
    if (victim == WORKER)
        return;
    (void)fixture_stop(fixture, SIGKILL);
    fixture_start(fixture, extra);
}

static int run_killed(enum victim victim, int kills, char hash[DSE_SHA256_HEX]) {
    struct daemon_fixture fixture;
    struct dse_rng rng;
    char state[32];
    const char *const extra[] = {"--workers", "2", "--log-level", "error", NULL};
    int64_t all = individuals * 9 / 10; /* the rest may be over before a kill arrives */
    int done = 0;
    dse_rng_init(&rng, seed, DSE_RNG_TEST, (uint32_t)victim, (uint32_t)kills);
    fixture_init(&fixture);
    fixture_start(&fixture, extra);
    int64_t sweep = submit(&fixture);
    for (int k = 0; k < kills; k++) {
        int64_t measured = all * k / kills + (int64_t)dse_rng_below(&rng, (uint32_t)(all / kills));
        if (!reach_kill_point(&fixture, sweep, &rng, measured))
            break;
        kill_and_restart(&fixture, victim, (int)dse_rng_below(&rng, 2), extra);
        done++;
    }
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, state, sizeof state));
    assert_string_equal(state, "done");
    fixture_dump_hash(&fixture, sweep, hash);
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
    fixture_fini(&fixture);
    return done;
}

/* Kills in runs of at most this many, so that each is far from the next. */
enum { KILLS_PER_RUN = 5 };
/* Runs that may end before any kill arrives. */
enum { MISSED_MAX = 5 };

static void survives(enum victim victim) {
    char hash[DSE_SHA256_HEX];
    const char *expected = undisturbed_dump();
    int done = 0, missed = 0;
    while (done < points) {
        int kills = points - done < KILLS_PER_RUN ? points - done : KILLS_PER_RUN;
        int killed = run_killed(victim, kills, hash);
        assert_string_equal(hash, expected);
        assert_true(killed > 0 || ++missed < MISSED_MAX);
        done += killed;
        seed++;
    }
    print_message("%d kills, dump %s\n", done, hash);
}

static void survives_kills_of_the_daemon(void **state) {
    (void)state;
    survives(DAEMON);
}

static void survives_kills_of_workers(void **state) {
    (void)state;
    survives(WORKER);
}

static void survives_kills_of_both(void **state) {
    (void)state;
    survives(BOTH);
}

static void does_not_depend_on_the_number_of_workers(void **state) {
    (void)state;
    char one[DSE_SHA256_HEX], four[DSE_SHA256_HEX];
    run_undisturbed("1", one);
    run_undisturbed("4", four);
    assert_string_equal(one, undisturbed_dump());
    assert_string_equal(four, undisturbed_dump());
}

int main(int argc, char **argv) {
    if (argc > 1)
        points = atoi(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    sample.joint = argc > 3 && strcmp(argv[3], "joint") == 0;
    if (sample.joint)
        sample.generations = 4;
    else if (argc > 3)
        workload = argv[3];
    print_message("seed %llu, %d kills of each kind\n", (unsigned long long)seed, points);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_not_depend_on_the_number_of_workers),
        cmocka_unit_test(survives_kills_of_the_daemon),
        cmocka_unit_test(survives_kills_of_workers),
        cmocka_unit_test(survives_kills_of_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
