/* Every allocation, ours and SQLite's, and every call to the disk fails once, N = 1, 2, ... until
 * all goes well: in a submit, a start with generations, queries, a check, a backup and the way from
 * an old schema. The failure is told, nothing leaks, and afterwards the same work gives the rows it
 * always gives. */
#include "tests/fault/store/faulty_heap.h"
#include "tests/fault/store/faulty_vfs.h"
#include "tests/unit/store/store_testing.h"

#include <errno.h>

#include "daemon/explorer/explorer.h"
#include "daemon/methods.h"
#include "daemon/report.h"

enum { GENERATIONS = 3, MOST_FAULTS = 200000 };

/* Of SQLite's allocations the first ones all, then each STEP-th. */
enum { FIRST_ONES = 50 };
#ifndef STEP
enum { STEP = 997 };
#endif

static const char workload_text[] = "name: faults\n"
                                    "problem: {type: bnh}\n"
                                    "exploration: {population: 6, generations: 3}\n"
                                    "execution: {group: 3}\n";

static char template_path[400]; /* a database with one sweep that has not begun */
static char measured_path[400]; /* the same, done */
static char old_path[400];      /* one of schema 1 */
static struct dse_buf expected_dump, expected_answers;

/* ---- the work ---- */

static enum dse_status prepare(struct dse_preparation *p, struct dse_err *err) {
    struct dse_workload_errors errors;
    struct dse_msg_prepared found = {.shards = 1};
    struct dse_buf json = {0};
    DSE_TRY(dse_workload_parse(workload_text, sizeof workload_text - 1, "w.yaml", "/", &p->arena,
                               &p->workload, &errors, err));
    static const struct dse_context_terms terms = {.evaluator = "test"};
    DSE_TRY(dse_context_build(&p->workload, &terms, &p->arena, &p->context, &p->content_hash, err));
    found.hash = p->context.hash;
    enum dse_status status = dse_record_encode(DSE_RECORD_prepared, &found, &json, err);
    if (status == DSE_OK) {
        struct dse_msg_prepared *prepared = dse_arena_alloc(&p->arena, 1, sizeof *prepared);
        p->prepared_json = dse_arena_strdup(&p->arena, json.data);
        p->prepared = prepared;
        if (prepared == NULL || p->prepared_json == NULL)
            status = dse_err_set(err, DSE_NO_MEMORY, "out of memory");
        else
            status = dse_record_decode(DSE_RECORD_prepared, json.data, json.size, &p->arena,
                                       prepared, err);
    }
    dse_buf_fini(&json);
    return status;
}

static enum dse_status submit(struct dse_store *store, struct dse_err *err) {
    struct dse_preparation preparation = {.next = NULL};
    const struct dse_workload_source source = {
        .text = workload_text, .file = "w.yaml", .base_dir = "/"};
    int64_t id;
    enum dse_status status = prepare(&preparation, err);
    if (status == DSE_OK)
        status = dse_methods_keep_sweep(store, &preparation, &source, &id, err);
    dse_arena_fini(&preparation.arena);
    return status;
}

static enum dse_status answer(struct dse_explorer *explorer, struct dse_task *task,
                              struct dse_arena *arena, struct dse_err *err) {
    enum { VALUES = 4 };
    const struct dse_function_def *function = dse_function_find("bnh");
    struct dse_msg_task message;
    DSE_TRY(dse_explorer_describe_task(explorer, task, 1, arena, &message, err));
    size_t n = (size_t)message.candidates_n;
    struct dse_msg_partial *results = dse_arena_alloc(arena, n, sizeof *results);
    double *values = dse_arena_alloc(arena, n * VALUES, sizeof *values);
    if (results == NULL || values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        function->evaluate(message.candidates[i].genes, values + i * VALUES);
        results[i] = (struct dse_msg_partial){
            .key = message.candidates[i].key, .values = values + i * VALUES, .values_n = VALUES};
    }
    const struct dse_msg_partials partials = {
        .task = message.task, .results = results, .results_n = message.candidates_n};
    return dse_explorer_take(explorer, task, &partials, err);
}

/* A start of the daemon: takes the sweep up and goes on to its end. */
static enum dse_status explore(struct dse_store *store, struct dse_err *err) {
    struct dse_explorer *explorer;
    DSE_TRY(dse_explorer_open(store, 1, &explorer, err));
    enum dse_status status = DSE_OK;
    while (status == DSE_OK && !dse_explorer_finished(explorer)) {
        struct dse_arena arena = {0};
        struct dse_task *task = dse_explorer_next_task(explorer, 0);
        assert_non_null(task);
        status = answer(explorer, task, &arena, err);
        dse_arena_fini(&arena);
    }
    dse_explorer_free(explorer);
    return status;
}

static enum dse_status dump(struct dse_store *store, struct dse_buf *out, struct dse_err *err) {
    for (int g = -1; g < GENERATIONS; g++)
        DSE_TRY(dse_store_dump(store, 1, g, out, err));
    return DSE_OK;
}

static enum dse_status encode(enum dse_record which, const void *record, struct dse_buf *out,
                              struct dse_err *err) {
    return dse_record_encode(which, record, out, err);
}

/* What clients ask, as they get it. */
static enum dse_status query(struct dse_store *store, struct dse_arena *arena, struct dse_buf *out,
                             struct dse_err *err) {
    struct dse_msg_sweep sweep;
    struct dse_msg_sweep_list list;
    struct dse_msg_front front;
    struct dse_msg_individual individual;
    struct dse_msg_individual_page page;
    const struct dse_msg_front_query of_sweep = {.sweep = 1, .estimates = true};
    const struct dse_msg_individual_id one = {.sweep = 1, .generation = 1, .slot = 2};
    const struct dse_msg_individual_query all = {.sweep = 1, .limit = 5};
    DSE_TRY(dse_report_sweep(store, NULL, 1, arena, &sweep, err));
    DSE_TRY(encode(DSE_RECORD_sweep, &sweep, out, err));
    DSE_TRY(dse_report_list(store, NULL, arena, &list, err));
    DSE_TRY(encode(DSE_RECORD_sweep_list, &list, out, err));
    DSE_TRY(dse_report_front(store, NULL, &of_sweep, arena, &front, err));
    DSE_TRY(encode(DSE_RECORD_front, &front, out, err));
    DSE_TRY(dse_report_individual(store, &one, arena, &individual, err));
    DSE_TRY(encode(DSE_RECORD_individual, &individual, out, err));
    DSE_TRY(dse_report_individuals(store, &all, arena, &page, err));
    DSE_TRY(encode(DSE_RECORD_individual_page, &page, out, err));
    return dump(store, out, err);
}

/* ---- one try, with a fault or without; the store is opened and closed within ---- */

static enum dse_status with_store(const char *path,
                                  enum dse_status (*work)(struct dse_store *, struct dse_err *),
                                  struct dse_err *err) {
    struct dse_store *store;
    DSE_TRY(dse_store_open(path, 0, &store, err));
    enum dse_status status = work(store, err);
    dse_store_close(store);
    return status;
}

static enum dse_status try_submit(const struct place *place, struct dse_err *err) {
    return with_store(place->path, submit, err);
}

static enum dse_status try_explore(const struct place *place, struct dse_err *err) {
    return with_store(place->path, explore, err);
}

static enum dse_status ask_everything(struct dse_store *store, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_buf out = {0};
    enum dse_status status = query(store, &arena, &out, err);
    if (status == DSE_OK && expected_answers.size > 0)
        assert_string_equal(dse_buf_text(&out), dse_buf_text(&expected_answers));
    else if (status == DSE_OK)
        dse_buf_puts(&expected_answers, dse_buf_text(&out));
    dse_buf_fini(&out);
    dse_arena_fini(&arena);
    return status;
}

static enum dse_status try_query(const struct place *place, struct dse_err *err) {
    return with_store(place->path, ask_everything, err);
}

static enum dse_status try_check(const struct place *place, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_store_report report;
    enum dse_status status = dse_store_check(place->path, NULL, NULL, &arena, &report, err);
    if (status == DSE_OK)
        assert_int_equal(report.n_problems, 0);
    dse_arena_fini(&arena);
    return status;
}

static void name_copy(const struct place *place, char path[400]) {
    (void)snprintf(path, 400, "%s.copy", place->path);
}

static enum dse_status try_backup(const struct place *place, struct dse_err *err) {
    char copy[400];
    int64_t bytes;
    name_copy(place, copy);
    return dse_store_backup(place->path, copy, NULL, NULL, &bytes, err);
}

static enum dse_status look_at_nothing(struct dse_store *store, struct dse_err *err) {
    (void)store;
    (void)err;
    return DSE_OK;
}

static enum dse_status try_migrate(const struct place *place, struct dse_err *err) {
    return with_store(place->path, look_at_nothing, err);
}

/* ---- what must hold afterwards ---- */

static void assert_sweeps(const struct place *place, int least, int most) {
    dse_store_close(open_store(place));
    int n = atoi(query_text(place->path, "SELECT count(*) FROM sweep"));
    assert_in_range(n, least, most);
    assert_string_equal(query_text(place->path, "PRAGMA integrity_check"), "ok");
}

/* Nothing of the first submit, or all of it (a failed sync may have reached the disk). */
static void after_submit(const struct place *place, enum dse_status status) {
    assert_sweeps(place, status == DSE_OK, status == DSE_OK || status == DSE_IO);
}

static void after_explore(const struct place *place, enum dse_status status) {
    struct dse_err err = {0};
    struct dse_buf out = {0};
    (void)status;
    struct dse_store *store = open_store(place);
    assert_ok(explore(store, &err), &err); /* goes on where it was */
    assert_ok(dump(store, &out, &err), &err);
    assert_string_equal(dse_buf_text(&out), dse_buf_text(&expected_dump));
    dse_buf_fini(&out);
    dse_store_close(store);
}

static void after_reading(const struct place *place, enum dse_status status) {
    struct dse_err err = {0};
    (void)status;
    assert_ok(try_query(place, &err), &err);
}

/* Whole or not there. */
static void after_backup(const struct place *place, enum dse_status status) {
    char copy[400], part[450];
    name_copy(place, copy);
    (void)snprintf(part, sizeof part, "%s.part", copy);
    assert_int_equal(access(part, F_OK), -1);
    if (status != DSE_OK)
        assert_int_equal(access(copy, F_OK), -1);
    else
        assert_string_equal(query_text(copy, "PRAGMA integrity_check"), "ok");
    after_reading(place, status);
}

static void after_migrate(const struct place *place, enum dse_status status) {
    (void)status;
    assert_sweeps(place, 1, 1);
    assert_int_equal(atoi(query_text(place->path, "PRAGMA user_version")),
                     DSE_STORE_SCHEMA_VERSION);
}

static const struct work {
    const char *name;
    enum dse_status (*run)(const struct place *place, struct dse_err *err);
    const char *begins_with; /* a database that is copied; NULL: none */
    void (*after)(const struct place *place, enum dse_status status);
} works[] = {
    {"submit", try_submit, NULL, after_submit},
    {"start and generations", try_explore, template_path, after_explore},
    {"queries", try_query, measured_path, after_reading},
    {"check", try_check, measured_path, after_reading},
    {"backup", try_backup, measured_path, after_backup},
    {"migration", try_migrate, old_path, after_migrate},
};

/* ---- the loops ---- */

struct fault {
    const char *name;
    unsigned kinds; /* 0: allocations */
    bool of_sqlite; /* allocations: SQLite's; or ours */
    int code, error_number;
    bool sticky;
};

static const struct fault faults[] = {
    {"allocations", 0, false, 0, 0, false},
    {"SQLite's allocations", 0, true, 0, 0, false},
    {"SQLite's allocations from then on", 0, true, 0, 0, true},
    {"writes: full", FAULT_WRITE, false, SQLITE_FULL, 0, true},
    {"writes: error", FAULT_WRITE, false, SQLITE_IOERR_WRITE, EIO, false},
    {"syncs: error", FAULT_SYNC, false, SQLITE_IOERR_FSYNC, EIO, true},
};

static void copy_database(const char *from, const char *to) {
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(from, 1 << 26, &bytes, &err), &err);
    assert_ok(dse_file_replace(to, bytes.data, bytes.size, &err), &err);
    dse_buf_fini(&bytes);
}

static void arm(const struct fault *fault, long n) {
    if (fault->of_sqlite)
        faulty_heap_fail_at(n, fault->sticky);
    else if (fault->kinds == 0)
        dse_alloc_fail_at(n);
    else
        faulty_vfs_fail_at(fault->kinds, n, fault->code, fault->error_number, fault->sticky);
}

/* Was the failure met? SQLite does without some of its memory, and so ends well. */
static bool disarm(const struct fault *fault, enum dse_status status) {
    dse_alloc_fail_at(-1);
    if (fault->of_sqlite)
        return faulty_heap_mend();
    if (fault->kinds == 0)
        return status != DSE_OK;
    bool met = faulty_vfs_happened();
    faulty_vfs_mend(NULL);
    return met;
}

/* false: the n-th call was not reached. */
static bool fail_nth(const struct work *work, const struct fault *fault, const struct place *place,
                     long n) {
    struct dse_err err = {0};
    clear_place(place);
    if (work->begins_with != NULL)
        copy_database(work->begins_with, place->path);
    size_t live = dse_alloc_live();
    long live_of_sqlite = faulty_heap_live();
    arm(fault, n);
    enum dse_status status = work->run(place, &err);
    bool met = disarm(fault, status);
    assert_int_equal(faulty_heap_live(), live_of_sqlite);
    if (dse_alloc_live() != live)
        fail_msg("%s, %s %ld: %zu blocks leak", work->name, fault->name, n,
                 dse_alloc_live() - live);
    bool is_told =
        fault->kinds == 0 ? status == DSE_NO_MEMORY : status == DSE_NO_SPACE || status == DSE_IO;
    if (status != DSE_OK && (!is_told || err.text[0] == '\0'))
        fail_msg("%s, %s %ld: %s: %s", work->name, fault->name, n, dse_status_name(status),
                 err.text);
    work->after(place, status);
    return met;
}

static void every_fault_is_told_and_nothing_is_lost(void **state) {
    (void)state;
    struct place place;
    make_place(&place);
    for (size_t w = 0; w < sizeof works / sizeof works[0]; w++)
        for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
            long n = 0;
            while (n < MOST_FAULTS && fail_nth(&works[w], &faults[f], &place, n))
                n += !faults[f].of_sqlite || n < FIRST_ONES ? 1 : STEP;
            print_message("%s, %s: %ld\n", works[w].name, faults[f].name, n);
            assert_true(n < MOST_FAULTS);
        }
    remove_place(&place);
}

/* ---- what the loops begin with ---- */

static struct place models;

static int set_up(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_buf sql = {0};
    make_place(&models);
    (void)snprintf(template_path, sizeof template_path, "%s/template.db", models.dir);
    (void)snprintf(measured_path, sizeof measured_path, "%s/measured.db", models.dir);
    (void)snprintf(old_path, sizeof old_path, "%s/old.db", models.dir);
    assert_ok(with_store(template_path, submit, &err), &err);
    copy_database(template_path, measured_path);
    assert_ok(with_store(measured_path, explore, &err), &err);
    struct dse_store *store = NULL;
    assert_ok(dse_store_open(measured_path, 0, &store, &err), &err);
    assert_ok(dump(store, &expected_dump, &err), &err);
    dse_store_close(store);
    assert_ok(with_store(measured_path, ask_everything, &err), &err);
    assert_ok(dse_file_read(DSE_SOURCE_DIR "/tests/unit/store/store-v1.sql", 1 << 20, &sql, &err),
              &err);
    run_sql(old_path, sql.data);
    dse_buf_fini(&sql);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    dse_buf_fini(&expected_dump);
    dse_buf_fini(&expected_answers);
    remove_place(&models);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_told_and_nothing_is_lost),
    };
    faulty_heap_install();
    faulty_vfs_install();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
