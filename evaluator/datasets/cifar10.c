/* CIFAR-10, binary version: records of 3,073 bytes, a label and 1,024 red, 1,024 green and 1,024
 * blue values of 32 x 32 pixels, row by row. A batch has no header: it is as long as it is. */
#include "evaluator/datasets/datasets_internal.h"

enum { SIDE = 32, CHANNELS = 3, PLANE = SIDE * SIDE, RECORD_BYTES = 1 + CHANNELS * PLANE };
enum { CLASSES = 10 };

static enum dse_status fail_odd_size(const char *path, uint64_t bytes, struct dse_err *err) {
    return dse_err_set(err, DSE_INVALID,
                       "%s: %llu bytes are not a whole number of CIFAR-10 records of %d bytes; "
                       "expected a batch of the binary version, such as data_batch_1.bin",
                       path, (unsigned long long)bytes, RECORD_BYTES);
}

static void planes_to_pixels(const uint8_t *planes, uint8_t *pixels) {
    for (int i = 0; i < PLANE; i++)
        for (int channel = 0; channel < CHANNELS; channel++)
            pixels[i * CHANNELS + channel] = planes[channel * PLANE + i];
}

/* A batch does not say how long it is, so room grows with what has been read. */
static enum dse_status make_room(struct dse_dataset *dataset, int *capacity, int64_t most,
                                 struct dse_err *err) {
    enum { FIRST_CAPACITY = 256 };
    if (dataset->n < *capacity)
        return DSE_OK;
    int64_t larger = *capacity == 0 ? FIRST_CAPACITY : 2 * (int64_t)*capacity;
    size_t wanted = (size_t)(larger < most ? larger : most);
    uint8_t *pixels = dse_realloc(dataset->pixels, wanted, CHANNELS * PLANE);
    if (pixels != NULL)
        dataset->pixels = pixels;
    uint8_t *labels = dse_realloc(dataset->labels, wanted, 1);
    if (labels != NULL)
        dataset->labels = labels;
    if (pixels == NULL || labels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu images of %d x %d", wanted, SIDE, SIDE);
    *capacity = (int)wanted;
    return DSE_OK;
}

/* All files read as one. */
struct reading {
    const struct datasets__request *request;
    struct dse_dataset *dataset; /* n: images kept so far */
    int capacity;
    int64_t n_read;
};

static enum dse_status take_record(struct reading *reading, const uint8_t *record,
                                   struct dse_err *err) {
    const struct datasets__request *request = reading->request;
    struct dse_dataset *dataset = reading->dataset;
    int64_t at = reading->n_read++;
    if (record[0] >= dataset->classes)
        dataset->classes = record[0] + 1;
    if (at < request->first || at >= request->first + request->count)
        return DSE_OK;
    DSE_TRY(make_room(dataset, &reading->capacity, request->count, err));
    dataset->labels[dataset->n] = record[0];
    planes_to_pixels(record + 1, dataset->pixels + (size_t)dataset->n * CHANNELS * PLANE);
    dataset->n++;
    return DSE_OK;
}

static enum dse_status load_batch(struct reading *reading, struct datasets__stream *stream,
                                  struct dse_err *err) {
    if (!stream->gzip && stream->file_bytes % RECORD_BYTES != 0)
        return fail_odd_size(stream->path, stream->file_bytes, err);
    uint8_t record[RECORD_BYTES];
    for (int64_t at = 0;; at++) {
        size_t got;
        DSE_TRY(datasets__stream_read(stream, record, sizeof record, &got, err));
        if (got == 0 && at > 0)
            return DSE_OK;
        if (got < sizeof record)
            return fail_odd_size(stream->path, stream->out_bytes, err);
        if (record[0] >= CLASSES)
            DSE_FAIL(err, DSE_INVALID,
                     "%s: record %lld (from 0) has label %d, CIFAR-10 has 0..%d; expected a batch "
                     "of the binary version, such as data_batch_1.bin",
                     stream->path, (long long)at, record[0], CLASSES - 1);
        DSE_TRY(take_record(reading, record, err));
    }
}

enum dse_status datasets__load_cifar10(const struct datasets__request *request,
                                       struct dse_dataset *dataset, struct dse_err *err) {
    if (request->n_paths < 1)
        DSE_FAIL(err, DSE_INVALID, "cifar10 data are one or more binary batches; no file given");
    dataset->h = dataset->w = SIDE;
    dataset->c = CHANNELS;
    struct reading reading = {.request = request, .dataset = dataset};
    for (int i = 0; i < request->n_paths; i++) {
        struct datasets__stream *stream = NULL;
        DSE_TRY(datasets__stream_open(request->paths[i], &stream, err));
        enum dse_status status = load_batch(&reading, stream, err);
        datasets__stream_close(stream);
        DSE_TRY(status);
    }
    return datasets__check_range(request, request->n_paths, reading.n_read, err);
}
