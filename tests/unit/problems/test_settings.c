/* problems: objectives and constraints as the user writes them, and the problem `quantization`. */
#include "tests/lib/testing.h"

#include "problems/problems.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static enum dse_status check_constraint(const char *text, struct dse_err *err) {
    int index = -1;
    const char *list[] = {"size_bits <= 1", text};
    struct dse_problem_settings settings = {.constraints = list, .n_constraints = 2};
    enum dse_status status = dse_problem_check_constraints(&settings, NULL, &index, err);
    assert_int_equal(index, status == DSE_OK ? -1 : 1);
    return status;
}

static enum dse_status check_objectives(const char *const *list, int n, int *index,
                                        struct dse_err *err) {
    struct dse_problem_settings settings = {.objectives = list, .n_objectives = n};
    return dse_problem_check_objectives(&settings, NULL, index, err);
}

static void constraints_are_read_with_any_blanks(void **state) {
    (void)state;
    static const char *const good[] = {
        "accuracy_clean >= 0.85",
        "accuracy_clean>=.85",
        "  size_bits\t<=  1e6 ",
        "bit_operations <= +12",
        "accuracy_worst >= -0.5",
        "mean_weight_bits<=4.",
        "accuracy(fog) >= 0.5",
        "accuracy( fog + snow:3 )>=.5",
        "mce(alexnet) <= 1",
        "ece(worst)<=baseline",
        "error_corrupted <= baseline+.02",
        "accuracy(clean) >= baseline - 0.03 ",
    };
    for (int i = 0; i < COUNT(good); i++) {
        struct dse_err err = {0};
        assert_ok(check_constraint(good[i], &err), &err);
    }
}

static void malformed_constraints_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "accuracy_clean",
        "accuracy_clean >= ",
        "accuracy_clean > 0.85",
        "accuracy_clean = 0.85",
        "accuracy_clean => 0.85",
        ">= 0.85",
        "0.85 <= accuracy_clean",
        "accuracy_clean >= 0.85 %",
        "accuracy_clean >= 0.85 0.9",
        "accuracy_clean >= nan",
        "accuracy_clean >= inf",
        "accuracy_clean >= 1e999",
        "accuracy_clean >= 0x1p3",
        "accuracy_clean > = 0.85",
        "accuracy clean >= 0.85",
        "accuracy (clean) >= 0.85",
        "accuracy_clean >= baseline 0.03",
        "accuracy_clean >= baseline - - 0.03",
        "accuracy_clean >= baseline -",
        "accuracy_clean >= baseline * 2",
        "accuracy_clean >= 0.03 - baseline",
    };
    for (int i = 0; i < COUNT(wrong); i++) {
        struct dse_err err = {0};
        if (check_constraint(wrong[i], &err) != DSE_INVALID)
            fail_msg("\"%s\" was read", wrong[i]);
        assert_non_null(strstr(err.text, "metric >= number"));
    }
}

static void unknown_metrics_get_a_suggestion_and_the_list(void **state) {
    (void)state;
    struct dse_err err = {0};
    int index = -1;
    const char *objectives[] = {"size_bits", "acuracy_clean"};
    assert_int_equal(check_objectives(objectives, 2, &index, &err), DSE_INVALID);
    assert_int_equal(index, 1);
    assert_non_null(strstr(err.text, "did you mean \"accuracy\"?"));
    assert_non_null(strstr(err.text, "mean_weight_bits"));
    struct dse_err other = {0};
    assert_int_equal(check_constraint("latency <= 3", &other), DSE_INVALID);
    assert_null(strstr(other.text, "did you mean"));
    assert_non_null(strstr(other.text, "Metrics: accuracy, error, "));
    struct dse_err longest = {0};
    assert_int_equal(
        check_constraint("a123456789012345678901234567890123456789012345678901234 >= 1", &longest),
        DSE_INVALID);
    assert_non_null(strstr(longest.text, "unknown metric \"a1234"));
}

static void lists_of_objectives_are_checked_as_a_whole(void **state) {
    (void)state;
    const char *twice[] = {"size_bits", "bit_operations", "size_bits"};
    struct dse_err err = {0};
    int index = -1;
    assert_int_equal(check_objectives(twice, 3, &index, &err), DSE_INVALID);
    assert_int_equal(index, 2);
    struct dse_err none = {0};
    assert_int_equal(check_objectives(NULL, 0, &index, &none), DSE_INVALID);
    assert_int_equal(index, 0);
    const char *constraints[DSE_MAX_CONSTRAINTS + 1];
    for (int i = 0; i <= DSE_MAX_CONSTRAINTS; i++)
        constraints[i] = "size_bits <= 1";
    struct dse_problem_settings settings = {.constraints = constraints,
                                            .n_constraints = DSE_MAX_CONSTRAINTS + 1};
    struct dse_err many = {0};
    assert_int_equal(dse_problem_check_constraints(&settings, NULL, &index, &many), DSE_INVALID);
    assert_int_equal(index, DSE_MAX_CONSTRAINTS);
    assert_non_null(strstr(many.text, "at most 8"));
}

/* ---- quantization ---- */

static const struct dse_layer_facts layers[] = {
    {.name = "conv1", .macs = 1000, .weights = 100},
    {.name = "/a/layer/with/a/name/that/is/much/longer/than/a/gene/may/have/block7/conv2",
     .macs = 300,
     .weights = 50},
};
static const struct dse_corruption_def fog = {DSE_CORRUPTION_FOG, "fog", "",
                                              DSE_CORRUPTIONS_WEATHER};
static const struct dse_cell_facts cells[] = {{NULL, 0}, {&fog, 1}, {&fog, 3}};
static const struct dse_model_facts model = {
    .layers = layers, .n_layers = 2, .cells = cells, .n_cells = 3, .has_baseline = true};
static const char *const objectives[] = {"accuracy_corrupted", "bit_operations"};
static const char *const constraints[] = {"accuracy_clean >= 0.8", "size_bits<=600"};
static const struct dse_problem_settings settings = {
    .bits_min = 3,
    .bits_max = 7,
    .objectives = objectives,
    .n_objectives = 2,
    .constraints = constraints,
    .n_constraints = 2,
};

static void prepare_builds_the_space(void **state) {
    (void)state;
    const struct dse_problem_def *problem = dse_problem_find("quantization");
    struct dse_space space = {0};
    struct dse_err err = {0};
    assert_ok(problem->prepare(&settings, &model, &space, &err), &err);
    assert_int_equal(space.n_genes, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(space.genes[i].type, DSE_GENE_INT);
        assert_true(space.genes[i].lower == 3 && space.genes[i].upper == 7);
    }
    assert_string_equal(space.genes[0].name, "conv1.input_bits");
    assert_string_equal(space.genes[1].name, "conv1.weight_bits");
    assert_non_null(strstr(space.genes[3].name, "block7/conv2.weight_bits"));
    assert_int_equal(space.n_objectives, 2);
    assert_string_equal(space.objectives[0].metric, "accuracy_corrupted");
    assert_int_equal(space.objectives[0].sense, DSE_MAXIMIZE);
    assert_int_equal(space.objectives[1].sense, DSE_MINIMIZE);
    assert_int_equal(space.n_constraints, 2);
    assert_string_equal(space.constraints[1].metric, "size_bits");
    assert_int_equal(space.constraints[0].relation, DSE_AT_LEAST);
    assert_int_equal(space.constraints[1].relation, DSE_AT_MOST);
    assert_true(space.constraints[0].bound == 0.8 && space.constraints[1].bound == 600);
    dse_space_fini(&space);
    assert_null(space.genes);
}

static void genes_decode_as_input_then_weight_bits(void **state) {
    (void)state;
    const struct dse_problem_def *problem = dse_problem_find("quantization");
    struct dse_space space = {0};
    struct dse_candidate candidate = {0};
    struct dse_err err = {0};
    assert_ok(problem->prepare(&settings, &model, &space, &err), &err);
    assert_ok(dse_candidate_init(&candidate, 2, 0, &err), &err);
    double genome[] = {3.4, 4.6, 1, 11};
    problem->repair(&space, genome);
    problem->decode(&space, genome, &candidate);
    assert_memory_equal(candidate.input_bits, ((int[]){3, 3}), 2 * sizeof(int));
    assert_memory_equal(candidate.weight_bits, ((int[]){5, 7}), 2 * sizeof(int));
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static void assert_prepare_refuses(const struct dse_problem_settings *wrong,
                                   const struct dse_model_facts *facts, const char *text) {
    struct dse_space space = {.n_genes = -7};
    struct dse_err err = {0};
    size_t live = dse_alloc_live();
    assert_int_equal(dse_problem_find("quantization")->prepare(wrong, facts, &space, &err),
                     DSE_INVALID);
    if (strstr(err.text, text) == NULL)
        fail_msg("\"%s\" does not contain \"%s\"", err.text, text);
    assert_int_equal(space.n_genes, -7);
    assert_int_equal(dse_alloc_live(), live);
}

static void prepare_refuses_what_cannot_be_searched(void **state) {
    (void)state;
    struct dse_problem_settings wrong = settings;
    wrong.bits_min = 1;
    assert_prepare_refuses(&wrong, &model, "problem.bits_min is 1");
    wrong = settings;
    wrong.bits_max = 17;
    assert_prepare_refuses(&wrong, &model, "problem.bits_max is 17");
    wrong = settings;
    wrong.bits_max = 2;
    assert_prepare_refuses(&wrong, &model, "must not be the larger");
    wrong = settings;
    wrong.constraints = (const char *const[]){"speed >= 3", ""};
    assert_prepare_refuses(&wrong, &model, "unknown metric \"speed\"");
    struct dse_model_facts facts = model;
    facts.n_layers = 0;
    assert_prepare_refuses(&settings, &facts, "no convolution or dense layer");
    facts = model;
    facts.n_cells = 1;
    assert_prepare_refuses(&settings, &facts, "\"accuracy_corrupted\" needs corrupted images");
    facts = model;
    facts.cells = &cells[1];
    facts.n_cells = 2;
    assert_prepare_refuses(&settings, &facts, "\"accuracy_clean\" needs clean images");
}

static void prepare_survives_failing_allocations(void **state) {
    (void)state;
    size_t live = dse_alloc_live();
    for (long n = 0;; n++) {
        struct dse_space space = {.n_genes = -7};
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        enum dse_status status =
            dse_problem_find("quantization")->prepare(&settings, &model, &space, &err);
        dse_alloc_fail_at(-1);
        if (status == DSE_OK) {
            assert_int_equal(n, 3);
            dse_space_fini(&space);
            break;
        }
        assert_int_equal(status, DSE_NO_MEMORY);
        assert_int_equal(space.n_genes, -7);
        assert_int_equal(dse_alloc_live(), live);
    }
    assert_int_equal(dse_alloc_live(), live);
}

static void problems_are_found_by_name(void **state) {
    (void)state;
    int n;
    const struct dse_problem_def *table = dse_problem_table(&n);
    assert_true(n >= 1);
    for (int i = 0; i < n; i++)
        assert_ptr_equal(dse_problem_find(table[i].name), &table[i]);
    assert_null(dse_problem_find("pruning"));
}

/* ---- problems without a network ---- */

static void genes_are_read_as_written(void **state) {
    (void)state;
    struct dse_gene gene;
    const char *labels = "";
    char label[16];
    struct dse_err err = {0};
    assert_ok(dse_gene_parse(" units  int -8 256", &gene, &labels, &err), &err);
    assert_string_equal(gene.name, "units");
    assert_true(gene.type == DSE_GENE_INT && gene.lower == -8 && gene.upper == 256);
    assert_null(labels);
    assert_ok(dse_gene_parse("act category relu tanh  gelu ", &gene, &labels, &err), &err);
    assert_true(gene.type == DSE_GENE_CATEGORY && gene.lower == 0 && gene.upper == 2);
    assert_string_equal(dse_gene_label(labels, 2, label, sizeof label), "gelu");
    assert_string_equal(dse_gene_label(labels, 0, label, sizeof label), "relu");
    static const char *const wrong[] = {"",
                                        "x",
                                        "x real 0 1",
                                        "x int 0",
                                        "x int 0 b",
                                        "x int 2 1",
                                        "x int 0 1 2",
                                        "1x int 0 1",
                                        "x int 0 0x9",
                                        "x float 0 inf",
                                        "x category a",
                                        "x category a 1b",
                                        "x int 0.5 2",
                                        "x int 0 4294967296"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(dse_gene_parse(wrong[i], &gene, NULL, NULL), DSE_INVALID);
}

static void a_function_measures_by_position(void **state) {
    (void)state;
    static const char *const wanted[] = {"f2", "maximize f1"}, *const bounds[] = {"f1 >= 3"};
    const struct dse_problem_settings of_osy = {.type = "osy",
                                                .objectives = wanted,
                                                .n_objectives = 2,
                                                .constraints = bounds,
                                                .n_constraints = 1};
    const struct dse_problem_def *problem = dse_problem_find("osy");
    const struct dse_model_facts none = {0};
    struct dse_space space = {0};
    struct dse_err err = {0};
    assert_string_equal(problem->name, "function");
    assert_ok(problem->prepare(&of_osy, &none, &space, &err), &err);
    assert_true(space.n_genes == 6 && space.n_constraints == 7);
    assert_string_equal(space.genes[5].name, "x6");
    const double values[] = {10, 20, -1, -1, 2, -1, -1, 0.5};
    const struct dse_outcome outcome = {.values = values, .n_values = 8};
    const struct dse_candidate candidate = {0};
    const struct dse_evidence evidence = {&none, &candidate, &outcome, NULL};
    double got[2], violation;
    assert_ok(dse_space_measure(&space, &evidence, got, &violation, &err), &err);
    assert_true(got[0] == 20 && got[1] == 10 && violation == 2.5);
    assert_int_equal(space.objectives[1].sense, DSE_MAXIMIZE);
    dse_space_fini(&space);
}

static void a_program_measures_by_name(void **state) {
    (void)state;
    static const char *const wanted[] = {"minimize loss", "maximise speed"};
    static const char *const bounds[] = {"size <= 4"}, *const genes[] = {"x int 0 3"};
    const struct dse_problem_settings of_program = {.type = "external",
                                                    .objectives = wanted,
                                                    .n_objectives = 2,
                                                    .constraints = bounds,
                                                    .n_constraints = 1,
                                                    .genes = genes,
                                                    .n_genes = 1};
    static const char *const names[] = {"loss", "more", "size", "speed"};
    const double values[] = {0.5, 1, 6, 30};
    struct dse_outcome outcome = {.values = values, .n_values = 4, .names = names, .n_names = 4};
    const struct dse_model_facts none = {0};
    const struct dse_candidate candidate = {0};
    const struct dse_evidence evidence = {&none, &candidate, &outcome, NULL};
    struct dse_space space = {0};
    double got[2], violation;
    struct dse_err err = {0};
    assert_ok(dse_problem_find("external")->prepare(&of_program, &none, &space, &err), &err);
    assert_ok(dse_space_measure(&space, &evidence, got, &violation, &err), &err);
    assert_true(got[0] == 0.5 && got[1] == 30 && violation == 2);
    outcome.n_values = outcome.n_names = 3;
    assert_int_equal(dse_space_measure(&space, &evidence, got, &violation, &err), DSE_FAILED);
    assert_string_equal(err.text, "there is no value \"speed\" in the result");
    dse_space_fini(&space);
}

/* ---- layers that are fixed, share genes, or may stay float32 ---- */

static const struct dse_layer_facts six_layers[] = {
    {.name = "stem", .macs = 1, .weights = 1},     {.name = "block1/a", .macs = 1, .weights = 1},
    {.name = "block1/b", .macs = 1, .weights = 1}, {.name = "block2/a", .macs = 1, .weights = 1},
    {.name = "block2/b", .macs = 1, .weights = 1}, {.name = "head", .macs = 1, .weights = 1},
};
static const struct dse_model_facts six = {
    .layers = six_layers, .n_layers = 6, .cells = cells, .n_cells = 3, .has_baseline = true};

static struct dse_space space_of(const struct dse_problem_settings *wanted) {
    struct dse_space space = {0};
    struct dse_err err = {0};
    assert_ok(dse_problem_find("quantization")->prepare(wanted, &six, &space, &err), &err);
    return space;
}

/* Bits of all layers, "input/weights" each, for genes with the values 2, 3, 4, ... */
static void assert_decodes(const struct dse_problem_settings *wanted, const char *genes,
                           const char *expected) {
    struct dse_space space = space_of(wanted);
    struct dse_candidate candidate;
    struct dse_err err = {0};
    double genome[12];
    char names[600] = "", text[200] = "";
    assert_ok(dse_candidate_init(&candidate, 6, space.n_genes, &err), &err);
    for (int i = 0; i < space.n_genes; i++) {
        genome[i] = 2 + i;
        (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%s ",
                       space.genes[i].name);
    }
    dse_problem_find("quantization")->decode(&space, genome, &candidate);
    for (int l = 0; l < 6; l++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d/%d ",
                       candidate.input_bits[l], candidate.weight_bits[l]);
    assert_string_equal(names, genes);
    assert_string_equal(text, expected);
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static struct dse_problem_settings wide_settings(void) {
    struct dse_problem_settings wanted = settings;
    wanted.bits_min = 2;
    wanted.bits_max = 15;
    return wanted;
}

static void fixed_layers_have_no_genes(void **state) {
    (void)state;
    struct dse_problem_settings wanted = wide_settings();
    static const char *const fixed[] = {"block* 4", "block2/b weight 6", "first 8", "last float",
                                        " block1/?  input  float "};
    wanted.fixed = fixed;
    wanted.n_fixed = 3;
    assert_decodes(&wanted, "head.input_bits head.weight_bits ", "8/8 4/4 4/4 4/4 4/6 2/3 ");
    wanted.n_fixed = 1;
    assert_decodes(&wanted, "stem.input_bits stem.weight_bits head.input_bits head.weight_bits ",
                   "2/3 4/4 4/4 4/4 4/4 4/5 ");
    wanted.fixed = &fixed[2];
    wanted.n_fixed = 3;
    assert_decodes(&wanted,
                   "block1/a.weight_bits block1/b.weight_bits block2/a.input_bits "
                   "block2/a.weight_bits block2/b.input_bits block2/b.weight_bits ",
                   "8/8 0/2 0/3 4/5 6/7 0/0 ");
}

static void groups_and_sides_share_genes(void **state) {
    (void)state;
    struct dse_problem_settings wanted = wide_settings();
    static const char *const groups[] = {"block1/*  block2/a", "stem head"};
    static const char *const fixed[] = {"block1/a input 8", "block2/b float"};
    wanted.groups = groups;
    wanted.n_groups = 2;
    wanted.fixed = fixed;
    wanted.n_fixed = 2;
    assert_decodes(&wanted,
                   "stem.input_bits stem.weight_bits block1/a.weight_bits block1/b.input_bits ",
                   "2/3 8/4 5/4 5/4 0/0 2/3 ");
    wanted.shared_bits = true;
    assert_decodes(&wanted, "stem.bits block1/a.bits ", "2/2 8/3 3/3 3/3 0/0 2/2 ");
}

static void bounds_differ_by_side_and_float_is_above_them(void **state) {
    (void)state;
    struct dse_problem_settings wanted = wide_settings();
    wanted.input_bits_min = 4;
    wanted.input_bits_max = 8;
    wanted.float_choice = true;
    struct dse_space space = space_of(&wanted);
    struct dse_candidate candidate;
    struct dse_err err = {0};
    double genome[12];
    for (int i = 0; i < 12; i++) {
        assert_true(space.genes[i].lower == (i % 2 == 0 ? 4 : 2));
        assert_true(space.genes[i].upper == (i % 2 == 0 ? 9 : 16));
        genome[i] = space.genes[i].upper - (i < 6);
    }
    assert_ok(dse_candidate_init(&candidate, 6, 12, &err), &err);
    dse_problem_find("quantization")->decode(&space, genome, &candidate);
    for (int l = 0; l < 6; l++)
        assert_true(candidate.input_bits[l] == (l < 3 ? 8 : 0) &&
                    candidate.weight_bits[l] == (l < 3 ? 15 : 0));
    dse_candidate_fini(&candidate);
    dse_space_fini(&space);
}

static void an_accuracy_drop_is_a_constraint(void **state) {
    (void)state;
    struct dse_problem_settings wanted = settings;
    wanted.has_accuracy_drop = true;
    wanted.accuracy_drop = 0.03;
    struct dse_space space = space_of(&wanted);
    assert_int_equal(space.n_constraints, 3);
    assert_string_equal(space.constraints[2].metric, "accuracy(clean)");
    assert_true(space.constraints[2].relative && space.constraints[2].bound == -0.03 &&
                space.constraints[2].relation == DSE_AT_LEAST);
    dse_space_fini(&space);
}

static void wrong_layers_are_told(void **state) {
    (void)state;
    static const struct {
        const char *fixed, *group, *text;
    } cases[] = {
        {"stem", NULL, "is not of the form \"LAYER BITS\""},
        {"stem 1", NULL, "is not of the form"},
        {"stem 17", NULL, "is not of the form"},
        {"stem none", NULL, "is not of the form"},
        {"stem output 8", NULL, "is not of the form"},
        {"stem 8 8", NULL, "is not of the form"},
        {"", NULL, "is not of the form"},
        {"stemm 8", NULL,
         "no layer is called \"stemm\"; did you mean \"stem\". Layers: stem, block1/a"},
        {"* 8", NULL, "nothing varies"},
        {NULL, "block1/* conv*", "problem.groups: no layer is called \"conv*\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_problem_settings wanted = settings;
        wanted.fixed = &cases[i].fixed;
        wanted.n_fixed = cases[i].fixed != NULL;
        wanted.groups = &cases[i].group;
        wanted.n_groups = cases[i].group != NULL;
        assert_prepare_refuses(&wanted, &six, cases[i].text);
    }
    struct dse_problem_settings twice = settings;
    static const char *const groups[] = {"block1/* stem", "head stem"};
    twice.groups = groups;
    twice.n_groups = 2;
    assert_prepare_refuses(&twice, &six, "layer \"stem\" is in two groups");
    struct dse_model_facts alone = six;
    struct dse_problem_settings drop = settings;
    drop.has_accuracy_drop = true;
    alone.has_baseline = false;
    assert_prepare_refuses(&drop, &alone, "problem.allowable_accuracy_drop compares");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genes_are_read_as_written),
        cmocka_unit_test(a_function_measures_by_position),
        cmocka_unit_test(a_program_measures_by_name),
        cmocka_unit_test(constraints_are_read_with_any_blanks),
        cmocka_unit_test(malformed_constraints_are_refused),
        cmocka_unit_test(unknown_metrics_get_a_suggestion_and_the_list),
        cmocka_unit_test(lists_of_objectives_are_checked_as_a_whole),
        cmocka_unit_test(prepare_builds_the_space),
        cmocka_unit_test(fixed_layers_have_no_genes),
        cmocka_unit_test(groups_and_sides_share_genes),
        cmocka_unit_test(bounds_differ_by_side_and_float_is_above_them),
        cmocka_unit_test(an_accuracy_drop_is_a_constraint),
        cmocka_unit_test(wrong_layers_are_told),
        cmocka_unit_test(genes_decode_as_input_then_weight_bits),
        cmocka_unit_test(prepare_refuses_what_cannot_be_searched),
        cmocka_unit_test(prepare_survives_failing_allocations),
        cmocka_unit_test(problems_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
