/* Problems with dropout and early exits: genes, what they mean, and what is executed. */
#include <math.h>

#include "problems/problems.h"
#include "tests/lib/testing.h"

/* Three layers in a row, a head behind each but the first: a - b - head0, b - c - head1. */
static const int after_b[] = {0}, after_c[] = {0, 1}, after_head0[] = {0, 1},
                 after_head1[] = {0, 1, 3};
enum { A, B, HEAD0, C, HEAD1, LAYERS };
static const struct dse_layer_facts layers[LAYERS] = {
    {"a", .macs = 1000, .weights = 7, .inputs = 50, .outputs = 60, .exit = 0},
    {"b", 200, 11, 60, 70, .exit = 0, .drops = true, .after = after_b, .n_after = 1},
    {"head0", 30, 13, 70, 10, .exit = 0, .after = after_head0, .n_after = 2},
    {"c", 5000, 17, 70, 80, .exit = 1, .after = after_c, .n_after = 2},
    {"head1", 40, 19, 80, 10, .exit = 1, .drops = true, .after = after_head1, .n_after = 3},
};
static const struct dse_cell_facts clean[1];
static const struct dse_model_facts model = {.cells = clean,
                                             .layers = layers,
                                             .n_layers = LAYERS,
                                             .n_cells = 1,
                                             .n_exits = 2,
                                             .classes = 10};
static const char *const objectives[] = {"accuracy_clean", "macs"};
static const struct dse_problem_settings settings = {.bits_min = 2,
                                                     .bits_max = 8,
                                                     .bits = 6,
                                                     .dropout_max = 0.4,
                                                     .passes_min = 1,
                                                     .passes_max = 5,
                                                     .objectives = objectives,
                                                     .n_objectives = 2};

static struct dse_space prepare(const char *problem, const struct dse_problem_settings *with) {
    struct dse_space space = {0};
    struct dse_err err = {0};
    assert_ok(dse_problem_find(problem)->prepare(with, &model, &space, &err), &err);
    return space;
}

static struct dse_candidate decode(const char *problem, const struct dse_space *space,
                                   double *genome) {
    struct dse_candidate candidate;
    struct dse_err err = {0};
    assert_ok(dse_candidate_init(&candidate, LAYERS, 0, &err), &err);
    dse_problem_find(problem)->repair(space, genome);
    assert_true(dse_genome_fits(space, genome));
    dse_problem_find(problem)->decode(space, genome, &candidate);
    return candidate;
}

static void assert_named(const struct dse_candidate *candidate, const char *name) {
    struct dse_buf text = {0};
    dse_candidate_print(candidate, &text);
    assert_string_equal(dse_buf_text(&text), name);
    dse_buf_fini(&text);
}

static void dropout_has_rate_first_layer_and_passes(void **state) {
    (void)state;
    struct dse_space space = prepare("dropout", &settings);
    double genome[] = {0.25, 1, 3};
    assert_int_equal(space.n_genes, 3);
    assert_int_equal(space.n_free, 0);
    assert_true(space.genes[0].upper == 0.4 && space.genes[1].upper == LAYERS - 1);
    struct dse_candidate candidate = decode("dropout", &space, genome);
    assert_named(&candidate, "[6,6,6,6,6,6,6,6,6,6]+[0,16384,16384,16384,16384]x3");
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static void a_model_says_where_dropout_can_be(void **state) {
    (void)state;
    struct dse_problem_settings of_model = settings;
    of_model.dropout_of_model = true;
    struct dse_space space = prepare("dropout", &of_model);
    double all[] = {0.25, 0, 3}, last[] = {0.25, 1, 3}, none[] = {0, 1, 3};
    assert_int_equal(space.n_genes, 3);
    assert_string_equal(space.genes[1].name, "dropout.first_site");
    assert_true(space.genes[1].upper == 1);
    struct dse_candidate candidate = decode("dropout", &space, all);
    assert_named(&candidate, "[6,6,6,6,6,6,6,6,6,6]+[0,16384,0,0,16384]x3");
    dse_candidate_fini(&candidate);
    candidate = decode("dropout", &space, last);
    assert_named(&candidate, "[6,6,6,6,6,6,6,6,6,6]+[0,0,0,0,16384]x3");
    dse_candidate_fini(&candidate);
    candidate = decode("dropout", &space, none);
    assert_named(&candidate, "[6,6,6,6,6,6,6,6,6,6]");
    assert_true(none[1] == 0 && none[2] == 1);
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static void a_model_without_dropouts_has_no_sites(void **state) {
    (void)state;
    struct dse_problem_settings of_model = settings;
    struct dse_model_facts plain = model;
    struct dse_space space = {0};
    struct dse_err err = {0};
    of_model.dropout_of_model = true;
    plain.n_layers = 1;
    assert_int_equal(dse_problem_find("dropout")->prepare(&of_model, &plain, &space, &err),
                     DSE_INVALID);
    assert_non_null(strstr(err.text, "no Dropout of the model stands on the input"));
}

/* Genomes that mean the same network become the same genome. */
static void without_a_rate_there_is_no_dropout(void **state) {
    (void)state;
    struct dse_space space = prepare("dropout", &settings);
    double genome[] = {1e-6, 4, 5}, most[] = {0.4, 4, 5};
    struct dse_candidate candidate = decode("dropout", &space, genome);
    assert_true(genome[0] == 0 && genome[1] == 0 && genome[2] == 1);
    assert_named(&candidate, "[6,6,6,6,6,6,6,6,6,6]");
    dse_candidate_fini(&candidate);
    candidate = decode("dropout", &space, most);
    assert_true(most[0] <= 0.4 && fabs(most[0] - 0.4) < 1.0 / 65536);
    assert_int_equal(candidate.dropout[HEAD1], (int)(most[0] * 65536));
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static void joint_has_everything_and_thresholds_last(void **state) {
    (void)state;
    struct dse_space space = prepare("joint", &settings);
    double genome[2 * LAYERS + 4] = {2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 0.5, 3, 2, 1.25};
    assert_int_equal(space.n_genes, 2 * LAYERS + 3 + 1);
    assert_int_equal(space.n_free, 1);
    assert_string_equal(space.genes[2 * LAYERS + 3].name, "exit0.threshold");
    assert_true(fabs(space.genes[2 * LAYERS + 3].upper - log(10)) < 1e-12);
    struct dse_candidate candidate = decode("joint", &space, genome);
    assert_named(&candidate, "[2,3,4,5,6,7,8,2,3,4]+[0,0,0,26214,26214]x2");
    assert_int_equal(candidate.n_thresholds, 1);
    assert_true(candidate.thresholds[0] == 1.25);
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static void thresholds_are_no_part_of_the_network(void **state) {
    (void)state;
    struct dse_space space = prepare("early_exit", &settings);
    assert_int_equal(space.n_genes, 1);
    for (double threshold = 0; threshold < 2; threshold += 0.5) {
        double genome[] = {threshold};
        struct dse_candidate candidate = decode("early_exit", &space, genome);
        assert_named(&candidate, "[6,6,6,6,6,6,6,6,6,6]");
        assert_true(candidate.thresholds[0] == threshold);
        dse_candidate_fini(&candidate);
    }
    dse_space_fini(&space);
}

static void a_network_without_exits_has_no_thresholds(void **state) {
    (void)state;
    struct dse_model_facts plain = model;
    struct dse_space space = {0};
    struct dse_err err = {0};
    plain.n_exits = 1;
    assert_int_equal(dse_problem_find("joint")->prepare(&settings, &plain, &space, &err),
                     DSE_INVALID);
    assert_non_null(strstr(err.text, "name them in model.exits"));
}

/* ---- what is executed ---- */

static double measure(const char *metric, const struct dse_candidate *candidate, int64_t left0,
                      int64_t left1) {
    int64_t tally[DSE_TALLY_SIZE + 2 * DSE_EXIT_WORDS] = {0};
    tally[DSE_TALLY_SEEN] = left0 + left1;
    tally[dse_exit_word(DSE_EXIT_LEFT, 0, 2)] = left0;
    tally[dse_exit_word(DSE_EXIT_LEFT, 1, 2)] = left1;
    const struct dse_outcome outcome = {
        .tallies = tally, .n_cells = 1, .tally_size = DSE_TALLY_SIZE + 2 * DSE_EXIT_WORDS};
    const struct dse_evidence evidence = {&model, candidate, &outcome, NULL};
    struct dse_metric parsed;
    struct dse_err err = {0};
    assert_ok(dse_metric_parse(metric, strlen(metric), &parsed, &err), &err);
    assert_ok(dse_metric_check(&parsed, &model, &err), &err);
    return dse_metric_estimate(&parsed, &evidence).value;
}

static void only_what_is_executed_counts(void **state) {
    (void)state;
    struct dse_space space = prepare("joint", &settings);
    double genome[2 * LAYERS + 4] = {2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 0, 0, 1, 1};
    struct dse_candidate candidate = decode("joint", &space, genome);
    const double first = 1000 + 200 + 30, second = 5000 + 40;
    assert_true(measure("macs", &candidate, 0, 10) == first + second);
    assert_true(measure("macs", &candidate, 10, 0) == first);
    assert_true(measure("macs", &candidate, 3, 1) == first + second / 4);
    assert_true(measure("macs_ratio", &candidate, 0, 10) == 1);
    assert_true(measure("mean_exit", &candidate, 3, 1) == 0.25);
    assert_true(measure("bit_operations", &candidate, 1, 1) ==
                1000.0 * 6 + 200 * 20 + 30 * 42 + (5000.0 * 16 + 40 * 12) / 2);
    /* Dropout from layer c on: c and head1 once a pass; head0 stands before it. */
    for (int i = C; i < LAYERS; i++)
        candidate.dropout[i] = 100;
    candidate.passes = 4;
    assert_true(measure("macs", &candidate, 1, 1) == first + 4 * second / 2);
    /* On b's input alone: everything behind it differs from pass to pass. */
    memset(candidate.dropout, 0, LAYERS * sizeof *candidate.dropout);
    candidate.dropout[B] = 100;
    assert_true(measure("macs", &candidate, 0, 1) == 1000 + 4 * (230 + second));
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

/* Of the replaced explorer: 200 pJ for 16 bits; a result has the bits of the layer that reads it
 * next (of b's: head0's), and 16 where none does. */
static void energy_is_what_is_moved_by_what_is_executed(void **state) {
    (void)state;
    struct dse_space space = prepare("joint", &settings);
    double genome[2 * LAYERS + 4] = {2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 0, 0, 1, 1};
    struct dse_candidate candidate = decode("joint", &space, genome);
    const double a = 50 * 2 + 7 * 3 + 60 * 4, b = 60 * 4 + 11 * 5 + 70 * 6,
                 head0 = 70 * 6 + 13 * 7 + 10 * 16, c = 70 * 8 + 17 * 2 + 80 * 3,
                 head1 = 80 * 3 + 19 * 4 + 10 * 16;
    const double uj_per_bit = 200.0 / 16 / 1e6;
    const struct {
        double found, bits;
    } cases[] = {{measure("dram_energy", &candidate, 10, 0), a + b + head0},
                 {measure("dram_energy", &candidate, 0, 10), a + b + head0 + c + head1},
                 {measure("dram_energy", &candidate, 3, 1), a + b + head0 + (c + head1) / 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(fabs(cases[i].found - cases[i].bits * uj_per_bit) < 1e-12);
    candidate.dropout[C] = 100;
    candidate.passes = 4;
    candidate.input_bits[HEAD1] = 0; /* float32: 32 bits, and so are the results of c */
    double floats = 4 * (70 * 8 + 17 * 2 + 80 * 32 + 80 * 32 + 19 * 4 + 10 * 16);
    assert_true(fabs(measure("dram_energy", &candidate, 1, 1) -
                     (a + b + head0 + floats / 2) * uj_per_bit) < 1e-12);
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropout_has_rate_first_layer_and_passes),
        cmocka_unit_test(a_model_says_where_dropout_can_be),
        cmocka_unit_test(a_model_without_dropouts_has_no_sites),
        cmocka_unit_test(without_a_rate_there_is_no_dropout),
        cmocka_unit_test(joint_has_everything_and_thresholds_last),
        cmocka_unit_test(thresholds_are_no_part_of_the_network),
        cmocka_unit_test(a_network_without_exits_has_no_thresholds),
        cmocka_unit_test(only_what_is_executed_counts),
        cmocka_unit_test(energy_is_what_is_moved_by_what_is_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
