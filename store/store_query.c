/* Running prepared statements, transactions, and turning SQLite's codes into errors for people. */
#include "store/store_internal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static const char *const statement_texts[] = {
#define X(name, sql) [STORE_STATEMENT_##name] = sql,
#include "store/store_statements.def"
#undef X
};

/* ---- errors ---- */

static enum dse_status status_of_code(int code, int error_number) {
    if (code == SQLITE_IOERR_NOMEM)
        return DSE_NO_MEMORY;
    if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
        return DSE_NOT_FOUND;
    /* After a failed sync the system may have dropped pages that were never written: no more is to
     * be trusted until a start reads what is there, whatever the reason was. */
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        return DSE_IO;
    switch (code & 0xff) {
    case SQLITE_FULL:
        return DSE_NO_SPACE;
    case SQLITE_NOMEM:
        return DSE_NO_MEMORY;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return error_number == ENOSPC || error_number == EDQUOT ? DSE_NO_SPACE : DSE_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
        return DSE_INVALID;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CONSTRAINT:
        return DSE_CONFLICT;
    default:
        return DSE_IO;
    }
}

static enum dse_status fail_full(struct dse_store *store, struct dse_err *err) {
    if (store->max_bytes > 0)
        DSE_FAIL(err, DSE_NO_SPACE,
                 "%s: no space left: either the disk is full or the database reached its limit of "
                 "%lld bytes; free space or raise the limit",
                 store->path, (long long)store->max_bytes);
    DSE_FAIL(err, DSE_NO_SPACE, "%s: no space left on the disk: free some", store->path);
}

enum dse_status store__fail(struct dse_store *store, int sqlite_code, struct dse_err *err) {
    /* SQLite keeps the system's number only for some errors (not for those of a commit) and does
     * not clear it, so errno itself is asked first; callers set it to 0 before they call SQLite. */
    int error_number = errno != 0 ? errno : sqlite3_system_errno(store->db);
    enum dse_status status = status_of_code(sqlite_code, error_number);
    const char *detail = sqlite3_errmsg(store->db);
    switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
        return store__fail_damaged(store, detail, err);
    case SQLITE_NOTADB:
        DSE_FAIL(err, status,
                 "%s: not a database: name another path, or move the file away to start anew",
                 store->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        DSE_FAIL(err, status,
                 "another program writes to %s: only paretod may; close the other program or open "
                 "the database read-only there",
                 store->path);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (status == DSE_IO)
            DSE_FAIL(err, status, "%s: %s (%s)", store->path, detail,
                     error_number != 0 ? strerror(error_number) : "cause unknown");
        break;
    default:
        break;
    }
    if (status == DSE_NO_SPACE)
        return fail_full(store, err);
    if (status == DSE_NO_MEMORY)
        return store__fail_memory(store, err);
    DSE_FAIL(err, status, "%s: %s", store->path, detail);
}

enum dse_status store__fail_damaged(const struct dse_store *store, const char *what,
                                    struct dse_err *err) {
    if (store->is_checked)
        DSE_FAIL(err, DSE_INVALID, "%s", what);
    DSE_FAIL(err, DSE_INVALID,
             "%s: damaged database (%s): restore a backup, or move the file away with its -wal and "
             "-shm companions to start anew",
             store->path, what);
}

enum dse_status store__fail_memory(const struct dse_store *store, struct dse_err *err) {
    DSE_FAIL(err, DSE_NO_MEMORY, "%s: out of memory", store->path);
}

/* ---- statements ---- */

/* After these the transaction cannot be trusted to be whole; SQLite may have ended it itself. */
static bool code_spoils_transaction(int sqlite_code) {
    switch (sqlite_code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_TOOBIG:
        return false;
    default:
        return true;
    }
}

static void roll_back(struct dse_store *store) {
    sqlite3_stmt *stmt = store->statements[STORE_STATEMENT_ROLLBACK];
    if (sqlite3_get_autocommit(store->db))
        return;
    dse_assert(stmt != NULL); /* prepared at open: this path must not need memory */
    (void)sqlite3_step(stmt);
    (void)sqlite3_reset(stmt);
}

static enum dse_status fail_query(struct store__query *query, int sqlite_code,
                                  struct dse_err *err) {
    enum dse_status status = store__fail(query->store, sqlite_code, err);
    store__query_end(query);
    if (code_spoils_transaction(sqlite_code))
        roll_back(query->store);
    return status;
}

enum dse_status store__query_start(struct store__query *query, struct dse_store *store,
                                   enum store__statement statement, struct dse_err *err) {
    sqlite3_stmt **stmt = &store->statements[statement];
    *query = (struct store__query){.store = store};
    if (*stmt == NULL) {
        errno = 0;
        int code = sqlite3_prepare_v3(store->db, statement_texts[statement], -1,
                                      SQLITE_PREPARE_PERSISTENT, stmt, NULL);
        if (code != SQLITE_OK)
            return fail_query(query, code, err);
    }
    /* The rest of a transaction that has already been rolled back must not be written alone. */
    if (store->in_transaction && sqlite3_get_autocommit(store->db) && !sqlite3_stmt_readonly(*stmt))
        DSE_FAIL(err, DSE_CONFLICT,
                 "%s: the transaction was rolled back after an earlier error; begin it again",
                 store->path);
    query->stmt = *stmt;
    return DSE_OK;
}

static void note_bind(struct store__query *query, int sqlite_code) {
    if (query->bind_result == SQLITE_OK)
        query->bind_result = sqlite_code;
}

void store__bind_int(struct store__query *query, int64_t value) {
    note_bind(query, sqlite3_bind_int64(query->stmt, ++query->n_bound, value));
}

void store__bind_real(struct store__query *query, double value) {
    note_bind(query, sqlite3_bind_double(query->stmt, ++query->n_bound, value));
}

void store__bind_text(struct store__query *query, const char *text) {
    note_bind(query, sqlite3_bind_text(query->stmt, ++query->n_bound, text != NULL ? text : "", -1,
                                       SQLITE_STATIC));
}

void store__bind_blob(struct store__query *query, const void *bytes, size_t size) {
    dse_assert(size <= INT_MAX);
    note_bind(query, sqlite3_bind_blob(query->stmt, ++query->n_bound, size > 0 ? bytes : NULL,
                                       (int)size, SQLITE_STATIC));
}

enum dse_status store__query_step(struct store__query *query, bool *row, struct dse_err *err) {
    dse_assert(query->n_bound == sqlite3_bind_parameter_count(query->stmt));
    if (query->bind_result != SQLITE_OK)
        return fail_query(query, query->bind_result, err);
    errno = 0;
    int code = sqlite3_step(query->stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail_query(query, code, err);
    *row = code == SQLITE_ROW;
    return DSE_OK;
}

void store__query_end(struct store__query *query) {
    if (query->stmt == NULL)
        return;
    (void)sqlite3_reset(query->stmt);
    (void)sqlite3_clear_bindings(query->stmt);
    query->stmt = NULL;
}

enum dse_status store__query_run(struct store__query *query, int *n_changed, struct dse_err *err) {
    bool row = false;
    DSE_TRY(store__query_step(query, &row, err));
    dse_assert(!row);
    if (n_changed != NULL)
        *n_changed = sqlite3_changes(query->store->db);
    store__query_end(query);
    return DSE_OK;
}

/* ---- columns ---- */

int store__column_int(const struct store__query *query, int column) {
    return sqlite3_column_int(query->stmt, column);
}

int64_t store__column_int64(const struct store__query *query, int column) {
    return sqlite3_column_int64(query->stmt, column);
}

const char *store__column_text(const struct store__query *query, int column) {
    return (const char *)sqlite3_column_text(query->stmt, column);
}

const void *store__column_blob(const struct store__query *query, int column, size_t *size) {
    const void *bytes = sqlite3_column_blob(query->stmt, column);
    *size = (size_t)sqlite3_column_bytes(query->stmt, column);
    return bytes;
}

enum dse_status store__column_copy(const struct store__query *query, int column,
                                   struct dse_arena *arena, const char **text,
                                   struct dse_err *err) {
    const char *borrowed = store__column_text(query, column);
    const char *copy = borrowed != NULL ? dse_arena_strdup(arena, borrowed) : NULL;
    if (copy == NULL)
        return store__fail_memory(query->store, err);
    *text = copy;
    return DSE_OK;
}

static const char *const result_texts[] = {
    [DSE_RESULT_PENDING] = "pending",
    [DSE_RESULT_DONE] = "done",
    [DSE_RESULT_FAILED] = "failed",
};

const char *store__result_text(enum dse_result_state state) {
    dse_assert((unsigned)state < sizeof result_texts / sizeof result_texts[0]);
    return result_texts[state];
}

enum dse_status store__column_result(const struct store__query *query, int column,
                                     enum dse_result_state *state, struct dse_err *err) {
    const char *text = store__column_text(query, column);
    if (text == NULL)
        return store__fail_memory(query->store, err);
    for (int i = 0; i < (int)(sizeof result_texts / sizeof result_texts[0]); i++)
        if (strcmp(text, result_texts[i]) == 0) {
            *state = (enum dse_result_state)i;
            return DSE_OK;
        }
    return store__fail_damaged(query->store, "unknown state of a result", err);
}

/* ---- plain SQL ---- */

enum dse_status store__exec(struct dse_store *store, const char *sql, struct dse_err *err) {
    errno = 0;
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? DSE_OK : store__fail(store, code, err);
}

enum dse_status store__exec_int64(struct dse_store *store, const char *sql, int64_t *value,
                                  struct dse_err *err) {
    sqlite3_stmt *stmt;
    errno = 0;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return store__fail(store, code, err);
    code = sqlite3_step(stmt);
    enum dse_status status = DSE_OK;
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(stmt, 0);
    else
        status = store__fail(store, code, err);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* ---- transactions ---- */

enum dse_status dse_store_begin(struct dse_store *store, struct dse_err *err) {
    if (!sqlite3_get_autocommit(store->db))
        DSE_FAIL(err, DSE_CONFLICT, "%s: a transaction is open already", store->path);
    store->in_transaction = false;
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_BEGIN, err));
    DSE_TRY(store__query_run(&query, NULL, err));
    store->in_transaction = true;
    return DSE_OK;
}

enum dse_status dse_store_commit(struct dse_store *store, struct dse_err *err) {
    if (sqlite3_get_autocommit(store->db))
        DSE_FAIL(err, DSE_CONFLICT,
                 "%s: no transaction to commit: none was begun, or an error "
                 "rolled it back",
                 store->path);
    struct store__query query;
    enum dse_status status = store__query_start(&query, store, STORE_STATEMENT_COMMIT, err);
    if (status == DSE_OK)
        status = store__query_run(&query, NULL, err);
    if (status != DSE_OK)
        roll_back(store);
    else
        store->in_transaction = false;
    return status;
}

void dse_store_rollback(struct dse_store *store) {
    roll_back(store);
    store->in_transaction = false;
}

enum dse_status dse_store_finish(struct dse_store *store, enum dse_status status,
                                 struct dse_err *err) {
    if (status == DSE_OK)
        status = dse_store_commit(store, err);
    if (status != DSE_OK)
        dse_store_rollback(store);
    return status;
}

enum dse_status dse_store_try_space(struct dse_store *store, struct dse_err *err) {
    struct store__query query;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_FILL_SPACE, err));
    DSE_TRY(store__query_run(&query, NULL, err));
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_EMPTY_SPACE, err));
    return store__query_run(&query, NULL, err);
}

enum dse_status store__enter(struct dse_store *store, bool *own, struct dse_err *err) {
    *own = !store->in_transaction;
    return *own ? dse_store_begin(store, err) : DSE_OK;
}

enum dse_status store__leave(struct dse_store *store, bool own, enum dse_status status,
                             struct dse_err *err) {
    return own ? dse_store_finish(store, status, err) : status;
}

/* ---- rows ---- */

void *store__grown(struct dse_arena *arena, void *rows, int n, int *capacity, size_t row_bytes) {
    if (n < *capacity)
        return rows;
    int larger = *capacity == 0 ? 16 : *capacity * 2;
    void *copy = dse_arena_alloc(arena, (size_t)larger, row_bytes);
    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, rows, (size_t)n * row_bytes);
    *capacity = larger;
    return copy;
}
