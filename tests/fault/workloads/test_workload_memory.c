/* Reading workloads where the N-th allocation fails, N = 0, 1, 2, ... until none is left: ours, and
 * those inside libyaml, whose functions for memory this program puts its own in place of. Each
 * failure must be reported as such, leave the outputs alone and give all memory back. */
#include "tests/lib/testing.h"
#include "workloads/workloads.h"

/* ---- libyaml's memory ---- */

static long yaml_countdown = -1;
static long yaml_live;

/* By these names libyaml calls them; its header does not declare them. */
void *yaml_malloc(size_t size);
void *yaml_realloc(void *block, size_t size);
void yaml_free(void *block);
char *yaml_strdup(const char *text);

static bool yaml_must_fail(void) {
    return yaml_countdown >= 0 && yaml_countdown-- == 0;
}

void *yaml_malloc(size_t size) {
    void *block = yaml_must_fail() ? NULL : malloc(size > 0 ? size : 1);
    yaml_live += block != NULL;
    return block;
}

void *yaml_realloc(void *block, size_t size) {
    if (block == NULL)
        return yaml_malloc(size);
    return yaml_must_fail() ? NULL : realloc(block, size > 0 ? size : 1);
}

void yaml_free(void *block) {
    yaml_live -= block != NULL;
    free(block);
}

char *yaml_strdup(const char *text) {
    char *copy = text == NULL ? NULL : yaml_malloc(strlen(text) + 1);
    if (copy != NULL)
        memcpy(copy, text, strlen(text) + 1);
    return copy;
}

/* ---- what is tried ---- */

struct trial {
    const char *path; /* below the sources */
    enum dse_status expected;
    int n_errors;
    bool is_old;
};

static const struct trial trials[] = {
    {"workloads/zdt1.yaml", DSE_OK, 0, false},
    {"workloads/external.yaml", DSE_OK, 0, false},
    {"workloads/knapsack.yaml", DSE_OK, 0, false},
    {"tests/unit/workloads/bad/unknown_key.yaml", DSE_INVALID, 4, false},
    {"tests/unit/workloads/bad/many_errors.yaml", DSE_INVALID, 0, false},
    {"tests/fixtures/old-workloads/resnet50.yaml", DSE_OK, 0, true},
    {"tests/fixtures/old-workloads/yolop.yaml", DSE_OK, 0, true},
    {"tests/fixtures/old-workloads/template.yaml", DSE_INVALID, 0, true},
};

static struct dse_buf text;
static struct dse_workload_errors errors;

static enum dse_status read_ours(const struct trial *trial, struct dse_arena *arena,
                                 struct dse_err *err) {
    struct dse_workload workload, untouched;
    struct dse_buf printed = {0};
    memset(&workload, 0x5a, sizeof workload);
    memset(&untouched, 0x5a, sizeof untouched);
    enum dse_status status =
        dse_workload_parse(text.data, text.size, trial->path, DSE_SOURCE_DIR "/workloads", arena,
                           &workload, &errors, err);
    if (status != DSE_OK)
        assert_memory_equal(&workload, &untouched, sizeof workload);
    else
        status = dse_workload_print(&workload, &printed, err);
    dse_buf_fini(&printed);
    return status;
}

static enum dse_status read_old(const struct trial *trial, struct dse_arena *arena,
                                struct dse_err *err) {
    struct dse_imported imported = {.yaml = trial->path};
    enum dse_status status =
        dse_workload_import(text.data, text.size, trial->path, arena, &imported, err);
    if (status != DSE_OK)
        assert_ptr_equal(imported.yaml, trial->path);
    return status;
}

/* false: the n-th allocation was not reached. */
static bool fail_nth(const struct trial *trial, bool in_libyaml, long n) {
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    size_t live = dse_alloc_live();
    long yaml_live_before = yaml_live;
    if (in_libyaml)
        yaml_countdown = n;
    else
        dse_alloc_fail_at(n);
    enum dse_status status = (trial->is_old ? read_old : read_ours)(trial, &arena, &err);
    dse_alloc_fail_at(-1);
    yaml_countdown = -1;
    if (status == DSE_NO_MEMORY)
        assert_true(err.code == DSE_NO_MEMORY && strstr(err.text, "out of memory") != NULL);
    else if (status != trial->expected)
        fail_msg("%s, allocation %ld: %s", trial->path, n, dse_status_name(status));
    else if (trial->n_errors > 0)
        assert_int_equal(errors.n, trial->n_errors);
    dse_arena_fini(&arena);
    assert_int_equal(dse_alloc_live(), live);
    assert_int_equal(yaml_live, yaml_live_before);
    return status == DSE_NO_MEMORY;
}

static void fail_each(bool in_libyaml) {
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        char path[1024];
        struct dse_err err = {0};
        long n = 0;
        (void)snprintf(path, sizeof path, "%s/%s", DSE_SOURCE_DIR, trials[i].path);
        dse_buf_fini(&text);
        assert_ok(dse_file_read(path, DSE_WORKLOAD_TEXT_MAX, &text, &err), &err);
        while (fail_nth(&trials[i], in_libyaml, n))
            n++;
        print_message("%s: %ld allocations of %s\n", trials[i].path, n,
                      in_libyaml ? "libyaml" : "ours");
        assert_true(n > 3);
    }
    dse_buf_fini(&text);
}

static void each_of_our_allocations_may_fail(void **state) {
    (void)state;
    fail_each(false);
}

static void each_of_libyamls_allocations_may_fail(void **state) {
    (void)state;
    fail_each(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_our_allocations_may_fail),
        cmocka_unit_test(each_of_libyamls_allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
