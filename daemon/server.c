/* The Unix socket and its connections. */
#include "daemon/server.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/protocol.h"

enum {
    BACKLOG = 128,
    CLIENTS_MAX = 2000,          /* at a time; more are refused */
    OUTPUT_HELD_BYTES = 1 << 20, /* no more is read from a client with so many unread answers */
    OUTPUT_MAX_BYTES = 80 << 20, /* a client is dropped above this: more than the longest line */
    OUTPUT_ALL_MAX_BYTES = 256 << 20, /* of all: the one with the most is dropped */
    LINGER_MS = 1000, /* at the end, clients may read their last answers for this time */
};

struct dse_client {
    struct dse_server *server;
    struct dse_client *next;
    uv_pipe_t pipe;
    struct dse_buf input;
    bool closing, held; /* held: nothing is read until it reads */
    struct dse_client_notes notes;
};

struct dse_server {
    uv_pipe_t listener;
    uv_timer_t linger;
    struct dse_server_events events;
    void *context;
    struct dse_client *clients;
    int n_clients;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    bool closing;
    int open_handles; /* of listener, linger */
};

struct write_request {
    uv_write_t request;
    struct dse_client *client;
    struct dse_buf text;
};

static void when_own_handle_closed(uv_handle_t *handle);

static void free_server_when_empty(struct dse_server *server) {
    if (!server->closing || server->clients != NULL)
        return;
    if (!uv_is_closing((uv_handle_t *)&server->linger))
        uv_close((uv_handle_t *)&server->linger, when_own_handle_closed);
    if (server->open_handles == 0)
        dse_free(server);
}

static void when_own_handle_closed(uv_handle_t *handle) {
    struct dse_server *server = handle->data;
    server->open_handles--;
    free_server_when_empty(server);
}

static void when_client_closed(uv_handle_t *handle) {
    struct dse_client *client = handle->data;
    struct dse_server *server = client->server;
    struct dse_client **link = &server->clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    server->n_clients--;
    dse_buf_fini(&client->input);
    dse_free(client);
    free_server_when_empty(server);
}

static void close_client(struct dse_client *client) {
    if (client->closing)
        return;
    client->closing = true;
    if (!client->server->closing)
        client->server->events.gone(client->server->context, client);
    uv_close((uv_handle_t *)&client->pipe, when_client_closed);
}

static void refuse_long_line(struct dse_client *client) {
    struct dse_err why = {0};
    struct dse_buf text = {0};
    (void)dse_err_set(&why, DSE_PROTOCOL, "a request is longer than %d bytes",
                      (int)DSE_CLIENT_LINE_MAX);
    (void)uv_read_stop((uv_stream_t *)&client->pipe);
    if (dse_rpc_write_error(-1, -32600, &why, NULL, 0, &text, NULL) == DSE_OK)
        dse_client_send_take(client, &text);
    else
        dse_buf_fini(&text);
    close_client(client);
}

static void take_lines(struct dse_client *client) {
    size_t start = 0;
    while (!client->closing && !client->held && start < client->input.size) {
        const char *line = client->input.data + start;
        const char *end = memchr(line, '\n', client->input.size - start);
        if (end == NULL)
            break;
        size_t length = (size_t)(end - line);
        client->server->events.line(client->server->context, client, line, length);
        start += length + 1;
    }
    if (client->closing)
        return;
    dse_buf_consume(&client->input, start);
    if (!client->held && client->input.size > DSE_CLIENT_LINE_MAX)
        refuse_long_line(client);
}

static void give_read_block(uv_handle_t *handle, size_t suggested, uv_buf_t *block) {
    (void)handle;
    block->base = dse_alloc(suggested, 1);
    block->len = block->base == NULL ? 0 : suggested;
}

static void when_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *block) {
    struct dse_client *client = stream->data;
    if (got > 0 && !client->closing) {
        dse_buf_append(&client->input, block->base, (size_t)got);
        if (client->input.failed)
            close_client(client);
        else
            take_lines(client);
    } else if (got < 0) {
        close_client(client);
    }
    dse_free(block->base);
}

/* The socket's mode keeps others out; this holds where somebody has changed it. root may. */
static bool is_allowed(const struct dse_client *client) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    int fd;
    if (uv_fileno((const uv_handle_t *)&client->pipe, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    if (peer.uid == getuid() || peer.uid == 0)
        return true;
    dse_log(DSE_LOG_WARN, "server", "client_refused", DSE_LOG_INT("uid", peer.uid),
            DSE_LOG_INT("pid", peer.pid));
    return false;
}

static bool has_room(const struct dse_server *server) {
    if (server->n_clients <= CLIENTS_MAX)
        return true;
    dse_log(DSE_LOG_WARN, "server", "client_refused",
            DSE_LOG_TEXT("reason", "there are too many already"),
            DSE_LOG_INT("clients", CLIENTS_MAX));
    return false;
}

static void when_connected(uv_stream_t *listener, int status) {
    struct dse_server *server = listener->data;
    if (status != 0 || server->closing)
        return;
    struct dse_client *client = dse_alloc(1, sizeof *client);
    if (client == NULL)
        return; /* the connection waits in the backlog until there is memory */
    client->server = server;
    client->pipe.data = client;
    (void)uv_pipe_init(listener->loop, &client->pipe, 0);
    client->next = server->clients;
    server->clients = client;
    server->n_clients++;
    if (uv_accept(listener, (uv_stream_t *)&client->pipe) != 0 || !is_allowed(client) ||
        !has_room(server) ||
        uv_read_start((uv_stream_t *)&client->pipe, give_read_block, when_read) != 0)
        close_client(client);
}

/* A socket file left behind by a daemon that was killed answers nobody. */
static void remove_dead_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        (void)unlink(path);
    (void)close(fd);
}

static enum dse_status listen_on(struct dse_server *server, const char *path, struct dse_err *err) {
    mode_t old = umask(0177);
    int code = uv_pipe_bind(&server->listener, path);
    (void)umask(old);
    if (code == 0)
        code = uv_listen((uv_stream_t *)&server->listener, BACKLOG, when_connected);
    if (code == UV_EADDRINUSE)
        DSE_FAIL(err, DSE_CONFLICT, "%s: another program serves this socket", path);
    if (code != 0)
        DSE_FAIL(err, DSE_IO, "%s: %s", path, uv_strerror(code));
    return DSE_OK;
}

int dse_server_clients(const struct dse_server *server) {
    return server->n_clients;
}

enum dse_status dse_server_new(uv_loop_t *loop, const char *path,
                               const struct dse_server_events *events, void *context,
                               struct dse_server **server, struct dse_err *err) {
    struct dse_server *s = dse_alloc(1, sizeof *s);
    if (s == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the socket");
    if (strlen(path) >= sizeof s->path) {
        enum dse_status status =
            dse_err_set(err, DSE_INVALID,
                        "%s: a socket's path may have at most %zu bytes; name a shorter one "
                        "with --socket",
                        path, sizeof s->path - 1);
        dse_free(s);
        return status;
    }
    memcpy(s->path, path, strlen(path) + 1);
    s->events = *events;
    s->context = context;
    s->listener.data = s->linger.data = s;
    s->open_handles = 2;
    remove_dead_socket(path);
    (void)uv_pipe_init(loop, &s->listener, 0);
    (void)uv_timer_init(loop, &s->linger);
    enum dse_status status = listen_on(s, path, err);
    if (status != DSE_OK) {
        s->path[0] = '\0'; /* not ours to remove */
        dse_server_close(s);
        return status;
    }
    *server = s;
    return DSE_OK;
}

static void drop_remaining_clients(uv_timer_t *timer) {
    struct dse_server *server = timer->data;
    for (struct dse_client *c = server->clients; c != NULL; c = c->next)
        close_client(c);
}

static void close_after_output(uv_shutdown_t *request, int status) {
    (void)status;
    close_client(request->data);
    dse_free(request);
}

void dse_server_close(struct dse_server *server) {
    server->closing = true;
    for (struct dse_client *c = server->clients; c != NULL; c = c->next) {
        if (c->closing)
            continue;
        (void)uv_read_stop((uv_stream_t *)&c->pipe);
        uv_shutdown_t *request = dse_client_drained(c) ? NULL : dse_alloc(1, sizeof *request);
        if (request != NULL)
            request->data = c;
        if (request == NULL ||
            uv_shutdown(request, (uv_stream_t *)&c->pipe, close_after_output) != 0) {
            dse_free(request);
            close_client(c);
        }
    }
    if (server->path[0] != '\0')
        (void)unlink(server->path);
    (void)uv_timer_start(&server->linger, drop_remaining_clients, LINGER_MS, 0);
    uv_close((uv_handle_t *)&server->listener, when_own_handle_closed);
}

static size_t queued_bytes(const struct dse_client *client) {
    return uv_stream_get_write_queue_size((const uv_stream_t *)&client->pipe);
}

/* It has read its answers: what it sent meanwhile has its turn. */
static void release(struct dse_client *client) {
    client->held = false;
    take_lines(client);
    if (!client->closing && !client->held)
        (void)uv_read_start((uv_stream_t *)&client->pipe, give_read_block, when_read);
}

static void when_written(uv_write_t *request, int status) {
    struct write_request *write = request->data;
    struct dse_client *client = write->client;
    dse_buf_fini(&write->text);
    dse_free(write);
    if (status != 0)
        close_client(client);
    else if (client->held && !client->closing && queued_bytes(client) < OUTPUT_HELD_BYTES)
        release(client);
}

static void drop(struct dse_client *client) {
    dse_log(DSE_LOG_WARN, "server", "client_dropped", DSE_LOG_TEXT("reason", "it does not read"),
            DSE_LOG_INT("bytes", queued_bytes(client)));
    close_client(client);
}

/* Bounds what the answers that nobody reads take. */
static void bound_output(struct dse_client *client) {
    size_t all = 0;
    struct dse_client *most = client;
    if (queued_bytes(client) > OUTPUT_HELD_BYTES && !client->held) {
        client->held = true;
        (void)uv_read_stop((uv_stream_t *)&client->pipe);
    }
    for (struct dse_client *c = client->server->clients; c != NULL; c = c->next) {
        all += c->closing ? 0 : queued_bytes(c);
        if (!c->closing && queued_bytes(c) > queued_bytes(most))
            most = c;
    }
    if (queued_bytes(client) > OUTPUT_MAX_BYTES)
        drop(client);
    else if (all > OUTPUT_ALL_MAX_BYTES)
        drop(most);
}

void dse_client_send_take(struct dse_client *client, struct dse_buf *text) {
    struct write_request *write = client->closing ? NULL : dse_alloc(1, sizeof *write);
    if (write == NULL) {
        dse_buf_fini(text);
        return;
    }
    write->request.data = write;
    write->client = client;
    write->text = *text;
    *text = (struct dse_buf){0};
    uv_buf_t block = uv_buf_init(write->text.data, (unsigned)write->text.size);
    if (uv_write(&write->request, (uv_stream_t *)&client->pipe, &block, 1, when_written) != 0) {
        dse_buf_fini(&write->text);
        dse_free(write);
        close_client(client);
        return;
    }
    bound_output(client);
}

bool dse_client_drained(const struct dse_client *client) {
    return uv_stream_get_write_queue_size((const uv_stream_t *)&client->pipe) == 0;
}

struct dse_client *dse_server_first_client(struct dse_server *server) {
    return server->clients;
}

struct dse_client *dse_client_next(struct dse_client *client) {
    return client->next;
}

struct dse_client_notes *dse_client_notes(struct dse_client *client) {
    return &client->notes;
}
