/* Any bytes as a file of images or labels: it is read or refused, and what was read is whole. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "evaluator/datasets/datasets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void load(enum dse_dataset_format format, const char *const *paths, int n_paths) {
    struct dse_dataset_request request = {
        .format = format, .paths = paths, .n_paths = n_paths, .count = 1, .stratified = true};
    struct dse_dataset dataset = {0};
    struct dse_err err = {0};
    enum dse_status status = dse_dataset_load(&request, &dataset, &err);
    dse_assert(status == err.code);
    dse_assert((status == DSE_OK) == (dataset.n == 1));
    if (status == DSE_OK)
        dse_assert(dataset.labels[0] < dataset.classes && dataset.h > 0 && dataset.w > 0);
    dse_dataset_fini(&dataset);
}

static void open_rows(const char *path) {
    struct dse_image_rows *rows = NULL;
    struct dse_err err = {0};
    if (dse_image_rows_open(path, &rows, &err) != DSE_OK)
        return;
    int64_t n;
    int h, w, c;
    dse_image_rows_shape(rows, &n, &h, &w, &c);
    dse_assert(n > 0 && h > 0 && w > 0 && (c == 1 || c == 3));
    dse_image_rows_close(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char path[32];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *const paths[] = {path, path};
    load(DSE_DATASET_IDX, paths, 2);
    load(DSE_DATASET_CIFAR10, paths, 1);
    load(DSE_DATASET_CIFAR100, paths, 1);
    load(DSE_DATASET_NPY, paths, 1);
    load(DSE_DATASET_NPY, paths, 2);
    open_rows(path);
    (void)close(fd);
    dse_assert(dse_alloc_live() == 0);
    return 0;
}
