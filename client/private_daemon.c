/* A paretod of our own: for `run` and `plan` when no daemon answers. It runs in a session of its
 * own, so that Ctrl-C reaches only us and we end it in order; should we be killed, it ends when it
 * has no client any more. */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- signals ---- */

/* A signal that whoever started us has switched off (nohup, a job in the background) stays so. */
static void add_unless_ignored(int number, sigset_t *set) {
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        (void)sigaddset(set, number);
}

enum dse_status client__catch_signals(struct client *c, struct dse_err *err) {
    sigset_t set;
    (void)sigemptyset(&set);
    add_unless_ignored(SIGINT, &set);
    add_unless_ignored(SIGTERM, &set);
    add_unless_ignored(SIGHUP, &set);
    (void)sigaddset(&set, SIGCHLD);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0 || sigprocmask(SIG_BLOCK, &set, &c->signals_before) != 0) {
        if (fd >= 0)
            (void)close(fd);
        DSE_FAIL(err, DSE_IO, "cannot catch signals: %s", strerror(errno));
    }
    c->signal_fd = fd;
    return DSE_OK;
}

void client__release_signals(struct client *c) {
    if (c->signal_fd < 0)
        return;
    (void)sigprocmask(SIG_SETMASK, &c->signals_before, NULL);
    (void)close(c->signal_fd);
    c->signal_fd = -1;
}

bool client__take_interrupt(struct client *c) {
    struct signalfd_siginfo info;
    while (c->signal_fd >= 0 && read(c->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            return true;
    return false;
}

/* ---- finding the program ---- */

static bool try_program(const char *dir, size_t length, char *out, size_t size) {
    int needed = snprintf(out, size, "%.*s/paretod", (int)length, length == 0 ? "." : dir);
    return needed > 0 && (size_t)needed < size && access(out, X_OK) == 0;
}

static enum dse_status find_paretod(char *out, size_t size, struct dse_err *err) {
    char own_dir[4096];
    dse_program_dir(own_dir, sizeof own_dir);
    if (own_dir[0] != '\0' && try_program(own_dir, strlen(own_dir), out, size))
        return DSE_OK;
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        if (try_program(path, length, out, size))
            return DSE_OK;
        path += length + (path[length] == ':');
    }
    DSE_FAIL(err, DSE_NO_DAEMON,
             "no daemon answers, and the program paretod is neither in %s nor in PATH", own_dir);
}

/* ---- starting ---- */

enum dse_status client__use_temporary_state(struct client *c, struct dse_err *err) {
    const char *base = getenv("TMPDIR");
    char path[sizeof c->daemon.temporary_dir];
    int needed = snprintf(path, sizeof path, "%s/pareto-XXXXXX", base != NULL ? base : "/tmp");
    if (needed < 0 || (size_t)needed >= sizeof path) /* sockets need short paths */
        (void)snprintf(path, sizeof path, "/tmp/pareto-XXXXXX");
    if (mkdtemp(path) == NULL)
        return dse_err_set_errno(err, path);
    (void)snprintf(c->daemon.temporary_dir, sizeof c->daemon.temporary_dir, "%s", path);
    (void)snprintf(c->state_dir, sizeof c->state_dir, "%s", path);
    (void)snprintf(c->socket_path, sizeof c->socket_path, "%s/socket", path);
    return DSE_OK;
}

static enum dse_status open_log(struct client *c, int *fd, struct dse_err *err) {
    struct client__daemon *daemon = &c->daemon;
    struct stat st;
    (void)snprintf(daemon->log_path, sizeof daemon->log_path, "%s/paretod.log", c->state_dir);
    *fd = open(daemon->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (*fd < 0)
        DSE_FAIL(err, dse_status_from_errno(errno) == DSE_NO_SPACE ? DSE_NO_SPACE : DSE_IO,
                 "%s: %s", daemon->log_path, strerror(errno));
    daemon->log_start = fstat(*fd, &st) == 0 ? (long)st.st_size : 0;
    return DSE_OK;
}

/* What becomes of the child; does not return. Only calls that are safe after fork. */
static _Noreturn void become_paretod(const struct client *c, const char *program, char **argv,
                                     int log_fd, int ready_fd) {
    static const char failed[] = "paretod cannot be executed\n";
    (void)setsid();
    (void)sigprocmask(SIG_SETMASK, &c->signals_before, NULL);
    int null_fd = open("/dev/null", O_RDONLY);
    if (null_fd >= 0)
        (void)dup2(null_fd, 0);
    (void)dup2(log_fd, 1);
    (void)dup2(log_fd, 2);
    (void)fcntl(ready_fd, F_SETFD, 0);
    (void)execv(program, argv);
    if (write(2, failed, strlen(failed)) < 0)
        _exit(126);
    _exit(127);
}

/* *ready_fd is the end to read from. */
static enum dse_status spawn(struct client *c, const char *program, int log_fd, int *ready_fd,
                             struct dse_err *err) {
    int ends[2];
    char ready_text[16], workers_text[24];
    if (pipe2(ends, O_CLOEXEC) != 0)
        DSE_FAIL(err, DSE_IO, "cannot make a pipe: %s", strerror(errno));
    (void)snprintf(ready_text, sizeof ready_text, "%d", ends[1]);
    (void)snprintf(workers_text, sizeof workers_text, "%lld", (long long)c->options.workers);
    char name[] = "paretod", state[] = "--state", socket[] = "--socket", ready[] = "--ready-fd",
         workers[] = "--workers", until_idle[] = "--until-idle";
    char *argv[12] = {name,           state, c->state_dir, socket,
                      c->socket_path, ready, ready_text,   until_idle};
    if (c->options.workers > 0) {
        argv[8] = workers;
        argv[9] = workers_text;
    }
    pid_t pid = fork();
    if (pid == 0)
        become_paretod(c, program, argv, log_fd, ends[1]);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        DSE_FAIL(err, DSE_IO, "cannot start paretod: %s", strerror(errno));
    }
    c->daemon.pid = pid;
    *ready_fd = ends[0];
    return DSE_OK;
}

/* "ready\n", or the end of the pipe: then it failed. */
static enum dse_status wait_until_ready(struct client *c, int ready_fd, struct dse_err *err) {
    for (;;) {
        struct pollfd polled[] = {{.fd = ready_fd, .events = POLLIN},
                                  {.fd = c->signal_fd, .events = POLLIN}};
        char text[16];
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            DSE_FAIL(err, DSE_IO, "cannot wait for paretod: %s", strerror(errno));
        if (polled[1].revents != 0 && client__take_interrupt(c))
            DSE_FAIL(err, DSE_INTERRUPTED, "interrupted while paretod was starting");
        if (polled[0].revents == 0)
            continue;
        ssize_t got = read(ready_fd, text, sizeof text);
        if (got > 0)
            return DSE_OK;
        if (got == 0 && client__describe_daemon_end(c, err))
            return DSE_NO_DAEMON;
        if (got == 0)
            DSE_FAIL(err, DSE_NO_DAEMON, "paretod closed its ready pipe without a word");
    }
}

enum dse_status client__start_daemon(struct client *c, struct dse_err *err) {
    char program[4200];
    int log_fd, ready_fd;
    dse_assert(c->daemon.pid == 0 && c->signal_fd >= 0);
    DSE_TRY(find_paretod(program, sizeof program, err));
    DSE_TRY(dse_dir_create(c->state_dir, err));
    DSE_TRY(open_log(c, &log_fd, err));
    enum dse_status status = spawn(c, program, log_fd, &ready_fd, err);
    (void)close(log_fd);
    if (status != DSE_OK)
        return status;
    status = wait_until_ready(c, ready_fd, err);
    (void)close(ready_fd);
    if (status == DSE_OK)
        status = client__connect(c, err);
    if (status != DSE_OK)
        client__stop_daemon(c);
    return status;
}

/* ---- its end ---- */

static const char *last_log_lines(struct client *c, int n_lines) {
    struct dse_buf log = {0};
    struct dse_arena *arena = &c->arena;
    if (dse_file_read(c->daemon.log_path, 64 << 20, &log, NULL) != DSE_OK ||
        (long)log.size <= c->daemon.log_start) {
        dse_buf_fini(&log);
        return "";
    }
    const char *start = log.data + c->daemon.log_start;
    const char *from = log.data + log.size - 1; /* before the last newline */
    while (from > start && n_lines > 0)
        n_lines -= *--from == '\n';
    const char *text = dse_console_printf(arena, "%s", *from == '\n' ? from + 1 : from);
    dse_buf_fini(&log);
    return text;
}

/* Its end of a pipe or socket is closed, so it has ended or ends now; if not, it hung up on us. */
static bool reap_soon(struct client *c, int *how) {
    enum { PATIENCE_MS = 5000 };
    int64_t deadline_ms = dse_clock_mono_ms() + PATIENCE_MS;
    while (waitpid(c->daemon.pid, how, WNOHANG) == 0) {
        struct pollfd polled = {.fd = c->signal_fd, .events = POLLIN};
        int64_t left = deadline_ms - dse_clock_mono_ms();
        if (left <= 0)
            return false;
        (void)poll(&polled, 1, (int)left);
        if (client__take_interrupt(c))
            return false;
    }
    return true;
}

bool client__describe_daemon_end(struct client *c, struct dse_err *err) {
    enum { LOG_LINES = 5 };
    int how;
    if (c->daemon.pid == 0 || !reap_soon(c, &how))
        return false;
    c->daemon.pid = 0;
    const char *lines = last_log_lines(c, LOG_LINES);
    (void)dse_err_set(err, DSE_NO_DAEMON, "paretod ended with %s %d; its log %s ends with:\n%s",
                      WIFSIGNALED(how) ? "signal" : "exit status",
                      WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how), c->daemon.log_path,
                      lines[0] != '\0' ? lines : "(nothing)");
    return true;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    (void)remove(path);
    return 0;
}

static void kill_daemon(const struct client *c) {
    (void)fprintf(stderr, "pareto: killing paretod\n");
    (void)kill(c->daemon.pid, SIGKILL);
}

static void wait_for_end(struct client *c) {
    while (waitpid(c->daemon.pid, NULL, WNOHANG) == 0) {
        struct pollfd polled = {.fd = c->signal_fd, .events = POLLIN};
        (void)poll(&polled, 1, -1);
        if (client__take_interrupt(c))
            kill_daemon(c);
    }
}

/* Somebody else has found our daemon and uses it: it ends when they have gone. A signal while we
 * ask is a second one: then nobody is asked any more. */
static bool others_use_it(struct client *c) {
    enum { PATIENCE_MS = 1000 };
    static const struct dse_msg_empty nothing;
    struct dse_rpc_reply reply;
    struct dse_err unheard = {0};
    if (c->connection.fd < 0 || c->daemon.temporary_dir[0] != '\0')
        return false;
    enum dse_status status =
        client__call_within(c, PATIENCE_MS, DSE_METHOD_hello, &nothing, &reply, &unheard);
    if (status == DSE_INTERRUPTED)
        kill_daemon(c);
    if (status != DSE_OK || ((const struct dse_msg_hello *)reply.result)->clients < 2)
        return false;
    (void)fprintf(stderr,
                  "pareto: others use this paretod (process %d); it goes on until they have gone\n",
                  (int)c->daemon.pid);
    return true;
}

void client__stop_daemon(struct client *c) {
    enum { OPEN_FILES = 8 };
    struct client__daemon *daemon = &c->daemon;
    if (daemon->pid != 0 && others_use_it(c))
        daemon->pid = 0;
    client__disconnect(c);
    if (daemon->pid != 0) {
        (void)kill(daemon->pid, SIGTERM);
        wait_for_end(c);
        daemon->pid = 0;
    }
    if (daemon->temporary_dir[0] != '\0')
        (void)nftw(daemon->temporary_dir, remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
    daemon->temporary_dir[0] = '\0';
}
