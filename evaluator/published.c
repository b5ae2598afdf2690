/* Corrupted images as CIFAR-10-C is published: of every corruption an .npy file with five times all
 * the images of the data set, severities 1 to 5 one after another, and labels.npy with the labels
 * of all of them. */
#include "evaluator/evaluator_internal.h"

struct evaluator__published {
    int64_t images; /* of a severity */
    int n;
    struct dse_image_rows *rows[]; /* of each corruption of the context, in order */
};

void evaluator__published_free(struct evaluator__published *published) {
    if (published == NULL)
        return;
    for (int i = 0; i < published->n; i++)
        dse_image_rows_close(published->rows[i]);
    dse_free(published);
}

/* ---- labels ---- */

static enum dse_status compare_labels(const struct dse_dataset *data, const char *path,
                                      const uint16_t *labels, int64_t images, struct dse_err *err) {
    for (int severity = 1; severity <= DSE_SEVERITIES; severity++)
        for (int i = 0; i < data->n; i++) {
            int64_t at = (severity - 1) * images + data->indices[i];
            if (labels[at] != data->labels[i])
                DSE_FAIL(err, DSE_INVALID,
                         "%s: image %d (from 0) of severity %d has label %d, that of the dataset "
                         "%d; name the corrupted images of the dataset's own files",
                         path, (int)data->indices[i], severity, labels[at], data->labels[i]);
        }
    return DSE_OK;
}

/* How many images a severity has, by the labels; they are compared. */
static enum dse_status check_labels(const struct dse_dataset *data, const char *path,
                                    int64_t *images, struct dse_err *err) {
    uint16_t *labels = NULL;
    int64_t n = 0;
    DSE_TRY(dse_labels_load(path, &labels, &n, err));
    int last = data->indices[data->n - 1];
    enum dse_status status = DSE_OK;
    if (n % DSE_SEVERITIES != 0)
        status = dse_err_set(err, DSE_INVALID,
                             "%s: %lld labels; expected as many of each of %d severities", path,
                             (long long)n, (int)DSE_SEVERITIES);
    else if (n / DSE_SEVERITIES <= last)
        status = dse_err_set(err, DSE_INVALID,
                             "%s: labels of %lld images in %d severities; the workload uses image "
                             "%d (from 0) of the dataset",
                             path, (long long)(n / DSE_SEVERITIES), (int)DSE_SEVERITIES, last);
    else
        status = compare_labels(data, path, labels, n / DSE_SEVERITIES, err);
    dse_free(labels);
    *images = n / DSE_SEVERITIES;
    return status;
}

/* ---- images ---- */

static enum dse_status check_shape(const struct dse_dataset *data, const char *path,
                                   const struct dse_image_rows *rows, int64_t images,
                                   struct dse_err *err) {
    int64_t n;
    int h, w, c;
    dse_image_rows_shape(rows, &n, &h, &w, &c);
    if (h != data->h || w != data->w || c != data->c)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: images of %dx%d with %d channels, the dataset has %dx%d "
                 "with %d",
                 path, h, w, c, data->h, data->w, data->c);
    if (n != DSE_SEVERITIES * images)
        DSE_FAIL(err, DSE_INVALID,
                 "%s: %lld images, labels.npy has %lld labels; they must be of "
                 "one set",
                 path, (long long)n, (long long)(DSE_SEVERITIES * images));
    return DSE_OK;
}

static enum dse_status open_all(struct evaluator__published *published,
                                const struct dse_dataset *data,
                                const struct dse_msg_context *context, struct dse_err *err) {
    const struct dse_msg_file_ref *labels = &context->corrupted_files[context->corruptions_n];
    DSE_TRY(evaluator__check_file(labels, err));
    DSE_TRY(check_labels(data, labels->path, &published->images, err));
    for (int i = 0; i < context->corruptions_n; i++) {
        const struct dse_msg_file_ref *file = &context->corrupted_files[i];
        DSE_TRY(evaluator__check_file(file, err));
        DSE_TRY(dse_image_rows_open(file->path, &published->rows[i], err));
        published->n = i + 1;
        DSE_TRY(check_shape(data, file->path, published->rows[i], published->images, err));
    }
    return DSE_OK;
}

enum dse_status evaluator__published_open(const struct dse_evaluator *ev,
                                          const struct dse_msg_context *context,
                                          struct evaluator__published **published,
                                          struct dse_err *err) {
    if (context->corrupted_files_n != context->corruptions_n + 1)
        DSE_FAIL(err, DSE_PROTOCOL, "%d files of corrupted images for %d corruptions",
                 context->corrupted_files_n, context->corruptions_n);
    struct evaluator__published *opened = dse_alloc(
        1, sizeof *opened + (size_t)context->corruptions_n * sizeof(struct dse_image_rows *));
    if (opened == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for corrupted images");
    enum dse_status status = open_all(opened, &ev->data, context, err);
    if (status != DSE_OK) {
        evaluator__published_free(opened);
        return dse_err_prefix(err, "corruptions.folder");
    }
    *published = opened;
    return DSE_OK;
}

enum dse_status evaluator__published_read(const struct evaluator__published *published,
                                          const struct cell *cell, const int32_t *indices, int n,
                                          uint8_t *pixels, struct dse_err *err) {
    const struct dse_image_rows *rows = published->rows[cell->published];
    int64_t rows_n;
    int h, w, c;
    dse_image_rows_shape(rows, &rows_n, &h, &w, &c);
    size_t size = (size_t)h * (size_t)w * (size_t)c;
    int64_t first = (cell->severity - 1) * published->images;
    for (int i = 0; i < n; i++)
        DSE_TRY(dse_image_rows_read(rows, first + indices[i], pixels + (size_t)i * size, err));
    return DSE_OK;
}
