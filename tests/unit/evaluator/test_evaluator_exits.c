/* The evaluator with early exits and passes: records, and thresholds on them beside an evaluation
 * that really stops. */
#include <math.h>
#include <unistd.h>

#include "evaluator/evaluator.h"
#include "evaluator/graph/surgery.h"
#include "evaluator/metrics/metrics.h"
#include "problems/problems.h"
#include "tests/lib/sample.h"
#include "tests/unit/plan/plan_helpers.h"

enum { IMAGES = 20, EXITS = 3, LAYERS = 12, CLASSES = 10, BITS = 8, VECTORS = 1000 };
enum { TALLY = DSE_TALLY_SIZE + DSE_EXIT_WORDS * EXITS };
static const char *const exits[EXITS] = {"exit0", "exit1", "logits"};
static const double mean = 0.286, std = 0.353;

static struct {
    char dir[256], paths[3][300], sums[3][DSE_SHA256_HEX];
    struct dse_arena arena;
    struct dse_evaluator *ev;
    struct dse_msg_prepared prepared;
    struct dse_msg_file_ref files[3]; /* model, images, labels */
} s;

static enum dse_status open_model(struct dse_evaluator *ev, const struct dse_msg_file_ref *model,
                                  bool keep_dropout, struct dse_msg_prepared *prepared,
                                  struct dse_err *err) {
    const struct dse_msg_dataset dataset = {.format = "idx",
                                            .files = s.files + 1,
                                            .files_n = 2,
                                            .count = IMAGES,
                                            .mean = &mean,
                                            .mean_n = 1,
                                            .std = &std,
                                            .std_n = 1};
    const struct dse_msg_context context = {.hash = "exits",
                                            .model = model,
                                            .output = exits[EXITS - 1],
                                            .exits = exits,
                                            .exits_n = EXITS - 1,
                                            .mask_seed = 5,
                                            .dataset = &dataset,
                                            .calibration = &dataset,
                                            .percentile = 99.99,
                                            .clean = true,
                                            .shard_images = IMAGES,
                                            .batch = 3,
                                            .keep_dropout = keep_dropout};
    return dse_evaluator_open(ev, &context, &s.arena, prepared, err);
}

static int open_exits(void **state) {
    (void)state;
    static const struct sample_options sample = {
        .images = IMAGES, .shard_images = IMAGES, .population = 2, .generations = 1};
    struct dse_err err = {0};
    make_temp_dir(s.dir, sizeof s.dir);
    write_sample_workload(s.dir, &sample, s.paths[0], sizeof s.paths[0]);
    (void)snprintf(s.paths[1], sizeof s.paths[1], "%s/images.idx", s.dir);
    (void)snprintf(s.paths[2], sizeof s.paths[2], "%s/labels.idx", s.dir);
    s.files[0].path = SAMPLE;
    s.files[1].path = s.paths[1];
    s.files[2].path = s.paths[2];
    for (int i = 0; i < 3; i++) {
        assert_ok(dse_sha256_file(s.files[i].path, s.sums[i], &err), &err);
        s.files[i].sha256 = s.sums[i];
    }
    assert_ok(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &s.ev, &err), &err);
    assert_ok(open_model(s.ev, &s.files[0], false, &s.prepared, &err), &err);
    return 0;
}

static int close_exits(void **state) {
    (void)state;
    dse_evaluator_free(s.ev);
    dse_arena_fini(&s.arena);
    for (int i = 0; i < 3; i++)
        (void)unlink(s.paths[i]);
    return rmdir(s.dir);
}

static struct dse_msg_partials run(int rate, const int64_t *passes, int n) {
    static int64_t bits[LAYERS], rates[LAYERS];
    struct dse_msg_candidate candidates[4];
    struct dse_msg_partials partials;
    struct dse_err err = {0};
    for (int l = 0; l < LAYERS; l++) {
        bits[l] = BITS;
        rates[l] = l >= 6 ? rate : 0;
    }
    for (int i = 0; i < n; i++)
        candidates[i] = (struct dse_msg_candidate){.key = i,
                                                   .input_bits = bits,
                                                   .input_bits_n = LAYERS,
                                                   .weight_bits = bits,
                                                   .weight_bits_n = LAYERS,
                                                   .dropout = rates,
                                                   .dropout_n = LAYERS,
                                                   .passes = passes[i]};
    const struct dse_msg_task task = {
        .task = 1, .hash = "exits", .candidates = candidates, .candidates_n = n};
    assert_ok(dse_evaluator_run(s.ev, &task, &s.arena, &partials, &err), &err);
    return partials;
}

static void a_context_says_what_each_exit_needs(void **state) {
    (void)state;
    assert_int_equal(s.prepared.exits, EXITS);
    assert_int_equal(s.prepared.layers_n, LAYERS);
    assert_int_equal(s.prepared.tally, TALLY);
    for (int l = 0; l < LAYERS; l++) {
        const struct dse_msg_layer *layer = &s.prepared.layers[l];
        int exit = strstr(layer->name, "stage3") != NULL || strstr(layer->name, "head") != NULL ? 2
                   : strstr(layer->name, "stage2") != NULL || strstr(layer->name, "exit1") != NULL
                       ? 1
                       : 0;
        assert_int_equal(layer->exit, exit);
        if (strcmp(layer->name, "/conv1/Conv") == 0) {
            assert_int_equal(layer->after_n, 0);
            assert_int_equal(layer->inputs, 28 * 28);
            assert_int_equal(layer->outputs, 28 * 28 * 16);
        }
        if (strcmp(layer->name, "/exit0/fc/Gemm") == 0)
            assert_int_equal(layer->after_n, 3);
        if (strcmp(layer->name, "/head/fc/Gemm") == 0)
            assert_int_equal(layer->after_n, 9);
    }
}

/* Those of pareto-model mcdo, which are refused where nobody looks for them. */
static void dropouts_of_the_model_are_found(void **state) {
    (void)state;
    char path[300], sum[DSE_SHA256_HEX];
    struct dse_msg_file_ref file = {.path = path, .sha256 = sum};
    struct dse_msg_prepared prepared;
    struct dse_evaluator *ev;
    struct dse_onnx *onnx;
    struct dse_err err = {0};
    double rate;
    int start, n, found = 0;
    (void)snprintf(path, sizeof path, "%s/dropouts.onnx", s.dir);
    assert_ok(dse_onnx_load(SAMPLE, &onnx, &err), &err);
    assert_ok(dse_surgery_find_start(onnx, "partial", &start, &rate, &err), &err);
    assert_ok(dse_surgery_add_dropouts(onnx, start, rate, &n, &err), &err);
    assert_ok(dse_onnx_save(onnx, path, &err), &err);
    assert_ok(dse_sha256_file(path, sum, &err), &err);
    assert_ok(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &ev, &err), &err);
    assert_ok(open_model(ev, &file, true, &prepared, &err), &err);
    for (int l = 0; l < LAYERS; l++) {
        const char *name = prepared.layers[l].name;
        bool before = strstr(name, "stage1") != NULL || strcmp(name, "/conv1/Conv") == 0 ||
                      strcmp(name, "/stage2/conv1/Conv") == 0 ||
                      strcmp(name, "/stage2/conv2/Conv") == 0;
        assert_int_equal(prepared.layers[l].drops, !before);
        found += prepared.layers[l].drops;
        assert_true(prepared.layers[l].input_amax == s.prepared.layers[l].input_amax);
        assert_false(s.prepared.layers[l].drops);
    }
    assert_int_equal(found, n);
    assert_int_equal(open_model(ev, &file, false, &prepared, &err), DSE_UNSUPPORTED);
    dse_evaluator_free(ev);
    dse_onnx_free(onnx);
    (void)unlink(path);
}

/* ---- stopping ---- */

/* A network that ends at one exit, with the calibration of the whole. */
struct part {
    struct dse_graph *graph;
    struct dse_plan *plan;
    struct dse_candidate candidate;
    double *amax;
    bool known[IMAGES]; /* has the record of the image been computed? */
    uint8_t records[IMAGES][DSE_RECORD_BYTES];
};

static void open_part(struct part *part, struct dse_kernels *kernels, const char *exit) {
    part->graph = load_graph(SAMPLE, exit);
    part->amax = dse_alloc((size_t)part->graph->n_layers, sizeof *part->amax);
    assert_non_null(part->amax);
    for (int i = 0; i < part->graph->n_layers; i++)
        for (int l = 0; l < LAYERS; l++)
            if (strcmp(part->graph->nodes[part->graph->layers[i]].name,
                       s.prepared.layers[l].name) == 0)
                part->amax[i] = s.prepared.layers[l].input_amax;
    part->plan = new_plan(part->graph, kernels, 1, part->amax);
    part->candidate = new_candidate(part->graph->n_layers, BITS);
}

static void close_part(struct part *part) {
    dse_plan_free(part->plan);
    dse_candidate_fini(&part->candidate);
    dse_free(part->amax);
    dse_graph_free(part->graph);
}

/* Computed when somebody gets here, alone in its batch. */
static const uint8_t *record_of(struct part *part, const float *image, int number, int label) {
    if (!part->known[number]) {
        double p[CLASSES];
        float *logits = run_one(part->plan, part->graph, 1, &part->candidate, image, 1);
        int predicted = dse_metrics_predict(logits, CLASSES, p);
        struct dse_exit_numbers numbers = dse_metrics_exit_numbers(p, CLASSES, label, predicted);
        dse_exit_record_write(&numbers, part->records[number]);
        part->known[number] = true;
        dse_free(logits);
    }
    return part->records[number];
}

static void read_data(float *images, int *labels) {
    enum { PIXELS = 28 * 28, IMAGE_HEADER = 16, LABEL_HEADER = 8 };
    struct dse_buf bytes = {0}, classes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(s.paths[1], 1 << 20, &bytes, &err), &err);
    assert_ok(dse_file_read(s.paths[2], 1 << 20, &classes, &err), &err);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        images[i] = (float)(((unsigned char)bytes.data[IMAGE_HEADER + i] / 255.0 - mean) / std);
    for (int i = 0; i < IMAGES; i++)
        labels[i] = (unsigned char)classes.data[LABEL_HEADER + i];
    dse_buf_fini(&bytes);
    dse_buf_fini(&classes);
}

static void thresholds_on_records_are_an_evaluation_that_stops(void **state) {
    (void)state;
    static float images[IMAGES * 28 * 28];
    static struct part parts[EXITS];
    int labels[IMAGES];
    const int64_t one_pass = 1;
    struct dse_buf records = {0};
    struct dse_err err = {0};
    struct dse_rng rng;
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_msg_partials partials = run(0, &one_pass, 1);
    int64_t left[EXITS] = {0};
    read_data(images, labels);
    for (int k = 0; k < EXITS; k++)
        open_part(&parts[k], kernels, exits[k]);
    assert_ok(dse_base64_decode(partials.results[0].records, &records, &err), &err);
    assert_int_equal(records.size, IMAGES * EXITS * DSE_RECORD_BYTES);
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 90, 0);
    for (int v = 0; v < VECTORS; v++) {
        double thresholds[EXITS - 1];
        int64_t applied[TALLY] = {0}, stopped[TALLY] = {0};
        for (int k = 0; k < EXITS - 1; k++)
            thresholds[k] = 2.4 * dse_rng_uniform(&rng);
        const struct dse_exit_policy policy = {EXITS, thresholds, 0};
        dse_exits_apply(&policy, (const uint8_t *)records.data, IMAGES, applied);
        for (int i = 0; i < IMAGES; i++) {
            int k = 0;
            const uint8_t *record = NULL;
            for (;; k++) {
                record = record_of(&parts[k], images + i * 28 * 28, i, labels[i]);
                if (k == EXITS - 1 ||
                    ldexp(dse_exit_record_entropy(record), -DSE_TALLY_BITS_ENTROPY) < thresholds[k])
                    break;
            }
            dse_exit_record_tally(record, k, EXITS, 1, stopped);
            left[k]++;
        }
        assert_memory_equal(applied, stopped, sizeof applied);
    }
    for (int k = 0; k < EXITS; k++) {
        assert_true(left[k] > VECTORS);
        close_part(&parts[k]);
    }
    dse_kernels_free(kernels);
    dse_buf_fini(&records);
}

/* Without thresholds all take the last exit, and the worker's own tally says so. */
static void the_last_exits_records_are_its_tally(void **state) {
    (void)state;
    const int64_t passes = 3;
    const double none[EXITS - 1] = {0, 0};
    const struct dse_exit_policy policy = {EXITS, none, 0};
    int64_t tally[TALLY] = {0};
    struct dse_buf records = {0};
    struct dse_err err = {0};
    struct dse_msg_partials partials = run(6000, &passes, 1);
    const int64_t *own = partials.results[0].tallies;
    assert_ok(dse_base64_decode(partials.results[0].records, &records, &err), &err);
    dse_exits_apply(&policy, (const uint8_t *)records.data, IMAGES, tally);
    static const int exact[] = {DSE_TALLY_SEEN, DSE_TALLY_CORRECT, DSE_TALLY_ENTROPY,
                                DSE_TALLY_CONFIDENCE};
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        assert_int_equal(tally[exact[i]], own[exact[i]]);
    for (int b = 0; b < 3 * DSE_TALLY_BINS; b++)
        assert_int_equal(tally[DSE_TALLY_BIN_SEEN + b], own[DSE_TALLY_BIN_SEEN + b]);
    for (int k = 0; k < EXITS; k++)
        assert_int_equal(own[dse_exit_word(DSE_EXIT_LEFT, k, EXITS)],
                         tally[dse_exit_word(DSE_EXIT_LEFT, k, EXITS)]);
    assert_int_equal(own[dse_exit_word(DSE_EXIT_CORRECT, EXITS - 1, EXITS)],
                     own[DSE_TALLY_CORRECT]);
    assert_true(own[DSE_TALLY_MUTUAL] > 0 && own[DSE_TALLY_DEVIATION] > 0);
    dse_buf_fini(&records);
}

/* T passes are the same whether more passes are computed beside them or not. */
static void fewer_passes_beside_more_are_those_alone(void **state) {
    (void)state;
    const int64_t passes[] = {4, 1, 3, 2};
    struct dse_msg_partials together = run(6000, passes, 4);
    assert_true(together.layers_saved > 0.5);
    for (int i = 0; i < 4; i++) {
        struct dse_msg_partials alone = run(6000, &passes[i], 1);
        assert_memory_equal(alone.results[0].tallies, together.results[i].tallies,
                            TALLY * sizeof(int64_t));
        assert_string_equal(alone.results[0].records, together.results[i].records);
    }
    assert_string_not_equal(together.results[0].records, together.results[2].records);
}

/* Dropout of an image depends on its number in the data set, whatever batch it comes in. */
static void masks_are_those_of_the_images(void **state) {
    (void)state;
    enum { RATE = 6000, MASK_SEED = 5, FIRST_DROPPED = 6 };
    static float images[IMAGES * 28 * 28];
    static float logits[EXITS][CLASSES];
    const struct dse_graph_options graph_options = {.outputs = exits, .n_outputs = EXITS};
    const int64_t one_pass = 1;
    const int order = 0;
    double amax[LAYERS];
    int labels[IMAGES];
    struct dse_graph *graph;
    struct dse_buf records = {0};
    struct dse_err err = {0};
    struct dse_msg_partials partials = run(RATE, &one_pass, 1);
    assert_ok(dse_base64_decode(partials.results[0].records, &records, &err), &err);
    assert_ok(dse_graph_load_onnx(SAMPLE, &graph_options, &graph, &err), &err);
    assert_int_equal(graph->n_layers, LAYERS);
    struct dse_candidate candidate = new_candidate(LAYERS, BITS);
    for (int l = 0; l < LAYERS; l++) {
        amax[l] = s.prepared.layers[l].input_amax;
        candidate.dropout[l] = l >= FIRST_DROPPED ? RATE : 0;
    }
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(graph, kernels, 1, amax);
    read_data(images, labels);
    for (int i = 0; i < IMAGES; i++) {
        dse_plan_set_masks(plan, MASK_SEED, (uint32_t)i);
        assert_ok(dse_plan_run(plan, &candidate, 1, &order, images + i * 28 * 28, 1, &logits[0][0],
                               NULL, &err),
                  &err);
        for (int k = 0; k < EXITS; k++) {
            double probabilities[CLASSES];
            uint8_t record[DSE_RECORD_BYTES];
            int predicted = dse_metrics_predict(logits[k], CLASSES, probabilities);
            struct dse_exit_numbers numbers =
                dse_metrics_exit_numbers(probabilities, CLASSES, labels[i], predicted);
            dse_exit_record_write(&numbers, record);
            assert_memory_equal(records.data + (i * EXITS + k) * DSE_RECORD_BYTES, record,
                                sizeof record);
        }
    }
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
    dse_graph_free(graph);
    dse_buf_fini(&records);
}

/* A task whose weights are too many together is run in groups, to the same results. */
static void groups_of_candidates_are_those_together(void **state) {
    (void)state;
    const int64_t passes[] = {4, 1, 3, 2};
    struct dse_msg_prepared prepared;
    struct dse_err err = {0};
    struct dse_evaluator *roomy = s.ev;
    struct dse_msg_partials together = run(6000, passes, 4), groups;
    assert_ok(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &s.ev, &err), &err);
    dse_evaluator_bound_weights(s.ev, 1);
    assert_ok(open_model(s.ev, &s.files[0], false, &prepared, &err), &err);
    groups = run(6000, passes, 4);
    dse_evaluator_free(s.ev);
    s.ev = roomy;
    assert_true(groups.layers_saved < together.layers_saved); /* nothing is shared between groups */
    assert_int_equal(groups.inferences, together.inferences);
    for (int i = 0; i < 4; i++) {
        assert_memory_equal(groups.results[i].tallies, together.results[i].tallies,
                            TALLY * sizeof(int64_t));
        assert_string_equal(groups.results[i].records, together.results[i].records);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    dse_kernels_fix_environment(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_says_what_each_exit_needs),
        cmocka_unit_test(dropouts_of_the_model_are_found),
        cmocka_unit_test(thresholds_on_records_are_an_evaluation_that_stops),
        cmocka_unit_test(the_last_exits_records_are_its_tally),
        cmocka_unit_test(fewer_passes_beside_more_are_those_alone),
        cmocka_unit_test(masks_are_those_of_the_images),
        cmocka_unit_test(groups_of_candidates_are_those_together),
    };
    return cmocka_run_group_tests(tests, open_exits, close_exits);
}
