/* Blocks as files: a header, then the content. The header is text in fields of fixed width, so that
 * `head -c 192` shows it: magic, size, key, SHA-256 of the content. */
#include "evaluator/cache/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "paretod cache 1";
enum { DEFAULT_LIMIT_MIB = 4096, PATH_SIZE = 4096 };
/* Cleaning looks at every file: it is done after writing this share of the limit. */
enum { CLEAN_SHARE = 16 };

struct dse_cache {
    char *dir;
    int64_t limit_bytes;
    int64_t written_bytes; /* since the last cleaning */
};

void dse_cache_default_dir(char *out, size_t size) {
    const char *named = getenv("PARETO_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    out[0] = '\0';
    if (named != NULL && strcmp(named, "off") == 0)
        return;
    if (named != NULL && named[0] != '\0')
        (void)snprintf(out, size, "%s", named);
    else if (xdg != NULL && xdg[0] == '/')
        (void)snprintf(out, size, "%s/paretod", xdg);
    else if (home != NULL && home[0] == '/')
        (void)snprintf(out, size, "%s/.cache/paretod", home);
}

enum dse_status dse_cache_default_limit(int64_t *limit_bytes, struct dse_err *err) {
    const char *text = getenv("PARETO_CACHE_MB");
    long long mib = DEFAULT_LIMIT_MIB;
    if (text != NULL && text[0] != '\0') {
        char *end;
        mib = strtoll(text, &end, 10);
        if (*end != '\0' || mib < 1 || mib > INT32_MAX)
            DSE_FAIL(err, DSE_INVALID,
                     "PARETO_CACHE_MB: '%s' is not a whole number of MiB from 1 on", text);
    }
    *limit_bytes = (int64_t)mib << 20;
    return DSE_OK;
}

enum dse_status dse_cache_open(const char *dir, int64_t limit_bytes, struct dse_cache **cache,
                               struct dse_err *err) {
    DSE_TRY(dse_dir_create(dir, err));
    if (access(dir, W_OK | X_OK) != 0)
        return dse_err_set_errno(err, dir);
    struct dse_cache *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the cache");
    made->dir = dse_strdup(dir);
    if (made->dir == NULL) {
        dse_free(made);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the cache");
    }
    made->limit_bytes = limit_bytes;
    made->written_bytes = limit_bytes; /* the first block cleans */
    *cache = made;
    return DSE_OK;
}

void dse_cache_close(struct dse_cache *cache) {
    if (cache == NULL)
        return;
    dse_free(cache->dir);
    dse_free(cache);
}

static enum dse_status name_file(const struct dse_cache *cache, const char *key, char *out,
                                 struct dse_err *err) {
    int length = snprintf(out, PATH_SIZE, "%s/%s.block", cache->dir, key);
    if (length < 0 || length >= PATH_SIZE)
        DSE_FAIL(err, DSE_INVALID, "%s: the path is too long", cache->dir);
    return DSE_OK;
}

/* ---- header ---- */

static enum dse_status write_header(const char *key, const uint8_t *content, size_t size,
                                    char header[DSE_CACHE_HEADER], struct dse_err *err) {
    char sum[DSE_SHA256_HEX];
    DSE_TRY(dse_sha256_bytes(content, size, sum, err));
    memset(header, 0, DSE_CACHE_HEADER);
    int length = snprintf(header, DSE_CACHE_HEADER, "%s\n%20zu\n%s\n%s\n", magic, size, key, sum);
    dse_assert(length > 0 && length < DSE_CACHE_HEADER);
    return DSE_OK;
}

/* The header says all that it should, so it can be made again and compared. */
static bool is_whole(const char *key, const uint8_t *file, size_t size) {
    char header[DSE_CACHE_HEADER];
    if (write_header(key, file + DSE_CACHE_HEADER, size, header, NULL) != DSE_OK)
        return false;
    return memcmp(file, header, sizeof header) == 0;
}

/* ---- get, put ---- */

static enum dse_status map_file(int fd, const char *path, size_t size,
                                struct dse_cache_block *block, struct dse_err *err) {
    struct stat st;
    size_t mapping_size = size + DSE_CACHE_HEADER;
    if (fstat(fd, &st) != 0)
        return dse_err_set_errno(err, path);
    if (st.st_size != (off_t)mapping_size)
        DSE_FAIL(err, DSE_NOT_FOUND, "%s: of another size", path);
    void *mapping = mmap(NULL, mapping_size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED)
        return dse_err_set_errno(err, path);
    *block = (struct dse_cache_block){(const uint8_t *)mapping + DSE_CACHE_HEADER, size, mapping,
                                      mapping_size};
    return DSE_OK;
}

enum dse_status dse_cache_get(struct dse_cache *cache, const char *key, size_t size,
                              struct dse_cache_block *block, struct dse_err *err) {
    char path[PATH_SIZE];
    struct dse_cache_block found = {0};
    DSE_TRY(name_file(cache, key, path, err));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dse_err_set_errno(err, path);
    enum dse_status status = map_file(fd, path, size, &found, err);
    if (status == DSE_OK && !is_whole(key, found.mapping, size)) {
        dse_cache_release(&found);
        status = dse_err_set(err, DSE_NOT_FOUND, "%s: damaged", path);
    }
    if (status == DSE_OK)
        (void)futimens(fd, NULL); /* its age; of no consequence where it may not be set */
    else
        (void)unlink(path);
    (void)close(fd);
    if (status == DSE_OK)
        *block = found;
    return status;
}

void dse_cache_release(struct dse_cache_block *block) {
    if (block->mapping != NULL)
        (void)munmap(block->mapping, block->mapping_size);
    *block = (struct dse_cache_block){0};
}

enum dse_status dse_cache_put(struct dse_cache *cache, const char *key, uint8_t *room, size_t size,
                              struct dse_err *err) {
    char path[PATH_SIZE], header[DSE_CACHE_HEADER];
    DSE_TRY(name_file(cache, key, path, err));
    DSE_TRY(write_header(key, room + DSE_CACHE_HEADER, size, header, err));
    memcpy(room, header, sizeof header);
    cache->written_bytes += (int64_t)size;
    if (cache->written_bytes > cache->limit_bytes / CLEAN_SHARE) {
        struct dse_cache_usage removed;
        int64_t keep = cache->limit_bytes - cache->limit_bytes / CLEAN_SHARE - (int64_t)size;
        DSE_TRY(dse_cache_clean(cache->dir, keep > 0 ? keep : 1, &removed, err));
        cache->written_bytes = (int64_t)size;
    }
    return dse_file_replace(path, room, size + DSE_CACHE_HEADER, err);
}
