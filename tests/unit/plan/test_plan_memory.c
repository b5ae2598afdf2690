/* plan: whichever allocation fails while a network is calibrated, planned and run, it is reported,
 * nothing is lost, and the same plan goes on to the same numbers. All recorded operators, and the
 * networks that have the most kinds of them. */
#include <dirent.h>

#include "tests/unit/plan/plan_helpers.h"

#define FOLDER DSE_FIXTURES_DIR "/networks"

enum { IMAGES = 2, CANDIDATES = 3, PASSES = 2, MOST_ALLOCATIONS = 5000 };
enum { ITEMS = CANDIDATES - 1 + PASSES };

/* A network in float32, 8 bits, and mixed with dropout, and what they give. */
struct subject {
    const char *name;
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    float *images, *logits, *again;
    double *amax;
    struct dse_candidate candidates[CANDIDATES];
    int order[ITEMS];
    size_t n_logits;
};

static void fail_status(const struct subject *subject, long n, enum dse_status status,
                        const struct dse_err *err) {
    fail_msg("%s, %s, allocation %ld: %s: %s", subject->name,
             dse_kernels_describe(subject->kernels), n, dse_status_name(status), err->text);
}

static enum dse_status run_all(struct subject *subject, struct dse_plan *plan, float *logits,
                               struct dse_err *err) {
    DSE_TRY(dse_plan_order(plan, subject->candidates, CANDIDATES, subject->order, err));
    return dse_plan_run(plan, subject->candidates, CANDIDATES, subject->order, subject->images,
                        IMAGES, logits, NULL, err);
}

static void make_candidates(struct subject *subject) {
    struct dse_rng rng;
    int n = subject->graph->n_layers;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < CANDIDATES; i++)
        subject->candidates[i] = new_candidate(n, i == 0 ? 0 : 8);
    struct dse_candidate *mixed = &subject->candidates[CANDIDATES - 1];
    mixed->passes = PASSES;
    if (n == 0)
        return;
    vary_candidate(mixed, n / 2, &rng);
    mixed->input_bits[0] = mixed->weight_bits[0] = 12; /* values of the grid in float32 */
    mixed->dropout[n - 1] = (int)dse_dropout_steps(0.25);
}

static void prepare(struct subject *subject, const char *name, struct dse_kernels *kernels) {
    char path[1024];
    (void)snprintf(path, sizeof path, FOLDER "/%s", name);
    *subject = (struct subject){.name = name, .kernels = kernels, .graph = load_graph(path, "")};
    subject->images = random_images(subject->graph, IMAGES, 0);
    subject->amax = calibrate(subject->graph, subject->images, IMAGES);
    make_candidates(subject);
    struct dse_plan *plan = new_plan(subject->graph, kernels, IMAGES, subject->amax);
    subject->n_logits = ITEMS * IMAGES * (size_t)dse_plan_classes(plan);
    subject->logits = dse_alloc(subject->n_logits, sizeof *subject->logits);
    subject->again = dse_alloc(subject->n_logits, sizeof *subject->again);
    assert_true(subject->logits != NULL && subject->again != NULL);
    struct dse_err err = {0};
    assert_ok(run_all(subject, plan, subject->logits, &err), &err);
    dse_plan_free(plan);
}

static void release(struct subject *subject) {
    for (int i = 0; i < CANDIDATES; i++)
        dse_candidate_fini(&subject->candidates[i]);
    dse_free(subject->again);
    dse_free(subject->logits);
    dse_free(subject->amax);
    dse_free(subject->images);
    dse_graph_free(subject->graph);
}

static void assert_nothing_lost(const struct subject *subject, long n, size_t live) {
    if (dse_alloc_live() != live)
        fail_msg("%s, %s, allocation %ld: %zu blocks are held, not %zu", subject->name,
                 dse_kernels_describe(subject->kernels), n, dse_alloc_live(), live);
}

static void assert_same_logits(const struct subject *subject, long n) {
    if (memcmp(subject->again, subject->logits, subject->n_logits * sizeof(float)) != 0)
        fail_msg("%s, %s: other numbers after allocation %ld failed", subject->name,
                 dse_kernels_describe(subject->kernels), n);
}

/* True: nothing failed any more. */
static bool fail_allocation(struct subject *subject, long n) {
    const struct dse_plan_options options = {.batch = IMAGES, .input_amax = subject->amax};
    struct dse_plan *plan = NULL;
    struct dse_err err = {0};
    size_t live = dse_alloc_live();
    dse_alloc_fail_at(n);
    enum dse_status status = dse_plan_new(subject->graph, subject->kernels, &options, &plan, &err);
    if (status == DSE_OK)
        status = run_all(subject, plan, subject->again, &err);
    dse_alloc_fail_at(-1);
    if (status != DSE_OK && status != DSE_NO_MEMORY)
        fail_status(subject, n, status, &err);
    bool done = status == DSE_OK;
    if (plan != NULL && !done) /* the plan is whole */
        assert_ok(run_all(subject, plan, subject->again, &err), &err);
    if (plan != NULL)
        assert_same_logits(subject, n);
    dse_plan_free(plan);
    assert_nothing_lost(subject, n, live);
    return done;
}

static bool fail_calibration(struct subject *subject, long n) {
    static const struct dse_calibration_rule rule = {DSE_CALIBRATION_PERCENTILE, 99.99};
    double *amax = dse_alloc((size_t)subject->graph->n_layers, sizeof *amax);
    struct dse_err err = {0};
    assert_non_null(amax);
    size_t live = dse_alloc_live();
    dse_alloc_fail_at(n);
    enum dse_status status =
        dse_plan_calibrate(subject->graph, subject->images, IMAGES, &rule, amax, NULL, NULL, &err);
    dse_alloc_fail_at(-1);
    if (status != DSE_OK && status != DSE_NO_MEMORY)
        fail_status(subject, n, status, &err);
    assert_nothing_lost(subject, n, live);
    if (status == DSE_OK)
        assert_memory_equal(amax, subject->amax, (size_t)subject->graph->n_layers * sizeof *amax);
    dse_free(amax);
    return status == DSE_OK;
}

static void fail_each(struct subject *subject, bool (*survives)(struct subject *, long)) {
    long n = 0;
    while (!survives(subject, n))
        if (++n == MOST_ALLOCATIONS)
            fail_msg("%s: success was not reached", subject->name);
    assert_true(n > 5);
}

/* ---- the networks ---- */

static bool is_chosen(const char *name) {
    static const char *const networks[] = {"net-shufflenet.onnx", "net-unet.onnx", "net-words.onnx",
                                           "net-mobilenet-v3-old.onnx"};
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (strcmp(name, networks[i]) == 0)
            return true;
    return strncmp(name, "op-", 3) == 0 && strstr(name, ".onnx") != NULL;
}

static void fail_networks(enum dse_kernel_choice choice, bool calibrates) {
    struct dse_kernels *kernels = new_kernels(choice);
    struct dirent **entries = NULL;
    int n = scandir(FOLDER, &entries, NULL, alphasort), n_networks = 0;
    for (int i = 0; i < n; i++) {
        if (is_chosen(entries[i]->d_name)) {
            struct subject subject;
            prepare(&subject, entries[i]->d_name, kernels);
            fail_each(&subject, fail_allocation);
            if (calibrates)
                fail_each(&subject, fail_calibration);
            release(&subject);
            n_networks++;
        }
        free(entries[i]);
    }
    free(entries);
    dse_kernels_free(kernels);
    assert_true(n_networks > 80);
}

static void plain_kernels_and_calibration_survive(void **state) {
    (void)state;
    fail_networks(DSE_KERNELS_REFERENCE, true);
}

static void fast_kernels_survive(void **state) {
    (void)state;
    static const enum dse_kernel_choice choices[] = {DSE_KERNELS_AUTO, DSE_KERNELS_OPENBLAS,
                                                     DSE_KERNELS_ONEDNN};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        fail_networks(choices[i], false);
}

int main(int argc, char **argv) {
    (void)argc;
    dse_kernels_fix_environment(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_kernels_and_calibration_survive),
        cmocka_unit_test(fast_kernels_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
