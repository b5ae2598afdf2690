/* workloads: every bad/NAME.yaml gives exactly the messages of bad/NAME.expected, a line each.
 * @DIR@ in an expected text stands for the folder of this test. With the argument "bless" the
 * program writes the expected files anew; read the difference before it is committed. */
#include "tests/lib/testing.h"
#include "workloads/workloads.h"

#include <dirent.h>
#include <sys/stat.h>

static const char folder[] = DSE_SOURCE_DIR "/tests/unit/workloads";

enum { FEWEST_CASES = 60, NAME_SIZE = 96, MOST_CASES = 400 };

static char names[MOST_CASES][NAME_SIZE];
static int n_names;

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

static void find_cases(void) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/bad", folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        assert_true(n_names < MOST_CASES && length - 5 < NAME_SIZE);
        (void)snprintf(names[n_names++], NAME_SIZE, "%.*s", (int)(length - 5), entry->d_name);
    }
    (void)closedir(dir);
    qsort(names, (size_t)n_names, NAME_SIZE, compare_names);
}

static void path_of(const char *name, const char *suffix, char *out, size_t size) {
    (void)snprintf(out, size, "%s/bad/%.*s.%s", folder, NAME_SIZE, name, suffix);
}

/* Text with every occurrence of the folder as @DIR@. */
static void append_portable(const char *text, struct dse_buf *out) {
    for (;;) {
        const char *found = strstr(text, folder);
        if (found == NULL)
            break;
        dse_buf_append(out, text, (size_t)(found - text));
        dse_buf_puts(out, "@DIR@");
        text = found + strlen(folder);
    }
    dse_buf_puts(out, text);
}

static void messages_of(const char *name, struct dse_buf *out) {
    char path[4096], file[NAME_SIZE + 8], line[2048];
    struct dse_err err = {0};
    struct dse_buf text = {0};
    struct dse_arena arena = {0};
    struct dse_workload workload, untouched;
    static struct dse_workload_errors errors;
    path_of(name, "yaml", path, sizeof path);
    (void)snprintf(file, sizeof file, "%.*s.yaml", NAME_SIZE, name);
    assert_ok(dse_file_read(path, DSE_WORKLOAD_TEXT_MAX, &text, &err), &err);
    memset(&workload, 0x5a, sizeof workload);
    memset(&untouched, 0x5a, sizeof untouched);
    enum dse_status status = dse_workload_parse(dse_buf_text(&text), text.size, file, folder,
                                                &arena, &workload, &errors, &err);
    if (status != DSE_INVALID)
        fail_msg("%s is taken for a good workload", name);
    assert_true(errors.n > 0);
    assert_memory_equal(&err, &errors.items[0], sizeof err);
    assert_memory_equal(&workload, &untouched, sizeof workload);
    for (int i = 0; i < errors.n; i++) {
        append_portable(dse_err_format(&errors.items[i], line, sizeof line), out);
        dse_buf_puts(out, "\n");
    }
    dse_arena_fini(&arena);
    dse_buf_fini(&text);
}

static int check_case(const char *name) {
    char path[4096];
    struct dse_err err = {0};
    struct dse_buf got = {0}, expected = {0};
    path_of(name, "expected", path, sizeof path);
    messages_of(name, &got);
    if (dse_file_read(path, DSE_WORKLOAD_TEXT_MAX, &expected, &err) != DSE_OK)
        print_error("%s\n", err.text);
    int wrong = strcmp(dse_buf_text(&got), dse_buf_text(&expected)) != 0;
    if (wrong)
        print_error("%s: expected\n%sgot\n%s", name, dse_buf_text(&expected), dse_buf_text(&got));
    dse_buf_fini(&got);
    dse_buf_fini(&expected);
    return wrong;
}

static void bad_workloads_give_the_expected_messages(void **state) {
    (void)state;
    int wrong = 0;
    size_t live_before = dse_alloc_live();
    for (int i = 0; i < n_names; i++)
        wrong += check_case(names[i]);
    assert_int_equal(wrong, 0);
    assert_true(n_names >= FEWEST_CASES);
    assert_int_equal(dse_alloc_live(), live_before);
}

static void bless(void **state) {
    (void)state;
    for (int i = 0; i < n_names; i++) {
        char path[4096];
        struct dse_err err = {0};
        struct dse_buf got = {0};
        messages_of(names[i], &got);
        path_of(names[i], "expected", path, sizeof path);
        assert_ok(dse_file_replace(path, got.data, got.size, &err), &err);
        assert_int_equal(chmod(path, 0644), 0);
        dse_buf_fini(&got);
    }
}

int main(int argc, char **argv) {
    (void)unsetenv("DSE_TEST_UNSET");
    (void)setenv("DSE_TEST_EMPTY", "", 1);
    find_cases();
    const struct CMUnitTest check[] = {cmocka_unit_test(bad_workloads_give_the_expected_messages)};
    const struct CMUnitTest write[] = {cmocka_unit_test(bless)};
    if (argc == 2 && strcmp(argv[1], "bless") == 0)
        return cmocka_run_group_tests(write, NULL, NULL);
    return cmocka_run_group_tests(check, NULL, NULL);
}
