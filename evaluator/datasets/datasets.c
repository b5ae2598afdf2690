/* The table of formats, the checks they share, and normalisation. */
#include "evaluator/datasets/datasets_internal.h"

#include <limits.h>
#include <string.h>

static const struct format {
    const char *name;
    enum dse_status (*load)(const struct datasets__request *, struct dse_dataset *,
                            struct dse_err *);
} formats[] = {
    [DSE_DATASET_IDX] = {"idx", datasets__load_idx},
    [DSE_DATASET_CIFAR10] = {"cifar10", datasets__load_cifar10},
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

enum dse_status datasets__check_range(const struct datasets__request *request, int n_files,
                                      int64_t n, struct dse_err *err) {
    if (request->first + request->count <= n)
        return DSE_OK;
    DSE_FAIL(err, DSE_INVALID,
             "%s%s: %lld images, but %lld from number %lld (from 0) are asked for: take fewer, or "
             "begin earlier",
             request->paths[0], n_files > 1 ? " and the files after it" : "", (long long)n,
             (long long)request->count, (long long)request->first);
}

enum dse_status dse_dataset_load(enum dse_dataset_format format, const char *const *paths,
                                 int n_paths, int first, int count, struct dse_dataset *dataset,
                                 struct dse_err *err) {
    dse_assert((int)format >= 0 && (int)format < N_FORMATS);
    if (first < 0)
        DSE_FAIL(err, DSE_INVALID, "first image %d: must be 0 or more", first);
    if (count < 1)
        DSE_FAIL(err, DSE_INVALID, "%d images: must be 1 or more", count);
    struct datasets__request request = {
        .paths = paths, .n_paths = n_paths, .first = first, .count = count};
    struct dse_dataset loaded = {0};
    enum dse_status status = formats[format].load(&request, &loaded, err);
    if (status == DSE_OK)
        *dataset = loaded;
    else
        dse_dataset_fini(&loaded);
    return status;
}

void dse_dataset_fini(struct dse_dataset *dataset) {
    dse_free(dataset->pixels);
    dse_free(dataset->labels);
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
