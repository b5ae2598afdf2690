/* The log: what base writes to a file, protocol reads; files are bounded, and a line that a kill
 * cut short spoils no other. */
#include "tests/lib/testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "protocol/protocol.h"

static char dir[256], path[300];

static int set_up(void **state) {
    (void)state;
    struct dse_err err = {0};
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/" DSE_LOG_FILE, dir);
    dse_log_setup(DSE_LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
    assert_ok(dse_log_open_file(path, 4096, 2, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    char name[320];
    dse_log_close_file();
    for (int i = 0; i < 4; i++) {
        dse_log_file_name(path, i, name, sizeof name);
        (void)unlink(name);
    }
    return rmdir(dir);
}

static void read_lines(const char *name, struct dse_buf *out) {
    struct dse_err err = {0};
    assert_ok(dse_file_read(name, 1 << 20, out, &err), &err);
}

static void read_line(const char *text, size_t length, struct dse_arena *arena,
                      struct dse_log_line *line) {
    struct dse_err err = {0};
    assert_ok(dse_log_line_read(text, length, arena, line, &err), &err);
}

static void fields_arrive_as_they_were(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_buf text = {0};
    struct dse_log_line line;
    dse_log(DSE_LOG_WARN, "pool", "worker_killed", DSE_LOG_INT("sweep", 3),
            DSE_LOG_TEXT("reason", "it said \"no\"\n\x1b[2J \\ caf\xc3\xa9 \xff"),
            DSE_LOG_INT("bytes", -7));
    read_lines(path, &text);
    assert_int_equal(text.data[text.size - 1], '\n');
    read_line(text.data, text.size - 1, &arena, &line);
    assert_string_equal(line.level, "warn");
    assert_string_equal(line.room, "pool");
    assert_string_equal(line.event, "worker_killed");
    assert_int_equal(line.sweep, 3);
    assert_string_equal(line.rest,
                        "sweep=3 reason=\"it said \"no\"\n\x1b[2J \\ caf\xc3\xa9 ?\" bytes=-7");
    assert_int_equal(strlen(line.time), strlen("2026-11-22T04:00:00.000Z"));
    assert_int_equal(line.time[strlen(line.time) - 1], 'Z');
    dse_arena_fini(&arena);
    dse_buf_fini(&text);
}

static void debug_is_written_where_it_is_wanted(void **state) {
    (void)state;
    struct dse_buf text = {0};
    dse_log(DSE_LOG_DEBUG2, "test", "quiet", DSE_LOG_NOTHING);
    dse_log_setup(DSE_LOG_DEBUG2, open("/dev/null", O_WRONLY | O_CLOEXEC));
    dse_log(DSE_LOG_DEBUG2, "test", "loud", DSE_LOG_NOTHING);
    read_lines(path, &text);
    assert_null(strstr(text.data, "quiet"));
    assert_non_null(
        strstr(text.data, "\"level\":\"debug2\",\"room\":\"test\",\"event\":\"loud\"}\n"));
    dse_buf_fini(&text);
}

/* Ten files' worth of events: three files stay, none larger than allowed, with the last events. */
static void files_are_bounded(void **state) {
    (void)state;
    enum { EVENTS = 500 };
    struct dse_buf text = {0};
    char name[320];
    struct stat file;
    for (int i = 0; i < EVENTS; i++)
        dse_log(DSE_LOG_INFO, "test", "event", DSE_LOG_INT("number", i));
    for (int i = 2; i >= 0; i--) {
        dse_log_file_name(path, i, name, sizeof name);
        assert_int_equal(stat(name, &file), 0);
        assert_in_range(file.st_size, 1, 4096);
        read_lines(name, &text);
    }
    dse_log_file_name(path, 3, name, sizeof name);
    assert_int_equal(access(name, F_OK), -1);
    int next = 0, lines = 0;
    for (const char *at = text.data; at < text.data + text.size; lines++) {
        const char *end = strchr(at, '\n'), *number = strstr(at, "\"number\":");
        assert_true(end != NULL && number != NULL && number < end);
        assert_true(lines == 0 || atoi(number + 9) == next);
        next = atoi(number + 9) + 1;
        at = end + 1;
    }
    assert_int_equal(next, EVENTS);
    assert_in_range(lines, 80, 200);
    dse_buf_fini(&text);
}

static void a_line_cut_short_stands_alone(void **state) {
    (void)state;
    struct dse_err err = {0}, bad = {0};
    struct dse_arena arena = {0};
    struct dse_log_line line;
    struct dse_buf text = {0};
    dse_log_close_file();
    assert_ok(dse_file_replace(path, "{\"time\":\"2026", 13, &err), &err);
    assert_ok(dse_log_open_file(path, 4096, 2, &err), &err);
    dse_log(DSE_LOG_INFO, "test", "after", DSE_LOG_NOTHING);
    read_lines(path, &text);
    char *second = strchr(text.data, '\n');
    assert_non_null(second);
    assert_int_not_equal(
        dse_log_line_read(text.data, (size_t)(second - text.data), &arena, &line, &bad), DSE_OK);
    read_line(second + 1, strlen(second + 1) - 1, &arena, &line);
    assert_string_equal(line.event, "after");
    assert_string_equal(line.rest, "");
    dse_buf_fini(&text);
    dse_arena_fini(&arena);
}

static void other_objects_are_no_lines(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "3",
        "",
        "{\"time\":\"x\",\"level\":\"info\",\"room\":\"r\"}",
        "{\"time\":1,\"level\":\"info\",\"room\":\"r\",\"event\":\"e\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_log_line line;
        struct dse_err err = {0};
        if (dse_log_line_read(texts[i], strlen(texts[i]), &arena, &line, &err) == DSE_OK)
            fail_msg("%s", texts[i]);
        dse_arena_fini(&arena);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(fields_arrive_as_they_were),
        TEST(debug_is_written_where_it_is_wanted),
        TEST(files_are_bounded),
        TEST(a_line_cut_short_stands_alone),
        cmocka_unit_test(other_objects_are_no_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
