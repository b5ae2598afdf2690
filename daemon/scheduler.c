/* Who computes what: preparations of clients first, then the sweeps that share the workers. */
#include "daemon/scheduler_internal.h"

#include <stdio.h>
#include <string.h>

/* A context that cannot be opened for reasons that may pass is tried this often. */
enum { OPEN_ATTEMPTS_MAX = 5 };
/* A rate of fewer individuals than this says nothing about the time that is left. */
enum { RATE_INDIVIDUALS_MIN = 8 };

/* Waiting for space on the disk: the first look after this time, then after twice as long each. */
enum { SPACE_RETRY_MS = 500, SPACE_RETRY_MAX_MS = 30 * 1000 };

/* ---- no way on, and no space ---- */

static void look_for_space(uv_timer_t *timer);

/* What is in the rows is safe; what is only in memory is forgotten, and taken up anew when there is
 * space. */
static void wait_for_space(struct dse_scheduler *s, const struct dse_err *why) {
    int64_t longer = 2 * s->space_retry_ms;
    if (s->space_retry_ms == 0)
        dse_log(DSE_LOG_ERROR, "scheduler", "no_space", DSE_LOG_TEXT("reason", why->text));
    s->space_retry_ms = s->space_retry_ms == 0        ? SPACE_RETRY_MS
                        : longer < SPACE_RETRY_MAX_MS ? longer
                                                      : SPACE_RETRY_MAX_MS;
    (void)snprintf(s->space_reason, sizeof s->space_reason, "%.250s", why->text);
    while (s->n_turns > 0) {
        int64_t sweep_id = s->turns[0]->share.id;
        daemon__end_turn(s, s->turns[0]);
        s->events.changed(s->context, sweep_id);
    }
    (void)uv_timer_start(&s->space_retry, look_for_space, (uint64_t)s->space_retry_ms, 0);
}

void daemon__report_fatal(struct dse_scheduler *s, const struct dse_err *why) {
    if (s->failed)
        return;
    if (why->code == DSE_NO_SPACE) {
        wait_for_space(s, why);
        return;
    }
    s->failed = true;
    s->events.fatal(s->context, why);
}

static void look_for_space(uv_timer_t *timer) {
    struct dse_scheduler *s = timer->data;
    struct dse_err err = {0};
    if (dse_store_try_space(s->store, &err) != DSE_OK) {
        daemon__report_fatal(s, &err);
        return;
    }
    dse_log(DSE_LOG_INFO, "scheduler", "space_again", DSE_LOG_NOTHING);
    s->space_retry_ms = 0;
    s->is_stale = true;
    daemon__dispatch(s);
}

/* ---- giving out work ---- */

static void begin_work(struct turn *turn, struct dse_worker_notes *notes) {
    notes->turn = turn->number;
    notes->sweep = turn->share.id;
    notes->started_ms = dse_clock_mono_ms();
    dse_share_begin_work(&turn->share, notes->started_ms);
}

/* The turn that the worker has worked for until now; NULL where it has ended. */
static struct turn *end_work(struct dse_scheduler *s, struct dse_worker_notes *notes) {
    struct turn *turn = notes->turn == 0 ? NULL : daemon__find_turn(s, notes->turn);
    if (turn != NULL)
        dse_share_end_work(&turn->share, notes->started_ms, dse_clock_mono_ms());
    notes->turn = notes->sweep = 0;
    return turn;
}

static bool begin_opening(struct dse_scheduler *s, struct dse_worker *worker, struct turn *turn) {
    struct dse_err err = {0};
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    notes->context[0] = '\0';
    if (dse_worker_send(worker, DSE_WORKER_open, dse_explorer_context(turn->explorer), &err) !=
        DSE_OK) {
        daemon__report_fatal(s, &err);
        return false;
    }
    notes->opening = true;
    begin_work(turn, notes);
    return true;
}

static bool begin_task(struct dse_scheduler *s, struct dse_worker *worker, struct turn *turn,
                       struct dse_task *task) {
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_msg_task message;
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    int64_t fence = ++s->last_fence;
    enum dse_status status =
        dse_explorer_describe_task(turn->explorer, task, fence, &arena, &message, &err);
    if (status == DSE_OK)
        status = dse_worker_send(worker, DSE_WORKER_evaluate, &message, &err);
    dse_arena_fini(&arena);
    if (status != DSE_OK) {
        task->in_work = false;
        daemon__report_fatal(s, &err);
        return false;
    }
    dse_worker_limit(worker, dse_explorer_task_limit_ms(turn->explorer),
                     dse_explorer_memory_limit_bytes(turn->explorer));
    notes->task = task;
    notes->fence = fence;
    notes->shard = task->shard;
    notes->candidates = task->n_members;
    notes->shards_held |= (uint64_t)1 << (task->shard % 64);
    begin_work(turn, notes);
    return true;
}

static bool holds_context_of(const struct dse_worker_notes *notes, const struct turn *turn) {
    return strcmp(notes->context, dse_explorer_context(turn->explorer)->hash) == 0;
}

/* The next task for the worker and its sweep, best sweep first; NULL when there is none. */
static struct dse_task *next_task(struct dse_scheduler *s, const struct dse_worker_notes *notes,
                                  struct turn **of) {
    const struct dse_share *shares[DSE_SHARES_MAX];
    int order[DSE_SHARES_MAX], held = -1;
    int n = daemon__gather_shares(s, shares);
    for (int i = 0; i < n; i++)
        if (holds_context_of(notes, s->turns[i]))
            held = i;
    dse_shares_order(shares, n, held, dse_clock_mono_ms(), order);
    for (int i = 0; i < n; i++) {
        struct turn *turn = s->turns[order[i]];
        if (turn->is_draining)
            continue;
        uint64_t shards = holds_context_of(notes, turn) ? notes->shards_held : 0;
        struct dse_task *task = dse_explorer_next_task(turn->explorer, shards);
        *of = turn;
        if (task != NULL)
            return task;
    }
    return NULL;
}

/* Gives an idle worker something to do; false when there is nothing for it. */
static bool employ(struct dse_scheduler *s, struct dse_worker *worker) {
    struct dse_preparation *preparation;
    while (!s->failed && (preparation = daemon__waiting_preparation(s)) != NULL)
        if (daemon__begin_preparation(s, worker, preparation))
            return true;
    if (s->stopping || s->failed || s->space_retry_ms > 0)
        return false;
    struct dse_err err = {0};
    if (daemon__take_up_sweeps(s, &err) != DSE_OK) {
        daemon__report_fatal(s, &err);
        return false;
    }
    struct turn *turn = NULL;
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    struct dse_task *task = next_task(s, notes, &turn);
    if (task == NULL)
        return false;
    if (holds_context_of(notes, turn))
        return begin_task(s, worker, turn, task);
    task->in_work = false;
    return begin_opening(s, worker, turn);
}

void daemon__dispatch(struct dse_scheduler *s) {
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
    struct turn *turn = end_work(s, notes);
    if (notes->opening && turn != NULL)
        turn->open_failures = 0;
    notes->opening = false;
    if (turn != NULL && turn->is_draining && turn->share.in_work == 0)
        daemon__leave_turn(s, turn);
    if (preparation == NULL)
        return;
    struct dse_buf json = {0};
    struct dse_err why = {0};
    enum dse_status status = dse_record_encode(DSE_RECORD_prepared, prepared, &json, &why);
    if (status == DSE_OK)
        status = daemon__take_prepared_json(preparation, json.data, &why);
    dse_buf_fini(&json);
    daemon__finish_preparation(s, preparation, status, &why);
}

static void take_partials(struct dse_scheduler *s, struct dse_worker *worker,
                          const struct dse_msg_partials *partials) {
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    struct dse_task *task = notes->task;
    struct turn *turn = end_work(s, notes);
    bool late = turn == NULL || task == NULL || notes->fence != partials->task;
    notes->task = NULL;
    notes->fence = 0;
    notes->tasks_done++;
    notes->inferences += partials->inferences;
    if (late) {
        dse_log(DSE_LOG_INFO, "scheduler", "late_result",
                DSE_LOG_INT("pid", dse_worker_pid(worker)), DSE_LOG_INT("task", partials->task));
        return;
    }
    struct dse_err err = {0};
    enum dse_status status = dse_explorer_take(turn->explorer, task, partials, &err);
    if (status == DSE_PROTOCOL) {
        dse_log(DSE_LOG_ERROR, "scheduler", "bad_result", DSE_LOG_INT("sweep", turn->share.id),
                DSE_LOG_INT("pid", dse_worker_pid(worker)), DSE_LOG_TEXT("reason", err.text));
        dse_worker_kill(worker);
        return;
    }
    turn->phase[0] = '\0';
    daemon__look_at_progress(s, turn, status, &err);
}

static void return_task(struct dse_scheduler *s, struct dse_worker_notes *notes,
                        const char *reason) {
    struct dse_task *task = notes->task;
    struct turn *turn = end_work(s, notes);
    notes->task = NULL;
    notes->fence = 0;
    if (turn == NULL || task == NULL || s->failed)
        return;
    struct dse_err err = {0};
    enum dse_status status = dse_explorer_return(turn->explorer, task, reason, &err);
    daemon__look_at_progress(s, turn, status, &err);
}

/* The sweep's context cannot be opened: its files have changed, or memory is short. */
static void take_open_failure(struct dse_scheduler *s, struct dse_worker_notes *notes,
                              enum dse_status status, const char *text) {
    struct dse_err why = {0}, err = {0};
    struct turn *turn = end_work(s, notes);
    notes->opening = false;
    if (turn == NULL)
        return;
    if (!dse_status_is_user(status) && ++turn->open_failures < OPEN_ATTEMPTS_MAX) {
        daemon__look_at_progress(s, turn, DSE_OK, NULL);
        return;
    }
    int64_t sweep_id = turn->share.id;
    (void)dse_err_set(&why, status, "%s", text);
    daemon__end_turn(s, turn);
    if (daemon__mark_failed(s, sweep_id, &why, &err) != DSE_OK)
        daemon__report_fatal(s, &err);
}

static void take_failure(struct dse_scheduler *s, struct dse_worker *worker,
                         const struct dse_msg_worker_failed *failed) {
    struct dse_worker_notes *notes = dse_worker_notes(worker);
    enum dse_status status = dse_status_from_name(failed->status);
    struct dse_preparation *preparation = notes->preparation;
    dse_log(DSE_LOG_WARN, "scheduler", "worker_reports", DSE_LOG_INT("pid", dse_worker_pid(worker)),
            DSE_LOG_INT("task", failed->task), DSE_LOG_TEXT("status", failed->status),
            DSE_LOG_TEXT("reason", failed->text));
    if (preparation != NULL) {
        struct dse_err why = {0};
        (void)dse_err_set(&why, status, "%s", failed->text);
        notes->preparation = NULL;
        daemon__finish_preparation(s, preparation, status, &why);
    } else if (notes->opening) {
        take_open_failure(s, notes, status, failed->text);
    } else if (failed->task == notes->fence) {
        return_task(s, notes, failed->text);
    }
}

static void when_idle(void *context, struct dse_worker *worker) {
    (void)worker;
    daemon__dispatch(context);
}

static void take_beat(struct dse_scheduler *s, const struct dse_worker_notes *notes,
                      const struct dse_msg_worker_beat *beat) {
    struct turn *turn = notes->turn == 0 ? NULL : daemon__find_turn(s, notes->turn);
    if (turn == NULL || dse_explorer_finished_since_open(turn->explorer) > 0)
        return;
    (void)snprintf(turn->phase, sizeof turn->phase, "%.80s", beat->phase);
    s->events.changed(s->context, turn->share.id);
}

static void when_message(void *context, struct dse_worker *worker, enum dse_worker_message message,
                         const void *record) {
    struct dse_scheduler *s = context;
    if (message == DSE_WORKER_beat) {
        take_beat(s, dse_worker_notes(worker), record);
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
        daemon__finish_preparation(s, preparation, DSE_WORKER, &why);
    } else if (notes->opening) {
        take_open_failure(s, notes, DSE_WORKER, "the worker ended while it opened model and data");
    } else {
        return_task(s, notes, dse_worker_end_reason(worker));
    }
    daemon__dispatch(s);
}

static void when_broken(void *context) {
    struct dse_scheduler *s = context;
    struct dse_err why = {0};
    (void)dse_err_set(&why, DSE_WORKER,
                      "pareto-worker cannot be started; what it printed stands above, or see "
                      "'pareto-worker --version'");
    daemon__report_fatal(s, &why);
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
    s->is_stale = true;
    enum dse_status status = dse_pool_new(loop, pool_options, &pool_events, s, &s->pool, err);
    if (status != DSE_OK) {
        dse_free(s);
        return status;
    }
    s->space_retry.data = s;
    (void)uv_timer_init(loop, &s->space_retry);
    *scheduler = s;
    return DSE_OK;
}

void dse_scheduler_stop(struct dse_scheduler *scheduler) {
    scheduler->stopping = true;
    daemon__dispatch(scheduler);
}

static void free_scheduler(uv_handle_t *timer) {
    dse_free(timer->data);
}

void dse_scheduler_close(struct dse_scheduler *scheduler, bool at_once) {
    while (scheduler->preparations != NULL)
        daemon__give_up_preparation(scheduler, scheduler->preparations);
    dse_pool_close(scheduler->pool, at_once);
    for (int i = 0; i < scheduler->n_turns; i++)
        daemon__free_turn(scheduler->turns[i]);
    scheduler->n_turns = 0;
    dse_front_cache_fini(&scheduler->fronts);
    uv_close((uv_handle_t *)&scheduler->space_retry, free_scheduler);
}

void dse_scheduler_prepare(struct dse_scheduler *scheduler, struct dse_preparation *preparation) {
    struct dse_preparation **end = &scheduler->preparations;
    while (*end != NULL)
        end = &(*end)->next;
    *end = preparation;
    daemon__dispatch(scheduler);
}

/* What the row says of a sweep in work. */
static enum dse_status follow_state(struct dse_scheduler *s, struct turn *turn,
                                    struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_sweep_row row;
    enum dse_status status = dse_store_load_sweep(s->store, turn->share.id, &arena, &row, err);
    dse_arena_fini(&arena);
    if (status != DSE_OK)
        return status;
    turn->is_draining = row.state == DSE_SWEEP_PAUSED;
    if (dse_sweep_state_final(row.state) || (turn->is_draining && turn->share.in_work == 0))
        daemon__leave_turn(s, turn);
    return DSE_OK;
}

void dse_scheduler_kick(struct dse_scheduler *scheduler) {
    struct dse_err err = {0};
    enum dse_status status = DSE_OK;
    for (int i = scheduler->n_turns - 1; status == DSE_OK && i >= 0; i--)
        status = follow_state(scheduler, scheduler->turns[i], &err);
    if (status != DSE_OK)
        daemon__report_fatal(scheduler, &err);
    scheduler->is_stale = true;
    daemon__dispatch(scheduler);
}

int dse_scheduler_workers(const struct dse_scheduler *scheduler) {
    return dse_pool_size(scheduler->pool);
}

struct dse_pool *dse_scheduler_pool(const struct dse_scheduler *scheduler) {
    return scheduler->pool;
}

/* Progress is told several times a second: the volumes of large fronts, which take long, are
 * measured less often, so that no more than a small share of the time goes there. */
static double measure_sometimes(struct turn *turn) {
    enum { REST = 20 };
    int64_t begin_ms = dse_clock_mono_ms();
    if (begin_ms < turn->hypervolume_due_ms)
        return turn->hypervolume;
    turn->hypervolume = dse_explorer_hypervolume(turn->explorer);
    int64_t end_ms = dse_clock_mono_ms();
    turn->hypervolume_due_ms = end_ms + REST * (end_ms - begin_ms);
    return turn->hypervolume;
}

struct dse_live_sweep dse_scheduler_live(const struct dse_scheduler *scheduler, int64_t sweep_id) {
    struct dse_live_sweep live = {.phase = "", .no_space = ""};
    if (scheduler == NULL)
        return live;
    struct turn *turn = daemon__turn_of_sweep(scheduler, sweep_id);
    if (scheduler->space_retry_ms > 0)
        live.no_space = scheduler->space_reason;
    if (turn == NULL)
        return live;
    double seconds = (double)(dse_clock_mono_ms() - turn->began_ms) / 1000.0;
    double finished = (double)dse_explorer_finished_since_open(turn->explorer);
    if (finished >= RATE_INDIVIDUALS_MIN && seconds > 0)
        live.evaluations_per_s = finished / seconds;
    live.phase = turn->phase;
    live.workers = turn->share.in_work;
    live.is_explored = true;
    live.hypervolume = measure_sometimes(turn);
    return live;
}
