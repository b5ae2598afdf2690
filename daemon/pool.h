/* The worker processes: started, watched, restarted. A worker has at most one message to answer. */
#ifndef DSE_DAEMON_POOL_H
#define DSE_DAEMON_POOL_H

#include <uv.h>

#include "base/base.h"
#include "protocol/protocol.h"

struct dse_pool;
struct dse_worker;

/* What happens to workers, told to their user. Records are borrowed for the call. */
struct dse_pool_events {
    /* A worker has said hello, or was given free by dse_worker_set_idle. */
    void (*idle)(void *context, struct dse_worker *worker);
    /* prepared, partials, failed or beat arrived. */
    void (*message)(void *context, struct dse_worker *worker, enum dse_worker_message message,
                    const void *record);
    /* Its process ended or was killed; the worker is gone after the call. */
    void (*lost)(void *context, struct dse_worker *worker);
    /* Workers end again and again before they say hello: there will be none. */
    void (*broken)(void *context);
};

struct dse_pool_options {
    const char *program; /* path or name of pareto-worker */
    const char *kernels; /* NULL: the worker's default */
    int workers;
    int64_t silence_ms; /* a busy worker that is silent for longer hangs, and is killed */
};

/* Starts the workers. options and events are copied, their strings borrowed until the pool is
 * closed. */
DSE_MUST_USE enum dse_status dse_pool_new(uv_loop_t *loop, const struct dse_pool_options *options,
                                          const struct dse_pool_events *events, void *context,
                                          struct dse_pool **pool, struct dse_err *err);
/* Ends the workers (at once: by SIGKILL; else by closing their input) and frees the pool when the
 * last is gone. No event is told any more. */
void dse_pool_close(struct dse_pool *pool, bool at_once);

/* Number of workers that are wanted, and that have said hello. */
int dse_pool_size(const struct dse_pool *pool);

/* First and next worker, in no order. */
struct dse_worker *dse_pool_first_worker(struct dse_pool *pool);
struct dse_worker *dse_worker_next(struct dse_worker *worker);
bool dse_worker_said_hello(const struct dse_worker *worker);
/* Milliseconds since it was started, and since it was heard. */
int64_t dse_worker_age_ms(const struct dse_worker *worker);
int64_t dse_worker_silent_ms(const struct dse_worker *worker);

/* Any worker that waits for work, or NULL. */
struct dse_worker *dse_pool_idle_worker(struct dse_pool *pool);
/* Some worker is at work. */
bool dse_pool_busy(const struct dse_pool *pool);
/* Sends a message; the worker is busy until dse_worker_set_idle. */
DSE_MUST_USE enum dse_status dse_worker_send(struct dse_worker *worker,
                                             enum dse_worker_message message, const void *record,
                                             struct dse_err *err);
void dse_worker_set_idle(struct dse_worker *worker);
/* Ends a worker that cannot be trusted any more; `lost` follows. */
void dse_worker_kill(struct dse_worker *worker);
/* What the work that it was given last may take; 0: no limit. Looked at once a second; above it the
 * worker is killed. */
void dse_worker_limit(struct dse_worker *worker, int64_t task_ms, int64_t memory_bytes);
/* Why it has ended, for people; borrowed. */
const char *dse_worker_end_reason(const struct dse_worker *worker);
/* Its resident memory; 0: not known. */
int64_t dse_worker_memory_bytes(const struct dse_worker *worker);
/* Version of its evaluator; borrowed. */
const char *dse_worker_evaluator(const struct dse_worker *worker);
int dse_worker_pid(const struct dse_worker *worker);

/* What the scheduler notes about a worker. Zeroed at birth. */
struct dse_task;
struct dse_preparation;
struct dse_worker_notes {
    char context[DSE_SHA256_HEX];        /* context it holds; "" for none */
    uint64_t shards_held;                /* bit s % 64: it has had shard s of that context */
    struct dse_preparation *preparation; /* it opens this context for a client */
    bool opening;                        /* it opens the context of the sweep */
    struct dse_task *task;               /* it computes this task ... */
    int64_t fence;                       /* ... under this number; 0: none */
    int64_t turn, sweep;                 /* the turn and the sweep that it works for; 0: none */
    int64_t started_ms;                  /* since when; monotonic clock */
    int shard, candidates;               /* of the task */
    int64_t tasks_done, inferences;      /* in its life */
};
struct dse_worker_notes *dse_worker_notes(struct dse_worker *worker);

#endif
