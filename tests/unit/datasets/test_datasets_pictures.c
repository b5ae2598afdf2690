/* datasets: pictures in folders, resized and cropped as Pillow and torchvision do it
 * (tests/fixtures/make_picture_fixtures.py), and what is said of those that cannot be used. */
#include "tests/unit/datasets/load_run.h"

#include "evaluator/images/images.h"

#define FILES DSE_FIXTURES_DIR "/datasets/"
enum { N = 5 };

static struct dse_dataset_request request_of(const char *const *path) {
    return (struct dse_dataset_request){
        .format = DSE_DATASET_PICTURES, .paths = path, .n_paths = 1, .count = DSE_DATASET_ALL};
}

static void assert_equals_recorded(const struct dse_dataset *dataset, const char *name) {
    char path[2300];
    struct dse_image_rows *rows = NULL;
    struct dse_err err = {0};
    int64_t n;
    int h, w, c;
    (void)snprintf(path, sizeof path, "%s%s.npy", FILES, name);
    assert_ok(dse_image_rows_open(path, &rows, &err), &err);
    dse_image_rows_shape(rows, &n, &h, &w, &c);
    assert_true(n == dataset->n && h == dataset->h && w == dataset->w && c == dataset->c);
    size_t size = (size_t)(h * w * c);
    uint8_t *expected = malloc(size);
    assert_non_null(expected);
    for (int i = 0; i < dataset->n; i++) {
        assert_ok(dse_image_rows_read(rows, i, expected, &err), &err);
        assert_memory_equal(dataset->pixels + (size_t)i * size, expected, size);
    }
    free(expected);
    dse_image_rows_close(rows);
}

static void pictures_are_those_of_pillow(void **state) {
    (void)state;
    static const char *const path = FILES "pictures";
    static const struct {
        int resize, crop;
        bool grey;
        const char *name;
    } cases[] = {{20, 16, false, "pictures-20-16"},
                 {20, 16, true, "pictures-20-16-grey"},
                 {61, 48, false, "pictures-61-48"},
                 {23, 22, false, "pictures-23-22"},
                 {0, 19, false, "pictures-0-19"}};
    static const uint16_t labels[N] = {0, 0, 1, 1, 2};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_dataset_request request = request_of(&path);
        struct dse_dataset dataset;
        struct dse_err err = {0};
        request.resize = cases[i].resize;
        request.crop = cases[i].crop;
        request.grey = cases[i].grey;
        assert_ok(dse_dataset_load(&request, &dataset, &err), &err);
        assert_int_equal(dataset.n, N);
        assert_int_equal(dataset.classes, 3);
        assert_memory_equal(dataset.labels, labels, sizeof labels);
        assert_equals_recorded(&dataset, cases[i].name);
        dse_dataset_fini(&dataset);
    }
}

static void count_call(void *context, int done, int total) {
    int *calls = context;
    assert_int_equal(done, ++*calls);
    assert_int_equal(total, 2);
}

static void some_of_the_pictures_can_be_asked_for(void **state) {
    (void)state;
    static const char *const path = FILES "pictures";
    struct dse_dataset_request request = request_of(&path);
    struct dse_dataset dataset;
    struct dse_err err = {0};
    int calls = 0;
    request.first = 1;
    request.count = 2;
    request.crop = 8;
    request.stratified = true;
    request.progress = count_call;
    request.progress_context = &calls;
    assert_ok(dse_dataset_load(&request, &dataset, &err), &err);
    assert_int_equal(calls, 2);
    assert_int_equal(dataset.n, 2);
    assert_true(dataset.labels[0] != dataset.labels[1]);
    dse_dataset_fini(&dataset);
}

static void refused(struct dse_dataset_request request, const char *const *parts, int n_parts) {
    struct dse_dataset dataset;
    struct dse_err err = {0};
    assert_int_equal(dse_dataset_load(&request, &dataset, &err), DSE_INVALID);
    for (int i = 0; i < n_parts; i++)
        if (strstr(err.text, parts[i]) == NULL)
            fail_msg("'%s' is not in '%s'", parts[i], err.text);
}

static void write_file(const char *dir, const char *name, const char *text) {
    char path[2300];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_ok(dse_file_replace(path, text, strlen(text), &err), &err);
}

static void write_png(const char *dir, const char *name, int h, int w) {
    static uint8_t grey[64 * 64];
    char path[2300];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_ok(dse_image_save_png(path, grey, h, w, 1, &err), &err);
}

static void remove_all(const char *dir, const char *const *names, int n) {
    char path[2300];
    for (int i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

/* All that is wrong is said at once, and by name. */
static void pictures_that_cannot_be_used_are_named_together(void **state) {
    (void)state;
    static const char *const names[] = {"a/1.png", "a/2.png", "a/3.jpg", "a/4.png", "a"};
    static const char *const as_they_are[] = {
        "3 of 4 pictures cannot be used: ", "a/2.png: 20 x 10 pixels, another size than the first",
        "a/3.jpg: neither a PNG nor a JPEG file", "a/4.png: "};
    static const char *const cropped[] = {
        "3 of 4 pictures cannot be used: ", "a/2.png: 20 x 10 pixels, too few for a square of 11",
        "a/3.jpg: neither", "a/4.png: "};
    char dir[256], inner[300];
    make_temp_dir(dir, sizeof dir);
    const char *const path = dir;
    (void)snprintf(inner, sizeof inner, "%s/a", dir);
    struct dse_err err = {0};
    refused(request_of(&path), (const char *const[]){"no folders in it; expected one for each"}, 1);
    assert_ok(dse_dir_create(inner, &err), &err);
    refused(request_of(&path), (const char *const[]){"/a: no PNG or JPEG file in this folder"}, 1);
    write_png(dir, "a/1.png", 16, 16);
    write_png(dir, "a/2.png", 10, 20);
    write_file(dir, "a/3.jpg", "no picture");
    write_file(dir, "a/4.png", "\x89PNG\r\n\x1a\nbroken");
    struct dse_dataset_request request = request_of(&path);
    refused(request, as_they_are, 4);
    request.crop = 11;
    refused(request, cropped, 4);
    request.count = 5;
    refused(request, (const char *const[]){"4 images, but 5 from number 0"}, 1);
    remove_all(dir, names, 5);
}

/* More names than an error holds are counted. */
static void many_are_counted(void **state) {
    (void)state;
    enum { MANY = 60 };
    char dir[256], inner[300], names[MANY][32];
    const char *all[MANY + 1];
    struct dse_err err = {0};
    make_temp_dir(dir, sizeof dir);
    const char *const path = dir;
    (void)snprintf(inner, sizeof inner, "%s/a", dir);
    assert_ok(dse_dir_create(inner, &err), &err);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "a/%02d.png", i);
        write_file(dir, names[i], "no picture");
        all[i] = names[i];
    }
    all[MANY] = "a";
    struct dse_dataset_request request = request_of(&path);
    request.crop = 8;
    refused(request, (const char *const[]){"60 of 60 pictures", "a/00.png", " more"}, 3);
    remove_all(dir, all, MANY + 1);
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    static const char *const path = FILES "pictures";
    struct dse_dataset_request request = request_of(&path);
    request.resize = 20;
    request.crop = 16;
    size_t live = dse_alloc_live();
    for (long n = 0;; n++) {
        struct dse_dataset dataset = {0};
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        enum dse_status status = dse_dataset_load(&request, &dataset, &err);
        dse_alloc_fail_at(-1);
        if (status == DSE_OK) {
            dse_dataset_fini(&dataset);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(status, DSE_NO_MEMORY);
        assert_int_equal(dse_alloc_live(), live);
    }
    assert_int_equal(dse_alloc_live(), live);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_those_of_pillow),
        cmocka_unit_test(some_of_the_pictures_can_be_asked_for),
        cmocka_unit_test(pictures_that_cannot_be_used_are_named_together),
        cmocka_unit_test(many_are_counted),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
