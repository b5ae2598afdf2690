/* store: the dump of a sweep does not depend on who came first. */
#include "tests/unit/store/store_testing.h"

#include <math.h>

enum { SLOTS = 4, SHARDS = 3, CELLS = 2 };

static const char *const genomes[SLOTS] = {"[2]", "[3]", "[4]", "[5]"};

/* What differs between two histories with the same answers. */
struct history {
    int sweeps_before;      /* other sweeps were there first */
    uint32_t order;         /* stream that shuffles */
    const char *base_dir;   /* places */
    int64_t times;          /* clock */
    bool partials_repeated; /* late duplicates */
};

static void shuffle(int *items, int n, struct dse_rng *rng) {
    for (int i = 0; i < n; i++)
        items[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int k = (int)dse_rng_below(rng, (uint32_t)i + 1), kept = items[i];
        items[i] = items[k];
        items[k] = kept;
    }
}

static int64_t add_my_sweep(struct dse_store *store, const struct history *history,
                            const char *name) {
    struct dse_sweep_row row = sweep_row();
    struct dse_err err = {0};
    int64_t id;
    row.name = name;
    row.base_dir = history->base_dir;
    row.file = history->base_dir;
    row.submitted_at_ms = history->times;
    assert_ok(dse_store_insert_sweep(store, &row, &id, &err), &err);
    return id;
}

static void put_partials(struct dse_store *store, int64_t evaluation_id, int slot,
                         const struct history *history, struct dse_rng *rng) {
    int shards[SHARDS];
    struct dse_err err = {0};
    shuffle(shards, SHARDS, rng);
    for (int i = 0; i < SHARDS * (history->partials_repeated ? 2 : 1); i++) {
        int shard = shards[i % SHARDS];
        const int64_t seen[CELLS] = {100, 10 + shard}, correct[CELLS] = {90 - slot, shard};
        assert_ok(put_counts(store, evaluation_id, shard, seen, correct, CELLS, &err), &err);
    }
}

static void add_generation(struct dse_store *store, int64_t id, const struct history *history,
                           struct dse_rng *rng) {
    int slots[SLOTS];
    struct dse_err err = {0};
    shuffle(slots, SLOTS, rng);
    for (int i = 0; i < SLOTS; i++) {
        int slot = slots[i];
        struct dse_individual_row row = individual_row(store, id, 0, slot, genomes[slot]);
        add_individual(store, &row);
        put_partials(store, row.evaluation_id, slot, history, rng);
        row.state = slot == 3 ? DSE_RESULT_FAILED : DSE_RESULT_DONE;
        row.reason = slot == 3 ? "worker said: \"no\"" : "";
        row.n_objectives = slot == 3 ? 0 : 2;
        row.objectives[0] = 1.0 / (slot + 3);
        row.objectives[1] = slot * 1e12;
        row.in_front = slot < 2;
        assert_ok(dse_store_update_individual(store, &row, &err), &err);
    }
    const struct dse_survivor_row best[] = {{0, 1, 0, INFINITY}, {0, 0, 0, 0.25}};
    assert_ok(dse_store_put_survivors(store, id, 0, best, 2, &err), &err);
}

static void dump_sweep(struct dse_store *store, int64_t id, struct dse_buf *out) {
    struct dse_err err = {0};
    for (int generation = -1; generation <= 1; generation++)
        assert_ok(dse_store_dump(store, id, generation, out, &err), &err);
}

static void set_state(struct dse_store *store, int64_t id, enum dse_sweep_state state,
                      int64_t time) {
    struct dse_err err = {0};
    assert_ok(dse_store_set_sweep_state(store, id, state, "", time, &err), &err);
}

/* A finished sweep in a database of its own, dumped. */
static void live_and_dump(const struct history *history, struct dse_buf *out) {
    struct place place;
    struct dse_rng rng;
    struct dse_err err = {0};
    dse_rng_init(&rng, 11, DSE_RNG_TEST, history->order, 0);
    make_place(&place);
    struct dse_store *store = open_store(&place);
    for (int i = 0; i < history->sweeps_before; i++)
        add_generation(store, add_my_sweep(store, history, "earlier"), history, &rng);
    int64_t id = add_my_sweep(store, history, "mine");
    assert_ok(dse_store_put_context(store, "abcd", "{\"layers\":\n[1]}", &err), &err);
    set_state(store, id, DSE_SWEEP_RUNNING, 0);
    struct dse_individual_row row = individual_row(store, id, -1, 0, "float32");
    add_individual(store, &row);
    put_partials(store, row.evaluation_id, 0, history, &rng);
    add_generation(store, id, history, &rng);
    set_state(store, id, DSE_SWEEP_DONE, history->times);
    dump_sweep(store, id, out);
    dse_store_close(store);
    remove_place(&place);
}

static void equal_answers_give_equal_text(void **state) {
    (void)state;
    const struct history first = {0, 1, "/home/a", 1000, false};
    const struct history others[] = {
        {0, 2, "/home/a", 1000, false}, {2, 3, "/mnt/b", 77777, true}, {1, 4, "/c", 5, true}};
    struct dse_buf expected = {0};
    live_and_dump(&first, &expected);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct dse_buf text = {0};
        live_and_dump(&others[i], &text);
        assert_string_equal(text.data, expected.data);
        dse_buf_fini(&text);
    }
    dse_buf_fini(&expected);
}

static void every_line_is_one_json_object(void **state) {
    (void)state;
    const struct history history = {0, 1, "/home/a", 1000, false};
    struct dse_buf text = {0};
    sqlite3 *db = open_sql(":memory:", SQLITE_OPEN_READWRITE);
    sqlite3_stmt *stmt;
    int lines = 0;
    live_and_dump(&history, &text);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT json_valid(?1), json_type(?1)", -1, &stmt, NULL), SQLITE_OK);
    for (char *line = strtok(text.data, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        assert_int_equal(sqlite3_bind_text(stmt, 1, line, -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        if (sqlite3_column_int(stmt, 0) != 1)
            fail_msg("not JSON: %s", line);
        assert_string_equal((const char *)sqlite3_column_text(stmt, 1), "object");
        assert_int_equal(sqlite3_reset(stmt), SQLITE_OK);
    }
    assert_int_equal(lines, 1 + 1 + 1 + SLOTS + 2);
    (void)sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    dse_buf_fini(&text);
}

/* Any other answer must show: each change of the database by hand, which is undone afterwards. */
static void every_answer_shows(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"UPDATE sweep SET seed = 5", "UPDATE sweep SET seed = -1"},
        {"UPDATE sweep SET state = 'done'", "UPDATE sweep SET state = 'queued'"},
        {"UPDATE sweep SET content_hash = 'x'", "UPDATE sweep SET content_hash = 'c0ffee'"},
        {"UPDATE individual SET cached = 1 WHERE slot = 0", "UPDATE individual SET cached = 0"},
        {"UPDATE individual SET violation = 1e-9 WHERE slot = 1",
         "UPDATE individual SET violation = 0"},
        {"UPDATE individual SET in_front = 1 WHERE slot = 2",
         "UPDATE individual SET in_front = 0 WHERE slot = 2"},
        {"UPDATE partial SET tally = CAST(replace(tally, x'0A', x'0B') AS BLOB), seen = '[100,11]'"
         " WHERE shard = 0",
         "UPDATE partial SET tally = CAST(replace(tally, x'0B', x'0A') AS BLOB), seen = '[100,10]'"
         " WHERE shard = 0"},
        {"UPDATE survivor SET crowding = 0.5 WHERE position = 1",
         "UPDATE survivor SET crowding = 0.25 WHERE position = 1"},
        {"UPDATE survivor SET rank = 1 WHERE position = 1",
         "UPDATE survivor SET rank = 0 WHERE position = 1"},
        {"UPDATE evaluation SET genome = '[9]' WHERE genome = '[2]'",
         "UPDATE evaluation SET genome = '[2]' WHERE genome = '[9]'"},
    };
    const struct history history = {0, 1, "/home/a", 1000, false};
    struct place place;
    struct dse_rng rng;
    struct dse_buf before = {0};
    dse_rng_init(&rng, 11, DSE_RNG_TEST, 0, 0);
    make_place(&place);
    struct dse_store *store = open_store(&place);
    int64_t id = add_my_sweep(store, &history, "resnet8");
    add_generation(store, id, &history, &rng);
    dump_sweep(store, id, &before);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct dse_buf changed = {0}, restored = {0};
        run_sql(place.path, changes[i][0]);
        dump_sweep(store, id, &changed);
        if (strcmp(before.data, changed.data) == 0)
            fail_msg("does not show: %s", changes[i][0]);
        run_sql(place.path, changes[i][1]);
        dump_sweep(store, id, &restored);
        assert_string_equal(before.data, restored.data);
        dse_buf_fini(&changed);
        dse_buf_fini(&restored);
    }
    dse_buf_fini(&before);
    dse_store_close(store);
    remove_place(&place);
}

/* Running, or queued again after a restart: the same to whoever compares. */
static void unfinished_states_read_the_same(void **state) {
    (void)state;
    struct place place;
    struct dse_buf queued = {0}, running = {0};
    make_place(&place);
    struct dse_store *store = open_store(&place);
    int64_t id = add_sweep(store);
    dump_sweep(store, id, &queued);
    set_state(store, id, DSE_SWEEP_RUNNING, 0);
    dump_sweep(store, id, &running);
    assert_string_equal(queued.data, running.data);
    assert_non_null(strstr(queued.data, "\"state\":\"unfinished\""));
    dse_buf_fini(&queued);
    dse_buf_fini(&running);
    dse_store_close(store);
    remove_place(&place);
}

static void a_dump_is_appended_or_leaves_the_text_alone(void **state) {
    (void)state;
    struct place place;
    struct dse_buf out = {0};
    struct dse_err err = {0};
    const int64_t one[] = {1};
    make_place(&place);
    struct dse_store *store = open_store(&place);
    int64_t id = add_sweep(store);
    struct dse_individual_row row = individual_row(store, id, 0, 0, "[2]");
    add_individual(store, &row);
    dse_buf_puts(&out, "before");
    assert_int_equal(dse_store_dump(store, 9, -1, &out, &err), DSE_NOT_FOUND);
    assert_string_equal(out.data, "before");
    assert_ok(put_counts(store, row.evaluation_id, 0, one, one, 1, &err), &err);
    run_sql(place.path, "UPDATE partial SET correct = '[]'");
    assert_int_equal(dse_store_dump(store, id, 0, &out, &err), DSE_INVALID);
    assert_string_equal(out.data, "before");
    assert_ok(dse_store_dump(store, id, 5, &out, &err), &err); /* no such generation: no text */
    assert_string_equal(out.data, "before");
    assert_ok(dse_store_dump(store, id, -1, &out, &err), &err);
    assert_memory_equal(out.data, "before{", 7);
    dse_buf_fini(&out);
    dse_store_close(store);
    remove_place(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_answers_give_equal_text),
        cmocka_unit_test(every_line_is_one_json_object),
        cmocka_unit_test(every_answer_shows),
        cmocka_unit_test(unfinished_states_read_the_same),
        cmocka_unit_test(a_dump_is_appended_or_leaves_the_text_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
