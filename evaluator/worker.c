/* pareto-worker: reads messages from standard input, computes, answers on standard output. It ends
 * when its input ends or when the process that started it does. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/base.h"
#include "evaluator/evaluator.h"
#include "protocol/protocol.h"

/* At most one beat in this time. */
enum { BEAT_INTERVAL_MS = 1000 };

static const char usage[] =
    "usage: pareto-worker [--kernels auto|c|openblas|onednn|vector]\n"
    "\n"
    "Evaluates candidates for paretod, which starts it; reads one JSON message a line from\n"
    "standard input and answers on standard output (daemon/PROTOCOL.md).\n"
    "\n"
    "  --kernels NAME  arithmetic to use: auto (default) takes the fastest that this processor\n"
    "                  has and that passes its check\n"
    "  --help          this text\n"
    "  --version       version\n";

struct worker {
    struct dse_evaluator *evaluator;
    int64_t last_beat_ms;
};

static enum dse_status write_line(const struct dse_buf *line, struct dse_err *err) {
    const char *next = line->data;
    size_t left = line->size;
    while (left > 0) {
        ssize_t put = write(STDOUT_FILENO, next, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            DSE_FAIL(err, errno == EPIPE ? DSE_INTERRUPTED : DSE_IO, "standard output: %s",
                     strerror(errno));
        next += put;
        left -= (size_t)put;
    }
    return DSE_OK;
}

static enum dse_status send_message(enum dse_worker_message message, const void *record,
                                    struct dse_err *err) {
    struct dse_buf line = {0};
    enum dse_status status = dse_worker_write(message, record, &line, err);
    if (status == DSE_OK)
        status = write_line(&line, err);
    dse_buf_fini(&line);
    return status;
}

static void send_beat(void *context, const char *phase, int64_t done, int64_t total) {
    struct worker *worker = context;
    int64_t now_ms = dse_clock_mono_ms();
    if (now_ms - worker->last_beat_ms < BEAT_INTERVAL_MS)
        return;
    worker->last_beat_ms = now_ms;
    struct dse_msg_worker_beat beat = {.phase = phase, .done = done, .total = total};
    /* A pipe that is gone shows at the answer. */
    (void)send_message(DSE_WORKER_beat, &beat, NULL);
}

static enum dse_status send_failure(int64_t task, const struct dse_err *why, struct dse_err *err) {
    char text[sizeof why->text + sizeof why->file + 32];
    struct dse_msg_worker_failed failed = {
        .task = task,
        .status = dse_status_name(why->code),
        .text = dse_err_format(why, text, sizeof text),
    };
    return send_message(DSE_WORKER_failed, &failed, err);
}

static enum dse_status answer_open(struct worker *worker, const struct dse_msg_context *context,
                                   struct dse_arena *arena, struct dse_err *err) {
    struct dse_msg_prepared prepared;
    struct dse_err why = {0};
    if (dse_evaluator_open(worker->evaluator, context, arena, &prepared, &why) != DSE_OK)
        return send_failure(0, &why, err);
    return send_message(DSE_WORKER_prepared, &prepared, err);
}

static void log_warning(struct worker *worker) {
    char text[1024];
    if (dse_evaluator_take_warning(worker->evaluator, text, sizeof text)[0] != '\0')
        dse_log(DSE_LOG_WARN, "worker", "no-cache", DSE_LOG_TEXT("reason", text));
}

static enum dse_status answer_task(struct worker *worker, const struct dse_msg_task *task,
                                   struct dse_arena *arena, struct dse_err *err) {
    struct dse_msg_partials partials;
    struct dse_err why = {0};
    enum dse_status status = dse_evaluator_run(worker->evaluator, task, arena, &partials, &why);
    log_warning(worker);
    if (status != DSE_OK)
        return send_failure(task->task, &why, err);
    return send_message(DSE_WORKER_partials, &partials, err);
}

static enum dse_status answer_line(struct worker *worker, const char *line, size_t length,
                                   struct dse_err *err) {
    struct dse_arena arena = {0};
    enum dse_worker_message message;
    const void *record;
    enum dse_status status = dse_worker_read(line, length, &arena, &message, &record, err);
    if (status != DSE_OK)
        goto done;
    if (message == DSE_WORKER_open)
        status = answer_open(worker, record, &arena, err);
    else if (message == DSE_WORKER_evaluate)
        status = answer_task(worker, record, &arena, err);
    else
        status = dse_err_set(err, DSE_PROTOCOL, "a message of a worker came from the daemon");
done:
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status serve(struct worker *worker, struct dse_err *err) {
    struct dse_buf input = {0};
    enum dse_status status = DSE_OK;
    char block[64 * 1024];
    while (status == DSE_OK) {
        ssize_t got = read(STDIN_FILENO, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        dse_buf_append(&input, block, (size_t)got);
        status = dse_buf_status(&input, err);
        char *end;
        while (status == DSE_OK && input.size > 0 &&
               (end = memchr(input.data, '\n', input.size)) != NULL) {
            size_t length = (size_t)(end - input.data);
            status = answer_line(worker, input.data, length, err);
            dse_buf_consume(&input, length + 1);
        }
        if (status == DSE_OK && input.size > DSE_TRUSTED_LINE_MAX)
            status = dse_err_set(err, DSE_PROTOCOL, "a message is longer than %d bytes",
                                 (int)DSE_TRUSTED_LINE_MAX);
    }
    dse_buf_fini(&input);
    return status;
}

static enum dse_status run_worker(enum dse_kernel_choice choice, struct dse_err *err) {
    struct worker worker = {0};
    DSE_TRY(dse_evaluator_new(choice, send_beat, &worker, &worker.evaluator, err));
    struct dse_msg_worker_hello hello = {
        .version = DSE_VERSION,
        .protocol = DSE_PROTOCOL_VERSION,
        .evaluator = DSE_EVALUATOR_VERSION,
        .pid = getpid(),
        .kernels = dse_evaluator_kernels(worker.evaluator),
    };
    enum dse_status status = send_message(DSE_WORKER_worker_hello, &hello, err);
    if (status == DSE_OK)
        status = serve(&worker, err);
    dse_evaluator_free(worker.evaluator);
    return status;
}

/* An orphan would compute for nobody: end with the process that started us. */
static void end_with_parent(void) {
    pid_t parent = getppid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"kernels", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    enum dse_kernel_choice choice = DSE_KERNELS_AUTO;
    dse_kernels_fix_environment(argv);
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h')
            return fputs(usage, stdout) < 0;
        if (c == 'V')
            return puts("pareto-worker " DSE_VERSION) < 0;
        if (c != 'k' || !dse_kernel_choice_find(optarg, &choice)) {
            (void)fprintf(stderr,
                          "pareto-worker: --kernels takes auto, c, openblas, onednn or vector; "
                          "see pareto-worker --help\n");
            return dse_status_exit(DSE_USAGE);
        }
    }
    end_with_parent();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C is the daemon's business */
    struct dse_err err = {0};
    enum dse_status status = run_worker(choice, &err);
    if (status == DSE_INTERRUPTED)
        return 0; /* the daemon is gone */
    if (status != DSE_OK)
        dse_log(DSE_LOG_ERROR, "worker", "stopped", DSE_LOG_TEXT("reason", err.text));
    return dse_status_exit(status);
}
