/* Trained classifiers from outside the repository reach the number of correct CIFAR-10 test images
 * that PyTorch measured, give or take the images whose two largest logits are nearly the same. */
#include "tests/unit/plan/plan_helpers.h"

#define MODELS      DSE_SHARED_DIR "/data/models"
#define IMAGES_FILE DSE_SHARED_DIR "/data/cifar10/test_batch.bin"

enum { IMAGES = 10000, PIXELS = 32 * 32, RECORD = 1 + 3 * PIXELS, CLASSES = 10, BATCH = 8 };

/* Logits nearer to each other than this may change places between two float32 computations. */
static const float NEAR = 1e-4f;

static const struct published {
    const char *file;
    float mean[3], std[3];
    int n_outputs;
    const char *outputs[2];
    int correct[2];
} published[] = {
    {"resnet20-cifar10", {.485f, .456f, .406f}, {.229f, .224f, .225f}, 1, {"logits"}, {9173}},
    {"resnet32-cifar10", {.485f, .456f, .406f}, {.229f, .224f, .225f}, 1, {"logits"}, {9263}},
    {"resnet8-2exits-cifar10", {0, 0, 0}, {1, 1, 1}, 2, {"exit0", "exit1"}, {7673, 8661}},
};

static struct dse_buf records; /* label, then red, green, blue, row by row */

static void fill_images(const struct published *model, int first, float *images) {
    const uint8_t *record = (const uint8_t *)records.data + (size_t)first * RECORD;
    for (int n = 0; n < BATCH; n++, record += RECORD)
        for (int p = 0; p < PIXELS; p++)
            for (int c = 0; c < 3; c++)
                *images++ =
                    ((float)record[1 + c * PIXELS + p] / 255.0f - model->mean[c]) / model->std[c];
}

static void judge(const float *logits, int label, int *correct, int *near) {
    int best = 0;
    float second = -1e30f;
    for (int c = 1; c < CLASSES; c++)
        best = logits[c] > logits[best] ? c : best;
    for (int c = 0; c < CLASSES; c++)
        second = c != best && logits[c] > second ? logits[c] : second;
    *correct += best == label;
    *near += logits[best] - second < NEAR;
}

static void check_model(const struct published *model, struct dse_kernels *kernels) {
    static float images[BATCH * PIXELS * 3], logits[2 * BATCH * CLASSES];
    char path[512];
    struct dse_graph *graph = NULL;
    struct dse_err err = {0};
    const struct dse_graph_options options = {.outputs = model->outputs,
                                              .n_outputs = model->n_outputs};
    const int order = 0;
    int correct[2] = {0}, near[2] = {0};
    (void)snprintf(path, sizeof path, MODELS "/%s.onnx", model->file);
    assert_ok(dse_graph_load_onnx(path, &options, &graph, &err), &err);
    struct dse_plan *plan = new_plan(graph, kernels, BATCH, NULL);
    struct dse_candidate candidate = new_candidate(graph->n_layers, 0);
    for (int first = 0; first < IMAGES; first += BATCH) {
        fill_images(model, first, images);
        assert_ok(dse_plan_run(plan, &candidate, 1, &order, images, BATCH, logits, NULL, &err),
                  &err);
        for (int k = 0; k < model->n_outputs; k++)
            for (int n = 0; n < BATCH; n++)
                judge(logits + (k * BATCH + n) * CLASSES,
                      (uint8_t)records.data[(size_t)(first + n) * RECORD], &correct[k], &near[k]);
    }
    for (int k = 0; k < model->n_outputs; k++) {
        printf("%s, %s: %d correct, published %d; %d near a tie\n", model->file, model->outputs[k],
               correct[k], model->correct[k], near[k]);
        assert_true(abs(correct[k] - model->correct[k]) <= near[k]);
    }
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    dse_graph_free(graph);
}

static void models_reach_their_published_numbers(void **state) {
    (void)state;
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        check_model(&published[i], kernels);
    dse_kernels_free(kernels);
}

int main(void) {
    struct dse_err err = {0};
    if (dse_file_read(IMAGES_FILE, (size_t)IMAGES * RECORD, &records, &err) != DSE_OK)
        skip_all("no " IMAGES_FILE);
    const struct CMUnitTest tests[] = {cmocka_unit_test(models_reach_their_published_numbers)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dse_buf_fini(&records);
    return failed;
}
