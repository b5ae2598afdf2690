/* A file's bytes, unpacked where it is gzip (RFC 1952). zlib's own gzFile is not used because it
 * ignores whatever follows the compressed data; here everything in a file is accounted for. */
#include "evaluator/datasets/datasets_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deflate cannot do better: a 258-byte match costs at least two bits. */
enum { MOST_BYTES_FROM_ONE = 1032 };
/* The largest window, and a gzip header. */
enum { WINDOW_BITS = 15 + 16, WINDOW_BITS_BARE = -15 /* no header: in zip archives */ };

static voidpf allocate_for_zlib(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return dse_alloc(items, size);
}

static void free_for_zlib(voidpf opaque, voidpf block) {
    (void)opaque;
    dse_free(block);
}

/* Fills the block behind what is left in it; z.avail_in stays as it is at the end of the file. */
static enum dse_status fill_block(struct datasets__stream *stream, struct dse_err *err) {
    size_t filled = stream->z.avail_in;
    memmove(stream->block, stream->z.next_in, filled);
    while (filled < sizeof stream->block) {
        size_t room = sizeof stream->block - filled;
        if (stream->is_part && stream->left_bytes < room)
            room = (size_t)stream->left_bytes;
        if (room == 0)
            break;
        ssize_t got = read(stream->fd, stream->block + filled, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dse_err_set_errno(err, stream->path);
        if (got == 0)
            break;
        filled += (size_t)got;
        stream->left_bytes -= stream->is_part ? (uint64_t)got : 0;
    }
    stream->z.next_in = stream->block;
    stream->z.avail_in = (uInt)filled;
    return DSE_OK;
}

static bool starts_with_gzip_magic(const struct datasets__stream *stream) {
    return stream->z.avail_in >= 2 && stream->z.next_in[0] == 0x1f && stream->z.next_in[1] == 0x8b;
}

static enum dse_status start_inflate(struct datasets__stream *stream, int window_bits,
                                     struct dse_err *err) {
    stream->z.zalloc = allocate_for_zlib;
    stream->z.zfree = free_for_zlib;
    int result = inflateInit2(&stream->z, window_bits);
    if (result == Z_MEM_ERROR)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory to unpack", stream->path);
    if (result != Z_OK)
        DSE_FAIL(err, DSE_INTERNAL, "%s: zlib refuses to start (%d)", stream->path, result);
    stream->gzip = true;
    return DSE_OK;
}

static enum dse_status check_regular(struct datasets__stream *stream, struct dse_err *err) {
    struct stat st;
    if (fstat(stream->fd, &st) != 0)
        return dse_err_set_errno(err, stream->path);
    if (!S_ISREG(st.st_mode))
        DSE_FAIL(err, DSE_INVALID, "%s: not a regular file", stream->path);
    stream->file_bytes = (uint64_t)st.st_size;
    return DSE_OK;
}

/* Not opened yet: path, and the part where it is one. */
static enum dse_status open_file(struct datasets__stream *opened, struct dse_err *err) {
    opened->z.next_in = opened->block;
    /* Not to hang on a named pipe, which is refused below. */
    opened->fd = open(opened->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened->fd < 0)
        return dse_err_set_errno(err, opened->path);
    DSE_TRY(check_regular(opened, err));
    if (!opened->is_part) {
        DSE_TRY(fill_block(opened, err));
        return starts_with_gzip_magic(opened) ? start_inflate(opened, WINDOW_BITS, err) : DSE_OK;
    }
    if (lseek(opened->fd, (off_t)opened->part.offset, SEEK_SET) < 0)
        return dse_err_set_errno(err, opened->path);
    opened->left_bytes = opened->file_bytes = opened->part.packed_bytes;
    DSE_TRY(fill_block(opened, err));
    return opened->part.deflated ? start_inflate(opened, WINDOW_BITS_BARE, err) : DSE_OK;
}

static enum dse_status open_stream(const char *path, const struct datasets__part *part,
                                   struct datasets__stream **stream, struct dse_err *err) {
    struct datasets__stream *opened = dse_alloc(1, sizeof *opened);
    if (opened == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory to read it", path);
    opened->path = path;
    opened->is_part = part != NULL;
    if (part != NULL)
        opened->part = *part;
    enum dse_status status = open_file(opened, err);
    if (status == DSE_OK)
        *stream = opened;
    else
        datasets__stream_close(opened);
    return status;
}

enum dse_status datasets__stream_open(const char *path, struct datasets__stream **stream,
                                      struct dse_err *err) {
    return open_stream(path, NULL, stream, err);
}

enum dse_status datasets__stream_open_part(const char *path, const struct datasets__part *part,
                                           struct datasets__stream **stream, struct dse_err *err) {
    return open_stream(path, part, stream, err);
}

uint64_t datasets__stream_limit(const struct datasets__stream *stream) {
    return stream->gzip ? stream->file_bytes * MOST_BYTES_FROM_ONE : stream->file_bytes;
}

void datasets__stream_close(struct datasets__stream *stream) {
    if (stream == NULL)
        return;
    if (stream->gzip)
        (void)inflateEnd(&stream->z);
    if (stream->fd >= 0)
        (void)close(stream->fd);
    dse_free(stream);
}

static enum dse_status read_plain(struct datasets__stream *stream, uint8_t *out, size_t size,
                                  size_t *got, struct dse_err *err) {
    size_t done = 0;
    while (done < size) {
        if (stream->z.avail_in == 0)
            DSE_TRY(fill_block(stream, err));
        if (stream->z.avail_in == 0)
            break;
        size_t part = size - done < stream->z.avail_in ? size - done : stream->z.avail_in;
        memcpy(out + done, stream->z.next_in, part);
        stream->z.next_in += part;
        stream->z.avail_in -= (uInt)part;
        done += part;
    }
    *got = done;
    return DSE_OK;
}

/* A gzip file is one or more members, one after the other; true in *more when another begins. */
static enum dse_status begin_member(struct datasets__stream *stream, bool *more,
                                    struct dse_err *err) {
    if (stream->z.avail_in < 2)
        DSE_TRY(fill_block(stream, err));
    *more = stream->z.avail_in > 0;
    if (!*more)
        return DSE_OK;
    if (!starts_with_gzip_magic(stream))
        DSE_FAIL(err, DSE_INVALID,
                 "%s: something that is not gzip follows the compressed data; " DATASETS__ADVICE,
                 stream->path);
    stream->member_ended = false;
    if (inflateReset(&stream->z) != Z_OK)
        DSE_FAIL(err, DSE_INTERNAL, "%s: zlib refuses to go on", stream->path);
    return DSE_OK;
}

static enum dse_status inflate_some(struct datasets__stream *stream, struct dse_err *err) {
    int result = inflate(&stream->z, Z_NO_FLUSH);
    stream->member_ended = result == Z_STREAM_END;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
        return DSE_OK;
    if (result == Z_MEM_ERROR)
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory to unpack", stream->path);
    DSE_FAIL(err, DSE_INVALID, "%s: damaged gzip data (%s); " DATASETS__ADVICE, stream->path,
             stream->z.msg != NULL ? stream->z.msg : "unknown compression");
}

static enum dse_status read_gzip(struct datasets__stream *stream, uint8_t *out, size_t size,
                                 size_t *got, struct dse_err *err) {
    dse_assert(size <= UINT32_MAX);
    stream->z.next_out = out;
    stream->z.avail_out = (uInt)size;
    while (stream->z.avail_out > 0) {
        if (stream->z.avail_in == 0)
            DSE_TRY(fill_block(stream, err));
        if (stream->member_ended && stream->is_part)
            break;
        if (stream->member_ended) {
            bool more;
            DSE_TRY(begin_member(stream, &more, err));
            if (!more)
                break;
        }
        if (stream->z.avail_in == 0)
            DSE_FAIL(err, DSE_INVALID,
                     "%s: the gzip data is cut off after %llu unpacked bytes; " DATASETS__ADVICE,
                     stream->path,
                     (unsigned long long)(stream->out_bytes + size - stream->z.avail_out));
        DSE_TRY(inflate_some(stream, err));
    }
    *got = size - stream->z.avail_out;
    return DSE_OK;
}

/* Sums up what a part has given, and compares at its end. */
static enum dse_status check_part(struct datasets__stream *stream, const uint8_t *bytes, size_t n,
                                  bool is_end, struct dse_err *err) {
    stream->crc = (uint32_t)crc32_z(stream->crc, bytes, n);
    if (stream->out_bytes > stream->part.bytes ||
        (is_end && stream->out_bytes < stream->part.bytes))
        DSE_FAIL(err, DSE_INVALID,
                 "%s: a member of the archive has not the size it declares; " DATASETS__ADVICE,
                 stream->path);
    if (stream->out_bytes == stream->part.bytes && stream->crc != stream->part.crc)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: a member of the archive does not have its check sum; " DATASETS__ADVICE,
                 stream->path);
    return DSE_OK;
}

enum dse_status datasets__stream_read(struct datasets__stream *stream, void *out, size_t size,
                                      size_t *got, struct dse_err *err) {
    size_t read_bytes = 0;
    DSE_TRY((stream->gzip ? read_gzip : read_plain)(stream, out, size, &read_bytes, err));
    stream->out_bytes += read_bytes;
    if (stream->is_part)
        DSE_TRY(check_part(stream, out, read_bytes, read_bytes < size, err));
    *got = read_bytes;
    return DSE_OK;
}

enum dse_status datasets__read_at(int fd, const char *path, uint64_t offset, uint8_t *out,
                                  size_t size, struct dse_err *err) {
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return dse_err_set_errno(err, path);
        if (got == 0)
            DSE_FAIL(err, DSE_INVALID, "%s: ends too early; " DATASETS__ADVICE, path);
        done += (size_t)got;
    }
    return DSE_OK;
}
