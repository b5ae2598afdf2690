/* store: which files are opened, by whom, where; size limits. */
#include "tests/unit/store/store_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

/* Stands in for the system's: the file system may pretend to be another. */
static unsigned long pretended_type;

int statfs(const char *path, struct statfs *info) {
    struct stat st;
    if (stat(path, &st) != 0)
        return -1;
    *info = (struct statfs){.f_type = (__fsword_t)pretended_type};
    return 0;
}

static int set_up(void **state) {
    struct place *place = calloc(1, sizeof *place);
    make_place(place);
    pretended_type = 0xef53; /* ext4 */
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    remove_place(*state);
    free(*state);
    return 0;
}

/* Opening path must fail with that code and a text that has path and words in it. */
static void assert_refused(const char *path, enum dse_status code, const char *words) {
    struct dse_store *store = NULL;
    struct dse_err err = {0};
    size_t live = dse_alloc_live();
    assert_int_equal(dse_store_open(path, 0, &store, &err), code);
    assert_null(store);
    if (strstr(err.text, path) == NULL || strstr(err.text, words) == NULL)
        fail_msg("unclear: %s", err.text);
    assert_int_equal(dse_alloc_live(), live);
}

/* ---- whose file ---- */

static void a_new_database_is_marked_as_ours(void **state) {
    struct place *place = *state;
    size_t live = dse_alloc_live();
    struct dse_store *store = open_store(place);
    assert_string_equal(query_text(place->path, "PRAGMA journal_mode"), "wal");
    dse_store_close(store);
    assert_int_equal(dse_alloc_live(), live);
    dse_store_close(NULL);
    assert_string_equal(query_text(place->path, "PRAGMA user_version"), "5");
    assert_string_equal(query_text(place->path, "PRAGMA application_id"), "1885434469");
    assert_string_equal(query_text(place->path, "SELECT value FROM about WHERE key = 'paretod'"),
                        DSE_VERSION);
}

static void garbage_is_refused_and_left_alone(void **state) {
    struct place *place = *state;
    char garbage[5000];
    struct dse_buf after = {0};
    struct dse_err err = {0};
    memset(garbage, 'x', sizeof garbage);
    assert_ok(dse_file_replace(place->path, garbage, sizeof garbage, &err), &err);
    assert_refused(place->path, DSE_INVALID, "not a database");
    assert_ok(dse_file_read(place->path, 10000, &after, &err), &err);
    assert_int_equal(after.size, sizeof garbage);
    assert_memory_equal(after.data, garbage, sizeof garbage);
    dse_buf_fini(&after);
}

static void a_database_of_another_program_is_refused_and_left_alone(void **state) {
    struct place *place = *state;
    run_sql(place->path, "CREATE TABLE recipes(soup TEXT)");
    assert_refused(place->path, DSE_INVALID, "of another program");
    assert_string_equal(query_text(place->path, "PRAGMA journal_mode"), "delete");
    assert_string_equal(query_text(place->path, "SELECT count(*) FROM sqlite_schema"), "1");
}

static void a_newer_schema_names_the_program_it_needs(void **state) {
    struct place *place = *state;
    dse_store_close(open_store(place));
    run_sql(place->path, "PRAGMA user_version=6; UPDATE about SET value = '9.8.7'");
    assert_refused(place->path, DSE_UNSUPPORTED, "use paretod 9.8.7 or newer");
    run_sql(place->path, "DROP TABLE about");
    assert_refused(place->path, DSE_UNSUPPORTED, "schema 6");
}

static void damage_is_told_with_the_path(void **state) {
    struct place *place = *state;
    struct dse_err err = {0};
    struct dse_arena arena = {0};
    struct dse_sweep_row row;
    struct dse_buf bytes = {0};
    struct dse_store *store = open_store(place);
    (void)add_sweep(store);
    dse_store_close(store);
    int root =
        atoi(query_text(place->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'sweep'"));
    assert_ok(dse_file_read(place->path, 1 << 20, &bytes, &err), &err);
    memset(bytes.data + 4096 * (root - 1), 0xee, 4096);
    assert_ok(dse_file_replace(place->path, bytes.data, bytes.size, &err), &err);
    store = open_store(place);
    assert_int_equal(dse_store_load_sweep(store, 1, &arena, &row, &err), DSE_INVALID);
    assert_true(strstr(err.text, place->path) != NULL && strstr(err.text, "damaged") != NULL);
    dse_store_close(store);
    dse_arena_fini(&arena);
    dse_buf_fini(&bytes);
}

/* ---- by whom ---- */

static void two_stores_cannot_have_one_database(void **state) {
    struct place *place = *state;
    struct dse_store *first = open_store(place);
    assert_refused(place->path, DSE_CONFLICT, "another paretod");
    dse_store_close(first);
    dse_store_close(open_store(place));
}

/* What a daemon killed between fork and exec leaves: a child that holds the lock a little longer.
 */
static void a_lock_left_behind_is_waited_for(void **state) {
    struct place *place = *state;
    char lock[400];
    dse_store_close(open_store(place));
    (void)snprintf(lock, sizeof lock, "%s.lock", place->path);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct timespec longer = {.tv_nsec = 100 * 1000 * 1000};
        (void)nanosleep(&longer, NULL);
        _exit(0);
    }
    (void)close(fd); /* the child's copy holds the lock */
    dse_store_close(open_store(place));
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- where ---- */

static void impossible_places_are_told(void **state) {
    struct place *place = *state;
    struct dse_store *store = NULL;
    struct dse_err err = {0};
    char path[400];
    (void)snprintf(path, sizeof path, "%s/missing/p.db", place->dir);
    assert_refused(path, DSE_NOT_FOUND, strerror(ENOENT));
    assert_ok(dse_file_replace(place->path, "x", 1, &err), &err);
    (void)snprintf(path, sizeof path, "%s/p.db", place->path); /* under a file */
    assert_refused(path, DSE_NOT_FOUND, strerror(ENOTDIR));
    assert_int_equal(dse_store_open("", 0, &store, &err), DSE_INVALID);
    (void)snprintf(path, sizeof path, "%s/directory.db", place->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(path, DSE_IO, "unable to open");
    assert_int_equal(rmdir(path), 0);
}

static void a_file_that_may_only_be_read_is_told(void **state) {
    struct place *place = *state;
    if (geteuid() == 0) { /* may write to anything */
        print_message("as root: not tried\n");
        skip();
    }
    dse_store_close(open_store(place));
    assert_int_equal(chmod(place->path, 0400), 0);
    assert_refused(place->path, DSE_IO, "writable");
}

static void network_file_systems_are_refused_unless_allowed(void **state) {
    struct place *place = *state;
    static const unsigned long types[] = {0x6969, 0xff534d42, 0xfe534d42, 0x0bd00bd0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        pretended_type = types[i];
        assert_refused(place->path, DSE_UNSUPPORTED, "PARETO_ALLOW_NETWORK_FS=1");
        assert_int_equal(access(place->path, F_OK), -1);
    }
    assert_int_equal(setenv("PARETO_ALLOW_NETWORK_FS", "0", 1), 0);
    assert_refused(place->path, DSE_UNSUPPORTED, "network file system (Lustre)");
    assert_int_equal(setenv("PARETO_ALLOW_NETWORK_FS", "1", 1), 0);
    dse_store_close(open_store(place));
    assert_int_equal(unsetenv("PARETO_ALLOW_NETWORK_FS"), 0);
}

/* ---- how large ---- */

static enum dse_status add_large_sweep(struct dse_store *store, struct dse_err *err) {
    enum { SIZE = 100 * 1000 };
    char *source = malloc(SIZE + 1);
    int64_t id;
    memset(source, 's', SIZE);
    source[SIZE] = '\0';
    struct dse_sweep_row row = sweep_row();
    row.source = source;
    enum dse_status status = dse_store_insert_sweep(store, &row, &id, err);
    free(source);
    return status;
}

static void the_size_limit_loses_nothing_that_was_committed(void **state) {
    struct place *place = *state;
    struct dse_err err = {0}, later = {0};
    struct dse_store *store;
    int committed = 0;
    enum dse_status status = DSE_OK;
    assert_ok(dse_store_open(place->path, 1 << 20, &store, &err), &err);
    for (; status == DSE_OK; committed += status == DSE_OK) {
        assert_ok(dse_store_begin(store, &err), &err);
        (void)add_sweep(store);
        status = add_large_sweep(store, &err);
        if (status == DSE_OK)
            assert_ok(dse_store_commit(store, &err), &err);
    }
    assert_int_equal(status, DSE_NO_SPACE);
    assert_true(strstr(err.text, place->path) != NULL && strstr(err.text, "1048576") != NULL);
    assert_in_range(committed, 5, 10);
    /* The first half of the failed transaction is gone, and its rest is not taken. */
    assert_int_equal(dse_store_set_sweep_state(store, 1, DSE_SWEEP_FAILED, "", 1, &later),
                     DSE_CONFLICT);
    assert_int_equal(dse_store_commit(store, NULL), DSE_CONFLICT);
    assert_int_equal(atoi(query_text(place->path, "SELECT count(*) FROM v_sweeps")), 2 * committed);
    dse_store_rollback(store);
    later = (struct dse_err){0}; /* what needs no new page is still possible */
    assert_ok(dse_store_set_sweep_state(store, 1, DSE_SWEEP_FAILED, "", 1, &later), &later);
    dse_store_close(store);
    struct stat st;
    assert_int_equal(stat(place->path, &st), 0);
    assert_in_range(st.st_size, 1 << 19, 1 << 20);
    err = (struct dse_err){0};
    assert_ok(dse_store_open(place->path, 2 << 20, &store, &err), &err);
    assert_ok(add_large_sweep(store, &err), &err);
    assert_string_equal(query_text(place->path, "PRAGMA integrity_check"), "ok");
    assert_int_equal(atoi(query_text(place->path, "SELECT count(*) FROM v_sweeps")),
                     2 * committed + 1);
    dse_store_close(store);
}

static void the_log_stays_bounded(void **state) {
    struct place *place = *state;
    struct dse_err err = {0};
    struct dse_store *store = open_store(place);
    char wal[400];
    struct stat st;
    off_t largest = 0;
    (void)snprintf(wal, sizeof wal, "%s-wal", place->path);
    for (int i = 0; i < 30; i++) {
        assert_ok(dse_store_begin(store, &err), &err);
        for (int k = 0; k < 10; k++)
            assert_ok(add_large_sweep(store, &err), &err);
        assert_ok(dse_store_commit(store, &err), &err);
        assert_int_equal(stat(wal, &st), 0);
        largest = st.st_size > largest ? st.st_size : largest;
    }
    assert_in_range(largest, 1 << 20, 20 << 20); /* of 30 MB written */
    dse_store_close(store);
}

/* ---- a recorded database ---- */

static void assert_same_answer(const char *a, const char *b, const char *sql) {
    char answer[4096];
    (void)snprintf(answer, sizeof answer, "%s", query_text(a, sql));
    assert_string_equal(answer, query_text(b, sql));
}

/* The dump of sweep 1 of a recorded database. */
static void dump_recorded(struct place *place, const char *record, char path[400],
                          struct dse_buf *dump) {
    struct dse_buf sql = {0};
    struct dse_err err = {0};
    struct dse_store *store;
    char file[300];
    (void)snprintf(path, 400, "%s/recorded.db", place->dir);
    (void)snprintf(file, sizeof file, DSE_SOURCE_DIR "/tests/unit/store/%s", record);
    assert_ok(dse_file_read(file, 1 << 20, &sql, &err), &err);
    run_sql(path, sql.data);
    assert_ok(dse_store_open(path, 0, &store, &err), &err);
    for (int generation = -1; generation <= 0; generation++)
        assert_ok(dse_store_dump(store, 1, generation, dump, &err), &err);
    dse_store_close(store);
    dse_buf_fini(&sql);
}

/* printf '\2\2\12\11\24\10' | sha256sum, and likewise: cells, words of a cell, the words. */
#define TALLY_1 "bf5fe3be489b50f817dd867276200c0c3f4b47723463ad8fe0559bb6a7410f11"
#define TALLY_2 "cd747ee663c6856d40e47ea8f364cb703a06fcc857d47b4a3339ee7e484dcfec"
#define TALLY_3 "f0c4767411f26ebeb7c93a64a05588d162d2bdacfb5fac90dca5720ecf1281e3"
#define RECORDED_1                                                                             \
    "{\"record\":\"sweep\",\"name\":\"resnet8\",\"seed\":18446744073709551615,"                \
    "\"content_hash\":\"c0ffee\",\"context_hash\":\"abcd\","                                   \
    "\"state\":\"unfinished\","                                                                \
    "\"reason\":\"\"}\n"                                                                       \
    "{\"record\":\"context\",\"hash\":\"abcd\",\"prepared\":\"{\\\"layers\\\":2}\"}\n"         \
    "{\"record\":\"individual\",\"generation\":-1,\"slot\":0,\"genome\":\"float32\","          \
    "\"state\":\"done\",\"reason\":\"\",\"objectives\":[0.10000000000000001,1000000000000],"   \
    "\"violation\":0,\"in_front\":false,\"cached\":false,\"seen\":[10,20],\"correct\":[9,8],"  \
    "\"tally\":\"" TALLY_1 "\"}\n"                                                             \
    "{\"record\":\"individual\",\"generation\":0,\"slot\":0,\"genome\":\"[8,4]\","             \
    "\"state\":\"done\",\"reason\":\"\",\"objectives\":[0.33333333333333331,7],"               \
    "\"violation\":0,\"in_front\":true,\"cached\":false,\"seen\":[20,40],\"correct\":[18,16]," \
    "\"tally\":\"" TALLY_2 "\"}\n"                                                             \
    "{\"record\":\"individual\",\"generation\":0,\"slot\":1,\"genome\":\"[2,2]\","             \
    "\"state\":\"failed\",\"reason\":\"not a number\",\"objectives\":[],"                      \
    "\"violation\":0,\"in_front\":false,\"cached\":false,\"seen\":[],\"correct\":[]}\n"
#define RECORDED_2                                                                             \
    RECORDED_1                                                                                 \
    "{\"record\":\"individual\",\"generation\":0,\"slot\":2,\"genome\":\"[4,4]\","             \
    "\"state\":\"done\",\"reason\":\"\",\"objectives\":[0.25,6],"                              \
    "\"violation\":0,\"in_front\":true,\"cached\":false,\"seen\":[20,40],\"correct\":[18,16]," \
    "\"tally\":\"" TALLY_3 "\"}\n"                                                             \
    "{\"record\":\"individual\",\"generation\":0,\"slot\":3,\"genome\":\"[6,6]\","             \
    "\"state\":\"pending\",\"reason\":\"\",\"objectives\":[],"                                 \
    "\"violation\":0,\"in_front\":false,\"cached\":false,\"seen\":[],\"correct\":[],"          \
    "\"values\":[0.5,12],\"names\":[\"latency_ms\"]}\n"
#define SURVIVOR                                                                        \
    "{\"record\":\"survivor\",\"generation\":0,\"position\":0,\"of\":[0,0],\"rank\":0," \
    "\"crowding\":1e999}\n"

static void the_recorded_database_has_this_schema_and_is_read(void **state) {
    struct place *place = *state;
    struct dse_buf dump = {0};
    char recorded[400];
    dump_recorded(place, "store-v5.sql", recorded, &dump);
    dse_store_close(open_store(place));
    for (int i = 0; i < 34; i++) {
        char query[100];
        (void)snprintf(query, sizeof query,
                       "SELECT sql FROM sqlite_schema ORDER BY name LIMIT 1 OFFSET %d", i);
        assert_same_answer(recorded, place->path, query);
    }
    assert_string_equal(dump.data, RECORDED_2 SURVIVOR);
    assert_string_equal(query_text(recorded,
                                   "SELECT slot || ' ' || settings || ' ' || accuracy_after"
                                   " FROM v_retrainings"),
                        "2 epochs 1 0.875");
    dse_buf_fini(&dump);
}

static void a_database_of_schema_4_keeps_its_answers(void **state) {
    struct place *place = *state;
    struct dse_buf dump = {0};
    char recorded[400];
    dump_recorded(place, "store-v4.sql", recorded, &dump);
    assert_string_equal(dump.data, RECORDED_2 SURVIVOR);
    dse_buf_fini(&dump);
}

static void a_database_of_schema_3_keeps_its_answers(void **state) {
    struct place *place = *state;
    struct dse_buf dump = {0};
    char recorded[400];
    dump_recorded(place, "store-v3.sql", recorded, &dump);
    assert_string_equal(dump.data, RECORDED_2 SURVIVOR);
    assert_string_equal(query_text(recorded, "SELECT count(*) FROM v_retrainings"), "1");
    dse_buf_fini(&dump);
}

static void a_database_of_schema_2_keeps_its_answers(void **state) {
    struct place *place = *state;
    struct dse_buf dump = {0};
    char recorded[400];
    dump_recorded(place, "store-v2.sql", recorded, &dump);
    assert_string_equal(dump.data, RECORDED_2 SURVIVOR);
    assert_string_equal(query_text(recorded, "SELECT count(*) FROM v_retrainings"), "0");
    dse_buf_fini(&dump);
}

static void a_database_of_schema_1_keeps_its_answers(void **state) {
    struct place *place = *state;
    struct dse_buf dump = {0};
    char recorded[400];
    dump_recorded(place, "store-v1.sql", recorded, &dump);
    assert_string_equal(dump.data, RECORDED_1 SURVIVOR);
    assert_string_equal(query_text(recorded, "SELECT group_concat(seen || ':' || correct) FROM"
                                             " (SELECT * FROM v_cells ORDER BY generation, cell)"),
                        "10:9,20:8,20:18,40:16");
    assert_string_equal(query_text(recorded, "SELECT count(*) FROM partial"), "2");
    dse_buf_fini(&dump);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_database_is_marked_as_ours),
        TEST(garbage_is_refused_and_left_alone),
        TEST(a_database_of_another_program_is_refused_and_left_alone),
        TEST(a_newer_schema_names_the_program_it_needs),
        TEST(damage_is_told_with_the_path),
        TEST(two_stores_cannot_have_one_database),
        TEST(a_lock_left_behind_is_waited_for),
        TEST(impossible_places_are_told),
        TEST(a_file_that_may_only_be_read_is_told),
        TEST(network_file_systems_are_refused_unless_allowed),
        TEST(the_size_limit_loses_nothing_that_was_committed),
        TEST(the_log_stays_bounded),
        TEST(the_recorded_database_has_this_schema_and_is_read),
        TEST(a_database_of_schema_4_keeps_its_answers),
        TEST(a_database_of_schema_3_keeps_its_answers),
        TEST(a_database_of_schema_2_keeps_its_answers),
        TEST(a_database_of_schema_1_keeps_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
