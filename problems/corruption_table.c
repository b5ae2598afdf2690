/* The table of corruptions, made from corruptions.def. */
#include "problems/problems.h"

#include <string.h>

static const struct dse_corruption_def corruption_table[] = {
#define X(symbol, number, name, group, alias) \
    {DSE_CORRUPTION_##symbol, name, alias, DSE_CORRUPTIONS_##group},
#include "problems/corruptions.def"
#undef X
};
enum { N_CORRUPTIONS = sizeof corruption_table / sizeof corruption_table[0] };

static const char *const group_names[] = {
#define X(symbol, name) [DSE_CORRUPTIONS_##symbol] = name,
    DSE_CORRUPTION_GROUP_TABLE(X)
#undef X
};

const struct dse_corruption_def *dse_corruption_table(int *n_corruptions) {
    *n_corruptions = N_CORRUPTIONS;
    return corruption_table;
}

const struct dse_corruption_def *dse_corruption_find(const char *name) {
    for (int i = 0; i < N_CORRUPTIONS; i++) {
        const struct dse_corruption_def *def = &corruption_table[i];
        if (strcmp(def->name, name) == 0 ||
            (def->alias[0] != '\0' && strcmp(def->alias, name) == 0))
            return def;
    }
    return NULL;
}

const char *dse_corruption_group_name(enum dse_corruption_group group) {
    return group_names[group];
}

bool dse_corruption_is_standard(const struct dse_corruption_def *corruption) {
    return corruption->group != DSE_CORRUPTIONS_EXTRA;
}

bool dse_corruption_in_group(const struct dse_corruption_def *corruption, const char *group) {
    if (strcmp(group, "all") == 0)
        return true;
    if (strcmp(group, "standard") == 0)
        return dse_corruption_is_standard(corruption);
    return strcmp(group, group_names[corruption->group]) == 0;
}

bool dse_corruption_is_group(const char *word) {
    for (int i = 0; i < N_CORRUPTIONS; i++)
        if (dse_corruption_in_group(&corruption_table[i], word))
            return true;
    return false;
}
