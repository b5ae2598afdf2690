/* What becomes of the winners of a sweep: real daemon, small joint workload. */
#include "tests/lib/testing.h"

#include "tests/lib/daemon_fixture.h"

static const struct sample_options sample = {.images = SAMPLE_IMAGES(40),
                                             .shard_images = SAMPLE_IMAGES(20),
                                             .population = 6,
                                             .generations = 2,
                                             .seed = 3,
                                             .joint = true};
static const char *const one_worker[] = {"--workers", "1", "--log-level", "error", NULL};
static const char model[] = DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx";

static struct daemon_fixture fixture;
static int64_t sweep;

static int set_up(void **state) {
    (void)state;
    char workload[400];
    sweep = fixture_run_sample(&fixture, &sample, one_worker, workload);
    return sweep != 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return fixture_end(&fixture);
}

static void path_in(const char *name, char path[400]) {
    (void)snprintf(path, 400, "%s/%s", fixture.dir, name);
}

static void read_recipe(const char *path, struct dse_arena *arena, struct dse_msg_recipe *recipe) {
    struct dse_buf text = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(path, 1 << 20, &text, &err), &err);
    assert_ok(dse_record_decode(DSE_RECORD_recipe, text.data, text.size, arena, recipe, &err),
              &err);
    dse_buf_fini(&text);
}

/* ---- export --onnx ---- */

static void an_individual_becomes_a_network_and_its_figures(void **state) {
    (void)state;
    char onnx[400], figures[400], hash[DSE_SHA256_HEX];
    struct dse_arena arena = {0};
    struct dse_msg_recipe recipe;
    struct dse_err err = {0};
    path_in("winner.onnx", onnx);
    path_in("winner.json", figures);
    const char *const args[] = {"export", "--onnx", "1.2", "--output", onnx, NULL};
    assert_int_equal(fixture_pareto(&fixture, args, NULL, NULL), 0);
    read_recipe(figures, &arena, &recipe);
    assert_ok(dse_sha256_file(model, hash, &err), &err);
    assert_string_equal(recipe.model->sha256, hash);
    assert_int_equal(recipe.outputs_n, 3);
    assert_string_equal(recipe.outputs[2], "logits");
    assert_int_equal(recipe.individual->generation, 1);
    assert_int_equal(recipe.individual->slot, 2);
    assert_int_equal(recipe.individual->thresholds_n, 2);
    assert_int_equal(recipe.individual->layers_n, 12);
    assert_true(recipe.individual->cells_n > 0 && recipe.individual->estimates_n == 3);
    /* The file of figures makes the same network again. */
    char again[400], second[DSE_SHA256_HEX];
    path_in("again.onnx", again);
    const char *const convert[] = {
        DSE_BINARY_DIR "/pareto-model", "convert", model, again, "--individual", figures, NULL};
    assert_int_equal(run_program(convert, NULL, NULL), 0);
    assert_ok(dse_sha256_file(onnx, hash, &err), &err);
    assert_ok(dse_sha256_file(again, second, &err), &err);
    assert_string_equal(hash, second);
    dse_arena_fini(&arena);
}

static void another_network_is_refused(void **state) {
    (void)state;
    char onnx[400], figures[400];
    struct dse_buf errors = {0};
    path_in("other.onnx", onnx);
    path_in("other.json", figures);
    const char *const args[] = {"export", "--onnx", "1.1", "--output", onnx, NULL};
    assert_int_equal(fixture_pareto(&fixture, args, NULL, NULL), 0);
    const char *const convert[] = {
        DSE_BINARY_DIR "/pareto-model", "convert", onnx, onnx, "--individual", figures, NULL};
    assert_int_equal(run_program(convert, NULL, &errors), dse_status_exit(DSE_CONFLICT));
    assert_non_null(strstr(dse_buf_text(&errors), "its network has SHA-256"));
    dse_buf_fini(&errors);
    const char *const nobody[] = {"export", "--onnx", "99.0", "--output", onnx, NULL};
    assert_int_equal(fixture_pareto(&fixture, nobody, NULL, NULL), dse_status_exit(DSE_NOT_FOUND));
}

/* ---- export as CSV ---- */

static void ask(const char *const *args, enum dse_record which, struct dse_arena *arena,
                void *record) {
    struct dse_buf out = {0};
    struct dse_err err = {0};
    assert_int_equal(fixture_pareto(&fixture, args, &out, NULL), 0);
    assert_ok(dse_record_decode(which, out.data, out.size, arena, record, &err), &err);
    dse_buf_fini(&out);
}

/* Dropout and thresholds stand behind the bits, as `show` has them. */
static void rows_say_what_a_network_is(void **state) {
    (void)state;
    enum { SLOTS = 6, STEPS = 1 << 16 };
    struct dse_arena arena = {0};
    struct dse_buf csv = {0};
    const char *const export[] = {"export", NULL};
    assert_int_equal(fixture_pareto(&fixture, export, &csv, NULL), 0);
    assert_non_null(strstr(csv.data, ",dropout_rate,dropout_from,passes,thresholds\n"));
    int with_dropout = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
        char name[16], start[24], end[200];
        struct dse_msg_individual one;
        (void)snprintf(name, sizeof name, "0.%d", slot);
        (void)snprintf(start, sizeof start, "\n0,%d,done,", slot);
        const char *const show[] = {"--json", "show", name, NULL};
        ask(show, DSE_RECORD_individual, &arena, &one);
        int first = 0;
        while (first < one.dropout_n && one.dropout[first] == 0)
            first++;
        bool has_dropout = first < one.dropout_n;
        with_dropout += has_dropout;
        assert_int_equal(one.thresholds_n, 2);
        int n = has_dropout ? snprintf(end, sizeof end, ",%.17g,%s,%lld",
                                       (double)one.dropout[first] / STEPS, one.layers[first].name,
                                       (long long)one.passes)
                            : snprintf(end, sizeof end, ",,,");
        (void)snprintf(end + n, sizeof end - (size_t)n, ",\"[%.17g,%.17g]\"\n", one.thresholds[0],
                       one.thresholds[1]);
        const char *row = strstr(csv.data, start), *found = row != NULL ? strstr(row, end) : NULL;
        if (found == NULL || found > strchr(row + 1, '\n'))
            fail_msg("no row ends with '%s'", end);
    }
    assert_true(with_dropout > 0);
    dse_arena_fini(&arena);
    dse_buf_fini(&csv);
}

/* ---- reevaluate ---- */

/* On the same images the same is found; on fewer, what a sum over them says. Nothing of the search
 * changes. */
static void the_front_is_evaluated_again_beside_the_search(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_front front;
    char before[DSE_SHA256_HEX], after[DSE_SHA256_HEX], images[16];
    const char *const all[] = {"reevaluate", NULL};
    const char *const some[] = {"reevaluate", "--images", images, NULL};
    const char *const look[] = {"--json", "front", "--reevaluated", NULL};
    (void)snprintf(images, sizeof images, "%d", SAMPLE_IMAGES(40) / 2);
    fixture_dump_hash(&fixture, sweep, before);
    assert_int_equal(fixture_pareto(&fixture, all, NULL, NULL), 0);
    assert_int_equal(fixture_pareto(&fixture, some, NULL, NULL), 0);
    assert_int_equal(fixture_pareto(&fixture, all, NULL, NULL), 0); /* is there already */
    ask(look, DSE_RECORD_front, &arena, &front);
    assert_int_equal(front.sweep->sweep, sweep); /* not the newest one */
    assert_true(front.members_n > 0);
    for (int i = 0; i < front.members_n; i++) {
        const struct dse_msg_individual *one = &front.members[i];
        assert_int_equal(one->again_n, 2);
        assert_int_equal(one->again[0].images, SAMPLE_IMAGES(40));
        assert_int_equal(one->again[1].images, SAMPLE_IMAGES(40) / 2);
        for (int k = 0; k < one->estimates_n; k++)
            assert_true(one->estimates[k].value == one->again[0].estimates[k].value);
        assert_int_equal(one->again[1].estimates[0].images, SAMPLE_IMAGES(40) / 2);
        assert_true(one->again[1].estimates[0].low <= one->again[1].estimates[0].value);
    }
    fixture_dump_hash(&fixture, sweep, after);
    assert_string_equal(before, after);
    dse_arena_fini(&arena);
}

static void the_best_by_an_objective_are_evaluated_again(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_sweep_list list;
    struct dse_buf out = {0};
    char images[16];
    const char *const best[] = {"reevaluate",     "--best",   "3",    "--by",
                                "bit_operations", "--images", images, NULL};
    const char *const sweeps[] = {"--json", "list", NULL};
    (void)snprintf(images, sizeof images, "%d", SAMPLE_IMAGES(40) - 1);
    assert_int_equal(fixture_pareto(&fixture, best, &out, NULL), 0);
    ask(sweeps, DSE_RECORD_sweep_list, &arena, &list);
    const struct dse_msg_sweep *again = &list.sweeps[list.sweeps_n - 1];
    assert_int_equal(again->reevaluates, sweep);
    assert_int_equal(again->individuals, 3);
    assert_string_equal(again->state, "done");
    const char *const wrong[] = {"reevaluate", "--best", "3", "--by", "beauty", NULL};
    assert_int_equal(fixture_pareto(&fixture, wrong, NULL, NULL), dse_status_exit(DSE_USAGE));
    dse_buf_fini(&out);
    dse_arena_fini(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_individual_becomes_a_network_and_its_figures),
        cmocka_unit_test(another_network_is_refused),
        cmocka_unit_test(rows_say_what_a_network_is),
        cmocka_unit_test(the_front_is_evaluated_again_beside_the_search),
        cmocka_unit_test(the_best_by_an_objective_are_evaluated_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
