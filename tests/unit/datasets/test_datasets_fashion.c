/* datasets: the Fashion-MNIST files of Debian's dataset-fashion-mnist. Sums are of the unpacked
 * official files without their headers, which were compared with the published MD5 sums. */
#include "tests/lib/testing.h"

#include "tests/unit/datasets/load_run.h"

#define FOLDER "/usr/share/datasets/fashion-mnist/"
static const char *const train[] = {FOLDER "train-images-idx3-ubyte.gz",
                                    FOLDER "train-labels-idx1-ubyte.gz"};
static const char *const test[] = {FOLDER "t10k-images-idx3-ubyte.gz",
                                   FOLDER "t10k-labels-idx1-ubyte.gz"};

static void assert_sha256(const void *bytes, size_t size, const char *expected) {
    char sum[DSE_SHA256_HEX];
    struct dse_err err = {0};
    assert_ok(dse_sha256_bytes(bytes, size, sum, &err), &err);
    assert_string_equal(sum, expected);
}

static void assert_whole_set(const char *const *paths, int n, const char *pixels_sum,
                             const char *labels_sum) {
    struct dse_err err = {0};
    struct dse_dataset dataset;
    assert_ok(load_run(DSE_DATASET_IDX, paths, 2, 0, n, &dataset, &err), &err);
    assert_int_equal(dataset.n, n);
    assert_int_equal(dataset.h, 28);
    assert_int_equal(dataset.w, 28);
    assert_int_equal(dataset.c, 1);
    assert_int_equal(dataset.classes, 10);
    assert_sha256(dataset.pixels, (size_t)n * 28 * 28, pixels_sum);
    assert_labels_sha256(dataset.labels, (size_t)n, labels_sum);
    dse_dataset_fini(&dataset);
}

static void test_set_is_read_whole(void **state) {
    (void)state;
    assert_whole_set(test, 10000,
                     "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
                     "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9");
}

static void training_set_is_read_whole(void **state) {
    (void)state;
    assert_whole_set(train, 60000,
                     "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
                     "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7");
}

static void a_run_is_the_same_part_of_the_whole(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_dataset whole, part;
    assert_ok(load_run(DSE_DATASET_IDX, test, 2, 0, 10000, &whole, &err), &err);
    assert_ok(load_run(DSE_DATASET_IDX, test, 2, 9900, 100, &part, &err), &err);
    assert_memory_equal(part.pixels, whole.pixels + (size_t)9900 * 28 * 28, (size_t)100 * 28 * 28);
    assert_memory_equal(part.labels, whole.labels + 9900, 100 * sizeof *part.labels);
    dse_dataset_fini(&whole);
    dse_dataset_fini(&part);
}

static void images_of_one_set_and_labels_of_another_are_refused(void **state) {
    (void)state;
    const char *const mixed[] = {test[0], train[1]};
    struct dse_err err = {0};
    struct dse_dataset dataset;
    assert_int_equal(load_run(DSE_DATASET_IDX, mixed, 2, 0, 10, &dataset, &err), DSE_INVALID);
    assert_string_equal(err.text, FOLDER "train-labels-idx1-ubyte.gz: 60000 labels, but " FOLDER
                                         "t10k-images-idx3-ubyte.gz has 10000 images; give the two "
                                         "files of one set");
}

int main(void) {
    if (access(test[0], R_OK) != 0)
        skip_all("Debian package dataset-fashion-mnist is not installed");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_is_read_whole),
        cmocka_unit_test(training_set_is_read_whole),
        cmocka_unit_test(a_run_is_the_same_part_of_the_whole),
        cmocka_unit_test(images_of_one_set_and_labels_of_another_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
