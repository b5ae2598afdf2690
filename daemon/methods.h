/* What clients can ask: one handler a method of protocol/records.h. */
#ifndef DSE_DAEMON_METHODS_H
#define DSE_DAEMON_METHODS_H

#include "base/base.h"
#include "daemon/scheduler.h"
#include "daemon/server.h"
#include "store/store.h"

/* What the handlers work with. Borrowed parts. */
struct dse_methods {
    struct dse_store *store;
    struct dse_scheduler *scheduler;
    struct dse_server *server;
    const char *state_dir;
    struct dse_request *waiting; /* requests whose preparation is under way */
};

/* Answers one line of a client. */
void dse_methods_answer(struct dse_methods *methods, struct dse_client *client, const char *line,
                        size_t length);
/* Its answers have nowhere to go; a submit under way goes on. */
void dse_methods_forget_client(struct dse_methods *methods, struct dse_client *client);
/* Sends due progress events to the clients that have taken the last one. */
void dse_methods_send_events(struct dse_methods *methods);

/* The sweep of a preparation that is done, on disk. source: the text as submitted, its file and
 * directory. */
DSE_MUST_USE enum dse_status dse_methods_keep_sweep(struct dse_store *store,
                                                    struct dse_preparation *preparation,
                                                    const struct dse_workload_source *source,
                                                    int64_t *id, struct dse_err *err);

#endif
