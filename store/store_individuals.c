/* Individuals and survivors. */
#include "store/store_internal.h"

#include <math.h>

/* ---- writing individuals ---- */

static enum dse_status check_numbers(const struct dse_individual_row *row, struct dse_err *err) {
    bool all_numbers = !isnan(row->violation);
    dse_assert(row->n_objectives >= 0 && row->n_objectives <= DSE_MAX_OBJECTIVES);
    for (int i = 0; i < row->n_objectives; i++)
        all_numbers = all_numbers && !isnan(row->objectives[i]);
    if (!all_numbers)
        DSE_FAIL(err, DSE_INVALID,
                 "individual %d/%d of sweep %lld: an objective or the violation is not a number",
                 row->generation, row->slot, (long long)row->sweep_id);
    return DSE_OK;
}

/* The parameters that both statements begin with. */
static void bind_measured(struct store__query *query, const struct dse_individual_row *row,
                          const char *objectives) {
    store__bind_int(query, row->sweep_id);
    store__bind_int(query, row->generation);
    store__bind_int(query, row->slot);
    store__bind_text(query, store__result_text(row->state));
    store__bind_text(query, row->reason);
    store__bind_text(query, objectives);
    store__bind_real(query, row->violation);
    store__bind_int(query, row->in_front);
}

static enum dse_status run_insert(struct dse_store *store, const struct dse_individual_row *row,
                                  const char *objectives, int *n_changed, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INSERT_INDIVIDUAL, err));
    bind_measured(&query, row, objectives);
    store__bind_int(&query, row->cached);
    store__bind_int(&query, row->evaluation_id);
    store__bind_text(&query, row->genome);
    store__bind_text(&query, row->shared_genome != NULL ? row->shared_genome : row->genome);
    return store__query_run(&query, n_changed, err);
}

static enum dse_status run_update(struct dse_store *store, const struct dse_individual_row *row,
                                  const char *objectives, int *n_changed, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_UPDATE_INDIVIDUAL, err));
    bind_measured(&query, row, objectives);
    return store__query_run(&query, n_changed, err);
}

typedef enum dse_status write_row(struct dse_store *store, const struct dse_individual_row *row,
                                  const char *objectives, int *n_changed, struct dse_err *err);

static enum dse_status write_individual(struct dse_store *store,
                                        const struct dse_individual_row *row, write_row *write,
                                        int *n_changed, struct dse_err *err) {
    struct dse_buf objectives = {0};
    DSE_TRY(check_numbers(row, err));
    store__print_reals(row->objectives, row->n_objectives, &objectives);
    enum dse_status status = dse_buf_status(&objectives, err);
    if (status == DSE_OK)
        status = write(store, row, objectives.data, n_changed, err);
    dse_buf_fini(&objectives);
    return status;
}

static enum dse_status fail_no_individual(int64_t sweep_id, int generation, int slot,
                                          struct dse_err *err) {
    DSE_FAIL(err, DSE_NOT_FOUND, "there is no individual %d/%d in sweep %lld", generation, slot,
             (long long)sweep_id);
}

enum dse_status dse_store_insert_individual(struct dse_store *store,
                                            const struct dse_individual_row *row,
                                            struct dse_err *err) {
    int n_changed;
    DSE_TRY(write_individual(store, row, run_insert, &n_changed, err));
    if (n_changed == 0)
        DSE_FAIL(err, DSE_NOT_FOUND, "there is no evaluation %lld of genome %s",
                 (long long)row->evaluation_id, row->genome);
    return DSE_OK;
}

enum dse_status dse_store_update_individual(struct dse_store *store,
                                            const struct dse_individual_row *row,
                                            struct dse_err *err) {
    int n_changed;
    DSE_TRY(write_individual(store, row, run_update, &n_changed, err));
    return n_changed == 1 ? DSE_OK
                          : fail_no_individual(row->sweep_id, row->generation, row->slot, err);
}

enum dse_status dse_store_set_in_front(struct dse_store *store, int64_t sweep_id, int generation,
                                       int slot, bool in_front, struct dse_err *err) {
    struct store__query query;
    int n_changed;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_SET_IN_FRONT, err));
    store__bind_int(&query, sweep_id);
    store__bind_int(&query, generation);
    store__bind_int(&query, slot);
    store__bind_int(&query, in_front);
    DSE_TRY(store__query_run(&query, &n_changed, err));
    return n_changed == 1 ? DSE_OK : fail_no_individual(sweep_id, generation, slot, err);
}

/* ---- reading individuals ---- */

static enum dse_status read_objectives(const struct store__query *query, int column,
                                       struct dse_individual_row *row, struct dse_err *err) {
    const char *objectives = store__column_text(query, column);
    if (objectives == NULL)
        return store__fail_memory(query->store, err);
    if (!store__parse_reals(objectives, row->objectives, DSE_MAX_OBJECTIVES, &row->n_objectives))
        return store__fail_damaged(query->store, "objectives that are no array of numbers", err);
    return DSE_OK;
}

static enum dse_status read_individual(const struct store__query *query, struct dse_arena *arena,
                                       struct dse_individual_row *row, struct dse_err *err) {
    struct dse_individual_row read = {
        .sweep_id = store__column_int64(query, 0),
        .generation = store__column_int(query, 1),
        .slot = store__column_int(query, 2),
        .evaluation_id = store__column_int64(query, 4),
        .violation = sqlite3_column_double(query->stmt, 8),
        .in_front = store__column_int(query, 9) != 0,
        .cached = store__column_int(query, 10) != 0,
    };
    DSE_TRY(store__column_copy(query, 3, arena, &read.genome, err));
    DSE_TRY(store__column_result(query, 5, &read.state, err));
    DSE_TRY(store__column_copy(query, 6, arena, &read.reason, err));
    DSE_TRY(read_objectives(query, 7, &read, err));
    *row = read;
    return DSE_OK;
}

enum dse_status dse_store_load_individual(struct dse_store *store, int64_t sweep_id, int generation,
                                          int slot, struct dse_arena *arena,
                                          struct dse_individual_row *row, struct dse_err *err) {
    struct store__query query;
    bool found;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_INDIVIDUAL, err));
    store__bind_int(&query, sweep_id);
    store__bind_int(&query, generation);
    store__bind_int(&query, slot);
    DSE_TRY(store__query_step(&query, &found, err));
    enum dse_status status = found ? read_individual(&query, arena, row, err)
                                   : fail_no_individual(sweep_id, generation, slot, err);
    store__query_end(&query);
    return status;
}

static enum dse_status read_individuals(struct store__query *query, struct dse_arena *arena,
                                        struct dse_individual_row **rows, int *n,
                                        struct dse_err *err) {
    struct dse_individual_row *list = NULL;
    int count = 0, capacity = 0;
    for (;; count++) {
        bool found;
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            break;
        list = store__grown(arena, list, count, &capacity, sizeof *list);
        if (list == NULL)
            return store__fail_memory(query->store, err);
        DSE_TRY(read_individual(query, arena, &list[count], err));
    }
    *rows = list;
    *n = count;
    return DSE_OK;
}

enum dse_status dse_store_load_individuals(struct dse_store *store, int64_t sweep_id,
                                           enum dse_selection selection, int generation,
                                           struct dse_arena *arena,
                                           struct dse_individual_row **rows, int *n,
                                           struct dse_err *err) {
    static const enum store__statement statements[] = {
        [DSE_SELECT_GENERATION] = STORE_STATEMENT_SELECT_GENERATION,
        [DSE_SELECT_FRONT] = STORE_STATEMENT_SELECT_FRONT,
        [DSE_SELECT_ALL] = STORE_STATEMENT_SELECT_ALL,
    };
    struct store__query query;
    dse_assert((unsigned)selection < sizeof statements / sizeof statements[0]);
    DSE_TRY(store__query_start(&query, store, statements[selection], err));
    store__bind_int(&query, sweep_id);
    if (selection == DSE_SELECT_GENERATION)
        store__bind_int(&query, generation);
    enum dse_status status = read_individuals(&query, arena, rows, n, err);
    store__query_end(&query);
    return status;
}

enum dse_status dse_store_visit_front(struct dse_store *store, int64_t sweep_id,
                                      dse_store_visit_row *visit, void *context,
                                      struct dse_err *err) {
    struct store__query query;
    enum dse_status status = DSE_OK;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_VISIT_FRONT, err));
    store__bind_int(&query, sweep_id);
    for (;;) {
        bool found;
        DSE_TRY(store__query_step(&query, &found, err));
        if (!found)
            break;
        struct dse_individual_row row = {
            .sweep_id = sweep_id,
            .generation = store__column_int(&query, 0),
            .slot = store__column_int(&query, 1),
        };
        DSE_TRY_GOTO(status, read_objectives(&query, 2, &row, err), end);
        DSE_TRY_GOTO(status, visit(context, &row, err), end);
    }
end:
    store__query_end(&query);
    return status;
}

enum dse_status dse_store_page_individuals(struct dse_store *store,
                                           const struct dse_individual_range *range,
                                           struct dse_arena *arena,
                                           struct dse_individual_row **rows, int *n,
                                           struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(
        &query, store, range->front_only ? STORE_STATEMENT_PAGE_FRONT : STORE_STATEMENT_PAGE_ALL,
        err));
    store__bind_int(&query, range->sweep_id);
    store__bind_int(&query, range->generation);
    store__bind_int(&query, range->slot);
    store__bind_int(&query, range->limit);
    enum dse_status status = read_individuals(&query, arena, rows, n, err);
    store__query_end(&query);
    return status;
}

/* ---- survivors ---- */

static enum dse_status insert_survivor(struct dse_store *store, int64_t sweep_id, int generation,
                                       int position, const struct dse_survivor_row *row,
                                       struct dse_err *err) {
    struct store__query query;
    if (isnan(row->crowding))
        DSE_FAIL(err, DSE_INVALID, "survivor %d/%d of sweep %lld: crowding is not a number",
                 row->generation, row->slot, (long long)sweep_id);
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_INSERT_SURVIVOR, err));
    store__bind_int(&query, sweep_id);
    store__bind_int(&query, generation);
    store__bind_int(&query, position);
    store__bind_int(&query, row->generation);
    store__bind_int(&query, row->slot);
    store__bind_int(&query, row->rank);
    store__bind_real(&query, row->crowding);
    return store__query_run(&query, NULL, err);
}

static enum dse_status replace_survivors(struct dse_store *store, int64_t sweep_id, int generation,
                                         const struct dse_survivor_row *rows, int n,
                                         struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_DELETE_SURVIVORS, err));
    store__bind_int(&query, sweep_id);
    store__bind_int(&query, generation);
    DSE_TRY(store__query_run(&query, NULL, err));
    for (int i = 0; i < n; i++)
        DSE_TRY(insert_survivor(store, sweep_id, generation, i, &rows[i], err));
    return DSE_OK;
}

enum dse_status dse_store_put_survivors(struct dse_store *store, int64_t sweep_id, int generation,
                                        const struct dse_survivor_row *rows, int n,
                                        struct dse_err *err) {
    bool own;
    DSE_TRY(store__enter(store, &own, err));
    enum dse_status status = replace_survivors(store, sweep_id, generation, rows, n, err);
    return store__leave(store, own, status, err);
}

static enum dse_status read_survivors(struct store__query *query, struct dse_arena *arena,
                                      struct dse_survivor_row **rows, int *n, struct dse_err *err) {
    struct dse_survivor_row *list = NULL;
    int count = 0, capacity = 0;
    for (;; count++) {
        bool found;
        DSE_TRY(store__query_step(query, &found, err));
        if (!found)
            break;
        list = store__grown(arena, list, count, &capacity, sizeof *list);
        if (list == NULL)
            return store__fail_memory(query->store, err);
        list[count] = (struct dse_survivor_row){
            .generation = store__column_int(query, 0),
            .slot = store__column_int(query, 1),
            .rank = store__column_int(query, 2),
            .crowding = sqlite3_column_double(query->stmt, 3),
        };
    }
    *rows = list;
    *n = count;
    return DSE_OK;
}

enum dse_status dse_store_load_survivors(struct dse_store *store, int64_t sweep_id, int generation,
                                         struct dse_arena *arena, struct dse_survivor_row **rows,
                                         int *n, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LOAD_SURVIVORS, err));
    store__bind_int(&query, sweep_id);
    store__bind_int(&query, generation);
    enum dse_status status = read_survivors(&query, arena, rows, n, err);
    store__query_end(&query);
    return status;
}
