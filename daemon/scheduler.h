/* Who computes what: preparations of clients first, then the tasks of the sweeps that are not
 * finished nor paused, by priority and fairly among equals (shares.h).
 *
 * When the disk is full the sweeps wait: nothing is given out, and the scheduler tries from time to
 * time whether there is space again. */
#ifndef DSE_DAEMON_SCHEDULER_H
#define DSE_DAEMON_SCHEDULER_H

#include "base/base.h"
#include "daemon/explorer/explorer.h"
#include "daemon/pool.h"
#include "protocol/protocol.h"
#include "store/store.h"
#include "workloads/workloads.h"

/* A workload on its way to a plan or a sweep: its files are hashed, then a worker opens its context
 * (unless the store knows it). Created and freed by the requester, after `done`. */
struct dse_preparation {
    struct dse_arena arena;
    struct dse_workload workload;
    struct dse_msg_context context;          /* once built */
    const char *content_hash;                /* once built */
    struct dse_initial initial;              /* the requester's: filled in when done */
    int64_t reevaluates;                     /* the requester's: of the sweep to come; 0: none */
    const struct dse_msg_prepared *prepared; /* when done */
    const char *prepared_json;               /* when done */
    /* Called once. status is not DSE_OK where model or data cannot be used. */
    void (*done)(void *context, struct dse_preparation *preparation, enum dse_status status,
                 const struct dse_err *why);
    void *done_context;
    void *request;                   /* the requester's own */
    struct daemon__hashing *hashing; /* a thread reads its files: nobody else touches the arena */
    bool built, in_work;
    struct dse_preparation *next;
};

struct dse_scheduler;

struct dse_scheduler_events {
    /* Rows of the sweep have changed. */
    void (*changed)(void *context, int64_t sweep_id);
    /* The store can no longer be written (no space is no reason: see above), or there will be no
     * workers. */
    void (*fatal)(void *context, const struct dse_err *why);
    /* Stopping, and nobody is at work any more. */
    void (*drained)(void *context);
};

DSE_MUST_USE enum dse_status dse_scheduler_new(uv_loop_t *loop, struct dse_store *store,
                                               const struct dse_pool_options *pool_options,
                                               const struct dse_scheduler_events *events,
                                               void *context, struct dse_scheduler **scheduler,
                                               struct dse_err *err);
/* Gives out no more work and tells `drained` when the work given out is done (at once: now). */
void dse_scheduler_stop(struct dse_scheduler *scheduler);
/* Ends the workers and frees the scheduler; preparations under way are told FAILED. */
void dse_scheduler_close(struct dse_scheduler *scheduler, bool at_once);

/* Queues a preparation; `done` may be called before it returns. */
void dse_scheduler_prepare(struct dse_scheduler *scheduler, struct dse_preparation *preparation);
/* Looks for work again: a sweep has been added, or the state or priority of one has changed. */
void dse_scheduler_kick(struct dse_scheduler *scheduler);
int dse_scheduler_workers(const struct dse_scheduler *scheduler);

/* Borrowed, to look at. */
struct dse_pool *dse_scheduler_pool(const struct dse_scheduler *scheduler);

enum { DSE_SPACE_REASON_MAX = 256 };

/* What is known of a sweep beyond its rows; zeros for a sweep that is not in work, and where there
 * is no scheduler (NULL). */
struct dse_live_sweep {
    double evaluations_per_s;
    const char *phase;    /* "" when evaluations come in; borrowed */
    const char *no_space; /* "" unless all sweeps wait for space: what is full; borrowed */
    int workers;          /* that work for it now */
    bool is_explored;     /* it has an explorer; then */
    double hypervolume;   /* as dse_explorer_hypervolume says; of a large front, a little old */
};
struct dse_live_sweep dse_scheduler_live(const struct dse_scheduler *scheduler, int64_t sweep_id);

/* The front of a sweep in order: its explorer's, or one that is kept for the next question.
 * Borrowed until the loop goes on. */
DSE_MUST_USE enum dse_status dse_scheduler_front(struct dse_scheduler *scheduler,
                                                 const struct dse_sweep_row *sweep,
                                                 const struct dse_space *space,
                                                 struct dse_front_list **list, struct dse_err *err);

#endif
