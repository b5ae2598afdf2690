#include "tests/fault/store/faulty_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- faults ---- */

static struct {
    unsigned kinds;
    long countdown; /* < 0: none */
    int code;
    int error_number;
    bool sticky;
    bool power_cut; /* this fault is one */
    bool happened;
} fault = {.countdown = -1};

void faulty_vfs_fail_at(unsigned kinds, long n, int code, int error_number, bool sticky) {
    fault.kinds = kinds;
    fault.countdown = n;
    fault.code = code;
    fault.error_number = error_number;
    fault.sticky = sticky;
    fault.power_cut = false;
    fault.happened = false;
}

void faulty_vfs_cut_power_at(long n) {
    faulty_vfs_fail_at(FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE, n, SQLITE_IOERR, EIO, true);
    fault.power_cut = true;
}

bool faulty_vfs_happened(void) {
    return fault.happened;
}

/* SQLITE_OK, or the code of the fault that is due. */
static int meet_fault(unsigned kind) {
    bool due = false;
    if (fault.happened && fault.sticky)
        due = fault.power_cut || (fault.kinds & kind) != 0;
    else if (fault.countdown >= 0 && (fault.kinds & kind) != 0)
        due = fault.countdown-- == 0;
    if (!due)
        return SQLITE_OK;
    fault.happened = true;
    errno = fault.error_number;
    return fault.code;
}

/* ---- what is not on disk yet ---- */

struct change {
    struct change *older;
    char path[PATH_MAX];
    int64_t offset;
    int64_t size;     /* bytes changed */
    int64_t old_size; /* of them there before */
    char old[];
};
static struct change *changes;

static void *must_alloc(size_t size) {
    void *block = calloc(1, size);
    if (block == NULL)
        abort();
    return block;
}

static void note_change(sqlite3_file *real, const char *path, int64_t offset, int64_t size) {
    sqlite3_int64 file_size = 0;
    if (real->pMethods->xFileSize(real, &file_size) != SQLITE_OK)
        abort();
    int64_t old_size = file_size <= offset ? 0 : file_size - offset;
    old_size = old_size < size ? old_size : size;
    struct change *change = must_alloc(sizeof *change + (size_t)old_size);
    (void)snprintf(change->path, sizeof change->path, "%s", path);
    change->offset = offset;
    change->size = size;
    change->old_size = old_size;
    if (old_size > 0 &&
        real->pMethods->xRead(real, change->old, (int)old_size, offset) != SQLITE_OK)
        abort();
    change->older = changes;
    changes = change;
}

/* Of one file, or all (NULL). */
static void forget_changes(const char *path) {
    struct change **link = &changes;
    while (*link != NULL) {
        struct change *change = *link;
        if (path != NULL && strcmp(change->path, path) != 0) {
            link = &change->older;
            continue;
        }
        *link = change->older;
        free(change);
    }
}

static void must_write(int fd, const void *bytes, int64_t size, int64_t offset) {
    if (size > 0 && pwrite(fd, bytes, (size_t)size, (off_t)offset) != (ssize_t)size)
        abort();
}

/* The old bytes again from `from` on; zeros where the file had ended. */
static void undo_change(const struct change *change, int64_t from) {
    int fd = open(change->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* removed since */
    char *zeros = must_alloc((size_t)change->size + 1);
    int64_t old_from = from < change->old_size ? from : change->old_size;
    int64_t zeros_from = from > change->old_size ? from : change->old_size;
    must_write(fd, change->old + old_from, change->old_size - old_from, change->offset + old_from);
    must_write(fd, zeros, change->size - zeros_from, change->offset + zeros_from);
    free(zeros);
    (void)close(fd);
}

void faulty_vfs_mend(struct dse_rng *rng) {
    if (fault.power_cut && fault.happened)
        for (const struct change *change = changes; change != NULL; change = change->older) {
            uint32_t lot = dse_rng_below(rng, 4); /* kept, lost, lost, torn */
            if (lot != 0)
                undo_change(change, lot == 3 ? change->size / 2 : 0);
        }
    forget_changes(NULL);
    faulty_vfs_fail_at(0, -1, 0, 0, false);
}

/* ---- files ---- */

struct faulty_file {
    sqlite3_file base;
    char path[PATH_MAX]; /* "": a temporary file */
    sqlite3_file *real;  /* lies behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct faulty_file *)file)->real;
}

static int close_file(sqlite3_file *file) {
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int read_file(sqlite3_file *file, void *out, int size, sqlite3_int64 offset) {
    int code = meet_fault(FAULT_READ);
    return code != SQLITE_OK ? code
                             : real_of(file)->pMethods->xRead(real_of(file), out, size, offset);
}

static int write_file(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
    int code = meet_fault(FAULT_WRITE);
    if (code != SQLITE_OK)
        return code;
    if (fault.power_cut)
        note_change(real_of(file), ((struct faulty_file *)file)->path, offset, size);
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, offset);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) {
    int code = meet_fault(FAULT_TRUNCATE);
    sqlite3_int64 present = 0;
    if (code != SQLITE_OK)
        return code;
    if (real_of(file)->pMethods->xFileSize(real_of(file), &present) != SQLITE_OK)
        abort();
    if (fault.power_cut && present > size)
        note_change(real_of(file), ((struct faulty_file *)file)->path, size, present - size);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int sync_file(sqlite3_file *file, int flags) {
    (void)flags;
    int code = meet_fault(FAULT_SYNC);
    if (code == SQLITE_OK)
        forget_changes(((struct faulty_file *)file)->path);
    return code;
}

static int size_file(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int lock_file(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int unlock_file(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int check_lock(sqlite3_file *file, int *locked) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), locked);
}

static int control_file(sqlite3_file *file, int op, void *arg) {
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int sector_size(sqlite3_file *file) {
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int characteristics(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int map_shm(sqlite3_file *file, int region, int size, int extend, void volatile **out) {
    int code = meet_fault(FAULT_SHM);
    return code != SQLITE_OK
               ? code
               : real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int lock_shm(sqlite3_file *file, int offset, int n, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void barrier_shm(sqlite3_file *file) {
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int unmap_shm(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shm,
    .xShmLock = lock_shm,
    .xShmBarrier = barrier_shm,
    .xShmUnmap = unmap_shm,
};

/* ---- file system ---- */

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                     int *out_flags) {
    (void)vfs;
    struct faulty_file *faulty = (struct faulty_file *)file;
    faulty->base.pMethods = NULL;
    int code = meet_fault(FAULT_OPEN);
    if (code != SQLITE_OK)
        return code;
    faulty->real = (sqlite3_file *)(faulty + 1);
    (void)snprintf(faulty->path, sizeof faulty->path, "%s", path != NULL ? path : "");
    code = real_vfs->xOpen(real_vfs, path, faulty->real, flags, out_flags);
    if (code == SQLITE_OK)
        faulty->base.pMethods = &file_methods;
    return code;
}

static int delete_file(sqlite3_vfs *vfs, const char *path, int sync_directory) {
    (void)vfs;
    int code = meet_fault(FAULT_DELETE);
    if (code == SQLITE_OK)
        code = real_vfs->xDelete(real_vfs, path, 0);
    (void)sync_directory;
    if (code == SQLITE_OK)
        forget_changes(path);
    return code;
}

void faulty_vfs_install(void) {
    real_vfs = sqlite3_vfs_find(NULL);
    faulty_vfs = *real_vfs;
    faulty_vfs.zName = "faulty";
    faulty_vfs.pNext = NULL;
    faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    faulty_vfs.xOpen = open_file;
    faulty_vfs.xDelete = delete_file;
    if (sqlite3_vfs_register(&faulty_vfs, 1) != SQLITE_OK)
        abort();
}
