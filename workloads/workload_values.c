/* Nodes to values: kinds, bounds, choices. Everything is driven by the schema. */
#include "workloads/workloads_internal.h"

#include <string.h>

/* What is being read, for messages. */
struct target {
    struct workloads__reading *reading;
    enum workloads__key key;
    enum workloads__kind kind; /* of one value; of a list: of an item */
    const struct dse_schema_info *info;
    char name[WORKLOADS_NAME_SIZE];
};

#define COMPLAIN(target, mark, fmt, ...)                                                        \
    do {                                                                                        \
        (target)->reading->wrong[(target)->key] = true;                                         \
        WORKLOADS_COMPLAIN((target)->reading, (mark), "%s: " fmt, (target)->name, __VA_ARGS__); \
    } while (0)

static bool kind_is_list(enum workloads__kind kind) {
    return kind == KIND_TEXTS || kind == KIND_PATHS || kind == KIND_REALS || kind == KIND_INTS;
}

static enum workloads__kind kind_of_item(enum workloads__kind list) {
    switch (list) {
    case KIND_PATHS:
        return KIND_PATH;
    case KIND_REALS:
        return KIND_REAL;
    case KIND_INTS:
        return KIND_INT;
    default:
        dse_assert(list == KIND_TEXTS);
        return KIND_TEXT;
    }
}

static const char *describe_node(const struct tree_node *node, char *out, size_t size) {
    switch (node->kind) {
    case TREE_LIST:
        return "a list";
    case TREE_MAP:
        return "a mapping";
    default:
        return workloads__quote(node->text, out, size);
    }
}

/* ---- numbers ---- */

static bool within_bounds(struct target *t, const struct tree_node *node, double value) {
    double bound;
    if (t->info->min != NULL && workloads__read_real(t->info->min, &bound) && value < bound) {
        COMPLAIN(t, node->mark, "%s is below the minimum %s", node->text, t->info->min);
        return false;
    }
    if (t->info->max != NULL && workloads__read_real(t->info->max, &bound) && value > bound) {
        COMPLAIN(t, node->mark, "%s is above the maximum %s", node->text, t->info->max);
        return false;
    }
    return true;
}

static bool number_is_quoted(struct target *t, const struct tree_node *node) {
    char shown[WORKLOADS_QUOTE_SIZE];
    if (node->plain)
        return false;
    COMPLAIN(t, node->mark, "expected %s, found the text %s; write it without quotes",
             workloads__kind_words(t->kind), workloads__quote(node->text, shown, sizeof shown));
    return true;
}

static bool read_whole(struct target *t, const struct tree_node *node, int64_t *out) {
    char shown[WORKLOADS_QUOTE_SIZE];
    int64_t value;
    if (!workloads__read_whole(node->text, &value)) {
        COMPLAIN(t, node->mark, "expected a whole number (decimal digits), found %s",
                 workloads__quote(node->text, shown, sizeof shown));
        return false;
    }
    if (number_is_quoted(t, node) || !within_bounds(t, node, (double)value))
        return false;
    *out = value;
    return true;
}

static bool read_real(struct target *t, const struct tree_node *node, double *out) {
    char shown[WORKLOADS_QUOTE_SIZE];
    double value;
    if (!workloads__read_real(node->text, &value)) {
        COMPLAIN(t, node->mark, "expected a finite decimal number like 0.5 or 1e-3, found %s",
                 workloads__quote(node->text, shown, sizeof shown));
        return false;
    }
    if (number_is_quoted(t, node) || !within_bounds(t, node, value))
        return false;
    *out = value;
    return true;
}

static bool read_bool(struct target *t, const struct tree_node *node, bool *out) {
    char shown[WORKLOADS_QUOTE_SIZE];
    bool is_true = strcmp(node->text, "true") == 0;
    if (!node->plain || (!is_true && strcmp(node->text, "false") != 0)) {
        COMPLAIN(t, node->mark, "expected true or false, found %s",
                 workloads__quote(node->text, shown, sizeof shown));
        return false;
    }
    *out = is_true;
    return true;
}

/* ---- texts ---- */

static bool is_allowed_word(struct target *t, const struct tree_node *node) {
    struct workloads__words choices;
    char shown[WORKLOADS_QUOTE_SIZE], joined[512];
    if (t->info->choices == NULL)
        return true;
    workloads__split_choices(t->info->choices, &choices);
    for (int i = 0; i < choices.n; i++)
        if (strcmp(node->text, choices.items[i]) == 0)
            return true;
    (void)dse_words_join(choices.items, choices.n, joined, sizeof joined);
    const char *meant = dse_word_nearest(node->text, choices.items, choices.n);
    COMPLAIN(t, node->mark, "%s is not one of: %s%s%s%s",
             workloads__quote(node->text, shown, sizeof shown), joined,
             meant == NULL ? "" : "; did you mean '", meant == NULL ? "" : meant,
             meant == NULL ? "" : "'?");
    return false;
}

static bool text_is_fine(struct target *t, const struct tree_node *node) {
    if (node->has_nul || !workloads__is_one_line(node->text)) {
        COMPLAIN(t, node->mark, "%s", "line breaks and control characters are not allowed in it");
        return false;
    }
    bool may_be_empty = (t->kind == KIND_TEXT || t->kind == KIND_PATH) &&
                        t->info->fallback != NULL && t->info->fallback[0] == '\0';
    if (node->text[0] == '\0' && !may_be_empty) {
        COMPLAIN(t, node->mark, "%s", "the text is empty");
        return false;
    }
    return is_allowed_word(t, node);
}

static bool read_text(struct target *t, const struct tree_node *node, const char **out) {
    if (!text_is_fine(t, node))
        return false;
    const char *text = dse_arena_strdup(t->reading->arena, node->text);
    if (text == NULL)
        t->reading->no_memory = true;
    else
        *out = text;
    return text != NULL;
}

static bool read_path(struct target *t, const struct tree_node *node, const char **out) {
    if (!text_is_fine(t, node))
        return false;
    if (node->text[0] == '\0') { /* and it may be */
        *out = "";
        return true;
    }
    const char *path = workloads__resolve_path(t->reading, t->key, node->mark, node->text);
    if (path != NULL)
        *out = path;
    return path != NULL;
}

/* ---- one value, a list ---- */

/* A scalar that says something; complains otherwise. */
static bool is_scalar(struct target *t, const struct tree_node *node) {
    if (node->kind == TREE_REFUSED) {
        t->reading->wrong[t->key] = true; /* the tree has complained */
        return false;
    }
    if (node->kind != TREE_SCALAR) {
        COMPLAIN(t, node->mark, "expected %s, found %s", workloads__kind_words(t->kind),
                 describe_node(node, NULL, 0));
        return false;
    }
    if (workloads__tree_is_null(node)) {
        COMPLAIN(t, node->mark, "no value given; expected %s", workloads__kind_words(t->kind));
        return false;
    }
    return true;
}

static void read_scalar(struct target *t, const struct tree_node *node, void *member) {
    if (!is_scalar(t, node))
        return;
    switch (t->kind) {
    case KIND_INT:
        (void)read_whole(t, node, member);
        break;
    case KIND_REAL:
        (void)read_real(t, node, member);
        break;
    case KIND_BOOL:
        (void)read_bool(t, node, member);
        break;
    case KIND_PATH:
        (void)read_path(t, node, member);
        break;
    default:
        (void)read_text(t, node, member);
        break;
    }
}

static bool read_item(struct target *t, const struct tree_node *node, void *list, int i) {
    struct dse_text_list *texts = list;
    struct dse_number_list *numbers = list;
    int64_t whole = 0;
    if (!is_scalar(t, node))
        return false;
    switch (t->kind) {
    case KIND_INT:
        if (!read_whole(t, node, &whole))
            return false;
        numbers->items[i] = (double)whole;
        return true;
    case KIND_REAL:
        return read_real(t, node, &numbers->items[i]);
    case KIND_PATH:
        return read_path(t, node, &texts->items[i]);
    default:
        return read_text(t, node, &texts->items[i]);
    }
}

static void set_list_length(enum workloads__kind item_kind, void *list, int n) {
    if (item_kind == KIND_INT || item_kind == KIND_REAL)
        ((struct dse_number_list *)list)->n = n;
    else
        ((struct dse_text_list *)list)->n = n;
}

static bool is_list(struct target *t, const struct tree_node *node, enum workloads__kind kind) {
    char shown[WORKLOADS_QUOTE_SIZE];
    if (node->kind == TREE_LIST)
        return true;
    t->reading->wrong[t->key] = true;
    if (node->kind == TREE_REFUSED)
        return false;
    if (workloads__tree_is_null(node))
        COMPLAIN(t, node->mark, "no value given; expected %s", workloads__kind_words(kind));
    else
        COMPLAIN(t, node->mark, "expected %s like [a, b], found %s", workloads__kind_words(kind),
                 describe_node(node, shown, sizeof shown));
    return false;
}

static int count_children(const struct tree_node *node) {
    int n = 0;
    for (const struct tree_node *child = node->first; child != NULL; child = child->next)
        n++;
    return n;
}

static void read_list(struct target *t, const struct tree_node *node, void *list) {
    if (!is_list(t, node, workloads__kind_of(t->key)))
        return;
    int n = count_children(node);
    if (n > DSE_WORKLOAD_LIST_MAX) {
        COMPLAIN(t, node->mark, "the list has %d items; at most %d are allowed", n,
                 DSE_WORKLOAD_LIST_MAX);
        return;
    }
    int i = 0;
    for (const struct tree_node *item = node->first; item != NULL; item = item->next, i++) {
        t->reading->items[t->key][i] = item->mark;
        (void)read_item(t, item, list, i);
    }
    set_list_length(t->kind, list, n);
}

void workloads__read_value(struct workloads__reading *reading, enum workloads__key key,
                           const struct tree_node *node) {
    struct target target = {.reading = reading, .key = key, .info = workloads__info(key)};
    (void)workloads__name(key, target.name);
    void *member = workloads__member(&reading->workload, key);
    enum workloads__kind kind = workloads__kind_of(key);
    if (kind_is_list(kind)) {
        target.kind = kind_of_item(kind);
        read_list(&target, node, member);
    } else {
        target.kind = kind;
        read_scalar(&target, node, member);
    }
}
