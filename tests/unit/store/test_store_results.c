/* store: evaluations, partials, individuals, survivors, and the views over them. */
#include "tests/unit/store/store_testing.h"

#include <float.h>
#include <malloc.h>
#include <math.h>

struct fixture {
    struct place place;
    struct dse_store *store;
    int64_t sweep_id;
    struct dse_arena arena;
    struct dse_err err;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    make_place(&f->place);
    f->store = open_store(&f->place);
    f->sweep_id = add_sweep(f->store);
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

/* The call must fail with that code; forgets the error. */
#define assert_fails(f, expected, call)            \
    do {                                           \
        assert_int_equal(call, expected);          \
        assert_int_equal((f)->err.code, expected); \
        (f)->err = (struct dse_err){0};            \
    } while (0)

/* ---- evaluations ---- */

static void an_evaluation_is_made_once_for_each_context_and_genome(void **state) {
    struct fixture *f = *state;
    struct dse_evaluation_row row;
    int64_t a = add_evaluation(f->store, "abcd", "[8,4]");
    assert_int_not_equal(a, add_evaluation(f->store, "abcd", "[4,8]"));
    assert_int_not_equal(a, add_evaluation(f->store, "ef01", "[8,4]"));
    assert_int_equal(a, add_evaluation(f->store, "abcd", "[8,4]"));
    assert_ok(dse_store_finish_evaluation(f->store, a, DSE_RESULT_FAILED, "no memory", &f->err),
              &f->err);
    assert_ok(dse_store_ensure_evaluation(f->store, "abcd", "[8,4]", &f->arena, &row, &f->err),
              &f->err);
    assert_int_equal(row.id, a);
    assert_int_equal(row.state, DSE_RESULT_FAILED);
    assert_string_equal(row.reason, "no memory");
    assert_ok(dse_store_ensure_evaluation(f->store, "abcd", "[2,2]", &f->arena, &row, &f->err),
              &f->err);
    assert_int_equal(row.state, DSE_RESULT_PENDING);
    assert_string_equal(row.reason, "");
    assert_fails(f, DSE_NOT_FOUND,
                 dse_store_finish_evaluation(f->store, 99, DSE_RESULT_DONE, "", &f->err));
}

/* Those of other connections and processes, too. */
static void evaluations_are_found_after_the_store_was_opened_again(void **state) {
    struct fixture *f = *state;
    enum { N = 3000 }; /* the table in memory grows */
    char genome[20];
    int64_t ids[N];
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    for (int i = 0; i < N; i++) {
        (void)snprintf(genome, sizeof genome, "[%d]", i / 2);
        ids[i] = add_evaluation(f->store, i % 2 == 0 ? "abcd" : "ef01", genome);
    }
    assert_ok(dse_store_commit(f->store, &f->err), &f->err);
    dse_store_close(f->store);
    f->store = open_store(&f->place);
    for (int i = N - 1; i >= 0; i--) {
        (void)snprintf(genome, sizeof genome, "[%d]", i / 2);
        assert_int_equal(add_evaluation(f->store, i % 2 == 0 ? "abcd" : "ef01", genome), ids[i]);
    }
    assert_string_equal(query_text(f->place.path, "SELECT count(*) FROM evaluation"), "3000");
}

/* SQLite gives the number of a row that is gone to the next. */
static void an_evaluation_that_was_taken_back_is_not_found(void **state) {
    struct fixture *f = *state;
    int64_t kept = add_evaluation(f->store, "abcd", "[1]");
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    int64_t gone = add_evaluation(f->store, "abcd", "[2]");
    assert_int_equal(add_evaluation(f->store, "abcd", "[2]"), gone);
    dse_store_rollback(f->store);
    assert_int_equal(add_evaluation(f->store, "abcd", "[3]"), gone);
    int64_t again = add_evaluation(f->store, "abcd", "[2]");
    assert_int_not_equal(again, gone);
    assert_int_equal(add_evaluation(f->store, "abcd", "[2]"), again);
    assert_int_equal(add_evaluation(f->store, "abcd", "[3]"), gone);
    assert_int_equal(add_evaluation(f->store, "abcd", "[1]"), kept);
}

static size_t bytes_in_use(void) {
    struct mallinfo2 info = mallinfo2(); /* zeros under the sanitizers */
    return info.uordblks + info.hblkhd;
}

/* As on a full disk: no memory for each try. */
static void what_is_taken_back_again_and_again_is_known_once(void **state) {
    struct fixture *f = *state;
    enum { TRIES = 5000, WARM = 500, MAY_GROW = 16384 };
    size_t before = 0;
    for (int i = 0; i < TRIES; i++) {
        assert_ok(dse_store_begin(f->store, &f->err), &f->err);
        assert_int_equal(add_evaluation(f->store, "abcd", "[2]"), 1);
        dse_store_rollback(f->store);
        if (i == WARM)
            before = bytes_in_use();
    }
    assert_true(bytes_in_use() <= before + MAY_GROW);
}

static void partials_are_kept_once_and_summed(void **state) {
    struct fixture *f = *state;
    const int64_t seen1[] = {100, 50}, correct1[] = {90, 20};
    const int64_t seen3[] = {7, INT64_MAX / 2}, correct3[] = {0, INT64_MAX / 2};
    const int64_t other[] = {1, 1};
    struct dse_outcome outcome;
    bool have[4] = {true, true, true, true};
    int64_t id = add_evaluation(f->store, "abcd", "[8]");
    int64_t another = add_evaluation(f->store, "abcd", "[4]");
    assert_ok(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err), &f->err);
    assert_true(outcome.n_cells == 0 && outcome.n_values == 0);
    assert_ok(put_counts(f->store, id, 3, seen3, correct3, 2, &f->err), &f->err);
    assert_ok(put_counts(f->store, id, 1, seen1, correct1, 2, &f->err), &f->err);
    assert_ok(put_counts(f->store, id, 1, other, other, 2, &f->err), &f->err);
    assert_ok(put_counts(f->store, another, 0, other, other, 2, &f->err), &f->err);
    assert_ok(dse_store_load_shards(f->store, id, have, 4, &f->err), &f->err);
    assert_true(!have[0] && have[1] && !have[2] && have[3]);
    for (int done = 0; done < 2; done++) {
        assert_ok(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err), &f->err);
        assert_true(outcome.n_cells == 2 && outcome.tally_size == TEST_WORDS);
        const int64_t *first = dse_outcome_cell(&outcome, 0),
                      *second = dse_outcome_cell(&outcome, 1);
        assert_true(first[0] == 107 && second[0] == 50 + INT64_MAX / 2);
        assert_true(first[1] == 90 && second[1] == 20 + INT64_MAX / 2);
        assert_true(first[2] == 100 + 90 + 7 && second[2] == 70 + 2 * (INT64_MAX / 2 % 1000));
        assert_ok(dse_store_finish_evaluation(f->store, id, DSE_RESULT_DONE, "", &f->err), &f->err);
        assert_string_equal(query_text(f->place.path, "SELECT count(*) FROM partial"), "1");
        /* Late results change nothing, nor does a late failure. */
        assert_ok(put_counts(f->store, id, 0, other, other, 2, &f->err), &f->err);
        assert_ok(dse_store_finish_evaluation(f->store, id, DSE_RESULT_FAILED, "", &f->err),
                  &f->err);
    }
    assert_string_equal(query_text(f->place.path, "SELECT count(*) FROM partial"), "1");
}

static void impossible_partials_are_refused(void **state) {
    struct fixture *f = *state;
    const int64_t two[] = {2, 2}, three[] = {2, 3}, minus[] = {0, -1};
    const int64_t much[] = {INT64_MAX, INT64_MAX};
    const int64_t seven[] = {1, 1, 1, 1, 1, 1, 1, 1};
    const struct dse_outcome nothing = {0},
                             one_word = {.tallies = two, .n_cells = 2, .tally_size = 1},
                             minus_nll = {.tallies = (int64_t[]){1, 1, -1},
                                          .n_cells = 1,
                                          .tally_size = 3},
                             no_number = {.values = (double[]){NAN}, .n_values = 1};
    struct dse_outcome outcome = {.n_cells = -5};
    bool have[1] = {true};
    int64_t id = add_evaluation(f->store, "abcd", "[8]");
    assert_fails(f, DSE_INVALID, put_counts(f->store, id, 0, two, three, 2, &f->err));
    assert_fails(f, DSE_INVALID, put_counts(f->store, id, 0, two, minus, 2, &f->err));
    assert_fails(f, DSE_INVALID, put_counts(f->store, id, -1, two, two, 2, &f->err));
    const struct dse_outcome *const impossible[] = {&nothing, &one_word, &minus_nll, &no_number};
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
        assert_fails(f, DSE_INVALID,
                     dse_store_put_partial(f->store, id, 0, impossible[i], &f->err));
    assert_fails(f, DSE_NOT_FOUND, put_counts(f->store, 99, 0, two, two, 2, &f->err));
    assert_ok(put_counts(f->store, id, 1, much, two, 2, &f->err), &f->err);
    assert_fails(f, DSE_INVALID, dse_store_load_shards(f->store, id, have, 1, &f->err));
    assert_ok(put_counts(f->store, id, 2, much, two, 2, &f->err), &f->err); /* too large a sum */
    assert_fails(f, DSE_INVALID,
                 dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err));
    assert_fails(f, DSE_INVALID,
                 dse_store_finish_evaluation(f->store, id, DSE_RESULT_DONE, "", &f->err));
    id = add_evaluation(f->store, "abcd", "[9]");
    assert_ok(put_counts(f->store, id, 0, two, two, 2, &f->err), &f->err);
    assert_ok(put_counts(f->store, id, 1, seven, seven, 8, &f->err), &f->err); /* other cells */
    assert_fails(f, DSE_INVALID,
                 dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err));
    assert_true(have[0] && outcome.n_cells == -5); /* outputs untouched */
}

static void a_partial_damaged_by_hand_is_told(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {"",      "[1,2", "[1,x]", "[1,2]x",
                                        "[1 2]", "1,2",  "[,]",   "[99999999999999999999,1]"};
    const int64_t two[] = {2, 2};
    struct dse_outcome outcome;
    int64_t id = add_evaluation(f->store, "abcd", "[8]");
    assert_ok(put_counts(f->store, id, 0, two, two, 2, &f->err), &f->err);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char sql[100];
        (void)snprintf(sql, sizeof sql, "UPDATE partial SET correct = '%s'", texts[i]);
        run_sql(f->place.path, sql);
        assert_int_equal(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err),
                         DSE_INVALID);
        assert_non_null(strstr(f->err.text, f->place.path));
    }
    run_sql(f->place.path, "UPDATE partial SET correct = '[2,2]'");
    f->err = (struct dse_err){0};
    assert_ok(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err), &f->err);
    static const char *const tallies[] = {"0103020204", "02",         "0203020204020304",
                                          "020302",     "0003",       "FFFFFFFFFFFFFFFFFF7F03",
                                          "0201",       "0203020204", "020302020402020405"};
    for (size_t i = 0; i < sizeof tallies / sizeof tallies[0]; i++) {
        char sql[100];
        (void)snprintf(sql, sizeof sql, "UPDATE partial SET tally = x'%s'", tallies[i]);
        run_sql(f->place.path, sql);
        assert_int_equal(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err),
                         DSE_INVALID);
    }
}

static void values_are_kept_with_their_names(void **state) {
    struct fixture *f = *state;
    const char *const names[] = {"latency", "a \"quoted\"\n\\ \x01name"};
    const struct dse_outcome partial = {
        .values = (double[]){1.0 / 3, -INFINITY, 7}, .n_values = 3, .names = names, .n_names = 2};
    struct dse_outcome outcome;
    int64_t id = add_evaluation(f->store, "abcd", "[8]");
    assert_ok(dse_store_put_partial(f->store, id, 0, &partial, &f->err), &f->err);
    for (int done = 0; done < 2; done++) {
        assert_ok(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err), &f->err);
        assert_int_equal(outcome.n_cells, 0);
        assert_int_equal(outcome.n_values, 3);
        assert_true(outcome.values[0] == 1.0 / 3 && outcome.values[1] == -INFINITY &&
                    outcome.values[2] == 7);
        assert_int_equal(outcome.n_names, 2);
        assert_string_equal(outcome.names[0], names[0]);
        assert_string_equal(outcome.names[1], names[1]);
        assert_ok(dse_store_finish_evaluation(f->store, id, DSE_RESULT_DONE, "", &f->err), &f->err);
    }
    run_sql(f->place.path, "UPDATE result SET value_names = '[\"latency\",\"\\u00\"]'");
    assert_int_equal(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err),
                     DSE_INVALID);
}

/* What schema 1 knew: counts without tallies. Newer shards add to what both know. */
static void counts_of_old_databases_are_tallies_of_two_words(void **state) {
    struct fixture *f = *state;
    const int64_t seen[] = {10, 20}, correct[] = {9, 8};
    struct dse_outcome outcome;
    int64_t id = add_evaluation(f->store, "abcd", "[8]");
    for (int shard = 0; shard < 3; shard++)
        assert_ok(put_counts(f->store, id, shard, seen, correct, 2, &f->err), &f->err);
    run_sql(f->place.path, "UPDATE partial SET tally = NULL WHERE shard = 1");
    assert_ok(dse_store_load_outcome(f->store, id, &f->arena, &outcome, &f->err), &f->err);
    assert_int_equal(outcome.tally_size, 2);
    assert_true(outcome.tallies[0] == 30 && outcome.tallies[1] == 27 && outcome.tallies[2] == 60 &&
                outcome.tallies[3] == 24);
}

/* ---- individuals ---- */

static void assert_individual_equal(const struct dse_individual_row *a,
                                    const struct dse_individual_row *b) {
    assert_int_equal(a->sweep_id, b->sweep_id);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->slot, b->slot);
    assert_string_equal(a->genome, b->genome);
    assert_int_equal(a->evaluation_id, b->evaluation_id);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->n_objectives, b->n_objectives);
    for (int i = 0; i < a->n_objectives; i++)
        assert_memory_equal(&a->objectives[i], &b->objectives[i], sizeof(double));
    assert_memory_equal(&a->violation, &b->violation, sizeof(double));
    assert_int_equal(a->in_front, b->in_front);
    assert_int_equal(a->cached, b->cached);
}

static struct dse_individual_row load(struct fixture *f, int generation, int slot) {
    struct dse_individual_row row;
    assert_ok(dse_store_load_individual(f->store, f->sweep_id, generation, slot, &f->arena, &row,
                                        &f->err),
              &f->err);
    return row;
}

static void an_individual_comes_back_bit_by_bit(void **state) {
    struct fixture *f = *state;
    static const double awkward[DSE_MAX_OBJECTIVES] = {
        0.1,     1.0 / 3, DBL_MAX, DBL_MIN, 4.9406564584124654e-324, -0.0, 123456789012345680.0,
        INFINITY};
    struct dse_individual_row row = individual_row(f->store, f->sweep_id, 3, 17, "[8,4,0.5]");
    row.cached = true;
    row.violation = 0.1 + 0.2;
    add_individual(f->store, &row);
    struct dse_individual_row read = load(f, 3, 17);
    assert_individual_equal(&read, &row);
    row.state = DSE_RESULT_DONE;
    row.n_objectives = DSE_MAX_OBJECTIVES;
    memcpy(row.objectives, awkward, sizeof awkward);
    row.in_front = true;
    row.violation = 1e-300;
    assert_ok(dse_store_update_individual(f->store, &row, &f->err), &f->err);
    read = load(f, 3, 17);
    assert_individual_equal(&read, &row);
    row.state = DSE_RESULT_FAILED;
    row.reason = "accuracy_clean is not a number";
    row.n_objectives = 0;
    row.in_front = false;
    assert_ok(dse_store_update_individual(f->store, &row, &f->err), &f->err);
    read = load(f, 3, 17);
    assert_individual_equal(&read, &row);
}

static void individuals_that_cannot_be_are_refused(void **state) {
    struct fixture *f = *state;
    struct dse_individual_row row = individual_row(f->store, f->sweep_id, 0, 0, "[8]");
    assert_fails(f, DSE_NOT_FOUND, dse_store_update_individual(f->store, &row, &f->err));
    assert_fails(f, DSE_NOT_FOUND,
                 dse_store_set_in_front(f->store, f->sweep_id, 0, 0, true, &f->err));
    assert_fails(f, DSE_NOT_FOUND,
                 dse_store_load_individual(f->store, f->sweep_id, 0, 0, &f->arena, &row, &f->err));
    assert_string_equal(row.genome, "[8]");
    add_individual(f->store, &row);
    assert_fails(f, DSE_CONFLICT, dse_store_insert_individual(f->store, &row, &f->err));
    row.slot = 1;
    row.sweep_id = 99;
    assert_fails(f, DSE_NOT_FOUND, dse_store_insert_individual(f->store, &row, &f->err));
    row.sweep_id = f->sweep_id;
    row.genome = "[4]"; /* not that of the evaluation */
    assert_fails(f, DSE_NOT_FOUND, dse_store_insert_individual(f->store, &row, &f->err));
    row.genome = "[8]";
    row.n_objectives = 2;
    row.objectives[1] = NAN;
    assert_fails(f, DSE_INVALID, dse_store_insert_individual(f->store, &row, &f->err));
    row.n_objectives = 1;
    row.violation = NAN;
    assert_fails(f, DSE_INVALID, dse_store_insert_individual(f->store, &row, &f->err));
}

static void add_population(struct fixture *f) {
    static const char *const genomes[] = {"[2]", "[3]", "[4]", "[5]", "[6]", "[7]"};
    struct dse_individual_row row = individual_row(f->store, f->sweep_id, -1, 0, "float32");
    row.in_front = true;
    add_individual(f->store, &row);
    for (int i = 5; i >= 0; i--) { /* not in the order of slots */
        row = individual_row(f->store, f->sweep_id, i / 3, i % 3, genomes[i]);
        row.in_front = i % 2 == 1;
        add_individual(f->store, &row);
    }
}

/* "generation/slot ..." of a selection. */
static const char *select_rows(struct fixture *f, enum dse_selection selection, int generation) {
    static char out[256];
    struct dse_individual_row *rows;
    int n;
    assert_ok(dse_store_load_individuals(f->store, f->sweep_id, selection, generation, &f->arena,
                                         &rows, &n, &f->err),
              &f->err);
    size_t length = 0;
    out[0] = '\0';
    for (int i = 0; i < n; i++)
        length += (size_t)snprintf(out + length, sizeof out - length, "%d/%d ", rows[i].generation,
                                   rows[i].slot);
    return out;
}

static void selections_have_their_rows_in_order(void **state) {
    struct fixture *f = *state;
    int64_t first = f->sweep_id;
    add_population(f);
    f->sweep_id = add_sweep(f->store); /* a second sweep of the same genomes stays apart */
    add_population(f);
    assert_string_equal(select_rows(f, DSE_SELECT_GENERATION, 1), "1/0 1/1 1/2 ");
    assert_string_equal(select_rows(f, DSE_SELECT_GENERATION, -1), "-1/0 ");
    assert_string_equal(select_rows(f, DSE_SELECT_GENERATION, 2), "");
    assert_string_equal(select_rows(f, DSE_SELECT_ALL, 0), "0/0 0/1 0/2 1/0 1/1 1/2 ");
    assert_string_equal(select_rows(f, DSE_SELECT_FRONT, 0), "0/1 1/0 1/2 ");
    assert_ok(dse_store_set_in_front(f->store, f->sweep_id, 0, 0, true, &f->err), &f->err);
    assert_ok(dse_store_set_in_front(f->store, f->sweep_id, 1, 0, false, &f->err), &f->err);
    assert_string_equal(select_rows(f, DSE_SELECT_FRONT, 0), "0/0 0/1 1/2 ");
    f->sweep_id = first;
    assert_string_equal(select_rows(f, DSE_SELECT_FRONT, 0), "0/1 1/0 1/2 ");
}

static const char *page_rows(struct fixture *f, const struct dse_individual_range *range) {
    static char out[256];
    struct dse_individual_row *rows;
    int n;
    assert_ok(dse_store_page_individuals(f->store, range, &f->arena, &rows, &n, &f->err), &f->err);
    size_t length = 0;
    out[0] = '\0';
    for (int i = 0; i < n; i++)
        length += (size_t)snprintf(out + length, sizeof out - length, "%d/%d ", rows[i].generation,
                                   rows[i].slot);
    return out;
}

static void pages_go_on_where_they_are_told(void **state) {
    struct fixture *f = *state;
    add_population(f);
    struct dse_individual_range range = {f->sweep_id, -1, 0, 3, false};
    assert_string_equal(page_rows(f, &range), "-1/0 0/0 0/1 ");
    range = (struct dse_individual_range){f->sweep_id, 0, 2, 3, false};
    assert_string_equal(page_rows(f, &range), "0/2 1/0 1/1 ");
    range = (struct dse_individual_range){f->sweep_id, 1, 2, 3, false};
    assert_string_equal(page_rows(f, &range), "1/2 ");
    range = (struct dse_individual_range){f->sweep_id, 1, 3, 3, false};
    assert_string_equal(page_rows(f, &range), "");
    range = (struct dse_individual_range){f->sweep_id, -1, 0, 2, true};
    assert_string_equal(page_rows(f, &range), "0/1 1/0 ");
    range = (struct dse_individual_range){f->sweep_id, 1, 1, 2, true};
    assert_string_equal(page_rows(f, &range), "1/2 ");
    range.sweep_id++;
    assert_string_equal(page_rows(f, &range), "");
}

static void many_individuals_come_back_in_order(void **state) {
    struct fixture *f = *state;
    enum { ROWS = 300 };
    struct dse_individual_row *rows;
    int n;
    assert_ok(dse_store_begin(f->store, &f->err), &f->err);
    for (int i = 0; i < ROWS; i++) {
        char genome[16];
        (void)snprintf(genome, sizeof genome, "[%d]", i);
        struct dse_individual_row row = individual_row(f->store, f->sweep_id, 0, i, genome);
        add_individual(f->store, &row);
    }
    assert_ok(dse_store_commit(f->store, &f->err), &f->err);
    assert_ok(dse_store_load_individuals(f->store, f->sweep_id, DSE_SELECT_ALL, 0, &f->arena, &rows,
                                         &n, &f->err),
              &f->err);
    assert_int_equal(n, ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(rows[i].slot, i);
        assert_int_equal(atoi(rows[i].genome + 1), i);
    }
}

/* ---- survivors ---- */

static void survivors_come_back_best_first(void **state) {
    struct fixture *f = *state;
    const struct dse_survivor_row best[] = {
        {1, 2, 0, INFINITY}, {0, 1, 0, 1.0 / 3}, {1, 0, 1, 0}, {0, 2, 2, 5e-324}};
    struct dse_survivor_row *rows;
    int n = -1;
    add_population(f);
    assert_ok(dse_store_put_survivors(f->store, f->sweep_id, 1, best + 1, 2, &f->err), &f->err);
    assert_ok(dse_store_put_survivors(f->store, f->sweep_id, 1, best, 4, &f->err), &f->err);
    assert_ok(dse_store_put_survivors(f->store, f->sweep_id, 0, best + 1, 1, &f->err), &f->err);
    assert_ok(dse_store_load_survivors(f->store, f->sweep_id, 1, &f->arena, &rows, &n, &f->err),
              &f->err);
    assert_int_equal(n, 4);
    for (int i = 0; i < n; i++) {
        assert_int_equal(rows[i].generation, best[i].generation);
        assert_int_equal(rows[i].slot, best[i].slot);
        assert_int_equal(rows[i].rank, best[i].rank);
        assert_memory_equal(&rows[i].crowding, &best[i].crowding, sizeof(double));
    }
    assert_ok(dse_store_load_survivors(f->store, f->sweep_id, 7, &f->arena, &rows, &n, &f->err),
              &f->err);
    assert_int_equal(n, 0);
}

static void refused_survivors_change_nothing(void **state) {
    struct fixture *f = *state;
    const struct dse_survivor_row good[] = {{0, 0, 0, 1}};
    const struct dse_survivor_row no_number[] = {{0, 1, 0, 1}, {0, 2, 0, NAN}};
    const struct dse_survivor_row stranger[] = {{0, 1, 0, 1}, {0, 9, 0, 1}};
    struct dse_survivor_row *rows;
    int n;
    add_population(f);
    assert_ok(dse_store_put_survivors(f->store, f->sweep_id, 0, good, 1, &f->err), &f->err);
    assert_fails(f, DSE_INVALID,
                 dse_store_put_survivors(f->store, f->sweep_id, 0, no_number, 2, &f->err));
    assert_fails(f, DSE_NOT_FOUND,
                 dse_store_put_survivors(f->store, f->sweep_id, 0, stranger, 2, &f->err));
    assert_ok(dse_store_load_survivors(f->store, f->sweep_id, 0, &f->arena, &rows, &n, &f->err),
              &f->err);
    assert_true(n == 1 && rows[0].slot == 0);
    assert_ok(dse_store_begin(f->store, &f->err), &f->err); /* no transaction was left open */
}

/* ---- views ---- */

static void views_show_objectives_and_cells_as_numbers(void **state) {
    struct fixture *f = *state;
    const char *path = f->place.path;
    const int64_t seen[] = {10, 20}, correct[] = {9, 8};
    struct dse_individual_row row = individual_row(f->store, f->sweep_id, 2, 5, "[8,4]");
    row.state = DSE_RESULT_DONE;
    row.n_objectives = 2;
    row.objectives[0] = 0.1;
    row.objectives[1] = INFINITY;
    row.in_front = true;
    add_individual(f->store, &row);
    for (int shard = 0; shard < 3; shard++)
        assert_ok(put_counts(f->store, row.evaluation_id, shard, seen, correct, 2, &f->err),
                  &f->err);
    assert_string_equal(query_text(path, "SELECT objectives FROM v_individuals"),
                        "[0.10000000000000001,1e999]");
    static const char *const views[] = {"v_individuals", "v_front"};
    for (int i = 0; i < 2; i++) {
        char sql[200];
        (void)snprintf(sql, sizeof sql,
                       "SELECT genome || (objective_0 = 0.1) || (objective_1 = 9e999) ||"
                       " (objective_2 IS NULL) || generation || slot FROM %s WHERE sweep = 1",
                       views[i]);
        assert_string_equal(query_text(path, sql), "[8,4]11125");
    }
    row = individual_row(f->store, f->sweep_id, 2, 6, "[4,4]");
    row.n_objectives = 1;
    row.objectives[0] = 7; /* stays a real number, so that a column has one type */
    add_individual(f->store, &row);
    assert_string_equal(query_text(path, "SELECT typeof(objective_0) || typeof(objective_1)"
                                         " FROM v_individuals WHERE slot = 6"),
                        "realnull");
    for (int done = 0; done < 2; done++) { /* from the partials, then from their sum */
        assert_string_equal(query_text(path, "SELECT group_concat(cell || ':' || seen || ':' ||"
                                             " correct || ':' || accuracy)"
                                             " FROM (SELECT * FROM v_cells WHERE sweep = 1 AND"
                                             " generation = 2 AND slot = 5 ORDER BY cell)"),
                            "0:30:27:0.9,1:60:24:0.4");
        int64_t id = add_evaluation(f->store, "abcd", "[8,4]");
        assert_ok(dse_store_finish_evaluation(f->store, id, DSE_RESULT_DONE, "", &f->err), &f->err);
    }
    assert_ok(dse_store_set_in_front(f->store, f->sweep_id, 2, 5, false, &f->err), &f->err);
    assert_string_equal(query_text(path, "SELECT count(*) FROM v_front"), "0");
}

/* The plan of each question names the key it must use, and reads no table from end to end. */
static void questions_about_one_sweep_use_indices(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *sql, *plan;
    } questions[] = {
        {"SELECT * FROM v_front WHERE sweep = 1", "INDEX individual_in_front (sweep_id=?"},
        {"SELECT * FROM v_individuals WHERE sweep = 1 AND generation = 2",
         "SEARCH i USING PRIMARY KEY (sweep_id=? AND generation=?)"},
        {"SELECT i.slot FROM individual i WHERE i.sweep_id = 1 AND (i.generation, i.slot) >= (2, 3)"
         " ORDER BY i.generation, i.slot LIMIT 9",
         "SEARCH i USING PRIMARY KEY (sweep_id=? AND (generation,slot)>(?,?))"},
        {"SELECT * FROM v_cells WHERE sweep = 1 AND generation = 2 AND slot = 5",
         "SEARCH i USING PRIMARY KEY (sweep_id=? AND generation=? AND slot=?)"},
    };
    sqlite3 *db = open_sql(f->place.path, SQLITE_OPEN_READONLY);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        char sql[200], plan[1000] = "";
        sqlite3_stmt *stmt;
        (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", questions[i].sql);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            size_t length = strlen(plan);
            (void)snprintf(plan + length, sizeof plan - length, "%s\n",
                           (const char *)sqlite3_column_text(stmt, 3));
        }
        (void)sqlite3_finalize(stmt);
        if (strstr(plan, questions[i].plan) == NULL || strstr(plan, "SCAN i ") != NULL ||
            strstr(plan, "SCAN e ") != NULL || strstr(plan, "SCAN p ") != NULL)
            fail_msg("%s:\n%s", questions[i].sql, plan);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static sqlite3 *connection_of_store;

/* SQLite calls it for every connection; the store's is the first. */
static int note_connection(sqlite3 *db, const char **text, const void *api) {
    (void)text;
    (void)api;
    if (connection_of_store == NULL)
        connection_of_store = db;
    return SQLITE_OK;
}

/* Steps of SQLite's virtual machine that the store's statement with that piece of SQL has taken. */
static int steps_of(const char *piece) {
    for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(connection_of_store, stmt)) != NULL;)
        if (strstr(sqlite3_sql(stmt), piece) != NULL)
            return sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
    return -1;
}

static void counting_and_the_front_cost_their_answers_only(void **state) {
    struct fixture *f = *state;
    enum { ROWS = 500 };
    struct dse_sweep_counts counts;
    struct place place;
    make_place(&place);
    connection_of_store = NULL;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))note_connection), SQLITE_OK);
    struct dse_store *store = open_store(&place);
    (void)sqlite3_cancel_auto_extension((void (*)(void))note_connection);
    int64_t id = add_sweep(store);
    assert_ok(dse_store_begin(store, &f->err), &f->err);
    for (int i = 0; i < ROWS; i++) {
        char genome[16];
        (void)snprintf(genome, sizeof genome, "[%d]", i);
        struct dse_individual_row row = individual_row(store, id, 0, i, genome);
        row.in_front = i == 77;
        add_individual(store, &row);
    }
    assert_ok(dse_store_commit(store, &f->err), &f->err);
    struct dse_individual_row *rows;
    int n;
    assert_ok(
        dse_store_load_individuals(store, id, DSE_SELECT_FRONT, 0, &f->arena, &rows, &n, &f->err),
        &f->err);
    assert_ok(dse_store_count_sweep(store, id, &counts, &f->err), &f->err);
    assert_true(n == 1 && rows[0].slot == 77 && counts.individuals == ROWS);
    assert_in_range(steps_of("in_front = 1"), 5, 100);
    assert_in_range(steps_of("FROM sweep_counts"), 5, 50);
    dse_store_close(store);
    remove_place(&place);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_evaluation_is_made_once_for_each_context_and_genome),
        TEST(evaluations_are_found_after_the_store_was_opened_again),
        TEST(an_evaluation_that_was_taken_back_is_not_found),
        TEST(what_is_taken_back_again_and_again_is_known_once),
        TEST(partials_are_kept_once_and_summed),
        TEST(impossible_partials_are_refused),
        TEST(a_partial_damaged_by_hand_is_told),
        TEST(values_are_kept_with_their_names),
        TEST(counts_of_old_databases_are_tallies_of_two_words),
        TEST(an_individual_comes_back_bit_by_bit),
        TEST(individuals_that_cannot_be_are_refused),
        TEST(selections_have_their_rows_in_order),
        TEST(pages_go_on_where_they_are_told),
        TEST(many_individuals_come_back_in_order),
        TEST(survivors_come_back_best_first),
        TEST(refused_survivors_change_nothing),
        TEST(views_show_objectives_and_cells_as_numbers),
        TEST(questions_about_one_sweep_use_indices),
        TEST(counting_and_the_front_cost_their_answers_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
