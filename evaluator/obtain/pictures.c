/* CIFAR-10 as pictures: a PNG of 1,024 columns, the pixels of an image in raster order, and a row
 * an image; the labels of all training images, or of the test images, as a list in JSON. */
#include "evaluator/obtain/obtain_internal.h"

#include <stdlib.h>
#include <string.h>

enum { PLANE = 32 * 32, CHANNELS = 3, BATCH = 10000, TRAIN = 50000, CLASSES = 10 };
/* The package writes them so. */
static const char train_labels[] = "train_lables.json", test_labels[] = "test_lables.json";

enum dse_status dse_obtain_labels(const char *text, int n, uint8_t *labels, struct dse_err *err) {
    const char *at = text + strspn(text, " \t\r\n");
    int found = 0;
    if (*at != '[')
        DSE_FAIL(err, DSE_INVALID, "no list of labels: it does not begin with [");
    do {
        char *end;
        long label = strtol(at + 1, &end, 10);
        if (end == at + 1 || label < 0 || label >= CLASSES || found == n)
            DSE_FAIL(err, DSE_INVALID, "label %d of %d is none of 0 to %d, or one too many", found,
                     n, CLASSES - 1);
        labels[found++] = (uint8_t)label;
        at = end + strspn(end, " \t\r\n");
    } while (*at == ',');
    if (*at != ']' || found != n)
        DSE_FAIL(err, DSE_INVALID, "%d labels where there should be %d", found, n);
    return DSE_OK;
}

enum dse_status dse_obtain_records(const struct dse_image *picture, const uint8_t *labels,
                                   struct dse_buf *out, struct dse_err *err) {
    uint8_t record[1 + CHANNELS * PLANE];
    if (picture->w != PLANE || picture->c != CHANNELS)
        DSE_FAIL(err, DSE_INVALID, "a picture of %d columns and %d channels, expected %d and %d",
                 picture->w, picture->c, PLANE, CHANNELS);
    for (int row = 0; row < picture->h; row++) {
        const uint8_t *pixels = picture->pixels + (size_t)row * PLANE * CHANNELS;
        record[0] = labels[row];
        for (int i = 0; i < PLANE; i++)
            for (int c = 0; c < CHANNELS; c++)
                record[1 + c * PLANE + i] = pixels[i * CHANNELS + c];
        dse_buf_append(out, record, sizeof record);
    }
    return dse_buf_status(out, err);
}

static enum dse_status read_labels(const char *package, const char *name, int n, uint8_t *labels,
                                   struct dse_err *err) {
    struct dse_buf text = {0};
    enum dse_status status = obtain__read(package, name, &text, err);
    if (status == DSE_OK) {
        status = dse_obtain_labels(dse_buf_text(&text), n, labels, err);
        if (status != DSE_OK)
            (void)dse_err_prefix(err, "%s in %s", name, package);
    }
    dse_buf_fini(&text);
    return status;
}

static enum dse_status read_picture(const char *package, const char *name,
                                    struct dse_image *picture, struct dse_err *err) {
    struct dse_buf file = {0};
    enum dse_status status = obtain__read(package, name, &file, err);
    if (status == DSE_OK)
        status = dse_image_read(name, &file, picture, err);
    if (status == DSE_OK && picture->h != BATCH) {
        status = dse_err_set(err, DSE_INVALID, "%s in %s: %d rows, expected %d", name, package,
                             picture->h, BATCH);
        dse_free(picture->pixels);
        picture->pixels = NULL;
    }
    dse_buf_fini(&file);
    return status;
}

enum dse_status obtain__make_batch(const char *package, const struct dse_obtain_file *file,
                                   int batch, struct dse_buf *out, struct dse_err *err) {
    static const char train[] = "data_batch_";
    bool is_train = strncmp(file->name, train, sizeof train - 1) == 0;
    uint8_t *labels = dse_alloc(TRAIN, 1);
    struct dse_image picture = {0};
    if (labels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for labels");
    enum dse_status status = read_labels(package, is_train ? train_labels : test_labels,
                                         is_train ? TRAIN : BATCH, labels, err);
    if (status == DSE_OK)
        status = read_picture(package, file->source, &picture, err);
    if (status == DSE_OK)
        status = dse_obtain_records(&picture, labels + (is_train ? batch * BATCH : 0), out, err);
    dse_free(picture.pixels);
    dse_free(labels);
    return status;
}
