/* The Unix socket: connections of clients, lines in, lines out. What a client can make the daemon
 * hold is bounded: one line of input, and a queue of output: above it nothing more is read from the
 * client, far above it the client is dropped. */
#ifndef DSE_DAEMON_SERVER_H
#define DSE_DAEMON_SERVER_H

#include <uv.h>

#include "base/base.h"

struct dse_server;
struct dse_client;

struct dse_server_events {
    /* A line without its newline; borrowed for the call. */
    void (*line)(void *context, struct dse_client *client, const char *line, size_t length);
    /* The client is gone after the call. */
    void (*gone)(void *context, struct dse_client *client);
};

/* Listens on path (mode 0600), replacing a socket that nobody serves. */
DSE_MUST_USE enum dse_status dse_server_new(uv_loop_t *loop, const char *path,
                                            const struct dse_server_events *events, void *context,
                                            struct dse_server **server, struct dse_err *err);
/* Closes the socket and removes its file; connections get what is queued for them. Frees the
 * server when the last is closed. */
void dse_server_close(struct dse_server *server);

/* Connections now. */
int dse_server_clients(const struct dse_server *server);

/* Queues text; takes the memory of text in every case. */
void dse_client_send_take(struct dse_client *client, struct dse_buf *text);
/* Has everything queued been taken by the socket? */
bool dse_client_drained(const struct dse_client *client);
/* Next and first client, for broadcasts. */
struct dse_client *dse_server_first_client(struct dse_server *server);
struct dse_client *dse_client_next(struct dse_client *client);

/* What the methods note about a client. Zeroed at birth. */
struct dse_client_notes {
    int64_t watched_sweep; /* 0: none */
    bool event_due;        /* the watched sweep has changed since the last event */
};
struct dse_client_notes *dse_client_notes(struct dse_client *client);

#endif
