/* store: sweeps, states, counts, contexts, transactions. */
#include "tests/unit/store/store_testing.h"

struct fixture {
    struct place place;
    struct dse_store *store;
    struct dse_arena arena;
    struct dse_err err;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    make_place(&f->place);
    f->store = open_store(&f->place);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    dse_arena_fini(&f->arena);
    dse_store_close(f->store);
    remove_place(&f->place);
    free(f);
    return 0;
}

static void reopen(struct fixture *f) {
    dse_store_close(f->store);
    f->store = open_store(&f->place);
}

/* ---- sweeps ---- */

static void assert_sweep_equal(const struct dse_sweep_row *a, const struct dse_sweep_row *b) {
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->reason, b->reason);
    assert_true(a->seed == b->seed);
    assert_string_equal(a->content_hash, b->content_hash);
    assert_string_equal(a->context_hash, b->context_hash);
    assert_string_equal(a->source, b->source);
    assert_string_equal(a->file, b->file);
    assert_string_equal(a->base_dir, b->base_dir);
    assert_string_equal(a->canonical, b->canonical);
    assert_string_equal(a->spec, b->spec);
    assert_int_equal(a->submitted_at_ms, b->submitted_at_ms);
    assert_int_equal(a->finished_at_ms, b->finished_at_ms);
}

static void a_sweep_survives_reopening_in_every_field(void **state) {
    struct fixture *f = *state;
    struct dse_sweep_row row = sweep_row(), read;
    int64_t id = add_sweep(f->store);
    assert_int_equal(id, 1);
    reopen(f);
    assert_ok(dse_store_load_sweep(f->store, id, &f->arena, &read, &f->err), &f->err);
    assert_int_equal(read.id, 1);
    assert_sweep_equal(&read, &row);
    assert_int_equal(dse_store_load_sweep(f->store, 2, &f->arena, &read, &f->err), DSE_NOT_FOUND);
    assert_non_null(strstr(f->err.text, "sweep 2"));
    assert_int_equal(read.id, 1); /* untouched */
}

static void sweeps_are_listed_by_id(void **state) {
    struct fixture *f = *state;
    struct dse_sweep_row *rows;
    int n = -1;
    assert_ok(dse_store_list_sweeps(f->store, &f->arena, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, 0);
    enum { SWEEPS = 40 }; /* more than one growth of the array */
    for (int i = 0; i < SWEEPS; i++) {
        char name[16];
        struct dse_sweep_row row = sweep_row();
        int64_t id;
        (void)snprintf(name, sizeof name, "n%d", i);
        row.name = name;
        assert_ok(dse_store_insert_sweep(f->store, &row, &id, &f->err), &f->err);
        assert_int_equal(id, i + 1);
    }
    assert_ok(dse_store_list_sweeps(f->store, &f->arena, &rows, &n, &f->err), &f->err);
    assert_int_equal(n, SWEEPS);
    for (int i = 0; i < SWEEPS; i++) {
        assert_int_equal(rows[i].id, i + 1);
        assert_int_equal(atoi(rows[i].name + 1), i);
    }
}

static void set_state(struct fixture *f, int64_t id, enum dse_sweep_state to) {
    assert_ok(dse_store_set_sweep_state(f->store, id, to, "", 0, &f->err), &f->err);
}

static void the_newest_living_sweep_of_a_content_is_found(void **state) {
    struct fixture *f = *state;
    int64_t id = 77;
    assert_int_equal(dse_store_find_sweep(f->store, "c0ffee", &id, &f->err), DSE_NOT_FOUND);
    assert_int_equal(id, 77);
    for (int i = 0; i < 3; i++)
        (void)add_sweep(f->store);
    f->err = (struct dse_err){0};
    assert_ok(dse_store_find_sweep(f->store, "c0ffee", &id, &f->err), &f->err);
    assert_int_equal(id, 3);
    set_state(f, 3, DSE_SWEEP_FAILED);
    assert_ok(dse_store_find_sweep(f->store, "c0ffee", &id, &f->err), &f->err);
    assert_int_equal(id, 2);
    set_state(f, 2, DSE_SWEEP_CANCELLED);
    set_state(f, 1, DSE_SWEEP_RUNNING);
    set_state(f, 1, DSE_SWEEP_DONE);
    assert_ok(dse_store_find_sweep(f->store, "c0ffee", &id, &f->err), &f->err);
    assert_int_equal(id, 1);
    assert_int_equal(dse_store_find_sweep(f->store, "other", &id, &f->err), DSE_NOT_FOUND);
}

/* ---- priorities, deletion ---- */

static const char *open_sweeps(struct fixture *f, int most) {
    static char out[100];
    int64_t ids[8], priorities[8];
    int n;
    size_t length = 0;
    assert_ok(dse_store_open_sweeps(f->store, ids, priorities, most, &n, &f->err), &f->err);
    out[0] = '\0';
    for (int i = 0; i < n; i++)
        length += (size_t)snprintf(out + length, sizeof out - length, "%d:%d ", (int)ids[i],
                                   (int)priorities[i]);
    return out;
}

static void open_sweeps_come_by_priority_then_age(void **state) {
    struct fixture *f = *state;
    struct dse_err err = {0};
    for (int i = 0; i < 5; i++)
        (void)add_sweep(f->store);
    set_state(f, 2, DSE_SWEEP_RUNNING);
    set_state(f, 3, DSE_SWEEP_PAUSED);
    set_state(f, 5, DSE_SWEEP_CANCELLED);
    assert_string_equal(open_sweeps(f, 8), "1:0 2:0 4:0 ");
    assert_ok(dse_store_set_sweep_priority(f->store, 4, 7, &f->err), &f->err);
    assert_ok(dse_store_set_sweep_priority(f->store, 1, -2, &f->err), &f->err);
    assert_string_equal(open_sweeps(f, 8), "4:7 2:0 1:-2 ");
    assert_string_equal(open_sweeps(f, 2), "4:7 2:0 ");
    assert_int_equal(dse_store_set_sweep_priority(f->store, 9, 1, &err), DSE_NOT_FOUND);
}

/* Sweeps 1 and 2 share one evaluation; each has one of its own. */
static void a_deleted_sweep_leaves_what_others_cite(void **state) {
    struct fixture *f = *state;
    struct dse_deletion gone;
    struct dse_err err = {0};
    for (int i = 1; i <= 2; i++) {
        int64_t id = add_sweep(f->store);
        struct dse_individual_row shared = individual_row(f->store, id, 0, 0, "[8,4]");
        struct dse_individual_row own = individual_row(f->store, id, 0, 1, i == 1 ? "[1]" : "[2]");
        const struct dse_survivor_row survivor = {.generation = 0, .slot = 1};
        add_individual(f->store, &shared);
        add_individual(f->store, &own);
        assert_ok(dse_store_put_survivors(f->store, id, 0, &survivor, 1, &f->err), &f->err);
        const int64_t counts[] = {10, 20};
        assert_int_equal(put_counts(f->store, own.evaluation_id, 0, counts, counts, 2, &f->err),
                         DSE_OK);
    }
    assert_int_equal(dse_store_delete_sweep(f->store, 1, &gone, &err), DSE_CONFLICT);
    assert_string_equal(err.text, "sweep 1 is queued; cancel it before it is deleted");
    set_state(f, 1, DSE_SWEEP_CANCELLED);
    assert_ok(dse_store_delete_sweep(f->store, 1, &gone, &f->err), &f->err);
    assert_int_equal(gone.individuals, 2);
    assert_int_equal(gone.evaluations, 1);
    static const char *const left[][2] = {
        {"SELECT group_concat(genome, ' ') FROM (SELECT genome FROM evaluation ORDER BY genome)",
         "[2] [8,4]"},
        {"SELECT count(*) || sum(sweep_id) FROM individual", "24"},
        {"SELECT count(*) FROM partial", "1"},
        {"SELECT group_concat(sweep_id) FROM survivor", "2"},
        {"SELECT group_concat(sweep_id) FROM sweep_counts", "2"},
        {"SELECT count(*) FROM pragma_foreign_key_check", "0"},
    };
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        assert_string_equal(query_text(f->place.path, left[i][0]), left[i][1]);
    err = (struct dse_err){0};
    assert_int_equal(dse_store_delete_sweep(f->store, 1, &gone, &err), DSE_NOT_FOUND);
}

/* ---- states ---- */

/* The moves of the header, written out: row from, column to. */
static const char *const allowed[] = {
    /*            q r p d f c */
    /* queued */ "0 1 1 0 1 1",
    /* running*/ "0 0 1 1 1 1",
    /* paused */ "1 1 0 1 1 1",
    /* done   */ "0 0 0 0 0 0",
    /* failed */ "1 1 0 0 0 0",
    /* cancel.*/ "0 0 0 0 0 0",
};

static void the_states_follow_the_table(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {"queued", "running", "paused",
                                        "done",   "failed",  "cancelled"};
    char sql[128];
    int64_t id = add_sweep(f->store);
    for (int from = 0; from < 6; from++) {
        assert_string_equal(dse_sweep_state_text((enum dse_sweep_state)from), texts[from]);
        assert_int_equal(dse_sweep_state_final((enum dse_sweep_state)from), from >= 3);
        for (int to = 0; to < 6; to++) {
            bool may = allowed[from][2 * to] == '1';
            struct dse_sweep_row row;
            struct dse_err err = {0};
            assert_int_equal(
                dse_sweep_state_may_follow((enum dse_sweep_state)from, (enum dse_sweep_state)to),
                may);
            (void)snprintf(sql, sizeof sql, "UPDATE sweep SET state = '%s'", texts[from]);
            run_sql(f->place.path, sql);
            assert_int_equal(
                dse_store_set_sweep_state(f->store, id, (enum dse_sweep_state)to, "why", 5, &err),
                may ? DSE_OK : DSE_CONFLICT);
            if (!may)
                assert_true(strstr(err.text, texts[from]) != NULL &&
                            strstr(err.text, texts[to]) != NULL);
            assert_ok(dse_store_load_sweep(f->store, id, &f->arena, &row, &err), &err);
            assert_int_equal(row.state, may ? to : from);
        }
    }
}

static void a_state_brings_its_reason_and_time(void **state) {
    struct fixture *f = *state;
    struct dse_sweep_row row;
    int64_t id = add_sweep(f->store);
    assert_ok(
        dse_store_set_sweep_state(f->store, id, DSE_SWEEP_FAILED, "model not found", 42, &f->err),
        &f->err);
    assert_ok(dse_store_load_sweep(f->store, id, &f->arena, &row, &f->err), &f->err);
    assert_int_equal(row.state, DSE_SWEEP_FAILED);
    assert_string_equal(row.reason, "model not found");
    assert_int_equal(row.finished_at_ms, 42);
    assert_int_equal(dse_store_set_sweep_state(f->store, 9, DSE_SWEEP_FAILED, "", 0, &f->err),
                     DSE_NOT_FOUND);
}

/* ---- counts ---- */

static void assert_counts(struct fixture *f, int64_t id, struct dse_sweep_counts expected) {
    struct dse_sweep_counts counts;
    assert_ok(dse_store_count_sweep(f->store, id, &counts, &f->err), &f->err);
    assert_int_equal(counts.individuals, expected.individuals);
    assert_int_equal(counts.measured, expected.measured);
    assert_int_equal(counts.failures, expected.failures);
    assert_int_equal(counts.cache_hits, expected.cache_hits);
    assert_int_equal(counts.front_size, expected.front_size);
    assert_int_equal(counts.generation, expected.generation);
}

static void counts_leave_the_baseline_out(void **state) {
    struct fixture *f = *state;
    struct dse_sweep_counts counts;
    int64_t id = add_sweep(f->store);
    assert_counts(f, id, (struct dse_sweep_counts){.generation = -2});
    struct dse_individual_row row = individual_row(f->store, id, -1, 0, "float32");
    row.state = DSE_RESULT_DONE;
    row.in_front = true;
    row.cached = true;
    add_individual(f->store, &row);
    assert_counts(f, id, (struct dse_sweep_counts){.generation = -1});
    row = individual_row(f->store, id, 0, 0, "[8]");
    add_individual(f->store, &row);
    assert_counts(f, id, (struct dse_sweep_counts){.individuals = 1});
    assert_int_equal(dse_store_count_sweep(f->store, id + 1, &counts, &f->err), DSE_NOT_FOUND);
}

/* The counts from the rows, the slow way. */
static struct dse_sweep_counts count_rows(const char *path, int64_t id) {
    static const char *const questions[] = {
        "count(*)",    "sum(state <> 'pending')", "sum(state = 'failed')",
        "sum(cached)", "sum(in_front)",           "max(generation)"};
    int64_t answers[6];
    for (int i = 0; i < 6; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "SELECT %s FROM individual WHERE sweep_id = %lld AND generation >= 0",
                       questions[i], (long long)id);
        answers[i] = atoll(query_text(path, sql));
    }
    return (struct dse_sweep_counts){answers[0], answers[1], answers[2],
                                     answers[3], answers[4], (int)answers[5]};
}

static void counts_equal_the_rows_after_any_changes(void **state) {
    struct fixture *f = *state;
    enum { ROWS = 60, CHANGES = 400 };
    struct dse_individual_row rows[ROWS];
    char genomes[ROWS][16];
    struct dse_rng rng;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    int64_t ids[2] = {add_sweep(f->store), add_sweep(f->store)};
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(genomes[i], sizeof genomes[i], "[%d]", i);
        rows[i] = individual_row(f->store, ids[i % 2], i / 20, i, genomes[i]);
        rows[i].cached = dse_rng_below(&rng, 3) == 0;
        rows[i].state = (enum dse_result_state)dse_rng_below(&rng, 3);
        add_individual(f->store, &rows[i]);
    }
    for (int i = 0; i < CHANGES; i++) {
        struct dse_individual_row *row = &rows[dse_rng_below(&rng, ROWS)];
        row->in_front = dse_rng_below(&rng, 2) == 0;
        row->state = (enum dse_result_state)dse_rng_below(&rng, 3);
        assert_ok(i % 2 == 0 ? dse_store_update_individual(f->store, row, &f->err)
                             : dse_store_set_in_front(f->store, row->sweep_id, row->generation,
                                                      row->slot, row->in_front, &f->err),
                  &f->err);
    }
    assert_ok(dse_store_commit(f->store, &f->err), &f->err);
    for (int i = 0; i < 2; i++) {
        struct dse_sweep_counts expected = count_rows(f->place.path, ids[i]);
        assert_true(expected.individuals == ROWS / 2 && expected.front_size > 0);
        assert_counts(f, ids[i], expected);
    }
}

/* ---- contexts ---- */

static void the_first_text_of_a_context_stays(void **state) {
    struct fixture *f = *state;
    const char *text = "untouched";
    (void)add_evaluation(f->store, "abcd", "[8]"); /* names the context before it is known */
    assert_int_equal(dse_store_load_context(f->store, "abcd", &f->arena, &text, &f->err),
                     DSE_NOT_FOUND);
    assert_string_equal(text, "untouched");
    f->err = (struct dse_err){0};
    assert_ok(dse_store_put_context(f->store, "abcd", "{\"layers\":3}", &f->err), &f->err);
    assert_ok(dse_store_put_context(f->store, "abcd", "{\"layers\":4}", &f->err), &f->err);
    assert_ok(dse_store_put_context(f->store, "ef01", "{}", &f->err), &f->err);
    assert_ok(dse_store_load_context(f->store, "abcd", &f->arena, &text, &f->err), &f->err);
    assert_string_equal(text, "{\"layers\":3}");
    assert_ok(dse_store_load_context(f->store, "ef01", &f->arena, &text, &f->err), &f->err);
    assert_string_equal(text, "{}");
}

/* ---- transactions ---- */

static int count_sweeps(struct fixture *f) {
    return atoi(query_text(f->place.path, "SELECT count(*) FROM v_sweeps"));
}

static void transactions_are_all_or_nothing(void **state) {
    struct fixture *f = *state;
    dse_store_rollback(f->store); /* fine without one */
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    (void)add_sweep(f->store);
    (void)add_sweep(f->store);
    dse_store_rollback(f->store);
    assert_int_equal(count_sweeps(f), 0);
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    (void)add_sweep(f->store);
    assert_int_equal(count_sweeps(f), 0); /* others do not see it yet */
    assert_ok(dse_store_commit(f->store, &f->err), &f->err);
    assert_int_equal(count_sweeps(f), 1);
    (void)add_sweep(f->store);
    assert_int_equal(count_sweeps(f), 2); /* on its own: committed at once */
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    (void)add_sweep(f->store);
    reopen(f); /* closing rolls back */
    assert_int_equal(count_sweeps(f), 2);
}

static void unpaired_begin_and_commit_are_conflicts(void **state) {
    struct fixture *f = *state;
    assert_int_equal(dse_store_commit(f->store, &f->err), DSE_CONFLICT);
    f->err = (struct dse_err){0};
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    (void)add_sweep(f->store);
    assert_int_equal(dse_store_begin(f->store, NULL), DSE_CONFLICT);
    assert_ok(dse_store_commit(f->store, &f->err), &f->err); /* the first is still open */
    assert_int_equal(count_sweeps(f), 1);
}

static void a_writing_program_is_a_conflict_and_passes(void **state) {
    struct fixture *f = *state;
    sqlite3 *other = open_sql(f->place.path, SQLITE_OPEN_READWRITE);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(dse_store_begin(f->store, &f->err), DSE_CONFLICT);
    assert_non_null(strstr(f->err.text, "another program writes to"));
    assert_non_null(strstr(f->err.text, f->place.path));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    f->err = (struct dse_err){0};
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    (void)add_sweep(f->store);
    assert_ok(dse_store_commit(f->store, &f->err), &f->err);
}

/* ---- readers ---- */

static void readers_see_the_views_while_a_transaction_is_open(void **state) {
    struct fixture *f = *state;
    int64_t id = add_sweep(f->store);
    sqlite3 *reader = open_sql(f->place.path, SQLITE_OPEN_READONLY);
    assert_int_equal(sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    assert_string_equal(query_text_on(reader, "SELECT count(*) FROM v_sweeps"), "1");
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    struct dse_individual_row row = individual_row(f->store, id, 0, 0, "[8]");
    add_individual(f->store, &row);
    assert_string_equal(query_text_on(reader, "SELECT count(*) FROM v_individuals"), "0");
    assert_ok(dse_store_commit(f->store, &f->err), &f->err);
    /* The reader's own transaction keeps its view of the past; it does not hold the writer up. */
    assert_string_equal(query_text_on(reader, "SELECT count(*) FROM v_individuals"), "0");
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_string_equal(query_text_on(reader, "SELECT count(*) FROM v_individuals"), "1");
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
}

static void the_sweep_view_reads_as_documented(void **state) {
    struct fixture *f = *state;
    (void)add_sweep(f->store);
    assert_string_equal(
        query_text(f->place.path,
                   "SELECT sweep || ' ' || name || ' ' || state || ' ' || seed || ' ' ||"
                   " generation || ' ' || individuals || ' ' || file || ' ' || submitted_at_ms"
                   " || ' ' || (finished_at_ms IS NULL) FROM v_sweeps"),
        "1 resnet8 queued 18446744073709551615 -2 0 w.yaml 1700000000123 1");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_sweep_survives_reopening_in_every_field),
        TEST(sweeps_are_listed_by_id),
        TEST(the_newest_living_sweep_of_a_content_is_found),
        TEST(open_sweeps_come_by_priority_then_age),
        TEST(a_deleted_sweep_leaves_what_others_cite),
        TEST(the_states_follow_the_table),
        TEST(a_state_brings_its_reason_and_time),
        TEST(counts_leave_the_baseline_out),
        TEST(counts_equal_the_rows_after_any_changes),
        TEST(the_first_text_of_a_context_stays),
        TEST(transactions_are_all_or_nothing),
        TEST(unpaired_begin_and_commit_are_conflicts),
        TEST(a_writing_program_is_a_conflict_and_passes),
        TEST(readers_see_the_views_while_a_transaction_is_open),
        TEST(the_sweep_view_reads_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
