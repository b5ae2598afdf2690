/* store: individuals that share an evaluation, and the records of early exits. */
#include "tests/unit/store/store_testing.h"

static void individuals_share_an_evaluation_and_keep_their_genomes(void **state) {
    (void)state;
    struct place place;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    make_place(&place);
    struct dse_store *store = open_store(&place);
    int64_t sweep = add_sweep(store), shared = add_evaluation(store, "abcd", "[8,4]");
    static const char *const genomes[] = {"[8,4]", "[8,4,0.5]", "[8,4,0.25]"};
    for (int i = 0; i < 3; i++) {
        struct dse_individual_row row = {
            .sweep_id = sweep,
            .generation = 0,
            .slot = i,
            .genome = genomes[i],
            .evaluation_id = shared,
            .shared_genome = "[8,4]",
            .reason = "",
        };
        assert_ok(dse_store_insert_individual(store, &row, &err), &err);
        row.slot = 10 + i;
        row.shared_genome = "[8,5]";
        assert_int_equal(dse_store_insert_individual(store, &row, NULL), DSE_NOT_FOUND);
    }
    struct dse_individual_row *rows;
    int n;
    assert_ok(
        dse_store_load_individuals(store, sweep, DSE_SELECT_GENERATION, 0, &arena, &rows, &n, &err),
        &err);
    assert_int_equal(n, 3);
    for (int i = 0; i < n; i++) {
        assert_string_equal(rows[i].genome, genomes[i]);
        assert_int_equal(rows[i].evaluation_id, shared);
    }
    assert_string_equal(query_text(place.path, "SELECT group_concat(genome) FROM v_individuals"),
                        "[8,4],[8,4,0.5],[8,4,0.25]");
    dse_arena_fini(&arena);
    dse_store_close(store);
    remove_place(&place);
}

static void records_come_back_by_shard_and_go_with_their_sweep(void **state) {
    (void)state;
    struct place place;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_store_bytes *shards;
    struct dse_deletion deletion;
    int n;
    make_place(&place);
    struct dse_store *store = open_store(&place);
    int64_t sweep = add_sweep(store);
    struct dse_individual_row row = individual_row(store, sweep, 0, 0, "[8]");
    assert_ok(dse_store_insert_individual(store, &row, &err), &err);
    assert_ok(dse_store_put_records(store, row.evaluation_id, 1, "later", 5, &err), &err);
    assert_ok(dse_store_put_records(store, row.evaluation_id, 0, "\0first", 6, &err), &err);
    assert_ok(dse_store_put_records(store, row.evaluation_id, 1, "again", 5, &err), &err);
    assert_int_equal(dse_store_put_records(store, row.evaluation_id, 2, "", 0, NULL), DSE_INVALID);
    assert_int_equal(dse_store_put_records(store, 999, 0, "x", 1, NULL), DSE_NOT_FOUND);
    assert_ok(dse_store_load_records(store, row.evaluation_id, &arena, &shards, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_int_equal(shards[0].size, 6);
    assert_memory_equal(shards[0].bytes, "\0first", 6);
    assert_memory_equal(shards[1].bytes, "later", 5);
    assert_ok(dse_store_set_sweep_state(store, sweep, DSE_SWEEP_CANCELLED, "", 1, &err), &err);
    assert_ok(dse_store_delete_sweep(store, sweep, &deletion, &err), &err);
    assert_string_equal(query_text(place.path, "SELECT count(*) FROM record"), "0");
    dse_arena_fini(&arena);
    dse_store_close(store);
    remove_place(&place);
}

static void put_retraining(struct dse_store *store, int64_t sweep, int slot, const char *settings,
                           const char *result, enum dse_status wanted) {
    struct dse_err err = {0};
    assert_int_equal(dse_store_put_retraining(store, sweep, 0, slot, settings, result, &err),
                     wanted);
}

static void retrainings_stand_beside_their_individuals(void **state) {
    (void)state;
    static const char better[] =
        "{\"file\":\"b.onnx\",\"images\":10,\"accuracy_before\":0.25,\"accuracy_after\":0.5,"
        "\"nll_before\":2,\"nll_after\":1,\"best_epoch\":2,\"epochs\":[{\"epoch\":1,"
        "\"learning_rate\":0.5,\"loss\":3,\"accuracy\":0.25,\"validation_loss\":4,"
        "\"validation_accuracy\":0.125},{\"epoch\":2,\"learning_rate\":0.25}]}";
    struct place place;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_deletion deletion;
    const char **results = NULL;
    int n = -1;
    make_place(&place);
    struct dse_store *store = open_store(&place);
    int64_t sweep = add_sweep(store);
    for (int slot = 0; slot < 2; slot++) {
        struct dse_individual_row row =
            individual_row(store, sweep, 0, slot, slot == 0 ? "[8]" : "[4]");
        assert_ok(dse_store_insert_individual(store, &row, &err), &err);
    }
    assert_ok(dse_store_list_retrainings(store, sweep, &arena, &results, &n, &err), &err);
    assert_int_equal(n, 0);
    put_retraining(store, sweep, 1, "two epochs", "{}", DSE_OK);
    put_retraining(store, sweep, 0, "two epochs", "{\"a\":1}", DSE_OK);
    put_retraining(store, sweep, 0, "one epoch", "{\"a\":2}", DSE_OK);
    put_retraining(store, sweep, 1, "two epochs", better, DSE_OK);
    put_retraining(store, sweep, 7, "two epochs", "{}", DSE_NOT_FOUND);
    put_retraining(store, sweep + 1, 0, "two epochs", "{}", DSE_NOT_FOUND);
    dse_store_close(store);
    store = open_store(&place);
    assert_ok(dse_store_list_retrainings(store, sweep, &arena, &results, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_string_equal(results[0], "{\"a\":2}");
    assert_string_equal(results[1], "{\"a\":1}");
    assert_string_equal(results[2], better);
    assert_string_equal(query_text(place.path, "SELECT generation || '.' || slot || ' ' || file"
                                               " || ' ' || accuracy_before || ' ' || accuracy_after"
                                               " || ' ' || nll_after || ' ' || best_epoch"
                                               " FROM v_retrainings WHERE slot = 1"),
                        "0.1 b.onnx 0.25 0.5 1 2");
    assert_string_equal(query_text(place.path, "SELECT group_concat(epoch || ':' || learning_rate)"
                                               " FROM v_retraining_epochs"),
                        "1:0.5,2:0.25");
    assert_ok(dse_store_set_sweep_state(store, sweep, DSE_SWEEP_CANCELLED, "", 1, &err), &err);
    assert_ok(dse_store_delete_sweep(store, sweep, &deletion, &err), &err);
    assert_string_equal(query_text(place.path, "SELECT count(*) FROM retraining"), "0");
    dse_arena_fini(&arena);
    dse_store_close(store);
    remove_place(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(individuals_share_an_evaluation_and_keep_their_genomes),
        cmocka_unit_test(records_come_back_by_shard_and_go_with_their_sweep),
        cmocka_unit_test(retrainings_stand_beside_their_individuals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
