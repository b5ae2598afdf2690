/* Tree to workload: sections, keys, defaults. */
#include "workloads/workloads_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

static int find_key(const char *section, const char *key) {
    for (int i = 0; i < KEY_COUNT; i++) {
        const struct dse_schema_info *info = workloads__info((enum workloads__key)i);
        if (strcmp(info->section, section) == 0 && strcmp(info->key, key) == 0)
            return i;
    }
    return -1;
}

static bool is_section(const char *name) {
    for (int i = 0; name[0] != '\0' && i < KEY_COUNT; i++)
        if (strcmp(workloads__info((enum workloads__key)i)->section, name) == 0)
            return true;
    return false;
}

/* The section that has a key of this name; NULL when none or several have. */
static const char *only_section_with(const char *key) {
    const char *section = NULL;
    for (int i = 0; i < KEY_COUNT; i++) {
        const struct dse_schema_info *info = workloads__info((enum workloads__key)i);
        if (strcmp(info->key, key) != 0)
            continue;
        if (section != NULL)
            return NULL;
        section = info->section;
    }
    return section;
}

/* "; did you mean 'population'?", "; it belongs to section exploration" or "". */
static void write_hint(const char *key, const struct workloads__words *words, char *out,
                       size_t size) {
    const char *home = only_section_with(key);
    const char *meant = dse_word_nearest(key, words->items, words->n);
    if (home != NULL && home[0] != '\0')
        (void)snprintf(out, size, "; it belongs to section '%s'.", home);
    else if (home != NULL)
        (void)snprintf(out, size, "; it stands outside the sections.");
    else if (meant != NULL)
        (void)snprintf(out, size, "; did you mean '%s'?", meant);
    else
        (void)snprintf(out, size, ".");
}

static void complain_about_unknown_key(struct workloads__reading *reading, const char *section,
                                       const struct tree_node *node) {
    struct workloads__words words;
    char joined[512], hint[128], key[WORKLOADS_QUOTE_SIZE];
    workloads__section_words(section, &words);
    (void)dse_words_join(words.items, words.n, joined, sizeof joined);
    write_hint(node->text, &words, hint, sizeof hint);
    workloads__copy_cut(node->text, key, sizeof key);
    if (section[0] != '\0')
        WORKLOADS_COMPLAIN(reading, node->mark, "%s.%s: unknown key%s Keys of %s: %s", section, key,
                           hint, section, joined);
    else
        WORKLOADS_COMPLAIN(reading, node->mark, "%s: unknown key or section%s Allowed: %s", key,
                           hint, joined);
}

static bool key_is_text(struct workloads__reading *reading, const struct tree_node *key) {
    if (key->kind == TREE_SCALAR && !key->has_nul)
        return true;
    if (key->kind != TREE_REFUSED)
        WORKLOADS_COMPLAIN(reading, key->mark, "a key must be a plain word, like \"seed:\"");
    return false;
}

static void read_pair(struct workloads__reading *reading, const char *section,
                      const struct tree_node *key, const struct tree_node *value) {
    int found = find_key(section, key->text);
    if (found < 0) {
        complain_about_unknown_key(reading, section, key);
        return;
    }
    enum workloads__key k = (enum workloads__key)found;
    struct dse_mark *mark = workloads__mark(&reading->workload, k);
    char name[WORKLOADS_NAME_SIZE];
    if (mark->line > 0) {
        WORKLOADS_COMPLAIN(reading, key->mark, "%s: given twice; first on line %d",
                           workloads__name(k, name), mark->line);
        return;
    }
    *mark = key->mark;
    if (!value->open) /* its end was not reached, so neither was its meaning */
        workloads__read_value(reading, k, value);
}

/* ---- sections ---- */

static bool may_hold_keys(struct workloads__reading *reading, const char *section,
                          const struct tree_node *node) {
    struct workloads__words words;
    char joined[512], shown[WORKLOADS_QUOTE_SIZE];
    if (node->kind == TREE_MAP)
        return true;
    if (node->kind == TREE_REFUSED || workloads__tree_is_null(node))
        return false; /* an empty section is as good as none */
    workloads__section_words(section, &words);
    (void)dse_words_join(words.items, words.n, joined, sizeof joined);
    WORKLOADS_COMPLAIN(reading, node->mark, "%s: expected a mapping with keys, found %s. Keys: %s",
                       section[0] == '\0' ? "workload" : section,
                       node->kind == TREE_LIST ? "a list"
                                               : workloads__quote(node->text, shown, sizeof shown),
                       joined);
    return false;
}

static void note_section(struct workloads__reading *reading, const char *section,
                         struct dse_mark mark) {
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(workloads__info((enum workloads__key)i)->section, section) == 0)
            reading->section[i] = mark;
}

static struct dse_mark first_place_of_section(const struct workloads__reading *reading,
                                              const char *section) {
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(workloads__info((enum workloads__key)i)->section, section) == 0)
            return reading->section[i];
    return (struct dse_mark){0};
}

static void read_section(struct workloads__reading *reading, const struct tree_node *key,
                         const struct tree_node *node) {
    struct dse_mark before = first_place_of_section(reading, key->text);
    if (before.line > 0) {
        WORKLOADS_COMPLAIN(reading, key->mark, "%s: section given twice; first on line %d",
                           key->text, before.line);
        return;
    }
    note_section(reading, key->text, key->mark);
    if (!may_hold_keys(reading, key->text, node))
        return;
    for (const struct tree_node *inner = node->first; inner != NULL && inner->next != NULL;
         inner = inner->next->next)
        if (key_is_text(reading, inner))
            read_pair(reading, key->text, inner, inner->next);
}

static void read_document(struct workloads__reading *reading, const struct tree_node *root) {
    reading->start = root->mark;
    if (!may_hold_keys(reading, "", root))
        return;
    for (const struct tree_node *key = root->first; key != NULL && key->next != NULL;
         key = key->next->next) {
        if (!key_is_text(reading, key))
            continue;
        if (is_section(key->text))
            read_section(reading, key, key->next);
        else
            read_pair(reading, "", key, key->next);
    }
}

/* ---- what is not in the file ---- */

/* Defaults stand in the schema as they would stand in a file; they are read by the same code. */
static void read_default(struct workloads__reading *reading, enum workloads__key key,
                         const char *fallback) {
    struct tree_node empty = {.kind = TREE_SCALAR, .text = ""};
    struct tree_node *node = &empty;
    bool whole = true;
    int errors_before = reading->errors->n + reading->errors->dropped;
    if (fallback[0] != '\0' &&
        workloads__tree_read(fallback, strlen(fallback), reading->file, &reading->scratch, &node,
                             &whole, reading->errors, NULL) != DSE_OK) {
        reading->no_memory = true;
        return;
    }
    dse_assert(whole && node != NULL);
    workloads__read_value(reading, key, node);
    memset(reading->items[key], 0, sizeof reading->items[key]);
    dse_assert(reading->errors->n + reading->errors->dropped == errors_before);
}

static void complain_about_missing_key(struct workloads__reading *reading,
                                       enum workloads__key key) {
    char name[WORKLOADS_NAME_SIZE];
    reading->wrong[key] = true;
    if (reading->wrong[KEY_problem_type] && workloads__depends_on_problem(key))
        return; /* nobody knows whether it is missing */
    WORKLOADS_COMPLAIN(reading, workloads__place(reading, key, -1),
                       "%s: required key is missing: %s (%s)", workloads__name(key, name),
                       workloads__info(key)->help, workloads__kind_words(workloads__kind_of(key)));
}

/* Keys of other problems are complained about where they are given, and say nothing. */
static void pass_over_other_keys(struct workloads__reading *reading) {
    char name[WORKLOADS_NAME_SIZE];
    for (int i = 0; i < KEY_COUNT; i++) {
        enum workloads__key key = (enum workloads__key)i;
        bool unknown = reading->wrong[KEY_problem_type] && workloads__depends_on_problem(key);
        if (workloads__applies(&reading->workload, key) && !unknown)
            continue;
        reading->wrong[key] = true;
        if (!unknown && workloads__mark(&reading->workload, key)->line > 0)
            WORKLOADS_COMPLAIN(
                reading, workloads__place(reading, key, -1),
                "%s: means nothing to problem %s; leave it out", workloads__name(key, name),
                reading->workload.problem_type == NULL ? "quantization"
                                                       : reading->workload.problem_type);
    }
}

static void fill_in(struct workloads__reading *reading, bool complain) {
    for (int i = 0; i < KEY_COUNT && !reading->no_memory; i++) {
        enum workloads__key key = (enum workloads__key)i;
        char made[WORKLOADS_FALLBACK_SIZE];
        const char *fallback = workloads__fallback(reading, key, made);
        if (workloads__mark(&reading->workload, key)->line > 0)
            continue;
        if (fallback != NULL)
            read_default(reading, key, fallback);
        else if (complain && workloads__applies(&reading->workload, key))
            complain_about_missing_key(reading, key);
    }
}

struct dse_mark workloads__place(struct workloads__reading *reading, enum workloads__key key,
                                 int item) {
    if (item >= 0 && item < DSE_WORKLOAD_LIST_MAX && reading->items[key][item].line > 0)
        return reading->items[key][item];
    struct dse_mark mark = *workloads__mark(&reading->workload, key);
    if (mark.line > 0)
        return mark;
    return reading->section[key].line > 0 ? reading->section[key] : reading->start;
}

/* ---- a file ---- */

static enum dse_status read_text(struct workloads__reading *reading, const char *text,
                                 size_t length, struct dse_err *err) {
    struct tree_node *root = NULL;
    bool whole = false;
    if (length > DSE_WORKLOAD_TEXT_MAX) {
        WORKLOADS_COMPLAIN(reading, (struct dse_mark){0},
                           "the text has %zu bytes; a workload has at most %d", length,
                           DSE_WORKLOAD_TEXT_MAX);
        return DSE_OK;
    }
    DSE_TRY(workloads__tree_read(text, length, reading->file, &reading->scratch, &root, &whole,
                                 reading->errors, err));
    if (root == NULL || (whole && workloads__tree_is_null(root))) {
        if (reading->errors->n == 0)
            WORKLOADS_COMPLAIN(reading, ((struct dse_mark){1, 1}),
                               "the workload is empty; workloads/template.yaml shows every key");
        return DSE_OK;
    }
    read_document(reading, root);
    bool is_map = root->kind == TREE_MAP;
    fill_in(reading, whole && is_map);
    if (whole && is_map)
        pass_over_other_keys(reading);
    if (whole && is_map && !reading->no_memory)
        workloads__check_rules(reading);
    return DSE_OK;
}

static enum dse_status settle(struct workloads__reading *reading, struct dse_workload *workload,
                              struct dse_err *err) {
    const struct dse_workload_errors *errors = reading->errors;
    if (reading->no_memory)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for workload %s", reading->file);
    if (errors->n > 0) {
        if (err != NULL && err->code == DSE_OK)
            *err = errors->items[0];
        return DSE_INVALID;
    }
    *workload = reading->workload;
    return DSE_OK;
}

static enum dse_status parse(const struct dse_workload_source *source, bool stored,
                             struct dse_arena *arena, struct dse_workload *workload,
                             struct dse_workload_errors *errors, struct dse_err *err) {
    enum dse_status status = DSE_OK;
    struct workloads__reading *reading = dse_alloc(1, sizeof *reading);
    if (reading == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for workload %s", source->file);
    errors->n = errors->dropped = 0;
    reading->file = source->file;
    reading->base_dir = source->base_dir;
    reading->source = source;
    reading->stored = stored;
    reading->arena = arena;
    reading->errors = errors;
    reading->workload.file = dse_arena_strdup(arena, source->file);
    reading->workload.base_dir = dse_arena_strdup(arena, source->base_dir);
    reading->items = dse_arena_alloc(&reading->scratch, KEY_COUNT, sizeof *reading->items);
    if (reading->items == NULL || reading->workload.file == NULL ||
        reading->workload.base_dir == NULL)
        reading->no_memory = true;
    else
        status = read_text(reading, source->text, source->length, err);
    if (status == DSE_OK)
        status = settle(reading, workload, err);
    dse_arena_fini(&reading->scratch);
    dse_free(reading);
    return status;
}

enum dse_status dse_workload_parse_source(const struct dse_workload_source *source,
                                          struct dse_arena *arena, struct dse_workload *workload,
                                          struct dse_workload_errors *errors, struct dse_err *err) {
    return parse(source, false, arena, workload, errors, err);
}

enum dse_status dse_workload_parse(const char *text, size_t length, const char *file,
                                   const char *base_dir, struct dse_arena *arena,
                                   struct dse_workload *workload,
                                   struct dse_workload_errors *errors, struct dse_err *err) {
    struct dse_workload_source source = {
        .text = text, .length = length, .file = file, .base_dir = base_dir};
    return parse(&source, false, arena, workload, errors, err);
}

enum dse_status dse_workload_parse_stored(const char *text, size_t length, const char *file,
                                          const char *base_dir, struct dse_arena *arena,
                                          struct dse_workload *workload, struct dse_err *err) {
    struct dse_workload_source source = {
        .text = text, .length = length, .file = file, .base_dir = base_dir};
    struct dse_workload_errors *errors = dse_alloc(1, sizeof *errors);
    if (errors == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for workload %s", file);
    enum dse_status status = parse(&source, true, arena, workload, errors, err);
    dse_free(errors);
    return status;
}
