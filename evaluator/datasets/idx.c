/* IDX files (LeCun), big-endian. Images: magic 00000803, number, height, width, then the pixels as
 * bytes, row by row. Labels: magic 00000801, number, then a byte each. */
#include "evaluator/datasets/datasets_internal.h"

#include <string.h>

enum { MOST_IMAGES = 100 * 1000 * 1000, LARGEST_SIDE = 4096, MOST_DIMENSIONS = 3 };

/* What a file holds, and what its messages call it. */
struct idx_kind {
    const char *things, *other_things;
    int dimensions;
    const char *meaning; /* of the dimensions */
};
static const struct idx_kind images_kind = {"images", "labels", 3, "number, height and width"};
static const struct idx_kind labels_kind = {"labels", "images", 1, "number"};

static unsigned long long big(uint64_t n) {
    return n;
}

static uint32_t big_endian_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum dse_status check_magic(const char *path, const struct idx_kind *kind,
                                   const uint8_t magic[4], struct dse_err *err) {
    enum { UNSIGNED_BYTES = 0x08 };
    const struct idx_kind *other = kind == &images_kind ? &labels_kind : &images_kind;
    if (magic[0] != 0 || magic[1] != 0)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: not an IDX file: it starts with bytes %02x %02x %02x %02x, IDX %s start with "
                 "00 00 08 %02x",
                 path, magic[0], magic[1], magic[2], magic[3], kind->things,
                 (unsigned)kind->dimensions);
    if (magic[2] != UNSIGNED_BYTES)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: IDX element type 0x%02x; only unsigned bytes (0x08) are supported", path,
                 magic[2]);
    if (magic[3] == other->dimensions)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: an IDX file of %s where %s are expected; files are given as images, labels",
                 path, kind->other_things, kind->things);
    if (magic[3] != kind->dimensions)
        DSE_FAIL(err, DSE_INVALID, "%s: IDX data of %u dimensions; %s have %d (%s)", path, magic[3],
                 kind->things, kind->dimensions, kind->meaning);
    return DSE_OK;
}

/* Reads exactly size bytes of header. */
static enum dse_status read_header_bytes(struct datasets__stream *stream,
                                         const struct idx_kind *kind, uint8_t *out, size_t size,
                                         struct dse_err *err) {
    size_t got;
    DSE_TRY(datasets__stream_read(stream, out, size, &got, err));
    if (got < size)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: only %llu bytes; the header of IDX %s alone has %d; " DATASETS__ADVICE,
                 stream->path, big(stream->out_bytes), kind->things, 4 + 4 * kind->dimensions);
    return DSE_OK;
}

/* Magic number and dimensions; n is what is declared, not yet what is there. */
static enum dse_status read_header(struct datasets__stream *stream, const struct idx_kind *kind,
                                   uint32_t dims[MOST_DIMENSIONS], struct dse_err *err) {
    uint8_t bytes[4 * MOST_DIMENSIONS];
    DSE_TRY(read_header_bytes(stream, kind, bytes, 4, err));
    DSE_TRY(check_magic(stream->path, kind, bytes, err));
    DSE_TRY(read_header_bytes(stream, kind, bytes, 4 * (size_t)kind->dimensions, err));
    for (int i = 0; i < kind->dimensions; i++)
        dims[i] = big_endian_u32(bytes + 4 * i);
    if (dims[0] < 1 || dims[0] > MOST_IMAGES)
        DSE_FAIL(err, DSE_INVALID, "%s: declares %u %s; 1..%d are possible", stream->path, dims[0],
                 kind->things, MOST_IMAGES);
    for (int i = 1; i < kind->dimensions; i++)
        if (dims[i] < 1 || dims[i] > LARGEST_SIDE)
            DSE_FAIL(err, DSE_INVALID,
                     "%s: declares images of %u x %u; sides of 1..%d are possible", stream->path,
                     dims[1], dims[2], LARGEST_SIDE);
    return DSE_OK;
}

/* Before anything is allocated by a declared size: can the file hold that much? */
static enum dse_status check_declared_size(const struct datasets__stream *stream,
                                           const struct idx_kind *kind, uint32_t n,
                                           uint64_t bytes_each, struct dse_err *err) {
    uint64_t header = 4 + 4 * (uint64_t)kind->dimensions;
    uint64_t declared = header + n * bytes_each;
    uint64_t limit = datasets__stream_limit(stream);
    if (stream->gzip && declared > limit)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: declares %u %s (%llu bytes with the header), more than its %llu compressed "
                 "bytes can hold; " DATASETS__ADVICE,
                 stream->path, n, kind->things, big(declared), big(stream->file_bytes));
    if (!stream->gzip && declared != limit)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: declares %u %s (%llu bytes with the header) but has %llu bytes: %llu too "
                 "%s; " DATASETS__ADVICE,
                 stream->path, n, kind->things, big(declared), big(limit),
                 big(declared > limit ? declared - limit : limit - declared),
                 declared > limit ? "few" : "many");
    return DSE_OK;
}

/* The part of a stream that is wanted, and the largest byte of all of it. */
struct body {
    uint64_t total, from, to;
    uint8_t *out; /* [to - from] */
    uint8_t largest;
};

static void keep_wanted_part(struct body *body, uint64_t at, const uint8_t *block, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (block[i] > body->largest)
            body->largest = block[i];
    uint64_t from = at > body->from ? at : body->from;
    uint64_t to = at + n < body->to ? at + n : body->to;
    if (from < to)
        memcpy(body->out + (from - body->from), block + (from - at), to - from);
}

static enum dse_status read_body(struct datasets__stream *stream, const struct idx_kind *kind,
                                 struct body *body, struct dse_err *err) {
    uint8_t block[16 * 1024];
    uint64_t at = 0;
    while (at < body->total) {
        size_t want = body->total - at < sizeof block ? (size_t)(body->total - at) : sizeof block;
        size_t got;
        DSE_TRY(datasets__stream_read(stream, block, want, &got, err));
        if (got == 0)
            DSE_FAIL(err, DSE_INVALID,
                     "%s: ends after %llu of the %llu bytes of %s it declares; " DATASETS__ADVICE,
                     stream->path, big(at), big(body->total), kind->things);
        keep_wanted_part(body, at, block, got);
        at += got;
    }
    size_t beyond;
    DSE_TRY(datasets__stream_read(stream, block, 1, &beyond, err));
    if (beyond > 0)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: holds more than the %llu bytes of %s it declares; " DATASETS__ADVICE,
                 stream->path, big(body->total), kind->things);
    return DSE_OK;
}

static enum dse_status allocate_images(struct dse_dataset *dataset, int64_t count,
                                       struct dse_err *err) {
    dataset->n = (int)count;
    dataset->pixels = dse_alloc((size_t)count, (size_t)dataset->h * (size_t)dataset->w);
    dataset->labels = dse_alloc((size_t)count, 1);
    if (dataset->pixels == NULL || dataset->labels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images of %d x %d", dataset->n, dataset->h,
                 dataset->w);
    return DSE_OK;
}

static enum dse_status load_images(const struct datasets__request *request,
                                   struct datasets__stream *stream, struct dse_dataset *dataset,
                                   uint32_t *n, struct dse_err *err) {
    uint32_t dims[MOST_DIMENSIONS] = {0};
    DSE_TRY(read_header(stream, &images_kind, dims, err));
    uint64_t bytes_each = (uint64_t)dims[1] * dims[2];
    DSE_TRY(check_declared_size(stream, &images_kind, dims[0], bytes_each, err));
    DSE_TRY(datasets__check_range(request, 1, dims[0], err));
    dataset->h = (int)dims[1];
    dataset->w = (int)dims[2];
    dataset->c = 1;
    DSE_TRY(allocate_images(dataset, request->count, err));
    struct body body = {.total = dims[0] * bytes_each,
                        .from = (uint64_t)request->first * bytes_each,
                        .to = (uint64_t)(request->first + request->count) * bytes_each,
                        .out = dataset->pixels};
    DSE_TRY(read_body(stream, &images_kind, &body, err));
    *n = dims[0];
    return DSE_OK;
}

static enum dse_status load_labels(const struct datasets__request *request,
                                   struct datasets__stream *stream, struct dse_dataset *dataset,
                                   uint32_t n_images, struct dse_err *err) {
    uint32_t dims[MOST_DIMENSIONS] = {0};
    DSE_TRY(read_header(stream, &labels_kind, dims, err));
    DSE_TRY(check_declared_size(stream, &labels_kind, dims[0], 1, err));
    if (dims[0] != n_images)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: %u labels, but %s has %u images; give the two files of one set", stream->path,
                 dims[0], request->paths[0], n_images);
    struct body body = {.total = dims[0],
                        .from = (uint64_t)request->first,
                        .to = (uint64_t)(request->first + request->count),
                        .out = dataset->labels};
    DSE_TRY(read_body(stream, &labels_kind, &body, err));
    dataset->classes = body.largest + 1;
    return DSE_OK;
}

enum dse_status datasets__load_idx(const struct datasets__request *request,
                                   struct dse_dataset *dataset, struct dse_err *err) {
    if (request->n_paths != 2)
        DSE_FAIL(err, DSE_INVALID, "idx data are two files, images and labels; %d given",
                 request->n_paths);
    uint32_t n_images = 0;
    struct datasets__stream *stream = NULL;
    DSE_TRY(datasets__stream_open(request->paths[0], &stream, err));
    enum dse_status status = load_images(request, stream, dataset, &n_images, err);
    datasets__stream_close(stream);
    DSE_TRY(status);
    DSE_TRY(datasets__stream_open(request->paths[1], &stream, err));
    status = load_labels(request, stream, dataset, n_images, err);
    datasets__stream_close(stream);
    return status;
}
