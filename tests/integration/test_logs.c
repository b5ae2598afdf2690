/* pareto logs: what a daemon wrote down, while it lives, after it was killed, and as it comes. */
#include "tests/lib/testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/lib/daemon_fixture.h"

static const char workload_text[] = "name: logged\n"
                                    "problem: {type: zdt1}\n"
                                    "exploration: {population: 8, generations: 2}\n";
static const char *const one_worker[] = {"--workers", "1", "--log-level", "error", NULL};

static struct daemon_fixture fixture;
static char workload[400];

static void explore(void) {
    char word[32];
    int64_t sweep = fixture_submit(&fixture, workload);
    assert_true(fixture_watch(&fixture, sweep, INT64_MAX, word, sizeof word));
    assert_string_equal(word, "done");
}

static int set_up(void **state) {
    (void)state;
    struct dse_err err = {0};
    fixture_init(&fixture);
    (void)snprintf(workload, sizeof workload, "%s/w.yaml", fixture.dir);
    assert_ok(dse_file_replace(workload, workload_text, sizeof workload_text - 1, &err), &err);
    fixture_start(&fixture, one_worker);
    explore();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_fini(&fixture);
    return 0;
}

/* Runs `pareto logs` with two more words (or NULL); *out is emptied first. */
static int logs(const char *option, const char *value, struct dse_buf *out) {
    const char *const argv[] = {
        DSE_BINARY_DIR "/pareto", "--state", fixture.state_dir, "logs", option, value, NULL};
    dse_buf_reset(out);
    return run_program(argv, out, NULL);
}

static void a_log_is_read_and_narrowed(void **state) {
    (void)state;
    struct dse_buf out = {0};
    assert_int_equal(logs("--json", NULL, &out), 0);
    assert_non_null(strstr(dse_buf_text(&out), "\"event\":\"serving\""));
    assert_non_null(strstr(dse_buf_text(&out), "\"event\":\"sweep_done\",\"sweep\":1}\n"));
    assert_int_equal(logs("--sweep", "1", &out), 0);
    assert_non_null(
        strstr(dse_buf_text(&out), "info  methods sweep_submitted sweep=1 name=\"logged\""));
    assert_null(strstr(dse_buf_text(&out), "serving"));
    assert_int_equal(logs("--level", "error", &out), 0);
    assert_string_equal(dse_buf_text(&out), "");
    assert_int_equal(logs("--since", "1h", &out), 0);
    assert_non_null(strstr(dse_buf_text(&out), "sweep_done"));
    assert_int_equal(logs("--since", "2999-12-31", &out), 0);
    assert_string_equal(dse_buf_text(&out), "");
    static const char *const bad[][2] = {
        {"--since", "yesterday"}, {"--since", "1x"}, {"--level", "loud"}, {"--sweep", "0"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(logs(bad[i][0], bad[i][1], &out), 2);
    dse_buf_fini(&out);
}

static void read_until(FILE *from, const char *part) {
    char line[4096];
    while (fgets(line, sizeof line, from) != NULL)
        if (strstr(line, part) != NULL)
            return;
    fail_msg("no line with %s", part);
}

/* Begun before the event; also over the start of the next daemon. */
static void a_log_is_followed(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        (void)execl(DSE_BINARY_DIR "/pareto", "pareto", "--state", fixture.state_dir, "logs",
                    "--follow", (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    assert_non_null(from);
    read_until(from, "sweep_done sweep=1");
    explore();
    read_until(from, "sweep_done sweep=2");
    (void)fixture_stop(&fixture, SIGKILL);
    fixture_start(&fixture, one_worker);
    read_until(from, "serving");
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)fclose(from);
}

static void a_dead_daemon_is_read(void **state) {
    (void)state;
    struct dse_buf out = {0}, errors = {0};
    (void)fixture_stop(&fixture, SIGKILL);
    assert_int_equal(logs(NULL, NULL, &out), 0);
    assert_non_null(strstr(dse_buf_text(&out), "sweep_done sweep=2"));
    const char *const nowhere[] = {DSE_BINARY_DIR "/pareto", "--state", fixture.dir, "logs", NULL};
    assert_int_equal(run_program(nowhere, NULL, &errors), 4);
    assert_non_null(strstr(dse_buf_text(&errors), "there is no log"));
    dse_buf_fini(&out);
    dse_buf_fini(&errors);
}

/* ---- a log that goes on into new files while it is read ---- */

enum { FILE_BYTES = 64 * 1024 };

static struct {
    char dir[256], path[300];
    atomic_bool stop;
    atomic_int next; /* number of the next line */
} busy;

static void open_busy_log(void) {
    struct dse_err err = {0};
    make_temp_dir(busy.dir, sizeof busy.dir);
    (void)snprintf(busy.path, sizeof busy.path, "%s/" DSE_LOG_FILE, busy.dir);
    dse_log_setup(DSE_LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    assert_ok(dse_log_open_file(busy.path, FILE_BYTES, DSE_LOG_OLDER_FILES, &err), &err);
    atomic_store(&busy.next, 0);
    atomic_store(&busy.stop, false);
}

static void remove_busy_log(void) {
    char name[340];
    dse_log_close_file();
    for (int i = 0; i <= DSE_LOG_OLDER_FILES; i++) {
        dse_log_file_name(busy.path, i, name, sizeof name);
        (void)unlink(name);
    }
    assert_int_equal(rmdir(busy.dir), 0);
}

static void write_lines(int n) {
    for (int i = 0; i < n; i++)
        dse_log(DSE_LOG_INFO, "test", "line", DSE_LOG_INT("n", atomic_fetch_add(&busy.next, 1)));
}

static void *keep_writing(void *nothing) {
    while (!atomic_load(&busy.stop))
        write_lines(100);
    return nothing;
}

/* The number at the end of a line of `pareto logs`. */
static int number_of(const char *line) {
    const char *at = strstr(line, " n=");
    assert_non_null(at);
    return atoi(at + 3);
}

/* Each line once, in order, without a gap. */
static void check_busy_log(void) {
    const char *const argv[] = {DSE_BINARY_DIR "/pareto", "--state", busy.dir, "logs", NULL};
    struct dse_buf out = {0};
    int last = -1;
    assert_int_equal(run_program(argv, &out, NULL), 0);
    for (char *rest = NULL, *line = strtok_r(out.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        assert_true(last < 0 || number_of(line) == last + 1);
        last = number_of(line);
    }
    assert_true(last > 0);
    dse_buf_fini(&out);
}

/* What a reader may meet while names move on: one file under its old name and its new one. */
static void a_file_of_two_names_is_read_once(void **state) {
    (void)state;
    char old_name[340], new_name[340];
    open_busy_log();
    write_lines(1500);
    dse_log_file_name(busy.path, 1, old_name, sizeof old_name);
    dse_log_file_name(busy.path, 3, new_name, sizeof new_name);
    (void)unlink(new_name);
    dse_log_file_name(busy.path, 2, new_name, sizeof new_name);
    (void)unlink(new_name);
    assert_int_equal(link(old_name, new_name), 0);
    check_busy_log();
    remove_busy_log();
}

static void no_line_is_lost_where_files_change_under_the_reader(void **state) {
    (void)state;
    pthread_t writer;
    open_busy_log();
    write_lines(5000);
    assert_int_equal(pthread_create(&writer, NULL, keep_writing, NULL), 0);
    for (int round = 0; round < 20; round++)
        check_busy_log();
    atomic_store(&busy.stop, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    remove_busy_log();
}

/* Bursts of two files each, which the follower finds when it looks again. */
static void a_follower_misses_no_file(void **state) {
    (void)state;
    enum { BURST = 1500, BURSTS = 8 };
    int out[2], expected = 0;
    char line[500];
    open_busy_log();
    write_lines(1);
    assert_int_equal(pipe(out), 0);
    pid_t reader = fork();
    assert_true(reader >= 0);
    if (reader == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(out[0]);
        (void)close(out[1]);
        (void)execl(DSE_BINARY_DIR "/pareto", "pareto", "--state", busy.dir, "logs", "--follow",
                    (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    assert_non_null(lines);
    for (int burst = 0; burst <= BURSTS; burst++) {
        for (; expected < atomic_load(&busy.next); expected++) {
            assert_non_null(fgets(line, sizeof line, lines));
            assert_int_equal(number_of(line), expected);
        }
        write_lines(burst < BURSTS ? BURST : 0);
    }
    assert_int_equal(kill(reader, SIGKILL), 0);
    assert_int_equal(waitpid(reader, NULL, 0), reader);
    assert_int_equal(fclose(lines), 0);
    remove_busy_log();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_read_and_narrowed),
        cmocka_unit_test(a_log_is_followed),
        cmocka_unit_test(a_dead_daemon_is_read),
        cmocka_unit_test(a_file_of_two_names_is_read_once),
        cmocka_unit_test(no_line_is_lost_where_files_change_under_the_reader),
        cmocka_unit_test(a_follower_misses_no_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
