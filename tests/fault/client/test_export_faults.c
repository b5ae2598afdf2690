/* pareto export where the N-th allocation fails, or the N-th call that brings text to disk, N = 0,
 * 1, 2, ... until all goes well: the failure is told, nothing leaks, and the file is whole or as it
 * was before. */
#include "tests/lib/testing.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "client/client.h"
#include "tests/lib/daemon_fixture.h"

static struct daemon_fixture fixture;
static char folder[300], target[400];

/* ---- calls that fail ---- */

static long calls_left = -1; /* < 0: none fails */
static bool call_failed;

size_t __real_fwrite(const void *data, size_t size, size_t n, FILE *file);
size_t __wrap_fwrite(const void *data, size_t size, size_t n, FILE *file);
int __real_fflush(FILE *file);
int __wrap_fflush(FILE *file);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

static bool must_fail(int error_number) {
    if (calls_left < 0 || calls_left-- > 0)
        return false;
    errno = error_number;
    call_failed = true;
    return true;
}

size_t __wrap_fwrite(const void *data, size_t size, size_t n, FILE *file) {
    return must_fail(ENOSPC) ? 0 : __real_fwrite(data, size, n, file);
}

int __wrap_fflush(FILE *file) {
    return must_fail(ENOSPC) ? EOF : __real_fflush(file);
}

int __wrap_fsync(int fd) {
    return must_fail(EIO) ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to) {
    return must_fail(EIO) ? -1 : __real_rename(from, to);
}

/* ---- the command ---- */

static enum dse_status export(char *format, struct dse_err *err) {
    struct client c = {.connection = {.fd = -1}, .signal_fd = -1};
    char * argv[] = {"pareto", "export", "--format", format, "--output", target, "1", NULL};
    enum dse_status status = client__options_read(7, argv, &c.options, err);
    (void)snprintf(c.socket_path, sizeof c.socket_path, "%s", fixture.socket);
    if (status == DSE_OK) status = client__command_export(&c, err);
    client__disconnect(&c);
    client__release_signals(&c);
    dse_arena_fini(&c.arena);
    return status;
}

static void expect_file(const struct dse_buf *expected) {
    struct dse_buf content = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(target, 1 << 20, &content, &err), &err);
    assert_string_equal(dse_buf_text(&content), dse_buf_text(expected));
    dse_buf_fini(&content);
}

static int count_files(void) {
    DIR *entries = opendir(folder);
    int n = 0;
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        n += entry->d_name[0] != '.';
    assert_int_equal(closedir(entries), 0);
    return n;
}

enum kind { ALLOCATIONS, CALLS };

/* false: the n-th was not reached. */
static bool fail_nth(enum kind kind, long n, char *format, const struct dse_buf *expected) {
    static const char before[] = "as it was\n";
    const struct dse_buf old = {.data = (char *)(uintptr_t)before, .size = sizeof before - 1};
    struct dse_err err = {0};
    assert_ok(dse_file_replace(target, before, sizeof before - 1, &err), &err);
    size_t live = dse_alloc_live();
    call_failed = false;
    if (kind == ALLOCATIONS)
        dse_alloc_fail_at(n);
    else
        calls_left = n;
    enum dse_status status = export(format, &err);
    dse_alloc_fail_at(-1);
    calls_left = -1;
    assert_int_equal(dse_alloc_live(), live);
    assert_int_equal(count_files(), 1);
    expect_file(status == DSE_OK ? expected : &old);
    bool is_told =
        kind == ALLOCATIONS ? status == DSE_NO_MEMORY : status == DSE_NO_SPACE || status == DSE_IO;
    if (status != DSE_OK && (!is_told || err.text[0] == '\0'))
        fail_msg("%s %ld: %s: %s", format, n, dse_status_name(status), err.text);
    assert_true(kind == ALLOCATIONS || call_failed == (status != DSE_OK));
    return status != DSE_OK;
}

static void every_fault_is_told_and_no_half_file_stays(void **state) {
    (void)state;
    static char csv[] = "csv", json[] = "json";
    static char *const formats[] = {csv, json};
    for (int f = 0; f < 2; f++) {
        struct dse_buf expected = {0};
        struct dse_err err = {0};
        assert_ok(export(formats[f], &err), &err);
        assert_ok(dse_file_read(target, 1 << 20, &expected, &err), &err);
        assert_true(expected.size > 1000);
        for (int kind = ALLOCATIONS; kind <= CALLS; kind++) {
            long n = 0;
            while (fail_nth((enum kind)kind, n, formats[f], &expected))
                n++;
            print_message("%s, %s: %ld\n", formats[f], kind == CALLS ? "calls" : "allocations", n);
            assert_in_range(n, 4, 100000);
        }
        dse_buf_fini(&expected);
    }
}

static int set_up(void **state) {
    (void)state;
    static const char workload[] = "name: faults\nproblem: {type: bnh}\n"
                                   "exploration: {population: 6, generations: 3}\n";
    static const char *const options[] = {"--workers", "1", "--log-level", "error", NULL};
    char path[300], sweep_state[32];
    struct dse_err err = {0};
    fixture_init(&fixture);
    (void)snprintf(path, sizeof path, "%s/w.yaml", fixture.dir);
    (void)snprintf(folder, sizeof folder, "%s/out", fixture.dir);
    (void)snprintf(target, sizeof target, "%s/individuals", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_ok(dse_file_replace(path, workload, sizeof workload - 1, &err), &err);
    fixture_start(&fixture, options);
    assert_int_equal(fixture_submit(&fixture, path), 1);
    assert_true(fixture_watch(&fixture, 1, INT64_MAX, sweep_state, sizeof sweep_state));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(fixture_stop(&fixture, SIGTERM), 0);
    fixture_fini(&fixture);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_told_and_no_half_file_stays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
