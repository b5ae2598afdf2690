/* The evaluator on a small made-up data set: shards, cells, tasks, and what it refuses. */
#include "tests/lib/testing.h"

#include <stdlib.h>
#include <unistd.h>

#include "evaluator/cache/cache.h"
#include "evaluator/evaluator.h"
#include "evaluator/quantize/quantize.h"
#include "problems/problems.h"
#include "tests/lib/daemon_fixture.h"
#include "tests/lib/sample.h"

enum { IMAGES = 20, SHARD_IMAGES = 8, CELLS = 5, LAYERS = 10 };

struct fixture {
    char dir[256], images[300], labels[300], workload[300];
    char sums[3][DSE_SHA256_HEX];
    struct dse_msg_file_ref model, files[2];
    struct dse_msg_dataset dataset;
    struct dse_msg_context context;
    struct dse_evaluator *ev;
    struct dse_arena arena;
    struct dse_msg_prepared prepared;
};

static int set_up(void **state) {
    static const double mean = 0.286, std = 0.353;
    static const char *const names[] = {"gaussian_noise", "pixelate"};
    static const int64_t severities[] = {1, 5};
    static const struct sample_options sample = {
        .images = IMAGES, .shard_images = SHARD_IMAGES, .population = 2, .generations = 1};
    struct fixture *f = dse_alloc(1, sizeof *f);
    struct dse_err err = {0};
    assert_non_null(f);
    make_temp_dir(f->dir, sizeof f->dir);
    write_sample_workload(f->dir, &sample, f->workload, sizeof f->workload);
    (void)snprintf(f->images, sizeof f->images, "%s/images.idx", f->dir);
    (void)snprintf(f->labels, sizeof f->labels, "%s/labels.idx", f->dir);
    f->model.path = DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx";
    f->files[0].path = f->images;
    f->files[1].path = f->labels;
    assert_ok(dse_sha256_file(f->model.path, f->sums[0], &err), &err);
    assert_ok(dse_sha256_file(f->images, f->sums[1], &err), &err);
    assert_ok(dse_sha256_file(f->labels, f->sums[2], &err), &err);
    f->model.sha256 = f->sums[0];
    f->files[0].sha256 = f->sums[1];
    f->files[1].sha256 = f->sums[2];
    f->dataset = (struct dse_msg_dataset){.format = "idx",
                                          .files = f->files,
                                          .files_n = 2,
                                          .count = IMAGES,
                                          .mean = &mean,
                                          .mean_n = 1,
                                          .std = &std,
                                          .std_n = 1};
    f->context = (struct dse_msg_context){.hash = "here",
                                          .model = &f->model,
                                          .output = "logits",
                                          .dataset = &f->dataset,
                                          .calibration = &f->dataset,
                                          .percentile = 99.99,
                                          .weight_scales = "channel",
                                          .clean = true,
                                          .corruptions = names,
                                          .corruptions_n = 2,
                                          .severities = severities,
                                          .severities_n = 2,
                                          .shard_images = SHARD_IMAGES,
                                          .batch = 3};
    assert_ok(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &f->ev, &err), &err);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    dse_evaluator_free(f->ev);
    dse_arena_fini(&f->arena);
    (void)unlink(f->images);
    (void)unlink(f->labels);
    (void)unlink(f->workload);
    int code = rmdir(f->dir);
    dse_free(f);
    return code;
}

static void open_context(struct fixture *f) {
    struct dse_err err = {0};
    assert_ok(dse_evaluator_open(f->ev, &f->context, &f->arena, &f->prepared, &err), &err);
}

/* A candidate with the same bits everywhere. */
static struct dse_msg_candidate uniform(int64_t key, int64_t bits, int64_t *room) {
    for (int l = 0; l < LAYERS; l++)
        room[l] = bits;
    return (struct dse_msg_candidate){.key = key,
                                      .input_bits = room,
                                      .input_bits_n = LAYERS,
                                      .weight_bits = room,
                                      .weight_bits_n = LAYERS};
}

static struct dse_msg_partials run(struct fixture *f, int shard,
                                   const struct dse_msg_candidate *candidates, int n) {
    const struct dse_msg_task task = {
        .task = 9, .hash = "here", .shard = shard, .candidates = candidates, .candidates_n = n};
    struct dse_msg_partials partials;
    struct dse_err err = {0};
    assert_ok(dse_evaluator_run(f->ev, &task, &f->arena, &partials, &err), &err);
    return partials;
}

static void a_context_says_what_it_holds(void **state) {
    struct fixture *f = *state;
    static const char *const cells[] = {"clean", "gaussian_noise:1", "gaussian_noise:5",
                                        "pixelate:1", "pixelate:5"};
    open_context(f);
    assert_string_equal(f->prepared.hash, "here");
    assert_int_equal(f->prepared.images, IMAGES);
    assert_int_equal(f->prepared.shards, 3); /* 8 + 8 + 4 */
    assert_int_equal(f->prepared.classes, 10);
    assert_int_equal(f->prepared.layers_n, LAYERS);
    assert_string_equal(f->prepared.layers[0].op, "Conv");
    assert_int_equal(f->prepared.layers[0].macs, 28 * 28 * 16 * 9);
    assert_true(f->prepared.layers[0].input_signed && !f->prepared.layers[1].input_signed);
    assert_string_equal(f->prepared.layers[9].op, "Gemm");
    assert_int_equal(f->prepared.layers[9].weights, 640);
    assert_int_equal(f->prepared.cells_n, CELLS);
    assert_int_equal(f->prepared.tally, DSE_TALLY_SIZE);
    for (int c = 0; c < CELLS; c++)
        assert_string_equal(f->prepared.cells[c], cells[c]);
}

/* What every cell's tallies add up to, over all shards. */
static void sum_tallies(struct fixture *f, int64_t sums[CELLS]) {
    int64_t four[LAYERS];
    memset(sums, 0, CELLS * sizeof *sums);
    const struct dse_msg_candidate candidate = uniform(5, 4, four);
    for (int shard = 0; shard < 3; shard++) {
        struct dse_msg_partials partials = run(f, shard, &candidate, 1);
        for (int cell = 0; cell < CELLS; cell++)
            for (int word = 0; word < DSE_TALLY_SIZE; word++)
                sums[cell] += partials.results[0].tallies[cell * DSE_TALLY_SIZE + word];
    }
}

static void use_cache(struct fixture *f, const char *cache) {
    struct dse_err err = {0};
    dse_evaluator_free(f->ev);
    f->ev = NULL;
    (void)setenv("PARETO_CACHE", cache, 1);
    assert_ok(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &f->ev, &err), &err);
    open_context(f);
}

static void with_cache(struct fixture *f, const char *cache, int64_t sums[CELLS],
                       char warning[1024]) {
    use_cache(f, cache);
    sum_tallies(f, sums);
    (void)dse_evaluator_take_warning(f->ev, warning, 1024);
}

static void a_cache_changes_no_result(void **state) {
    struct fixture *f = *state;
    enum { BLOCKS = 3 * (CELLS - 1) };
    int64_t without[CELLS], filling[CELLS], filled[CELLS], refused[CELLS];
    char dir[300], warning[1024];
    struct dse_cache_usage usage;
    struct dse_err err = {0};
    (void)snprintf(dir, sizeof dir, "%s/cache", f->dir);
    with_cache(f, "off", without, warning);
    with_cache(f, dir, filling, warning);
    assert_string_equal(warning, "");
    assert_ok(dse_cache_measure(dir, &usage, &err), &err);
    assert_int_equal(usage.blocks, BLOCKS);
    with_cache(f, dir, filled, warning);
    assert_memory_equal(filling, without, sizeof without);
    assert_memory_equal(filled, without, sizeof without);
    with_cache(f, "/dev/null/cache", refused, warning); /* goes on, and says so once */
    assert_memory_equal(refused, without, sizeof without);
    assert_non_null(strstr(warning, "/dev/null"));
    assert_string_equal(dse_evaluator_take_warning(f->ev, warning, sizeof warning), "");
    assert_ok(dse_cache_clean(dir, 0, &usage, &err), &err);
    assert_int_equal(usage.blocks, BLOCKS);
    assert_int_equal(rmdir(dir), 0);
    (void)setenv("PARETO_CACHE", "off", 1);
}

/* ---- published images ---- */

enum { PUBLISHED = 3 }; /* files: two corruptions and labels */

struct published {
    char dir[300], paths[PUBLISHED][340], sums[PUBLISHED][DSE_SHA256_HEX];
    struct dse_msg_file_ref refs[PUBLISHED];
};

static const char *const published_names[PUBLISHED] = {"gaussian_noise", "pixelate", "labels"};

/* Writes the corrupted set of n images as users do, and gives it to the context. */
static void publish(struct fixture *f, struct published *p, const char *images,
                    const char *severities) {
    char data[640], dir[sizeof p->dir];
    struct dse_err err = {0};
    (void)snprintf(dir, sizeof dir, "%s/corrupted", f->dir);
    memcpy(p->dir, dir, sizeof dir);
    (void)snprintf(data, sizeof data, "idx:%s,%s", f->images, f->labels);
    const char *const argv[] = {DSE_BINARY_DIR "/pareto-model",
                                "corrupt",
                                "--data",
                                data,
                                "--corruptions",
                                "pixelate,gaussian_noise",
                                "--severities",
                                severities,
                                "--images",
                                images,
                                p->dir,
                                NULL};
    assert_int_equal(run_program(argv, NULL, NULL), 0);
    for (int i = 0; i < PUBLISHED; i++) {
        (void)snprintf(p->paths[i], sizeof p->paths[i], "%s/%s.npy", dir, published_names[i]);
        assert_ok(dse_sha256_file(p->paths[i], p->sums[i], &err), &err);
        p->refs[i] = (struct dse_msg_file_ref){.path = p->paths[i], .sha256 = p->sums[i]};
    }
    f->context.corrupted_files = p->refs;
    f->context.corrupted_files_n = PUBLISHED;
}

static void unpublish(struct published *p) {
    for (int i = 0; i < PUBLISHED; i++)
        assert_int_equal(unlink(p->paths[i]), 0);
    assert_int_equal(rmdir(p->dir), 0);
}

/* From the files or made here: the same images, so the same counts; of a part of the images, too.
 */
static void published_images_are_those_of_the_files(void **state) {
    struct fixture *f = *state;
    int64_t made[CELLS], read[CELLS];
    struct published p;
    f->dataset.first = 3;
    f->dataset.count = IMAGES - 5;
    f->context.shard_images = 5;
    open_context(f);
    sum_tallies(f, made);
    publish(f, &p, "20", "1,2,3,4,5");
    f->context.data_seed = 99; /* it makes nothing */
    open_context(f);
    sum_tallies(f, read);
    assert_memory_equal(read, made, sizeof made);
    f->context.corrupted_files = (struct dse_msg_file_ref[]){p.refs[1], p.refs[0], p.refs[2]};
    open_context(f);
    sum_tallies(f, read);
    assert_memory_not_equal(read, made, sizeof made);
    unpublish(&p);
}

static void every_image_of_every_cell_is_seen_once(void **state) {
    struct fixture *f = *state;
    int64_t eight[LAYERS], float32[LAYERS];
    open_context(f);
    const struct dse_msg_candidate candidates[] = {uniform(5, 8, eight), uniform(6, 0, float32)};
    int64_t seen[2][CELLS] = {{0}};
    for (int shard = 0; shard < 3; shard++) {
        struct dse_msg_partials partials = run(f, shard, candidates, 2);
        assert_int_equal(partials.task, 9);
        assert_int_equal(partials.results_n, 2);
        assert_int_equal(partials.inferences, 2 * CELLS * (shard < 2 ? 8 : 4));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(partials.results[i].key, 5 + i);
            for (int c = 0; c < CELLS; c++) {
                const int64_t *tally = partials.results[i].tallies + c * DSE_TALLY_SIZE;
                assert_true(dse_tally_possible(tally, DSE_TALLY_SIZE));
                seen[i][c] += tally[DSE_TALLY_SEEN];
            }
        }
    }
    for (int c = 0; c < CELLS; c++)
        assert_true(seen[0][c] == IMAGES && seen[1][c] == IMAGES);
}

/* Counts depend neither on who shares the task nor on the shards computed before, nor on whether
 * the calibration was made or handed in. */
static void results_do_not_depend_on_company_or_order(void **state) {
    struct fixture *f = *state;
    int64_t bits[3][LAYERS];
    double amax[LAYERS];
    open_context(f);
    const struct dse_msg_candidate candidates[] = {uniform(1, 8, bits[0]), uniform(2, 3, bits[1]),
                                                   uniform(3, 4, bits[2])};
    struct dse_msg_partials together = run(f, 1, candidates, 3);
    for (int l = 0; l < LAYERS; l++)
        amax[l] = f->prepared.layers[l].input_amax;
    f->context.input_amax = amax;
    f->context.input_amax_n = LAYERS;
    open_context(f);
    (void)run(f, 2, &candidates[0], 1);
    for (int i = 0; i < 3; i++) {
        struct dse_msg_partials alone = run(f, 1, &candidates[i], 1);
        assert_int_equal(alone.results[0].tallies_n, CELLS * DSE_TALLY_SIZE);
        assert_memory_equal(alone.results[0].tallies, together.results[i].tallies,
                            CELLS * DSE_TALLY_SIZE * sizeof(int64_t));
    }
}

static void expect_open_failure(struct fixture *f, enum dse_status status, const char *part) {
    struct dse_err err = {0};
    assert_int_equal(dse_evaluator_open(f->ev, &f->context, &f->arena, &f->prepared, &err), status);
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, err.text);
}

static void what_does_not_fit_is_refused_with_its_reason(void **state) {
    struct fixture *f = *state;
    static const double three[3] = {0.1, 0.1, 0.1};
    const struct dse_msg_dataset good = f->dataset;
    f->files[1].sha256 = f->sums[0];
    expect_open_failure(f, DSE_CONFLICT, "has changed since the workload was submitted");
    f->files[1].sha256 = f->sums[2];
    f->dataset.mean = three;
    f->dataset.mean_n = 3;
    expect_open_failure(f, DSE_INVALID, "the images have 1 channel");
    f->dataset = good;
    f->dataset.count = IMAGES + 1;
    expect_open_failure(f, DSE_INVALID, "images.idx");
    f->dataset = good;
    f->context.output = "nowhere";
    expect_open_failure(f, DSE_NOT_FOUND, "logits");
    f->context.output = "logits";
    f->context.severities_n = 0;
    f->context.clean = false;
    expect_open_failure(f, DSE_INVALID, "nothing to evaluate");
}

static void published_images_that_do_not_fit_are_refused(void **state) {
    struct fixture *f = *state;
    struct published p;
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    publish(f, &p, "19", "1,2,3,4,5");
    expect_open_failure(f, DSE_INVALID, "labels of 19 images in 5 severities");
    publish(f, &p, "20", "1,2,3,4");
    expect_open_failure(f, DSE_INVALID, "labels of 16 images in 5 severities");
    publish(f, &p, "19", "1,2,3");
    expect_open_failure(f, DSE_INVALID, "57 labels; expected as many of each of 5 severities");
    publish(f, &p, "20", "1,2,3,4,5");
    assert_ok(dse_file_read(p.paths[2], 1 << 20, &bytes, &err), &err);
    bytes.data[bytes.size - 1] ^= 1;
    assert_ok(dse_file_replace(p.paths[2], bytes.data, bytes.size, &err), &err);
    expect_open_failure(f, DSE_CONFLICT, "labels.npy: the file has changed");
    assert_ok(dse_sha256_file(p.paths[2], p.sums[2], &err), &err);
    expect_open_failure(f, DSE_INVALID, "labels.npy: image 19 (from 0) of severity 5 has label");
    p.refs[2] = (struct dse_msg_file_ref){.path = p.paths[0], .sha256 = p.sums[0]};
    expect_open_failure(f, DSE_INVALID, "labels are integers of shape (n)");
    publish(f, &p, "20", "1,2,3,4,5");
    dse_buf_reset(&bytes);
    assert_ok(dse_file_read(p.paths[0], 1 << 20, &bytes, &err), &err);
    assert_ok(dse_file_replace(p.paths[0], bytes.data, bytes.size - 1, &err), &err);
    assert_ok(dse_sha256_file(p.paths[0], p.sums[0], &err), &err);
    expect_open_failure(f, DSE_INVALID, "corruptions.folder: ");
    expect_open_failure(f, DSE_INVALID, "gaussian_noise.npy: has not as many bytes as the shape");
    dse_buf_fini(&bytes);
    unpublish(&p);
}

static void a_task_that_does_not_fit_is_refused(void **state) {
    struct fixture *f = *state;
    int64_t seventeen[LAYERS], eight[LAYERS];
    struct dse_msg_partials partials;
    const struct dse_msg_candidate wrong = uniform(1, 17, seventeen), right = uniform(1, 8, eight);
    struct dse_msg_task task = {.hash = "here", .candidates = &right, .candidates_n = 1};
    struct dse_err err = {0};
    assert_int_equal(dse_evaluator_run(f->ev, &task, &f->arena, &partials, &err), DSE_CONFLICT);
    open_context(f);
    task.hash = "elsewhere";
    assert_int_equal(dse_evaluator_run(f->ev, &task, &f->arena, &partials, NULL), DSE_CONFLICT);
    task.hash = "here";
    task.shard = 3;
    assert_int_equal(dse_evaluator_run(f->ev, &task, &f->arena, &partials, NULL), DSE_PROTOCOL);
    task.shard = 0;
    task.candidates = &wrong;
    assert_int_equal(dse_evaluator_run(f->ev, &task, &f->arena, &partials, NULL), DSE_PROTOCOL);
    task.candidates = &right;
    assert_int_equal(dse_evaluator_run(f->ev, &task, &f->arena, &partials, NULL), DSE_OK);
}

/* What pareto-model calibrate wrote is used as it is, for its own model only. */
static void a_kept_calibration_is_used_as_it_is(void **state) {
    struct fixture *f = *state;
    struct dse_err err = {0};
    struct dse_buf text = {0};
    char path[300], sum[DSE_SHA256_HEX];
    double amax[LAYERS];
    const char *names[LAYERS];
    open_context(f);
    for (int l = 0; l < LAYERS; l++) {
        amax[l] = 2 * f->prepared.layers[l].input_amax + 0.1;
        names[l] = f->prepared.layers[l].name;
    }
    struct dse_calibration kept = {
        .model = f->sums[0], .data = "here", .n_layers = LAYERS, .amax = amax, .names = names};
    (void)snprintf(path, sizeof path, "%s/kept", f->dir);
    for (int wrong = 0; wrong < 2; wrong++) {
        kept.model = wrong ? f->sums[1] : f->sums[0];
        dse_buf_reset(&text);
        assert_ok(dse_calibration_write(&kept, &text, &err), &err);
        assert_ok(dse_file_replace(path, text.data, text.size, &err), &err);
        assert_ok(dse_sha256_file(path, sum, &err), &err);
        const struct dse_msg_file_ref ref = {.path = path, .sha256 = sum};
        f->context.calibration_file = &ref;
        if (wrong) {
            assert_int_equal(dse_evaluator_open(f->ev, &f->context, &f->arena, &f->prepared, &err),
                             DSE_CONFLICT);
            continue;
        }
        open_context(f);
        for (int l = 0; l < LAYERS; l++)
            assert_true(f->prepared.layers[l].input_amax == amax[l]);
    }
    assert_non_null(strstr(err.text, "made for another model file"));
    dse_buf_fini(&text);
    (void)unlink(path);
}

/* Stratified and first images differ, and corruptions go by the place of an image in its files. */
static void a_share_of_every_class_can_be_asked_for(void **state) {
    struct fixture *f = *state;
    int64_t room[LAYERS];
    f->dataset.count = IMAGES / 2;
    f->dataset.stratified = true;
    f->dataset.seed = 3;
    open_context(f);
    assert_int_equal(f->prepared.images, IMAGES / 2);
    const struct dse_msg_candidate candidate = uniform(1, 8, room);
    (void)run(f, 0, &candidate, 1);
}

/* ---- memory ---- */

/* Some failures are survived (a block that the cache cannot give is made again), so the last
 * allocation is behind when many in a row changed nothing. */
enum { QUIET = 40, MOST_ALLOCATIONS = 20000 };

enum { FEW_CELLS = 3 };

/* LeNet-5 (Pad, AveragePool, Tanh and Sigmoid besides its layers) on one image, clean and
 * pixelated. */
static void take_small_network(struct fixture *f) {
    struct dse_err err = {0};
    f->model.path = DSE_FIXTURES_DIR "/networks/net-lenet5.onnx";
    assert_ok(dse_sha256_file(f->model.path, f->sums[0], &err), &err);
    f->context.output = "";
    f->dataset.count = 1;
    f->context.corruptions++;
    f->context.corruptions_n = 1;
}

static enum dse_status open_and_run(struct fixture *f, const struct dse_msg_task *task,
                                    struct dse_msg_partials *partials, struct dse_err *err) {
    DSE_TRY(dse_evaluator_open(f->ev, &f->context, &f->arena, &f->prepared, err));
    return dse_evaluator_run(f->ev, task, &f->arena, partials, err);
}

/* Opens the context and runs the task while allocation n fails. Refused, the same evaluator does it
 * afterwards, so that it always holds as much at the end. True: nothing was refused. */
static bool fail_allocation(struct fixture *f, const struct dse_msg_task *task, long n,
                            const int64_t *tallies) {
    struct dse_msg_partials partials;
    struct dse_err err = {0};
    dse_alloc_fail_at(n);
    enum dse_status status = open_and_run(f, task, &partials, &err);
    dse_alloc_fail_at(-1);
    if (status != DSE_OK && status != DSE_NO_MEMORY)
        fail_msg("allocation %ld: %s: %s", n, dse_status_name(status), err.text);
    if (status != DSE_OK)
        assert_ok(open_and_run(f, task, &partials, &err), &err);
    assert_memory_equal(partials.results[0].tallies, tallies,
                        FEW_CELLS * DSE_TALLY_SIZE * sizeof *tallies);
    dse_arena_fini(&f->arena);
    return status == DSE_OK;
}

static void fail_each_allocation(struct fixture *f, const struct dse_msg_task *task,
                                 const int64_t *tallies) {
    long n = 0;
    assert_true(fail_allocation(f, task, -1, tallies)); /* none fails */
    size_t live = dse_alloc_live();
    for (int quiet = 0; quiet < QUIET; n++) {
        quiet = fail_allocation(f, task, n, tallies) ? quiet + 1 : 0;
        if (dse_alloc_live() != live)
            fail_msg("allocation %ld: %zu blocks are held, not %zu", n, dse_alloc_live(), live);
        assert_true(n < MOST_ALLOCATIONS);
    }
    assert_true(n > 100);
}

static void every_failed_allocation_is_survived(void **state) {
    struct fixture *f = *state;
    char cache[300];
    struct dse_cache_usage usage;
    struct dse_err err = {0};
    int64_t room[LAYERS], tallies[FEW_CELLS * DSE_TALLY_SIZE];
    take_small_network(f);
    open_context(f);
    struct dse_msg_candidate candidate = uniform(1, 8, room);
    candidate.input_bits_n = candidate.weight_bits_n = f->prepared.layers_n;
    const struct dse_msg_task task = {.hash = "here", .candidates = &candidate, .candidates_n = 1};
    memcpy(tallies, run(f, 0, &candidate, 1).results[0].tallies, sizeof tallies);
    fail_each_allocation(f, &task, tallies);
    (void)snprintf(cache, sizeof cache, "%s/cache", f->dir);
    use_cache(f, cache);
    (void)run(f, 0, &candidate, 1);
    fail_each_allocation(f, &task, tallies);
    (void)setenv("PARETO_CACHE", "off", 1);
    assert_ok(dse_cache_clean(cache, 0, &usage, &err), &err);
    assert_int_equal(rmdir(cache), 0);
}

int main(int argc, char **argv) {
    (void)argc;
    dse_kernels_fix_environment(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_context_says_what_it_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cache_changes_no_result, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_images_are_those_of_the_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_images_that_do_not_fit_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_image_of_every_cell_is_seen_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(results_do_not_depend_on_company_or_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused_with_its_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_task_that_does_not_fit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kept_calibration_is_used_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_share_of_every_class_can_be_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_survived, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
