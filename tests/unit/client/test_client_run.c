/* Watching sweeps, and runs with a private daemon: signals and misfortunes. */
#include "tests/unit/client/pareto_under_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

/* ---- watching ------------------------------------------------------------------------------ */

static void watch_prints_a_line_a_generation(void **state) {
    const struct place *place = *state;
    pid_t daemon = start_daemon(place);
    expect_output(place, "watch 3", "watch.txt");
    stop_daemon(daemon);
}

static void watch_rewrites_one_line_on_a_terminal(void **state) {
    const struct place *place = *state;
    struct program program;
    pid_t daemon = start_daemon(place);
    start_on_terminal(place, "watch", 60, &program);
    assert_int_equal(finish(&program), 0);
    const char *text = dse_buf_text(&program.out);
    assert_int_equal(text[0], '\r');
    assert_non_null(strstr(text, "sweep 3 resnet8: calibrating"));
    assert_non_null(
        strstr(text, "sweep 3 resnet8: done, front 4, hypervolume 1.312, 3,400 evaluations, "));
    /* One line, then the hint; the line is never wider than the terminal but at its end. */
    int newlines = 0, columns = 0;
    const char *last = strstr(text, "sweep 3 resnet8: done");
    for (; *text != '\0'; text++) {
        columns = *text == '\r' || *text == '\n' ? 0 : columns + 1;
        newlines += *text == '\n';
        assert_true(columns < 60 || text > last);
    }
    assert_int_equal(newlines, 2);
    forget(&program);
    stop_daemon(daemon);
}

static void watch_ends_with_the_sweeps_fate(void **state) {
    const struct place *place = *state;
    (void)setenv("FAKE_PARETOD", "fails", 1);
    pid_t daemon = start_daemon(place);
    expect(place, "watch", 1, NULL, "pareto: sweep 3 failed: stem: cannot be calibrated\n");
    stop_daemon(daemon);
    (void)setenv("FAKE_PARETOD", "cancelled", 1);
    daemon = start_daemon(place);
    expect(place, "watch 3", 1, NULL,
           "pareto: sweep 3 was cancelled; what it found stays: pareto front 3\n");
    stop_daemon(daemon);
}

static void watch_as_json_prints_a_line_an_event(void **state) {
    const struct place *place = *state;
    struct program program;
    pid_t daemon = start_daemon(place);
    start(place, "watch --json", "", &program);
    assert_int_equal(finish(&program), 0);
    char *rest = program.out.data, *line;
    int n = 0;
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        assert_int_equal(strncmp(line, "{\"sweep\":3,", 11), 0);
        assert_int_equal(line[strlen(line) - 1], '}');
        n++;
    }
    assert_int_equal(n, 6); /* the sweep as it is, five events */
    forget(&program);
    stop_daemon(daemon);
}

static void interrupted_watch_leaves_the_sweep_alone(void **state) {
    const struct place *place = *state;
    struct program program;
    (void)setenv("FAKE_PARETOD", "endless", 1);
    pid_t daemon = start_daemon(place);
    start(place, "watch", "", &program);
    read_until(&program, "generation 2/4");
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(finish(&program), 130);
    assert_string_equal(dse_buf_text(&program.err),
                        "pareto: stopped watching; sweep 3 goes on (pareto watch 3 follows it, "
                        "pareto cancel 3 stops it)\n");
    forget(&program);
    stop_daemon(daemon);
}

/* As under nohup. That the hang-up came first shows in the end that follows: the daemon's. */
static void ignored_hangups_stay_ignored(void **state) {
    const struct place *place = *state;
    struct program program;
    (void)setenv("FAKE_PARETOD", "endless", 1);
    pid_t daemon = start_daemon(place);
    (void)signal(SIGHUP, SIG_IGN);
    start(place, "watch", "", &program);
    (void)signal(SIGHUP, SIG_DFL);
    read_until(&program, "generation 2/4");
    assert_int_equal(kill(program.pid, SIGHUP), 0);
    stop_daemon(daemon);
    assert_int_equal(finish(&program), 5);
    forget(&program);
}

/* ---- run and its private daemon ------------------------------------------------------------ */

static void run_starts_and_stops_a_daemon_of_its_own(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600], text[1024];
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 0);
    expect_file("front.txt", &program.out);
    (void)snprintf(text, sizeof text, "pareto: started a private paretod (state in %s, log in",
                   place->state);
    assert_non_null(strstr(dse_buf_text(&program.err), text));
    assert_non_null(strstr(dse_buf_text(&program.err), "pareto: sweep 3 (resnet8) begins\n"));
    assert_non_null(strstr(dse_buf_text(&program.err), "\nsweep 3 resnet8: generation 2/4, "));
    (void)snprintf(text, sizeof text, "pareto: every individual is kept in %s\n", place->state);
    assert_non_null(strstr(dse_buf_text(&program.err), text));
    assert_non_null(strstr(dse_buf_text(&program.err), "paretod &), then for example"));
    forget(&program);
    expect_in_log(place, "fake paretod: terminated\n", true);
    expect(place, "ping", 5, "", NULL);
}

static void run_uses_the_daemon_that_answers(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600];
    (void)setenv("FAKE_PARETOD", "finished", 1);
    pid_t daemon = start_daemon(place);
    (void)snprintf(line, sizeof line, "run %s --workers 2 --json", place->workload);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 0);
    assert_int_equal(strncmp(dse_buf_text(&program.out), "{\"sweep\":{\"sweep\":3,", 20), 0);
    assert_non_null(strstr(dse_buf_text(&program.err), "its number of workers stays as it is\n"));
    assert_non_null(
        strstr(dse_buf_text(&program.err), "pareto: sweep 3 (resnet8) was finished already\n"));
    assert_null(strstr(dse_buf_text(&program.err), "private"));
    forget(&program);
    expect(place, "ping", 0, NULL, "");
    stop_daemon(daemon);
}

static void interrupted_run_stops_its_daemon_and_keeps_everything(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600];
    (void)setenv("FAKE_PARETOD", "endless", 1);
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    start(place, line, "", &program);
    read_until(&program, "generation 2/4");
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(finish(&program), 130);
    assert_non_null(strstr(dse_buf_text(&program.err),
                           "pareto: stopping paretod (Ctrl-C again kills it)\n"
                           "pareto: stopped; nothing is lost: the same command continues\n"));
    forget(&program);
    expect_in_log(place, "fake paretod: terminated\n", true);
}

static void second_interrupt_kills_a_stubborn_daemon(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600];
    (void)setenv("FAKE_PARETOD", "stubborn", 1);
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    start(place, line, "", &program);
    read_until(&program, "generation 2/4");
    assert_int_equal(kill(program.pid, SIGINT), 0);
    read_until(&program, "stopping paretod");
    assert_int_equal(kill(program.pid, SIGINT), 0);
    assert_int_equal(finish(&program), 130);
    assert_non_null(strstr(dse_buf_text(&program.err), "pareto: killing paretod\n"));
    forget(&program);
    expect_in_log(place, "fake paretod: terminated\n", false);
}

/* Ctrl-C of a terminal goes to the whole foreground group; the daemon is not in it. */
static void ctrl_c_of_a_terminal_reaches_only_the_client(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600];
    (void)setenv("FAKE_PARETOD", "endless", 1);
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    start_on_terminal(place, line, 120, &program);
    read_until(&program, "generation 2/4");
    assert_int_equal(write(program.out_fd, "\003", 1), 1);
    assert_int_equal(finish(&program), 130);
    assert_non_null(strstr(dse_buf_text(&program.out), "nothing is lost"));
    forget(&program);
    expect_in_log(place, "fake paretod: terminated\n", true);
}

static void failures_of_the_private_daemon_show_its_log(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600], text[1024];
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    (void)setenv("FAKE_PARETOD", "dies-early", 1);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 5);
    (void)snprintf(text, sizeof text,
                   "pareto: paretod ended with exit status 3; its log %s/paretod.log ends with:\n",
                   place->state);
    assert_non_null(strstr(dse_buf_text(&program.err), text));
    assert_non_null(
        strstr(dse_buf_text(&program.err), "\n  ERROR the database is newer than this program\n"));
    forget(&program);
    (void)setenv("FAKE_PARETOD", "dies", 1);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 5);
    assert_non_null(strstr(dse_buf_text(&program.err), "pareto: paretod ended with exit status 9"));
    assert_non_null(strstr(dse_buf_text(&program.err), "\n  fake paretod: dying as told\n"));
    assert_null(strstr(dse_buf_text(&program.err), "newer than this program")); /* of last time */
    forget(&program);
}

static void failed_sweeps_fail_the_run(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600];
    (void)setenv("FAKE_PARETOD", "fails", 1);
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 1);
    assert_string_equal(dse_buf_text(&program.out), "");
    assert_non_null(
        strstr(dse_buf_text(&program.err), "pareto: sweep 3 failed: stem: cannot be calibrated\n"));
    forget(&program);
    expect_in_log(place, "fake paretod: terminated\n", true);
}

static void missing_paretod_is_named(void **state) {
    const struct place *place = *state;
    char path[400], line[600], text[1024];
    (void)snprintf(path, sizeof path, "%s/bin/paretod", place->dir);
    assert_int_equal(unlink(path), 0);
    char *old_path = dse_strdup(getenv("PATH"));
    (void)setenv("PATH", "/nowhere", 1);
    (void)snprintf(line, sizeof line, "run %s", place->workload);
    (void)snprintf(text, sizeof text,
                   "pareto: no daemon answers, and the program paretod is neither in %s/bin nor in "
                   "PATH\n",
                   place->dir);
    expect(place, line, 5, "", text);
    /* In PATH it is found. */
    (void)snprintf(path, sizeof path, "%s/elsewhere", place->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)setenv("PATH", path, 1);
    (void)snprintf(path, sizeof path, "%s/elsewhere/paretod", place->dir);
    copy_program(FAKE_PARETOD, path);
    expect(place, line, 0, NULL, NULL);
    (void)setenv("PATH", old_path, 1);
    dse_free(old_path);
}

static int count_entries(const char *path) {
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int n = 0;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    (void)closedir(dir);
    return n;
}

/* Nothing of the daemon that plan starts stays. */
static void plan_asks_a_daemon_for_the_question_only(void **state) {
    const struct place *place = *state;
    struct program program;
    char line[600];
    (void)snprintf(line, sizeof line, "plan %s", place->workload);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 0);
    expect_file("plan.txt", &program.out);
    assert_string_equal(dse_buf_text(&program.err), "");
    forget(&program);
    assert_int_equal(count_entries(place->dir), 2); /* bin and the workload */
    (void)setenv("FAKE_PARETOD", "refuses", 1);
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 3);
    assert_non_null(strstr(dse_buf_text(&program.err), "pareto: 2 errors in the workload\n"));
    forget(&program);
    assert_int_equal(count_entries(place->dir), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PARETO_TEST(watch_prints_a_line_a_generation),
        PARETO_TEST(watch_rewrites_one_line_on_a_terminal),
        PARETO_TEST(watch_ends_with_the_sweeps_fate),
        PARETO_TEST(watch_as_json_prints_a_line_an_event),
        PARETO_TEST(interrupted_watch_leaves_the_sweep_alone),
        PARETO_TEST(ignored_hangups_stay_ignored),
        PARETO_TEST(run_starts_and_stops_a_daemon_of_its_own),
        PARETO_TEST(run_uses_the_daemon_that_answers),
        PARETO_TEST(interrupted_run_stops_its_daemon_and_keeps_everything),
        PARETO_TEST(second_interrupt_kills_a_stubborn_daemon),
        PARETO_TEST(ctrl_c_of_a_terminal_reaches_only_the_client),
        PARETO_TEST(failures_of_the_private_daemon_show_its_log),
        PARETO_TEST(failed_sweeps_fail_the_run),
        PARETO_TEST(missing_paretod_is_named),
        PARETO_TEST(plan_asks_a_daemon_for_the_question_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
