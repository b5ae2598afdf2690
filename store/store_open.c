/* Opening and closing: place, lock, connection, settings. */
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum {
    BUSY_TIMEOUT_MS = 500,     /* another program is in the middle of a write */
    CHECKPOINT_PAGES = 4000,   /* 16 MB: pages of an index are written once for several commits */
    WAL_KEPT_BYTES = 16 << 20, /* a longer WAL is cut back after the checkpoint */
    CACHE_KIB = 16 * 1024,     /* what a generation touches, several times over */
    LOCK_WAIT_MS = 2000,       /* for what a killed daemon has left (take_lock) */
    LOCK_LOOK_MS = 10,
};

/* ---- where ---- */

/* f_type of statfs(2). SQLite's write-ahead log needs shared memory and locks that these do not
 * give, and a database that two machines write to is lost. */
static const struct {
    unsigned long type;
    const char *name;
} network_file_systems[] = {
    {0x6969, "NFS"},        {0xff534d42, "CIFS"},  {0xfe534d42, "SMB2"},   {0x517b, "SMB"},
    {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},  {0x00c36400, "CephFS"}, {0x19830326, "BeeGFS"},
    {0x5346414f, "AFS"},    {0x6b414653, "AFS"},   {0x73757245, "Coda"},   {0x01021997, "9P"},
    {0xaad7aaea, "PanFS"},  {0x7461636f, "OCFS2"}, {0x01161970, "GFS2"},
};

static void directory_of(const char *path, char *out, size_t size) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        (void)snprintf(out, size, ".");
    else
        (void)snprintf(out, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static enum dse_status refuse_network_file_system(const char *path, struct dse_err *err) {
    const char *allowed = getenv("PARETO_ALLOW_NETWORK_FS");
    if (allowed != NULL && strcmp(allowed, "1") == 0)
        return DSE_OK;
    char directory[4096];
    struct statfs info;
    directory_of(path, directory, sizeof directory);
    if (statfs(directory, &info) != 0)
        DSE_FAIL(err, dse_status_from_errno(errno), "%s: directory %s: %s", path, directory,
                 strerror(errno));
    for (size_t i = 0; i < sizeof network_file_systems / sizeof network_file_systems[0]; i++)
        if (network_file_systems[i].type == ((unsigned long)info.f_type & 0xffffffffUL))
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "%s: lies on a network file system (%s), where a database may be damaged: put "
                     "it on a local disk, or set PARETO_ALLOW_NETWORK_FS=1 if only this machine "
                     "ever touches it",
                     path, network_file_systems[i].name);
    return DSE_OK;
}

/* ---- one at a time ---- */

/* A process that is killed between fork and exec of a child leaves the lock to the child until that
 * has started, so a lock that is held is looked at again for a while. 0 or an errno. */
static int lock_file(int fd) {
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000L * 1000L};
    int64_t until = dse_clock_mono_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || dse_clock_mono_ms() >= until)
            return errno;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

/* A lock on a file beside the database: SQLite's own exclusive mode would shut readers out, too.
 * The file stays, because removing it would race with the next to open it. */
static enum dse_status take_lock(struct dse_store *store, struct dse_err *err) {
    int why;
    struct dse_buf name = {0};
    dse_buf_printf(&name, "%s.lock", store->path);
    enum dse_status status = dse_buf_status(&name, err);
    if (status != DSE_OK)
        goto fail_name;
    store->lock_fd = open(name.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        status = dse_err_set(err, dse_status_from_errno(errno), "%s: cannot open %s: %s",
                             store->path, name.data, strerror(errno));
    else if ((why = lock_file(store->lock_fd)) != 0)
        status = dse_err_set(err, why == EWOULDBLOCK ? DSE_CONFLICT : DSE_IO,
                             why == EWOULDBLOCK ? "%s: another paretod has it open (it holds %s)"
                                                : "%s: cannot lock %s",
                             store->path, name.data);
fail_name:
    dse_buf_fini(&name);
    return status;
}

/* ---- connection ---- */

static enum dse_status connect_database(struct dse_store *store, struct dse_err *err) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    errno = 0;
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (store->db == NULL)
        return store__fail_memory(store, err);
    if (code != SQLITE_OK)
        return store__fail(store, code, err);
    /* SQLite falls back to reading when it may not write. */
    if (sqlite3_db_readonly(store->db, "main") == 1)
        DSE_FAIL(err, DSE_IO, "%s: may only be read: make the file writable", store->path);
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    code = store__teach_genome_hash(store->db);
    return code == SQLITE_OK ? DSE_OK : store__fail(store, code, err);
}

static enum dse_status switch_to_wal(struct dse_store *store, struct dse_err *err) {
    sqlite3_stmt *stmt;
    errno = 0;
    int code = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return store__fail(store, code, err);
    enum dse_status status = DSE_OK;
    code = sqlite3_step(stmt);
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (code != SQLITE_ROW)
        status = store__fail(store, code, err);
    else if (mode == NULL)
        status = store__fail_memory(store, err);
    else if (strcmp(mode, "wal") != 0)
        status = dse_err_set(err, DSE_UNSUPPORTED,
                             "%s: its file system cannot hold a write-ahead log (no shared "
                             "memory): put the database on a local disk",
                             store->path);
    (void)sqlite3_finalize(stmt);
    return status;
}

/* synchronous=FULL syncs the log at every commit: what was acknowledged survives a power cut.
 * Statement journals stay in memory: they are small, and /tmp may be full. */
static enum dse_status set_pragmas(struct dse_store *store, struct dse_err *err) {
    char sql[256];
    DSE_TRY(switch_to_wal(store, err));
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d;"
                   "PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=%d;",
                   (int)CACHE_KIB, (int)CHECKPOINT_PAGES, (int)WAL_KEPT_BYTES);
    return store__exec(store, sql, err);
}

/* Needed when something has already failed, so they must not fail for lack of memory then. */
static enum dse_status prepare_transactions(struct dse_store *store, struct dse_err *err) {
    static const enum store__statement needed[] = {STORE_STATEMENT_ROLLBACK, STORE_STATEMENT_BEGIN,
                                                   STORE_STATEMENT_COMMIT};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        struct store__query query;
        DSE_TRY(store__query_start(&query, store, needed[i], err));
        store__query_end(&query);
    }
    return DSE_OK;
}

static enum dse_status limit_size(struct dse_store *store, struct dse_err *err) {
    int64_t page_bytes, granted;
    char sql[64];
    if (store->max_bytes <= 0)
        return DSE_OK;
    DSE_TRY(store__exec_int64(store, "PRAGMA page_size", &page_bytes, err));
    int64_t pages = store->max_bytes / page_bytes;
    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count=%lld",
                   (long long)(pages < 1           ? 1
                               : pages > INT32_MAX ? INT32_MAX
                                                   : pages));
    return store__exec_int64(store, sql, &granted, err);
}

static enum dse_status open_database(struct dse_store *store, const char *path,
                                     struct dse_err *err) {
    int version;
    if (path[0] == '\0')
        DSE_FAIL(err, DSE_INVALID, "the path of the database is empty");
    store->path = dse_strdup(path);
    if (store->path == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: out of memory", path);
    DSE_TRY(refuse_network_file_system(path, err));
    DSE_TRY(take_lock(store, err));
    DSE_TRY(connect_database(store, err));
    DSE_TRY(store__read_version(store, &version, err)); /* before anything is changed */
    DSE_TRY(set_pragmas(store, err));
    DSE_TRY(prepare_transactions(store, err));
    DSE_TRY(store__migrate(store, version, err));
    DSE_TRY(store__exec(store, "PRAGMA foreign_keys=ON", err));
    return limit_size(store, err);
}

enum dse_status dse_store_open(const char *path, int64_t max_bytes, struct dse_store **store,
                               struct dse_err *err) {
    struct dse_store *opened = dse_alloc(1, sizeof *opened);
    if (opened == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: out of memory", path);
    opened->lock_fd = -1;
    opened->max_bytes = max_bytes;
    enum dse_status status = open_database(opened, path, err);
    if (status != DSE_OK) {
        dse_store_close(opened);
        return status;
    }
    *store = opened;
    return DSE_OK;
}

static enum dse_status connect_to_read(struct dse_store *store, const char *path,
                                       struct dse_err *err) {
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_EXRESCODE;
    store->path = dse_strdup(path);
    if (store->path == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: out of memory", path);
    if (access(path, R_OK) != 0)
        return dse_err_set_errno(err, path);
    errno = 0;
    int code = sqlite3_open_v2(path, &store->db, flags, NULL);
    if (store->db == NULL)
        return store__fail_memory(store, err);
    if (code != SQLITE_OK)
        return store__fail(store, code, err);
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    code = store__teach_genome_hash(store->db);
    if (code != SQLITE_OK)
        return store__fail(store, code, err);
    return prepare_transactions(store, err);
}

enum dse_status store__open_to_read(const char *path, struct dse_store **store,
                                    struct dse_err *err) {
    struct dse_store *opened = dse_alloc(1, sizeof *opened);
    if (opened == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: out of memory", path);
    opened->lock_fd = -1;
    enum dse_status status = connect_to_read(opened, path, err);
    if (status != DSE_OK) {
        dse_store_close(opened);
        return status;
    }
    *store = opened;
    return DSE_OK;
}

void dse_store_close(struct dse_store *store) {
    if (store == NULL)
        return;
    if (store->db != NULL) {
        dse_store_rollback(store);
        for (int i = 0; i < STORE_STATEMENT_COUNT; i++)
            (void)sqlite3_finalize(store->statements[i]);
        int code = sqlite3_close(store->db);
        dse_assert(code == SQLITE_OK);
    }
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd);
    store__known_fini(store);
    dse_free(store->path);
    dse_free(store);
}
