/* datasets: the official CIFAR-10 test batch. Sums were made with NumPy: pixels as
 * reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1). */
#include "tests/lib/testing.h"

#include "tests/unit/datasets/load_run.h"

static const char *const batches[] = {DSE_SHARED_DIR "/data/cifar10/test_batch.bin",
                                      DSE_SHARED_DIR "/data/cifar10/test_batch.bin"};

static void assert_sha256(const void *bytes, size_t size, const char *expected) {
    char sum[DSE_SHA256_HEX];
    struct dse_err err = {0};
    assert_ok(dse_sha256_bytes(bytes, size, sum, &err), &err);
    assert_string_equal(sum, expected);
}

static void test_batch_equals_numpy(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_dataset dataset;
    assert_ok(load_run(DSE_DATASET_CIFAR10, batches, 1, 0, 10000, &dataset, &err), &err);
    assert_int_equal(dataset.n, 10000);
    assert_int_equal(dataset.classes, 10);
    assert_sha256(dataset.pixels, (size_t)10000 * 3072,
                  "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04");
    assert_labels_sha256(dataset.labels, 10000,
                         "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5");
    dse_dataset_fini(&dataset);
}

static void batches_follow_each_other(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_dataset begin, across;
    assert_ok(load_run(DSE_DATASET_CIFAR10, batches, 1, 0, 5, &begin, &err), &err);
    assert_ok(load_run(DSE_DATASET_CIFAR10, batches, 2, 9995, 10, &across, &err), &err);
    assert_memory_equal(across.pixels + 5 * 3072, begin.pixels, 5 * 3072);
    assert_memory_equal(across.labels + 5, begin.labels, 5 * sizeof *begin.labels);
    dse_dataset_fini(&begin);
    dse_dataset_fini(&across);
}

int main(void) {
    if (access(batches[0], R_OK) != 0)
        skip_all("no CIFAR-10 test batch beside the source tree");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_equals_numpy),
        cmocka_unit_test(batches_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
