/* Monte-Carlo dropout in a population: every pass is what it is alone, and costs its tail only. */
#include "tests/unit/plan/plan_helpers.h"

enum { BATCH = 4, CLASSES = 10, EXITS = 3, RESULT = EXITS * BATCH * CLASSES };
enum { POPULATION = 10, MOST_PASSES = 5, MOST_ITEMS = POPULATION * MOST_PASSES };
static const uint64_t SEED = 99;

static struct {
    struct dse_graph *graph;
    float *images;
    double *amax;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
} s;

static int open_sample(void **state) {
    (void)state;
    static const char *const exits[EXITS] = {"exit0", "exit1", "logits"};
    const struct dse_graph_options options = {.outputs = exits, .n_outputs = EXITS};
    struct dse_err err = {0};
    assert_ok(dse_graph_load_onnx(SAMPLE, &options, &s.graph, &err), &err);
    s.images = random_images(s.graph, BATCH, 70);
    s.amax = calibrate(s.graph, s.images, BATCH);
    s.kernels = new_kernels(DSE_KERNELS_AUTO);
    s.plan = new_plan(s.graph, s.kernels, BATCH, s.amax);
    dse_plan_set_masks(s.plan, SEED, 1000);
    return 0;
}

static int close_sample(void **state) {
    (void)state;
    dse_plan_free(s.plan);
    dse_kernels_free(s.kernels);
    dse_free(s.amax);
    dse_free(s.images);
    dse_graph_free(s.graph);
    return 0;
}

static struct dse_candidate dropping(int bits, int start, double rate, int passes) {
    struct dse_candidate candidate = new_candidate(s.graph->n_layers, bits);
    for (int i = start; i < s.graph->n_layers; i++)
        candidate.dropout[i] = (int)dse_dropout_steps(rate);
    candidate.passes = passes;
    return candidate;
}

static void run(const struct dse_candidate *candidates, int n, const int *order,
                float logits[][RESULT], struct dse_plan_stats *stats) {
    struct dse_err err = {0};
    assert_ok(
        dse_plan_run(s.plan, candidates, n, order, s.images, BATCH, &logits[0][0], stats, &err),
        &err);
}

static void order_of(const struct dse_candidate *candidates, int n, int *order) {
    struct dse_err err = {0};
    assert_ok(dse_plan_order(s.plan, candidates, n, order, &err), &err);
}

/* Random bits, some float32, some without dropout, some that differ from one before in the last
 * layers only. */
static void fill_population(struct dse_candidate population[POPULATION]) {
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 71, 0);
    uint32_t n_layers = (uint32_t)s.graph->n_layers;
    for (int i = 0; i < POPULATION; i++) {
        population[i] =
            dropping(i == 3 ? 0 : 8, i % 4 == 1 ? 0 : (int)dse_rng_below(&rng, n_layers),
                     i == 5 ? 0 : 0.1 * (1 + i % 3), 1 + (int)dse_rng_below(&rng, MOST_PASSES));
        if (i == 3)
            continue;
        int first = 0;
        if (i % 2 != 0) {
            copy_candidate(&population[i], &population[i - 1]);
            memcpy(population[i].dropout, population[i - 1].dropout, n_layers * sizeof(int));
            first = (int)dse_rng_below(&rng, n_layers);
        }
        vary_candidate(&population[i], first, &rng);
    }
}

static void every_pass_of_a_population_is_what_it_is_alone(void **state) {
    (void)state;
    static float together[MOST_ITEMS][RESULT], alone[MOST_ITEMS][RESULT];
    struct dse_candidate population[POPULATION];
    struct dse_plan_stats stats = {0};
    int order[MOST_ITEMS];
    fill_population(population);
    order_of(population, POPULATION, order);
    run(population, POPULATION, order, together, &stats);
    int item = 0;
    for (int i = 0; i < POPULATION; i++) {
        int own[MOST_PASSES];
        for (int pass = 0; pass < population[i].passes; pass++)
            own[pass] = population[i].passes - 1 - pass; /* in another order */
        run(&population[i], 1, own, alone, NULL);
        for (int pass = 0; pass < population[i].passes; pass++, item++)
            assert_memory_equal(together[item], alone[pass], sizeof alone[pass]);
    }
    assert_int_equal(item, dse_plan_items(population, POPULATION));
    assert_int_equal(stats.layers_asked, item * s.graph->n_layers);
    assert_true(stats.layers_run < stats.layers_asked);
    for (int i = 0; i < POPULATION; i++)
        dse_candidate_fini(&population[i]);
}

static void the_first_passes_of_many_are_those_of_few(void **state) {
    (void)state;
    static float many[MOST_PASSES][RESULT], few[MOST_PASSES][RESULT];
    int order[MOST_PASSES];
    struct dse_candidate candidate = dropping(8, 2, 0.2, MOST_PASSES);
    order_of(&candidate, 1, order);
    run(&candidate, 1, order, many, NULL);
    for (int passes = 1; passes < MOST_PASSES; passes++) {
        candidate.passes = passes;
        order_of(&candidate, 1, order);
        run(&candidate, 1, order, few, NULL);
        assert_memory_equal(few, many, sizeof few[0] * (size_t)passes);
        assert_memory_not_equal(many[passes - 1], many[passes], sizeof many[0]);
    }
    dse_candidate_fini(&candidate);
}

/* Layers in order: stem, 2 + 3 + 3 of the stages, heads of exit0, exit1, logits. */
static void what_no_dropout_reaches_is_computed_once(void **state) {
    (void)state;
    static const struct { int start, tail; } cases[] = {{11, 1}, {9, 3}, {6, 6}, {0, 12}};
    int n_layers = s.graph->n_layers;
    assert_int_equal(n_layers, 12);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static float logits[MOST_PASSES][RESULT];
        int order[MOST_PASSES];
        struct dse_plan_stats stats = {0};
        struct dse_candidate candidate = dropping(8, cases[i].start, 0.2, MOST_PASSES);
        order_of(&candidate, 1, order);
        run(&candidate, 1, order, logits, &stats);
        assert_int_equal(stats.layers_run, n_layers + (MOST_PASSES - 1) * cases[i].tail);
        dse_candidate_fini(&candidate);
    }
}

static void an_image_keeps_its_mask_wherever_it_stands(void **state) {
    (void)state;
    static float all[MOST_PASSES][RESULT], one[MOST_PASSES][EXITS * CLASSES];
    int order[MOST_PASSES];
    struct dse_err err = {0};
    struct dse_candidate candidate = dropping(6, 1, 0.3, MOST_PASSES);
    order_of(&candidate, 1, order);
    run(&candidate, 1, order, all, NULL);
    for (int image = 0; image < BATCH; image++) {
        dse_plan_set_masks(s.plan, SEED, 1000 + (uint32_t)image);
        assert_ok(dse_plan_run(s.plan, &candidate, 1, order,
                               s.images + (size_t)image * image_size(s.graph), 1, &one[0][0], NULL,
                               &err),
                  &err);
        for (int pass = 0; pass < MOST_PASSES; pass++)
            for (int exit = 0; exit < EXITS; exit++)
                assert_memory_equal(&one[pass][exit * CLASSES],
                                    &all[pass][(exit * BATCH + image) * CLASSES],
                                    CLASSES * sizeof(float));
    }
    dse_plan_set_masks(s.plan, SEED + 1, 1000);
    run(&candidate, 1, order, all, NULL);
    assert_memory_not_equal(&one[0][0], &all[0][(BATCH - 1) * CLASSES], CLASSES * sizeof(float));
    dse_plan_set_masks(s.plan, SEED, 1000);
    dse_candidate_fini(&candidate);
}

static void rate_0_drops_nothing(void **state) {
    (void)state;
    static float with[MOST_PASSES][RESULT], without[1][RESULT];
    int order[MOST_PASSES];
    struct dse_plan_stats stats = {0};
    struct dse_candidate none = dropping(8, 0, 0, MOST_PASSES), plain = dropping(8, 0, 0, 1);
    order_of(&none, 1, order);
    run(&none, 1, order, with, &stats);
    assert_int_equal(stats.layers_run, s.graph->n_layers);
    order_of(&plain, 1, order);
    run(&plain, 1, order, without, NULL);
    for (int pass = 0; pass < MOST_PASSES; pass++)
        assert_memory_equal(with[pass], without[0], sizeof without[0]);
    dse_candidate_fini(&none);
    dse_candidate_fini(&plain);
}

static void impossible_dropout_is_refused(void **state) {
    (void)state;
    static const struct {
        int rate, passes;
    } cases[] = {{-1, 1}, {DSE_DROPOUT_STEPS, 1}, {1, -1}, {1, DSE_PASSES_MOST + 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_candidate candidate = new_candidate(s.graph->n_layers, 8);
        struct dse_err err = {0};
        int order[1] = {-7};
        candidate.dropout[3] = cases[i].rate;
        candidate.passes = cases[i].passes;
        assert_int_equal(dse_plan_order(s.plan, &candidate, 1, order, &err), DSE_INVALID);
        assert_int_equal(order[0], -7);
        dse_candidate_fini(&candidate);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    dse_kernels_fix_environment(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pass_of_a_population_is_what_it_is_alone),
        cmocka_unit_test(the_first_passes_of_many_are_those_of_few),
        cmocka_unit_test(what_no_dropout_reaches_is_computed_once),
        cmocka_unit_test(an_image_keeps_its_mask_wherever_it_stands),
        cmocka_unit_test(rate_0_drops_nothing),
        cmocka_unit_test(impossible_dropout_is_refused),
    };
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
