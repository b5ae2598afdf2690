/* Who computes what. */
#include "daemon/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "daemon/explorer/explorer.h"

/* A context that cannot be opened for reasons that may pass is tried this often. */
enum { OPEN_ATTEMPTS_MAX = 5 };
/* A rate of fewer individuals than this says nothing about the time that is left. */
enum { RATE_INDIVIDUALS_MIN = 8 };

struct dse_scheduler {
    struct dse_store *store;
    struct dse_pool *pool;
    struct dse_scheduler_events events;
    void *context;
    struct dse_preparation *preparations; /* in order of arrival */
    struct dse_explorer *explorer;        /* the sweep whose turn it is, or NULL */
    int64_t turn;                         /* counts the sweeps that had their turn */
    int64_t last_fence;
    int64_t turn_began_ms;
    int open_failures;
    char phase[96];
    bool stopping, failed, dispatching;
};

static void dispatch(struct dse_scheduler *s);

static void report_fatal(struct dse_scheduler *s, const struct dse_err *why) {
    if (s->failed)
        return;
    s->failed = true;
    s->events.fatal(s->context, why);
}

/* ---- the sweep whose turn it is ---- */

static void end_turn(struct dse_scheduler *s) {
    dse_explorer_free(s->explorer);
    s->explorer = NULL;
    s->turn++; /* answers to its tasks come too late now */
    s->open_failures = 0;
    s->phase[0] = '\0';
}

static enum dse_status mark_failed(struct dse_scheduler *s, int64_t sweep_id,
                                   const struct dse_err *why, struct dse_err *err) {
    dse_log(DSE_LOG_ERROR, "scheduler", "sweep_failed", "sweep=%lld reason=\"%s\"",
            (long long)sweep_id, why->text);
    DSE_TRY(dse_store_set_sweep_state(s->store, sweep_id, DSE_SWEEP_FAILED, why->text,
                                      dse_clock_wall_ms(), err));
    s->events.changed(s->context, sweep_id);
    return DSE_OK;
}

static enum dse_status begin_turn(struct dse_scheduler *s, int64_t sweep_id, struct dse_err *err) {
    struct dse_err why = {0};
    enum dse_status status = dse_explorer_open(s->store, sweep_id, &s->explorer, &why);
    if (status != DSE_OK && dse_status_is_user(status))
        return mark_failed(s, sweep_id, &why, err);
    if (status != DSE_OK)
        return dse_err_set(err, status, "sweep %lld: %s", (long long)sweep_id, why.text);
    s->turn_began_ms = dse_clock_mono_ms();
    (void)snprintf(s->phase, sizeof s->phase, "starting");
    dse_log(DSE_LOG_INFO, "scheduler", "sweep_taken_up", "sweep=%lld", (long long)sweep_id);
    s->events.changed(s->context, sweep_id);
    if (dse_explorer_finished(s->explorer))
        end_turn(s);
    return DSE_OK;
}

static enum dse_status find_sweep(struct dse_scheduler *s, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_sweep_row *rows;
    int n = 0;
    enum dse_status status = dse_store_list_sweeps(s->store, &arena, &rows, &n, err);
    for (int i = 0; status == DSE_OK && s->explorer == NULL && i < n; i++)
        if (!dse_sweep_state_final(rows[i].state))
            status = begin_turn(s, rows[i].id, err);
    dse_arena_fini(&arena);
    return status;
}

/* After partials were taken or a task returned. */
static void look_at_progress(struct dse_scheduler *s, enum dse_status status,
                             const struct dse_err *why) {
    if (status != DSE_OK) {
        report_fatal(s, why);
        return;
    }
    s->events.changed(s->context, dse_explorer_sweep(s->explorer));
    if (!dse_explorer_finished(s->explorer))
        return;
    dse_log(DSE_LOG_INFO, "scheduler", "sweep_done", "sweep=%lld",
            (long long)dse_explorer_sweep(s->explorer));
    end_turn(s);
}

/* ---- preparations ---- */

static void finish_preparation(struct dse_scheduler *s, struct dse_preparation *preparation,
                               enum dse_status status, const struct dse_err *why) {
    struct dse_preparation **link = &s->preparations;
    while (*link != preparation)
        link = &(*link)->next;
    *link = preparation->next;
    preparation->done(preparation->done_context, preparation, status, why);
}

static enum dse_status take_prepared_json(struct dse_preparation *preparation, const char *json,
                                          struct dse_err *err) {
    struct dse_msg_prepared *prepared = dse_arena_alloc(&preparation->arena, 1, sizeof *prepared);
    preparation->prepared_json = dse_arena_strdup(&preparation->arena, json);
    if (prepared == NULL || preparation->prepared_json == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    DSE_TRY(dse_record_decode(DSE_RECORD_prepared, json, strlen(json), &preparation->arena,
                              prepared, err));
    preparation->prepared = prepared;
    return DSE_OK;
}

/* Builds the context and answers from the store; AGAIN when a worker must open it. */
static enum dse_status prepare_without_worker(struct dse_scheduler *s,
                                              struct dse_preparation *preparation,
                                              const char *evaluator, struct dse_err *err) {
    const char *json;
    struct dse_err unknown = {0};
    if (!preparation->built)
        DSE_TRY(dse_context_build(&preparation->workload, evaluator, &preparation->arena,
                                  &preparation->context, &preparation->content_hash, err));
    preparation->built = true;
    enum dse_status status = dse_store_load_context(s->store, preparation->context.hash,
                                                    &preparation->arena, &json, &unknown);
    if (status == DSE_NOT_FOUND)
        return DSE_AGAIN;
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", unknown.text);
    return take_prepared_json(preparation, json, err);
}

/* Is the worker busy with it now? */
static bool begin_preparation(struct dse_scheduler *s, struct dse_worker *worker,
                              struct dse_preparation *preparation) {
    struct dse_err why = {0};
    enum dse_status status =
        prepare_without_worker(s, preparation, dse_worker_evaluator(worker), &why);
    if (status == DSE_AGAIN)
        status = dse_worker_send(worker, DSE_WORKER_open, &preparation->context, &why);
    else if (status == DSE_OK) {
        finish_preparation(s, preparation, DSE_OK, NULL);
        return false;
    }
    if (status != DSE_OK) {
        finish_preparation(s, preparation, status, &why);
        return false;
    }
    preparation->in_work = true;
    dse_worker_notes(worker)->preparation = preparation;
    dse_worker_notes(worker)->context[0] = '\0';
    return true;
}

static struct dse_preparation *waiting_preparation(struct dse_scheduler *s) {
    struct dse_preparation *p = s->preparations;
    while (p != NULL && p->in_work)
        p = p->next;
    return p;
}

/* ---- giving out work ---- */

static bool begin_opening(struct dse_scheduler *s, struct dse_worker *worker) {
    struct dse_err err = {0};
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    notes->context[0] = '\0';
    if (dse_worker_send(worker, DSE_WORKER_open, dse_explorer_context(s->explorer), &err) !=
        DSE_OK) {
        report_fatal(s, &err);
        return false;
    }
    notes->opening = true;
    notes->sweep_turn = s->turn;
    return true;
}

static bool begin_task(struct dse_scheduler *s, struct dse_worker *worker, struct dse_task *task) {
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_msg_task message;
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    int64_t fence = ++s->last_fence;
    enum dse_status status =
        dse_explorer_describe_task(s->explorer, task, fence, &arena, &message, &err);
    if (status == DSE_OK)
        status = dse_worker_send(worker, DSE_WORKER_evaluate, &message, &err);
    dse_arena_fini(&arena);
    if (status != DSE_OK) {
        task->in_work = false;
        report_fatal(s, &err);
        return false;
    }
    notes->task = task;
    notes->fence = fence;
    notes->sweep_turn = s->turn;
    notes->shards_held |= (uint64_t)1 << (task->shard % 64);
    return true;
}

/* Gives an idle worker something to do; false when there is nothing for it. */
static bool employ(struct dse_scheduler *s, struct dse_worker *worker) {
    struct dse_preparation *preparation;
    while (!s->failed && (preparation = waiting_preparation(s)) != NULL)
        if (begin_preparation(s, worker, preparation))
            return true;
    if (s->stopping || s->failed)
        return false;
    struct dse_err err = {0};
    if (s->explorer == NULL && find_sweep(s, &err) != DSE_OK) {
        report_fatal(s, &err);
        return false;
    }
    if (s->explorer == NULL)
        return false;
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    struct dse_task *task = dse_explorer_next_task(s->explorer, notes->shards_held);
    if (task == NULL)
        return false;
    if (strcmp(notes->context, dse_explorer_context(s->explorer)->hash) != 0) {
        task->in_work = false;
        return begin_opening(s, worker);
    }
    return begin_task(s, worker, task);
}

static void dispatch(struct dse_scheduler *s) {
    struct dse_worker *worker;
    if (s->dispatching)
        return; /* called back from a requester; the loop below goes on */
    s->dispatching = true;
    while (!s->failed && (worker = dse_pool_idle_worker(s->pool)) != NULL && employ(s, worker))
        ;
    s->dispatching = false;
    if (s->stopping && !dse_pool_busy(s->pool))
        s->events.drained(s->context);
}

/* ---- what workers say ---- */

static void take_prepared(struct dse_scheduler *s, struct dse_worker *worker,
                          const struct dse_msg_prepared *prepared) {
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    struct dse_preparation *preparation = notes->preparation;
    (void)snprintf(notes->context, sizeof notes->context, "%s", prepared->hash);
    notes->shards_held = 0;
    notes->preparation = NULL;
    if (notes->opening)
        s->open_failures = 0;
    notes->opening = false;
    if (preparation == NULL)
        return;
    struct dse_buf json = {0};
    struct dse_err why = {0};
    enum dse_status status = dse_record_encode(DSE_RECORD_prepared, prepared, &json, &why);
    if (status == DSE_OK)
        status = take_prepared_json(preparation, json.data, &why);
    dse_buf_fini(&json);
    finish_preparation(s, preparation, status, &why);
}

static void take_partials(struct dse_scheduler *s, struct dse_worker *worker,
                          const struct dse_msg_partials *partials) {
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    struct dse_task *task = notes->task;
    bool late =
        s->explorer == NULL || notes->sweep_turn != s->turn || notes->fence != partials->task;
    notes->task = NULL;
    notes->fence = 0;
    if (late) {
        dse_log(DSE_LOG_INFO, "scheduler", "late_result", "pid=%d task=%lld",
                dse_worker_pid(worker), (long long)partials->task);
        return;
    }
    struct dse_err err = {0};
    enum dse_status status = dse_explorer_take(s->explorer, task, partials, &err);
    if (status == DSE_PROTOCOL) {
        dse_log(DSE_LOG_ERROR, "scheduler", "bad_result", "pid=%d reason=\"%s\"",
                dse_worker_pid(worker), err.text);
        dse_worker_kill(worker);
        return;
    }
    s->phase[0] = '\0';
    look_at_progress(s, status, &err);
}

static void return_task(struct dse_scheduler *s, struct dse_worker_notes *notes,
                        const char *reason) {
    struct dse_task *task = notes->task;
    bool current = s->explorer != NULL && notes->sweep_turn == s->turn && task != NULL;
    notes->task = NULL;
    notes->fence = 0;
    if (!current || s->failed)
        return;
    struct dse_err err = {0};
    enum dse_status status = dse_explorer_return(s->explorer, task, reason, &err);
    look_at_progress(s, status, &err);
}

/* The sweep's context cannot be opened: its files have changed, or memory is short. */
static void take_open_failure(struct dse_scheduler *s, struct dse_worker_notes *notes,
                              enum dse_status status, const char *text) {
    struct dse_err why = {0}, err = {0};
    notes->opening = false;
    if (s->explorer == NULL || notes->sweep_turn != s->turn)
        return;
    if (!dse_status_is_user(status) && ++s->open_failures < OPEN_ATTEMPTS_MAX)
        return;
    int64_t sweep_id = dse_explorer_sweep(s->explorer);
    (void)dse_err_set(&why, status, "%s", text);
    end_turn(s);
    if (mark_failed(s, sweep_id, &why, &err) != DSE_OK)
        report_fatal(s, &err);
}

static void take_failure(struct dse_scheduler *s, struct dse_worker *worker,
                         const struct dse_msg_worker_failed *failed) {
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    enum dse_status status = dse_status_from_name(failed->status);
    struct dse_preparation *preparation = notes->preparation;
    dse_log(DSE_LOG_WARN, "scheduler", "worker_reports", "pid=%d task=%lld status=%s reason=\"%s\"",
            dse_worker_pid(worker), (long long)failed->task, failed->status, failed->text);
    if (preparation != NULL) {
        struct dse_err why = {0};
        (void)dse_err_set(&why, status, "%s", failed->text);
        notes->preparation = NULL;
        finish_preparation(s, preparation, status, &why);
    } else if (notes->opening) {
        take_open_failure(s, notes, status, failed->text);
    } else if (failed->task == notes->fence) {
        return_task(s, notes, failed->text);
    }
}

static void when_idle(void *context, struct dse_worker *worker) {
    (void)worker;
    dispatch(context);
}

static void when_message(void *context, struct dse_worker *worker, enum dse_worker_message message,
                         const void *record) {
    struct dse_scheduler *s = context;
    if (message == DSE_WORKER_beat) {
        const struct dse_msg_worker_beat *beat = record;
        if (s->explorer != NULL && dse_explorer_finished_since_open(s->explorer) == 0 &&
            dse_worker_notes(worker)->preparation == NULL) {
            (void)snprintf(s->phase, sizeof s->phase, "%.80s", beat->phase);
            s->events.changed(s->context, dse_explorer_sweep(s->explorer));
        }
        return;
    }
    if (message == DSE_WORKER_prepared)
        take_prepared(s, worker, record);
    else if (message == DSE_WORKER_partials)
        take_partials(s, worker, record);
    else
        take_failure(s, worker, record);
    dse_worker_set_idle(worker);
}

static void when_lost(void *context, struct dse_worker *worker) {
    struct dse_scheduler *s = context;
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    struct dse_preparation *preparation = notes->preparation;
    notes->preparation = NULL;
    if (preparation != NULL) {
        struct dse_err why = {0};
        (void)dse_err_set(&why, DSE_WORKER, "the worker ended while it opened model and data");
        finish_preparation(s, preparation, DSE_WORKER, &why);
    } else if (notes->opening) {
        take_open_failure(s, notes, DSE_WORKER, "the worker ended while it opened model and data");
    } else {
        return_task(s, notes, "the worker ended");
    }
    dispatch(s);
}

static void when_broken(void *context) {
    struct dse_scheduler *s = context;
    struct dse_err why = {0};
    (void)dse_err_set(&why, DSE_WORKER,
                      "pareto-worker cannot be started; what it printed stands above, or see "
                      "'pareto-worker --version'");
    report_fatal(s, &why);
}

/* ---- life ---- */

enum dse_status dse_scheduler_new(uv_loop_t *loop, struct dse_store *store,
                                  const struct dse_pool_options *pool_options,
                                  const struct dse_scheduler_events *events, void *context,
                                  struct dse_scheduler **scheduler, struct dse_err *err) {
    static const struct dse_pool_events pool_events = {when_idle, when_message, when_lost,
                                                       when_broken};
    struct dse_scheduler *s = dse_alloc(1, sizeof *s);
    if (s == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the scheduler");
    s->store = store;
    s->events = *events;
    s->context = context;
    enum dse_status status = dse_pool_new(loop, pool_options, &pool_events, s, &s->pool, err);
    if (status != DSE_OK) {
        dse_free(s);
        return status;
    }
    *scheduler = s;
    return DSE_OK;
}

void dse_scheduler_stop(struct dse_scheduler *scheduler) {
    scheduler->stopping = true;
    dispatch(scheduler);
}

void dse_scheduler_close(struct dse_scheduler *scheduler, bool at_once) {
    struct dse_err why = {0};
    (void)dse_err_set(&why, DSE_FAILED, "the daemon is stopping");
    while (scheduler->preparations != NULL)
        finish_preparation(scheduler, scheduler->preparations, DSE_FAILED, &why);
    dse_pool_close(scheduler->pool, at_once);
    dse_explorer_free(scheduler->explorer);
    dse_free(scheduler);
}

void dse_scheduler_prepare(struct dse_scheduler *scheduler, struct dse_preparation *preparation) {
    struct dse_preparation **end = &scheduler->preparations;
    while (*end != NULL)
        end = &(*end)->next;
    *end = preparation;
    dispatch(scheduler);
}

void dse_scheduler_kick(struct dse_scheduler *scheduler) {
    if (scheduler->explorer != NULL) {
        struct dse_arena arena = {0};
        struct dse_sweep_row row;
        struct dse_err err = {0};
        int64_t sweep_id = dse_explorer_sweep(scheduler->explorer);
        if (dse_store_load_sweep(scheduler->store, sweep_id, &arena, &row, &err) != DSE_OK)
            report_fatal(scheduler, &err);
        else if (dse_sweep_state_final(row.state))
            end_turn(scheduler);
        dse_arena_fini(&arena);
    }
    dispatch(scheduler);
}

int dse_scheduler_workers(const struct dse_scheduler *scheduler) {
    return dse_pool_size(scheduler->pool);
}

struct dse_live_sweep dse_scheduler_live(const struct dse_scheduler *scheduler, int64_t sweep_id) {
    struct dse_live_sweep live = {.phase = ""};
    if (scheduler->explorer == NULL || dse_explorer_sweep(scheduler->explorer) != sweep_id)
        return live;
    double seconds = (double)(dse_clock_mono_ms() - scheduler->turn_began_ms) / 1000.0;
    double finished = (double)dse_explorer_finished_since_open(scheduler->explorer);
    if (finished >= RATE_INDIVIDUALS_MIN && seconds > 0)
        live.evaluations_per_s = finished / seconds;
    live.phase = scheduler->phase;
    return live;
}
