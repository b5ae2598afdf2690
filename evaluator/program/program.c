/* The program is a process group of its own. Its leader is a supervisor: a fork of the worker that
 * starts the command, holds one end of a pipe whose other end only the worker has, and kills the
 * whole group when that end closes, that is when the worker ends, however it ends; or when the
 * command ends, so that nothing it started is left. How the command ended it writes to another
 * pipe. The worker kills the group at a timeout. */
#include "evaluator/program/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 1 << 20, /* bytes of standard output for one candidate */
    TAIL_SIZE = 600,      /* of standard error that a failure keeps */
    WAIT_STEP_MS = 250,
    EXIT_NOT_STARTED = 127,
};

enum { TO_PROGRAM, FROM_PROGRAM, ERRORS, LIFELINE, STATUS, PIPES };
/* Which end of each is the worker's: 0 reads, 1 writes. */
static const int worker_end[PIPES] = {1, 0, 0, 1, 0};

struct dse_program {
    char **argv;
    char *directory;
    bool kept_running;
    double timeout_s;
    void (*waiting)(void *context);
    void *context;
    pid_t group;          /* 0: not running */
    int ends[PIPES];      /* the worker's; -1: closed */
    struct dse_buf out;   /* standard output not yet used */
    char tail[TAIL_SIZE]; /* the last bytes of standard error */
    size_t tail_length;
};

enum dse_status dse_program_new(const struct dse_program_options *options,
                                struct dse_program **program, struct dse_err *err) {
    struct dse_program *p = dse_alloc(1, sizeof *p);
    if (p == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a program");
    for (int i = 0; i < PIPES; i++)
        p->ends[i] = -1;
    p->kept_running = options->kept_running;
    p->timeout_s = options->timeout_s;
    p->waiting = options->waiting;
    p->context = options->context;
    p->directory = dse_strdup(options->directory);
    p->argv = dse_alloc((size_t)options->n_command + 1, sizeof *p->argv);
    bool whole = p->directory != NULL && p->argv != NULL;
    for (int i = 0; whole && i < options->n_command; i++)
        whole = (p->argv[i] = dse_strdup(options->command[i])) != NULL;
    if (!whole) {
        dse_program_free(p);
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a program");
    }
    *program = p;
    return DSE_OK;
}

static void close_end(struct dse_program *p, int which) {
    if (p->ends[which] >= 0)
        (void)close(p->ends[which]);
    p->ends[which] = -1;
}

/* Kills the group and forgets it. */
static void end_program(struct dse_program *p) {
    for (int i = 0; i < PIPES; i++)
        close_end(p, i);
    if (p->group > 0) {
        (void)kill(-p->group, SIGKILL);
        while (waitpid(p->group, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    p->group = 0;
    dse_buf_reset(&p->out);
}

void dse_program_free(struct dse_program *program) {
    if (program == NULL)
        return;
    end_program(program);
    dse_buf_fini(&program->out);
    for (char **word = program->argv; word != NULL && *word != NULL; word++)
        dse_free(*word);
    dse_free(program->argv);
    dse_free(program->directory);
    dse_free(program);
}

/* ---- the group: after fork only calls that are safe in a signal handler ---- */

static void ignore_signal(int number) {
    (void)number;
}

_Noreturn static void become_command(const struct dse_program *p, int pipes[PIPES][2]) {
    sigset_t none;
    (void)sigemptyset(&none);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)dup2(pipes[TO_PROGRAM][0], 0);
    (void)dup2(pipes[FROM_PROGRAM][1], 1);
    (void)dup2(pipes[ERRORS][1], 2);
    if (chdir(p->directory) == 0)
        (void)execvp(p->argv[0], p->argv);
    static const char text[] = "the program could not be started: ";
    const char *why = strerrordesc_np(errno);
    (void)!write(2, text, sizeof text - 1);
    (void)!write(2, why, strlen(why));
    _exit(EXIT_NOT_STARTED);
}

static void block_child_signal(sigset_t *without) {
    struct sigaction action = {.sa_handler = ignore_signal};
    sigset_t child;
    (void)sigemptyset(without);
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);
    (void)sigaction(SIGCHLD, &action, NULL);
}

_Noreturn static void supervise(const struct dse_program *p, int pipes[PIPES][2]) {
    sigset_t without;
    int status = 0;
    (void)setpgid(0, 0);
    block_child_signal(&without);
    for (int i = 0; i < PIPES; i++)
        (void)close(pipes[i][worker_end[i]]);
    pid_t command = fork();
    if (command == 0)
        become_command(p, pipes);
    for (int i = TO_PROGRAM; i <= ERRORS; i++)
        (void)close(pipes[i][!worker_end[i]]);
    struct pollfd life = {.fd = pipes[LIFELINE][0], .events = POLLIN};
    while (command > 0 && waitpid(command, &status, WNOHANG) == 0)
        if (ppoll(&life, 1, NULL, &without) > 0) /* the worker has ended; SIGCHLD gives -1 */
            (void)kill(0, SIGKILL);
    (void)!write(pipes[STATUS][1], &status, sizeof status);
    (void)kill(0, SIGKILL);
    _exit(0);
}

static enum dse_status start_program(struct dse_program *p, struct dse_err *err) {
    int pipes[PIPES][2], made = 0;
    pid_t pid = -1;
    while (made < PIPES && pipe2(pipes[made], O_CLOEXEC) == 0)
        made++;
    if (made == PIPES)
        pid = fork();
    if (pid == 0)
        supervise(p, pipes);
    int error = errno;
    for (int i = 0; i < made; i++) {
        (void)close(pipes[i][!worker_end[i]]);
        p->ends[i] = pipes[i][worker_end[i]];
    }
    if (pid < 0) {
        end_program(p);
        DSE_FAIL(err, DSE_IO, "%s: cannot be started: %s", p->argv[0], strerror(error));
    }
    (void)setpgid(pid, pid); /* here, too, so that it is done when a timeout comes */
    p->group = pid;
    p->tail_length = 0;
    (void)fcntl(p->ends[TO_PROGRAM], F_SETFL, O_NONBLOCK);
    return DSE_OK;
}

/* ---- one question ---- */

struct question {
    const struct dse_buf *line;
    size_t written;
    int64_t deadline_ms;
    int status; /* wait status of the command, once known */
    bool ended;
};

static void keep_tail(struct dse_program *p, const char *bytes, size_t n) {
    if (n > TAIL_SIZE) {
        bytes += n - TAIL_SIZE;
        n = TAIL_SIZE;
    }
    size_t room = TAIL_SIZE - n, kept = p->tail_length < room ? p->tail_length : room;
    memmove(p->tail, p->tail + (p->tail_length - kept), kept);
    memcpy(p->tail + kept, bytes, n);
    p->tail_length = kept + n;
}

static void read_end(struct dse_program *p, int which) {
    char block[16 * 1024];
    ssize_t got = read(p->ends[which], block, sizeof block);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0)
        close_end(p, which);
    else if (which == ERRORS)
        keep_tail(p, block, (size_t)got);
    else
        dse_buf_append(&p->out, block, (size_t)got);
}

static void write_rest(struct dse_program *p, struct question *q) {
    ssize_t put =
        write(p->ends[TO_PROGRAM], q->line->data + q->written, q->line->size - q->written);
    if (put > 0)
        q->written += (size_t)put;
    bool done = q->written == q->line->size;
    if ((put < 0 && errno != EINTR && errno != EAGAIN) || (done && !p->kept_running))
        close_end(p, TO_PROGRAM); /* where it does not read, its end will say why */
}

static void read_status(struct dse_program *p, struct question *q) {
    if (read(p->ends[STATUS], &q->status, sizeof q->status) != (ssize_t)sizeof q->status)
        q->status = SIGKILL; /* the supervisor itself was killed */
    q->ended = true;
    close_end(p, STATUS);
}

/* Waits for something to happen and takes it in. */
static void step(struct dse_program *p, struct question *q) {
    struct pollfd polls[PIPES];
    for (int i = 0; i < PIPES; i++) {
        bool wanted = i != LIFELINE && (i != TO_PROGRAM || q->written < q->line->size);
        polls[i] = (struct pollfd){.fd = wanted ? p->ends[i] : -1,
                                   .events = i == TO_PROGRAM ? POLLOUT : POLLIN};
    }
    (void)poll(polls, PIPES, WAIT_STEP_MS);
    if (polls[TO_PROGRAM].revents != 0)
        write_rest(p, q);
    if (polls[FROM_PROGRAM].revents != 0)
        read_end(p, FROM_PROGRAM);
    if (polls[ERRORS].revents != 0)
        read_end(p, ERRORS);
    if (polls[STATUS].revents != 0)
        read_status(p, q);
    if (p->waiting != NULL)
        p->waiting(p->context);
}

/* The first or last whole line of out that begins with {; false: there is none. */
static bool find_answer(const struct dse_buf *out, bool first, const char **line, size_t *length) {
    bool found = false;
    const char *at = out->data, *end = at + out->size;
    for (const char *next; out->size > 0 && (next = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = next + 1)
        if (*at == '{' && !(found && first)) {
            *line = at;
            *length = (size_t)(next - at);
            found = true;
        }
    return found;
}

/* "it ended with status 3; standard error: ..." */
static enum dse_status fail_ask(struct dse_program *p, const char *what, struct dse_err *err) {
    char tail[TAIL_SIZE + 1];
    size_t first = 0;
    while (first < p->tail_length && ((unsigned char)p->tail[first] & 0xc0) == 0x80)
        first++; /* the rest of a character that was cut */
    size_t n = p->tail_length - first;
    memcpy(tail, p->tail + first, n);
    while (n > 0 && (unsigned char)tail[n - 1] <= ' ')
        n--;
    tail[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)tail[i] < ' ' || tail[i] == 0x7f)
            tail[i] = ' ';
    end_program(p);
    DSE_FAIL(err, DSE_FAILED, "%s: %s%s%s", p->argv[0], what, n > 0 ? "; standard error: " : "",
             tail);
}

static enum dse_status fail_ended(struct dse_program *p, int status, struct dse_err *err) {
    char what[96];
    if (WIFSIGNALED(status))
        (void)snprintf(what, sizeof what, "it was ended by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        (void)snprintf(what, sizeof what, "it ended with status %d", WEXITSTATUS(status));
    else
        (void)snprintf(what, sizeof what, "it ended without an answer (a line that begins with {)");
    return fail_ask(p, what, err);
}

/* Has it said all that it will say to this question? */
static bool is_complete(const struct dse_program *p, const struct question *q) {
    const char *line;
    size_t length;
    if (q->ended && p->ends[FROM_PROGRAM] < 0 && p->ends[ERRORS] < 0)
        return true;
    return p->kept_running && find_answer(&p->out, true, &line, &length);
}

static enum dse_status take_answer(struct dse_program *p, struct question *q,
                                   struct dse_buf *answer, struct dse_err *err) {
    const char *line;
    size_t length;
    bool failed = q->ended && !p->kept_running && q->status != 0;
    if (q->ended && !p->kept_running && p->out.size > 0 && p->out.data[p->out.size - 1] != '\n')
        dse_buf_puts(&p->out, "\n"); /* the last line of a text may lack its end */
    if (failed || !find_answer(&p->out, p->kept_running, &line, &length))
        return fail_ended(p, q->status, err);
    dse_buf_append(answer, line, length);
    dse_buf_consume(&p->out, (size_t)(line + length + 1 - p->out.data));
    if (q->ended)
        end_program(p);
    return dse_buf_status(answer, err);
}

enum dse_status dse_program_ask(struct dse_program *program, const struct dse_buf *line,
                                struct dse_buf *answer, struct dse_err *err) {
    struct question q = {.line = line};
    if (program->group == 0)
        DSE_TRY(start_program(program, err));
    q.deadline_ms = dse_clock_mono_ms() + (int64_t)(program->timeout_s * 1e3);
    while (!is_complete(program, &q)) {
        step(program, &q);
        if (program->out.failed)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for an answer");
        if (program->out.size > ANSWER_MAX)
            return fail_ask(program, "it wrote more than 1 MiB without an answer", err);
        if (dse_clock_mono_ms() >= q.deadline_ms && !is_complete(program, &q))
            return fail_ask(program, "no answer within the time limit", err);
    }
    return take_answer(program, &q, answer, err);
}
