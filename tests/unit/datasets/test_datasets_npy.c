/* datasets: arrays of NumPy as NumPy wrote them (tests/fixtures/make_npy_fixtures.py), damaged
 * ones, and shares of classes. */
#include "tests/unit/datasets/load_run.h"

#define FILES DSE_FIXTURES_DIR "/datasets/"
enum { N = 5, H = 3, W = 2, C = 3, BYTES = H * W * C };

static void assert_five_images(const struct dse_dataset *dataset, int channels) {
    static const uint16_t labels[] = {0, 1, 2, 0, 1};
    assert_int_equal(dataset->n, N);
    assert_int_equal(dataset->h, H);
    assert_int_equal(dataset->w, W);
    assert_int_equal(dataset->c, channels);
    assert_int_equal(dataset->classes, 3);
    assert_memory_equal(dataset->labels, labels, sizeof labels);
    for (int i = 0; i < N * H * W * channels; i++) {
        int image = i / (H * W * channels), at = i % (H * W * channels);
        int expected = 7 * image + (channels == C ? at : C * at);
        assert_int_equal(dataset->pixels[i], expected);
    }
}

static void arrays_are_read_as_numpy_wrote_them(void **state) {
    (void)state;
    static const struct {
        const char *paths[2];
        int n_paths, channels;
    } cases[] = {
        {{FILES "images.npy", FILES "labels.npy"}, 2, C},
        {{FILES "grey.npy", FILES "labels.npy"}, 2, 1},
        {{FILES "images.npy", FILES "labels-u1.npy"}, 2, C},
        {{FILES "images.npy", FILES "labels-column.npy"}, 2, C},
        {{FILES "both.npz"}, 1, C},
        {{FILES "packed.npz"}, 1, C},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_err err = {0};
        struct dse_dataset dataset;
        assert_ok(load_run(DSE_DATASET_NPY, cases[i].paths, cases[i].n_paths, 0, N, &dataset, &err),
                  &err);
        assert_five_images(&dataset, cases[i].channels);
        dse_dataset_fini(&dataset);
        assert_ok(load_run(DSE_DATASET_NPY, cases[i].paths, cases[i].n_paths, 3, 1, &dataset, &err),
                  &err);
        assert_int_equal(dataset.pixels[0], 21);
        assert_int_equal(dataset.indices[0], 3);
        dse_dataset_fini(&dataset);
    }
}

static void bad_arrays_are_refused_with_reasons(void **state) {
    (void)state;
    static const struct {
        const char *paths[2];
        int n_paths;
        const char *text;
    } cases[] = {
        {{FILES "bad-two.npz"}, 1, "both a.npy and b.npy can be the images"},
        {{FILES "bad-no-labels.npz"}, 1, "has no array of labels"},
        {{FILES "images.npy"}, 1, "not a whole zip archive"},
        {{FILES "both.npz", FILES "labels.npy"}, 2, "not an .npy array of NumPy"},
        {{FILES "bad-fortran.npy", FILES "labels.npy"}, 2, "not in C order"},
        {{FILES "bad-float.npy", FILES "labels.npy"}, 2, "its numbers are not integers"},
        {{FILES "bad-planes.npy", FILES "labels.npy"}, 2, "channels must be the last axis"},
        {{FILES "images.npy", FILES "bad-big-endian.npy"}, 2, "big-endian"},
        {{FILES "images.npy", FILES "bad-negative.npy"}, 2, "label 0 (from 0) is not within"},
        {{FILES "images.npy", FILES "bad-few.npy"}, 2, "4 labels, but"},
        {{FILES "labels.npy", FILES "images.npy"}, 2, "images are uint8 of shape"},
        {{FILES "images.npy", FILES "images.npy"}, 2, "labels are integers of shape (n)"},
        {{FILES "images.npy", FILES "labels.npy"}, 0, "npy data are two files"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_err err = {0};
        struct dse_dataset dataset = {.n = -77};
        assert_int_equal(
            load_run(DSE_DATASET_NPY, cases[i].paths, cases[i].n_paths, 0, 1, &dataset, &err),
            DSE_INVALID);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].text, err.text);
        assert_int_equal(dataset.n, -77);
        assert_int_equal(dse_alloc_live(), 0);
    }
}

/* ---- damage ---- */

static char folder[256];

static int enter_folder(void **state) {
    (void)state;
    make_temp_dir(folder, sizeof folder);
    return chdir(folder);
}

static int leave_folder(void **state) {
    (void)state;
    (void)unlink("damaged");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

/* Read or refused, nothing else. */
static bool survives(const char *const *paths, int n_paths) {
    struct dse_err err = {0};
    struct dse_dataset dataset = {0};
    enum dse_status status = load_run(DSE_DATASET_NPY, paths, n_paths, 0, N, &dataset, &err);
    if (status != DSE_OK)
        assert_true(status == DSE_INVALID || status == DSE_UNSUPPORTED);
    for (int i = 0; status == DSE_OK && i < dataset.n; i++)
        assert_true(dataset.labels[i] < dataset.classes);
    dse_dataset_fini(&dataset);
    assert_int_equal(dse_alloc_live(), 0);
    return status == DSE_OK;
}

static size_t read_whole(const char *path, uint8_t *out, size_t room) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(out, 1, room, file);
    assert_true(size > 0 && size < room);
    (void)fclose(file);
    return size;
}

static void write_damaged(const uint8_t *bytes, size_t size) {
    FILE *file = fopen("damaged", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void damaged_files_are_read_or_refused(void **state) {
    (void)state;
    static const char *const sources[] = {FILES "images.npy", FILES "both.npz", FILES "packed.npz"};
    static const char *const paths[] = {"damaged", FILES "labels.npy"};
    for (int f = 0; f < 3; f++) {
        uint8_t good[2048], bytes[2048];
        size_t size = read_whole(sources[f], good, sizeof good);
        int n_paths = f == 0 ? 2 : 1, read = 0;
        for (size_t cut = 0; cut < size; cut += 3) {
            write_damaged(good, cut);
            assert_false(survives(paths, n_paths));
        }
        struct dse_rng rng;
        dse_rng_init(&rng, 3, DSE_RNG_TEST, (uint32_t)f, 0);
        for (int i = 0; i < 150; i++) {
            memcpy(bytes, good, size);
            for (uint32_t flips = 1 + dse_rng_below(&rng, 3); flips > 0; flips--)
                bytes[dse_rng_below(&rng, (uint32_t)size)] ^= (uint8_t)(1u << (i % 8));
            write_damaged(bytes, size);
            read += survives(paths, n_paths);
        }
        assert_true(read < 120);
    }
}

/* A wrong pixel in an archive does not have the check sum. */
static void check_sums_of_archives_are_compared(void **state) {
    (void)state;
    static const char *const paths[] = {"damaged"};
    uint8_t bytes[2048], first_image[BYTES];
    size_t size = read_whole(FILES "both.npz", bytes, sizeof bytes);
    for (int i = 0; i < BYTES; i++)
        first_image[i] = (uint8_t)i;
    uint8_t *pixels = memmem(bytes, size, first_image, sizeof first_image);
    assert_non_null(pixels);
    pixels[5] ^= 1;
    write_damaged(bytes, size);
    struct dse_err err = {0};
    struct dse_dataset dataset;
    assert_int_equal(load_run(DSE_DATASET_NPY, paths, 1, 0, 1, &dataset, &err), DSE_INVALID);
    assert_non_null(strstr(err.text, "does not have its check sum"));
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    static const char *const paths[] = {FILES "packed.npz"};
    enum dse_status status = DSE_NO_MEMORY;
    long n = 0;
    for (; status != DSE_OK; n++) {
        struct dse_err err = {0};
        struct dse_dataset dataset = {0};
        struct dse_dataset_request request = {.format = DSE_DATASET_NPY,
                                              .paths = paths,
                                              .n_paths = 1,
                                              .count = 3,
                                              .stratified = true};
        dse_alloc_fail_at(n);
        status = dse_dataset_load(&request, &dataset, &err);
        dse_alloc_fail_at(-1);
        assert_true(status == DSE_OK || status == DSE_NO_MEMORY);
        dse_dataset_fini(&dataset);
        assert_int_equal(dse_alloc_live(), 0);
    }
    assert_true(n > 10);
}

static void rows_are_read_one_at_a_time(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_image_rows *rows = NULL;
    int64_t n;
    int h, w, c;
    uint8_t image[BYTES];
    assert_ok(dse_image_rows_open(FILES "images.npy", &rows, &err), &err);
    dse_image_rows_shape(rows, &n, &h, &w, &c);
    assert_true(n == N && h == H && w == W && c == C);
    for (int i = N - 1; i >= 0; i--) {
        assert_ok(dse_image_rows_read(rows, i, image, &err), &err);
        assert_int_equal(image[4], 7 * i + 4);
    }
    dse_image_rows_close(rows);
    assert_int_equal(dse_image_rows_open(FILES "labels.npy", &rows, &err), DSE_INVALID);
    assert_int_equal(dse_alloc_live(), 0);
}

/* ---- CIFAR-100 ---- */

static void cifar100_has_two_kinds_of_labels(void **state) {
    (void)state;
    enum { RECORD = 2 + 3072 };
    static uint8_t records[3 * RECORD];
    static const char *const paths[] = {"damaged"};
    for (int r = 0; r < 3; r++) {
        records[r * RECORD] = (uint8_t)(19 - r);
        records[r * RECORD + 1] = (uint8_t)(99 - r);
        records[r * RECORD + 2] = (uint8_t)(50 + r); /* red of the first pixel */
        records[r * RECORD + 2 + 1024] = (uint8_t)(60 + r);
    }
    write_damaged(records, sizeof records);
    for (int coarse = 0; coarse < 2; coarse++) {
        struct dse_err err = {0};
        struct dse_dataset dataset;
        struct dse_dataset_request request = {.format = DSE_DATASET_CIFAR100,
                                              .paths = paths,
                                              .n_paths = 1,
                                              .first = 1,
                                              .count = 2,
                                              .coarse_labels = coarse == 1};
        assert_ok(dse_dataset_load(&request, &dataset, &err), &err);
        assert_int_equal(dataset.classes, coarse ? 20 : 100);
        assert_int_equal(dataset.labels[0], coarse ? 18 : 98);
        assert_int_equal(dataset.pixels[0], 51);
        assert_int_equal(dataset.pixels[1], 61);
        dse_dataset_fini(&dataset);
    }
    records[RECORD + 1] = 100;
    write_damaged(records, sizeof records);
    struct dse_err err = {0};
    struct dse_dataset dataset;
    assert_int_equal(load_run(DSE_DATASET_CIFAR100, paths, 1, 0, 1, &dataset, &err), DSE_INVALID);
    assert_non_null(strstr(err.text, "record 1 (from 0) has label 100, CIFAR-100 has 0..99"));
}

/* ---- shares of classes ---- */

/* 100 images of 1 x 1 pixels: 60 of class 0, 30 of class 1, 10 of class 2, mixed. */
static void write_hundred(void) {
    uint8_t bytes[128 + 100] = "\x93NUMPY\x1\0\x76\0";
    int n = snprintf((char *)bytes + 10, 118,
                     "{'descr': '|u1', 'fortran_order': False, 'shape': (100, 1, 1), }");
    memset(bytes + 10 + n, ' ', (size_t)(118 - n));
    for (int i = 0; i < 100; i++)
        bytes[128 + i] = (uint8_t)i;
    write_damaged(bytes, sizeof bytes);
    uint8_t labels[128 + 100];
    memcpy(labels, bytes, 128);
    n = snprintf((char *)labels + 10, 118,
                 "{'descr': '|u1', 'fortran_order': False, 'shape': (100,), }");
    memset(labels + 10 + n, ' ', (size_t)(118 - n));
    for (int i = 0; i < 100; i++) {
        int k = i * 37 % 100;
        labels[128 + i] = k < 60 ? 0 : k < 90 ? 1 : 2;
    }
    FILE *file = fopen("labels", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(labels, 1, sizeof labels, file), sizeof labels);
    assert_int_equal(fclose(file), 0);
}

static void load_share(int first, int count, uint64_t seed, struct dse_dataset *dataset) {
    static const char *const paths[] = {"damaged", "labels"};
    struct dse_err err = {0};
    struct dse_dataset_request request = {.format = DSE_DATASET_NPY,
                                          .paths = paths,
                                          .n_paths = 2,
                                          .first = first,
                                          .count = count,
                                          .stratified = true,
                                          .seed = seed};
    assert_ok(dse_dataset_load(&request, dataset, &err), &err);
    int last = first - 1;
    for (int i = 0; i < dataset->n; i++) {
        assert_true(dataset->indices[i] > last && dataset->indices[i] < 100);
        assert_int_equal(dataset->pixels[i], dataset->indices[i]);
        last = dataset->indices[i];
    }
}

static void classes_have_their_shares(void **state) {
    (void)state;
    static const int counts[][4] = {{10, 6, 3, 1}, {100, 60, 30, 10}, {7, 4, 2, 1}, {1, 1, 0, 0}};
    write_hundred();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct dse_dataset dataset;
        int found[3] = {0};
        load_share(0, counts[i][0], 5, &dataset);
        assert_int_equal(dataset.n, counts[i][0]);
        for (int k = 0; k < dataset.n; k++)
            found[dataset.labels[k]]++;
        assert_memory_equal(found, &counts[i][1], sizeof found);
        dse_dataset_fini(&dataset);
    }
    (void)unlink("labels");
}

static void a_choice_depends_on_its_seed_alone(void **state) {
    (void)state;
    struct dse_dataset a, b, other;
    write_hundred();
    load_share(20, 30, 5, &a);
    load_share(20, 30, 5, &b);
    load_share(20, 30, 6, &other);
    assert_memory_equal(a.indices, b.indices, 30 * sizeof *a.indices);
    assert_memory_not_equal(a.indices, other.indices, 30 * sizeof *a.indices);
    dse_dataset_fini(&a);
    dse_dataset_fini(&b);
    dse_dataset_fini(&other);
    (void)unlink("labels");
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read_as_numpy_wrote_them),
        cmocka_unit_test(bad_arrays_are_refused_with_reasons),
        IN_FOLDER(damaged_files_are_read_or_refused),
        IN_FOLDER(check_sums_of_archives_are_compared),
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(rows_are_read_one_at_a_time),
        IN_FOLDER(cifar100_has_two_kinds_of_labels),
        IN_FOLDER(classes_have_their_shares),
        IN_FOLDER(a_choice_depends_on_its_seed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
