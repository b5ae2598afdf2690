/* Transactions of a known shape, so that a half one can be told from a whole one. */
#ifndef DSE_TESTS_STORE_WORKLOAD_H
#define DSE_TESTS_STORE_WORKLOAD_H

#include "tests/unit/store/store_testing.h"

/* The statements of transaction k: a sweep with two evaluated individuals of two partials each, one
 * of them summed up, and two survivors; padding bytes of source make it larger. */
static inline enum dse_status write_rows(struct dse_store *store, int64_t k, const char *source,
                                         struct dse_arena *arena, struct dse_err *err) {
    struct dse_sweep_row sweep = {.name = "n", .seed = (uint64_t)k, .source = source};
    int64_t id;
    DSE_TRY(dse_store_insert_sweep(store, &sweep, &id, err));
    for (int slot = 0; slot < 2; slot++) {
        struct dse_evaluation_row evaluation;
        const int64_t seen[] = {100, 100}, correct[] = {k % 100, slot};
        char genome[32];
        (void)snprintf(genome, sizeof genome, "[%lld,%d]", (long long)k, slot);
        DSE_TRY(dse_store_ensure_evaluation(store, "abcd", genome, arena, &evaluation, err));
        struct dse_individual_row row = {
            .sweep_id = id, .slot = slot, .genome = genome, .evaluation_id = evaluation.id};
        DSE_TRY(dse_store_insert_individual(store, &row, err));
        for (int shard = 0; shard < 2; shard++)
            DSE_TRY(put_counts(store, evaluation.id, shard, seen, correct, 2, err));
        if (slot == 0) /* one with its sum, one with its partials */
            DSE_TRY(dse_store_finish_evaluation(store, evaluation.id, DSE_RESULT_DONE, "", err));
        row.state = DSE_RESULT_DONE;
        row.n_objectives = 1;
        row.objectives[0] = (double)k;
        row.in_front = true;
        DSE_TRY(dse_store_update_individual(store, &row, err));
    }
    const struct dse_survivor_row best[] = {{0, 1, 0, 1}, {0, 0, 0, 1}};
    return dse_store_put_survivors(store, id, 0, best, 2, err);
}

/* One transaction; rolled back when it fails. */
static inline enum dse_status write_transaction(struct dse_store *store, int64_t k,
                                                const char *source, struct dse_err *err) {
    struct dse_arena arena = {0};
    enum dse_status status = dse_store_begin(store, err);
    if (status == DSE_OK)
        status = write_rows(store, k, source, &arena, err);
    if (status == DSE_OK)
        status = dse_store_commit(store, err);
    if (status != DSE_OK)
        dse_store_rollback(store);
    dse_arena_fini(&arena);
    return status;
}

/* Opens with the store, as a start after a failure does, and checks that every transaction is whole
 * and unique and that they are k = 0, 1, 2 ... Returns how many there are. */
static inline int64_t check_transactions(const struct place *place) {
    static const char *const tables[][2] = {
        {"v_individuals WHERE state = 'done'", "2"},
        {"v_front WHERE objective_0 >= 0", "2"},
        {"v_cells WHERE seen = 200", "4"},
        {"survivor", "2"},
        {"partial", "2"},
        {"result", "1"},
        {"evaluation", "2"},
        {"sweep_counts WHERE individuals = 2 AND measured = 2 AND front_size = 2", "1"},
    };
    dse_store_close(open_store(place));
    sqlite3 *db = open_sql(place->path, SQLITE_OPEN_READONLY);
    assert_string_equal(query_text_on(db, "PRAGMA integrity_check"), "ok");
    assert_string_equal(query_text_on(db, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
    int64_t n = atoll(query_text_on(db, "SELECT count(*) FROM sweep"));
    int64_t distinct =
        atoll(query_text_on(db, "SELECT count(DISTINCT seed) FROM sweep"
                                " WHERE seed >= 0 AND seed < (SELECT count(*) FROM sweep)"));
    assert_int_equal(distinct, n);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[i][0]);
        int64_t rows = atoll(query_text_on(db, sql));
        if (rows != n * atoi(tables[i][1]))
            fail_msg("%lld transactions but %lld rows of %s", (long long)n, (long long)rows,
                     tables[i][0]);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

#endif
