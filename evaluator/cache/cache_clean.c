/* What a cache's directory holds, and cleaning it. */
#include "evaluator/cache/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writers rename within seconds; what is older was left by one that ended. */
static const int64_t ABANDONED_MS = 3600 * 1000;

struct entry {
    char name[256];
    int64_t bytes, used_ms;
    bool is_block; /* else a file that a writer left */
};

struct entries {
    struct entry *items;
    int n, room;
};

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static enum dse_status add_entry(struct entries *entries, int dir_fd, const char *name,
                                 struct dse_err *err) {
    struct stat st;
    bool is_block = ends_with(name, ".block"), is_part = ends_with(name, ".part");
    if ((!is_block && !is_part) || strlen(name) >= sizeof entries->items->name ||
        fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return DSE_OK; /* not ours, or gone meanwhile */
    if (entries->n == entries->room) {
        int room = entries->room == 0 ? 256 : 2 * entries->room;
        void *grown = dse_realloc(entries->items, (size_t)room, sizeof *entries->items);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a list of %d files", room);
        entries->items = grown;
        entries->room = room;
    }
    struct entry *entry = &entries->items[entries->n++];
    memcpy(entry->name, name, strlen(name) + 1);
    entry->bytes = st.st_size;
    entry->used_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    entry->is_block = is_block;
    return DSE_OK;
}

static enum dse_status list_entries(const char *path, struct entries *entries,
                                    struct dse_err *err) {
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? DSE_OK : dse_err_set_errno(err, path);
    enum dse_status status = DSE_OK;
    for (struct dirent *d = readdir(dir); d != NULL && status == DSE_OK; d = readdir(dir))
        status = add_entry(entries, dirfd(dir), d->d_name, err);
    (void)closedir(dir);
    return status;
}

static void count_entry(const struct entry *entry, struct dse_cache_usage *usage) {
    usage->blocks += entry->is_block;
    usage->bytes += entry->bytes;
    if (usage->oldest_ms == 0 || entry->used_ms < usage->oldest_ms)
        usage->oldest_ms = entry->used_ms;
    if (entry->used_ms > usage->youngest_ms)
        usage->youngest_ms = entry->used_ms;
}

enum dse_status dse_cache_measure(const char *dir, struct dse_cache_usage *usage,
                                  struct dse_err *err) {
    struct entries entries = {0};
    struct dse_cache_usage sum = {0};
    enum dse_status status = list_entries(dir, &entries, err);
    for (int i = 0; i < entries.n; i++)
        count_entry(&entries.items[i], &sum);
    dse_free(entries.items);
    if (status == DSE_OK)
        *usage = sum;
    return status;
}

static int compare_use(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->used_ms != y->used_ms)
        return x->used_ms < y->used_ms ? -1 : 1;
    return strcmp(x->name, y->name);
}

static enum dse_status remove_file(const char *dir, const struct entry *entry,
                                   struct dse_err *err) {
    struct dse_buf path = {0};
    dse_buf_printf(&path, "%s/%s", dir, entry->name);
    enum dse_status status = dse_buf_status(&path, err);
    if (status == DSE_OK && unlink(path.data) != 0 && errno != ENOENT)
        status = dse_err_set_errno(err, path.data);
    dse_buf_fini(&path);
    return status;
}

enum dse_status dse_cache_clean(const char *dir, int64_t keep_bytes,
                                struct dse_cache_usage *removed, struct dse_err *err) {
    struct entries entries = {0};
    struct dse_cache_usage all = {0}, gone = {0};
    int64_t now = dse_clock_wall_ms();
    enum dse_status status = list_entries(dir, &entries, err);
    for (int i = 0; i < entries.n; i++)
        count_entry(&entries.items[i], &all);
    if (entries.n > 0)
        qsort(entries.items, (size_t)entries.n, sizeof *entries.items, compare_use);
    for (int i = 0; i < entries.n && status == DSE_OK; i++) {
        const struct entry *entry = &entries.items[i];
        bool goes = entry->is_block ? all.bytes - gone.bytes > keep_bytes
                                    : now - entry->used_ms > ABANDONED_MS;
        if (!goes)
            continue;
        status = remove_file(dir, entry, err);
        if (status == DSE_OK)
            count_entry(entry, &gone);
    }
    dse_free(entries.items);
    if (status == DSE_OK)
        *removed = gone;
    return status;
}
