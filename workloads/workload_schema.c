/* schema.def as tables. */
#include "workloads/workloads_internal.h"

#include <stdio.h>
#include <string.h>

static const struct dse_schema_info infos[KEY_COUNT] = {
#define X(section, key, field, kind, fallback, min, max, choices, help) \
    {section, #key, #kind, fallback, min, max, choices, help},
#include "workloads/schema.def"
#undef X
};

static const struct {
    enum workloads__kind kind;
    size_t offset, mark_offset; /* in struct dse_workload */
} places[KEY_COUNT] = {
#define X(section, key, field, kind, fallback, min, max, choices, help) \
    {KIND_##kind, offsetof(struct dse_workload, field), offsetof(struct dse_workload, at.field)},
#include "workloads/schema.def"
#undef X
};

static const char *const kind_words[] = {
    [KIND_TEXT] = "a text",
    [KIND_CHOICE] = "a word",
    [KIND_PATH] = "the path of a file",
    [KIND_INT] = "a whole number",
    [KIND_REAL] = "a number",
    [KIND_BOOL] = "true or false",
    [KIND_TEXTS] = "a list of texts",
    [KIND_PATHS] = "a list of paths of files",
    [KIND_REALS] = "a list of numbers",
    [KIND_INTS] = "a list of whole numbers",
};

const struct dse_schema_info *dse_schema_table(int *n) {
    *n = KEY_COUNT;
    return infos;
}

const struct dse_schema_info *workloads__info(enum workloads__key key) {
    dse_assert(key < KEY_COUNT);
    return &infos[key];
}

enum workloads__kind workloads__kind_of(enum workloads__key key) {
    dse_assert(key < KEY_COUNT);
    return places[key].kind;
}

const char *workloads__kind_words(enum workloads__kind kind) {
    return kind_words[kind];
}

void *workloads__member(struct dse_workload *workload, enum workloads__key key) {
    dse_assert(key < KEY_COUNT);
    return (char *)workload + places[key].offset;
}

const void *workloads__member_const(const struct dse_workload *workload, enum workloads__key key) {
    dse_assert(key < KEY_COUNT);
    return (const char *)workload + places[key].offset;
}

struct dse_mark *workloads__mark(struct dse_workload *workload, enum workloads__key key) {
    dse_assert(key < KEY_COUNT);
    return (struct dse_mark *)(void *)((char *)workload + places[key].mark_offset);
}

const char *workloads__name(enum workloads__key key, char out[WORKLOADS_NAME_SIZE]) {
    const struct dse_schema_info *info = workloads__info(key);
    (void)snprintf(out, WORKLOADS_NAME_SIZE, "%s%s%s", info->section,
                   info->section[0] == '\0' ? "" : ".", info->key);
    return out;
}

static void add_word(struct workloads__words *words, const char *word) {
    dse_assert(words->n < WORKLOADS_WORDS_MAX);
    words->items[words->n++] = word;
}

void workloads__split_choices(const char *choices, struct workloads__words *words) {
    dse_assert(strlen(choices) < sizeof words->storage);
    words->n = 0;
    (void)snprintf(words->storage, sizeof words->storage, "%s", choices);
    char *rest = words->storage;
    for (char *word = strtok_r(rest, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        add_word(words, word);
}

void workloads__section_words(const char *section, struct workloads__words *words) {
    words->n = 0;
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(infos[i].section, section) == 0)
            add_word(words, infos[i].key);
    if (section[0] != '\0')
        return;
    for (int i = 1; i < KEY_COUNT; i++)
        if (strcmp(infos[i].section, infos[i - 1].section) != 0)
            add_word(words, infos[i].section);
}
