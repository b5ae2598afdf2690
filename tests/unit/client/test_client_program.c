/* The program pareto as its users meet it: output, exit status, signals, on pipes and on a pseudo
 * terminal. A directory made for the test holds copies of pareto and, as its paretod, of
 * fake_paretod. With DSE_UPDATE_EXPECTED set, the files in expected/ are rewritten. */
#include "tests/lib/testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- a place for a test -------------------------------------------------------------------- */

struct place {
    char dir[200], pareto[300], state[300], workload[300];
};

static void copy_program(const char *from, const char *to) {
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(from, (size_t)256 << 20, &bytes, &err), &err);
    assert_ok(dse_file_replace(to, bytes.data, bytes.size, &err), &err);
    assert_int_equal(chmod(to, 0755), 0);
    dse_buf_fini(&bytes);
}

static int set_up(void **state) {
    struct place *place = dse_alloc(1, sizeof *place);
    char path[400];
    struct dse_err err = {0};
    assert_non_null(place);
    make_temp_dir(place->dir, sizeof place->dir);
    (void)snprintf(path, sizeof path, "%s/bin", place->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(place->pareto, sizeof place->pareto, "%s/bin/pareto", place->dir);
    (void)snprintf(place->state, sizeof place->state, "%s/state", place->dir);
    (void)snprintf(place->workload, sizeof place->workload, "%s/w.yaml", place->dir);
    copy_program(DSE_BINARY_DIR "/pareto", place->pareto);
    (void)snprintf(path, sizeof path, "%s/bin/paretod", place->dir);
    copy_program(FAKE_PARETOD, path);
    assert_ok(dse_file_replace(place->workload, "name: x\n", 8, &err), &err);
    /* The surroundings of every program started here. */
    (void)setenv("PARETO_STATE", place->state, 1);
    (void)setenv("TMPDIR", place->dir, 1);
    (void)setenv("COLUMNS", "80", 1);
    (void)setenv("TZ", "UTC", 1);
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    (void)setenv("TERM", "xterm", 1);
    (void)unsetenv("NO_COLOR");
    (void)unsetenv("FAKE_PARETOD");
    *state = place;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state) {
    struct place *place = *state;
    (void)unsetenv("TMPDIR");
    int removed = nftw(place->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    dse_free(place);
    return removed;
}

/* ---- programs ------------------------------------------------------------------------------ */

struct program {
    pid_t pid;
    int out_fd, err_fd; /* err_fd -1: a terminal shows both */
    struct dse_buf out, err;
};

enum { WORDS_MAX = 10 };

static void split_words(char *line, char **argv) {
    int n = 0;
    for (char *word = strtok(line, " "); word != NULL && n < WORDS_MAX; word = strtok(NULL, " "))
        argv[n++] = word;
    argv[n] = NULL;
}

/* Starts "pareto <line>" with input on its standard input. */
static void start(const struct place *place, const char *line, const char *input,
                  struct program *program) {
    int out[2], err[2], in[2];
    char copy[1024], *argv[WORDS_MAX + 1];
    (void)snprintf(copy, sizeof copy, "pareto %s", line);
    split_words(copy, argv);
    assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC) | pipe2(in, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)dup2(err[1], 2);
        (void)execv(place->pareto, argv);
        _exit(126);
    }
    (void)close(out[1]);
    (void)close(err[1]);
    (void)close(in[0]);
    assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
    (void)close(in[1]);
    *program = (struct program){.pid = pid, .out_fd = out[0], .err_fd = err[0]};
}

/* The same on a terminal of `columns` columns. */
static void start_on_terminal(const struct place *place, const char *line, int columns,
                              struct program *program) {
    char copy[1024], *argv[WORDS_MAX + 1];
    struct winsize size = {.ws_row = 40, .ws_col = (unsigned short)columns};
    int fd;
    (void)snprintf(copy, sizeof copy, "pareto %s", line);
    split_words(copy, argv);
    (void)unsetenv("COLUMNS");
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execv(place->pareto, argv);
        _exit(126);
    }
    *program = (struct program){.pid = pid, .out_fd = fd, .err_fd = -1};
}

/* False at the end of the stream (a terminal ends with EIO). */
static bool read_some(int *fd, struct dse_buf *into) {
    char block[4096];
    ssize_t got = read(*fd, block, sizeof block);
    if (got > 0)
        dse_buf_append(into, block, (size_t)got);
    if (got <= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    return got > 0;
}

/* Reads until `needle` stands in one of the outputs (NULL: until both have ended). */
static void read_until(struct program *program, const char *needle) {
    while (program->out_fd >= 0 || program->err_fd >= 0) {
        if (needle != NULL && (strstr(dse_buf_text(&program->out), needle) != NULL ||
                               strstr(dse_buf_text(&program->err), needle) != NULL))
            return;
        struct pollfd polled[] = {{.fd = program->out_fd, .events = POLLIN},
                                  {.fd = program->err_fd, .events = POLLIN}};
        assert_true(poll(polled, 2, -1) > 0);
        if (polled[0].revents != 0)
            (void)read_some(&program->out_fd, &program->out);
        if (polled[1].revents != 0)
            (void)read_some(&program->err_fd, &program->err);
    }
    if (needle != NULL)
        fail_msg("no \"%s\" in: %s%s", needle, dse_buf_text(&program->out),
                 dse_buf_text(&program->err));
}

/* Exit status; 1000 + signal when one ended it. */
static int finish(struct program *program) {
    int how;
    read_until(program, NULL);
    assert_int_equal(waitpid(program->pid, &how, 0), program->pid);
    return WIFSIGNALED(how) ? 1000 + WTERMSIG(how) : WEXITSTATUS(how);
}

static void forget(struct program *program) {
    dse_buf_fini(&program->out);
    dse_buf_fini(&program->err);
}

/* Runs to the end; the exit status must be as expected. Texts of NULL are not compared. */
static void expect(const struct place *place, const char *line, int exit_status, const char *out,
                   const char *err) {
    struct program program;
    start(place, line, "", &program);
    int status = finish(&program);
    if (status != exit_status)
        fail_msg("pareto %s: exit status %d, not %d: %s%s", line, status, exit_status,
                 dse_buf_text(&program.out), dse_buf_text(&program.err));
    if (out != NULL)
        assert_string_equal(dse_buf_text(&program.out), out);
    if (err != NULL)
        assert_string_equal(dse_buf_text(&program.err), err);
    forget(&program);
}

/* Compares with expected/<name>. */
static void expect_file(const char *name, const struct dse_buf *text) {
    char path[600];
    struct dse_buf expected = {0};
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", EXPECTED_DIR, name);
    if (getenv("DSE_UPDATE_EXPECTED") != NULL)
        assert_ok(dse_file_replace(path, dse_buf_text(text), text->size, &err), &err);
    assert_ok(dse_file_read(path, 1 << 20, &expected, &err), &err);
    assert_string_equal(dse_buf_text(text), dse_buf_text(&expected));
    dse_buf_fini(&expected);
}

static void expect_output(const struct place *place, const char *line, const char *name) {
    struct program program;
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 0);
    assert_string_equal(dse_buf_text(&program.err), "");
    expect_file(name, &program.out);
    forget(&program);
}

/* A daemon of its own, as an operator starts it; it serves when this returns. */
static pid_t start_daemon(const struct place *place) {
    char program[400], socket[400], ready[16], byte;
    int ends[2], null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct dse_err err = {0};
    assert_ok(dse_dir_create(place->state, &err), &err);
    (void)snprintf(program, sizeof program, "%s/bin/paretod", place->dir);
    (void)snprintf(socket, sizeof socket, "%s/socket", place->state);
    assert_int_equal(pipe(ends), 0);
    (void)snprintf(ready, sizeof ready, "%d", ends[1]);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion leaves it behind */
        (void)dup2(null_fd, 2);
        (void)execl(program, "paretod", "--state", place->state, "--socket", socket, "--ready-fd",
                    ready, (char *)NULL);
        _exit(126);
    }
    (void)close(ends[1]);
    (void)close(null_fd);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    return pid;
}

static void stop_daemon(pid_t pid) {
    int how;
    (void)kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void read_log(const struct place *place, struct dse_buf *log) {
    char path[400];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/paretod.log", place->state);
    assert_ok(dse_file_read(path, 1 << 20, log, &err), &err);
}

static void expect_in_log(const struct place *place, const char *needle, bool is_there) {
    struct dse_buf log = {0};
    read_log(place, &log);
    if ((strstr(dse_buf_text(&log), needle) != NULL) != is_there)
        fail_msg("\"%s\" %s in the log: %s", needle, is_there ? "is not" : "is",
                 dse_buf_text(&log));
    dse_buf_fini(&log);
}

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
    assert_non_null(strstr(text, "sweep 3 resnet8: done, 3,400 evaluations, "));
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
    assert_non_null(strstr(dse_buf_text(&program.err), "start the daemon (paretod &)"));
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers_are_printed_for_people),
        TEST(narrow_terminals_get_narrow_tables),
        TEST(json_is_one_line_of_the_daemons_result),
        TEST(dump_joins_the_generations),
        TEST(empty_answers_say_so),
        TEST(refusals_become_exit_statuses),
        TEST(workloads_travel_with_their_directory),
        TEST(unreadable_workloads_are_refused_here),
        TEST(nonsense_of_the_daemon_is_reported),
        TEST(without_a_daemon_it_says_how_to_start_one),
        TEST(watch_prints_a_line_a_generation),
        TEST(watch_rewrites_one_line_on_a_terminal),
        TEST(watch_ends_with_the_sweeps_fate),
        TEST(watch_as_json_prints_a_line_an_event),
        TEST(interrupted_watch_leaves_the_sweep_alone),
        TEST(run_starts_and_stops_a_daemon_of_its_own),
        TEST(run_uses_the_daemon_that_answers),
        TEST(interrupted_run_stops_its_daemon_and_keeps_everything),
        TEST(second_interrupt_kills_a_stubborn_daemon),
        TEST(ctrl_c_of_a_terminal_reaches_only_the_client),
        TEST(failures_of_the_private_daemon_show_its_log),
        TEST(failed_sweeps_fail_the_run),
        TEST(missing_paretod_is_named),
        TEST(plan_asks_a_daemon_for_the_question_only),
        TEST(colours_and_plots_are_for_terminals),
        TEST(a_full_disk_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
