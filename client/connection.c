/* The connection to the daemon: blocking, with poll so that signals and time limits are seen. */
#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum dse_status fail_no_daemon(const struct client *c, struct dse_err *err) {
    const struct client__options *options = &c->options;
    DSE_FAIL(err, DSE_NO_DAEMON,
             "no daemon answers at %s; start one with: paretod --state %s%s%s  (or use: pareto run "
             "FILE)",
             c->socket_path, c->state_dir, options->socket != NULL ? " --socket " : "",
             options->socket != NULL ? options->socket : "");
}

static enum dse_status connect_to(const struct client *c, const struct sockaddr_un *address, int fd,
                                  struct dse_err *err) {
    if (fd < 0)
        DSE_FAIL(err, DSE_IO, "cannot make a socket: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return DSE_OK;
    if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
        return fail_no_daemon(c, err);
    DSE_FAIL(err, DSE_IO, "cannot connect to the daemon at %s: %s", c->socket_path,
             strerror(errno));
}

enum dse_status client__connect(struct client *c, struct dse_err *err) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(c->socket_path);
    if (length >= sizeof address.sun_path)
        DSE_FAIL(err, DSE_USAGE,
                 "the path of the socket has %zu bytes, the system allows %zu: name a shorter one "
                 "with --socket or --state (it is %s)",
                 length, sizeof address.sun_path - 1, c->socket_path);
    memcpy(address.sun_path, c->socket_path, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum dse_status status = connect_to(c, &address, fd, err);
    if (status == DSE_OK)
        c->connection.fd = fd;
    else if (fd >= 0)
        (void)close(fd);
    return status;
}

void client__disconnect(struct client *c) {
    if (c->connection.fd >= 0)
        (void)close(c->connection.fd);
    dse_buf_fini(&c->connection.in);
    c->connection = (struct client__connection){.fd = -1};
}

static enum dse_status fail_ended(struct client *c, struct dse_err *err) {
    if (client__describe_daemon_end(c, err))
        return DSE_NO_DAEMON;
    DSE_FAIL(err, DSE_NO_DAEMON,
             "the daemon at %s ended; its sweeps go on when it is started again (paretod --state "
             "%s)",
             c->socket_path, c->state_dir);
}

/* ---- sending ---- */

static enum dse_status send_all(struct client *c, const char *bytes, size_t size,
                                struct dse_err *err) {
    while (size > 0) {
        ssize_t sent = send(c->connection.fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return fail_ended(c, err);
        if (sent < 0)
            DSE_FAIL(err, DSE_IO, "cannot write to the daemon: %s", strerror(errno));
        bytes += sent;
        size -= (size_t)sent;
    }
    return DSE_OK;
}

static enum dse_status send_request(struct client *c, int64_t id, enum dse_method method,
                                    const void *params, struct dse_err *err) {
    struct dse_buf line = {0};
    enum dse_status status = dse_rpc_write_request(id, method, params, &line, err);
    if (status == DSE_OK)
        status = send_all(c, line.data, line.size, err);
    dse_buf_fini(&line);
    return status;
}

/* ---- receiving ---- */

static enum dse_status wait_for_input(struct client *c, int64_t deadline_ms, struct dse_err *err) {
    for (;;) {
        struct pollfd polled[] = {{.fd = c->connection.fd, .events = POLLIN},
                                  {.fd = c->signal_fd, .events = POLLIN}};
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - dse_clock_mono_ms();
        if (deadline_ms >= 0 && left < 0)
            left = 0;
        int ready = poll(polled, 2, (int)left);
        if (ready < 0 && errno != EINTR)
            DSE_FAIL(err, DSE_IO, "cannot wait for the daemon: %s", strerror(errno));
        if (ready > 0 && polled[1].revents != 0 && client__take_interrupt(c))
            DSE_FAIL(err, DSE_INTERRUPTED, "interrupted");
        if (ready > 0 && polled[0].revents != 0)
            return DSE_OK;
        if (ready == 0)
            return DSE_AGAIN;
    }
}

static enum dse_status read_more(struct client *c, struct dse_err *err) {
    char block[64 * 1024];
    struct dse_buf *in = &c->connection.in;
    ssize_t got = recv(c->connection.fd, block, sizeof block, 0);
    if (got < 0 && errno == EINTR)
        return DSE_OK;
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return fail_ended(c, err);
    if (got < 0)
        DSE_FAIL(err, DSE_IO, "cannot read from the daemon: %s", strerror(errno));
    if (in->size + (size_t)got > DSE_TRUSTED_LINE_MAX)
        DSE_FAIL(err, DSE_PROTOCOL, "the daemon sent a line of more than %d bytes",
                 DSE_TRUSTED_LINE_MAX);
    dse_buf_append(in, block, (size_t)got);
    return dse_buf_status(in, err);
}

/* *length: bytes of the first whole line, with its newline. */
static enum dse_status read_line(struct client *c, int timeout_ms, size_t *length,
                                 struct dse_err *err) {
    struct client__connection *connection = &c->connection;
    int64_t deadline_ms = timeout_ms < 0 ? -1 : dse_clock_mono_ms() + timeout_ms;
    for (;;) {
        const char *start = dse_buf_text(&connection->in);
        const char *newline =
            memchr(start + connection->scanned, '\n', connection->in.size - connection->scanned);
        if (newline != NULL) {
            *length = (size_t)(newline - start) + 1;
            return DSE_OK;
        }
        connection->scanned = connection->in.size;
        DSE_TRY(wait_for_input(c, deadline_ms, err));
        DSE_TRY(read_more(c, err));
    }
}

enum dse_status client__receive(struct client *c, enum dse_method expected, int timeout_ms,
                                struct dse_arena *arena, struct dse_rpc_reply *reply,
                                struct dse_err *err) {
    size_t length;
    DSE_TRY(read_line(c, timeout_ms, &length, err));
    enum dse_status status =
        dse_rpc_read_reply(dse_buf_text(&c->connection.in), length, expected, arena, reply, err);
    dse_buf_consume(&c->connection.in, length);
    c->connection.scanned = 0;
    if (status != DSE_OK)
        (void)dse_err_prefix(err, "the daemon's answer");
    return status;
}

static enum dse_status fail_as_replied(struct client *c, const struct dse_rpc_reply *reply,
                                       struct dse_err *err) {
    c->errors = reply->errors;
    c->errors_n = reply->errors_n;
    DSE_FAIL(err, reply->status, "%s", reply->message);
}

enum dse_status client__call_within(struct client *c, int timeout_ms, enum dse_method method,
                                    const void *params, struct dse_rpc_reply *reply,
                                    struct dse_err *err) {
    struct dse_rpc_reply received;
    int64_t id = c->connection.next_id++;
    DSE_TRY(send_request(c, id, method, params, err));
    do
        DSE_TRY(client__receive(c, method, timeout_ms, &c->arena, &received, err));
    while (received.kind == DSE_RPC_PROGRESS);
    if (received.kind == DSE_RPC_ERROR)
        return fail_as_replied(c, &received, err);
    if (received.id != id)
        DSE_FAIL(err, DSE_PROTOCOL, "the daemon answered request %lld, not %lld",
                 (long long)received.id, (long long)id);
    *reply = received;
    return DSE_OK;
}

enum dse_status client__call(struct client *c, enum dse_method method, const void *params,
                             struct dse_rpc_reply *reply, struct dse_err *err) {
    return client__call_within(c, -1, method, params, reply, err);
}
