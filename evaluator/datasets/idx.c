/* IDX files (LeCun), big-endian. Images: magic 00000803, number, height, width, then the pixels as
 * bytes, row by row. Labels: magic 00000801, number, then a byte each. */
#include "evaluator/datasets/datasets_internal.h"

#include <string.h>

enum { MOST_DIMENSIONS = 3 };

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
    if (dims[0] < 1 || dims[0] > DATASETS__MOST_IMAGES)
        DSE_FAIL(err, DSE_INVALID, "%s: declares %u %s; 1..%d are possible", stream->path, dims[0],
                 kind->things, DATASETS__MOST_IMAGES);
    for (int i = 1; i < kind->dimensions; i++)
        if (dims[i] < 1 || dims[i] > DATASETS__LARGEST_SIDE)
            DSE_FAIL(err, DSE_INVALID,
                     "%s: declares images of %u x %u; sides of 1..%d are possible", stream->path,
                     dims[1], dims[2], DATASETS__LARGEST_SIDE);
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

/* Reads n things of bytes_each one by one; take gets each. Nothing may follow. */
static enum dse_status read_body(struct datasets__stream *stream, const struct idx_kind *kind,
                                 uint32_t n, size_t bytes_each, uint8_t *thing,
                                 void (*take)(void *context, uint32_t at, const uint8_t *thing),
                                 void *context, struct dse_err *err) {
    for (uint32_t at = 0; at < n; at++) {
        size_t got;
        DSE_TRY(datasets__stream_read(stream, thing, bytes_each, &got, err));
        if (got < bytes_each)
            DSE_FAIL(err, DSE_INVALID,
                     "%s: ends after %llu of the %llu bytes of %s it declares; " DATASETS__ADVICE,
                     stream->path, big(at * (uint64_t)bytes_each + got),
                     big(n * (uint64_t)bytes_each), kind->things);
        take(context, at, thing);
    }
    size_t beyond;
    DSE_TRY(datasets__stream_read(stream, thing, 1, &beyond, err));
    if (beyond > 0)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: holds more than the %llu bytes of %s it declares; " DATASETS__ADVICE,
                 stream->path, big(n * (uint64_t)bytes_each), kind->things);
    return DSE_OK;
}

/* Opens the images and reads their header. */
static enum dse_status open_images(const struct dse_dataset_request *request,
                                   struct datasets__stream **stream, uint32_t *dims,
                                   struct dse_err *err) {
    DSE_TRY(datasets__stream_open(request->paths[0], stream, err));
    enum dse_status status = read_header(*stream, &images_kind, dims, err);
    if (status == DSE_OK)
        status =
            check_declared_size(*stream, &images_kind, dims[0], (uint64_t)dims[1] * dims[2], err);
    if (status != DSE_OK)
        datasets__stream_close(*stream);
    return status;
}

static void take_label(void *context, uint32_t at, const uint8_t *label) {
    struct datasets__content *content = context;
    content->labels[at] = *label;
    if (*label >= content->classes)
        content->classes = *label + 1;
}

static enum dse_status scan_labels(const struct dse_dataset_request *request,
                                   struct datasets__stream *stream,
                                   struct datasets__content *content, struct dse_err *err) {
    uint32_t dims[MOST_DIMENSIONS] = {0};
    uint8_t label;
    DSE_TRY(read_header(stream, &labels_kind, dims, err));
    DSE_TRY(check_declared_size(stream, &labels_kind, dims[0], 1, err));
    if (dims[0] != content->n)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: %u labels, but %s has %u images; give the two files of one set", stream->path,
                 dims[0], request->paths[0], (unsigned)content->n);
    content->labels = dse_alloc(dims[0], sizeof *content->labels);
    if (content->labels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %u labels", dims[0]);
    return read_body(stream, &labels_kind, dims[0], 1, &label, take_label, content, err);
}

enum dse_status datasets__scan_idx(const struct dse_dataset_request *request,
                                   struct datasets__content *content, struct dse_err *err) {
    if (request->n_paths != 2)
        DSE_FAIL(err, DSE_INVALID, "idx data are two files, images and labels; %d given",
                 request->n_paths);
    uint32_t dims[MOST_DIMENSIONS] = {0};
    struct datasets__stream *stream = NULL;
    DSE_TRY(open_images(request, &stream, dims, err));
    datasets__stream_close(stream);
    content->n = dims[0];
    content->h = (int)dims[1];
    content->w = (int)dims[2];
    content->c = 1;
    DSE_TRY(datasets__stream_open(request->paths[1], &stream, err));
    enum dse_status status = scan_labels(request, stream, content, err);
    datasets__stream_close(stream);
    return status;
}

static void take_image(void *context, uint32_t at, const uint8_t *image) {
    struct datasets__taker *taker = context;
    uint8_t *to = datasets__take(taker, at);
    if (to != NULL)
        memcpy(to, image, taker->image_bytes);
}

enum dse_status datasets__fetch_idx(const struct dse_dataset_request *request,
                                    struct datasets__taker *taker, struct dse_err *err) {
    uint32_t dims[MOST_DIMENSIONS] = {0};
    struct datasets__stream *stream = NULL;
    DSE_TRY(open_images(request, &stream, dims, err));
    size_t bytes_each = (size_t)dims[1] * dims[2];
    uint8_t *image = dse_alloc(bytes_each, 1);
    enum dse_status status = DSE_OK;
    if (image == NULL)
        status =
            dse_err_set(err, DSE_NO_MEMORY, "no memory for an image of %u x %u", dims[1], dims[2]);
    else if (bytes_each != taker->image_bytes)
        status = dse_err_set(err, DSE_INVALID, "%s: changed while it was read", stream->path);
    else
        status =
            read_body(stream, &images_kind, dims[0], bytes_each, image, take_image, taker, err);
    dse_free(image);
    datasets__stream_close(stream);
    return status;
}
