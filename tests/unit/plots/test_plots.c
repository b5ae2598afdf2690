/* Plots: their data to the byte, what they refuse, and that gnuplot draws every one of them in
 * every format. */
#include <unistd.h>

#include "client/plots/plots.h"
#include "tests/lib/testing.h"

enum { CELLS = 6, LAYERS = 2, INDIVIDUALS = 4 };

static const char *cell_names[CELLS] = {"clean", "fog:1", "fog:5", "snow:1", "snow:5", "frost:3"};

/* 20 images of confidence 0.5, half of them right; 10 of 0.9, all right. */
enum { BINS = 2 };
static const int64_t bin_seen[BINS] = {20, 10}, bin_correct[BINS] = {10, 10};
static const double bin_confidence[BINS] = {0.5, 0.9};
/* One layer up to the first exit, one more to the second. */
static const struct dse_msg_layer layer_facts[LAYERS] = {
    {.name = "a", .op = "Conv", .macs = 100}, {.name = "b", .op = "Gemm", .macs = 300, .exit = 1}};
static const struct dse_msg_exit_result exit_results[2] = {
    {.left = 45, .left_correct = 36, .correct = 90},
    {.left = 135, .left_correct = 108, .correct = 150}};

/* A small sweep by hand: two objectives, one individual infeasible, two in the front. */
struct sample {
    struct dse_msg_objective objectives[3];
    struct dse_msg_individual individuals[INDIVIDUALS], baseline;
    double values[INDIVIDUALS + 1][3];
    int64_t bits[INDIVIDUALS][2][LAYERS];
    struct dse_msg_cell_result cells[CELLS];
    struct dse_msg_exits exits;
    const char *layers[LAYERS];
    struct dse_plots_sweep sweep;
};

static void sample_init(struct sample *s, int n_objectives) {
    static const double values[INDIVIDUALS + 1][3] = {
        {0.5, 100, 3}, {0.9, 4000, 2}, {0.8, 300, 5}, {0.7, 500, 4}, {0.92, 32000, 1}};
    *s = (struct sample){.layers = {"/conv1/Conv", "fc"}};
    s->objectives[0] = (struct dse_msg_objective){
        .metric = "accuracy_clean", .sense = "maximize", .unit = "share"};
    s->objectives[1] =
        (struct dse_msg_objective){.metric = "bits", .sense = "minimize", .unit = "bit"};
    s->objectives[2] =
        (struct dse_msg_objective){.metric = "ece", .sense = "minimize", .unit = "share"};
    for (int i = 0; i < CELLS; i++)
        s->cells[i] = (struct dse_msg_cell_result){.cell = cell_names[i],
                                                   .seen = 30,
                                                   .correct = 20,
                                                   .accuracy = 0.9 - 0.1 * i,
                                                   .bin_seen = bin_seen,
                                                   .bin_seen_n = BINS,
                                                   .bin_correct = bin_correct,
                                                   .bin_correct_n = BINS,
                                                   .bin_confidence = bin_confidence,
                                                   .bin_confidence_n = BINS};
    s->exits = (struct dse_msg_exits){.exits = exit_results, .exits_n = 2};
    memcpy(s->values, values, sizeof values);
    for (int i = 0; i <= INDIVIDUALS; i++) {
        bool baseline = i == INDIVIDUALS;
        struct dse_msg_individual *one = baseline ? &s->baseline : &s->individuals[i];
        *one = (struct dse_msg_individual){.generation = baseline ? -1 : i / 2,
                                           .slot = baseline ? 0 : i % 2,
                                           .state = "done",
                                           .reason = "",
                                           .genome = "[]",
                                           .objectives = s->values[i],
                                           .objectives_n = n_objectives,
                                           .violation = i == 0 ? 0.3 : 0.0,
                                           .in_front = i == 1 || i == 2,
                                           .cells = s->cells,
                                           .cells_n = CELLS,
                                           .layers = layer_facts,
                                           .layers_n = LAYERS,
                                           .exits = baseline ? NULL : &s->exits};
        if (baseline)
            continue;
        for (int l = 0; l < LAYERS; l++) {
            s->bits[i][0][l] = 2 + i + l;
            s->bits[i][1][l] = 8 - i;
        }
        one->input_bits = s->bits[i][0];
        one->weight_bits = s->bits[i][1];
        one->input_bits_n = one->weight_bits_n = LAYERS;
    }
    s->sweep = (struct dse_plots_sweep){.title = "sample",
                                        .objectives = s->objectives,
                                        .n_objectives = n_objectives,
                                        .layers = s->layers,
                                        .n_layers = LAYERS,
                                        .individuals = s->individuals,
                                        .n_individuals = INDIVIDUALS,
                                        .baseline = &s->baseline,
                                        .chosen = {&s->individuals[1], &s->individuals[2]},
                                        .n_chosen = 2};
}

static char directory[256];

/* Draws and reads the file; removes it. */
static enum dse_status draw(const struct sample *s, enum dse_plot plot, enum dse_plot_format format,
                            struct dse_buf *out, struct dse_err *err) {
    char path[300];
    (void)snprintf(path, sizeof path, "%s/it's %s.%s", directory, dse_plot_name(plot),
                   dse_plot_extension(format));
    enum dse_status status = dse_plots_draw(plot, format, &s->sweep, path, err);
    if (status == DSE_OK)
        assert_ok(dse_file_read(path, 1 << 22, out, err), err);
    (void)unlink(path);
    return status;
}

static void check_csv(const struct sample *s, enum dse_plot plot, const char *expected) {
    struct dse_buf text = {0};
    struct dse_err err = {0};
    assert_ok(draw(s, plot, DSE_PLOT_FORMAT_csv, &text, &err), &err);
    assert_string_equal(dse_buf_text(&text), expected);
    dse_buf_fini(&text);
}

static void check_refused(const struct sample *s, enum dse_plot plot, const char *why) {
    struct dse_err err = {0};
    assert_int_equal(draw(s, plot, DSE_PLOT_FORMAT_csv, NULL, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, why));
}

static void data_are_those_of_the_sweep(void **state) {
    (void)state;
    struct sample s;
    sample_init(&s, 2);
    check_csv(
        &s, DSE_PLOT_front,
        "series,accuracy_clean,bits,individual\ndominated,0.5,100,0.0\ndominated,0.7,500,1.1\n"
        "series,accuracy_clean,bits,individual\nfront,0.9,4000,0.1\nfront,0.8,300,1.0\n"
        "series,accuracy_clean,bits,individual\nfloat32,0.92,32000,-1.0\n");
    check_csv(&s, DSE_PLOT_violation,
              "series,individuals,violation,feasible\nviolation,1,0.3,0\nviolation,2,0,0.5\n"
              "violation,3,0,0.666667\nviolation,4,0,0.75\n");
    check_csv(
        &s, DSE_PLOT_bits,
        "series,layer,name,input bits,weight bits\nmeans,1,conv1,3.5,6.5\nmeans,2,fc,4.5,6.5\n"
        "series,layer,individual,input bits,weight bits\npoints,1,0,3,7\npoints,1,1,4,6\n"
        "points,2,0,4,7\npoints,2,1,5,6\n");
    check_csv(&s, DSE_PLOT_corruptions,
              "series,severity,row,accuracy,corruption,column\nmap,1,0,0.8,fog,1\n"
              "map,5,0,0.7,fog,3\nmap,1,1,0.6,snow,1\nmap,5,1,0.5,snow,3\nmap,3,2,0.4,frost,2\n");
}

static void sureness_adds_up(void **state) {
    (void)state;
    struct sample s;
    sample_init(&s, 2);
    s.sweep.n_chosen = 1;
    s.sweep.baseline = NULL;
    check_csv(&s, DSE_PLOT_reliability,
              "series,confidence,accuracy,images,individual\ncorrupted1,0.5,0.5,100,0.1\n"
              "corrupted1,0.9,1,50,0.1\nseries,confidence,accuracy,images,individual\n"
              "clean1,0.5,0.5,20,0.1\nclean1,0.9,1,10,0.1\n");
    check_csv(&s, DSE_PLOT_exits,
              "series,exit,left,macs,accuracy of all,accuracy of them,individual\n"
              "exits0,0,0.25,100,0.5,0.8,0.1\nexits0,1,0.75,400,0.833333,0.8,0.1\n"
              "exits0,-1,1,325,0.8,0.8,0.1\n");
    s.sweep.n_chosen = 1;
    s.sweep.baseline = NULL;
    for (int i = 1; i < CELLS; i++)
        s.cells[i].cell = "clean";
    s.cells[1].cell = "fog:4";
    /* 10 of 30 images are sure by 0.1 too little. */
    check_csv(&s, DSE_PLOT_severity,
              "series,severity,corruption,accuracy,ece\nboxes0,0,clean,0.9,0.033333333\n"
              "boxes0,4,fog,0.8,0.033333333\nboxes0,0,clean,0.7,0.033333333\n"
              "boxes0,0,clean,0.6,0.033333333\nboxes0,0,clean,0.5,0.033333333\n"
              "boxes0,0,clean,0.4,0.033333333\n");
}

/* Reference (0.7, 32000): 0.9 x 4000 gives 0.2 x 28000, 0.8 x 300 adds 0.1 x 3700. */
static void hypervolume_is_that_of_the_feasible_ones(void **state) {
    (void)state;
    struct sample s;
    sample_init(&s, 2);
    check_csv(&s, DSE_PLOT_hypervolume,
              "series,individuals,share,volume\nhypervolume,1,0,0\nhypervolume,2,0.93802345,5600\n"
              "hypervolume,3,1,5970\nhypervolume,4,1,5970\n");
}

static void what_has_nothing_to_show_says_so(void **state) {
    (void)state;
    struct sample s;
    sample_init(&s, 2);
    s.individuals[0].violation = 0.0;
    check_refused(&s, DSE_PLOT_violation, "every individual keeps the constraints");
    for (int i = 0; i < INDIVIDUALS; i++)
        s.individuals[i].cells_n = 1;
    check_refused(&s, DSE_PLOT_severity, "no corrupted images");
    check_refused(&s, DSE_PLOT_corruptions, "no corrupted images");
    s.exits.exits_n = 1;
    check_refused(&s, DSE_PLOT_exits, "has early exits");
    s.sweep.baseline = NULL;
    s.cells[0].bin_seen_n = 0;
    check_refused(&s, DSE_PLOT_reliability, "not known by confidence");
    s.individuals[1].input_bits_n = s.individuals[1].weight_bits_n = 0;
    check_refused(&s, DSE_PLOT_bits, "have no bits");
    s.sweep.n_chosen = 0;
    check_refused(&s, DSE_PLOT_bits, "the front is empty");
    for (int i = 0; i < INDIVIDUALS; i++)
        s.individuals[i].state = "failed";
    check_refused(&s, DSE_PLOT_front, "no individual has a result");
    check_refused(&s, DSE_PLOT_parallel, "no feasible individual");
    sample_init(&s, 1);
    check_refused(&s, DSE_PLOT_front, "two to 8 objectives; this sweep has 1");
}

static void every_format_is_drawn(void **state) {
    (void)state;
    static const char *const starts[] = {"<?xml", "\x89PNG", "%PDF", NULL};
    struct sample s;
    if (system("gnuplot --version >/dev/null 2>&1") != 0)
        skip();
    for (int n_objectives = 2; n_objectives <= 3; n_objectives++) {
        sample_init(&s, n_objectives);
        s.layers[1] = "a \"name\" $with {signs} \\ % & # ^ ~ `";
        for (int plot = 0; plot < DSE_PLOT_COUNT; plot++)
            for (int format = 0; format < DSE_PLOT_FORMAT_csv; format++) {
                struct dse_buf bytes = {0};
                struct dse_err err = {0};
                assert_ok(draw(&s, (enum dse_plot)plot, (enum dse_plot_format)format, &bytes, &err),
                          &err);
                const char *start = format < 3 ? starts[format] : "\\begin{tikzpicture}";
                assert_non_null(memmem(bytes.data, bytes.size, start, strlen(start)));
                dse_buf_fini(&bytes);
            }
    }
}

static int make_directory(void **state) {
    (void)state;
    make_temp_dir(directory, sizeof directory);
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    return rmdir(directory); /* fails when something was left in it */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_are_those_of_the_sweep),
        cmocka_unit_test(sureness_adds_up),
        cmocka_unit_test(hypervolume_is_that_of_the_feasible_ones),
        cmocka_unit_test(what_has_nothing_to_show_says_so),
        cmocka_unit_test(every_format_is_drawn),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
