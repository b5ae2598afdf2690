/* cache: what is put is what is got; damage counts as missing; the oldest go; many may write. */
#include "tests/lib/testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "evaluator/cache/cache.h"

enum { SIZE = 10000 };
static const int64_t LIMIT = 1 << 20;

static char dir[256];

static int make_dir(void **state) {
    (void)state;
    make_temp_dir(dir, sizeof dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    struct dse_cache_usage removed;
    struct dse_err err = {0};
    assert_ok(dse_cache_clean(dir, 0, &removed, &err), &err);
    return rmdir(dir);
}

static struct dse_cache *open_cache(int64_t limit) {
    struct dse_cache *cache = NULL;
    struct dse_err err = {0};
    assert_ok(dse_cache_open(dir, limit, &cache, &err), &err);
    return cache;
}

static void key_of(int number, char key[DSE_SHA256_HEX]) {
    assert_int_equal(dse_sha256_bytes(&number, sizeof number, key, NULL), DSE_OK);
}

static enum dse_status put(struct dse_cache *cache, int number, struct dse_err *err) {
    static uint8_t room[DSE_CACHE_HEADER + SIZE];
    char key[DSE_SHA256_HEX];
    key_of(number, key);
    memset(room + DSE_CACHE_HEADER, number, SIZE);
    return dse_cache_put(cache, key, room, SIZE, err);
}

static bool has(struct dse_cache *cache, int number) {
    char key[DSE_SHA256_HEX];
    struct dse_cache_block block = {0};
    key_of(number, key);
    if (dse_cache_get(cache, key, SIZE, &block, NULL) != DSE_OK)
        return false;
    assert_int_equal((uintptr_t)block.bytes % 64, 0);
    for (int i = 0; i < SIZE; i++)
        assert_int_equal(block.bytes[i], (uint8_t)number);
    dse_cache_release(&block);
    dse_cache_release(&block); /* fine twice */
    return true;
}

static void path_of(int number, char *out, size_t size) {
    char key[DSE_SHA256_HEX];
    key_of(number, key);
    (void)snprintf(out, size, "%s/%s.block", dir, key);
}

static void what_is_put_is_got_by_others_too(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_cache *one = open_cache(LIMIT), *other = open_cache(LIMIT);
    assert_false(has(other, 1));
    assert_ok(put(one, 1, &err), &err);
    assert_true(has(other, 1));
    assert_false(has(other, 2));
    char key[DSE_SHA256_HEX];
    struct dse_cache_block block = {0};
    key_of(1, key);
    assert_int_equal(dse_cache_get(other, key, SIZE + 1, &block, NULL), DSE_NOT_FOUND);
    dse_cache_close(other);
    dse_cache_close(one);
}

static void damage_is_noticed_and_removed(void **state) {
    (void)state;
    static const long places[] = {0, 20, 100, DSE_CACHE_HEADER, DSE_CACHE_HEADER + SIZE - 1};
    struct dse_cache *cache = open_cache(LIMIT);
    for (size_t i = 0; i <= sizeof places / sizeof places[0]; i++) {
        char path[512];
        struct dse_err err = {0};
        assert_ok(put(cache, 3, &err), &err);
        path_of(3, path, sizeof path);
        if (i == sizeof places / sizeof places[0]) {
            assert_int_equal(truncate(path, SIZE), 0);
        } else {
            int fd = open(path, O_RDWR);
            char byte = 0;
            assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
            byte ^= 4;
            assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
            (void)close(fd);
        }
        assert_false(has(cache, 3));
        assert_int_equal(access(path, F_OK), -1);
        assert_ok(put(cache, 3, &err), &err);
        assert_true(has(cache, 3));
    }
    dse_cache_close(cache);
}

/* Gives a block an age. */
static void use_at(int number, time_t seconds) {
    char path[512];
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    path_of(number, path, sizeof path);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void blocks_used_longest_ago_go_first(void **state) {
    (void)state;
    enum { BLOCKS = 6 };
    struct dse_cache *cache = open_cache(LIMIT);
    struct dse_cache_usage usage, removed;
    struct dse_err err = {0};
    assert_ok(dse_cache_clean(dir, 0, &removed, &err), &err);
    for (int i = 0; i < BLOCKS; i++) {
        assert_ok(put(cache, i, &err), &err);
        use_at(i, 1000 + i);
    }
    assert_true(has(cache, 0)); /* young again */
    assert_ok(dse_cache_measure(dir, &usage, &err), &err);
    assert_int_equal(usage.blocks, BLOCKS);
    assert_int_equal(usage.oldest_ms, 1001000);
    assert_ok(dse_cache_clean(dir, usage.bytes / 2, &removed, &err), &err);
    assert_int_equal(removed.blocks, BLOCKS / 2);
    for (int i = 0; i < BLOCKS; i++)
        assert_int_equal(has(cache, i), i == 0 || i > BLOCKS / 2);
    dse_cache_close(cache);
}

static void the_limit_holds_while_blocks_are_put(void **state) {
    (void)state;
    enum { BLOCKS = 100, ROOM = 10 };
    struct dse_cache *cache = open_cache(ROOM * SIZE);
    for (int i = 0; i < BLOCKS; i++) {
        struct dse_cache_usage usage;
        struct dse_err err = {0};
        assert_ok(put(cache, i, &err), &err);
        assert_ok(dse_cache_measure(dir, &usage, &err), &err);
        assert_true(usage.bytes <= ROOM * (SIZE + DSE_CACHE_HEADER));
        assert_true(has(cache, i));
    }
    dse_cache_close(cache);
}

static void racing_writers_do_no_harm(void **state) {
    (void)state;
    enum { WRITERS = 4, ROUNDS = 50 };
    pid_t children[WRITERS];
    for (int c = 0; c < WRITERS; c++) {
        children[c] = fork();
        assert_true(children[c] >= 0);
        if (children[c] > 0)
            continue;
        struct dse_cache *cache = NULL;
        bool fine = dse_cache_open(dir, LIMIT, &cache, NULL) == DSE_OK;
        for (int i = 0; fine && i < ROUNDS; i++)
            fine = put(cache, i % 3, NULL) == DSE_OK && has(cache, i % 3);
        _exit(fine ? 0 : 1);
    }
    for (int c = 0; c < WRITERS; c++) {
        int code = -1;
        assert_int_equal(waitpid(children[c], &code, 0), children[c]);
        assert_int_equal(code, 0);
    }
}

static void a_directory_that_cannot_be_is_refused(void **state) {
    (void)state;
    struct dse_cache *cache = NULL;
    struct dse_err err = {0};
    assert_true(dse_cache_open("/dev/null/cache", LIMIT, &cache, &err) != DSE_OK);
    assert_non_null(strstr(err.text, "/dev/null"));
    assert_null(cache);
}

static void the_environment_says_where(void **state) {
    (void)state;
    char out[256];
    int64_t limit;
    struct dse_err err = {0};
    (void)setenv("PARETO_CACHE", "/somewhere", 1);
    dse_cache_default_dir(out, sizeof out);
    assert_string_equal(out, "/somewhere");
    (void)setenv("PARETO_CACHE", "off", 1);
    dse_cache_default_dir(out, sizeof out);
    assert_string_equal(out, "");
    (void)unsetenv("PARETO_CACHE");
    (void)setenv("XDG_CACHE_HOME", "/xdg", 1);
    dse_cache_default_dir(out, sizeof out);
    assert_string_equal(out, "/xdg/paretod");
    (void)setenv("PARETO_CACHE_MB", "3", 1);
    assert_ok(dse_cache_default_limit(&limit, &err), &err);
    assert_int_equal(limit, 3 << 20);
    (void)setenv("PARETO_CACHE_MB", "3G", 1);
    assert_int_equal(dse_cache_default_limit(&limit, &err), DSE_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got_by_others_too),
        cmocka_unit_test(damage_is_noticed_and_removed),
        cmocka_unit_test(blocks_used_longest_ago_go_first),
        cmocka_unit_test(the_limit_holds_while_blocks_are_put),
        cmocka_unit_test(racing_writers_do_no_harm),
        cmocka_unit_test(a_directory_that_cannot_be_is_refused),
        cmocka_unit_test(the_environment_says_where),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
