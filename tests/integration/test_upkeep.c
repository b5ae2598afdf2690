/* pareto db beside a daemon: checks and copies while it works, a refused vacuum, damage that is
 * found, and a copy that brings everything back. */
#include "tests/lib/testing.h"

#include <signal.h>
#include <sys/stat.h>

#include "tests/lib/daemon_fixture.h"

static const char workload_text[] = "name: upkeep\n"
                                    "problem: {type: zdt1}\n"
                                    "exploration: {population: 40, generations: 20}\n";
static const char *const one_worker[] = {"--workers", "1", "--log-level", "error", NULL};

static struct daemon_fixture fixture;
static char database[400], copy[400];
static char expected[DSE_SHA256_HEX];

static int set_up(void **state) {
    (void)state;
    char path[400], word[32];
    struct dse_err err = {0};
    fixture_init(&fixture);
    (void)snprintf(path, sizeof path, "%s/w.yaml", fixture.dir);
    (void)snprintf(database, sizeof database, "%s/pareto.db", fixture.state_dir);
    (void)snprintf(copy, sizeof copy, "%s/copy.db", fixture.dir);
    assert_ok(dse_file_replace(path, workload_text, sizeof workload_text - 1, &err), &err);
    fixture_start(&fixture, one_worker);
    int64_t sweep = fixture_submit(&fixture, path);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, word, sizeof word));
    fixture_dump_hash(&fixture, sweep, expected);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_fini(&fixture);
    return 0;
}

/* Runs `pareto db`; the outputs are appended. */
static int db(const char *command, const char *argument, struct dse_buf *out,
              struct dse_buf *errors) {
    const char *const argv[] = {DSE_BINARY_DIR "/pareto", "db",     command,  "--state",
                                fixture.state_dir,        "--json", argument, NULL};
    return run_program(argv, out, errors);
}

static void assert_has(struct dse_buf *text, const char *part) {
    if (strstr(dse_buf_text(text), part) == NULL)
        fail_msg("no '%s' in: %s", part, dse_buf_text(text));
    dse_buf_fini(text);
}

static void a_daemon_at_work_is_checked_and_copied(void **state) {
    (void)state;
    struct dse_buf out = {0}, errors = {0};
    assert_int_equal(db("check", NULL, &out, NULL), 0);
    assert_has(&out, "\"ok\":true,\"schema\":");
    assert_int_equal(db("backup", copy, &out, NULL), 0);
    assert_has(&out, "\"bytes\":");
    assert_int_equal(db("vacuum", NULL, NULL, &errors), 4);
    assert_has(&errors, "another paretod has it open");
    assert_int_equal(db("backup", NULL, NULL, NULL), 2);
}

static void damage_is_found_and_a_copy_brings_all_back(void **state) {
    (void)state;
    struct dse_buf out = {0}, errors = {0};
    struct stat file;
    char hash[DSE_SHA256_HEX], stopped[600];
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
    assert_int_equal(db("vacuum", NULL, &out, NULL), 0);
    assert_has(&out, "\"bytes_before\":");
    assert_int_equal(stat(database, &file), 0);
    assert_int_equal(truncate(database, file.st_size / 2), 0);
    assert_int_equal(db("check", NULL, &out, &errors), 3);
    assert_has(&out, "\"ok\":false");
    assert_has(&errors, "restore a backup");
    assert_int_equal(rename(copy, database), 0);
    (void)snprintf(stopped, sizeof stopped, "%s-wal", database);
    (void)unlink(stopped);
    assert_int_equal(db("check", NULL, &out, NULL), 0);
    assert_has(&out, "\"ok\":true");
    fixture_start(&fixture, one_worker);
    fixture_dump_hash(&fixture, 1, hash);
    assert_string_equal(hash, expected);
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_at_work_is_checked_and_copied),
        cmocka_unit_test(damage_is_found_and_a_copy_brings_all_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
