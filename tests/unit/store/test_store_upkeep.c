/* store: checks that find what is wrong and nothing else, copies of one moment, and vacuums. */
#include "tests/unit/store/store_testing.h"

#include <sys/stat.h>

enum { INDIVIDUALS = 60 };

static void finish_individual(struct dse_store *store, struct dse_individual_row *row) {
    static const int64_t seen[] = {100, 100};
    const int64_t correct[] = {row->slot % 100, 1};
    struct dse_err err = {0};
    assert_ok(put_counts(store, row->evaluation_id, 0, seen, correct, 2, &err), &err);
    assert_ok(dse_store_finish_evaluation(store, row->evaluation_id, DSE_RESULT_DONE, "", &err),
              &err);
    row->state = DSE_RESULT_DONE;
    row->objectives[0] = row->slot;
    row->n_objectives = 1;
    row->in_front = row->slot == 0;
    assert_ok(dse_store_update_individual(store, row, &err), &err);
}

/* A sweep with measured individuals, one that waits with a partial, and its survivors. */
static void fill(struct dse_store *store) {
    static const int64_t one[] = {10, 10};
    struct dse_err err = {0};
    const struct dse_survivor_row best[] = {{0, 0, 0, 1}};
    assert_ok(dse_store_begin(store, &err), &err);
    int64_t sweep = add_sweep(store);
    for (int slot = 0; slot < INDIVIDUALS; slot++) {
        char genome[400];
        (void)snprintf(genome, sizeof genome, "[%d,%0300d]", slot, slot); /* several pages */
        struct dse_individual_row row = individual_row(store, sweep, 0, slot, genome);
        add_individual(store, &row);
        if (slot + 1 < INDIVIDUALS)
            finish_individual(store, &row);
        else
            assert_ok(put_counts(store, row.evaluation_id, 0, one, one, 2, &err), &err);
    }
    assert_ok(dse_store_put_survivors(store, sweep, 0, best, 1, &err), &err);
    assert_ok(dse_store_commit(store, &err), &err);
}

static int set_up(void **state) {
    struct place *place = calloc(1, sizeof *place);
    make_place(place);
    struct dse_store *store = open_store(place);
    fill(store);
    dse_store_close(store);
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    remove_place(*state);
    free(*state);
    return 0;
}

static void check(const char *path, struct dse_arena *arena, struct dse_store_report *report) {
    struct dse_err err = {0};
    assert_ok(dse_store_check(path, NULL, NULL, arena, report, &err), &err);
}

static void assert_sound(const char *path) {
    struct dse_arena arena = {0};
    struct dse_store_report report;
    check(path, &arena, &report);
    if (report.n_problems > 0)
        fail_msg("%s: %s", path, report.problems[0]);
    assert_int_equal(report.schema, DSE_STORE_SCHEMA_VERSION);
    assert_false(report.is_old);
    assert_int_equal(report.sweeps, 1);
    assert_int_equal(report.individuals, INDIVIDUALS);
    assert_int_equal(report.evaluations, INDIVIDUALS);
    assert_int_equal(report.results, INDIVIDUALS - 1);
    assert_int_equal(report.partials, 1);
    dse_arena_fini(&arena);
}

static void a_sound_database_has_no_problems(void **state) {
    const struct place *place = *state;
    assert_sound(place->path);
    struct dse_store *store = open_store(place); /* also while somebody has it */
    assert_sound(place->path);
    dse_store_close(store);
}

/* ---- damage ---- */

static const struct {
    const char *sql, *problem; /* part of one of the problems */
} damages[] = {
    {"DROP TRIGGER individual_is_counted", "the schema has no trigger individual_is_counted"},
    {"DROP INDEX sweep_by_priority", "the schema has no index sweep_by_priority"},
    {"PRAGMA user_version = 0", "no schema version"},
    {"UPDATE result SET tally = x'01' WHERE evaluation_id = 7", "evaluation 7: "
                                                                "a tally of impossible size"},
    {"UPDATE result SET tally = substr(tally, 1, length(tally) - 1) WHERE evaluation_id = 7",
     "a tally that is cut off"},
    {"UPDATE result SET seen = '[100,101]' WHERE evaluation_id = 7",
     "counts that contradict their tally"},
    {"UPDATE partial SET seen = 'none'", "counts that are no list of numbers"},
    {"UPDATE result SET tally = NULL, seen = '[1,1]', correct = '[2,1]' WHERE evaluation_id = 7",
     "evaluation 7: the tally of cell 0 cannot be"},
    {"UPDATE individual SET objectives = '[x]' WHERE slot = 5",
     "individual 0.5 of sweep 1 is done with the objectives [x]"},
    {"UPDATE individual SET objectives = '[]' WHERE slot = 5",
     "individual 0.5 of sweep 1 is done with the objectives []"},
    {"DELETE FROM evaluation WHERE evaluation_id = 9", "an orphan: "},
    {"UPDATE evaluation SET state = 'pending' WHERE evaluation_id = 9",
     "1 results of evaluations that are not done"},
    {"UPDATE evaluation SET state = 'pending' WHERE evaluation_id = 9",
     "1 individuals that are done, unlike their evaluation"},
    {"DELETE FROM result WHERE evaluation_id > 57", "2 evaluations that are done without a result"},
    {"INSERT INTO partial(evaluation_id, shard, seen, correct) VALUES (3, 0, '[1]', '[1]')",
     "1 partials of evaluations that are done or unknown"},
    {"INSERT INTO evaluation(context_id, genome_hash, genome) VALUES (1, 0, '[]')",
     "1 evaluations that no individual has"},
    {"UPDATE evaluation SET genome_hash = 0 WHERE evaluation_id = 9",
     "1 evaluations that are not found by their genome"},
    {"UPDATE evaluation SET (genome_hash, genome) ="
     " (SELECT genome_hash, genome FROM evaluation WHERE evaluation_id = 8) WHERE evaluation_id = 9",
     "1 evaluations of a genome that its context has already"},
    {"UPDATE individual SET violation = 1 WHERE slot = 0",
     "1 individuals in the front without a feasible result"},
    {"UPDATE sweep_counts SET measured = measured + 1",
     "1 sweeps whose counts are not those of their individuals"},
    {"DELETE FROM sweep_counts", "1 sweeps whose counts are not those of their individuals"},
    /* An index that lacks what its table has. */
    {"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX sweep_by_content ON"
     " sweep(name, sweep_id)' WHERE name = 'sweep_by_content'",
     "structure: "},
};

static bool has_problem(const struct dse_store_report *report, const char *part) {
    for (int i = 0; i < report->n_problems; i++)
        if (strstr(report->problems[i], part) != NULL)
            return true;
    return false;
}

static void every_damage_is_named(void **state) {
    const struct place *place = *state;
    size_t live = dse_alloc_live();
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_store_report report;
        clear_place(place);
        struct dse_store *store = open_store(place);
        fill(store);
        dse_store_close(store);
        run_sql(place->path, damages[i].sql);
        check(place->path, &arena, &report);
        if (!has_problem(&report, damages[i].problem))
            fail_msg("%s: not told; %d problems, the first: %s", damages[i].sql, report.n_problems,
                     report.n_problems > 0 ? report.problems[0] : "none");
        dse_arena_fini(&arena);
    }
    assert_int_equal(dse_alloc_live(), live);
}

static void overwrite(const char *path, long offset, const char *bytes, size_t size) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Whatever page is overwritten, the check ends, and says so where the page carries something. */
static void damaged_pages_are_problems_not_crashes(void **state) {
    const struct place *place = *state;
    enum { PAGE = 4096 };
    char rubbish[PAGE];
    struct stat file;
    struct dse_err err = {0};
    struct dse_buf whole = {0};
    memset(rubbish, 0x5a, sizeof rubbish);
    assert_int_equal(stat(place->path, &file), 0);
    assert_ok(dse_file_read(place->path, 1 << 24, &whole, &err), &err);
    for (long page = 0; page < file.st_size / PAGE; page++) {
        struct dse_arena arena = {0};
        struct dse_store_report report;
        overwrite(place->path, page * PAGE, rubbish, sizeof rubbish);
        check(place->path, &arena, &report);
        if (report.n_problems == 0)
            fail_msg("page %ld of %lld: nothing was found", page, (long long)(file.st_size / PAGE));
        dse_arena_fini(&arena);
        overwrite(place->path, page * PAGE, whole.data + page * PAGE, PAGE);
    }
    assert_sound(place->path);
    dse_buf_fini(&whole);
}

static void what_is_no_database_is_said(void **state) {
    const struct place *place = *state;
    struct dse_arena arena = {0};
    struct dse_store_report report;
    struct dse_err err = {0}, newer = {0};
    char missing[400];
    (void)snprintf(missing, sizeof missing, "%s/none.db", place->dir);
    assert_int_equal(dse_store_check(missing, NULL, NULL, &arena, &report, &err), DSE_NOT_FOUND);
    run_sql(place->path, "PRAGMA user_version = 99");
    assert_int_equal(dse_store_check(place->path, NULL, NULL, &arena, &report, &newer),
                     DSE_UNSUPPORTED);
    assert_non_null(strstr(newer.text, "schema 99"));
    assert_int_equal(truncate(place->path, 100), 0);
    check(place->path, &arena, &report);
    assert_true(report.n_problems > 0);
    dse_arena_fini(&arena);
}

/* ---- backups ---- */

struct writer {
    struct dse_store *store;
    int calls;
};

/* Somebody writes while the copy is made. */
static void write_meanwhile(void *context, const char *phase, int64_t done, int64_t total) {
    struct writer *writer = context;
    assert_non_null(strstr(phase, "copied"));
    assert_true(done >= 0 && done <= total);
    if (writer->calls++ == 0)
        (void)add_sweep(writer->store);
}

static void a_copy_is_of_one_moment(void **state) {
    const struct place *place = *state;
    char copy[400], part[500];
    struct writer writer = {.store = open_store(place)};
    struct dse_err err = {0};
    int64_t bytes = 0;
    (void)snprintf(copy, sizeof copy, "%s/copy.db", place->dir);
    (void)snprintf(part, sizeof part, "%s.part", copy);
    assert_ok(dse_store_backup(place->path, copy, write_meanwhile, &writer, &bytes, &err), &err);
    assert_true(writer.calls > 0);
    assert_sound(copy); /* of one sweep, not two */
    assert_string_equal(query_text(place->path, "SELECT count(*) FROM sweep"), "2");
    assert_string_equal(query_text(copy, "PRAGMA journal_mode"), "delete");
    struct stat file;
    assert_int_equal(stat(copy, &file), 0);
    assert_int_equal(file.st_size, bytes);
    assert_int_equal(access(part, F_OK), -1);
    /* Again, in the place of the first. */
    assert_ok(dse_store_backup(place->path, copy, NULL, NULL, &bytes, &err), &err);
    assert_string_equal(query_text(copy, "SELECT count(*) FROM sweep"), "2");
    dse_store_close(writer.store);
    assert_int_equal(rename(copy, place->path), 0); /* restored, it is a database to work with */
    writer.store = open_store(place);
    (void)add_sweep(writer.store);
    dse_store_close(writer.store);
}

static void only_an_older_copy_is_replaced(void **state) {
    const struct place *place = *state;
    char other[400];
    struct dse_err err = {0}, itself = {0};
    struct dse_buf text = {0};
    int64_t bytes = 0;
    (void)snprintf(other, sizeof other, "%s/thesis.txt", place->dir);
    assert_ok(dse_file_replace(other, "five years of work", 18, &err), &err);
    assert_int_equal(dse_store_backup(place->path, other, NULL, NULL, &bytes, &err), DSE_INVALID);
    assert_ok(dse_file_read(other, 100, &text, &itself), &itself);
    assert_string_equal(text.data, "five years of work");
    assert_int_equal(dse_store_backup(place->path, place->path, NULL, NULL, &bytes, &itself),
                     DSE_INVALID);
    assert_non_null(strstr(itself.text, "the database itself"));
    assert_sound(place->path);
    dse_buf_fini(&text);
}

/* ---- vacuum ---- */

static void a_vacuum_gives_room_back(void **state) {
    const struct place *place = *state;
    struct dse_store *store = open_store(place);
    struct dse_deletion gone;
    struct dse_err err = {0};
    struct stat file;
    int64_t before, after;
    assert_ok(dse_store_set_sweep_state(store, 1, DSE_SWEEP_CANCELLED, "", 1, &err), &err);
    assert_ok(dse_store_delete_sweep(store, 1, &gone, &err), &err);
    assert_ok(dse_store_vacuum(store, &before, &after, &err), &err);
    assert_true(after < before);
    dse_store_close(store);
    assert_int_equal(stat(place->path, &file), 0);
    assert_int_equal(file.st_size, after);
    store = open_store(place);
    fill(store);
    dse_store_close(store);
    assert_sound(place->path);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_sound_database_has_no_problems),
        TEST(every_damage_is_named),
        TEST(damaged_pages_are_problems_not_crashes),
        TEST(what_is_no_database_is_said),
        TEST(a_copy_is_of_one_moment),
        TEST(only_an_older_copy_is_replaced),
        TEST(a_vacuum_gives_room_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
