/* Networks and single operators as torch.onnx writes them (tests/fixtures/record_networks.py),
 * against what PyTorch computed; and the same networks in integers: whatever kernels, alone or in a
 * population, the same bits.
 *
 * unit_plan_networks [FOLDER [floats]]: every NAME.onnx with NAME.f32 in it; floats: no integers.
 */
#include <dirent.h>
#include <math.h>

#include "tests/unit/plan/plan_helpers.h"

enum { IMAGES = 2, CANDIDATES = 6, MAX_NETWORKS = 512 };

/* Of the largest output of an image. */
static const double TOLERANCE = 1e-4;

static const char *folder;
static char names[MAX_NETWORKS][256];
static int n_names;

/* ---- what is recorded ---- */

struct recorded {
    struct dse_graph *graph;
    struct dse_buf bytes; /* images [2][h][w][c], then results */
    const float *images, *results;
    size_t n_results; /* for one image */
};

static void read_recorded(const char *name, struct recorded *recorded) {
    char path[1024];
    struct dse_err err = {0};
    *recorded = (struct recorded){0};
    (void)snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    recorded->graph = load_graph(path, "");
    (void)snprintf(path, sizeof path, "%s/%s.f32", folder, name);
    assert_ok(dse_file_read(path, (size_t)64 << 20, &recorded->bytes, &err), &err);
    const struct dse_graph *graph = recorded->graph;
    recorded->n_results = dse_shape_size(graph->values[graph->output].shape);
    size_t images = IMAGES * image_size(graph);
    recorded->images = (const float *)(void *)recorded->bytes.data;
    recorded->results = recorded->images + images;
    size_t bytes = (images + IMAGES * recorded->n_results) * sizeof(float);
    if (recorded->bytes.size != bytes)
        fail_msg("%s: %zu bytes recorded, %zu needed", name, recorded->bytes.size, bytes);
}

static void free_recorded(struct recorded *recorded) {
    dse_graph_free(recorded->graph);
    dse_buf_fini(&recorded->bytes);
}

/* Largest distance, as a share of the largest expected number of the image. */
static double distance(const float *expected, const float *found, size_t n) {
    double largest = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        double apart = fabs((double)expected[i] - (double)found[i]);
        most = apart <= most ? most : apart; /* NaN counts */
        largest = fabs((double)expected[i]) > largest ? fabs((double)expected[i]) : largest;
    }
    return largest > 0 ? most / largest : most;
}

static void compare_floats(const char *name, struct dse_kernels *kernels, int batch) {
    struct recorded recorded;
    read_recorded(name, &recorded);
    struct dse_plan *plan = new_plan(recorded.graph, kernels, batch, NULL);
    struct dse_candidate candidate = new_candidate(recorded.graph->n_layers, 0);
    float *found = run_one(plan, recorded.graph, batch, &candidate, recorded.images, IMAGES);
    for (size_t i = 0; i < IMAGES; i++) {
        double apart = distance(recorded.results + i * recorded.n_results,
                                found + i * recorded.n_results, recorded.n_results);
        if (!(apart <= TOLERANCE))
            fail_msg("%s, %s: image %zu is %g of its largest output away", name,
                     dse_kernels_describe(kernels), i + 1, apart);
    }
    dse_free(found);
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    free_recorded(&recorded);
}

static void floats_are_those_of_pytorch(void **state) {
    (void)state;
    const enum dse_kernel_choice choices[] = {DSE_KERNELS_AUTO, DSE_KERNELS_REFERENCE};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        struct dse_kernels *kernels = new_kernels(choices[i]);
        for (int k = 0; k < n_names; k++)
            compare_floats(names[k], kernels, i == 0 ? 2 : 3);
        dse_kernels_free(kernels);
    }
}

/* ---- in integers ---- */

static void fill_candidates(int n_layers, struct dse_candidate *candidates) {
    struct dse_rng rng;
    dse_rng_init(&rng, 3, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < CANDIDATES; i++) {
        candidates[i] = new_candidate(n_layers, 8);
        if (i > 1)
            copy_candidate(&candidates[i], &candidates[i - 1]);
        if (i > 0 && n_layers > 0)
            vary_candidate(&candidates[i], (int)dse_rng_below(&rng, (uint32_t)n_layers), &rng);
    }
}

/* All at once: [candidate][image][n_results]. */
static float *run_population(struct dse_plan *plan, const struct dse_candidate *candidates,
                             const struct recorded *recorded) {
    int order[CANDIDATES];
    struct dse_err err = {0};
    float *found = dse_alloc(CANDIDATES * IMAGES * recorded->n_results, sizeof *found);
    assert_non_null(found);
    assert_ok(dse_plan_order(plan, candidates, CANDIDATES, order, &err), &err);
    assert_ok(dse_plan_run(plan, candidates, CANDIDATES, order, recorded->images, IMAGES, found,
                           NULL, &err),
              &err);
    return found;
}

static void compare_integers(const char *name, struct dse_kernels *fast,
                             struct dse_kernels *plain) {
    struct recorded recorded;
    struct dse_candidate candidates[CANDIDATES];
    read_recorded(name, &recorded);
    size_t n = IMAGES * recorded.n_results;
    double *amax = calibrate(recorded.graph, recorded.images, IMAGES);
    struct dse_plan *plan = new_plan(recorded.graph, fast, IMAGES, amax);
    struct dse_plan *reference = new_plan(recorded.graph, plain, IMAGES, amax);
    fill_candidates(recorded.graph->n_layers, candidates);
    float *together = run_population(plan, candidates, &recorded);
    for (int i = 0; i < CANDIDATES; i++) {
        float *alone =
            run_one(reference, recorded.graph, IMAGES, &candidates[i], recorded.images, IMAGES);
        if (memcmp(alone, together + (size_t)i * n, n * sizeof *alone) != 0)
            fail_msg("%s: candidate %d differs between %s in a population and plain C alone", name,
                     i, dse_kernels_describe(fast));
        double apart = distance(recorded.results, alone, n);
        if (i == 0 && !(apart < 0.2))
            fail_msg("%s: 8 bits are %g of the largest output away from float32", name, apart);
        dse_free(alone);
        dse_candidate_fini(&candidates[i]);
    }
    dse_free(together);
    dse_free(amax);
    dse_plan_free(plan);
    dse_plan_free(reference);
    free_recorded(&recorded);
}

static void integers_are_the_same_bits(void **state) {
    (void)state;
    struct dse_kernels *fast = new_kernels(DSE_KERNELS_AUTO);
    struct dse_kernels *plain = new_kernels(DSE_KERNELS_REFERENCE);
    for (int k = 0; k < n_names; k++)
        compare_integers(names[k], fast, plain);
    dse_kernels_free(fast);
    dse_kernels_free(plain);
}

static void list_networks(void) {
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *end = strstr(entries[i]->d_name, ".onnx");
        if (end != NULL && n_names < MAX_NETWORKS)
            (void)snprintf(names[n_names++], sizeof names[0], "%.*s",
                           (int)(end - entries[i]->d_name), entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv) {
    folder = argc > 1 ? argv[1] : DSE_FIXTURES_DIR "/networks";
    list_networks();
    if (n_names == 0)
        return 1;
    const struct CMUnitTest floats_only[] = {cmocka_unit_test(floats_are_those_of_pytorch)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_are_those_of_pytorch),
        cmocka_unit_test(integers_are_the_same_bits),
    };
    if (argc > 2 && strcmp(argv[2], "floats") == 0)
        return cmocka_run_group_tests_name("floats", floats_only, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
