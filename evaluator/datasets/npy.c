/* Images and labels as arrays of NumPy: two .npy files, or one .npz archive that holds one array of
 * each kind. */
#include <string.h>

#include "evaluator/datasets/datasets_internal.h"

/* Both arrays of a data set. */
struct pair {
    struct datasets__array images, labels;
};

/* ---- what an array is ---- */

static bool is_images(const struct datasets__array *array) {
    return array->type == 'u' && array->item_bytes == 1 && array->rank >= 3;
}

/* [n] or [n][1] */
static bool is_labels(const struct datasets__array *array) {
    return array->rank == 1 || (array->rank == 2 && array->dims[1] == 1);
}

static int64_t elements(const struct datasets__array *array) {
    int64_t n = 1;
    for (int i = 0; i < array->rank; i++)
        n *= array->dims[i]; /* checked by check_images, or of one extent */
    return n;
}

static enum dse_status check_images(const struct datasets__array *images, struct dse_err *err) {
    if (!is_images(images))
        return datasets__array_fail(images, err,
                                    "images are uint8 of shape (n, h, w) or (n, h, w, channels)");
    if (images->dims[1] > DATASETS__LARGEST_SIDE || images->dims[2] > DATASETS__LARGEST_SIDE)
        return datasets__array_fail(images, err, "images of more than 4096 pixels a side");
    if (images->rank == 4 && images->dims[3] != 1 && images->dims[3] != 3)
        return datasets__array_fail(images, err,
                                    images->dims[1] == 1 || images->dims[1] == 3
                                        ? "channels must be the last axis: (n, h, w, channels)"
                                        : "images have 1 or 3 channels, as the last axis");
    return DSE_OK;
}

/* Before memory is taken by a declared size: can the file hold that much? */
static enum dse_status check_size(const struct datasets__array *array,
                                  const struct datasets__stream *stream, struct dse_err *err) {
    uint64_t limit = datasets__stream_limit(stream) - (stream->gzip ? 0 : stream->out_bytes);
    uint64_t declared = (uint64_t)elements(array) * (uint64_t)array->item_bytes;
    if (declared > limit || (!stream->gzip && declared != limit))
        return datasets__array_fail(
            array, err,
            "has not as many bytes as the shape in its header needs; " DATASETS__ADVICE);
    return DSE_OK;
}

/* ---- finding them ---- */

/* Reads the header only. */
static enum dse_status look_at(struct datasets__array *array, struct dse_err *err) {
    struct datasets__stream *stream = NULL;
    DSE_TRY(datasets__array_open(array, &stream, err));
    datasets__stream_close(stream);
    return DSE_OK;
}

static bool ends_with_npy(const char *name) {
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".npy") == 0;
}

/* Takes a member as images or labels; a second of a kind is refused. */
static enum dse_status take_member(const char *path, const struct datasets__member *member,
                                   struct pair *pair, struct dse_err *err) {
    struct datasets__array array = {.path = path, .part = member->part};
    memcpy(array.member, member->name, sizeof array.member);
    if (!ends_with_npy(member->name))
        return DSE_OK;
    struct dse_err why = {0};
    enum dse_status status = look_at(&array, &why);
    if (status != DSE_OK && !dse_status_is_user(status))
        DSE_FAIL(err, status, "%s", why.text);
    if (status != DSE_OK) /* it is something else */
        return DSE_OK;
    struct datasets__array *to = is_images(&array)   ? &pair->images
                                 : is_labels(&array) ? &pair->labels
                                                     : NULL;
    if (to == NULL)
        return DSE_OK;
    if (to->path != NULL)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: both %s and %s can be the %s; save one array of images and one of labels",
                 path, to->member, array.member, to == &pair->images ? "images" : "labels");
    *to = array;
    return DSE_OK;
}

static enum dse_status find_in_archive(const char *path, struct pair *pair, struct dse_err *err) {
    struct datasets__member *members = NULL;
    int n = 0;
    DSE_TRY(datasets__zip_list(path, &members, &n, err));
    enum dse_status status = DSE_OK;
    for (int i = 0; status == DSE_OK && i < n; i++)
        status = take_member(path, &members[i], pair, err);
    dse_free(members);
    DSE_TRY(status);
    if (pair->images.path == NULL || pair->labels.path == NULL)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: has no array of %s; an .npz has images, uint8 of shape (n, h, w) or (n, h, "
                 "w, channels), and labels, integers of shape (n)",
                 path, pair->images.path == NULL ? "images" : "labels");
    return DSE_OK;
}

static enum dse_status find_arrays(const struct dse_dataset_request *request, struct pair *pair,
                                   struct dse_err *err) {
    if (request->n_paths == 1) {
        DSE_TRY(find_in_archive(request->paths[0], pair, err));
    } else if (request->n_paths == 2) {
        pair->images.path = request->paths[0];
        pair->labels.path = request->paths[1];
        DSE_TRY(look_at(&pair->images, err));
        DSE_TRY(look_at(&pair->labels, err));
    } else {
        DSE_FAIL(err, DSE_INVALID,
                 "npy data are two files, images and labels, or one .npz; %d given",
                 request->n_paths);
    }
    DSE_TRY(check_images(&pair->images, err));
    if (!is_labels(&pair->labels))
        return datasets__array_fail(&pair->labels, err, "labels are integers of shape (n)");
    if (pair->images.dims[0] != pair->labels.dims[0])
        DSE_FAIL(err, DSE_INVALID,
                 "%s: %lld labels, but %s has %lld images; give the two arrays of one set",
                 pair->labels.path, (long long)pair->labels.dims[0], pair->images.path,
                 (long long)pair->images.dims[0]);
    return DSE_OK;
}

/* ---- reading ---- */

static enum dse_status check_end(const struct datasets__array *array,
                                 struct datasets__stream *stream, struct dse_err *err) {
    uint8_t beyond;
    size_t got;
    DSE_TRY(datasets__stream_read(stream, &beyond, 1, &got, err));
    return got == 0 ? DSE_OK
                    : datasets__array_fail(array, err, "goes on behind the shape in its header");
}

static enum dse_status scan_labels(const struct datasets__array *array,
                                   struct datasets__stream *stream,
                                   struct datasets__content *content, struct dse_err *err) {
    int64_t capacity = 0;
    DSE_TRY(check_size(array, stream, err));
    for (int64_t i = 0; i < array->dims[0]; i++) {
        uint8_t bytes[8] = {0};
        DSE_TRY(datasets__array_read(array, stream, bytes, (size_t)array->item_bytes, err));
        uint64_t label = 0;
        for (int k = 0; k < array->item_bytes; k++)
            label |= (uint64_t)bytes[k] << (8 * k);
        if (label >= UINT16_MAX) /* negative ones are large here */
            DSE_FAIL(err, DSE_INVALID, "%s: label %lld (from 0) is not within 0..%d", array->path,
                     (long long)i, UINT16_MAX - 1);
        DSE_TRY(datasets__add_label(content, &capacity, (uint16_t)label, err));
    }
    return check_end(array, stream, err);
}

enum dse_status datasets__scan_npy(const struct dse_dataset_request *request,
                                   struct datasets__content *content, struct dse_err *err) {
    struct pair pair = {0};
    struct datasets__stream *stream = NULL;
    DSE_TRY(find_arrays(request, &pair, err));
    DSE_TRY(datasets__array_open(&pair.images, &stream, err));
    enum dse_status status = check_size(&pair.images, stream, err);
    datasets__stream_close(stream);
    DSE_TRY(status);
    content->h = (int)pair.images.dims[1];
    content->w = (int)pair.images.dims[2];
    content->c = pair.images.rank == 4 ? (int)pair.images.dims[3] : 1;
    DSE_TRY(datasets__array_open(&pair.labels, &stream, err));
    status = scan_labels(&pair.labels, stream, content, err);
    datasets__stream_close(stream);
    return status;
}

static enum dse_status fetch_images(const struct datasets__array *images,
                                    struct datasets__stream *stream, struct datasets__taker *taker,
                                    struct dse_err *err) {
    size_t bytes = (size_t)(elements(images) / images->dims[0]);
    uint8_t *image = dse_alloc(bytes, 1);
    enum dse_status status = DSE_OK;
    if (image == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "no memory for an image");
    else if (bytes != taker->image_bytes)
        status = datasets__array_fail(images, err, "changed while it was read");
    for (int64_t i = 0; status == DSE_OK && i < images->dims[0]; i++) {
        status = datasets__array_read(images, stream, image, bytes, err);
        uint8_t *to = status == DSE_OK ? datasets__take(taker, i) : NULL;
        if (to != NULL)
            memcpy(to, image, bytes);
    }
    if (status == DSE_OK)
        status = check_end(images, stream, err);
    dse_free(image);
    return status;
}

enum dse_status datasets__fetch_npy(const struct dse_dataset_request *request,
                                    struct datasets__taker *taker, struct dse_err *err) {
    struct pair pair = {0};
    struct datasets__stream *stream = NULL;
    DSE_TRY(find_arrays(request, &pair, err));
    DSE_TRY(datasets__array_open(&pair.images, &stream, err));
    enum dse_status status = fetch_images(&pair.images, stream, taker, err);
    datasets__stream_close(stream);
    return status;
}

/* ---- labels of one array ---- */

enum dse_status dse_labels_load(const char *path, uint16_t **labels, int64_t *n,
                                struct dse_err *err) {
    struct datasets__array array = {.path = path};
    struct datasets__content content = {0};
    struct datasets__stream *stream = NULL;
    DSE_TRY(datasets__array_open(&array, &stream, err));
    enum dse_status status =
        is_labels(&array) ? scan_labels(&array, stream, &content, err)
                          : datasets__array_fail(&array, err, "labels are integers of shape (n)");
    datasets__stream_close(stream);
    if (status != DSE_OK) {
        dse_free(content.labels);
        return status;
    }
    *labels = content.labels;
    *n = content.n;
    return DSE_OK;
}

/* ---- images of one array, one at a time ---- */

struct dse_image_rows {
    struct datasets__array array; /* its path is owned */
    struct datasets__stream *stream;
    uint64_t start; /* of the first image in the file */
};

static enum dse_status open_rows(struct dse_image_rows *rows, struct dse_err *err) {
    DSE_TRY(datasets__array_open(&rows->array, &rows->stream, err));
    rows->start = rows->stream->out_bytes;
    if (rows->stream->gzip)
        return datasets__array_fail(&rows->array, err, "packed with gzip; unpack it");
    DSE_TRY(check_images(&rows->array, err));
    return check_size(&rows->array, rows->stream, err);
}

enum dse_status dse_image_rows_open(const char *path, struct dse_image_rows **rows,
                                    struct dse_err *err) {
    struct dse_image_rows *opened = dse_alloc(1, sizeof *opened);
    char *copy = dse_strdup(path);
    if (opened == NULL || copy == NULL) {
        dse_free(opened);
        dse_free(copy);
        DSE_FAIL(err, DSE_NO_MEMORY, "%s: no memory to read it", path);
    }
    opened->array.path = copy;
    enum dse_status status = open_rows(opened, err);
    if (status == DSE_OK)
        *rows = opened;
    else
        dse_image_rows_close(opened);
    return status;
}

void dse_image_rows_close(struct dse_image_rows *rows) {
    if (rows == NULL)
        return;
    datasets__stream_close(rows->stream);
    dse_free((char *)(uintptr_t)rows->array.path);
    dse_free(rows);
}

void dse_image_rows_shape(const struct dse_image_rows *rows, int64_t *n, int *h, int *w, int *c) {
    const struct datasets__array *array = &rows->array;
    *n = array->dims[0];
    *h = (int)array->dims[1];
    *w = (int)array->dims[2];
    *c = array->rank == 4 ? (int)array->dims[3] : 1;
}

enum dse_status dse_image_rows_read(const struct dse_image_rows *rows, int64_t index, uint8_t *out,
                                    struct dse_err *err) {
    const struct datasets__array *array = &rows->array;
    size_t bytes = (size_t)(elements(array) / array->dims[0]);
    dse_assert(index >= 0 && index < array->dims[0]);
    return datasets__read_at(rows->stream->fd, array->path, rows->start + (uint64_t)index * bytes,
                             out, bytes, err);
}
