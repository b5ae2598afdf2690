/* corrupt: a trained network sees our images as it sees those of an independent implementation of
 * the published formulas. ResNet-20 on the first 1,000 CIFAR-10 test images, cell by cell; which
 * images it classifies correctly with the other implementation is recorded (corrupt_accuracy.py).
 *
 * Per cell: of n images, b are right with ours only and c with theirs only. The difference of the
 * two accuracies is (b - c) / n; paired, its variance is ((b + c) - (b - c)^2 / n) / n^2, and it
 * should lie within 1.96 standard deviations of 0 in 95 of 100 cells. */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/corrupt/corrupt.h"
#include "evaluator/datasets/datasets.h"
#include "evaluator/plan/plan.h"

#define DATA DSE_SHARED_DIR "/data/"

enum { IMAGES = 1000, VALUES = 32 * 32 * 3, BATCH = 10, CLASSES = 10, CELLS = 95 };

static const char *const frost_files[DSE_CORRUPT_FROST_FILES] = {
    DATA "frost/frost1.png", DATA "frost/frost2.png", DATA "frost/frost3.png",
    DATA "frost/frost4.jpg", DATA "frost/frost5.jpg"};
static const double mean[3] = {0.485, 0.456, 0.406}, deviation[3] = {0.229, 0.224, 0.225};

static struct dse_graph *graph;
static struct dse_kernels *kernels;
static struct dse_plan *plan;
static struct dse_dataset data;
static struct dse_corrupter *corrupter;

static int load_all(void **state) {
    (void)state;
    static const char *const batch[] = {DATA "cifar10/test_batch.bin"};
    const struct dse_plan_options options = {.batch = BATCH};
    struct dse_err err = {0};
    const struct dse_dataset_request request = {
        .format = DSE_DATASET_CIFAR10, .paths = batch, .n_paths = 1, .count = IMAGES};
    assert_ok(dse_dataset_load(&request, &data, &err), &err);
    assert_ok(dse_graph_load_onnx(DATA "models/resnet20-cifar10.onnx",
                                  &(struct dse_graph_options){0}, &graph, &err),
              &err);
    assert_ok(dse_kernels_new(DSE_KERNELS_AUTO, &kernels, &err), &err);
    assert_ok(dse_plan_new(graph, kernels, &options, &plan, &err), &err);
    assert_ok(dse_corrupter_new(32, 32, 3, frost_files, &corrupter, &err), &err);
    return 0;
}

static int free_all(void **state) {
    (void)state;
    dse_corrupter_free(corrupter);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_graph_free(graph);
    dse_dataset_fini(&data);
    return 0;
}

static int arg_max(const float *logits) {
    int best = 0;
    for (int i = 1; i < CLASSES; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static void classify_cell(enum dse_corruption corruption, int severity, bool *correct) {
    static float images[BATCH * VALUES], logits[BATCH * CLASSES];
    struct dse_candidate candidate = {0};
    struct dse_err err = {0};
    const int order[] = {0};
    assert_ok(dse_candidate_init(&candidate, graph->n_layers, 0, &err), &err);
    for (int first = 0; first < IMAGES; first += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            uint8_t pixels[VALUES];
            assert_ok(dse_corrupt_image(corrupter, corruption, severity, 0, (uint32_t)(first + i),
                                        data.pixels + (size_t)(first + i) * VALUES, pixels, &err),
                      &err);
            dse_dataset_normalize(pixels, VALUES, 3, mean, deviation, images + (size_t)i * VALUES);
        }
        assert_ok(dse_plan_run(plan, &candidate, 1, order, images, BATCH, logits, NULL, &err),
                  &err);
        for (int i = 0; i < BATCH; i++)
            correct[first + i] = arg_max(logits + (size_t)i * CLASSES) == data.labels[first + i];
    }
    dse_candidate_fini(&candidate);
}

static void read_bits(uint8_t *bits, size_t size) {
    FILE *file = fopen(DSE_FIXTURES_DIR "/corrupt_accuracy.bits", "rb");
    assert_non_null(file);
    assert_int_equal(fread(bits, 1, size, file), size);
    (void)fclose(file);
}

static void accuracy_of_every_cell_is_that_of_the_formulas(void **state) {
    (void)state;
    static uint8_t bits[CELLS][IMAGES / 8];
    int n, within = 0, errors = 0, standard_cells = 0;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    read_bits(bits[0], sizeof bits);
    assert_int_equal(n * DSE_SEVERITIES, CELLS);
    for (int cell = 0; cell < CELLS; cell++) {
        const struct dse_corruption_def *def = &table[cell / DSE_SEVERITIES];
        bool correct[IMAGES];
        int only_ours = 0, only_theirs = 0, ours = 0;
        classify_cell(def->corruption, cell % DSE_SEVERITIES + 1, correct);
        for (int i = 0; i < IMAGES; i++) {
            bool theirs = (bits[cell][i / 8] >> (7 - i % 8) & 1) != 0;
            ours += correct[i];
            only_ours += correct[i] && !theirs;
            only_theirs += theirs && !correct[i];
        }
        double difference = only_ours - only_theirs;
        double bound = 1.96 * sqrt(only_ours + only_theirs - difference * difference / IMAGES);
        bool fine = fabs(difference) <= bound;
        within += fine;
        if (dse_corruption_is_standard(def)) {
            errors += IMAGES - ours;
            standard_cells++;
        }
        printf("%s %d: %.1f %%, theirs %.1f %%, difference %+.1f, bound %.1f%s\n", def->name,
               cell % DSE_SEVERITIES + 1, ours / 10.0, (ours - difference) / 10.0,
               difference / 10.0, bound / 10.0, fine ? "" : " BEYOND");
    }
    printf("%d of %d cells within the interval; mean error over the standard cells %.2f %%\n",
           within, CELLS, 100.0 * errors / IMAGES / standard_cells);
    assert_true(within >= 93);
}

int main(void) {
    if (access(DATA "models/resnet20-cifar10.onnx", R_OK) != 0 || access(frost_files[0], R_OK) != 0)
        skip_all("no CIFAR-10, ResNet-20 and frost photographs beside the source tree");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracy_of_every_cell_is_that_of_the_formulas),
    };
    return cmocka_run_group_tests(tests, load_all, free_all);
}
