/* daemon: the program that owns the database, the workers and the socket. One event loop, one
 * thread; workers are processes. It never links the engine. */
#ifndef DSE_DAEMON_H
#define DSE_DAEMON_H

#include "base/base.h"

struct dse_daemon_options {
    const char *state_dir;      /* database, lock and socket; created when missing */
    const char *socket_path;    /* NULL: <state_dir>/socket */
    const char *worker_program; /* NULL: pareto-worker beside this program, else in PATH */
    const char *kernels;        /* handed to the workers; NULL: auto */
    int workers;                /* 0: as many as cores */
    int silence_s;              /* a busy worker that is silent for longer hangs; 0: 60 */
    int64_t max_db_bytes;       /* largest database; 0: no limit */
    bool until_idle;            /* ends when its last client has gone */
    int ready_fd;               /* "ready\n" is written there once the socket serves; -1: none */
};

/* Serves until SIGTERM or SIGINT (the first waits for the tasks in work, the second does not), or
 * until the database can no longer be written (NO_SPACE, IO: nothing acknowledged is lost, and the
 * next start goes on). CONFLICT when another daemon serves the state directory. */
DSE_MUST_USE enum dse_status dse_daemon_run(const struct dse_daemon_options *options,
                                            struct dse_err *err);

#endif
