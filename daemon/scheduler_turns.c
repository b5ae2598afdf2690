/* The sweeps that share the workers: taken up, given up, and done. */
#include "daemon/scheduler_internal.h"

#include <stdio.h>

struct turn *daemon__find_turn(const struct dse_scheduler *s, int64_t number) {
    for (int i = 0; i < s->n_turns; i++)
        if (s->turns[i]->number == number)
            return s->turns[i];
    return NULL;
}

struct turn *daemon__turn_of_sweep(const struct dse_scheduler *s, int64_t sweep_id) {
    for (int i = 0; i < s->n_turns; i++)
        if (s->turns[i]->share.id == sweep_id)
            return s->turns[i];
    return NULL;
}

void daemon__free_turn(struct turn *turn) {
    dse_explorer_free(turn->explorer);
    dse_free(turn);
}

void daemon__end_turn(struct dse_scheduler *s, struct turn *turn) {
    int at = 0;
    while (s->turns[at] != turn)
        at++;
    for (s->n_turns--; at < s->n_turns; at++)
        s->turns[at] = s->turns[at + 1];
    daemon__free_turn(turn);
    s->is_stale = true; /* another may have its place */
}

void daemon__leave_turn(struct dse_scheduler *s, struct turn *turn) {
    dse_front_cache_put_take(&s->fronts, s->store, turn->share.id,
                             dse_explorer_take_front(turn->explorer));
    daemon__end_turn(s, turn);
}

int daemon__gather_shares(const struct dse_scheduler *s, const struct dse_share **shares) {
    for (int i = 0; i < s->n_turns; i++)
        shares[i] = &s->turns[i]->share;
    return s->n_turns;
}

enum dse_status daemon__mark_failed(struct dse_scheduler *s, int64_t sweep_id,
                                    const struct dse_err *why, struct dse_err *err) {
    dse_log(DSE_LOG_ERROR, "scheduler", "sweep_failed", DSE_LOG_INT("sweep", sweep_id),
            DSE_LOG_TEXT("reason", why->text));
    DSE_TRY(dse_store_set_sweep_state(s->store, sweep_id, DSE_SWEEP_FAILED, why->text,
                                      dse_clock_wall_ms(), err));
    s->events.changed(s->context, sweep_id);
    return DSE_OK;
}

static void end_finished(struct dse_scheduler *s, struct turn *turn) {
    int64_t sweep_id = turn->share.id;
    dse_log(DSE_LOG_INFO, "scheduler", "sweep_done", DSE_LOG_INT("sweep", sweep_id));
    daemon__leave_turn(s, turn);
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
            return daemon__mark_failed(s, sweep_id, &why, err);
        return dse_err_set(err, status, "sweep %lld: %s", (long long)sweep_id, why.text);
    }
    turn->share = (struct dse_share){.id = sweep_id, .priority = priority};
    turn->began_ms = dse_clock_mono_ms();
    turn->number = ++s->last_turn;
    dse_share_join(&turn->share, shares, daemon__gather_shares(s, shares), turn->began_ms);
    (void)snprintf(turn->phase, sizeof turn->phase, "starting");
    s->turns[s->n_turns++] = turn;
    dse_log(DSE_LOG_INFO, "scheduler", "sweep_taken_up", DSE_LOG_INT("sweep", sweep_id),
            DSE_LOG_INT("priority", priority));
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
    daemon__end_turn(s, least);
    return true;
}

enum dse_status daemon__take_up_sweeps(struct dse_scheduler *s, struct dse_err *err) {
    int64_t ids[DSE_SHARES_MAX], priorities[DSE_SHARES_MAX];
    int n;
    while (s->is_stale) {
        s->is_stale = false; /* a sweep that is finished at once sets it again */
        DSE_TRY(dse_store_open_sweeps(s->store, ids, priorities, DSE_SHARES_MAX, &n, err));
        for (int i = 0; i < n; i++) {
            struct turn *turn = daemon__turn_of_sweep(s, ids[i]);
            if (turn != NULL)
                turn->share.priority = priorities[i];
            else if (make_room(s, priorities[i]))
                DSE_TRY(begin_turn(s, ids[i], priorities[i], err));
        }
    }
    return DSE_OK;
}

/* After partials were taken or a task returned. */
void daemon__look_at_progress(struct dse_scheduler *s, struct turn *turn, enum dse_status status,
                              const struct dse_err *why) {
    if (status != DSE_OK) {
        daemon__report_fatal(s, why);
        return;
    }
    if (dse_explorer_finished(turn->explorer)) {
        end_finished(s, turn);
        return;
    }
    s->events.changed(s->context, turn->share.id);
    if (turn->is_draining && turn->share.in_work == 0)
        daemon__leave_turn(s, turn);
}

enum dse_status dse_scheduler_front(struct dse_scheduler *scheduler,
                                    const struct dse_sweep_row *sweep,
                                    const struct dse_space *space, struct dse_front_list **list,
                                    struct dse_err *err) {
    const struct turn *turn = daemon__turn_of_sweep(scheduler, sweep->id);
    if (turn == NULL)
        return dse_front_cache_get(&scheduler->fronts, scheduler->store, sweep, space, list, err);
    *list = dse_explorer_front(turn->explorer);
    return DSE_OK;
}
