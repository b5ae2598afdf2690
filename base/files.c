/* Files, directories, clocks. */
#include "base/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum dse_status dse_file_read_fd(int fd, const char *path, size_t limit, struct dse_buf *out,
                                 struct dse_err *err) {
    char block[64 * 1024];
    size_t total = 0;
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dse_err_set_errno(err, path);
        if (got == 0)
            return dse_buf_status(out, err);
        total += (size_t)got;
        if (total > limit)
            DSE_FAIL(err, DSE_INVALID, "%s: larger than the limit of %zu bytes", path, limit);
        dse_buf_append(out, block, (size_t)got);
    }
}

enum dse_status dse_file_read(const char *path, size_t limit, struct dse_buf *out,
                              struct dse_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dse_err_set_errno(err, path);
    enum dse_status status = dse_file_read_fd(fd, path, limit, out, err);
    (void)close(fd);
    return status;
}

static enum dse_status write_all(int fd, const char *path, const void *bytes, size_t size,
                                 struct dse_err *err) {
    const char *next = bytes;
    while (size > 0) {
        ssize_t put = write(fd, next, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return dse_err_set_errno(err, path);
        next += put;
        size -= (size_t)put;
    }
    if (fsync(fd) != 0)
        return dse_err_set_errno(err, path);
    return DSE_OK;
}

enum dse_status dse_file_replace(const char *path, const void *bytes, size_t size,
                                 struct dse_err *err) {
    struct dse_buf beside = {0};
    dse_buf_printf(&beside, "%s.%ld.part", path, (long)getpid());
    enum dse_status status = dse_buf_status(&beside, err);
    if (status != DSE_OK)
        goto fail_name;
    int fd = open(beside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        status = dse_err_set_errno(err, path);
        goto fail_name;
    }
    status = write_all(fd, path, bytes, size, err);
    if (close(fd) != 0 && status == DSE_OK)
        status = dse_err_set_errno(err, path);
    if (status == DSE_OK && rename(beside.data, path) != 0)
        status = dse_err_set_errno(err, path);
    if (status != DSE_OK)
        (void)unlink(beside.data);
fail_name:
    dse_buf_fini(&beside);
    return status;
}

/* Is it "BASE.PID.part" of a process that is no more? */
static bool is_left_part(const char *name, const char *base, size_t base_length) {
    char *end;
    if (strncmp(name, base, base_length) != 0 || name[base_length] != '.')
        return false;
    long pid = strtol(name + base_length + 1, &end, 10);
    return pid > 0 && pid <= INT_MAX && strcmp(end, ".part") == 0 && kill((pid_t)pid, 0) != 0 &&
           errno == ESRCH;
}

void dse_file_remove_parts(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
    char *folder = slash == NULL ? dse_strdup(".") : dse_strndup(path, (size_t)(base - path));
    DIR *dir = folder == NULL ? NULL : opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        if (is_left_part(entry->d_name, base, strlen(base)))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    dse_free(folder);
}

enum dse_status dse_dir_create(const char *path, struct dse_err *err) {
    char partial[4096];
    if (strlen(path) >= sizeof partial)
        DSE_FAIL(err, DSE_INVALID, "path is longer than %zu bytes", sizeof partial - 1);
    (void)snprintf(partial, sizeof partial, "%s", path);
    for (char *slash = partial + 1; *slash != '\0'; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (mkdir(partial, 0700) != 0 && errno != EEXIST)
            return dse_err_set_errno(err, partial);
        *slash = '/';
    }
    if (mkdir(partial, 0700) != 0 && errno != EEXIST)
        return dse_err_set_errno(err, partial);
    struct stat st;
    if (stat(partial, &st) != 0)
        return dse_err_set_errno(err, partial);
    if (!S_ISDIR(st.st_mode))
        DSE_FAIL(err, DSE_IO, "%s: not a directory", path);
    return DSE_OK;
}

void dse_program_dir(char *out, size_t size) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
    (void)snprintf(out, size, "%s", path);
}

void dse_default_state_dir(char *out, size_t size) {
    const char *state = getenv("PARETO_STATE");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state != NULL && state[0] != '\0')
        (void)snprintf(out, size, "%s", state);
    else if (xdg != NULL && xdg[0] != '\0')
        (void)snprintf(out, size, "%s/paretod", xdg);
    else
        (void)snprintf(out, size, "%s/.local/state/paretod", home != NULL ? home : "");
}

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t dse_clock_wall_ms(void) {
    return clock_ms(CLOCK_REALTIME);
}

int64_t dse_clock_mono_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

/* ---- folders ---- */

struct names {
    const char **items; /* heap */
    int n, room;
};

static enum dse_status add_name(struct names *names, const char *name, struct dse_arena *arena,
                                struct dse_err *err) {
    enum { FIRST_ROOM = 64 };
    if (names->n == names->room) {
        int room = names->room == 0 ? FIRST_ROOM : 2 * names->room;
        void *grown = dse_realloc(names->items, (size_t)room, sizeof *names->items);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the names of %d files", room);
        names->items = grown;
        names->room = room;
    }
    names->items[names->n] = dse_arena_strdup(arena, name);
    if (names->items[names->n] == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the names of %d files", names->n);
    names->n++;
    return DSE_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum dse_status read_names(const char *path, struct names *names, struct dse_arena *arena,
                                  struct dse_err *err) {
    DIR *dir = opendir(path);
    if (dir == NULL)
        return dse_err_set_errno(err, path);
    enum dse_status status = DSE_OK;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            status = dse_err_set_errno(err, path);
        if (entry == NULL || status != DSE_OK)
            break;
        if (entry->d_name[0] != '.')
            status = add_name(names, entry->d_name, arena, err);
    }
    (void)closedir(dir);
    return status;
}

enum dse_status dse_dir_list(const char *path, struct dse_arena *arena, const char *const **names,
                             int *n, struct dse_err *err) {
    struct names found = {0};
    enum dse_status status = read_names(path, &found, arena, err);
    const char **sorted = NULL;
    if (status == DSE_OK) {
        sorted = dse_arena_alloc(arena, (size_t)found.n, sizeof *sorted);
        if (sorted == NULL)
            status = dse_err_set(err, DSE_NO_MEMORY, "%s: out of memory for its names", path);
    }
    if (status == DSE_OK && found.n > 0) {
        qsort(found.items, (size_t)found.n, sizeof *found.items, compare_names);
        memcpy(sorted, found.items, (size_t)found.n * sizeof *sorted);
    }
    dse_free(found.items);
    if (status != DSE_OK)
        return status;
    *names = sorted;
    *n = found.n;
    return DSE_OK;
}
