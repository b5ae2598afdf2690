/* store: an old database and a program of later schemas.
 *
 * This program links the migrations below in place of those of store_schema.c, as a later version
 * would have them: two steps beyond the recorded schema 1. */
#include "tests/unit/store/store_testing.h"

#include <sys/stat.h>

extern const char *const store__migrations[];
extern const int store__n_migrations;

static char last_step[200];
const char *const store__migrations[] = {
    "SELECT 'schema 1 is read from its record'",
    "ALTER TABLE sweep ADD COLUMN owner TEXT NOT NULL DEFAULT 'nobody'",
    last_step,
};
const int store__n_migrations = 3;

static const char good_step[] = "UPDATE sweep SET owner = upper(name)";
static const char bad_step[] = "UPDATE sweep SET owner = 'half'; INSERT INTO missing VALUES (1)";

static int set_up(void **state) {
    struct place *place = calloc(1, sizeof *place);
    struct dse_buf sql = {0};
    struct dse_err err = {0};
    make_place(place);
    assert_ok(dse_file_read(DSE_SOURCE_DIR "/tests/unit/store/store-v1.sql", 1 << 20, &sql, &err),
              &err);
    run_sql(place->path, sql.data);
    dse_buf_fini(&sql);
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    remove_place(*state);
    free(*state);
    return 0;
}

static const char *backup_of(const struct place *place) {
    static char path[400];
    (void)snprintf(path, sizeof path, "%s.bak-v1", place->path);
    return path;
}

static void assert_old(const char *path) {
    assert_string_equal(query_text(path, "PRAGMA user_version"), "1");
    assert_string_equal(query_text(path, "SELECT count(*) FROM pragma_table_info('sweep')"
                                         " WHERE name = 'owner'"),
                        "0");
    assert_string_equal(query_text(path, "SELECT objectives FROM individual WHERE generation = -1"),
                        "[0.10000000000000001,1000000000000]");
    assert_string_equal(query_text(path, "PRAGMA integrity_check"), "ok");
}

static void an_old_database_is_backed_up_and_brought_up_to_date(void **state) {
    struct place *place = *state;
    struct dse_err err = {0};
    char part[500]; /* what an attempt left that was killed in the middle of its backup */
    (void)snprintf(part, sizeof part, "%s.part", backup_of(place));
    assert_ok(dse_file_replace(part, "half", 4, &err), &err);
    (void)snprintf(last_step, sizeof last_step, "%s", good_step);
    dse_store_close(open_store(place));
    assert_int_equal(access(part, F_OK), -1);
    assert_string_equal(query_text(place->path, "PRAGMA user_version"), "3");
    assert_string_equal(query_text(place->path, "SELECT owner FROM sweep"), "RESNET8");
    assert_old(backup_of(place));
    assert_string_equal(query_text(backup_of(place), "PRAGMA application_id"), "1885434469");
    /* Opening again migrates nothing and backs nothing up. */
    assert_int_equal(unlink(backup_of(place)), 0);
    dse_store_close(open_store(place));
    assert_int_equal(access(backup_of(place), F_OK), -1);
}

static void a_step_that_fails_changes_nothing(void **state) {
    struct place *place = *state;
    struct dse_store *store = NULL;
    struct dse_err err = {0};
    size_t live = dse_alloc_live();
    (void)snprintf(last_step, sizeof last_step, "%s", bad_step);
    assert_int_equal(dse_store_open(place->path, 0, &store, &err), DSE_IO);
    assert_null(store);
    assert_non_null(strstr(err.text, "from 1 to 3"));
    assert_non_null(strstr(err.text, "missing"));
    assert_int_equal(dse_alloc_live(), live);
    assert_old(place->path);
    assert_old(backup_of(place));
    (void)snprintf(last_step, sizeof last_step, "%s", good_step);
    dse_store_close(open_store(place)); /* a later attempt overwrites the backup and succeeds */
    assert_string_equal(query_text(place->path, "SELECT owner FROM sweep"), "RESNET8");
    assert_old(backup_of(place));
}

static void without_a_backup_there_is_no_migration(void **state) {
    struct place *place = *state;
    struct dse_store *store = NULL;
    struct dse_err err = {0};
    (void)snprintf(last_step, sizeof last_step, "%s", good_step);
    assert_int_equal(mkdir(backup_of(place), 0700), 0); /* in the way */
    assert_int_not_equal(dse_store_open(place->path, 0, &store, &err), DSE_OK);
    assert_non_null(strstr(err.text, backup_of(place)));
    assert_old(place->path);
    assert_int_equal(rmdir(backup_of(place)), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_old_database_is_backed_up_and_brought_up_to_date),
        TEST(a_step_that_fails_changes_nothing),
        TEST(without_a_backup_there_is_no_migration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
