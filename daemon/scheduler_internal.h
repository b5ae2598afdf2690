/* Shared by the files of the scheduler. */
#ifndef DSE_DAEMON_SCHEDULER_INTERNAL_H
#define DSE_DAEMON_SCHEDULER_INTERNAL_H

#include "daemon/explorer/explorer.h"
#include "daemon/front_cache.h"
#include "daemon/scheduler.h"
#include "daemon/shares.h"

/* A sweep that is being explored. */
struct turn {
    struct dse_share share;
    struct dse_explorer *explorer;
    int64_t number; /* never used twice: answers to tasks of a turn that has ended come too late */
    int64_t began_ms;
    int open_failures;
    char phase[96];
    double hypervolume;
    int64_t hypervolume_due_ms; /* not measured again before */
    bool is_draining;           /* paused: takes what is under way, gets nothing new */
};

struct dse_scheduler {
    struct dse_store *store;
    struct dse_pool *pool;
    struct dse_scheduler_events events;
    void *context;
    struct dse_preparation *preparations; /* in order of arrival */
    struct turn *turns[DSE_SHARES_MAX];
    int n_turns;
    int64_t last_turn, last_fence;
    uv_timer_t space_retry;
    int64_t space_retry_ms;                  /* 0: there is space */
    char space_reason[DSE_SPACE_REASON_MAX]; /* what is full */
    bool stopping, failed, dispatching;
    bool is_stale; /* there may be sweeps to take up */
    struct dse_front_cache fronts;
};

/* ---- scheduler.c ---- */

/* Gives the idle workers something to do. */
void daemon__dispatch(struct dse_scheduler *s);
/* Ends the daemon; where there is no space, all sweeps wait for some. */
void daemon__report_fatal(struct dse_scheduler *s, const struct dse_err *why);

/* ---- scheduler_turns.c: the sweeps in work ---- */

/* NULL: it has ended. */
struct turn *daemon__find_turn(const struct dse_scheduler *s, int64_t number);
struct turn *daemon__turn_of_sweep(const struct dse_scheduler *s, int64_t sweep_id);
void daemon__free_turn(struct turn *turn);
/* What is in its rows stays; another sweep may have its place. */
void daemon__end_turn(struct dse_scheduler *s, struct turn *turn);
/* The same where all that it did is in its rows: its front is kept for the next question. */
void daemon__leave_turn(struct dse_scheduler *s, struct turn *turn);
/* The shares of all, in the order of the turns. */
int daemon__gather_shares(const struct dse_scheduler *s, const struct dse_share **shares);
DSE_MUST_USE enum dse_status daemon__mark_failed(struct dse_scheduler *s, int64_t sweep_id,
                                                 const struct dse_err *why, struct dse_err *err);
/* Gives the sweeps that wait for work their turns, as far as there is room. */
DSE_MUST_USE enum dse_status daemon__take_up_sweeps(struct dse_scheduler *s, struct dse_err *err);
/* After partials were taken or a task returned; status and why are of that. */
void daemon__look_at_progress(struct dse_scheduler *s, struct turn *turn, enum dse_status status,
                              const struct dse_err *why);

/* ---- scheduler_prepare.c: workloads on their way to a sweep ---- */

void daemon__finish_preparation(struct dse_scheduler *s, struct dse_preparation *preparation,
                                enum dse_status status, const struct dse_err *why);
/* What a worker found out, as JSON; copied. */
DSE_MUST_USE enum dse_status daemon__take_prepared_json(struct dse_preparation *preparation,
                                                        const char *json, struct dse_err *err);
/* Is the worker busy with it now? Before that, its files are hashed beside the loop. */
bool daemon__begin_preparation(struct dse_scheduler *s, struct dse_worker *worker,
                               struct dse_preparation *preparation);
/* Tells the requester FAILED; a thread that reads its files has let go of it then. */
void daemon__give_up_preparation(struct dse_scheduler *s, struct dse_preparation *preparation);
/* The first that can be gone on with; NULL: none. */
struct dse_preparation *daemon__waiting_preparation(struct dse_scheduler *s);

#endif
