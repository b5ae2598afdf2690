/* Tasks: cut from the individuals without a result, given out, taken back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

/* A task that has cost this many workers is cut up; a single candidate fails. */
enum { ATTEMPTS_MAX = 5 };

/* By layer settings, so that neighbours share prefixes; the float32 baseline (0 bits) first. */
static int compare_members(const struct member *a, const struct member *b) {
    for (int l = 0; l < a->candidate.n_layers; l++) {
        int by_input = a->candidate.input_bits[l] - b->candidate.input_bits[l];
        int by_weight = a->candidate.weight_bits[l] - b->candidate.weight_bits[l];
        int by_dropout = a->candidate.dropout[l] - b->candidate.dropout[l];
        if (by_input != 0 || by_weight != 0)
            return by_input != 0 ? by_input : by_weight;
        if (by_dropout != 0)
            return by_dropout;
    }
    return a->row.slot - b->row.slot;
}

static int compare_indices(const void *a, const void *b, void *wave) {
    const struct member *members = wave;
    return compare_members(&members[*(const int *)a], &members[*(const int *)b]);
}

static enum dse_status add_task(struct dse_explorer *ex, int shard, const int *members, int n,
                                struct dse_task ***end, struct dse_err *err) {
    struct dse_task *task = dse_arena_alloc(&ex->wave_arena, 1, sizeof *task);
    int *copy = dse_arena_alloc(&ex->wave_arena, (size_t)n, sizeof *copy);
    if (task == NULL || copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for tasks");
    memcpy(copy, members, (size_t)n * sizeof *copy);
    *task = (struct dse_task){.shard = shard, .members = copy, .n_members = n};
    **end = task;
    *end = &task->next;
    return DSE_OK;
}

/* The float32 network shares no work with the others: a task of its own. */
static bool may_join(const struct dse_explorer *ex, int first, int next) {
    return ex->wave[first].row.generation == ex->wave[next].row.generation;
}

static enum dse_status cut_shard(struct dse_explorer *ex, int shard, const int *lacking, int n,
                                 struct dse_task ***end, struct dse_err *err) {
    int group = (int)ex->workload.execution_group;
    for (int first = 0; first < n;) {
        int last = first + 1;
        while (last < n && last - first < group && may_join(ex, lacking[first], lacking[last]))
            last++;
        DSE_TRY(add_task(ex, shard, lacking + first, last - first, end, err));
        first = last;
    }
    return DSE_OK;
}

static int compare_evaluations(const void *a, const void *b, void *wave) {
    const struct member *members = wave;
    int x = *(const int *)a, y = *(const int *)b;
    int64_t of_x = members[x].row.evaluation_id, of_y = members[y].row.evaluation_id;
    return of_x != of_y ? (of_x < of_y ? -1 : 1) : (x > y) - (x < y);
}

/* Members that share an evaluation need it once: the first one does the work, and finishes the
 * others with it. order: room for the indices of all members. */
static void leave_shared_to_first(struct dse_explorer *ex, int *order, bool *have) {
    size_t n = (size_t)ex->n_wave, shards = (size_t)ex->n_shards;
    for (int i = 0; i < ex->n_wave; i++)
        order[i] = i;
    if (n > 1)
        qsort_r(order, n, sizeof *order, compare_evaluations, ex->wave);
    for (int first = 0, end; first < ex->n_wave; first = end) {
        int64_t evaluation = ex->wave[order[first]].row.evaluation_id;
        for (end = first + 1;
             end < ex->n_wave && ex->wave[order[end]].row.evaluation_id == evaluation; end++) {
            ex->wave[order[end - 1]].next = order[end];
            ex->wave[order[end]].follows = true;
            memset(have + (size_t)order[end] * shards, true, shards * sizeof *have);
        }
        ex->wave[order[end - 1]].next = order[first];
    }
}

/* Finishes what needs no work any more: all its shards were there. */
static enum dse_status finish_complete_members(struct dse_explorer *ex, struct dse_err *err) {
    bool any = false;
    for (int i = 0; i < ex->n_wave; i++)
        any = any || (ex->wave[i].missing_shards == 0 && !ex->wave[i].follows);
    if (!any)
        return DSE_OK;
    DSE_TRY(dse_store_begin(ex->store, err));
    enum dse_status status = DSE_OK;
    for (int i = 0; status == DSE_OK && i < ex->n_wave; i++)
        if (ex->wave[i].missing_shards == 0 && !ex->wave[i].follows)
            status = dse_explorer__finish_member(ex, &ex->wave[i], DSE_RESULT_DONE, "", err);
    return dse_store_finish(ex->store, status, err);
}

enum dse_status dse_explorer__make_tasks(struct dse_explorer *ex, struct dse_err *err) {
    size_t n = (size_t)ex->n_wave, shards = (size_t)ex->n_shards;
    int *order = dse_arena_alloc(&ex->wave_arena, n, sizeof *order);
    int *lacking = dse_arena_alloc(&ex->wave_arena, n, sizeof *lacking);
    bool *have = dse_arena_alloc(&ex->wave_arena, n * shards, sizeof *have);
    if (order == NULL || lacking == NULL || have == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for tasks");
    for (int i = 0; i < ex->n_wave; i++) {
        bool *of_member = have + (size_t)i * shards;
        DSE_TRY(dse_store_load_shards(ex->store, ex->wave[i].row.evaluation_id, of_member,
                                      ex->n_shards, err));
        for (int s = 0; s < ex->n_shards; s++)
            ex->wave[i].missing_shards += !of_member[s];
    }
    leave_shared_to_first(ex, order, have);
    DSE_TRY(finish_complete_members(ex, err));
    for (int i = 0; i < ex->n_wave; i++)
        order[i] = i;
    if (n > 0)
        qsort_r(order, n, sizeof *order, compare_indices, ex->wave);
    struct dse_task **end = &ex->tasks;
    for (int s = 0; s < ex->n_shards; s++) {
        int n_lacking = 0;
        for (int i = 0; i < ex->n_wave; i++)
            if (!have[(size_t)order[i] * shards + (size_t)s])
                lacking[n_lacking++] = order[i];
        DSE_TRY(cut_shard(ex, s, lacking, n_lacking, &end, err));
    }
    return DSE_OK;
}

struct dse_task *dse_explorer_next_task(struct dse_explorer *ex, uint64_t shards_held) {
    struct dse_task *first = NULL;
    for (struct dse_task *task = ex->tasks; task != NULL; task = task->next) {
        if (task->in_work)
            continue;
        if (first == NULL)
            first = task;
        if (shards_held >> (task->shard % 64) & 1) {
            first = task;
            break;
        }
    }
    if (first != NULL)
        first->in_work = true;
    return first;
}

static int64_t *copy_bits(const int *bits, int n, struct dse_arena *arena) {
    int64_t *copy = dse_arena_alloc(arena, (size_t)n, sizeof *copy);
    for (int i = 0; copy != NULL && i < n; i++)
        copy[i] = bits[i];
    return copy;
}

static bool any_dropout(const struct dse_candidate *candidate) {
    for (int l = 0; candidate->dropout != NULL && l < candidate->n_layers; l++)
        if (candidate->dropout[l] > 0)
            return true;
    return false;
}

enum dse_status dse_explorer_describe_task(const struct dse_explorer *ex,
                                           const struct dse_task *task, int64_t fence,
                                           struct dse_arena *arena, struct dse_msg_task *message,
                                           struct dse_err *err) {
    struct dse_msg_candidate *candidates =
        dse_arena_alloc(arena, (size_t)task->n_members, sizeof *candidates);
    if (candidates == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a task");
    for (int i = 0; i < task->n_members; i++) {
        const struct dse_candidate *from = &ex->wave[task->members[i]].candidate;
        candidates[i] = (struct dse_msg_candidate){
            .key = task->members[i],
            .input_bits = copy_bits(from->input_bits, from->n_layers, arena),
            .input_bits_n = from->n_layers,
            .weight_bits = copy_bits(from->weight_bits, from->n_layers, arena),
            .weight_bits_n = from->n_layers,
            .passes = from->passes,
            .genes = from->genes,
            .genes_n = from->n_genes,
        };
        if (any_dropout(from)) {
            candidates[i].dropout = copy_bits(from->dropout, from->n_layers, arena);
            candidates[i].dropout_n = from->n_layers;
        }
        if (candidates[i].input_bits == NULL || candidates[i].weight_bits == NULL ||
            (candidates[i].dropout_n > 0 && candidates[i].dropout == NULL))
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a task");
    }
    *message = (struct dse_msg_task){
        .task = fence,
        .hash = ex->context.hash,
        .shard = task->shard,
        .candidates = candidates,
        .candidates_n = task->n_members,
    };
    return DSE_OK;
}

static void remove_task(struct dse_explorer *ex, struct dse_task *task) {
    struct dse_task **link = &ex->tasks;
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
}

/* The next generation, once nobody works on this one any more. */
static enum dse_status advance_when_whole(struct dse_explorer *ex, struct dse_err *err) {
    if (ex->aborted)
        return dse_explorer__advance(ex, err);
    if (ex->n_unfinished > 0)
        return DSE_OK;
    for (const struct dse_task *task = ex->tasks; task != NULL; task = task->next)
        if (task->in_work)
            return DSE_OK;
    return dse_explorer__advance(ex, err);
}

/* The workload wants no failure: the sweep ends here, in the same transaction. */
static enum dse_status abort_sweep(struct dse_explorer *ex, const struct dse_individual_row *row,
                                   struct dse_err *err) {
    char *reason = dse_arena_printf(&ex->wave_arena, "individual %d.%d failed: %s", row->generation,
                                    row->slot, row->reason);
    if (reason == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a reason");
    ex->aborted = true;
    return dse_store_set_sweep_state(ex->store, ex->sweep_id, DSE_SWEEP_FAILED, reason,
                                     dse_clock_wall_ms(), err);
}

static enum dse_status finish_row(struct dse_explorer *ex, struct member *member,
                                  enum dse_result_state state, const char *reason,
                                  struct dse_err *err) {
    struct dse_individual_row *row = &member->row;
    row->state = state;
    row->reason = reason;
    if (state == DSE_RESULT_DONE)
        DSE_TRY(dse_explorer__measure(ex, &member->candidate, row, err));
    DSE_TRY(dse_store_update_individual(ex->store, row, err));
    if (row->state == DSE_RESULT_FAILED && strcmp(ex->workload.execution_on_failure, "abort") == 0)
        DSE_TRY(abort_sweep(ex, row, err));
    ex->n_unfinished--;
    ex->finished_individuals++;
    return DSE_OK;
}

enum dse_status dse_explorer__finish_member(struct dse_explorer *ex, struct member *member,
                                            enum dse_result_state state, const char *reason,
                                            struct dse_err *err) {
    struct member *at = member;
    DSE_TRY(dse_store_finish_evaluation(ex->store, member->row.evaluation_id, state, reason, err));
    do {
        if (at->row.state == DSE_RESULT_PENDING)
            DSE_TRY(finish_row(ex, at, state, reason, err));
        at = &ex->wave[at->next];
    } while (at != member);
    return DSE_OK;
}

static struct dse_outcome outcome_of(const struct dse_explorer *ex,
                                     const struct dse_msg_partial *result) {
    return (struct dse_outcome){
        .tallies = result->tallies,
        .n_cells = ex->n_cells,
        .tally_size = ex->n_cells > 0 ? result->tallies_n / ex->n_cells : 0,
        .values = result->values,
        .n_values = result->values_n,
        .names = result->names,
        .n_names = result->names_n,
    };
}

/* The store checks again; here a worker that talks nonsense costs its task, not the daemon. */
static enum dse_status check_outcome(const struct dse_explorer *ex,
                                     const struct dse_msg_partial *result, struct dse_err *err) {
    struct dse_outcome outcome = outcome_of(ex, result);
    if (result->failure != NULL)
        return DSE_OK;
    bool fits = result->tallies_n == outcome.n_cells * outcome.tally_size &&
                result->names_n <= result->values_n &&
                (ex->prepared->tally == 0 || outcome.tally_size == ex->prepared->tally);
    if (!fits || (outcome.n_cells == 0 && outcome.n_values == 0))
        DSE_FAIL(err, DSE_PROTOCOL, "%d words and %d values do not answer a candidate",
                 result->tallies_n, result->values_n);
    for (int c = 0; c < outcome.n_cells; c++)
        if (!dse_tally_possible(dse_outcome_cell(&outcome, c), outcome.tally_size))
            DSE_FAIL(err, DSE_PROTOCOL, "the tally of cell %d cannot be", c);
    for (int v = 0; v < outcome.n_values; v++)
        if (!isfinite(outcome.values[v]))
            DSE_FAIL(err, DSE_PROTOCOL, "value %d is not a number", v);
    return DSE_OK;
}

static enum dse_status check_partials(const struct dse_explorer *ex, const struct dse_task *task,
                                      const struct dse_msg_partials *partials,
                                      struct dse_err *err) {
    if (partials->results_n != task->n_members)
        DSE_FAIL(err, DSE_PROTOCOL, "a task of %d candidates was answered by %d partials",
                 task->n_members, partials->results_n);
    for (int i = 0; i < task->n_members; i++) {
        const struct dse_msg_partial *result = &partials->results[i];
        if (result->key != task->members[i])
            DSE_FAIL(err, DSE_PROTOCOL, "partial %d does not answer its candidate", i);
        if (check_outcome(ex, result, err) != DSE_OK)
            return dse_err_prefix(err, "partial %d", i);
    }
    return DSE_OK;
}

static enum dse_status keep_records(struct dse_explorer *ex, int64_t evaluation_id, int shard,
                                    const struct dse_msg_partial *result, struct dse_err *err) {
    struct dse_buf bytes = {0};
    if (result->records == NULL || *result->records == '\0')
        return DSE_OK;
    enum dse_status status = dse_base64_decode(result->records, &bytes, err);
    if (status == DSE_OK)
        status =
            dse_store_put_records(ex->store, evaluation_id, shard, bytes.data, bytes.size, err);
    dse_buf_fini(&bytes);
    return status;
}

/* The evaluation itself failed: it is tried again, or that is its result. */
static enum dse_status take_failure(struct dse_explorer *ex, const struct dse_task *task, int i,
                                    const char *failure, struct dse_err *err) {
    struct member *member = &ex->wave[task->members[i]];
    struct dse_task *again = NULL, **end = &again;
    if (member->failures++ < ex->workload.execution_retry) {
        DSE_TRY(add_task(ex, task->shard, &task->members[i], 1, &end, err));
        again->next = ex->tasks;
        ex->tasks = again;
        return DSE_OK;
    }
    char *reason = dse_arena_strdup(&ex->wave_arena, failure);
    if (reason == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a reason");
    return dse_explorer__finish_member(ex, member, DSE_RESULT_FAILED, reason, err);
}

static enum dse_status write_partials(struct dse_explorer *ex, const struct dse_task *task,
                                      const struct dse_msg_partials *partials,
                                      struct dse_err *err) {
    for (int i = 0; i < task->n_members; i++) {
        struct member *member = &ex->wave[task->members[i]];
        const struct dse_msg_partial *result = &partials->results[i];
        if (member->row.state != DSE_RESULT_PENDING)
            continue; /* given up while this task was in work */
        if (result->failure != NULL) {
            DSE_TRY(take_failure(ex, task, i, result->failure, err));
            continue;
        }
        struct dse_outcome outcome = outcome_of(ex, result);
        DSE_TRY(keep_records(ex, member->row.evaluation_id, task->shard, result, err));
        DSE_TRY(dse_store_put_partial(ex->store, member->row.evaluation_id, task->shard, &outcome,
                                      err));
        if (--member->missing_shards == 0)
            DSE_TRY(dse_explorer__finish_member(ex, member, DSE_RESULT_DONE, "", err));
    }
    return DSE_OK;
}

enum dse_status dse_explorer_take(struct dse_explorer *ex, struct dse_task *task,
                                  const struct dse_msg_partials *partials, struct dse_err *err) {
    enum dse_status status = check_partials(ex, task, partials, err);
    if (status != DSE_OK) {
        task->in_work = false;
        return status;
    }
    DSE_TRY(dse_store_begin(ex->store, err));
    status = write_partials(ex, task, partials, err);
    DSE_TRY(dse_store_finish(ex->store, status, err));
    remove_task(ex, task);
    return advance_when_whole(ex, err);
}

/* Each candidate of the task becomes a task of its own. */
static enum dse_status cut_up(struct dse_explorer *ex, struct dse_task *task, struct dse_err *err) {
    struct dse_task *first = NULL, **end = &first;
    for (int i = 0; i < task->n_members; i++)
        DSE_TRY(add_task(ex, task->shard, &task->members[i], 1, &end, err));
    remove_task(ex, task);
    *end = ex->tasks;
    ex->tasks = first;
    return DSE_OK;
}

/* Candidates that were given up need nothing of this task any more. */
static void drop_finished_members(const struct dse_explorer *ex, struct dse_task *task) {
    int kept = 0;
    for (int i = 0; i < task->n_members; i++)
        if (ex->wave[task->members[i]].row.state == DSE_RESULT_PENDING)
            task->members[kept++] = task->members[i];
    task->n_members = kept;
}

static void drop_finished_from_waiting_tasks(struct dse_explorer *ex) {
    for (struct dse_task **link = &ex->tasks; *link != NULL;) {
        struct dse_task *task = *link;
        if (!task->in_work)
            drop_finished_members(ex, task);
        if (task->n_members == 0)
            *link = task->next;
        else
            link = &task->next;
    }
}

static enum dse_status give_up(struct dse_explorer *ex, struct member *member, const char *reason,
                               struct dse_err *err) {
    char *text = dse_arena_printf(&ex->wave_arena, "given up after %d attempts: %s",
                                  (int)ATTEMPTS_MAX, reason);
    if (text == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a reason");
    DSE_TRY(dse_store_begin(ex->store, err));
    enum dse_status status = dse_explorer__finish_member(ex, member, DSE_RESULT_FAILED, text, err);
    return dse_store_finish(ex->store, status, err);
}

enum dse_status dse_explorer_return(struct dse_explorer *ex, struct dse_task *task,
                                    const char *reason, struct dse_err *err) {
    task->in_work = false;
    task->attempts++;
    drop_finished_members(ex, task);
    if (task->n_members > 0 && task->attempts < ATTEMPTS_MAX)
        return DSE_OK;
    if (task->n_members > 1)
        return cut_up(ex, task, err);
    if (task->n_members == 1)
        DSE_TRY(give_up(ex, &ex->wave[task->members[0]], reason, err));
    drop_finished_from_waiting_tasks(ex);
    return advance_when_whole(ex, err);
}
