/* The daemon: store, workers, socket and signals around one loop. */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/methods.h"
#include "daemon/scheduler.h"
#include "daemon/server.h"

enum { EVENT_INTERVAL_MS = 200 }; /* progress events are gathered for this time */
enum { SILENCE_S = 60 };          /* a busy worker beats every second or two */

struct daemon {
    uv_loop_t loop;
    const struct dse_daemon_options *options;
    struct dse_store *store;
    struct dse_scheduler *scheduler;
    struct dse_server *server;
    struct dse_methods methods;
    uv_signal_t sigterm, sigint;
    uv_timer_t events;
    int64_t started_ms;
    bool stopping, closed, had_client;
    struct dse_err fatal;
};

/* Tells systemd (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names; a name that
 * begins with @ is one of Linux's abstract ones. Nobody there is no error. */
static void notify_service_manager(const char *text) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t length = name == NULL ? 0 : strlen(name);
    if (length < 2 || length >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        dse_log(DSE_LOG_WARN, "daemon", "notify_socket", DSE_LOG_TEXT("reason", strerror(errno)));
    (void)close(fd);
}

/* ---- the way out ---- */

static void close_everything(struct daemon *d, bool at_once) {
    if (d->closed)
        return;
    d->closed = true;
    dse_methods_send_events(&d->methods);
    dse_scheduler_close(d->scheduler, at_once);
    dse_server_close(d->server);
    uv_close((uv_handle_t *)&d->sigterm, NULL);
    uv_close((uv_handle_t *)&d->sigint, NULL);
    uv_close((uv_handle_t *)&d->events, NULL);
}

static void when_drained(void *context) {
    close_everything(context, false);
}

static void when_signalled(uv_signal_t *handle, int number) {
    struct daemon *d = handle->data;
    dse_log(DSE_LOG_INFO, "daemon", d->stopping ? "stopping_at_once" : "stopping",
            DSE_LOG_INT("signal", number));
    if (d->stopping) {
        close_everything(d, true);
        return;
    }
    d->stopping = true;
    notify_service_manager("STOPPING=1\n");
    dse_scheduler_stop(d->scheduler);
}

static void when_fatal(void *context, const struct dse_err *why) {
    struct daemon *d = context;
    dse_log(DSE_LOG_ERROR, "daemon", "fatal", DSE_LOG_TEXT("status", dse_status_name(why->code)),
            DSE_LOG_TEXT("reason", why->text));
    d->fatal = *why;
    uv_stop(&d->loop);
}

/* ---- events ---- */

static void when_changed(void *context, int64_t sweep_id) {
    struct daemon *d = context;
    if (d->server == NULL)
        return;
    for (struct dse_client *c = dse_server_first_client(d->server); c != NULL;
         c = dse_client_next(c))
        if (dse_client_notes(c)->watched_sweep == sweep_id)
            dse_client_notes(c)->event_due = true;
}

/* --until-idle: nobody is there any more, or nobody has come. */
static void stop_when_idle(struct daemon *d) {
    enum { PATIENCE_MS = 30 * 1000 };
    if (!d->options->until_idle || d->stopping || d->server == NULL)
        return;
    int clients = dse_server_clients(d->server);
    d->had_client = d->had_client || clients > 0;
    if (clients > 0 || (!d->had_client && dse_clock_mono_ms() - d->started_ms < PATIENCE_MS))
        return;
    dse_log(DSE_LOG_INFO, "daemon", "stopping", DSE_LOG_TEXT("reason", "no client is left"));
    d->stopping = true;
    dse_scheduler_stop(d->scheduler);
}

static void send_events(uv_timer_t *timer) {
    struct daemon *d = timer->data;
    dse_methods_send_events(&d->methods);
    stop_when_idle(d);
}

static void when_line(void *context, struct dse_client *client, const char *line, size_t length) {
    struct daemon *d = context;
    d->had_client = true;
    dse_methods_answer(&d->methods, client, line, length);
}

static void when_client_gone(void *context, struct dse_client *client) {
    struct daemon *d = context;
    dse_methods_forget_client(&d->methods, client);
}

/* ---- the way in ---- */

static enum dse_status open_store(struct daemon *d, struct dse_err *err) {
    char path[4096];
    DSE_TRY(dse_dir_create(d->options->state_dir, err));
    (void)snprintf(path, sizeof path, "%s/pareto.db", d->options->state_dir);
    return dse_store_open(path, d->options->max_db_bytes, &d->store, err);
}

/* Once the store is ours: only one daemon writes there. */
static enum dse_status open_log(const struct daemon *d, struct dse_err *err) {
    char path[4096 + sizeof "/" DSE_LOG_FILE];
    (void)snprintf(path, sizeof path, "%s/" DSE_LOG_FILE, d->options->state_dir);
    return dse_log_open_file(path, DSE_LOG_FILE_BYTES, DSE_LOG_OLDER_FILES, err);
}

static int count_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    return 1;
}

static enum dse_status start_scheduler(struct daemon *d, struct dse_err *err) {
    static char beside[4200];
    static const struct dse_scheduler_events events = {when_changed, when_fatal, when_drained};
    char dir[4096];
    dse_program_dir(dir, sizeof dir);
    (void)snprintf(beside, sizeof beside, "%s/pareto-worker", dir);
    const char *found = access(beside, X_OK) == 0 ? beside : "pareto-worker";
    struct dse_pool_options pool = {
        .program = d->options->worker_program != NULL ? d->options->worker_program : found,
        .kernels = d->options->kernels,
        .silence_ms = (d->options->silence_s > 0 ? d->options->silence_s : SILENCE_S) * 1000,
        .workers = d->options->workers > 0 ? d->options->workers : count_cores(),
    };
    return dse_scheduler_new(&d->loop, d->store, &pool, &events, d, &d->scheduler, err);
}

static enum dse_status start_server(struct daemon *d, struct dse_err *err) {
    static const struct dse_server_events events = {when_line, when_client_gone};
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/socket", d->options->state_dir);
    const char *chosen = d->options->socket_path != NULL ? d->options->socket_path : path;
    DSE_TRY(dse_server_new(&d->loop, chosen, &events, d, &d->server, err));
    dse_log(DSE_LOG_INFO, "daemon", "serving", DSE_LOG_TEXT("socket", chosen),
            DSE_LOG_TEXT("state", d->options->state_dir), DSE_LOG_INT("pid", getpid()));
    return DSE_OK;
}

static void start_handles(struct daemon *d) {
    d->sigterm.data = d->sigint.data = d->events.data = d;
    (void)uv_signal_init(&d->loop, &d->sigterm);
    (void)uv_signal_init(&d->loop, &d->sigint);
    (void)uv_timer_init(&d->loop, &d->events);
    (void)uv_signal_start(&d->sigterm, when_signalled, SIGTERM);
    (void)uv_signal_start(&d->sigint, when_signalled, SIGINT);
    (void)uv_timer_start(&d->events, send_events, EVENT_INTERVAL_MS, EVENT_INTERVAL_MS);
}

static void say_ready(const struct daemon *d) {
    static const char ready[] = "ready\n";
    notify_service_manager("READY=1\n");
    if (d->options->ready_fd < 0)
        return;
    if (write(d->options->ready_fd, ready, sizeof ready - 1) < 0)
        dse_log(DSE_LOG_WARN, "daemon", "ready_fd", DSE_LOG_TEXT("reason", strerror(errno)));
    (void)close(d->options->ready_fd);
}

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Runs the loop until everything is closed. */
static void serve(struct daemon *d) {
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    if (!d->closed) /* stopped by when_fatal */
        close_everything(d, true);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
}

static enum dse_status run(struct daemon *d, struct dse_err *err) {
    DSE_TRY(open_store(d, err));
    DSE_TRY(open_log(d, err));
    start_handles(d);
    enum dse_status status = start_scheduler(d, err);
    if (status != DSE_OK)
        return status;
    status = start_server(d, err);
    if (status != DSE_OK) {
        dse_scheduler_close(d->scheduler, true);
        return status;
    }
    d->methods = (struct dse_methods){.store = d->store,
                                      .scheduler = d->scheduler,
                                      .server = d->server,
                                      .state_dir = d->options->state_dir};
    say_ready(d);
    serve(d);
    if (d->fatal.code != DSE_OK) {
        *err = d->fatal;
        return d->fatal.code;
    }
    dse_log(DSE_LOG_INFO, "daemon", "stopped", DSE_LOG_NOTHING);
    return DSE_OK;
}

/* A connection takes a descriptor, and the usual 1024 may be too few. */
static void allow_many_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum dse_status dse_daemon_run(const struct dse_daemon_options *options, struct dse_err *err) {
    struct daemon d = {.options = options, .started_ms = dse_clock_mono_ms()};
    (void)signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    (void)umask(0077); /* what is in the state directory is the user's own */
    if (uv_loop_init(&d.loop) != 0)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the event loop");
    enum dse_status status = run(&d, err);
    uv_walk(&d.loop, close_handle, NULL);
    (void)uv_run(&d.loop, UV_RUN_DEFAULT);
    dse_assert(uv_loop_close(&d.loop) == 0);
    dse_store_close(d.store);
    dse_log_close_file();
    return status;
}
