/* A database in a directory of its own, rows to put into it, and plain SQL beside the store. */
#ifndef DSE_TESTS_STORE_TESTING_H
#define DSE_TESTS_STORE_TESTING_H

#include "tests/lib/testing.h"

#include <dirent.h>
#include <sqlite3.h>

#include "store/store.h"

struct place {
    char dir[256];
    char path[300];
};

static inline void make_place(struct place *place) {
    make_temp_dir(place->dir, sizeof place->dir);
    (void)snprintf(place->path, sizeof place->path, "%s/p.db", place->dir);
}

/* Empties the directory. */
static inline void clear_place(const struct place *place) {
    DIR *dir = opendir(place->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[600];
        (void)snprintf(path, sizeof path, "%s/%s", place->dir, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(path), 0);
    }
    (void)closedir(dir);
}

static inline void remove_place(const struct place *place) {
    clear_place(place);
    assert_int_equal(rmdir(place->dir), 0);
}

static inline struct dse_store *open_store(const struct place *place) {
    struct dse_store *store = NULL;
    struct dse_err err = {0};
    assert_ok(dse_store_open(place->path, 0, &store, &err), &err);
    return store;
}

/* ---- plain SQL, on a connection of its own ---- */

static inline sqlite3 *open_sql(const char *path, int flags) {
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        fail_msg("%s: %s", path, sqlite3_errmsg(db));
    return db;
}

static inline void run_sql(const char *path, const char *sql) {
    sqlite3 *db = open_sql(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    char *text = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* First column of the first row as text, "NULL" for NULL or no row; good until the next call. */
static inline const char *query_text_on(sqlite3 *db, const char *sql) {
    static char out[4096];
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    (void)snprintf(out, sizeof out, "%s", text != NULL ? text : "NULL");
    (void)sqlite3_finalize(stmt);
    return out;
}

static inline const char *query_text(const char *path, const char *sql) {
    sqlite3 *db = open_sql(path, SQLITE_OPEN_READONLY);
    const char *out = query_text_on(db, sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return out;
}

/* ---- rows ---- */

static inline struct dse_sweep_row sweep_row(void) {
    return (struct dse_sweep_row){
        .name = "resnet8",
        .state = DSE_SWEEP_QUEUED,
        .reason = "",
        .seed = 18446744073709551615u,
        .content_hash = "c0ffee",
        .context_hash = "abcd",
        .source = "name: resnet8\n# \"quoted\"\n",
        .file = "w.yaml",
        .base_dir = "/data",
        .canonical = "{\"name\":\"resnet8\"}",
        .spec = "{}",
        .submitted_at_ms = 1700000000123,
    };
}

static inline int64_t add_sweep(struct dse_store *store) {
    struct dse_sweep_row row = sweep_row();
    struct dse_err err = {0};
    int64_t id = 0;
    assert_ok(dse_store_insert_sweep(store, &row, &id, &err), &err);
    return id;
}

static inline int64_t add_evaluation(struct dse_store *store, const char *context,
                                     const char *genome) {
    struct dse_arena arena = {0};
    struct dse_evaluation_row row;
    struct dse_err err = {0};
    assert_ok(dse_store_ensure_evaluation(store, context, genome, &arena, &row, &err), &err);
    dse_arena_fini(&arena);
    return row.id;
}

/* A pending individual of context "abcd". */
static inline struct dse_individual_row individual_row(struct dse_store *store, int64_t sweep_id,
                                                       int generation, int slot,
                                                       const char *genome) {
    return (struct dse_individual_row){
        .sweep_id = sweep_id,
        .generation = generation,
        .slot = slot,
        .genome = genome,
        .evaluation_id = add_evaluation(store, "abcd", genome),
        .reason = "",
    };
}

/* A tally a cell of three words: seen, correct, and twice their sum. */
enum { TEST_CELLS_MAX = 8, TEST_WORDS = 3 };
static inline enum dse_status put_counts(struct dse_store *store, int64_t evaluation_id, int shard,
                                         const int64_t *seen, const int64_t *correct, int n_cells,
                                         struct dse_err *err) {
    int64_t tallies[TEST_CELLS_MAX * TEST_WORDS];
    for (int i = 0; i < n_cells; i++) {
        tallies[TEST_WORDS * i] = seen[i];
        tallies[TEST_WORDS * i + 1] = correct[i];
        tallies[TEST_WORDS * i + 2] = seen[i] % 1000 + correct[i] % 1000;
    }
    const struct dse_outcome partial = {
        .tallies = tallies, .n_cells = n_cells, .tally_size = TEST_WORDS};
    return dse_store_put_partial(store, evaluation_id, shard, &partial, err);
}

static inline void add_individual(struct dse_store *store, const struct dse_individual_row *row) {
    struct dse_err err = {0};
    assert_ok(dse_store_insert_individual(store, row, &err), &err);
}

#endif
