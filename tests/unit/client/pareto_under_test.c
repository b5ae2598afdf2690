/* See pareto_under_test.h. */
#include "tests/unit/client/pareto_under_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- a place for a test -------------------------------------------------------------------- */

void copy_program(const char *from, const char *to) {
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(from, (size_t)256 << 20, &bytes, &err), &err);
    assert_ok(dse_file_replace(to, bytes.data, bytes.size, &err), &err);
    assert_int_equal(chmod(to, 0755), 0);
    dse_buf_fini(&bytes);
}

int set_up(void **state) {
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

int tear_down(void **state) {
    struct place *place = *state;
    (void)unsetenv("TMPDIR");
    int removed = nftw(place->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    dse_free(place);
    return removed;
}

/* ---- programs ------------------------------------------------------------------------------ */

enum { WORDS_MAX = 10 };

static void split_words(char *line, char **argv) {
    int n = 0;
    for (char *word = strtok(line, " "); word != NULL && n < WORDS_MAX; word = strtok(NULL, " "))
        argv[n++] = word;
    argv[n] = NULL;
}

/* Starts "pareto <line>" with input on its standard input. */
void start(const struct place *place, const char *line, const char *input,
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
void start_on_terminal(const struct place *place, const char *line, int columns,
                       struct program *program) {
    char copy[1024], *argv[WORDS_MAX + 1];
    struct winsize size = {.ws_row = 40, .ws_col = (unsigned short)columns};
    int fd;
    (void)snprintf(copy, sizeof copy, "pareto %s", line);
    split_words(copy, argv);
    (void)unsetenv("COLUMNS");
    pid_t pid = forkpty(&fd, NULL, NULL, &size);
    if (pid < 0) { /* no /dev/pts, as in a bare chroot */
        print_message("not tried: there are no pseudo terminals here\n");
        skip();
    }
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
void read_until(struct program *program, const char *needle) {
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
int finish(struct program *program) {
    int how;
    read_until(program, NULL);
    assert_int_equal(waitpid(program->pid, &how, 0), program->pid);
    return WIFSIGNALED(how) ? 1000 + WTERMSIG(how) : WEXITSTATUS(how);
}

void forget(struct program *program) {
    dse_buf_fini(&program->out);
    dse_buf_fini(&program->err);
}

/* Runs to the end; the exit status must be as expected. Texts of NULL are not compared. */
void expect(const struct place *place, const char *line, int exit_status, const char *out,
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
void expect_file(const char *name, const struct dse_buf *text) {
    char path[600];
    struct dse_buf expected = {0};
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", EXPECTED_DIR, name);
    if (getenv("DSE_UPDATE_EXPECTED") != NULL) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(dse_buf_text(text), 1, text->size, file), text->size);
        assert_int_equal(fclose(file), 0);
    }
    assert_ok(dse_file_read(path, 1 << 20, &expected, &err), &err);
    assert_string_equal(dse_buf_text(text), dse_buf_text(&expected));
    dse_buf_fini(&expected);
}

void expect_output(const struct place *place, const char *line, const char *name) {
    struct program program;
    start(place, line, "", &program);
    assert_int_equal(finish(&program), 0);
    assert_string_equal(dse_buf_text(&program.err), "");
    expect_file(name, &program.out);
    forget(&program);
}

/* A daemon of its own, as an operator starts it; it serves when this returns. */
pid_t start_daemon(const struct place *place) {
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

void stop_daemon(pid_t pid) {
    int how;
    (void)kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

void read_log(const struct place *place, struct dse_buf *log) {
    char path[400];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/paretod.log", place->state);
    assert_ok(dse_file_read(path, 1 << 20, log, &err), &err);
}

void expect_in_log(const struct place *place, const char *needle, bool is_there) {
    struct dse_buf log = {0};
    read_log(place, &log);
    if ((strstr(dse_buf_text(&log), needle) != NULL) != is_there)
        fail_msg("\"%s\" %s in the log: %s", needle, is_there ? "is not" : "is",
                 dse_buf_text(&log));
    dse_buf_fini(&log);
}
