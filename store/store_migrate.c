/* Whose file is it, how old is its schema, and the way to the present one. */
#include "store/store_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- recognising a file ---- */

/* The program that made a schema we do not know; "?" when even that cannot be read. */
static void read_maker(struct dse_store *store, char *out, size_t size) {
    sqlite3_stmt *stmt = NULL;
    (void)snprintf(out, size, "?");
    if (sqlite3_prepare_v2(store->db, "SELECT value FROM about WHERE key = 'paretod'", -1, &stmt,
                           NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
        (void)snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
}

static enum dse_status refuse_newer(struct dse_store *store, int64_t version, struct dse_err *err) {
    char maker[64];
    read_maker(store, maker, sizeof maker);
    DSE_FAIL(err, DSE_UNSUPPORTED,
             "%s: written by paretod %s with schema %lld, but this is paretod %s, which knows "
             "schemas up to %d: use paretod %s or newer",
             store->path, maker, (long long)version, DSE_VERSION, store__n_migrations, maker);
}

enum dse_status store__read_version(struct dse_store *store, int *version, struct dse_err *err) {
    int64_t application, user_version, objects;
    DSE_TRY(store__exec_int64(store, "PRAGMA application_id", &application, err));
    DSE_TRY(store__exec_int64(store, "PRAGMA user_version", &user_version, err));
    DSE_TRY(store__exec_int64(store, "SELECT count(*) FROM sqlite_schema", &objects, err));
    bool empty = application == 0 && user_version == 0 && objects == 0;
    if (!empty && application != STORE_APPLICATION_ID)
        DSE_FAIL(err, DSE_INVALID, "%s: an SQLite database of another program: name another path",
                 store->path);
    if (!empty && user_version < 1)
        return store__fail_damaged(store, "no schema version", err);
    if (user_version > store__n_migrations)
        return refuse_newer(store, user_version, err);
    *version = (int)user_version;
    return DSE_OK;
}

/* ---- backup ---- */

static enum dse_status back_up(struct dse_store *store, int version, struct dse_err *err) {
    char *copy;
    struct dse_arena arena = {0};
    copy = dse_arena_printf(&arena, "%s.bak-v%d", store->path, version);
    enum dse_status status = copy == NULL ? store__fail_memory(store, err)
                                          : store__back_up(store, copy, NULL, NULL, err);
    dse_arena_fini(&arena);
    return status == DSE_OK ? DSE_OK
                            : dse_err_prefix(err, "before the schema is brought up to date");
}

/* ---- migrating ---- */

static enum dse_status run_steps(struct dse_store *store, int version, struct dse_err *err) {
    char stamp[256];
    for (int v = version; v < store__n_migrations; v++)
        DSE_TRY(store__exec(store, store__migrations[v], err));
    (void)snprintf(stamp, sizeof stamp,
                   "INSERT OR REPLACE INTO about(key, value) VALUES ('paretod', '%s');"
                   "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                   DSE_VERSION, (int)STORE_APPLICATION_ID, store__n_migrations);
    return store__exec(store, stamp, err);
}

enum dse_status store__migrate(struct dse_store *store, int version, struct dse_err *err) {
    bool own;
    if (version == store__n_migrations)
        return DSE_OK;
    if (version > 0)
        DSE_TRY(back_up(store, version, err));
    DSE_TRY(store__enter(store, &own, err));
    enum dse_status status = store__leave(store, own, run_steps(store, version, err), err);
    if (status != DSE_OK && version > 0)
        (void)dse_err_prefix(err, "bringing the schema from %d to %d (nothing was changed)",
                             version, store__n_migrations);
    return status;
}
