/* CIFAR-10 and CIFAR-100, binary version: records of labels (one, or the coarse one and the fine
 * one) and 1,024 red, 1,024 green and 1,024 blue values of 32 x 32 pixels, row by row. A batch has
 * no header: it is as long as it is. */
#include "evaluator/datasets/datasets_internal.h"

enum { SIDE = 32, CHANNELS = 3, PLANE = SIDE * SIDE, PIXEL_BYTES = CHANNELS * PLANE };
enum { MOST_LABELS = 2 };

static const struct kind {
    const char *name, *example;
    int n_labels;
    int classes[MOST_LABELS];
} cifar10 = {"CIFAR-10", "data_batch_1.bin", 1, {10}},
  cifar100 = {"CIFAR-100", "train.bin", 2, {20, 100}};

static const struct kind *kind_of(const struct dse_dataset_request *request) {
    return request->format == DSE_DATASET_CIFAR100 ? &cifar100 : &cifar10;
}

static enum dse_status fail_odd_size(const char *path, const struct kind *kind, uint64_t bytes,
                                     struct dse_err *err) {
    return dse_err_set(err, DSE_INVALID,
                       "%s: %llu bytes are not a whole number of %s records of %d bytes; "
                       "expected a batch of the binary version, such as %s",
                       path, (unsigned long long)bytes, kind->name, kind->n_labels + PIXEL_BYTES,
                       kind->example);
}

static enum dse_status check_labels(const char *path, const struct kind *kind, int64_t at,
                                    const uint8_t *labels, struct dse_err *err) {
    for (int i = 0; i < kind->n_labels; i++)
        if (labels[i] >= kind->classes[i])
            DSE_FAIL(err, DSE_INVALID,
                     "%s: record %lld (from 0) has label %d, %s has 0..%d; expected a batch of the "
                     "binary version, such as %s",
                     path, (long long)at, labels[i], kind->name, kind->classes[i] - 1,
                     kind->example);
    return DSE_OK;
}

/* All records of all files, in order: into the content (scan) or the taker (fetch). */
struct reading {
    const struct dse_dataset_request *request;
    struct datasets__content *content;
    int64_t capacity; /* of its labels */
    struct datasets__taker *taker;
    int64_t n_read;
};

static void planes_to_pixels(const uint8_t *planes, uint8_t *pixels) {
    for (int i = 0; i < PLANE; i++)
        for (int channel = 0; channel < CHANNELS; channel++)
            pixels[i * CHANNELS + channel] = planes[channel * PLANE + i];
}

static enum dse_status take_record(struct reading *reading, const uint8_t *record, int n_labels,
                                   struct dse_err *err) {
    int64_t at = reading->n_read++;
    if (reading->content != NULL)
        return datasets__add_label(reading->content, &reading->capacity,
                                   record[reading->request->coarse_labels ? 0 : n_labels - 1], err);
    uint8_t *to = datasets__take(reading->taker, at);
    if (to != NULL)
        planes_to_pixels(record + n_labels, to);
    return DSE_OK;
}

static enum dse_status read_batch(struct reading *reading, struct datasets__stream *stream,
                                  struct dse_err *err) {
    const struct kind *kind = kind_of(reading->request);
    uint8_t record[MOST_LABELS + PIXEL_BYTES];
    size_t record_bytes = (size_t)kind->n_labels + PIXEL_BYTES;
    if (!stream->gzip && stream->file_bytes % record_bytes != 0)
        return fail_odd_size(stream->path, kind, stream->file_bytes, err);
    for (int64_t at = 0;; at++) {
        size_t got;
        DSE_TRY(datasets__stream_read(stream, record, record_bytes, &got, err));
        if (got == 0 && at > 0)
            return DSE_OK;
        if (got < record_bytes)
            return fail_odd_size(stream->path, kind, stream->out_bytes, err);
        DSE_TRY(check_labels(stream->path, kind, at, record, err));
        DSE_TRY(take_record(reading, record, kind->n_labels, err));
    }
}

static enum dse_status read_batches(struct reading *reading, struct dse_err *err) {
    const struct dse_dataset_request *request = reading->request;
    for (int i = 0; i < request->n_paths; i++) {
        struct datasets__stream *stream = NULL;
        DSE_TRY(datasets__stream_open(request->paths[i], &stream, err));
        enum dse_status status = read_batch(reading, stream, err);
        datasets__stream_close(stream);
        DSE_TRY(status);
    }
    return DSE_OK;
}

enum dse_status datasets__scan_cifar(const struct dse_dataset_request *request,
                                     struct datasets__content *content, struct dse_err *err) {
    if (request->n_paths < 1)
        DSE_FAIL(err, DSE_INVALID, "%s data are one or more binary batches; no file given",
                 request->format == DSE_DATASET_CIFAR100 ? "cifar100" : "cifar10");
    content->h = content->w = SIDE;
    content->c = CHANNELS;
    struct reading reading = {.request = request, .content = content};
    return read_batches(&reading, err);
}

enum dse_status datasets__fetch_cifar(const struct dse_dataset_request *request,
                                      struct datasets__taker *taker, struct dse_err *err) {
    struct reading reading = {.request = request, .taker = taker};
    return read_batches(&reading, err);
}
