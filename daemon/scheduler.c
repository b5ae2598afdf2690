/* Who computes what: preparations of clients first, then the sweeps that share the workers. */
#include "daemon/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "daemon/explorer/explorer.h"
#include "daemon/shares.h"

/* A context that cannot be opened for reasons that may pass is tried this often. */
enum { OPEN_ATTEMPTS_MAX = 5 };
/* A rate of fewer individuals than this says nothing about the time that is left. */
enum { RATE_INDIVIDUALS_MIN = 8 };

/* Waiting for space on the disk: the first look after this time, then after twice as long each. */
enum { SPACE_RETRY_MS = 500, SPACE_RETRY_MAX_MS = 30 * 1000 };

/* A sweep that is being explored. */
struct turn {
    struct dse_share share;
    struct dse_explorer *explorer;
    int64_t number; /* never used twice: answers to tasks of a turn that has ended come too late */
    int64_t began_ms;
    int open_failures;
    char phase[96];
    bool is_draining; /* paused: takes what is under way, gets nothing new */
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
};

static void dispatch(struct dse_scheduler *s);

/* ---- no way on, and no space ---- */

static void end_turn(struct dse_scheduler *s, struct turn *turn);
static void look_for_space(uv_timer_t *timer);

/* What is in the rows is safe; what is only in memory is forgotten, and taken up anew when there is
 * space. */
static void wait_for_space(struct dse_scheduler *s, const struct dse_err *why) {
    int64_t longer = 2 * s->space_retry_ms;
    if (s->space_retry_ms == 0)
        dse_log(DSE_LOG_ERROR, "scheduler", "no_space", "reason=\"%s\"", why->text);
    s->space_retry_ms = s->space_retry_ms == 0        ? SPACE_RETRY_MS
                        : longer < SPACE_RETRY_MAX_MS ? longer
                                                      : SPACE_RETRY_MAX_MS;
    (void)snprintf(s->space_reason, sizeof s->space_reason, "%.250s", why->text);
    while (s->n_turns > 0) {
        int64_t sweep_id = s->turns[0]->share.id;
        end_turn(s, s->turns[0]);
        s->events.changed(s->context, sweep_id);
    }
    (void)uv_timer_start(&s->space_retry, look_for_space, (uint64_t)s->space_retry_ms, 0);
}

static void report_fatal(struct dse_scheduler *s, const struct dse_err *why) {
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
        report_fatal(s, &err);
        return;
    }
    dse_log(DSE_LOG_INFO, "scheduler", "space_again", "%s", "");
    s->space_retry_ms = 0;
    s->is_stale = true;
    dispatch(s);
}

/* ---- the sweeps in work ---- */

static struct turn *find_turn(const struct dse_scheduler *s, int64_t number) {
    for (int i = 0; i < s->n_turns; i++)
        if (s->turns[i]->number == number)
            return s->turns[i];
    return NULL;
}

static struct turn *turn_of_sweep(const struct dse_scheduler *s, int64_t sweep_id) {
    for (int i = 0; i < s->n_turns; i++)
        if (s->turns[i]->share.id == sweep_id)
            return s->turns[i];
    return NULL;
}

static void free_turn(struct turn *turn) {
    dse_explorer_free(turn->explorer);
    dse_free(turn);
}

static void end_turn(struct dse_scheduler *s, struct turn *turn) {
    int at = 0;
    while (s->turns[at] != turn)
        at++;
    for (s->n_turns--; at < s->n_turns; at++)
        s->turns[at] = s->turns[at + 1];
    free_turn(turn);
    s->is_stale = true; /* another may have its place */
}

static int gather_shares(const struct dse_scheduler *s, const struct dse_share **shares) {
    for (int i = 0; i < s->n_turns; i++)
        shares[i] = &s->turns[i]->share;
    return s->n_turns;
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

static void end_finished(struct dse_scheduler *s, struct turn *turn) {
    int64_t sweep_id = turn->share.id;
    dse_log(DSE_LOG_INFO, "scheduler", "sweep_done", "sweep=%lld", (long long)sweep_id);
    end_turn(s, turn);
    s->events.changed(s->context, sweep_id);
}

static enum dse_status begin_turn(struct dse_scheduler *s, int64_t sweep_id, int64_t priority,
                                  struct dse_err *err) {
    struct dse_err why = {0};
    const struct dse_share *shares[DSE_SHARES_MAX];
    struct turn *turn = dse_alloc(1, sizeof *turn);
    if (turn == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a sweep");
    enum dse_status status = dse_explorer_open(s->store, sweep_id, &turn->explorer, &why);
    if (status != DSE_OK) {
        dse_free(turn);
        if (dse_status_is_user(status))
            return mark_failed(s, sweep_id, &why, err);
        return dse_err_set(err, status, "sweep %lld: %s", (long long)sweep_id, why.text);
    }
    turn->share = (struct dse_share){.id = sweep_id, .priority = priority};
    turn->began_ms = dse_clock_mono_ms();
    turn->number = ++s->last_turn;
    dse_share_join(&turn->share, shares, gather_shares(s, shares), turn->began_ms);
    (void)snprintf(turn->phase, sizeof turn->phase, "starting");
    s->turns[s->n_turns++] = turn;
    dse_log(DSE_LOG_INFO, "scheduler", "sweep_taken_up", "sweep=%lld priority=%lld",
            (long long)sweep_id, (long long)priority);
    s->events.changed(s->context, sweep_id);
    if (dse_explorer_finished(turn->explorer))
        end_finished(s, turn);
    return DSE_OK;
}

/* Room for a sweep of that priority; takes it from the youngest of the least priority. */
static bool make_room(struct dse_scheduler *s, int64_t priority) {
    struct turn *least = NULL;
    if (s->n_turns < DSE_SHARES_MAX)
        return true;
    for (int i = 0; i < s->n_turns; i++)
        if (least == NULL || s->turns[i]->share.priority <= least->share.priority)
            least = s->turns[i];
    if (least->share.priority >= priority)
        return false;
    end_turn(s, least);
    return true;
}

static enum dse_status take_up_sweeps(struct dse_scheduler *s, struct dse_err *err) {
    int64_t ids[DSE_SHARES_MAX], priorities[DSE_SHARES_MAX];
    int n;
    while (s->is_stale) {
        s->is_stale = false; /* a sweep that is finished at once sets it again */
        DSE_TRY(dse_store_open_sweeps(s->store, ids, priorities, DSE_SHARES_MAX, &n, err));
        for (int i = 0; i < n; i++) {
            struct turn *turn = turn_of_sweep(s, ids[i]);
            if (turn != NULL)
                turn->share.priority = priorities[i];
            else if (make_room(s, priorities[i]))
                DSE_TRY(begin_turn(s, ids[i], priorities[i], err));
        }
    }
    return DSE_OK;
}

/* After partials were taken or a task returned. */
static void look_at_progress(struct dse_scheduler *s, struct turn *turn, enum dse_status status,
                             const struct dse_err *why) {
    if (status != DSE_OK) {
        report_fatal(s, why);
        return;
    }
    if (dse_explorer_finished(turn->explorer)) {
        end_finished(s, turn);
        return;
    }
    s->events.changed(s->context, turn->share.id);
    if (turn->is_draining && turn->share.in_work == 0)
        end_turn(s, turn);
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

static void begin_work(struct turn *turn, struct dse_worker_notes *notes) {
    notes->turn = turn->number;
    notes->sweep = turn->share.id;
    notes->started_ms = dse_clock_mono_ms();
    dse_share_begin_work(&turn->share, notes->started_ms);
}

/* The turn that the worker has worked for until now; NULL where it has ended. */
static struct turn *end_work(struct dse_scheduler *s, struct dse_worker_notes *notes) {
    struct turn *turn = notes->turn == 0 ? NULL : find_turn(s, notes->turn);
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
        report_fatal(s, &err);
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
        report_fatal(s, &err);
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
    int n = gather_shares(s, shares);
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
    while (!s->failed && (preparation = waiting_preparation(s)) != NULL)
        if (begin_preparation(s, worker, preparation))
            return true;
    if (s->stopping || s->failed || s->space_retry_ms > 0)
        return false;
    struct dse_err err = {0};
    if (take_up_sweeps(s, &err) != DSE_OK) {
        report_fatal(s, &err);
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
    struct turn *turn = end_work(s, notes);
    if (notes->opening && turn != NULL)
        turn->open_failures = 0;
    notes->opening = false;
    if (turn != NULL && turn->is_draining && turn->share.in_work == 0)
        end_turn(s, turn);
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
    struct turn *turn = end_work(s, notes);
    bool late = turn == NULL || task == NULL || notes->fence != partials->task;
    notes->task = NULL;
    notes->fence = 0;
    notes->tasks_done++;
    notes->inferences += partials->inferences;
    if (late) {
        dse_log(DSE_LOG_INFO, "scheduler", "late_result", "pid=%d task=%lld",
                dse_worker_pid(worker), (long long)partials->task);
        return;
    }
    struct dse_err err = {0};
    enum dse_status status = dse_explorer_take(turn->explorer, task, partials, &err);
    if (status == DSE_PROTOCOL) {
        dse_log(DSE_LOG_ERROR, "scheduler", "bad_result", "sweep=%lld pid=%d reason=\"%s\"",
                (long long)turn->share.id, dse_worker_pid(worker), err.text);
        dse_worker_kill(worker);
        return;
    }
    turn->phase[0] = '\0';
    look_at_progress(s, turn, status, &err);
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
    look_at_progress(s, turn, status, &err);
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
        look_at_progress(s, turn, DSE_OK, NULL);
        return;
    }
    int64_t sweep_id = turn->share.id;
    (void)dse_err_set(&why, status, "%s", text);
    end_turn(s, turn);
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

static void take_beat(struct dse_scheduler *s, const struct dse_worker_notes *notes,
                      const struct dse_msg_worker_beat *beat) {
    struct turn *turn = notes->turn == 0 ? NULL : find_turn(s, notes->turn);
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
        finish_preparation(s, preparation, DSE_WORKER, &why);
    } else if (notes->opening) {
        take_open_failure(s, notes, DSE_WORKER, "the worker ended while it opened model and data");
    } else {
        return_task(s, notes, dse_worker_end_reason(worker));
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
    dispatch(scheduler);
}

static void free_scheduler(uv_handle_t *timer) {
    dse_free(timer->data);
}

void dse_scheduler_close(struct dse_scheduler *scheduler, bool at_once) {
    struct dse_err why = {0};
    (void)dse_err_set(&why, DSE_FAILED, "the daemon is stopping");
    while (scheduler->preparations != NULL)
        finish_preparation(scheduler, scheduler->preparations, DSE_FAILED, &why);
    dse_pool_close(scheduler->pool, at_once);
    for (int i = 0; i < scheduler->n_turns; i++)
        free_turn(scheduler->turns[i]);
    scheduler->n_turns = 0;
    uv_close((uv_handle_t *)&scheduler->space_retry, free_scheduler);
}

void dse_scheduler_prepare(struct dse_scheduler *scheduler, struct dse_preparation *preparation) {
    struct dse_preparation **end = &scheduler->preparations;
    while (*end != NULL)
        end = &(*end)->next;
    *end = preparation;
    dispatch(scheduler);
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
        end_turn(s, turn);
    return DSE_OK;
}

void dse_scheduler_kick(struct dse_scheduler *scheduler) {
    struct dse_err err = {0};
    enum dse_status status = DSE_OK;
    for (int i = scheduler->n_turns - 1; status == DSE_OK && i >= 0; i--)
        status = follow_state(scheduler, scheduler->turns[i], &err);
    if (status != DSE_OK)
        report_fatal(scheduler, &err);
    scheduler->is_stale = true;
    dispatch(scheduler);
}

int dse_scheduler_workers(const struct dse_scheduler *scheduler) {
    return dse_pool_size(scheduler->pool);
}

struct dse_pool *dse_scheduler_pool(const struct dse_scheduler *scheduler) {
    return scheduler->pool;
}

struct dse_live_sweep dse_scheduler_live(const struct dse_scheduler *scheduler, int64_t sweep_id) {
    struct dse_live_sweep live = {.phase = "", .no_space = ""};
    const struct turn *turn = turn_of_sweep(scheduler, sweep_id);
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
    live.hypervolume = dse_explorer_hypervolume(turn->explorer);
    return live;
}
