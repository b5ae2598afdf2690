/* Copies of a database, and the database written anew. */
#include "store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

static enum dse_status sync_path(const char *path, struct dse_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result = fd < 0 ? -1 : fsync(fd);
    enum dse_status status = result == 0 ? DSE_OK : dse_err_set_errno(err, path);
    if (fd >= 0)
        (void)close(fd);
    return status;
}

/* The directory, so that the new name outlives a power cut. */
static enum dse_status sync_directory_of(const char *path, struct dse_err *err) {
    char directory[4096];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    (void)snprintf(directory, sizeof directory, "%.*s", length, slash == NULL ? "." : path);
    return sync_path(directory, err);
}

/* ---- copying ---- */

static enum dse_status copy_pages(struct dse_store *store, struct dse_store *copy,
                                  dse_store_progress *progress, void *context,
                                  struct dse_err *err) {
    enum { PAGES_AT_A_TIME = 2048 };
    int code = SQLITE_OK;
    errno = 0;
    sqlite3_backup *backup = sqlite3_backup_init(copy->db, "main", store->db, "main");
    if (backup == NULL)
        return store__fail(copy, sqlite3_errcode(copy->db), err);
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, PAGES_AT_A_TIME);
        int total = sqlite3_backup_pagecount(backup);
        if (progress != NULL)
            progress(context, "pages copied", total - sqlite3_backup_remaining(backup), total);
    }
    int finished = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE)
        code = finished;
    return code == SQLITE_OK ? DSE_OK : store__fail(copy, code, err);
}

/* Reading begins before the first page: writers then do not make the copy begin anew. */
static enum dse_status copy_one_moment(struct dse_store *store, struct dse_store *copy,
                                       dse_store_progress *progress, void *context,
                                       struct dse_err *err) {
    int64_t ignored;
    DSE_TRY(store__exec(store, "BEGIN", err));
    enum dse_status status =
        store__exec_int64(store, "SELECT count(*) FROM sqlite_schema", &ignored, err);
    if (status == DSE_OK)
        status = copy_pages(store, copy, progress, context, err);
    dse_store_rollback(store); /* which needs no memory */
    /* One file by itself, whatever the program that opens it: the log is the daemon's way. */
    return status == DSE_OK ? store__exec(copy, "PRAGMA journal_mode=DELETE", err) : status;
}

static enum dse_status copy_to_file(struct dse_store *store, const char *path,
                                    dse_store_progress *progress, void *context,
                                    struct dse_err *err) {
    struct dse_store copy = {.path = dse_strdup(path), .lock_fd = -1};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    enum dse_status status = DSE_OK;
    if (copy.path == NULL)
        return store__fail_memory(store, err);
    errno = 0;
    int code = sqlite3_open_v2(path, &copy.db, flags, NULL);
    if (copy.db == NULL)
        status = store__fail_memory(&copy, err);
    else if (code != SQLITE_OK)
        status = store__fail(&copy, code, err);
    if (status == DSE_OK)
        status = copy_one_moment(store, &copy, progress, context, err);
    (void)sqlite3_close(copy.db);
    dse_free(copy.path);
    return status;
}

enum dse_status store__back_up(struct dse_store *store, const char *copy,
                               dse_store_progress *progress, void *context, struct dse_err *err) {
    struct dse_arena arena = {0};
    enum dse_status status = DSE_OK;
    char *part = dse_arena_printf(&arena, "%s.part", copy);
    if (part == NULL)
        status = store__fail_memory(store, err);
    if (status != DSE_OK)
        goto fail_names;
    (void)unlink(part); /* of an attempt that was cut short */
    DSE_TRY_GOTO(status, copy_to_file(store, part, progress, context, err), fail_part);
    DSE_TRY_GOTO(status, sync_path(part, err), fail_part);
    if (rename(part, copy) != 0)
        status = dse_err_set_errno(err, copy);
    else
        status = sync_directory_of(copy, err);
fail_part:
    if (status != DSE_OK) {
        (void)unlink(part);
        (void)dse_err_prefix(err, "backup to %s", copy);
    }
fail_names:
    dse_arena_fini(&arena);
    return status;
}

/* ---- for people ---- */

/* Nothing but an older copy is replaced. */
static enum dse_status check_name(const char *path, const char *copy, struct dse_err *err) {
    static const char magic[] = "SQLite format 3"; /* with its zero: the first 16 bytes of each */
    char begin[sizeof magic] = "";
    struct stat there, original;
    if (stat(copy, &there) != 0)
        return DSE_OK;
    if (stat(path, &original) == 0 && there.st_dev == original.st_dev &&
        there.st_ino == original.st_ino)
        DSE_FAIL(err, DSE_INVALID, "%s is the database itself: name another file", copy);
    int fd = open(copy, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, begin, sizeof begin);
    if (fd >= 0)
        (void)close(fd);
    if (got == 0 || (got == (ssize_t)sizeof begin && memcmp(begin, magic, sizeof magic) == 0))
        return DSE_OK;
    DSE_FAIL(err, DSE_INVALID, "%s is there and no database: name another file", copy);
}

enum dse_status dse_store_backup(const char *path, const char *copy, dse_store_progress *progress,
                                 void *context, int64_t *bytes, struct dse_err *err) {
    struct dse_store *store;
    struct stat made;
    int version;
    DSE_TRY(check_name(path, copy, err));
    DSE_TRY(store__open_to_read(path, &store, err));
    enum dse_status status = store__read_version(store, &version, err);
    if (status == DSE_OK)
        status = store__back_up(store, copy, progress, context, err);
    dse_store_close(store);
    if (status == DSE_OK)
        *bytes = stat(copy, &made) == 0 ? (int64_t)made.st_size : 0;
    return status;
}

static enum dse_status count_bytes(struct dse_store *store, int64_t *bytes, struct dse_err *err) {
    int64_t pages, page_bytes;
    DSE_TRY(store__exec_int64(store, "PRAGMA page_count", &pages, err));
    DSE_TRY(store__exec_int64(store, "PRAGMA page_size", &page_bytes, err));
    *bytes = pages * page_bytes;
    return DSE_OK;
}

enum dse_status dse_store_vacuum(struct dse_store *store, int64_t *bytes_before,
                                 int64_t *bytes_after, struct dse_err *err) {
    int64_t before, after;
    DSE_TRY(count_bytes(store, &before, err));
    DSE_TRY(store__exec(store, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", err));
    DSE_TRY(count_bytes(store, &after, err));
    *bytes_before = before;
    *bytes_after = after;
    return DSE_OK;
}
