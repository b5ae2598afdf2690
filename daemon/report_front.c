/* The front as a record: as it is kept, or asked again for other metrics of the evaluations that
 * are stored, which costs no inference. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/report_internal.h"

static enum dse_status no_memory(struct dse_err *err) {
    return dse_err_set(err, DSE_NO_MEMORY, "out of memory for a front");
}

/* What is asked of every individual. */
struct question {
    struct dse_store *store;
    const struct daemon__decoder *decoder;
    const struct dse_outcome *baseline;
    struct dse_metric metrics[DSE_MAX_OBJECTIVES];
    struct dse_space space; /* objectives only */
    bool again;             /* for other metrics than the sweep's */
    bool with_estimates, with_second_looks;
    const struct dse_sweep_row *sweep; /* NULL for a single individual */
};

/* Members of an answer: it is quick, and well under the longest line. Asked again, every part costs
 * all of the sweep. */
enum { MEMBERS_MAX = 1000, WITH_ESTIMATES_MAX = 250, AGAIN_MAX = 4000 };

static enum dse_status read_metric(struct question *question, const char *name,
                                   struct dse_err *err) {
    struct dse_space *space = &question->space;
    struct dse_metric *metric = &question->metrics[space->n_objectives];
    DSE_TRY(dse_metric_parse(name, strlen(name), metric, err));
    DSE_TRY(dse_metric_check(metric, &question->decoder->model, err));
    struct dse_objective *objective = &space->objectives[space->n_objectives++];
    memcpy(objective->metric, metric->name, sizeof objective->metric);
    objective->sense = metric->sense;
    return DSE_OK;
}

static enum dse_status load_baseline(struct question *question, int64_t sweep_id,
                                     struct dse_arena *arena, struct dse_err *err) {
    return dse_context_load_baseline(question->store, sweep_id, &question->decoder->model, arena,
                                     &question->baseline, err);
}

/* The candidate's values; all of them, or none where one is not known. */
static enum dse_status estimate_row(const struct question *question,
                                    const struct dse_individual_row *row,
                                    struct dse_estimate estimates[DSE_MAX_OBJECTIVES],
                                    struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_candidate candidate;
    struct dse_outcome outcome = {0};
    enum dse_status status = daemon__load_result(question->store, question->decoder, row, &arena,
                                                 &candidate, &outcome, err);
    if (status == DSE_OK) {
        const struct dse_evidence evidence = {
            .model = &question->decoder->model,
            .candidate = &candidate,
            .outcome = &outcome,
            .baseline = question->baseline,
        };
        for (int i = 0; i < question->space.n_objectives; i++)
            estimates[i] = dse_metric_estimate(&question->metrics[i], &evidence);
        dse_candidate_fini(&candidate);
    }
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status add_estimates(const struct question *question,
                                     const struct dse_individual_row *row, struct dse_arena *arena,
                                     struct dse_msg_individual *individual, struct dse_err *err) {
    int n = question->space.n_objectives;
    struct dse_estimate found[DSE_MAX_OBJECTIVES];
    struct dse_msg_estimate *estimates = dse_arena_alloc(arena, (size_t)n, sizeof *estimates);
    if (estimates == NULL)
        return no_memory(err);
    DSE_TRY(estimate_row(question, row, found, err));
    for (int i = 0; i < n; i++)
        estimates[i] = (struct dse_msg_estimate){
            .metric = question->space.objectives[i].metric,
            .value = found[i].value,
            .low = found[i].low,
            .high = found[i].high,
            .images = found[i].images,
        };
    individual->estimates = estimates;
    individual->estimates_n = n;
    return DSE_OK;
}

static enum dse_status own_question(struct dse_store *store, const struct daemon__decoder *decoder,
                                    int64_t sweep_id, struct dse_arena *arena,
                                    struct question **question, struct dse_err *err) {
    struct question *made = dse_arena_alloc(arena, 1, sizeof *made);
    if (made == NULL)
        return no_memory(err);
    made->store = store;
    made->decoder = decoder;
    for (int i = 0; i < decoder->space.n_objectives; i++)
        DSE_TRY(read_metric(made, decoder->space.objectives[i].metric, err));
    *question = made;
    return load_baseline(made, sweep_id, arena, err);
}

enum dse_status daemon__estimate_own(struct dse_store *store, const struct daemon__decoder *decoder,
                                     const struct dse_individual_row *row, struct dse_arena *arena,
                                     struct dse_msg_individual *individual, struct dse_err *err) {
    struct question *question = NULL;
    if (decoder->space.kind != DSE_SPACE_OF_METRICS || row->state != DSE_RESULT_DONE)
        return DSE_OK;
    DSE_TRY(own_question(store, decoder, row->sweep_id, arena, &question, err));
    return add_estimates(question, row, arena, individual, err);
}

/* ---- asking again ---- */

/* The feasible individuals that have all values, with these as their objectives. */
static enum dse_status measure_again(const struct question *question,
                                     struct dse_individual_row *rows, int *n, struct dse_err *err) {
    int kept = 0;
    for (int i = 0; i < *n; i++) {
        struct dse_estimate found[DSE_MAX_OBJECTIVES];
        bool has_values = true;
        if (rows[i].state != DSE_RESULT_DONE || rows[i].violation > 0)
            continue;
        DSE_TRY(estimate_row(question, &rows[i], found, err));
        rows[i].n_objectives = question->space.n_objectives;
        for (int k = 0; k < rows[i].n_objectives; k++) {
            rows[i].objectives[k] = found[k].value;
            has_values = has_values && isfinite(found[k].value);
        }
        if (has_values)
            rows[kept++] = rows[i];
    }
    *n = kept;
    return DSE_OK;
}

static int compare_genomes(const void *a, const void *b) {
    const struct dse_individual_row *const *x = a, *const *y = b;
    int by_genome = strcmp((*x)->genome, (*y)->genome);
    return by_genome != 0 ? by_genome : (*x > *y) - (*x < *y); /* then by birth */
}

/* Those that none dominates; of equal genomes the first. */
static enum dse_status keep_front(const struct question *question, struct dse_individual_row *rows,
                                  int *n, struct dse_arena *arena, struct dse_err *err) {
    size_t n_rows = (size_t)*n;
    struct dse_individual *pool = dse_arena_alloc(arena, n_rows, sizeof *pool);
    const struct dse_individual_row **order = dse_arena_alloc(arena, n_rows, sizeof(void *));
    int *survivors = dse_arena_alloc(arena, n_rows, sizeof *survivors);
    int kept = 0;
    if (pool == NULL || order == NULL || survivors == NULL)
        return no_memory(err);
    if (n_rows == 0)
        return DSE_OK;
    for (size_t i = 0; i < n_rows; i++) {
        pool[i].objectives = rows[i].objectives;
        order[i] = &rows[i];
    }
    DSE_TRY(dse_search_survive(&question->space, pool, *n, *n, survivors, err));
    qsort(order, n_rows, sizeof(void *), compare_genomes);
    for (size_t i = 1; i < n_rows; i++)
        if (strcmp(order[i]->genome, order[i - 1]->genome) == 0)
            pool[order[i] - rows].rank = 1; /* not the front's */
    for (size_t i = 0; i < n_rows; i++)
        if (pool[i].rank == 0)
            rows[kept++] = rows[i];
    *n = kept;
    return DSE_OK;
}

/* ---- the record ---- */

/* Whose front it is: the rows of all its members, where it was measured again, and their order. */
struct ordered {
    struct dse_individual_row *rows; /* by birth; NULL: they are in the store */
    int n_rows;
    struct dse_front_list *list;
    bool own_list; /* the caller's to free */
};

static enum dse_status order_again(const struct question *question, int64_t sweep_id,
                                   struct dse_arena *arena, struct ordered *ordered,
                                   struct dse_err *err) {
    DSE_TRY(dse_store_load_individuals(question->store, sweep_id, DSE_SELECT_ALL, 0, arena,
                                       &ordered->rows, &ordered->n_rows, err));
    DSE_TRY(measure_again(question, ordered->rows, &ordered->n_rows, err));
    DSE_TRY(keep_front(question, ordered->rows, &ordered->n_rows, arena, err));
    DSE_TRY(dse_front_list_new(&question->space, &ordered->list, err));
    ordered->own_list = true;
    for (int i = 0; i < ordered->n_rows; i++) {
        struct dse_front_entry entry = dse_front_entry_of(&ordered->rows[i]);
        DSE_TRY(dse_front_list_add(ordered->list, &entry, err));
    }
    return DSE_OK;
}

static enum dse_status order_members(const struct question *question,
                                     struct dse_scheduler *scheduler, struct dse_arena *arena,
                                     struct ordered *ordered, struct dse_err *err) {
    const struct dse_space *space = &question->decoder->space;
    if (question->again)
        return order_again(question, question->sweep->id, arena, ordered, err);
    if (scheduler != NULL)
        return dse_scheduler_front(scheduler, question->sweep, space, &ordered->list, err);
    ordered->own_list = true;
    return dse_front_list_load(question->store, question->sweep->id, space, &ordered->list, err);
}

static int compare_births(const void *entry, const void *row) {
    const struct dse_front_entry *x = entry;
    const struct dse_individual_row *y = row;
    if (x->generation != y->generation)
        return x->generation < y->generation ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static enum dse_status load_member(const struct question *question, const struct ordered *ordered,
                                   const struct dse_front_entry *entry, struct dse_arena *arena,
                                   struct dse_individual_row *row, struct dse_err *err) {
    if (ordered->rows == NULL)
        return dse_store_load_individual(question->store, question->sweep->id, entry->generation,
                                         entry->slot, arena, row, err);
    const struct dse_individual_row *found = bsearch(entry, ordered->rows, (size_t)ordered->n_rows,
                                                     sizeof *ordered->rows, compare_births);
    dse_assert(found != NULL);
    *row = *found;
    return DSE_OK;
}

/* The entry of somebody who is or was in the front. */
static enum dse_status find_place(const struct question *question, const char *name,
                                  struct dse_arena *arena, struct dse_front_entry *entry,
                                  struct dse_err *err) {
    struct dse_individual_row row;
    int generation, slot, n = 1;
    if (!dse_front_part_read_birth(name, &generation, &slot))
        DSE_FAIL(err, DSE_INVALID, "after: '%.40s' is no individual as \"next\" names it", name);
    DSE_TRY(dse_store_load_individual(question->store, question->sweep->id, generation, slot, arena,
                                      &row, err));
    if (question->again)
        DSE_TRY(measure_again(question, &row, &n, err));
    if (n == 0 || row.state != DSE_RESULT_DONE || row.violation > 0)
        DSE_FAIL(err, DSE_INVALID, "after: '%.40s' has no place in a front", name);
    *entry = dse_front_entry_of(&row);
    return DSE_OK;
}

static enum dse_status describe_members(const struct question *question,
                                        const struct ordered *ordered,
                                        const struct dse_front_entry *entries,
                                        const struct dse_front_part *part, struct dse_arena *arena,
                                        struct dse_msg_front *front, struct dse_err *err) {
    size_t n = (size_t)part->n;
    struct dse_individual_row *rows = dse_arena_alloc(arena, n, sizeof *rows);
    struct dse_msg_individual *members = dse_arena_alloc(arena, n, sizeof *members);
    if (rows == NULL || members == NULL)
        return no_memory(err);
    for (int i = 0; i < part->n; i++) {
        DSE_TRY(load_member(question, ordered, &entries[dse_front_part_index(part, i)], arena,
                            &rows[i], err));
        members[i] = daemon__describe_individual(&rows[i]);
        members[i].in_front = true;
        DSE_TRY(daemon__add_settings(question->decoder, &rows[i], arena, &members[i], err));
        if (question->with_estimates)
            DSE_TRY(add_estimates(question, &rows[i], arena, &members[i], err));
    }
    const struct daemon__looked_at looked_at = {members, part->n, false};
    if (question->with_second_looks)
        DSE_TRY(
            daemon__add_second_looks(question->store, question->sweep->id, &looked_at, arena, err));
    front->members = members;
    front->members_n = part->n;
    return DSE_OK;
}

static enum dse_status list_part(const struct question *question,
                                 const struct dse_msg_front_query *query,
                                 const struct ordered *ordered, struct dse_arena *arena,
                                 struct dse_msg_front *front, struct dse_err *err) {
    const struct dse_front_entry *entries;
    struct dse_front_entry after;
    struct dse_front_part part;
    int n, first = 0;
    DSE_TRY(dse_front_list_look(ordered->list, &entries, &n, err));
    if (query->after != NULL) {
        DSE_TRY(find_place(question, query->after, arena, &after, err));
        first = dse_front_list_after(ordered->list, &after);
    }
    int most = question->again            ? AGAIN_MAX
               : question->with_estimates ? WITH_ESTIMATES_MAX
                                          : MEMBERS_MAX;
    DSE_TRY(dse_front_part_choose(query, n, first, most, &part, err));
    front->total = n;
    if (part.goes_on) {
        const struct dse_front_entry *last = &entries[dse_front_part_index(&part, part.n - 1)];
        front->next = dse_arena_printf(arena, "%d.%d", last->generation, last->slot);
        if (front->next == NULL)
            return no_memory(err);
    }
    return describe_members(question, ordered, entries, &part, arena, front, err);
}

static enum dse_status list_members(const struct question *question,
                                    struct dse_scheduler *scheduler,
                                    const struct dse_msg_front_query *query,
                                    struct dse_arena *arena, struct dse_msg_front *front,
                                    struct dse_err *err) {
    struct ordered ordered = {0};
    enum dse_status status = order_members(question, scheduler, arena, &ordered, err);
    if (status == DSE_OK)
        status = list_part(question, query, &ordered, arena, front, err);
    if (ordered.own_list)
        dse_front_list_free(ordered.list);
    return status;
}

static enum dse_status add_baseline(const struct question *question, struct dse_arena *arena,
                                    struct dse_msg_front *front, struct dse_err *err) {
    int64_t sweep_id = question->sweep->id;
    struct dse_individual_row *row = dse_arena_alloc(arena, 1, sizeof *row);
    struct dse_msg_individual *baseline = dse_arena_alloc(arena, 1, sizeof *baseline);
    struct dse_err unknown = {0};
    int n = 1;
    if (row == NULL || baseline == NULL)
        return no_memory(err);
    enum dse_status status =
        dse_store_load_individual(question->store, sweep_id, -1, 0, arena, row, &unknown);
    if (status == DSE_NOT_FOUND)
        return DSE_OK; /* the sweep has not begun, or has none */
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", unknown.text);
    row->violation = 0; /* it stands beside the front, feasible or not */
    if (question->again)
        DSE_TRY(measure_again(question, row, &n, err));
    *baseline = daemon__describe_individual(row);
    if (question->with_estimates && row->state == DSE_RESULT_DONE)
        DSE_TRY(add_estimates(question, row, arena, baseline, err));
    const struct daemon__looked_at looked_at = {baseline, 1, false};
    if (question->with_second_looks)
        DSE_TRY(daemon__add_second_looks(question->store, sweep_id, &looked_at, arena, err));
    front->baseline = n == 1 ? baseline : NULL;
    return DSE_OK;
}

/* The metrics of a query, or the sweep's own where it names none. */
static enum dse_status read_question(const struct dse_msg_front_query *query,
                                     struct question *question, struct dse_arena *arena,
                                     struct dse_msg_front *front, struct dse_err *err) {
    const struct daemon__decoder *decoder = question->decoder;
    bool of_metrics = decoder->space.kind == DSE_SPACE_OF_METRICS;
    front->objectives = decoder->spec.objectives;
    front->objectives_n = decoder->spec.objectives_n;
    question->with_second_looks = query->reevaluated && of_metrics && query->objectives_n == 0;
    question->with_estimates = (query->estimates || query->reevaluated) && of_metrics;
    if (query->objectives_n > DSE_MAX_OBJECTIVES)
        DSE_FAIL(err, DSE_INVALID, "%d objectives; at most %d are allowed", query->objectives_n,
                 DSE_MAX_OBJECTIVES);
    if (query->objectives_n > 0 && !of_metrics)
        DSE_FAIL(err, DSE_UNSUPPORTED, "only sweeps over networks can be asked for other metrics");
    for (int i = 0; i < query->objectives_n; i++)
        DSE_TRY(read_metric(question, query->objectives[i], err));
    for (int i = 0; query->objectives_n == 0 && of_metrics && i < decoder->space.n_objectives; i++)
        DSE_TRY(read_metric(question, decoder->space.objectives[i].metric, err));
    DSE_TRY(load_baseline(question, query->sweep, arena, err));
    if (query->objectives_n == 0)
        return DSE_OK;
    return dse_report_objectives(&question->space, arena, &front->objectives, &front->objectives_n,
                                 err);
}

static enum dse_status answer_query(const struct dse_msg_front_query *query,
                                    struct dse_scheduler *scheduler, struct question *question,
                                    struct dse_arena *arena, struct dse_msg_front *front,
                                    struct dse_err *err) {
    DSE_TRY(read_question(query, question, arena, front, err));
    DSE_TRY(list_members(question, scheduler, query, arena, front, err));
    return query->after == NULL ? add_baseline(question, arena, front, err) : DSE_OK;
}

enum dse_status dse_report_front(struct dse_store *store, struct dse_scheduler *scheduler,
                                 const struct dse_msg_front_query *query, struct dse_arena *arena,
                                 struct dse_msg_front *front, struct dse_err *err) {
    struct dse_sweep_row row;
    struct daemon__decoder decoder = {0};
    struct dse_msg_front answer = {0};
    struct dse_msg_sweep *sweep = dse_arena_alloc(arena, 1, sizeof *sweep);
    struct question *question = dse_arena_alloc(arena, 1, sizeof *question);
    if (sweep == NULL || question == NULL)
        return no_memory(err);
    DSE_TRY(dse_store_load_sweep(store, query->sweep, arena, &row, err));
    DSE_TRY(daemon__describe_sweep(store, scheduler, &row, arena, sweep, err));
    answer.sweep = sweep;
    question->store = store;
    question->decoder = &decoder;
    question->sweep = &row;
    question->again = query->objectives_n > 0;
    enum dse_status status = daemon__make_decoder(store, &row, arena, &decoder, err);
    if (status == DSE_OK)
        status = answer_query(query, scheduler, question, arena, &answer, err);
    if (status == DSE_OK)
        *front = answer;
    dse_space_fini(&decoder.space);
    return status;
}
