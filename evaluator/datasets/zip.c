/* The directory of a zip archive (PKWARE, APPNOTE.TXT), as far as .npz files need it: members that
 * are stored or deflated, in archives of less than 4 GiB. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evaluator/datasets/datasets_internal.h"

enum {
    END_BYTES = 22, /* end of central directory, without comment */
    LONGEST_COMMENT = 65535,
    ENTRY_BYTES = 46, /* of the directory, without names */
    LOCAL_BYTES = 30, /* header of a member, without names */
    MOST_MEMBERS = 1000,
    MOST_DIRECTORY = 1 << 20,
    STORED = 0,
    DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
};
static const uint8_t end_magic[] = {'P', 'K', 5, 6}, entry_magic[] = {'P', 'K', 1, 2},
                     local_magic[] = {'P', 'K', 3, 4};

static uint32_t u16(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t u32(const uint8_t *bytes) {
    return u16(bytes) | u16(bytes + 2) << 16;
}

struct archive {
    const char *path;
    int fd;
    uint64_t bytes;
    struct dse_err *err;
};

static enum dse_status fail_broken(const struct archive *archive, const char *why) {
    return dse_err_set(archive->err, DSE_INVALID,
                       "%s: not a whole zip archive (%s); " DATASETS__ADVICE, archive->path, why);
}

static enum dse_status read_at(const struct archive *archive, uint64_t offset, uint8_t *out,
                               size_t size) {
    return datasets__read_at(archive->fd, archive->path, offset, out, size, archive->err);
}

/* ---- the end of the archive ---- */

struct directory {
    uint64_t offset, bytes;
    int n;
};

static enum dse_status read_end(const struct archive *archive, const uint8_t *end,
                                struct directory *directory) {
    uint32_t n = u16(end + 10), bytes = u32(end + 12), offset = u32(end + 16);
    if (n == UINT16_MAX || bytes == UINT32_MAX || offset == UINT32_MAX)
        DSE_FAIL(archive->err, DSE_UNSUPPORTED,
                 "%s: an archive of more than 4 GiB; save its arrays as .npy files", archive->path);
    if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != n)
        return fail_broken(archive, "it is one of several volumes");
    if (n > MOST_MEMBERS || bytes > MOST_DIRECTORY || (uint64_t)offset + bytes > archive->bytes)
        return fail_broken(archive, "its directory is not where it should be");
    *directory = (struct directory){offset, bytes, (int)n};
    return DSE_OK;
}

/* It is the last thing in the file, but for a comment. */
static enum dse_status find_end(const struct archive *archive, struct directory *directory) {
    size_t most = END_BYTES + LONGEST_COMMENT;
    size_t size = archive->bytes < most ? (size_t)archive->bytes : most;
    if (size < END_BYTES)
        return fail_broken(archive, "it is too short");
    uint8_t *tail = dse_alloc(size, 1);
    if (tail == NULL)
        DSE_FAIL(archive->err, DSE_NO_MEMORY, "%s: no memory to read it", archive->path);
    enum dse_status status = read_at(archive, archive->bytes - size, tail, size);
    size_t at = size - END_BYTES + 1;
    while (status == DSE_OK && at > 0 && memcmp(tail + at - 1, end_magic, sizeof end_magic) != 0)
        at--;
    if (status == DSE_OK)
        status = at == 0 ? fail_broken(archive, "it has no directory")
                         : read_end(archive, tail + at - 1, directory);
    dse_free(tail);
    return status;
}

/* ---- members ---- */

static enum dse_status read_entry(const struct archive *archive, const uint8_t *entry,
                                  size_t name_bytes, struct datasets__member *member) {
    uint32_t method = u16(entry + 10), packed = u32(entry + 20), bytes = u32(entry + 24);
    uint32_t local = u32(entry + 42);
    uint8_t header[LOCAL_BYTES];
    size_t kept = name_bytes < sizeof member->name - 1 ? name_bytes : sizeof member->name - 1;
    memcpy(member->name, entry + ENTRY_BYTES, kept);
    if ((u16(entry + 8) & FLAG_ENCRYPTED) != 0 || (method != STORED && method != DEFLATED))
        DSE_FAIL(archive->err, DSE_UNSUPPORTED,
                 "%s: a member is encrypted or packed in another way than numpy.savez does",
                 archive->path);
    if (packed == UINT32_MAX || bytes == UINT32_MAX || local == UINT32_MAX)
        DSE_FAIL(archive->err, DSE_UNSUPPORTED,
                 "%s: a member of more than 4 GiB; save its array as an .npy file", archive->path);
    DSE_TRY(read_at(archive, local, header, sizeof header));
    if (memcmp(header, local_magic, sizeof local_magic) != 0)
        return fail_broken(archive, "a member is not where it should be");
    uint64_t offset = (uint64_t)local + LOCAL_BYTES + u16(header + 26) + u16(header + 28);
    if (offset + packed > archive->bytes || (method == STORED && packed != bytes))
        return fail_broken(archive, "a member is not whole");
    member->part = (struct datasets__part){.offset = offset,
                                           .packed_bytes = packed,
                                           .bytes = bytes,
                                           .deflated = method == DEFLATED,
                                           .crc = u32(entry + 16)};
    return DSE_OK;
}

static enum dse_status read_directory(const struct archive *archive,
                                      const struct directory *directory, const uint8_t *bytes,
                                      struct datasets__member *members) {
    size_t at = 0;
    for (int i = 0; i < directory->n; i++) {
        const uint8_t *entry = bytes + at;
        if (directory->bytes - at < ENTRY_BYTES ||
            memcmp(entry, entry_magic, sizeof entry_magic) != 0)
            return fail_broken(archive, "its directory is damaged");
        size_t name_bytes = u16(entry + 28);
        size_t size = ENTRY_BYTES + name_bytes + u16(entry + 30) + u16(entry + 32);
        if (directory->bytes - at < size)
            return fail_broken(archive, "its directory is damaged");
        DSE_TRY(read_entry(archive, entry, name_bytes, &members[i]));
        at += size;
    }
    return DSE_OK;
}

static enum dse_status list_members(const struct archive *archive,
                                    struct datasets__member **members, int *n) {
    struct directory directory = {0};
    DSE_TRY(find_end(archive, &directory));
    uint8_t *bytes = dse_alloc((size_t)directory.bytes, 1);
    struct datasets__member *made = dse_alloc((size_t)directory.n, sizeof *made);
    enum dse_status status = DSE_OK;
    if (bytes == NULL || made == NULL)
        status =
            dse_err_set(archive->err, DSE_NO_MEMORY, "%s: no memory to read it", archive->path);
    if (status == DSE_OK)
        status = read_at(archive, directory.offset, bytes, (size_t)directory.bytes);
    if (status == DSE_OK)
        status = read_directory(archive, &directory, bytes, made);
    dse_free(bytes);
    if (status != DSE_OK) {
        dse_free(made);
        return status;
    }
    *members = made;
    *n = directory.n;
    return DSE_OK;
}

enum dse_status datasets__zip_list(const char *path, struct datasets__member **members, int *n,
                                   struct dse_err *err) {
    struct stat st;
    struct archive archive = {.path = path, .err = err};
    archive.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (archive.fd < 0 || fstat(archive.fd, &st) != 0) {
        enum dse_status status = dse_err_set_errno(err, path);
        if (archive.fd >= 0)
            (void)close(archive.fd);
        return status;
    }
    archive.bytes = (uint64_t)st.st_size;
    enum dse_status status = S_ISREG(st.st_mode)
                                 ? list_members(&archive, members, n)
                                 : dse_err_set(err, DSE_INVALID, "%s: not a regular file", path);
    (void)close(archive.fd);
    return status;
}
