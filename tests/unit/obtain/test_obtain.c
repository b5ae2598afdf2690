/* obtain: labels, records out of pictures, files out of archives and folders. */
#include "evaluator/datasets/datasets.h"
#include "evaluator/obtain/obtain.h"
#include "tests/lib/testing.h"

enum { PLANE = 1024, RECORD = 1 + 3 * PLANE };

static void labels_are_read_exactly(void **state) {
    (void)state;
    struct dse_err err = {0};
    uint8_t labels[3] = {9, 9, 9};
    assert_ok(dse_obtain_labels(" [0, 5,\n9 ]\n", 3, labels, &err), &err);
    assert_memory_equal(labels, ((uint8_t[]){0, 5, 9}), 3);
    const char *bad[] = {"",         "[]",       "0,5,9",  "[0,5]",  "[0,5,9,1]",
                         "[0,5,10]", "[0,-1,9]", "[0,,9]", "[0,5,9", "[0,5,9}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(dse_obtain_labels(bad[i], 3, labels, NULL), DSE_INVALID);
}

static void rows_become_records(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_buf out = {0};
    struct dse_image picture = {.h = 2, .w = PLANE, .c = 3};
    picture.pixels = dse_alloc(2 * PLANE, 3);
    assert_non_null(picture.pixels);
    for (int i = 0; i < 2 * PLANE; i++)
        for (int c = 0; c < 3; c++)
            picture.pixels[i * 3 + c] = (uint8_t)(i * 7 + c * 50 + i / PLANE);
    assert_ok(dse_obtain_records(&picture, (uint8_t[]){3, 8}, &out, &err), &err);
    assert_int_equal(out.size, 2 * RECORD);
    assert_int_equal(out.data[0], 3);
    assert_int_equal(out.data[RECORD], 8);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < PLANE; i++)
            assert_int_equal((uint8_t)out.data[RECORD + 1 + c * PLANE + i],
                             (uint8_t)((PLANE + i) * 7 + c * 50 + 1));
    picture.w = PLANE - 1;
    assert_int_equal(dse_obtain_records(&picture, (uint8_t[]){3, 8}, &out, NULL), DSE_INVALID);
    dse_free(picture.pixels);
    dse_buf_fini(&out);
}

/* The official test batch, made into a picture and back, is itself and has the MD5 of the table. */
static void test_batch_comes_back(void **state) {
    (void)state;
    const char *path = DSE_SHARED_DIR "/data/cifar10/test_batch.bin";
    struct dse_err err = {0};
    struct dse_buf file = {0}, out = {0};
    uint8_t labels[10000];
    struct dse_image picture = {.h = 10000, .w = PLANE, .c = 3};
    int n;
    if (access(path, R_OK) != 0)
        skip();
    assert_ok(dse_file_read(path, (size_t)1 << 26, &file, &err), &err);
    picture.pixels = dse_alloc((size_t)10000 * PLANE, 3);
    assert_non_null(picture.pixels);
    for (size_t row = 0; row < 10000; row++) {
        labels[row] = (uint8_t)file.data[row * RECORD];
        for (size_t i = 0; i < PLANE; i++)
            for (size_t c = 0; c < 3; c++)
                picture.pixels[(row * PLANE + i) * 3 + c] =
                    (uint8_t)file.data[row * RECORD + 1 + c * PLANE + i];
    }
    assert_ok(dse_obtain_records(&picture, labels, &out, &err), &err);
    char sum[DSE_MD5_HEX];
    assert_ok(dse_md5_bytes(out.data, out.size, sum, &err), &err);
    const struct dse_obtain_set *cifar10 = &dse_obtain_sets(&n)[0];
    assert_string_equal(cifar10->name, "cifar10");
    assert_string_equal(cifar10->files[5].name, "test_batch.bin");
    assert_string_equal(sum, cifar10->files[5].md5);
    dse_free(picture.pixels);
    dse_buf_fini(&file);
    dse_buf_fini(&out);
}

/* ---- archives ---- */

static void put_member(FILE *file, const char *name, const char *content) {
    char record[512] = "";
    unsigned sum = 0;
    (void)snprintf(record, 100, "%s", name);
    (void)snprintf(record + 124, 12, "%011o", (unsigned)strlen(content) & 0777u);
    record[156] = '0';
    memset(record + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)record[i];
    (void)snprintf(record + 148, 8, "%06o", sum);
    (void)fwrite(record, 1, sizeof record, file);
    memset(record, 0, sizeof record);
    (void)snprintf(record, sizeof record, "%s", content);
    (void)fwrite(record, 1, sizeof record, file);
}

static void members_are_found_by_their_names(void **state) {
    (void)state;
    char dir[256], path[300];
    struct dse_err err = {0};
    struct dse_buf out = {0};
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/a.tar", dir);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    put_member(file, "package/not-b", "wrong");
    put_member(file, "package/data/b", "right");
    (void)fseek(file, 1024, SEEK_CUR);
    (void)fputc(0, file);
    assert_int_equal(fclose(file), 0);
    assert_ok(dse_dataset_unpack(path, "b", 5, &out, &err), &err);
    assert_string_equal(dse_buf_text(&out), "right");
    dse_buf_reset(&out);
    assert_int_equal(dse_dataset_unpack(path, "b", 4, &out, NULL), DSE_INVALID);
    assert_int_equal(dse_dataset_unpack(path, "c", 5, &out, NULL), DSE_NOT_FOUND);
    assert_int_equal(truncate(path, 1024 + 512 + 3), 0);
    dse_buf_reset(&out);
    assert_int_equal(dse_dataset_unpack(path, "b", 5, &out, NULL), DSE_INVALID);
    dse_buf_reset(&out);
    assert_int_equal(dse_dataset_unpack(path, NULL, 2000, &out, NULL), DSE_OK);
    assert_int_equal(out.size, 1024 + 512 + 3);
    assert_int_equal(dse_dataset_unpack(path, NULL, 1000, &out, NULL), DSE_INVALID);
    (void)remove(path);
    (void)rmdir(dir);
    dse_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_read_exactly),
        cmocka_unit_test(rows_become_records),
        cmocka_unit_test(test_batch_comes_back),
        cmocka_unit_test(members_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
