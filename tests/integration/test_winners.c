/* What becomes of the winners of a sweep: real daemon, small joint workload. */
#include "tests/lib/testing.h"

#include <signal.h>

#include "tests/lib/daemon_fixture.h"
#include "tests/lib/sample.h"

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
    char word[32], workload[400];
    fixture_init(&fixture);
    write_sample_workload(fixture.dir, &sample, workload, sizeof workload);
    fixture_start(&fixture, one_worker);
    sweep = fixture_submit(&fixture, workload);
    return fixture_watch(&fixture, sweep, INT64_MAX, word, sizeof word) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    int status = fixture_stop(&fixture, SIGTERM);
    fixture_fini(&fixture);
    return status;
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_individual_becomes_a_network_and_its_figures),
        cmocka_unit_test(another_network_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
