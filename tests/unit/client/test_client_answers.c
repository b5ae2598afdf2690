/* Questions to the daemon and how the program prints the answers. */
#include "tests/unit/client/pareto_under_test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- questions and answers ----------------------------------------------------------------- */

static void answers_are_printed_for_people(void **state) {
    const struct place *place = *state;
    char text[1024];
    pid_t daemon = start_daemon(place);
    expect_output(place, "list", "list.txt");
    expect_output(place, "status", "status.txt");
    expect_output(place, "front", "front.txt");
    expect_output(place, "front 3 --plot", "front-plot.txt");
    expect_output(place, "show 3 1.10", "show.txt");
    expect_output(place, "show 2.20", "show-dropout.txt");
    expect_output(place, "show 3.30", "show-exits.txt");
    expect_output(place, "show baseline", "show-baseline.txt");
    (void)snprintf(text, sizeof text, "plan %s", place->workload);
    expect_output(place, text, "plan.txt");
    expect(place, "cancel 3", 0, "sweep 3 (resnet8) is cancelled; 2,000 individuals stay\n", "");
    (void)snprintf(text, sizeof text,
                   "paretod 0.1.0 (protocol 1), process 4711, 2 workers, state in %s\n",
                   place->state);
    expect(place, "ping", 0, text, "");
    (void)snprintf(text, sizeof text, "submit %s", place->workload);
    expect(place, text, 0, "sweep 3 (resnet8) is queued; follow it with: pareto watch 3\n", "");
    stop_daemon(daemon);
}

static void narrow_terminals_get_narrow_tables(void **state) {
    const struct place *place = *state;
    pid_t daemon = start_daemon(place);
    (void)setenv("COLUMNS", "44", 1);
    expect_output(place, "list", "list-44.txt");
    expect_output(place, "front --plot", "front-44.txt");
    expect_output(place, "show 1.10", "show-44.txt");
    stop_daemon(daemon);
}

static void json_is_one_line_of_the_daemons_result(void **state) {
    const struct place *place = *state;
    static const char *const lines[] = {"list --json",     "status --json", "front --json",
                                        "show 0.0 --json", "ping --json",   "cancel --json"};
    static const char *const begins[] = {"{\"sweeps\":[{\"sweep\":1,", "{\"sweep\":3,",
                                         "{\"sweep\":{\"sweep\":3,",   "{\"generation\":0,",
                                         "{\"version\":\"0.1.0\",",    "{\"sweep\":3,"};
    pid_t daemon = start_daemon(place);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct program program;
        start(place, lines[i], "", &program);
        assert_int_equal(finish(&program), 0);
        assert_int_equal(strncmp(dse_buf_text(&program.out), begins[i], strlen(begins[i])), 0);
        assert_ptr_equal(strchr(program.out.data, '\n'), program.out.data + program.out.size - 1);
        forget(&program);
    }
    stop_daemon(daemon);
}

static void dump_joins_the_generations(void **state) {
    const struct place *place = *state;
    /* printf 'baseline\n0 first\n0 second\n1 third\n' | sha256sum */
    static const char hash[] = "dd45b0aeb82d586d722b7f2bdd8626c3b5a887e631cc2ebef90aff266a81d171\n";
    pid_t daemon = start_daemon(place);
    expect(place, "dump", 0, "baseline\n0 first\n0 second\n1 third\n", "");
    expect(place, "dump 3 --sha256", 0, hash, "");
    expect(
        place, "dump --json", 0,
        "{\"text\":\"baseline\\n\",\"next\":0}\n{\"text\":\"0 first\\n0 second\\n\",\"next\":1}\n"
        "{\"text\":\"1 third\\n\",\"next\":-2}\n",
        "");
    stop_daemon(daemon);
    (void)setenv("FAKE_PARETOD", "turns-back", 1);
    daemon = start_daemon(place);
    expect(place, "dump", 9, NULL, "pareto: the daemon's dump goes back from generation 0 to 0\n");
    stop_daemon(daemon);
}

static void empty_answers_say_so(void **state) {
    const struct place *place = *state;
    (void)setenv("FAKE_PARETOD", "empty", 1);
    pid_t daemon = start_daemon(place);
    expect(place, "list", 0, "No sweeps yet. pareto submit FILE makes one.\n", "");
    expect(place, "front", 4, "", "pareto: there is no sweep yet; pareto submit FILE makes one\n");
    expect(place, "front 3", 0,
           "front of sweep 3 (resnet8, done): 0 of 4,000 individuals\n\n"
           "The front is empty: no individual has been evaluated and is feasible yet.\n",
           "");
    stop_daemon(daemon);
}

static void refusals_become_exit_statuses(void **state) {
    const struct place *place = *state;
    char line[1024], text[1024];
    (void)setenv("FAKE_PARETOD", "refuses", 1);
    pid_t daemon = start_daemon(place);
    expect(place, "status 9", 4, "", "pareto: no sweep 9; the newest is 3\n");
    expect(place, "status x", 2, "",
           "pareto: \"x\" is not the id of a sweep; pareto list shows them\n");
    (void)snprintf(line, sizeof line, "submit %s", place->workload);
    expect(place, line, 3, "",
           "w.yaml:3:5: unknown key \"modle\"; did you mean \"model\"?\n"
           "w.yaml:9:11: bits_min is 9; allowed are 2..8\npareto: 2 errors in the workload\n");
    (void)snprintf(line, sizeof line, "submit %s/none.yaml", place->dir);
    (void)snprintf(text, sizeof text, "pareto: %s/none.yaml: No such file or directory\n",
                   place->dir);
    expect(place, line, 4, "", text);
    stop_daemon(daemon);
}

static void workloads_travel_with_their_directory(void **state) {
    const struct place *place = *state;
    char resolved[PATH_MAX], text[5000], here[PATH_MAX];
    struct program program;
    struct dse_buf log = {0};
    assert_non_null(realpath(place->dir, resolved));
    assert_non_null(getcwd(here, sizeof here));
    (void)setenv("FAKE_PARETOD", "finished", 1);
    (void)snprintf(text, sizeof text, "run %s", place->workload);
    expect(place, text, 0, NULL, NULL);
    start(place, "run - --workers 3", "name: y\n", &program);
    assert_int_equal(finish(&program), 0);
    forget(&program);
    read_log(place, &log);
    (void)snprintf(text, sizeof text, "workload %s in %s, reuse 1: name: x\n", place->workload,
                   resolved);
    assert_non_null(strstr(dse_buf_text(&log), text));
    (void)snprintf(text, sizeof text, "workload <stdin> in %s, reuse 1: name: y\n", here);
    assert_non_null(strstr(dse_buf_text(&log), text));
    assert_non_null(strstr(dse_buf_text(&log), " --workers 3\n"));
    dse_buf_fini(&log);
}

static void unreadable_workloads_are_refused_here(void **state) {
    const struct place *place = *state;
    char line[1024], text[1024];
    struct dse_err err = {0};
    assert_ok(dse_file_replace(place->workload, "name: x\nmodel: caf\xe9\n", 19, &err), &err);
    (void)snprintf(line, sizeof line, "plan %s", place->workload);
    (void)snprintf(text, sizeof text,
                   "pareto: %s:2:11: byte 0xe9 is not UTF-8; save the file as UTF-8 text\n",
                   place->workload);
    expect(place, line, 3, "", text);
}

static void nonsense_of_the_daemon_is_reported(void **state) {
    const struct place *place = *state;
    char text[1024];
    (void)setenv("FAKE_PARETOD", "babbles", 1);
    pid_t daemon = start_daemon(place);
    expect(place, "front", 9, "",
           "pareto: the daemon's answer: not JSON: '[' or '{' expected near 'not' (byte 3)\n");
    stop_daemon(daemon);
    (void)setenv("FAKE_PARETOD", "hangs-up", 1);
    daemon = start_daemon(place);
    (void)snprintf(text, sizeof text,
                   "pareto: the daemon at %s/socket ended; its sweeps go on when it is started "
                   "again (paretod --state %s)\n",
                   place->state, place->state);
    expect(place, "list", 5, "", text);
    stop_daemon(daemon);
}

static void without_a_daemon_it_says_how_to_start_one(void **state) {
    const struct place *place = *state;
    char text[1024];
    (void)snprintf(
        text, sizeof text,
        "pareto: no daemon answers at %s/socket; start one with: paretod --state %s  (or "
        "use: pareto run FILE)\n",
        place->state, place->state);
    expect(place, "list", 5, "", text);
    expect(place, "list --state /nowhere --socket /nowhere/s", 5, "",
           "pareto: no daemon answers at /nowhere/s; start one with: paretod --state /nowhere "
           "--socket /nowhere/s  (or use: pareto run FILE)\n");
    /* A socket that nobody listens on any more. */
    pid_t daemon = start_daemon(place);
    (void)kill(daemon, SIGKILL);
    (void)waitpid(daemon, NULL, 0);
    expect(place, "list", 5, "", text);
}

/* ---- terminals and full disks -------------------------------------------------------------- */

static void colours_and_plots_are_for_terminals(void **state) {
    const struct place *place = *state;
    struct program program;
    pid_t daemon = start_daemon(place);
    start_on_terminal(place, "front", 120, &program);
    assert_int_equal(finish(&program), 0);
    assert_non_null(strstr(dse_buf_text(&program.out), "\033[1m"));
    assert_non_null(strstr(dse_buf_text(&program.out), "F float32"));
    forget(&program);
    start_on_terminal(place, "front --no-color", 120, &program);
    assert_int_equal(finish(&program), 0);
    assert_null(strchr(dse_buf_text(&program.out), '\033'));
    forget(&program);
    stop_daemon(daemon);
}

static void a_full_disk_is_noticed(void **state) {
    const struct place *place = *state;
    pid_t daemon = start_daemon(place);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int full = open("/dev/full", O_WRONLY), null_fd = open("/dev/null", O_WRONLY);
        (void)dup2(full, 1);
        (void)dup2(null_fd, 2);
        (void)execl(place->pareto, "pareto", "dump", (char *)NULL);
        _exit(126);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(WEXITSTATUS(how), 7);
    stop_daemon(daemon);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PARETO_TEST(answers_are_printed_for_people),
        PARETO_TEST(narrow_terminals_get_narrow_tables),
        PARETO_TEST(json_is_one_line_of_the_daemons_result),
        PARETO_TEST(dump_joins_the_generations),
        PARETO_TEST(empty_answers_say_so),
        PARETO_TEST(refusals_become_exit_statuses),
        PARETO_TEST(workloads_travel_with_their_directory),
        PARETO_TEST(unreadable_workloads_are_refused_here),
        PARETO_TEST(nonsense_of_the_daemon_is_reported),
        PARETO_TEST(without_a_daemon_it_says_how_to_start_one),
        PARETO_TEST(colours_and_plots_are_for_terminals),
        PARETO_TEST(a_full_disk_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
