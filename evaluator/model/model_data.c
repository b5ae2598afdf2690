/* Images for the commands that learn or measure. */
#include "evaluator/model/model_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "resize=N" or "crop=N", among the files of pictures. */
static bool read_fit(const char *text, struct dse_dataset_request *request) {
    static const char resize[] = "resize=", crop[] = "crop=";
    enum { LARGEST = 4096 };
    int *to = NULL;
    char *end;
    if (strncmp(text, resize, sizeof resize - 1) == 0)
        to = &request->resize;
    else if (strncmp(text, crop, sizeof crop - 1) == 0)
        to = &request->crop;
    if (request->format != DSE_DATASET_PICTURES || to == NULL)
        return false;
    long side = strtol(strchr(text, '=') + 1, &end, 10);
    if (*end != '\0' || side < 1 || side > LARGEST)
        return false;
    *to = (int)side;
    return true;
}

enum dse_status model__read_request(struct model *m, const char *text,
                                    const char *paths[MODEL_FILES_MAX],
                                    struct dse_dataset_request *request, struct dse_err *err) {
    char *copy = dse_arena_strdup(&m->arena, text);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the names of files");
    char *colon = strchr(copy, ':'), *rest = NULL;
    if (colon == NULL)
        DSE_FAIL(err, DSE_USAGE, "'%s': expected FORMAT:FILE,... as cifar10:data_batch_1.bin",
                 text);
    *colon = '\0';
    if (!dse_dataset_format_find(copy, &request->format))
        DSE_FAIL(err, DSE_USAGE, "'%s' is no format of images; see pareto-workload(5)", copy);
    request->paths = paths;
    for (char *at = strtok_r(colon + 1, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        if (read_fit(at, request))
            continue;
        if (request->n_paths == MODEL_FILES_MAX)
            DSE_FAIL(err, DSE_USAGE, "more than %d files", (int)MODEL_FILES_MAX);
        paths[request->n_paths++] = at;
    }
    if (request->n_paths == 0)
        DSE_FAIL(err, DSE_USAGE, "'%s' names no file", text);
    return DSE_OK;
}

/* Numbers separated by commas, one a channel; one alone is for all channels. */
static enum dse_status read_channels(const char *option, const char *text, int channels,
                                     double fallback, double *values, struct dse_err *err) {
    int n = 0;
    for (const char *at = text; at != NULL && n < channels;) {
        char *end;
        values[n++] = strtod(at, &end);
        if (end == at || (*end != ',' && *end != '\0'))
            DSE_FAIL(err, DSE_USAGE, "%s '%s': expected numbers separated by commas", option, text);
        at = *end == ',' ? end + 1 : NULL;
    }
    if (n > 1 && n != channels)
        DSE_FAIL(err, DSE_USAGE, "%s '%s': %d numbers for %d channels", option, text, n, channels);
    for (int i = n == 0 ? 0 : n; i < channels; i++)
        values[i] = n == 0 ? fallback : values[0];
    return DSE_OK;
}

static enum dse_status make_levels(const struct model *m, struct dse_train_data *data,
                                   struct dse_err *err) {
    double mean[4], std[4];
    DSE_TRY(read_channels("--mean", m->options.mean, data->c, 0.0, mean, err));
    DSE_TRY(read_channels("--std", m->options.std, data->c, 1.0, std, err));
    for (int c = 0; c < data->c; c++) {
        if (!(std[c] > 0.0))
            DSE_FAIL(err, DSE_USAGE, "--std must be above 0");
        for (int level = 0; level < 256; level++) {
            uint8_t pixel = (uint8_t)level;
            dse_dataset_normalize(&pixel, 1, 1, &mean[c], &std[c], &data->levels[c][level]);
        }
    }
    return DSE_OK;
}

static enum dse_status hash_images(struct model__images *images, struct dse_err *err) {
    const struct dse_train_data *data = &images->data;
    size_t pixels = (size_t)data->n * (size_t)data->h * (size_t)data->w * (size_t)data->c;
    char parts[3][DSE_SHA256_HEX];
    DSE_TRY(dse_sha256_bytes(data->pixels, pixels, parts[0], err));
    DSE_TRY(dse_sha256_bytes(data->labels, (size_t)data->n * sizeof *data->labels, parts[1], err));
    DSE_TRY(
        dse_sha256_bytes(data->levels, (size_t)data->c * sizeof data->levels[0], parts[2], err));
    return dse_sha256_bytes(parts, sizeof parts, images->sha256, err);
}

static enum dse_status take_images(struct model *m, struct dse_dataset *dataset,
                                   struct model__images *images, struct dse_err *err) {
    images->labels = dse_alloc((size_t)dataset->n, sizeof *images->labels);
    if (images->labels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d labels", dataset->n);
    for (int i = 0; i < dataset->n; i++)
        images->labels[i] = dataset->labels[i];
    images->pixels = dataset->pixels;
    dataset->pixels = NULL;
    images->data = (struct dse_train_data){.n = dataset->n,
                                           .h = dataset->h,
                                           .w = dataset->w,
                                           .c = dataset->c,
                                           .pixels = images->pixels,
                                           .labels = images->labels};
    DSE_TRY(make_levels(m, &images->data, err));
    return hash_images(images, err);
}

enum dse_status model__load_images(struct model *m, const char *text, int count,
                                   struct model__images *images, struct dse_err *err) {
    const char *paths[MODEL_FILES_MAX];
    struct dse_dataset_request request = {.count = count == 0 ? DSE_DATASET_ALL : count};
    struct dse_dataset dataset = {0};
    DSE_TRY(model__read_request(m, text, paths, &request, err));
    DSE_TRY(dse_dataset_load(&request, &dataset, err));
    enum dse_status status = take_images(m, &dataset, images, err);
    dse_dataset_fini(&dataset);
    return status;
}

enum dse_status model__split_images(struct model__images *images, int n, struct model__images *rest,
                                    struct dse_err *err) {
    struct dse_train_data *data = &images->data;
    if (n < 1 || n >= data->n)
        DSE_FAIL(err, DSE_INVALID, "%d images are too few to keep some for validation", data->n);
    size_t image = (size_t)data->h * (size_t)data->w * (size_t)data->c;
    data->n -= n;
    *rest = (struct model__images){.data = *data};
    rest->data.n = n;
    rest->data.pixels += (size_t)data->n * image;
    rest->data.labels += data->n;
    return hash_images(rest, err);
}

void model__images_fini(struct model__images *images) {
    dse_free(images->pixels);
    dse_free(images->labels);
}
