/* workloads: every sample in workloads/ is valid, and says in its first lines what it is for. */
#include "tests/lib/testing.h"
#include "workloads/workloads.h"

#include <dirent.h>

static const char samples[] = DSE_SOURCE_DIR "/workloads";

static void check_sample(const char *name) {
    char path[4096];
    struct dse_err err = {0};
    struct dse_buf text = {0};
    struct dse_arena arena = {0};
    struct dse_workload workload;
    static struct dse_workload_errors errors;
    (void)snprintf(path, sizeof path, "%s/%s", samples, name);
    assert_ok(dse_file_read(path, DSE_WORKLOAD_TEXT_MAX, &text, &err), &err);
    if (text.size == 0 || text.data[0] != '#')
        fail_msg("%s does not begin with a comment", name);
    if (dse_workload_parse(text.data, text.size, name, samples, &arena, &workload, &errors, &err) !=
        DSE_OK)
        fail_msg("%s:%d:%d: %s", name, err.line, err.column, err.text);
    dse_arena_fini(&arena);
    dse_buf_fini(&text);
}

static void all_samples_are_valid(void **state) {
    (void)state;
    int n = 0;
    DIR *dir = opendir(samples);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot == NULL || strcmp(dot, ".yaml") != 0)
            continue;
        check_sample(entry->d_name);
        n++;
    }
    (void)closedir(dir);
    assert_true(n >= 3); /* the template and two samples */
}

/* Files that stand in for the data a user brings: reading asks only whether they are there. */
static const char *const data_files[] = {"cifar10/test_batch.bin", "imagenet/val-images.npy",
                                         "imagenet/val-labels.npy", "models/resnet18.onnx",
                                         "models/resnet20-cifar10.onnx"};
static const char *const data_folders[] = {"cifar10", "imagenet", "models"};
enum {
    FILES = sizeof data_files / sizeof data_files[0],
    FOLDERS = sizeof data_folders / sizeof data_folders[0],
};
static char data[256];

static void make_data(void) {
    char path[512];
    struct dse_err err = {0};
    make_temp_dir(data, sizeof data);
    for (size_t i = 0; i < FOLDERS; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", data, data_folders[i]);
        if (dse_dir_create(path, &err) != DSE_OK)
            exit(1);
    }
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", data, data_files[i]);
        if (dse_file_replace(path, "x", 1, &err) != DSE_OK)
            exit(1);
    }
    (void)setenv("PARETO_DATA", data, 1);
}

static void remove_data(void) {
    char path[512];
    for (size_t i = 0; i < FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", data, data_files[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; i < FOLDERS; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", data, data_folders[i]);
        (void)rmdir(path);
    }
    (void)rmdir(data);
}

int main(void) {
    if (access("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", R_OK) != 0)
        skip_all("the package dataset-fashion-mnist is not installed");
    make_data();
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_samples_are_valid)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_data();
    return failed;
}
