/* workloads: reading, defaults, places, printing, template. */
#include "tests/lib/testing.h"
#include "workloads/workloads.h"

#include <locale.h>
#include <sys/stat.h>

static const char folder[] = DSE_SOURCE_DIR "/tests/unit/workloads";

static struct dse_workload_errors errors;

static enum dse_status parse(const char *text, struct dse_arena *arena,
                             struct dse_workload *workload, struct dse_err *err) {
    return dse_workload_parse(text, strlen(text), "w.yaml", folder, arena, workload, &errors, err);
}

static void parse_ok(const char *text, struct dse_arena *arena, struct dse_workload *workload) {
    struct dse_err err = {0};
    assert_ok(parse(text, arena, workload, &err), &err);
    assert_int_equal(errors.n, 0);
}

#define SMALLEST                 \
    "name: a sweep\n"            \
    "model:\n"                   \
    "  file: files/model.onnx\n" \
    "dataset:\n"                 \
    "  format: idx\n"            \
    "  files:\n"                 \
    "    - files/images.idx\n"   \
    "    - files/labels.idx\n"   \
    "problem:\n"                 \
    "  objectives: [accuracy_clean, size_bits]\n"

/* ---- reading ---- */

static void every_key_that_is_not_given_has_its_default(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    parse_ok(SMALLEST, &arena, &w);
    assert_string_equal(w.file, "w.yaml");
    assert_string_equal(w.name, "a sweep");
    assert_string_equal(w.model_output, "");
    assert_int_equal(w.seed, 1);
    assert_int_equal(w.dataset_images, 1000);
    assert_int_equal(w.dataset_mean.n, 1);
    assert_true(w.dataset_mean.items[0] == 0 && w.dataset_std.items[0] == 1);
    assert_int_equal(w.calibration_files.n, 0);
    assert_true(w.calibration_percentile == 99.99);
    assert_true(w.corruptions_clean);
    assert_int_equal(w.corruptions_names.n, 4);
    assert_int_equal(w.corruptions_severities.n, 5);
    assert_true(w.corruptions_severities.items[4] == 5);
    assert_string_equal(w.problem_type, "quantization");
    assert_true(w.exploration_crossover_prob == 0.9);
    assert_int_equal(w.execution_batch, 8);
    dse_arena_fini(&arena);
}

static void groups_and_aliases_become_published_names(void **state) {
    (void)state;
    static const struct {
        const char *written, *first, *last;
        int n;
    } cases[] = {
        {"[weather]", "snow", "brightness", 4},
        {"[standard]", "gaussian_noise", "jpeg_compression", 15},
        {"[extra, noise]", "speckle_noise", "impulse_noise", 7},
        {"[all]", "gaussian_noise", "saturate", 19},
        {"[elastic, frosted_glass_blur]", "elastic_transform", "glass_blur", 2},
        {"[fog, weather, snow]", "fog", "brightness", 4}, /* each once, where it came first */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct dse_arena arena = {0};
        struct dse_workload w;
        (void)snprintf(text, sizeof text, SMALLEST "corruptions: {names: %s}\n", cases[i].written);
        parse_ok(text, &arena, &w);
        assert_int_equal(w.corruptions_names.n, cases[i].n);
        assert_string_equal(w.corruptions_names.items[0], cases[i].first);
        assert_string_equal(w.corruptions_names.items[cases[i].n - 1], cases[i].last);
        dse_arena_fini(&arena);
    }
}

static void paths_are_absolute(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    parse_ok(SMALLEST, &arena, &w);
    assert_string_equal(w.model_file, DSE_SOURCE_DIR "/tests/unit/workloads/files/model.onnx");
    assert_int_equal(w.dataset_files.n, 2);
    assert_string_equal(w.dataset_files.items[1],
                        DSE_SOURCE_DIR "/tests/unit/workloads/files/labels.idx");
    dse_arena_fini(&arena);
}

static void a_relative_base_starts_at_the_working_directory(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    struct dse_err err = {0};
    assert_int_equal(chdir(DSE_SOURCE_DIR "/tests"), 0);
    assert_ok(dse_workload_parse(SMALLEST, strlen(SMALLEST), "w.yaml", "unit/workloads", &arena, &w,
                                 &errors, &err),
              &err);
    assert_string_equal(w.model_file, DSE_SOURCE_DIR "/tests/unit/workloads/files/model.onnx");
    dse_arena_fini(&arena);
}

static void marks_are_the_places_of_the_keys(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    parse_ok(SMALLEST, &arena, &w);
    assert_int_equal(w.at.name.line, 1);
    assert_int_equal(w.at.name.column, 1);
    assert_int_equal(w.at.dataset_files.line, 6);
    assert_int_equal(w.at.dataset_files.column, 3);
    assert_int_equal(w.at.problem_objectives.line, 10);
    assert_int_equal(w.at.seed.line, 0);
    assert_int_equal(w.at.dataset_mean.line, 0);
    dse_arena_fini(&arena);
}

static void variables_are_expanded_in_paths_only(void **state) {
    (void)state;
    static const char text[] = "name: ${DSE_TEST_FILES}\n"
                               "model: {file: \"${DSE_TEST_FILES}/${DSE_TEST_MODEL}.onnx\"}\n"
                               "dataset: {format: cifar10, files: [files/batch.bin]}\n"
                               "problem: {objectives: [size_bits]}\n";
    struct dse_arena arena = {0};
    struct dse_workload w;
    char files[4096];
    (void)snprintf(files, sizeof files, "%s/files", folder);
    assert_int_equal(setenv("DSE_TEST_FILES", files, 1), 0);
    assert_int_equal(setenv("DSE_TEST_MODEL", "model", 1), 0);
    parse_ok(text, &arena, &w);
    assert_string_equal(w.model_file, DSE_SOURCE_DIR "/tests/unit/workloads/files/model.onnx");
    assert_string_equal(w.name, "${DSE_TEST_FILES}");
    dse_arena_fini(&arena);
}

static void all_forms_of_numbers_are_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"0.5", 0.5},    {".5", 0.5},      {"5.", 5},
                 {"+0.25", 0.25}, {"-0.25", -0.25}, {"1e-3", 1e-3},
                 {"2.5E+0", 2.5}, {"-0", 0},        {"0", 0},
                 {"1e-400", 0},   {"0.1", 0.1},     {"9.999999999999999e0", 9.999999999999999}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_workload w;
        char text[1024];
        (void)snprintf(text, sizeof text, "%sseed: 4294967295\n", SMALLEST);
        char *format = strstr(text, "  format");
        (void)snprintf(format, sizeof text - (size_t)(format - text), "  mean: [%s]\n%sseed: +5\n",
                       cases[i].text, strstr(SMALLEST, "  format"));
        parse_ok(text, &arena, &w);
        assert_true(w.dataset_mean.items[0] == cases[i].value);
        assert_false(__builtin_signbit(w.dataset_mean.items[0]) && cases[i].value == 0);
        assert_int_equal(w.seed, 5);
        dse_arena_fini(&arena);
    }
}

static void the_locale_does_not_change_numbers(void **state) {
    (void)state;
    static const char *const comma_locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE",
                                                "nl_NL.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof comma_locales / sizeof comma_locales[0] && !found; i++)
        found = setlocale(LC_NUMERIC, comma_locales[i]) != NULL;
    if (!found) {
        printf("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    struct dse_arena arena = {0};
    struct dse_workload w;
    struct dse_buf out = {0};
    struct dse_err err = {0};
    parse_ok(SMALLEST, &arena, &w);
    assert_true(w.calibration_percentile == 99.99);
    assert_ok(dse_workload_print(&w, &out, &err), &err);
    assert_non_null(strstr(dse_buf_text(&out), "percentile: 99.99\n"));
    (void)setlocale(LC_NUMERIC, "C");
    dse_buf_fini(&out);
    dse_arena_fini(&arena);
}

static void an_unreadable_file_is_refused(void **state) {
    (void)state;
    char dir[256], path[300], text[1024];
    struct dse_arena arena = {0};
    struct dse_workload w;
    struct dse_err err = {0};
    make_temp_dir(dir, sizeof dir);
    (void)snprintf(path, sizeof path, "%s/m.onnx", dir);
    assert_ok(dse_file_replace(path, "m", 1, &err), &err);
    assert_int_equal(chmod(path, 0), 0);
    (void)snprintf(text, sizeof text, "name: n\nmodel: {file: %s}\n%s", path,
                   strstr(SMALLEST, "dataset:"));
    bool may_read_all = access(path, R_OK) == 0; /* root */
    enum dse_status status = parse(text, &arena, &w, &err);
    (void)unlink(path);
    (void)rmdir(dir);
    assert_int_equal(status, may_read_all ? DSE_OK : DSE_INVALID);
    if (!may_read_all)
        assert_non_null(strstr(err.text, "it may not be read (permissions)"));
    dse_arena_fini(&arena);
}

/* ---- errors ---- */

static void a_text_above_the_limit_is_refused(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    struct dse_err err = {0};
    struct dse_buf text = {0};
    dse_buf_puts(&text, SMALLEST);
    while (text.size < DSE_WORKLOAD_TEXT_MAX)
        dse_buf_puts(&text, "#");
    assert_int_equal(text.size, DSE_WORKLOAD_TEXT_MAX);
    assert_ok(parse(text.data, &arena, &w, &err), &err);
    dse_buf_puts(&text, "#");
    assert_int_equal(parse(text.data, &arena, &w, &err), DSE_INVALID);
    assert_string_equal(err.text, "the text has 262145 bytes; a workload has at most 262144");
    dse_buf_fini(&text);
    dse_arena_fini(&arena);
}

static void errors_are_kept_in_order_and_the_last_are_dropped(void **state) {
    (void)state;
    static struct dse_workload_errors list;
    list.n = list.dropped = 0;
    enum { ADDED = DSE_WORKLOAD_ERRORS_MAX + 30 };
    for (int i = 0; i < ADDED; i++) { /* lines 80, 77, 74 ... then 79, 76 ...: never in order */
        int line = 1 + (i * 53) % ADDED;
        dse_workload_add_error(&list, "w.yaml", (struct dse_mark){line, 1}, "line %d", line);
    }
    assert_int_equal(list.n, DSE_WORKLOAD_ERRORS_MAX);
    assert_int_equal(list.dropped, ADDED - DSE_WORKLOAD_ERRORS_MAX);
    for (int i = 0; i < list.n; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "line %d", i + 1);
        assert_int_equal(list.items[i].line, i + 1);
        assert_string_equal(list.items[i].text, text);
    }
}

static void columns_order_errors_of_one_line(void **state) {
    (void)state;
    static struct dse_workload_errors list;
    list.n = list.dropped = 0;
    dse_workload_add_error(&list, "w", (struct dse_mark){2, 9}, "c");
    dse_workload_add_error(&list, "w", (struct dse_mark){2, 3}, "a");
    dse_workload_add_error(&list, "w", (struct dse_mark){2, 3}, "b"); /* after its equal */
    assert_string_equal(list.items[0].text, "a");
    assert_string_equal(list.items[1].text, "b");
    assert_string_equal(list.items[2].text, "c");
}

static void append_repeated(struct dse_buf *out, const char *text, size_t size) {
    while (out->size + strlen(text) <= size)
        dse_buf_puts(out, text);
}

/* Texts that make careless readers slow or deep; each must end soon, with an error. */
static void hostile_texts_end_soon(void **state) {
    (void)state;
    static const struct {
        const char *head, *repeated;
    } cases[] = {
        {"", "["},
        {"", "{a: "},
        {"a: ", "["},
        {"", "- "},
        {"", "? "},
        {"", "a: *b\n"},
        {"a: [", "b, "},
        {"", "sede: 1\n"},
        {"a: &x ", "&y "},
        {"\"", "a\n"},
        {"a: |\n", " b\n"},
        {"", "!"},
        {"", "%YAML 1.1\n"},
        {"", "---\n"},
        {"", "a"},
        {"", "\"\\x41"},
        {"dataset:\n  files:\n", "  - none\n"},
        {"a:\n", " \t"},
        {"", "[a, b]: c\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_arena arena = {0};
        struct dse_workload w;
        struct dse_err err = {0};
        struct dse_buf text = {0};
        dse_buf_puts(&text, cases[i].head);
        append_repeated(&text, cases[i].repeated, DSE_WORKLOAD_TEXT_MAX);
        assert_int_equal(parse(text.data, &arena, &w, &err), DSE_INVALID);
        assert_true(errors.n > 0 && errors.n <= DSE_WORKLOAD_ERRORS_MAX);
        dse_buf_fini(&text);
        dse_arena_fini(&arena);
    }
}

/* A file cut anywhere gives a workload or errors, never more. */
static void a_cut_text_never_harms(void **state) {
    (void)state;
    struct dse_buf whole = {0};
    struct dse_err err = {0};
    size_t live_before = dse_alloc_live();
    assert_ok(dse_workload_template(&whole, &err), &err);
    for (size_t size = 0; size < whole.size; size += 7) {
        struct dse_arena arena = {0};
        struct dse_workload w;
        enum dse_status status =
            dse_workload_parse(whole.data, size, "w.yaml", folder, &arena, &w, &errors, NULL);
        assert_true(status == DSE_INVALID || (status == DSE_OK && errors.n == 0));
        dse_arena_fini(&arena);
    }
    dse_buf_fini(&whole);
    assert_int_equal(dse_alloc_live(), live_before);
}

static void every_failed_allocation_is_reported_and_nothing_leaks(void **state) {
    (void)state;
    size_t live_before = dse_alloc_live();
    bool succeeded = false;
    int failures = 0;
    for (long n = 0; !succeeded; n++) {
        struct dse_arena arena = {0};
        struct dse_workload w;
        struct dse_err err = {0};
        struct dse_buf out = {0};
        assert_true(n < 1000);
        dse_alloc_fail_at(n);
        enum dse_status status = parse(SMALLEST, &arena, &w, &err);
        if (status == DSE_OK)
            status = dse_workload_print(&w, &out, &err);
        dse_alloc_fail_at(-1);
        succeeded = status == DSE_OK;
        assert_true(succeeded || (status == DSE_NO_MEMORY && err.code == DSE_NO_MEMORY));
        failures += !succeeded;
        dse_buf_fini(&out);
        dse_arena_fini(&arena);
        assert_int_equal(dse_alloc_live(), live_before);
    }
    assert_true(failures > 5);
}

/* ---- printing ---- */

static void assert_round_trip(const char *text) {
    struct dse_arena arena = {0};
    struct dse_workload first, second;
    struct dse_buf once = {0}, twice = {0};
    struct dse_err err = {0};
    parse_ok(text, &arena, &first);
    assert_ok(dse_workload_print(&first, &once, &err), &err);
    if (parse(dse_buf_text(&once), &arena, &second, &err) != DSE_OK)
        fail_msg("%d:%d: %s\n%s", err.line, err.column, err.text, once.data);
    assert_ok(dse_workload_print(&second, &twice, &err), &err);
    assert_string_equal(once.data, twice.data);
    assert_string_equal(first.name, second.name);
    assert_int_equal(first.model_file == NULL, !dse_workload_is_about_network(&first));
    if (first.model_file != NULL)
        assert_string_equal(first.model_file, second.model_file);
    assert_string_equal(first.model_output, second.model_output);
    assert_memory_equal(&first.dataset_mean, &second.dataset_mean, sizeof first.dataset_mean);
    assert_true(first.exploration_mutation_eta == second.exploration_mutation_eta);
    dse_buf_fini(&once);
    dse_buf_fini(&twice);
    dse_arena_fini(&arena);
}

static void special_texts_survive_printing(void **state) {
    (void)state;
    static const char *const names[] = {
        "plain",
        "\"\"",
        "'null'",
        "\"true\"",
        "'# no comment'",
        "\"quote \\\" and backslash \\\\\"",
        "'it''s'",
        "größe € 😀",
        "\"separator \\u2028 mark \\uFEFF nel\"",
        "\"last \\uFFFE \\U0010FFFF\"",
        "'${HOME} $${HOME} $'",
        "'a: b'",
        "\"  blanks  \"",
        ">-\n    folded\n    text",
        "12",
        "1e3",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[1024];
        /* The output of the model is a text that may be empty. */
        (void)snprintf(text, sizeof text,
                       "name: n\nmodel:\n  file: files/model.onnx\n  output: %s\n%s", names[i],
                       strstr(SMALLEST, "dataset:"));
        assert_round_trip(text);
    }
}

static void odd_paths_survive_printing(void **state) {
    (void)state;
    static const char *const odd[] = {"${x}", "$${x}", "a b",         "it's", "q\"uote",
                                      "#1",   "größe", "back\\slash", "$",    "{a: b}"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        char dir[256], path[300], text[2048];
        struct dse_err err = {0};
        make_temp_dir(dir, sizeof dir);
        (void)snprintf(path, sizeof path, "%s/%s", dir, odd[i]);
        assert_ok(dse_file_replace(path, "m", 1, &err), &err);
        assert_int_equal(setenv("DSE_TEST_PATH", path, 1), 0);
        (void)snprintf(text, sizeof text, "name: n\nmodel: {file: \"${DSE_TEST_PATH}\"}\n%s",
                       strstr(SMALLEST, "dataset:"));
        assert_round_trip(text);
        (void)unlink(path);
        (void)rmdir(dir);
    }
}

static double random_number(struct dse_rng *rng, double min, double max) {
    double x = min + (max - min) * dse_rng_uniform(rng);
    return x < min ? min : x > max ? max : x;
}

/* One line "key: value" with a random value that the schema allows. */
static void append_random_number_key(const struct dse_schema_info *info, struct dse_rng *rng,
                                     struct dse_buf *out) {
    double min = strtod(info->min, NULL), max = strtod(info->max, NULL);
    const char *indent = info->section[0] == '\0' ? "" : "  ";
    if (strcmp(info->kind, "INT") == 0)
        dse_buf_printf(out, "%s%s: %.0f\n", indent, info->key, random_number(rng, min, max));
    else if (strcmp(info->kind, "REAL") == 0)
        dse_buf_printf(out, "%s%s: %.17g\n", indent, info->key, random_number(rng, min, max));
    else if (strcmp(info->kind, "REALS") == 0)
        dse_buf_printf(out, "%s%s: [%.17g, %.17g, %.17g]\n", indent, info->key,
                       random_number(rng, min, max), random_number(rng, min, max),
                       random_number(rng, min, max));
}

static void append_random_workload(struct dse_rng *rng, struct dse_buf *out) {
    int n;
    const struct dse_schema_info *table = dse_schema_table(&n);
    dse_buf_puts(out, "name: n\n");
    for (int i = 0; i < n; i++) {
        const struct dse_schema_info *info = &table[i];
        if (i > 0 && strcmp(info->section, table[i - 1].section) != 0)
            dse_buf_printf(out, "%s:\n", info->section);
        if (strcmp(info->section, "external") == 0)
            continue; /* not of a network; an empty section is allowed */
        if (strcmp(info->section, "model") == 0 && strcmp(info->key, "file") == 0)
            dse_buf_puts(out, "  file: files/model.onnx\n");
        else if (strcmp(info->section, "dataset") == 0 && strcmp(info->key, "format") == 0)
            dse_buf_puts(out, "  format: cifar10\n  files: [files/batch.bin]\n");
        else if (strcmp(info->key, "objectives") == 0)
            dse_buf_puts(out, "  objectives: [size_bits]\n");
        else if (strcmp(info->key, "bits") == 0 || strcmp(info->key, "passes_min") == 0)
            dse_buf_printf(out, "  %s: %d\n", info->key, 2 + (int)dse_rng_below(rng, 3));
        else if (strcmp(info->key, "resize") == 0 || strcmp(info->key, "crop") == 0)
            ; /* of pictures */
        else if (strcmp(info->key, "passes_max") == 0)
            dse_buf_printf(out, "  passes_max: %d\n", 4 + (int)dse_rng_below(rng, 99));
        else if (strcmp(info->key, "bits_min") == 0)
            dse_buf_printf(out, "  bits_min: %d\n", 2 + (int)dse_rng_below(rng, 3));
        else if (strcmp(info->key, "bits_max") == 0)
            dse_buf_printf(out, "  bits_max: %d\n", 4 + (int)dse_rng_below(rng, 5));
        else if (strcmp(info->kind, "INTS") != 0 && info->min != NULL)
            append_random_number_key(info, rng, out);
    }
}

static void random_workloads_survive_printing(void **state) {
    (void)state;
    enum { SEED = 20, WORKLOADS = 200 };
    for (uint32_t i = 0; i < WORKLOADS; i++) {
        struct dse_rng rng;
        struct dse_buf text = {0};
        dse_rng_init(&rng, SEED, DSE_RNG_TEST, i, 0);
        append_random_workload(&rng, &text);
        assert_round_trip(dse_buf_text(&text));
        dse_buf_fini(&text);
    }
}

/* ---- schema and template ---- */

/* The types of problems stand in the schema once more; it must have every one. */
static void the_schema_has_every_problem(void **state) {
    (void)state;
    int n, n_keys, i = 0;
    const struct dse_schema_info *keys = dse_schema_table(&n_keys);
    while (strcmp(keys[i].section, "problem") != 0 || strcmp(keys[i].key, "type") != 0)
        i++;
    char words[512];
    (void)snprintf(words, sizeof words, " %s ", keys[i].choices);
    const struct dse_problem_def *problems = dse_problem_table(&n);
    const struct dse_function_def *function;
    for (int k = 0; k < n; k++) {
        char word[64];
        (void)snprintf(word, sizeof word, " %s ", problems[k].name);
        assert_int_equal(strstr(words, word) == NULL, strcmp(problems[k].name, "function") == 0);
    }
    for (int k = 0; (function = dse_function_at(k)) != NULL; k++) {
        char word[64];
        (void)snprintf(word, sizeof word, " %s ", function->name);
        assert_non_null(strstr(words, word));
    }
}

/* What a workload about no network is printed as, it is read from again; a program's, too. */
static void workloads_without_a_network_survive_printing(void **state) {
    (void)state;
    assert_round_trip("name: f\nproblem:\n  type: osy\n");
    assert_round_trip("name: f\nproblem:\n  type: dtlz2\n  objectives: [f3, maximize f1]\n");
    assert_round_trip("name: p\nproblem:\n  type: external\n  objectives: [minimize a]\n"
                      "  constraints: [b <= 3]\nexternal:\n  command: [sh, \"a b\"]\n"
                      "  genes: [x int 1 3, c category a b]\n  files: [files/batch.bin]\n");
    struct dse_arena arena = {0};
    struct dse_workload w;
    parse_ok("name: f\nproblem:\n  type: dtlz2\n", &arena, &w);
    assert_int_equal(w.problem_objectives.n, 3);
    assert_string_equal(w.problem_objectives.items[2], "f3");
    assert_false(dse_workload_is_about_network(&w));
    dse_arena_fini(&arena);
}

static void sections_of_the_schema_stand_together(void **state) {
    (void)state;
    int n;
    const struct dse_schema_info *table = dse_schema_table(&n);
    for (int i = 1; i < n; i++)
        for (int j = 0; j + 1 < i; j++)
            if (strcmp(table[i].section, table[i - 1].section) != 0)
                assert_string_not_equal(table[i].section, table[j].section);
    assert_string_equal(table[0].key, "name");
    assert_string_equal(table[0].section, "");
    assert_null(table[0].fallback);
}

/* Texts that are made from the schema; `unit_workloads update` writes them. */
static const struct {
    enum dse_status (*make)(struct dse_buf *out, struct dse_err *err);
    const char *path;
} made_texts[] = {
    {dse_workload_template, DSE_SOURCE_DIR "/workloads/template.yaml"},
    {dse_workload_manual, DSE_SOURCE_DIR "/workloads/pareto-workload.5"},
};
enum { MADE_TEXTS = sizeof made_texts / sizeof made_texts[0] };

static void committed_texts_are_the_generated_ones(void **state) {
    (void)state;
    for (int k = 0; k < MADE_TEXTS; k++) {
        struct dse_buf made = {0}, committed = {0};
        struct dse_err err = {0};
        assert_ok(made_texts[k].make(&made, &err), &err);
        assert_ok(dse_file_read(made_texts[k].path, DSE_WORKLOAD_TEXT_MAX, &committed, &err), &err);
        assert_string_equal(made.data, committed.data);
        dse_buf_fini(&made);
        dse_buf_fini(&committed);
    }
}

static void the_template_and_the_manual_have_every_key(void **state) {
    (void)state;
    struct dse_buf template = {0}, manual = {0};
    struct dse_err err = {0};
    int n;
    const struct dse_schema_info *table = dse_schema_table(&n);
    assert_ok(dse_workload_template(&template, &err), &err);
    assert_ok(dse_workload_manual(&manual, &err), &err);
    for (int i = 0; i < n; i++) {
        char item[128];
        assert_non_null(strstr(template.data, table[i].help));
        assert_non_null(strstr(template.data, table[i].key));
        (void)snprintf(item, sizeof item, ".It Cm %s\n", table[i].key);
        assert_non_null(strstr(manual.data, item));
    }
    dse_buf_fini(&template);
    dse_buf_fini(&manual);
}

static void the_manual_is_sound_mdoc(void **state) {
    (void)state;
    if (access("/usr/bin/mandoc", X_OK) != 0) {
        print_message("skipped: mandoc is not installed\n");
        skip();
    }
    assert_int_equal(
        system("mandoc -T lint -W warning " DSE_SOURCE_DIR "/workloads/pareto-workload.5"), 0);
}

static int update(void) {
    for (int k = 0; k < MADE_TEXTS; k++) {
        struct dse_buf made = {0};
        struct dse_err err = {0};
        if (made_texts[k].make(&made, &err) != DSE_OK ||
            dse_file_replace(made_texts[k].path, made.data, made.size, &err) != DSE_OK ||
            chmod(made_texts[k].path, 0644) != 0) {
            print_error("%s\n", err.text);
            return 1;
        }
        dse_buf_fini(&made);
    }
    return 0;
}

static void problem_settings_borrow_from_the_workload(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    parse_ok(SMALLEST "  constraints: [size_bits <= 100000]\n  bits_min: 3\n", &arena, &w);
    struct dse_problem_settings settings = dse_workload_problem_settings(&w);
    assert_int_equal(settings.bits_min, 3);
    assert_int_equal(settings.bits_max, 8);
    assert_int_equal(settings.n_objectives, 2);
    assert_ptr_equal(settings.objectives[1], w.problem_objectives.items[1]);
    assert_int_equal(settings.n_constraints, 1);
    assert_string_equal(settings.constraints[0], "size_bits <= 100000");
    dse_arena_fini(&arena);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "update") == 0)
        return update();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_that_is_not_given_has_its_default),
        cmocka_unit_test(groups_and_aliases_become_published_names),
        cmocka_unit_test(paths_are_absolute),
        cmocka_unit_test(a_relative_base_starts_at_the_working_directory),
        cmocka_unit_test(marks_are_the_places_of_the_keys),
        cmocka_unit_test(variables_are_expanded_in_paths_only),
        cmocka_unit_test(all_forms_of_numbers_are_read),
        cmocka_unit_test(the_locale_does_not_change_numbers),
        cmocka_unit_test(an_unreadable_file_is_refused),
        cmocka_unit_test(a_text_above_the_limit_is_refused),
        cmocka_unit_test(errors_are_kept_in_order_and_the_last_are_dropped),
        cmocka_unit_test(columns_order_errors_of_one_line),
        cmocka_unit_test(hostile_texts_end_soon),
        cmocka_unit_test(a_cut_text_never_harms),
        cmocka_unit_test(every_failed_allocation_is_reported_and_nothing_leaks),
        cmocka_unit_test(special_texts_survive_printing),
        cmocka_unit_test(odd_paths_survive_printing),
        cmocka_unit_test(random_workloads_survive_printing),
        cmocka_unit_test(the_schema_has_every_problem),
        cmocka_unit_test(workloads_without_a_network_survive_printing),
        cmocka_unit_test(sections_of_the_schema_stand_together),
        cmocka_unit_test(committed_texts_are_the_generated_ones),
        cmocka_unit_test(the_template_and_the_manual_have_every_key),
        cmocka_unit_test(the_manual_is_sound_mdoc),
        cmocka_unit_test(problem_settings_borrow_from_the_workload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
