/* Rules between keys. A rule is silent when a key it needs has been complained about. */
#include "workloads/workloads_internal.h"

#include <stdio.h>
#include <string.h>

static bool is_given(struct workloads__reading *reading, enum workloads__key key) {
    return workloads__mark(&reading->workload, key)->line > 0;
}

/* Where a complaint about two keys stands: at the first, unless only the other was given. */
static struct dse_mark place_of_pair(struct workloads__reading *reading, enum workloads__key first,
                                     enum workloads__key second) {
    bool only_second = !is_given(reading, first) && is_given(reading, second);
    return workloads__place(reading, only_second ? second : first, -1);
}

static void check_bits(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    if (reading->wrong[KEY_problem_bits_min] || reading->wrong[KEY_problem_bits_max])
        return;
    if (w->problem_bits_min > w->problem_bits_max)
        WORKLOADS_COMPLAIN(reading,
                           place_of_pair(reading, KEY_problem_bits_min, KEY_problem_bits_max),
                           "problem.bits_min: %d is above problem.bits_max, %d",
                           (int)w->problem_bits_min, (int)w->problem_bits_max);
}

static bool has_thresholds(const struct dse_workload *w) {
    return strcmp(w->problem_type, "early_exit") == 0 || strcmp(w->problem_type, "joint") == 0;
}

static void check_exits(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    bool wrong = reading->wrong[KEY_model_exits] || reading->wrong[KEY_problem_type];
    if (!wrong && has_thresholds(w) && w->model_exits.n == 0)
        WORKLOADS_COMPLAIN(reading, place_of_pair(reading, KEY_problem_type, KEY_model_exits),
                           "problem.type: %s needs early exits; name the outputs in model.exits",
                           w->problem_type);
    if (!wrong && w->model_exits.n > DSE_EXITS_MOST - 1)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_model_exits, DSE_EXITS_MOST - 1),
                           "model.exits: %d outputs; at most %d are allowed", w->model_exits.n,
                           DSE_EXITS_MOST - 1);
    if (!wrong && w->model_exits.n > 0 && !reading->wrong[KEY_model_output] &&
        *w->model_output == '\0')
        WORKLOADS_COMPLAIN(reading, place_of_pair(reading, KEY_model_exits, KEY_model_output),
                           "model.output: name the last output, which comes after model.exits");
}

static void check_exact(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    if (reading->wrong[KEY_problem_thresholds] || reading->wrong[KEY_problem_exit_policy])
        return;
    if (strcmp(w->problem_thresholds, "exact") == 0 && strcmp(w->problem_exit_policy, "batch") == 0)
        WORKLOADS_COMPLAIN(reading,
                           place_of_pair(reading, KEY_problem_thresholds, KEY_problem_exit_policy),
                           "problem.thresholds: exact needs problem.exit_policy: image");
}

static void check_passes(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    if (reading->wrong[KEY_problem_passes_min] || reading->wrong[KEY_problem_passes_max])
        return;
    if (w->problem_passes_min > w->problem_passes_max)
        WORKLOADS_COMPLAIN(reading,
                           place_of_pair(reading, KEY_problem_passes_min, KEY_problem_passes_max),
                           "problem.passes_min: %d is above problem.passes_max, %d",
                           (int)w->problem_passes_min, (int)w->problem_passes_max);
}

static void check_fixed_bits(struct workloads__reading *reading) {
    if (!reading->wrong[KEY_problem_bits] && reading->workload.problem_bits == 1)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_problem_bits, -1),
                           "problem.bits: 1 bit holds no number; use 0 (float32) or 2 to 16");
}

/* Two numbers, the smaller first, or none. */
static void check_bounds(struct workloads__reading *reading, enum workloads__key key) {
    const struct dse_number_list *list = workloads__member(&reading->workload, key);
    char name[WORKLOADS_NAME_SIZE];
    if (reading->wrong[key] || list->n == 0 || (list->n == 2 && list->items[0] <= list->items[1]))
        return;
    reading->wrong[key] = true;
    WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                       "%s: give two numbers, the fewest bits and the most, as in [4, 8]",
                       workloads__name(key, name));
}

static void check_sides(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    check_bounds(reading, KEY_problem_input_bits);
    check_bounds(reading, KEY_problem_weight_bits);
    if (w->problem_shared_bits && w->problem_input_bits.n + w->problem_weight_bits.n > 0)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_problem_shared_bits, -1),
                           "problem.shared_bits: a gene for both sides has bounds bits_min and "
                           "bits_max; leave input_bits and weight_bits empty");
}

static void check_fixed(struct workloads__reading *reading) {
    const struct dse_text_list *list = &reading->workload.problem_fixed;
    for (int i = 0; !reading->wrong[KEY_problem_fixed] && i < list->n; i++) {
        struct dse_err err = {0};
        if (dse_problem_check_fixed(list->items[i], &err) != DSE_OK)
            WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_problem_fixed, i),
                               "problem.fixed: %s", err.text);
    }
}

static void check_accuracy_drop(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    if (!reading->wrong[KEY_problem_allowable_accuracy_drop] &&
        w->problem_allowable_accuracy_drop < 1 && !w->exploration_baseline)
        WORKLOADS_COMPLAIN(reading,
                           workloads__place(reading, KEY_problem_allowable_accuracy_drop, -1),
                           "problem.allowable_accuracy_drop: compares with the baseline, and "
                           "exploration.baseline is false");
}

/* ---- data ---- */

static void check_channels_of(struct workloads__reading *reading, enum workloads__key key) {
    const struct dse_number_list *list = workloads__member(&reading->workload, key);
    char name[WORKLOADS_NAME_SIZE];
    if (reading->wrong[key] || list->n == 1 || list->n == 3)
        return;
    reading->wrong[key] = true;
    WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                       "%s: the list has %d numbers; give one a channel: 1 (grey) or 3 (colour)",
                       workloads__name(key, name), list->n);
}

static void check_normalisation(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    check_channels_of(reading, KEY_dataset_mean);
    check_channels_of(reading, KEY_dataset_std);
    if (reading->wrong[KEY_dataset_mean] || reading->wrong[KEY_dataset_std])
        return;
    if (w->dataset_mean.n != w->dataset_std.n)
        WORKLOADS_COMPLAIN(reading, place_of_pair(reading, KEY_dataset_mean, KEY_dataset_std),
                           "numbers in dataset.mean: %d, in dataset.std: %d; give one of each a "
                           "channel",
                           w->dataset_mean.n, w->dataset_std.n);
}

/* How many files, or folders, a format takes; complains. */
static void check_number_of_files(struct workloads__reading *reading, enum workloads__key key,
                                  int wanted, const char *what) {
    const struct dse_text_list *files = workloads__member(&reading->workload, key);
    char name[WORKLOADS_NAME_SIZE];
    if (files->n != wanted)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "%s: the list has %d file%s; format %s needs %s",
                           workloads__name(key, name), files->n, files->n == 1 ? "" : "s",
                           reading->workload.dataset_format, what);
}

static void check_kinds_of_files(struct workloads__reading *reading, enum workloads__key key,
                                 bool folders) {
    const struct dse_text_list *files = workloads__member(&reading->workload, key);
    char name[WORKLOADS_NAME_SIZE], shown[WORKLOADS_QUOTE_PATH_SIZE];
    for (int i = 0; !reading->stored && i < files->n; i++) {
        const char *trouble = workloads__trouble_with_path(files->items[i], folders);
        if (trouble != NULL)
            WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, i), "%s: %s: %s",
                               workloads__name(key, name),
                               workloads__quote(files->items[i], shown, sizeof shown), trouble);
    }
}

static void check_files_of(struct workloads__reading *reading, enum workloads__key key,
                           bool may_be_empty) {
    const struct dse_text_list *files = workloads__member(&reading->workload, key);
    const char *format = reading->workload.dataset_format;
    char name[WORKLOADS_NAME_SIZE];
    if (reading->wrong[key] || (may_be_empty && files->n == 0))
        return;
    if (files->n == 0) {
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "%s: the list is empty; name at least one file",
                           workloads__name(key, name));
        return;
    }
    bool is_known = !reading->wrong[KEY_dataset_format];
    bool are_pictures = is_known && strcmp(format, "pictures") == 0;
    if (is_known && strcmp(format, "idx") == 0)
        check_number_of_files(reading, key, 2, "two: images, then labels");
    if (are_pictures)
        check_number_of_files(reading, key, 1, "one folder");
    check_kinds_of_files(reading, key, are_pictures);
}

/* Keys of pictures given with another format. */
static void check_pictures(struct workloads__reading *reading) {
    static const enum workloads__key keys[] = {KEY_dataset_resize, KEY_dataset_crop};
    const struct dse_workload *w = &reading->workload;
    char name[WORKLOADS_NAME_SIZE];
    if (reading->wrong[KEY_dataset_format] || reading->wrong[KEY_dataset_resize] ||
        reading->wrong[KEY_dataset_crop])
        return;
    bool are_pictures = strcmp(w->dataset_format, "pictures") == 0;
    for (size_t i = 0; !are_pictures && i < sizeof keys / sizeof keys[0]; i++)
        if (*(const int64_t *)workloads__member_const(w, keys[i]) != 0)
            WORKLOADS_COMPLAIN(reading, workloads__place(reading, keys[i], -1),
                               "%s: means nothing to format %s; leave it out",
                               workloads__name(keys[i], name), w->dataset_format);
    if (are_pictures && w->dataset_resize > 0 && w->dataset_crop > w->dataset_resize)
        WORKLOADS_COMPLAIN(reading, place_of_pair(reading, KEY_dataset_crop, KEY_dataset_resize),
                           "dataset.crop: %d is above dataset.resize, %d", (int)w->dataset_crop,
                           (int)w->dataset_resize);
}

/* ---- cells ---- */

static void check_no_text_twice(struct workloads__reading *reading, enum workloads__key key) {
    const struct dse_text_list *list = workloads__member(&reading->workload, key);
    char name[WORKLOADS_NAME_SIZE], shown[WORKLOADS_QUOTE_SIZE];
    for (int i = 0; !reading->wrong[key] && i < list->n; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(list->items[i], list->items[j]) == 0) {
                WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, i),
                                   "%s: %s stands in the list twice", workloads__name(key, name),
                                   workloads__quote(list->items[i], shown, sizeof shown));
                break;
            }
}

static void check_severities(struct workloads__reading *reading) {
    const struct dse_number_list *list = &reading->workload.corruptions_severities;
    const enum workloads__key key = KEY_corruptions_severities;
    if (reading->wrong[key])
        return;
    for (int i = 0; i < list->n; i++)
        for (int j = 0; j < i; j++)
            if (list->items[i] == list->items[j]) { /* whole numbers, exact */
                WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, i),
                                   "corruptions.severities: %d stands in the list twice",
                                   (int)list->items[i]);
                break;
            }
    if (list->n == 0 && reading->workload.corruptions_names.n > 0)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "corruptions.severities: the list is empty; corruptions.names needs at "
                           "least one severity (1 to 5)");
}

static void add_corruption(struct dse_text_list *list, const char *name) {
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0)
            return;
    dse_assert(list->n < DSE_WORKLOAD_LIST_MAX); /* fewer corruptions exist */
    list->items[list->n++] = name;
}

/* Groups become the corruptions they hold and aliases the published names, each once, so that equal
 * sets of images have equal texts. */
static void name_corruptions(struct workloads__reading *reading) {
    struct dse_text_list *list = &reading->workload.corruptions_names, named = {.n = 0};
    if (reading->wrong[KEY_corruptions_names])
        return;
    int n;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    for (int i = 0; i < list->n; i++) {
        const struct dse_corruption_def *one = dse_corruption_find(list->items[i]);
        if (one != NULL)
            add_corruption(&named, one->name);
        for (int k = 0; one == NULL && k < n; k++)
            if (dse_corruption_in_group(&table[k], list->items[i]))
                add_corruption(&named, table[k].name);
    }
    *list = named;
}

static void check_frost(struct workloads__reading *reading) {
    enum { OVERLAYS = 5 }; /* the published code draws from so many */
    const enum workloads__key key = KEY_corruptions_frost_files;
    int n = reading->workload.corruptions_frost_files.n;
    if (!reading->wrong[key] && n != 0 && n != OVERLAYS)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "corruptions.frost_files: the list has %d file%s; name the %d published "
                           "overlays, or none",
                           n, n == 1 ? "" : "s", (int)OVERLAYS);
}

static void check_cells(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    check_frost(reading);
    check_no_text_twice(reading, KEY_corruptions_names);
    name_corruptions(reading);
    workloads__name_corrupted_files(reading);
    check_severities(reading);
    if (reading->wrong[KEY_corruptions_clean] || reading->wrong[KEY_corruptions_names])
        return;
    if (!w->corruptions_clean && w->corruptions_names.n == 0)
        WORKLOADS_COMPLAIN(
            reading, place_of_pair(reading, KEY_corruptions_clean, KEY_corruptions_names),
            "corruptions: nothing to evaluate; set clean to true or name corruptions");
}

/* ---- objectives and constraints ---- */

typedef enum dse_status (*settings_check)(const struct dse_problem_settings *settings,
                                          const struct dse_model_facts *model, int *index,
                                          struct dse_err *err);

/* A cell for each severity of a corruption. */
static void add_cells(const struct dse_workload *w, const struct dse_corruption_def *corruption,
                      struct dse_cell_facts *cells, int *n) {
    for (int i = 0; i < w->corruptions_severities.n; i++)
        cells[(*n)++] =
            (struct dse_cell_facts){corruption, (int)w->corruptions_severities.items[i]};
}

/* What is known of the evaluation before its model is read: its cells, and whether there is a
 * baseline. NULL without memory, or where the keys that say so are wrong. */
static const struct dse_model_facts *facts_so_far(struct workloads__reading *reading) {
    const struct dse_workload *w = &reading->workload;
    int n_corruptions;
    const struct dse_corruption_def *table = dse_corruption_table(&n_corruptions);
    size_t most = 1 + (size_t)n_corruptions * (size_t)w->corruptions_severities.n;
    struct dse_model_facts *facts = dse_arena_alloc(&reading->scratch, 1, sizeof *facts);
    struct dse_cell_facts *cells = dse_arena_alloc(&reading->scratch, most, sizeof *cells);
    reading->no_memory = reading->no_memory || facts == NULL || cells == NULL;
    if (reading->no_memory || reading->wrong[KEY_corruptions_clean] ||
        reading->wrong[KEY_corruptions_names] || reading->wrong[KEY_corruptions_severities])
        return NULL;
    facts->cells = cells;
    facts->n_cells = w->corruptions_clean ? 1 : 0; /* zeros are a clean cell */
    for (int c = 0; c < n_corruptions; c++) {
        bool is_used = false;
        for (int i = 0; i < w->corruptions_names.n; i++)
            is_used = is_used || dse_corruption_find(w->corruptions_names.items[i]) == &table[c] ||
                      dse_corruption_in_group(&table[c], w->corruptions_names.items[i]);
        if (is_used)
            add_cells(w, &table[c], cells, &facts->n_cells);
    }
    facts->has_baseline = w->exploration_baseline;
    return facts;
}

/* The settings with one objective or constraint only. */
static struct dse_problem_settings settings_with_one(struct workloads__reading *reading,
                                                     enum workloads__key key, int item) {
    const struct dse_text_list *list = workloads__member(&reading->workload, key);
    struct dse_problem_settings settings = dse_workload_problem_settings(&reading->workload);
    if (key == KEY_problem_objectives) {
        settings.objectives = &list->items[item];
        settings.n_objectives = 1;
    } else {
        settings.constraints = &list->items[item];
        settings.n_constraints = 1;
    }
    return settings;
}

/* Complains about an item, and says what to do where only the cells are missing. */
static void complain_about_item(struct workloads__reading *reading, enum workloads__key key,
                                int item, bool is_known, const struct dse_err *why) {
    char name[WORKLOADS_NAME_SIZE];
    bool is_about_cells = is_known && strstr(why->text, "baseline") == NULL;
    WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, item), "%s: %s%s%s",
                       workloads__name(key, name), why->text,
                       is_about_cells ? ": see corruptions.clean and corruptions.names" : "",
                       is_known && !is_given(reading, key) ? ", or set problem.objectives" : "");
}

/* Asks the problem about each item alone, so that every wrong one is found, then about all. */
static void check_with_problem(struct workloads__reading *reading, enum workloads__key key,
                               settings_check check) {
    const struct dse_text_list *list = workloads__member(&reading->workload, key);
    if (reading->wrong[key])
        return;
    const struct dse_model_facts *facts = facts_so_far(reading);
    for (int i = 0; i < list->n; i++) {
        struct dse_problem_settings one = settings_with_one(reading, key, i);
        struct dse_err err = {0};
        int index = 0;
        if (check(&one, facts, &index, &err) == DSE_OK)
            continue;
        reading->wrong[key] = true;
        complain_about_item(reading, key, i, check(&one, NULL, &index, NULL) == DSE_OK, &err);
    }
    struct dse_problem_settings all = dse_workload_problem_settings(&reading->workload);
    struct dse_err err = {0};
    int index = -1;
    if (!reading->wrong[key] && check(&all, facts, &index, &err) != DSE_OK)
        complain_about_item(reading, key, index, false, &err);
}

static void check_objectives(struct workloads__reading *reading) {
    const enum workloads__key key = KEY_problem_objectives;
    if (!reading->wrong[key] && reading->workload.problem_objectives.n == 0) {
        reading->wrong[key] = true;
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                           "problem.objectives: the list is empty; name at least one metric");
    }
    int errors_before = reading->errors->n + reading->errors->dropped;
    check_no_text_twice(reading, key);
    if (reading->errors->n + reading->errors->dropped > errors_before)
        return;
    check_with_problem(reading, key, dse_problem_check_objectives);
}

bool dse_workload_takes_dropouts(const struct dse_workload *workload) {
    const char *sites =
        workload->problem_dropout_sites; /* NULL while a workload is checked: wrong */
    return sites != NULL && strcmp(sites, "model") == 0;
}

struct dse_problem_settings dse_workload_problem_settings(const struct dse_workload *workload) {
    const struct dse_number_list *inputs = &workload->problem_input_bits;
    const struct dse_number_list *weights = &workload->problem_weight_bits;
    const char *policy =
        workload->problem_exit_policy; /* NULL while a workload is checked: wrong */
    bool by_batch = policy != NULL && strcmp(policy, "batch") == 0;
    return (struct dse_problem_settings){
        .bits_min = (int)workload->problem_bits_min,
        .bits_max = (int)workload->problem_bits_max,
        .input_bits_min = inputs->n == 2 ? (int)inputs->items[0] : 0,
        .input_bits_max = inputs->n == 2 ? (int)inputs->items[1] : 0,
        .weight_bits_min = weights->n == 2 ? (int)weights->items[0] : 0,
        .weight_bits_max = weights->n == 2 ? (int)weights->items[1] : 0,
        .float_choice = workload->problem_float_choice,
        .shared_bits = workload->problem_shared_bits,
        .fixed = workload->problem_fixed.items,
        .n_fixed = workload->problem_fixed.n,
        .groups = workload->problem_groups.items,
        .n_groups = workload->problem_groups.n,
        .has_accuracy_drop = workload->problem_allowable_accuracy_drop < 1,
        .accuracy_drop = workload->problem_allowable_accuracy_drop,
        .bits = (int)workload->problem_bits,
        .dropout_max = workload->problem_dropout_max,
        .dropout_of_model = dse_workload_takes_dropouts(workload),
        .passes_min = (int)workload->problem_passes_min,
        .passes_max = (int)workload->problem_passes_max,
        .exits_shared = workload->problem_shared_threshold,
        .exit_batch = by_batch ? (int)workload->problem_exit_batch : 0,
        .objectives = workload->problem_objectives.items,
        .n_objectives = workload->problem_objectives.n,
        .constraints = workload->problem_constraints.items,
        .n_constraints = workload->problem_constraints.n,
        .type = workload->problem_type,
        .genes = workload->external_genes.items,
        .n_genes = workload->external_genes.n,
    };
}

/* ---- programs ---- */

static void check_gene(struct workloads__reading *reading, int item, struct dse_gene *genes) {
    const enum workloads__key key = KEY_external_genes;
    struct dse_err err = {0};
    if (dse_gene_parse(reading->workload.external_genes.items[item], &genes[item], NULL, &err) !=
        DSE_OK) {
        reading->wrong[key] = true;
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, item), "external.genes: %s",
                           err.text);
        return;
    }
    for (int i = 0; i < item; i++)
        if (strcmp(genes[i].name, genes[item].name) == 0)
            WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, item),
                               "external.genes: two genes are named %s", genes[i].name);
}

static void check_program(struct workloads__reading *reading) {
    static struct dse_gene none;
    struct dse_gene genes[DSE_WORKLOAD_LIST_MAX] = {none};
    const struct dse_workload *w = &reading->workload;
    if (!reading->wrong[KEY_external_command] && w->external_command.n == 0)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_external_command, -1),
                           "external.command: the list is empty; name your program");
    if (reading->wrong[KEY_external_genes])
        return;
    if (w->external_genes.n == 0)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_external_genes, -1),
                           "external.genes: the list is empty; name at least one gene");
    for (int i = 0; i < w->external_genes.n; i++)
        check_gene(reading, i, genes);
}

/* Exact hypervolumes are computed for so many objectives. */
static void check_standstill(struct workloads__reading *reading) {
    enum { OBJECTIVES_MAX = 4 };
    const struct dse_workload *w = &reading->workload;
    if (reading->wrong[KEY_exploration_standstill] || reading->wrong[KEY_problem_objectives])
        return;
    if (w->exploration_standstill > 0 && w->problem_objectives.n > OBJECTIVES_MAX)
        WORKLOADS_COMPLAIN(reading, workloads__place(reading, KEY_exploration_standstill, -1),
                           "exploration.standstill: the hypervolume of %d objectives is not "
                           "computed, only of up to %d",
                           w->problem_objectives.n, OBJECTIVES_MAX);
}

void workloads__check_rules(struct workloads__reading *reading) {
    check_standstill(reading);
    check_program(reading);
    check_normalisation(reading);
    check_files_of(reading, KEY_dataset_files, false);
    check_files_of(reading, KEY_calibration_files, true);
    check_pictures(reading);
    check_cells(reading);
    check_bits(reading);
    check_sides(reading);
    check_fixed(reading);
    check_accuracy_drop(reading);
    check_fixed_bits(reading);
    check_passes(reading);
    check_no_text_twice(reading, KEY_model_exits);
    check_exits(reading);
    check_exact(reading);
    check_objectives(reading);
    check_with_problem(reading, KEY_problem_constraints, dse_problem_check_constraints);
}
