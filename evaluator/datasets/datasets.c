/* The table of formats, the checks they share, and normalisation. */
#include "evaluator/datasets/datasets_internal.h"

#include <limits.h>
#include <string.h>

static const struct format {
    const char *name;
    enum dse_status (*scan)(const struct dse_dataset_request *, struct datasets__content *,
                            struct dse_err *);
    enum dse_status (*fetch)(const struct dse_dataset_request *, struct datasets__taker *,
                             struct dse_err *);
} formats[] = {
    [DSE_DATASET_IDX] = {"idx", datasets__scan_idx, datasets__fetch_idx},
    [DSE_DATASET_CIFAR10] = {"cifar10", datasets__scan_cifar, datasets__fetch_cifar},
    [DSE_DATASET_CIFAR100] = {"cifar100", datasets__scan_cifar, datasets__fetch_cifar},
    [DSE_DATASET_NPY] = {"npy", datasets__scan_npy, datasets__fetch_npy},
    [DSE_DATASET_PICTURES] = {"pictures", datasets__scan_pictures, datasets__fetch_pictures},
};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

bool dse_dataset_format_find(const char *name, enum dse_dataset_format *format) {
    for (int i = 0; i < N_FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = (enum dse_dataset_format)i;
            return true;
        }
    }
    return false;
}

/* ---- what formats share ---- */

uint8_t *datasets__take(struct datasets__taker *taker, int64_t index) {
    if (taker->next == taker->n || taker->indices[taker->next] != index)
        return NULL;
    return taker->out + (size_t)taker->next++ * taker->image_bytes;
}

enum dse_status datasets__add_label(struct datasets__content *content, int64_t *capacity,
                                    uint16_t label, struct dse_err *err) {
    enum { FIRST_CAPACITY = 256 };
    if (content->n == *capacity) {
        int64_t larger = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
        uint16_t *labels = dse_realloc(content->labels, (size_t)larger, sizeof *labels);
        if (labels == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %lld labels", (long long)larger);
        content->labels = labels;
        *capacity = larger;
    }
    if (content->n == DATASETS__MOST_IMAGES)
        DSE_FAIL(err, DSE_INVALID, "more than %d images", DATASETS__MOST_IMAGES);
    content->labels[content->n++] = label;
    if (label >= content->classes)
        content->classes = label + 1;
    return DSE_OK;
}

/* ---- loading ---- */

static enum dse_status check_range(const struct dse_dataset_request *request, int64_t n,
                                   struct dse_err *err) {
    if ((int64_t)request->first + request->count <= n)
        return DSE_OK;
    DSE_FAIL(err, DSE_INVALID,
             "%s%s: %lld images, but %lld from number %lld (from 0) are asked for: take fewer, or "
             "begin earlier",
             request->paths[0],
             request->format != DSE_DATASET_IDX && request->n_paths > 1 ? " and the files after it"
                                                                        : "",
             (long long)n, (long long)request->count, (long long)request->first);
}

static enum dse_status allocate(const struct datasets__content *content, int count,
                                struct dse_dataset *dataset, struct dse_err *err) {
    size_t n = (size_t)count;
    dataset->n = count;
    dataset->h = content->h;
    dataset->w = content->w;
    dataset->c = content->c;
    dataset->classes = content->classes;
    dataset->pixels = dse_alloc(n, (size_t)content->h * (size_t)content->w * (size_t)content->c);
    dataset->labels = dse_alloc(n, sizeof *dataset->labels);
    dataset->indices = dse_alloc(n, sizeof *dataset->indices);
    if (dataset->pixels == NULL || dataset->labels == NULL || dataset->indices == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images of %d x %d", count, content->h,
                 content->w);
    return DSE_OK;
}

static enum dse_status load(const struct dse_dataset_request *wanted,
                            struct datasets__content *content, struct dse_dataset *dataset,
                            struct dse_err *err) {
    struct dse_dataset_request whole = *wanted;
    const struct dse_dataset_request *request = &whole;
    DSE_TRY(formats[request->format].scan(request, content, err));
    if (whole.count == DSE_DATASET_ALL)
        whole.count = content->n > whole.first ? (int)(content->n - whole.first) : 1;
    DSE_TRY(check_range(request, content->n, err));
    DSE_TRY(allocate(content, request->count, dataset, err));
    DSE_TRY(datasets__choose(request, content, dataset->indices, err));
    for (int i = 0; i < dataset->n; i++)
        dataset->labels[i] = content->labels[dataset->indices[i]];
    struct datasets__taker taker = {
        .indices = dataset->indices,
        .n = dataset->n,
        .image_bytes = (size_t)dataset->h * (size_t)dataset->w * (size_t)dataset->c,
        .out = dataset->pixels,
    };
    DSE_TRY(formats[request->format].fetch(request, &taker, err));
    if (taker.next < taker.n)
        DSE_FAIL(err, DSE_INVALID, "%s: became shorter while it was read", request->paths[0]);
    return DSE_OK;
}

enum dse_status dse_dataset_load(const struct dse_dataset_request *request,
                                 struct dse_dataset *dataset, struct dse_err *err) {
    dse_assert((int)request->format >= 0 && (int)request->format < N_FORMATS);
    if (request->first < 0)
        DSE_FAIL(err, DSE_INVALID, "first image %d: must be 0 or more", request->first);
    if (request->count < 1 && request->count != DSE_DATASET_ALL)
        DSE_FAIL(err, DSE_INVALID, "%d images: must be 1 or more", request->count);
    struct dse_dataset loaded = {0};
    struct datasets__content content = {0};
    enum dse_status status = load(request, &content, &loaded, err);
    dse_free(content.labels);
    if (status == DSE_OK)
        *dataset = loaded;
    else
        dse_dataset_fini(&loaded);
    return status;
}

void dse_dataset_fini(struct dse_dataset *dataset) {
    dse_free(dataset->pixels);
    dse_free(dataset->labels);
    dse_free(dataset->indices);
    *dataset = (struct dse_dataset){0};
}

/* There are only 256 levels: one table a channel instead of two divisions a value. */
void dse_dataset_normalize(const uint8_t *pixels, size_t n_values, int c, const double *mean,
                           const double *std, float *out) {
    dse_assert(c > 0 && n_values % (size_t)c == 0);
    for (int channel = 0; channel < c; channel++) {
        float table[UCHAR_MAX + 1];
        for (int level = 0; level <= UCHAR_MAX; level++)
            table[level] = (float)((level / 255.0 - mean[channel]) / std[channel]);
        for (size_t i = (size_t)channel; i < n_values; i += (size_t)c)
            out[i] = table[pixels[i]];
    }
}
