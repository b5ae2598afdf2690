/* One file out of a tar archive (POSIX.1-1988 "ustar", which npm writes), plain or gzip, and whole
 * files that may be packed. A header of 512 bytes goes before the content of each member, which is
 * filled up to 512. */
#include <string.h>

#include "evaluator/datasets/datasets_internal.h"

enum {
    RECORD = 512,
    NAME_AT = 0,
    NAME_BYTES = 100,
    SIZE_AT = 124,
    SIZE_BYTES = 12,
    SUM_AT = 148,
    SUM_BYTES = 8,
    KIND_AT = 156,
};

/* Octal digits, with blanks around them. */
static uint64_t read_octal(const uint8_t *text, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n && text[i] != '\0'; i++)
        if (text[i] >= '0' && text[i] <= '7')
            value = value * 8 + (uint64_t)(text[i] - '0');
    return value;
}

static bool is_header(const uint8_t *record) {
    uint64_t sum = 0;
    for (int i = 0; i < RECORD; i++)
        sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : record[i];
    return sum == read_octal(record + SUM_AT, SUM_BYTES);
}

/* The end is records of zeros. */
static bool is_end(const uint8_t *record) {
    for (int i = 0; i < RECORD; i++)
        if (record[i] != 0)
            return false;
    return true;
}

/* Is it a file whose last part of the path is name? */
static bool is_wanted(const uint8_t *record, const char *name) {
    char path[NAME_BYTES + 1] = "";
    memcpy(path, record + NAME_AT, NAME_BYTES);
    const char *slash = strrchr(path, '/');
    return (record[KIND_AT] == '0' || record[KIND_AT] == '\0') &&
           strcmp(slash == NULL ? path : slash + 1, name) == 0;
}

/* Reads up to size bytes, the end of the stream before that being a fault unless may_end. Appended
 * to out unless that is NULL. */
static enum dse_status pass_bytes(struct datasets__stream *stream, uint64_t size, bool may_end,
                                  struct dse_buf *out, struct dse_err *err) {
    uint8_t block[16 * 1024];
    while (size > 0) {
        size_t part = size < sizeof block ? (size_t)size : sizeof block, got;
        DSE_TRY(datasets__stream_read(stream, block, part, &got, err));
        if (out != NULL)
            dse_buf_append(out, block, got);
        if (got < part && may_end)
            break;
        if (got < part)
            DSE_FAIL(err, DSE_INVALID, "%s: the archive is cut off; " DATASETS__ADVICE,
                     stream->path);
        size -= part;
    }
    return out != NULL ? dse_buf_status(out, err) : DSE_OK;
}

static enum dse_status find_member(struct datasets__stream *stream, const char *name, size_t limit,
                                   struct dse_buf *out, struct dse_err *err) {
    uint8_t record[RECORD];
    for (;;) {
        size_t got;
        DSE_TRY(datasets__stream_read(stream, record, RECORD, &got, err));
        if (got == 0 || (got == RECORD && is_end(record)))
            DSE_FAIL(err, DSE_NOT_FOUND, "%s: no file %s in it", stream->path, name);
        if (got < RECORD || !is_header(record))
            DSE_FAIL(err, DSE_INVALID, "%s: not a tar archive, or damaged; " DATASETS__ADVICE,
                     stream->path);
        uint64_t size = read_octal(record + SIZE_AT, SIZE_BYTES);
        uint64_t filled = (size + RECORD - 1) / RECORD * RECORD;
        if (!is_wanted(record, name)) {
            DSE_TRY(pass_bytes(stream, filled, false, NULL, err));
            continue;
        }
        if (size > limit)
            DSE_FAIL(err, DSE_INVALID, "%s: %s has more than %zu bytes", stream->path, name, limit);
        return pass_bytes(stream, size, false, out, err);
    }
}

static enum dse_status read_whole(struct datasets__stream *stream, size_t limit,
                                  struct dse_buf *out, struct dse_err *err) {
    size_t before = out->size;
    DSE_TRY(pass_bytes(stream, (uint64_t)limit + 1, true, out, err));
    if (out->size - before > limit)
        DSE_FAIL(err, DSE_INVALID, "%s: more than %zu bytes", stream->path, limit);
    return DSE_OK;
}

enum dse_status dse_dataset_unpack(const char *path, const char *member, size_t limit,
                                   struct dse_buf *out, struct dse_err *err) {
    struct datasets__stream *stream = NULL;
    DSE_TRY(datasets__stream_open(path, &stream, err));
    enum dse_status status = member != NULL ? find_member(stream, member, limit, out, err)
                                            : read_whole(stream, limit, out, err);
    datasets__stream_close(stream);
    return status;
}
