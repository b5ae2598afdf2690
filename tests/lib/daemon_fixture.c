#include "tests/lib/daemon_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what) {
    (void)fprintf(stderr, "daemon_fixture: %s: %s\n", what, strerror(errno));
    exit(1);
}

void fixture_init(struct daemon_fixture *fixture) {
    const char *base = getenv("TMPDIR");
    *fixture = (struct daemon_fixture){0};
    (void)snprintf(fixture->dir, sizeof fixture->dir, "%s/dse-test-XXXXXX",
                   base != NULL ? base : "/tmp");
    if (mkdtemp(fixture->dir) == NULL)
        give_up(fixture->dir);
    (void)snprintf(fixture->state_dir, sizeof fixture->state_dir, "%s/state", fixture->dir);
    (void)snprintf(fixture->socket, sizeof fixture->socket, "%s/socket", fixture->state_dir);
}

void fixture_fini(struct daemon_fixture *fixture) {
    if (fixture->pid != 0)
        (void)fixture_stop(fixture, SIGKILL);
    const char *const argv[] = {"/bin/rm", "-rf", "--", fixture->dir, NULL};
    (void)run_program(argv, NULL, NULL);
}

/* argv of paretod; arrays of at most 32 entries. */
static void fill_daemon_argv(const struct daemon_fixture *fixture, const char *const *extra,
                             const char *ready_fd, const char **argv) {
    int n = 0;
    argv[n++] = fixture->program != NULL ? fixture->program : DSE_BINARY_DIR "/paretod";
    argv[n++] = "--state";
    argv[n++] = fixture->state_dir;
    if (ready_fd != NULL) {
        argv[n++] = "--ready-fd";
        argv[n++] = ready_fd;
    }
    for (int i = 0; extra != NULL && extra[i] != NULL; i++)
        argv[n++] = extra[i];
    argv[n] = NULL;
}

/* It does not outlive a test that fails. */
static void exec_program(const char *const *argv) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

void fixture_start(struct daemon_fixture *fixture, const char *const *extra) {
    int ready[2];
    char number[16], answer[6];
    const char *argv[32];
    if (pipe(ready) != 0)
        give_up("pipe");
    (void)snprintf(number, sizeof number, "%d", ready[1]);
    fill_daemon_argv(fixture, extra, number, argv);
    fixture->pid = fork();
    if (fixture->pid < 0)
        give_up("fork");
    if (fixture->pid == 0) {
        (void)close(ready[0]);
        exec_program(argv);
    }
    (void)close(ready[1]);
    size_t got = 0;
    while (got < sizeof answer) {
        ssize_t n = read(ready[0], answer + got, sizeof answer - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            give_up("paretod ended before it was ready");
        got += (size_t)n;
    }
    (void)close(ready[0]);
}

int fixture_run_to_end(struct daemon_fixture *fixture, const char *const *extra) {
    const char *argv[32];
    fill_daemon_argv(fixture, extra, NULL, argv);
    return run_program(argv, NULL, NULL);
}

int fixture_wait(struct daemon_fixture *fixture) {
    int status;
    while (waitpid(fixture->pid, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid");
    fixture->pid = 0;
    return status;
}

int fixture_stop(struct daemon_fixture *fixture, int signal_number) {
    if (kill(fixture->pid, signal_number) != 0)
        give_up("kill");
    return fixture_wait(fixture);
}

/* Children of the daemon, at most `most`. */
static int list_workers(const struct daemon_fixture *fixture, pid_t *pids, int most) {
    char path[64], text[4096];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)fixture->pid,
                   (int)fixture->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    int n = 0;
    char *next = text;
    while (n < most) {
        char *end;
        long pid = strtol(next, &end, 10);
        if (end == next)
            break;
        pids[n++] = (pid_t)pid;
        next = end;
    }
    return n;
}

int fixture_count_workers(const struct daemon_fixture *fixture) {
    pid_t pids[64];
    return list_workers(fixture, pids, 64);
}

bool fixture_kill_worker(struct daemon_fixture *fixture, int k) {
    pid_t pids[64];
    int n = list_workers(fixture, pids, 64);
    return n > 0 && kill(pids[k % n], SIGKILL) == 0;
}

/* ---- programs ---- */

static void drain_outputs(int *fds, struct dse_buf **bufs) {
    while (fds[0] >= 0 || fds[1] >= 0) {
        struct pollfd polled[2] = {{.fd = fds[0], .events = POLLIN},
                                   {.fd = fds[1], .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            give_up("poll");
        for (int i = 0; i < 2; i++) {
            char block[4096];
            if (fds[i] < 0 || polled[i].revents == 0)
                continue;
            ssize_t got = read(fds[i], block, sizeof block);
            if (got > 0 && bufs[i] != NULL)
                dse_buf_append(bufs[i], block, (size_t)got);
            if (got == 0 || (got < 0 && errno != EINTR)) {
                (void)close(fds[i]);
                fds[i] = -1;
            }
        }
    }
}

int run_program(const char *const *argv, struct dse_buf *out, struct dse_buf *errors) {
    int pipes[2][2], status;
    struct dse_buf *bufs[2] = {out, errors};
    if (pipe2(pipes[0], O_CLOEXEC) != 0 || pipe2(pipes[1], O_CLOEXEC) != 0)
        give_up("pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        (void)dup2(null, 0);
        (void)dup2(pipes[0][1], 1);
        (void)dup2(pipes[1][1], 2);
        exec_program(argv);
    }
    (void)close(pipes[0][1]);
    (void)close(pipes[1][1]);
    int fds[2] = {pipes[0][0], pipes[1][0]};
    drain_outputs(fds, bufs);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            give_up("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int fixture_pareto(const struct daemon_fixture *fixture, const char *const *args,
                   struct dse_buf *out, struct dse_buf *errors) {
    const char *argv[32] = {DSE_BINARY_DIR "/pareto", "--socket", fixture->socket};
    int n = 3;
    for (int i = 0; args[i] != NULL && n < 31; i++)
        argv[n++] = args[i];
    argv[n] = NULL;
    return run_program(argv, out, errors);
}

/* ---- talking to the daemon ---- */

static int connect_to_daemon(const struct daemon_fixture *fixture) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(fixture->socket) >= sizeof address.sun_path)
        give_up("the temporary directory's name is too long for a socket");
    memcpy(address.sun_path, fixture->socket, strlen(fixture->socket) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        give_up("socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Reads the next line into line (without newline); false at the end of the connection. */
static bool read_line(int fd, struct dse_buf *input, struct dse_buf *line) {
    for (;;) {
        char *end = input->size > 0 ? memchr(input->data, '\n', input->size) : NULL;
        if (end != NULL) {
            size_t length = (size_t)(end - input->data);
            dse_buf_reset(line);
            dse_buf_append(line, input->data, length);
            dse_buf_consume(input, length + 1);
            return true;
        }
        char block[4096];
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        dse_buf_append(input, block, (size_t)got);
    }
}

static const struct dse_msg_sweep *read_sweep(const struct dse_buf *line, struct dse_arena *arena) {
    struct dse_rpc_reply reply;
    struct dse_err err = {0};
    if (dse_rpc_read_reply(line->data, line->size, DSE_METHOD_watch, arena, &reply, &err) != DSE_OK)
        return NULL;
    return reply.kind == DSE_RPC_RESULT     ? reply.result
           : reply.kind == DSE_RPC_PROGRESS ? reply.progress
                                            : NULL;
}

static bool is_final(const char *state) {
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 ||
           strcmp(state, "cancelled") == 0;
}

struct watched {
    int64_t measured;         /* enough of them end the watch, as does a final state ... */
    const char *state_wanted; /* ... and, where it is not NULL, this one */
};

static bool watch(struct daemon_fixture *fixture, int64_t sweep, struct watched until, char *state,
                  size_t state_size) {
    struct dse_buf input = {0}, line = {0}, request = {0};
    struct dse_err err = {0};
    struct dse_msg_sweep_id params = {.sweep = sweep};
    bool reached = false;
    int fd = connect_to_daemon(fixture);
    if (fd < 0)
        return false;
    if (dse_rpc_write_request(1, DSE_METHOD_watch, &params, &request, &err) != DSE_OK ||
        write(fd, request.data, request.size) != (ssize_t)request.size)
        give_up("watch");
    while (!reached && read_line(fd, &input, &line)) {
        struct dse_arena arena = {0};
        const struct dse_msg_sweep *now = read_sweep(&line, &arena);
        if (now == NULL)
            give_up("watch was not answered");
        fixture->measured = now->measured;
        reached = now->measured >= until.measured || is_final(now->state) ||
                  (until.state_wanted != NULL && strcmp(now->state, until.state_wanted) == 0);
        (void)snprintf(state, state_size, "%s", now->state);
        dse_arena_fini(&arena);
    }
    (void)close(fd);
    dse_buf_fini(&input);
    dse_buf_fini(&line);
    dse_buf_fini(&request);
    return reached;
}

bool fixture_watch(struct daemon_fixture *fixture, int64_t sweep, int64_t measured, char *state,
                   size_t state_size) {
    return watch(fixture, sweep, (struct watched){measured, NULL}, state, state_size);
}

bool fixture_watch_state(struct daemon_fixture *fixture, int64_t sweep, const char *wanted) {
    char state[32] = "";
    return watch(fixture, sweep, (struct watched){INT64_MAX, wanted}, state, sizeof state) &&
           strcmp(state, wanted) == 0;
}

/* Runs a command that answers with a sweep. */
static struct dse_msg_sweep ask_for_sweep(const struct daemon_fixture *fixture,
                                          const char *const *args, struct dse_arena *arena) {
    struct dse_buf out = {0}, errors = {0};
    struct dse_msg_sweep sweep;
    struct dse_err err = {0};
    int status = fixture_pareto(fixture, args, &out, &errors);
    if (status != 0) {
        (void)fprintf(stderr, "pareto %s: exit %d: %s\n", args[1], status, dse_buf_text(&errors));
        exit(1);
    }
    if (dse_record_decode(DSE_RECORD_sweep, out.data, out.size, arena, &sweep, &err) != DSE_OK)
        give_up(err.text);
    dse_buf_fini(&out);
    dse_buf_fini(&errors);
    return sweep;
}

int64_t fixture_submit(const struct daemon_fixture *fixture, const char *path) {
    struct dse_arena arena = {0};
    const char *const args[] = {"--json", "submit", path, NULL};
    int64_t id = ask_for_sweep(fixture, args, &arena).sweep;
    dse_arena_fini(&arena);
    return id;
}

int64_t fixture_count_individuals(const struct daemon_fixture *fixture, int64_t sweep) {
    char id[24];
    struct dse_arena arena = {0};
    const char *const args[] = {"--json", "status", id, NULL};
    (void)snprintf(id, sizeof id, "%lld", (long long)sweep);
    int64_t individuals = ask_for_sweep(fixture, args, &arena).individuals;
    dse_arena_fini(&arena);
    return individuals;
}

void fixture_dump_hash(const struct daemon_fixture *fixture, int64_t sweep,
                       char out[DSE_SHA256_HEX]) {
    char id[24];
    struct dse_buf text = {0}, errors = {0};
    struct dse_err err = {0};
    const char *const args[] = {"dump", id, NULL};
    (void)snprintf(id, sizeof id, "%lld", (long long)sweep);
    int status = fixture_pareto(fixture, args, &text, &errors);
    if (status != 0 || text.size == 0) {
        (void)fprintf(stderr, "dump: exit %d: %s\n", status, dse_buf_text(&errors));
        exit(1);
    }
    if (dse_sha256_bytes(text.data, text.size, out, &err) != DSE_OK)
        give_up(err.text);
    dse_buf_fini(&text);
    dse_buf_fini(&errors);
}

int64_t fixture_run_sample(struct daemon_fixture *fixture, const struct sample_options *options,
                           const char *const *extra, char workload[400]) {
    char state[32];
    fixture_init(fixture);
    write_sample_workload(fixture->dir, options, workload, 400);
    fixture_start(fixture, extra);
    int64_t sweep = fixture_submit(fixture, workload);
    return fixture_watch(fixture, sweep, INT64_MAX, state, sizeof state) ? sweep : 0;
}

int fixture_end(struct daemon_fixture *fixture) {
    int status = fixture->pid == 0 ? 0 : fixture_stop(fixture, SIGTERM);
    fixture_fini(fixture);
    return status;
}
