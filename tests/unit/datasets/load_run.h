/* A run of images, in one call. */
#ifndef DSE_TESTS_LOAD_RUN_H
#define DSE_TESTS_LOAD_RUN_H

#include "evaluator/datasets/datasets.h"
#include "tests/lib/testing.h"

static inline enum dse_status load_run(enum dse_dataset_format format, const char *const *paths,
                                       int n_paths, int first, int count,
                                       struct dse_dataset *dataset, struct dse_err *err) {
    struct dse_dataset_request request = {
        .format = format, .paths = paths, .n_paths = n_paths, .first = first, .count = count};
    return dse_dataset_load(&request, dataset, err);
}

/* SHA-256 of labels as bytes; they are below 256. */
static inline void assert_labels_sha256(const uint16_t *labels, size_t n, const char *expected) {
    char sum[DSE_SHA256_HEX];
    struct dse_err err = {0};
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)labels[i];
    assert_ok(dse_sha256_bytes(bytes, n, sum, &err), &err);
    assert_string_equal(sum, expected);
    free(bytes);
}

#endif
