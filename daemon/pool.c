/* The worker processes. A worker lives from spawn until its process has ended and its two pipes
 * are closed; then it is freed and, while the pool is open, replaced. */
#include "daemon/pool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    CHECK_MS = 1000,              /* how often silence and limits are looked at */
    STILLBORN_MAX_PER_WORKER = 3, /* ends before hello, in a row, until the pool gives up */
    END_MAX_MS = 3 * 1000,        /* a worker that was told to end is killed after this time */
};

struct dse_worker {
    struct dse_pool *pool;
    struct dse_worker *next;
    uv_process_t process;
    uv_pipe_t to, from;
    int open_handles; /* of process, to, from; freed at 0 */
    bool said_hello, busy, dead;
    int64_t born_ms, heard_ms, given_ms;       /* given: when it got its work */
    int64_t task_limit_ms, memory_limit_bytes; /* 0: none */
    char end_reason[96];
    struct dse_buf input;
    char evaluator[64];
    struct dse_worker_notes notes;
};

struct dse_pool {
    uv_loop_t *loop;
    struct dse_pool_options options;
    struct dse_pool_events events;
    void *context;
    struct dse_worker *workers;
    uv_timer_t silence;
    int64_t checked_ms; /* when silence and limits were looked at last */
    bool closing;
    int stillborn; /* workers in a row that ended before hello */
};

struct write_request {
    uv_write_t request;
    struct dse_buf text;
};

static enum dse_status start_worker(struct dse_pool *pool, struct dse_err *err);

static void when_silence_closed(uv_handle_t *handle) {
    dse_free(handle->data);
}

static void free_pool_when_empty(struct dse_pool *pool) {
    if (pool->closing && pool->workers == NULL && !uv_is_closing((uv_handle_t *)&pool->silence))
        uv_close((uv_handle_t *)&pool->silence, when_silence_closed);
}

static void replace_worker(struct dse_pool *pool) {
    struct dse_err err = {0};
    if (pool->closing)
        return;
    if (pool->stillborn < STILLBORN_MAX_PER_WORKER * pool->options.workers &&
        start_worker(pool, &err) == DSE_OK)
        return;
    if (err.code != DSE_OK)
        dse_log(DSE_LOG_ERROR, "pool", "spawn_failed", DSE_LOG_TEXT("reason", err.text));
    if (pool->workers == NULL)
        pool->events.broken(pool->context);
}

static void free_worker_when_closed(uv_handle_t *handle) {
    struct dse_worker *worker = handle->data;
    struct dse_pool *pool = worker->pool;
    if (--worker->open_handles > 0)
        return;
    struct dse_worker **link = &pool->workers;
    while (*link != worker)
        link = &(*link)->next;
    *link = worker->next;
    dse_buf_fini(&worker->input);
    dse_free(worker);
    replace_worker(pool);
    free_pool_when_empty(pool);
}

static void bury(struct dse_worker *worker) {
    if (worker->dead)
        return;
    worker->dead = true;
    if (!worker->said_hello)
        worker->pool->stillborn++;
    if (!worker->pool->closing)
        worker->pool->events.lost(worker->pool->context, worker);
    uv_close((uv_handle_t *)&worker->process, free_worker_when_closed);
    uv_close((uv_handle_t *)&worker->to, free_worker_when_closed);
    uv_close((uv_handle_t *)&worker->from, free_worker_when_closed);
}

static void when_process_ended(uv_process_t *process, int64_t exit_status, int signal_number) {
    struct dse_worker *worker = process->data;
    if (!worker->pool->closing)
        dse_log(DSE_LOG_WARN, "pool", "worker_ended", DSE_LOG_INT("pid", process->pid),
                DSE_LOG_INT("exit", exit_status), DSE_LOG_INT("signal", signal_number),
                DSE_LOG_INT("busy", worker->busy));
    if (worker->end_reason[0] == '\0' && signal_number != 0)
        (void)snprintf(worker->end_reason, sizeof worker->end_reason,
                       "the worker ended by signal %d (%s)", signal_number,
                       strsignal(signal_number));
    else if (worker->end_reason[0] == '\0')
        (void)snprintf(worker->end_reason, sizeof worker->end_reason,
                       "the worker ended with exit status %d", (int)exit_status);
    bury(worker);
}

void dse_worker_kill(struct dse_worker *worker) {
    if (!worker->dead)
        (void)uv_process_kill(&worker->process, SIGKILL);
}

static enum dse_status take_hello(struct dse_worker *worker,
                                  const struct dse_msg_worker_hello *hello, struct dse_err *err) {
    if (worker->said_hello || hello->protocol != DSE_PROTOCOL_VERSION ||
        strlen(hello->evaluator) >= sizeof worker->evaluator)
        DSE_FAIL(err, DSE_PROTOCOL, "worker of version %s speaks protocol %lld, not %d",
                 hello->version, (long long)hello->protocol, DSE_PROTOCOL_VERSION);
    (void)snprintf(worker->evaluator, sizeof worker->evaluator, "%s", hello->evaluator);
    worker->said_hello = true;
    worker->pool->stillborn = 0;
    dse_log(DSE_LOG_INFO, "pool", "worker_ready", DSE_LOG_INT("pid", worker->process.pid),
            DSE_LOG_TEXT("kernels", hello->kernels));
    if (!worker->pool->closing)
        worker->pool->events.idle(worker->pool->context, worker);
    return DSE_OK;
}

static enum dse_status take_line(struct dse_worker *worker, const char *line, size_t length,
                                 struct dse_err *err) {
    struct dse_arena arena = {0};
    enum dse_worker_message message;
    const void *record;
    enum dse_status status = dse_worker_read(line, length, &arena, &message, &record, err);
    worker->heard_ms = dse_clock_mono_ms();
    if (status != DSE_OK)
        goto done;
    if (message == DSE_WORKER_worker_hello)
        status = take_hello(worker, record, err);
    else if (message == DSE_WORKER_open || message == DSE_WORKER_evaluate)
        status = dse_err_set(err, DSE_PROTOCOL, "a message of the daemon came from a worker");
    else if (!worker->pool->closing)
        worker->pool->events.message(worker->pool->context, worker, message, record);
done:
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status take_lines(struct dse_worker *worker, struct dse_err *err) {
    char *end;
    while (!worker->dead && worker->input.size > 0 &&
           (end = memchr(worker->input.data, '\n', worker->input.size)) != NULL) {
        size_t length = (size_t)(end - worker->input.data);
        DSE_TRY(take_line(worker, worker->input.data, length, err));
        dse_buf_consume(&worker->input, length + 1);
    }
    if (worker->input.size > DSE_TRUSTED_LINE_MAX)
        DSE_FAIL(err, DSE_PROTOCOL, "a message is longer than %d bytes", (int)DSE_TRUSTED_LINE_MAX);
    return dse_buf_status(&worker->input, err);
}

static void when_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *block) {
    struct dse_worker *worker = stream->data;
    struct dse_err err = {0};
    if (got > 0) {
        dse_buf_append(&worker->input, block->base, (size_t)got);
        if (take_lines(worker, &err) != DSE_OK) {
            dse_log(DSE_LOG_ERROR, "pool", "worker_misspoke",
                    DSE_LOG_INT("pid", worker->process.pid), DSE_LOG_TEXT("reason", err.text));
            dse_worker_kill(worker);
        }
    } else if (got < 0) {
        (void)uv_read_stop(stream);
        dse_worker_kill(worker); /* it closed its output: the process is no use any more */
    }
    dse_free(block->base);
}

static void give_read_block(uv_handle_t *handle, size_t suggested, uv_buf_t *block) {
    (void)handle;
    block->base = dse_alloc(suggested, 1);
    block->len = block->base == NULL ? 0 : suggested;
}

static enum dse_status spawn(struct dse_pool *pool, struct dse_worker *worker,
                             struct dse_err *err) {
    char *args[] = {"pareto-worker", NULL, NULL, NULL};
    if (pool->options.kernels != NULL) {
        args[1] = "--kernels";
        args[2] = (char *)(uintptr_t)pool->options.kernels;
    }
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&worker->to},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&worker->from},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .file = pool->options.program,
        .args = args,
        .exit_cb = when_process_ended,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int code = uv_spawn(pool->loop, &worker->process, &options);
    if (code != 0)
        DSE_FAIL(err, DSE_WORKER, "%s cannot be started: %s", pool->options.program,
                 uv_strerror(code));
    return DSE_OK;
}

static enum dse_status start_worker(struct dse_pool *pool, struct dse_err *err) {
    struct dse_worker *worker = dse_alloc(1, sizeof *worker);
    if (worker == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a worker");
    worker->pool = pool;
    worker->process.data = worker->to.data = worker->from.data = worker;
    worker->open_handles = 3;
    worker->born_ms = worker->heard_ms = dse_clock_mono_ms();
    (void)uv_pipe_init(pool->loop, &worker->to, 0);
    (void)uv_pipe_init(pool->loop, &worker->from, 0);
    enum dse_status status = spawn(pool, worker, err);
    worker->next = pool->workers;
    pool->workers = worker;
    if (status != DSE_OK) {
        /* uv_spawn has initialised the process handle; everything goes through close. */
        worker->dead = true;
        pool->stillborn = STILLBORN_MAX_PER_WORKER * pool->options.workers;
        uv_close((uv_handle_t *)&worker->process, free_worker_when_closed);
        uv_close((uv_handle_t *)&worker->to, free_worker_when_closed);
        uv_close((uv_handle_t *)&worker->from, free_worker_when_closed);
        return status;
    }
    (void)uv_read_start((uv_stream_t *)&worker->from, give_read_block, when_read);
    return DSE_OK;
}

int64_t dse_worker_memory_bytes(const struct dse_worker *worker) {
    char path[64], text[128];
    long long size, resident; /* in pages: the first numbers of statm, proc(5) */
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)worker->process.pid);
    FILE *file = fopen(path, "re");
    bool good = file != NULL && fgets(text, sizeof text, file) != NULL &&
                sscanf(text, "%lld %lld", &size, &resident) == 2;
    if (file != NULL)
        (void)fclose(file);
    return good ? resident * sysconf(_SC_PAGESIZE) : 0;
}

/* Why a worker at work must end now; false when it need not. */
static bool is_beyond_limits(struct dse_worker *worker, int64_t now_ms) {
    char *why = worker->end_reason;
    size_t size = sizeof worker->end_reason;
    if (now_ms - worker->heard_ms > worker->pool->options.silence_ms)
        (void)snprintf(why, size, "the worker hung: it was silent for %d s",
                       (int)((now_ms - worker->heard_ms) / 1000));
    else if (worker->task_limit_ms > 0 && now_ms - worker->given_ms > worker->task_limit_ms)
        (void)snprintf(why, size, "the task took more than its limit of %lld s",
                       (long long)(worker->task_limit_ms / 1000));
    else if (worker->memory_limit_bytes > 0 &&
             dse_worker_memory_bytes(worker) > worker->memory_limit_bytes)
        (void)snprintf(why, size, "the worker used more than its limit of %lld MiB",
                       (long long)(worker->memory_limit_bytes >> 20));
    return why[0] != '\0';
}

/* A loop that was blocked has heard nobody: that is not their silence. */
static void excuse_silence(struct dse_pool *pool, int64_t blocked_ms) {
    for (struct dse_worker *w = pool->workers; w != NULL; w = w->next) {
        w->heard_ms += blocked_ms;
        w->given_ms += blocked_ms;
    }
}

static void look_at_workers(uv_timer_t *timer) {
    struct dse_pool *pool = timer->data;
    int64_t now_ms = dse_clock_mono_ms();
    if (now_ms - pool->checked_ms > 2 * CHECK_MS)
        excuse_silence(pool, now_ms - pool->checked_ms - CHECK_MS);
    pool->checked_ms = now_ms;
    for (struct dse_worker *w = pool->workers; w != NULL; w = w->next) {
        if (w->dead || !w->busy || w->end_reason[0] != '\0' || !is_beyond_limits(w, now_ms))
            continue;
        dse_log(DSE_LOG_ERROR, "pool", "worker_killed", DSE_LOG_INT("sweep", w->notes.sweep),
                DSE_LOG_INT("pid", w->process.pid), DSE_LOG_TEXT("reason", w->end_reason));
        dse_worker_kill(w);
    }
}

enum dse_status dse_pool_new(uv_loop_t *loop, const struct dse_pool_options *options,
                             const struct dse_pool_events *events, void *context,
                             struct dse_pool **pool, struct dse_err *err) {
    struct dse_pool *p = dse_alloc(1, sizeof *p);
    if (p == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the workers");
    p->loop = loop;
    p->options = *options;
    p->events = *events;
    p->context = context;
    p->silence.data = p;
    p->checked_ms = dse_clock_mono_ms();
    (void)uv_timer_init(loop, &p->silence);
    (void)uv_timer_start(&p->silence, look_at_workers, CHECK_MS, CHECK_MS);
    for (int i = 0; i < options->workers; i++) {
        enum dse_status status = start_worker(p, err);
        if (status != DSE_OK) {
            dse_pool_close(p, true);
            return status;
        }
    }
    *pool = p;
    return DSE_OK;
}

static void kill_stragglers(uv_timer_t *timer) {
    struct dse_pool *pool = timer->data;
    for (struct dse_worker *w = pool->workers; w != NULL; w = w->next)
        dse_worker_kill(w);
}

static void when_input_closed(uv_shutdown_t *request, int status) {
    (void)status;
    dse_free(request);
}

static void end_input(struct dse_worker *worker) {
    uv_shutdown_t *request = dse_alloc(1, sizeof *request);
    if (request == NULL ||
        uv_shutdown(request, (uv_stream_t *)&worker->to, when_input_closed) != 0) {
        dse_free(request);
        dse_worker_kill(worker);
    }
}

void dse_pool_close(struct dse_pool *pool, bool at_once) {
    pool->closing = true;
    for (struct dse_worker *w = pool->workers; w != NULL; w = w->next) {
        if (w->dead)
            continue;
        if (at_once || w->busy)
            dse_worker_kill(w);
        else
            end_input(w);
    }
    (void)uv_timer_start(&pool->silence, kill_stragglers, END_MAX_MS, 0);
    free_pool_when_empty(pool);
}

int dse_pool_size(const struct dse_pool *pool) {
    return pool->options.workers;
}

struct dse_worker *dse_pool_idle_worker(struct dse_pool *pool) {
    for (struct dse_worker *w = pool->workers; w != NULL; w = w->next)
        if (w->said_hello && !w->busy && !w->dead)
            return w;
    return NULL;
}

struct dse_worker *dse_pool_first_worker(struct dse_pool *pool) {
    return pool->workers;
}

struct dse_worker *dse_worker_next(struct dse_worker *worker) {
    return worker->next;
}

bool dse_worker_said_hello(const struct dse_worker *worker) {
    return worker->said_hello;
}

int64_t dse_worker_age_ms(const struct dse_worker *worker) {
    return dse_clock_mono_ms() - worker->born_ms;
}

int64_t dse_worker_silent_ms(const struct dse_worker *worker) {
    return dse_clock_mono_ms() - worker->heard_ms;
}

bool dse_pool_busy(const struct dse_pool *pool) {
    for (const struct dse_worker *w = pool->workers; w != NULL; w = w->next)
        if (w->busy && !w->dead)
            return true;
    return false;
}

static void when_written(uv_write_t *request, int status) {
    (void)status; /* a broken pipe shows as the end of the process */
    struct write_request *write = request->data;
    dse_buf_fini(&write->text);
    dse_free(write);
}

enum dse_status dse_worker_send(struct dse_worker *worker, enum dse_worker_message message,
                                const void *record, struct dse_err *err) {
    struct write_request *write = dse_alloc(1, sizeof *write);
    if (write == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a message to a worker");
    write->request.data = write;
    enum dse_status status = dse_worker_write(message, record, &write->text, err);
    if (status == DSE_OK) {
        uv_buf_t block = uv_buf_init(write->text.data, (unsigned)write->text.size);
        int code = uv_write(&write->request, (uv_stream_t *)&worker->to, &block, 1, when_written);
        if (code != 0)
            status = dse_err_set(err, DSE_WORKER, "worker %d: %s", (int)worker->process.pid,
                                 uv_strerror(code));
    }
    if (status != DSE_OK) {
        dse_buf_fini(&write->text);
        dse_free(write);
        return status;
    }
    worker->busy = true;
    worker->heard_ms = worker->given_ms = dse_clock_mono_ms();
    worker->task_limit_ms = worker->memory_limit_bytes = 0;
    return DSE_OK;
}

void dse_worker_limit(struct dse_worker *worker, int64_t task_ms, int64_t memory_bytes) {
    worker->task_limit_ms = task_ms;
    worker->memory_limit_bytes = memory_bytes;
}

const char *dse_worker_end_reason(const struct dse_worker *worker) {
    return worker->end_reason;
}

void dse_worker_set_idle(struct dse_worker *worker) {
    worker->busy = false;
    if (!worker->dead && !worker->pool->closing)
        worker->pool->events.idle(worker->pool->context, worker);
}

const char *dse_worker_evaluator(const struct dse_worker *worker) {
    return worker->evaluator;
}

int dse_worker_pid(const struct dse_worker *worker) {
    return (int)worker->process.pid;
}

struct dse_worker_notes *dse_worker_notes(struct dse_worker *worker) {
    return &worker->notes;
}
