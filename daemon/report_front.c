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
    bool with_estimates, with_second_looks;
};

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

struct sort_key {
    const struct dse_msg_objective *objectives;
    int n;
};

/* Best first by the first objective, then by the next; then by birth. */
static int compare_members(const void *a, const void *b, void *key) {
    const struct dse_msg_individual *x = a, *y = b;
    const struct sort_key *sort = key;
    for (int k = 0; k < sort->n && k < x->objectives_n && k < y->objectives_n; k++) {
        double difference = x->objectives[k] - y->objectives[k];
        if (strcmp(sort->objectives[k].sense, "maximize") == 0)
            difference = -difference;
        if (difference != 0)
            return difference < 0 ? -1 : 1;
    }
    return x->generation != y->generation ? (x->generation < y->generation ? -1 : 1)
                                          : (x->slot < y->slot ? -1 : 1);
}

static enum dse_status load_rows(const struct question *question, int64_t sweep_id, bool again,
                                 struct dse_arena *arena, struct dse_individual_row **rows, int *n,
                                 struct dse_err *err) {
    DSE_TRY(dse_store_load_individuals(question->store, sweep_id,
                                       again ? DSE_SELECT_ALL : DSE_SELECT_FRONT, 0, arena, rows, n,
                                       err));
    if (!again)
        return DSE_OK;
    DSE_TRY(measure_again(question, *rows, n, err));
    return keep_front(question, *rows, n, arena, err);
}

static enum dse_status list_members(const struct question *question, int64_t sweep_id, bool again,
                                    struct dse_arena *arena, struct dse_msg_front *front,
                                    struct dse_err *err) {
    struct dse_individual_row *rows = NULL;
    int n = 0;
    DSE_TRY(load_rows(question, sweep_id, again, arena, &rows, &n, err));
    struct dse_msg_individual *members = dse_arena_alloc(arena, (size_t)n, sizeof *members);
    if (members == NULL)
        return no_memory(err);
    for (int i = 0; i < n; i++) {
        members[i] = daemon__describe_individual(&rows[i]);
        members[i].in_front = true;
        DSE_TRY(daemon__add_settings(question->decoder, &rows[i], arena, &members[i], err));
        if (question->with_estimates)
            DSE_TRY(add_estimates(question, &rows[i], arena, &members[i], err));
    }
    const struct daemon__looked_at looked_at = {members, n, false};
    if (question->with_second_looks)
        DSE_TRY(daemon__add_second_looks(question->store, sweep_id, &looked_at, arena, err));
    struct sort_key key = {front->objectives, front->objectives_n};
    if (n > 0)
        qsort_r(members, (size_t)n, sizeof *members, compare_members, &key);
    front->members = members;
    front->members_n = n;
    return DSE_OK;
}

static enum dse_status add_baseline(const struct question *question, int64_t sweep_id, bool again,
                                    struct dse_arena *arena, struct dse_msg_front *front,
                                    struct dse_err *err) {
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
    if (again)
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
                                    struct question *question, struct dse_arena *arena,
                                    struct dse_msg_front *front, struct dse_err *err) {
    bool again = query->objectives_n > 0;
    DSE_TRY(read_question(query, question, arena, front, err));
    DSE_TRY(list_members(question, query->sweep, again, arena, front, err));
    return add_baseline(question, query->sweep, again, arena, front, err);
}

enum dse_status dse_report_front(struct dse_store *store, const struct dse_scheduler *scheduler,
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
    enum dse_status status = daemon__make_decoder(store, &row, arena, &decoder, err);
    if (status == DSE_OK)
        status = answer_query(query, question, arena, &answer, err);
    if (status == DSE_OK)
        *front = answer;
    dse_space_fini(&decoder.space);
    return status;
}
