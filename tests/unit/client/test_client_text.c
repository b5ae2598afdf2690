/* The client's tables, plots, texts and command line; and that man page, completion and help know
 * every command and option. */
#include "tests/lib/documents.h"

#include <locale.h>
#include <math.h>

#include "client/client.h"

static const struct dse_console_style plain = {"", "", "", ""};

/* ---- tables -------------------------------------------------------------------------------- */

static void make_table(struct dse_console_table *table, struct dse_arena *arena) {
    static const struct dse_console_column columns[] = {
        {.header = "id"},
        {.header = "long\nname", .is_left = true, .may_shrink = true},
        {.header = "value\n%", .drop_order = 1},
        {.header = "note", .is_left = true, .drop_order = 2},
    };
    struct dse_err err = {0};
    assert_ok(dse_console_table_init(table, columns, 4, 2, arena, &err), &err);
    dse_console_table_set(table, 0, 0, "1");
    dse_console_table_set(table, 0, 1, "abcdefghijklmnop");
    dse_console_table_set(table, 0, 2, "12.50");
    dse_console_table_set(table, 0, 3, "first");
    dse_console_table_set(table, 1, 0, "100");
    dse_console_table_set(table, 1, 1, "gr\u00fc\u00df");
}

static void expect_table(int width, const char *expected) {
    struct dse_arena arena = {0};
    struct dse_buf out = {0};
    struct dse_console_table table;
    make_table(&table, &arena);
    dse_console_table_print(&table, width, &plain, &out);
    assert_string_equal(dse_buf_text(&out), expected);
    dse_buf_fini(&out);
    dse_arena_fini(&arena);
}

static void wide_tables_are_aligned(void **state) {
    (void)state;
    expect_table(80, "     long              value\n"
                     " id  name                  %  note\n"
                     "  1  abcdefghijklmnop  12.50  first\n"
                     "100  gr\u00fc\u00df\n");
}

static void narrow_tables_are_cut_then_drop_columns(void **state) {
    (void)state;
    expect_table(30, "     long         value\n"
                     " id  name             %  note\n"
                     "  1  abcdefghij~  12.50  first\n"
                     "100  gr\u00fc\u00df\n");
    expect_table(20, "     long      value\n"
                     " id  name          %\n"
                     "  1  abcdefg~  12.50\n"
                     "100  gr\u00fc\u00df\n"
                     "(left out for lack of width: note)\n");
    /* A cut column takes the place of a dropped one. */
    expect_table(19, "     long\n"
                     " id  name\n"
                     "  1  abcdefghijklm~\n"
                     "100  gr\u00fc\u00df\n"
                     "(left out for lack of width: value %, note)\n");
}

static void lines_never_exceed_the_width(void **state) {
    (void)state;
    for (int width = 34; width >= 13; width--) {
        struct dse_arena arena = {0};
        struct dse_buf out = {0};
        struct dse_console_table table;
        make_table(&table, &arena);
        dse_console_table_print(&table, width, &plain, &out);
        char *rest = out.data, *line;
        while ((line = strsep(&rest, "\n")) != NULL && line[0] != '(')
            assert_true(dse_console_text_width(line) <= width);
        dse_buf_fini(&out);
        dse_arena_fini(&arena);
    }
}

/* ---- plots --------------------------------------------------------------------------------- */

static void points_land_where_they_belong(void **state) {
    (void)state;
    static const struct client__point points[] = {
        {0, 0, '*'}, {10, 5, '*'}, {5, 2.5, 'o'}, {NAN, 1, 'X'}};
    struct client__plot plot = {points, 4, {"cost", 0}, {"gain", 1}, 16, 5};
    struct dse_buf out = {0};
    client__plot_print(&plot, &out);
    assert_string_equal(dse_buf_text(&out), "     gain\n"
                                            "5.0 |          *\n"
                                            "    |\n"
                                            "    |     o\n"
                                            "    |\n"
                                            "0.0 |*\n"
                                            "    +-----------\n"
                                            "     0        10\n"
                                            "     cost\n");
    dse_buf_fini(&out);
}

/* 1, 10, 100 are equally far apart on a logarithmic axis. */
static void wide_ranges_are_logarithmic(void **state) {
    (void)state;
    static const struct client__point points[] = {{1, 3, 'a'}, {10, 3, 'b'}, {100, 3, 'c'}};
    struct client__plot plot = {points, 3, {"cost", 0}, {"gain", 0}, 14, 3};
    struct dse_buf out = {0};
    client__plot_print(&plot, &out);
    assert_string_equal(dse_buf_text(&out), "   gain\n"
                                            "3 |\n"
                                            "  |a    b    c\n"
                                            "3 |\n"
                                            "  +-----------\n"
                                            "   1       100\n"
                                            "   cost (logarithmic)\n");
    dse_buf_reset(&out);
    plot.n_points = 0;
    client__plot_print(&plot, &out);
    assert_int_equal(out.size, 0);
    dse_buf_fini(&out);
}

/* ---- texts --------------------------------------------------------------------------------- */

static void numbers_are_readable(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    assert_string_equal(dse_console_count_text(&arena, 0), "0");
    assert_string_equal(dse_console_count_text(&arena, 999), "999");
    assert_string_equal(dse_console_count_text(&arena, 1000), "1,000");
    assert_string_equal(dse_console_count_text(&arena, -1234567), "-1,234,567");
    assert_string_equal(dse_console_count_text(&arena, INT64_MIN), "-9,223,372,036,854,775,808");
    assert_string_equal(dse_console_duration_text(&arena, 0.2), "1 s");
    assert_string_equal(dse_console_duration_text(&arena, 59.5), "1 min 00 s");
    assert_string_equal(dse_console_duration_text(&arena, 3599), "59 min 59 s");
    assert_string_equal(dse_console_duration_text(&arena, 7500), "2 h 05 min");
    assert_string_equal(dse_console_duration_text(&arena, 200000), "2 d 7 h");
    assert_string_equal(dse_console_duration_text(&arena, NAN), "?");
    dse_arena_fini(&arena);
}

static void strangers_text_cannot_steer_the_terminal(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    assert_string_equal(dse_console_clean(&arena, "a\033[31mb\n\t\x7f"), "a?[31mb???");
    assert_string_equal(dse_console_clean(&arena, "\xc2\x9b"
                                                  "31m gr\u00fc\u00df \u20ac"),
                        "?31m gr\u00fc\u00df \u20ac");
    assert_string_equal(dse_console_clean(&arena, "a\xff\xe2\x82"), "a???");
    dse_arena_fini(&arena);
}

static void width_is_counted_in_columns(void **state) {
    (void)state;
    assert_int_equal(dse_console_text_width("abc"), 3);
    assert_int_equal(dse_console_text_width("\u00fc\u20ac"), 2);
    assert_int_equal(dse_console_text_fit("\u00fc\u00fc\u00fc", 2), 4);
    assert_int_equal(dse_console_text_fit("abc", 9), 3);
    if (setlocale(LC_CTYPE, "C.UTF-8") != NULL) {
        assert_int_equal(dse_console_text_width("\u4e2d\u6587"), 4); /* wide letters */
        assert_int_equal(dse_console_text_fit("\u4e2d\u6587", 3), 3);
    }
}

static void measures_have_fitting_units(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_msg_objective share = {
        .metric = "accuracy_clean", .sense = "maximize", .unit = "share"};
    struct dse_msg_objective operations = {
        .metric = "bit_operations", .sense = "minimize", .unit = "bit operations per image"};
    struct dse_msg_objective size = {.metric = "size_bits", .sense = "minimize", .unit = "bits"};
    struct client__measure measure = client__measure_of(&arena, &share, 0.9);
    assert_string_equal(measure.header, "accuracy\nclean\n%, max");
    assert_string_equal(measure.label, "accuracy_clean, %");
    assert_string_equal(client__measure_text(&arena, &measure, 0.91236), "91.24");
    assert_string_equal(client__measure_text(&arena, &measure, NAN), "-");
    measure = client__measure_of(&arena, &operations, 999e6);
    assert_string_equal(measure.header, "bit\noperations\nM/image, min");
    assert_string_equal(client__measure_text(&arena, &measure, 12.5e9), "12500.00");
    measure = client__measure_of(&arena, &operations, 1e9);
    assert_string_equal(measure.label, "bit_operations, G/image");
    assert_string_equal(client__measure_text(&arena, &measure, 1e9), "1.00");
    measure = client__measure_of(&arena, &size, 78042);
    assert_string_equal(measure.label, "size_bits, kbit");
    assert_string_equal(client__measure_text(&arena, &measure, 78042), "78.04");
    measure = client__measure_of(&arena, &size, 8);
    assert_string_equal(measure.label, "size_bits, bit");
    dse_arena_fini(&arena);
}

static void individuals_are_named_like_the_front_names_them(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "3",
                                      "3.",
                                      ".3",
                                      "3.4.5",
                                      "3.-1",
                                      "-2.0",
                                      "a.b",
                                      "3 .4",
                                      "3.4x",
                                      "99999999999999999999.0"};
    int64_t generation = 7, slot = 7;
    struct dse_err err = {0};
    assert_ok(client__individual_of("12.3", &generation, &slot, &err), &err);
    assert_true(generation == 12 && slot == 3);
    assert_ok(client__individual_of("-1.0", &generation, &slot, &err), &err);
    assert_true(generation == -1 && slot == 0);
    assert_ok(client__individual_of("baseline", &generation, &slot, &err), &err);
    assert_true(generation == -1 && slot == 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (struct dse_err){0};
        assert_int_equal(client__individual_of(bad[i], &generation, &slot, &err), DSE_USAGE);
        assert_non_null(strstr(err.text, "generation.slot, as in 12.3, or baseline"));
    }
}

/* ---- the command line ---------------------------------------------------------------------- */

enum { ARGUMENTS_MAX = 12 };

static enum dse_status read_line(const char *line, struct client__options *options,
                                 struct dse_err *err) {
    static char copy[256];
    char *argv[ARGUMENTS_MAX + 1] = {NULL};
    int argc = 0;
    (void)snprintf(copy, sizeof copy, "pareto %s", line);
    for (char *word = strtok(copy, " "); word != NULL && argc < ARGUMENTS_MAX;
         word = strtok(NULL, " "))
        argv[argc++] = word;
    return client__options_read(argc, argv, options, err);
}

static void options_stand_anywhere(void **state) {
    (void)state;
    static const char *const lines[] = {
        "show 3 -1.0 --json --state /s",
        "--json --state=/s show 3 -1.0",
        "--state /other show --json --state /s -- 3 -1.0",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct client__options options;
        struct dse_err err = {0};
        assert_ok(read_line(lines[i], &options, &err), &err);
        assert_int_equal(options.command, CLIENT_COMMAND_show);
        assert_int_equal(options.n_operands, 2);
        assert_string_equal(options.operands[0], "3");
        assert_string_equal(options.operands[1], "-1.0");
        assert_string_equal(options.state, "/s");
        assert_true(options.json && !options.help && options.socket == NULL);
    }
    struct client__options options;
    struct dse_err err = {0};
    assert_ok(read_line("run - --workers 4", &options, &err), &err);
    assert_int_equal(options.workers, 4);
    assert_string_equal(options.operands[0], "-");
    assert_ok(read_line("help front", &options, &err), &err);
    assert_true(options.help && options.command == CLIENT_COMMAND_front);
}

static void wrong_command_lines_say_what_is_right(void **state) {
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"", "which command? pareto --help lists them"},
        {"--json", "which command? pareto --help lists them"},
        {"wach", "unknown command \"wach\"; did you mean \"watch\"? pareto --help lists them"},
        {"zzz", "unknown command \"zzz\"; pareto --help lists them"},
        {"list --jsno", "unknown option \"--jsno\"; did you mean \"--json\"? pareto --help lists "
                        "them"},
        {"list -x", "unknown option \"-x\"; pareto --help lists them"},
        {"list --json=1", "--json takes no value"},
        {"list 3", "too many arguments: \"3\"; usage: pareto list"},
        {"front 1 2", "too many arguments: \"2\"; usage: pareto front [SWEEP]"},
        {"show", "too few arguments; usage: pareto show [SWEEP] INDIVIDUAL"},
        {"run", "too few arguments; usage: pareto run FILE"},
        {"list --plot", "pareto list has no option --plot; pareto list --help lists its options"},
        {"--workers 2 front", "pareto front has no option --workers; pareto front --help lists its "
                              "options"},
        {"list --state", "--state expects a value: --state DIR"},
        {"list --state=", "--state expects DIR, not nothing"},
        {"run w --workers 0", "--workers expects a whole number from 1 to 4096, not \"0\""},
        {"run w --workers 2x", "--workers expects a whole number from 1 to 4096, not \"2x\""},
        {"dump --sha256 --json", "--sha256 and --json exclude each other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client__options options = {.n_operands = 77};
        struct dse_err err = {0};
        assert_int_equal(read_line(cases[i].line, &options, &err), DSE_USAGE);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(options.n_operands, 77);
    }
}

/* ---- documents ----------------------------------------------------------------------------- */

static void man_page_completion_and_help_are_complete(void **state) {
    (void)state;
    check_documents(&client__program, "client/pareto.1");
    check_completions(&client__program);
}

static void help_fits_80_columns_and_lists_own_options_only(void **state) {
    (void)state;
    for (int i = 0; i <= CLIENT_COMMAND_COUNT; i++) {
        struct dse_buf help = {0};
        check_help_width(&client__program, i);
        client__help((enum client__command_id)i, &help);
        bool has_workers = strstr(dse_buf_text(&help), "--workers") != NULL;
        assert_int_equal(has_workers, i == CLIENT_COMMAND_COUNT || i == CLIENT_COMMAND_run ||
                                          i == CLIENT_COMMAND_plan);
        dse_buf_fini(&help);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_tables_are_aligned),
        cmocka_unit_test(narrow_tables_are_cut_then_drop_columns),
        cmocka_unit_test(lines_never_exceed_the_width),
        cmocka_unit_test(points_land_where_they_belong),
        cmocka_unit_test(wide_ranges_are_logarithmic),
        cmocka_unit_test(numbers_are_readable),
        cmocka_unit_test(strangers_text_cannot_steer_the_terminal),
        cmocka_unit_test(width_is_counted_in_columns),
        cmocka_unit_test(measures_have_fitting_units),
        cmocka_unit_test(individuals_are_named_like_the_front_names_them),
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(wrong_command_lines_say_what_is_right),
        cmocka_unit_test(man_page_completion_and_help_are_complete),
        cmocka_unit_test(help_fits_80_columns_and_lists_own_options_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
