/* The N-th allocation fails, for every N until the model is read: it is refused for want of memory,
 * nothing leaks. Over every operator as torch.onnx writes it, and a few whole networks. */
#include <dirent.h>

#include "evaluator/graph/graph.h"
#include "tests/lib/testing.h"

#define FOLDER DSE_FIXTURES_DIR "/networks"

enum { MOST_ALLOCATIONS = 20000 };

static void fail_each_allocation(const char *name, const struct dse_buf *bytes) {
    size_t live = dse_alloc_live();
    for (long n = 0; n < MOST_ALLOCATIONS; n++) {
        struct dse_graph *graph = NULL;
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        enum dse_status status =
            dse_graph_read_onnx(bytes->data, bytes->size, name, NULL, &graph, &err);
        dse_alloc_fail_at(-1);
        dse_graph_free(graph);
        assert_int_equal(dse_alloc_live(), live);
        if (status == DSE_OK) {
            assert_true(n > 10);
            return;
        }
        if (status != DSE_NO_MEMORY)
            fail_msg("%s, allocation %ld: %s: %s", name, n, dse_status_name(status), err.text);
    }
    fail_msg("%s: success was not reached", name);
}

static bool is_chosen(const char *name) {
    static const char *const networks[] = {"net-shufflenet.onnx", "net-unet.onnx", "net-words.onnx",
                                           "net-mobilenet-v3-old.onnx"};
    if (strstr(name, ".onnx") == NULL)
        return false;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (strcmp(name, networks[i]) == 0)
            return true;
    return strncmp(name, "op-", 3) == 0;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    struct dirent **entries = NULL;
    int n = scandir(FOLDER, &entries, NULL, alphasort), n_models = 0;
    for (int i = 0; i < n; i++) {
        char path[1024];
        struct dse_buf bytes = {0};
        struct dse_err err = {0};
        (void)snprintf(path, sizeof path, FOLDER "/%s", entries[i]->d_name);
        if (is_chosen(entries[i]->d_name)) {
            assert_ok(dse_file_read(path, 1 << 20, &bytes, &err), &err);
            fail_each_allocation(entries[i]->d_name, &bytes);
            n_models++;
        }
        dse_buf_fini(&bytes);
        free(entries[i]);
    }
    free(entries);
    assert_true(n_models > 80);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
