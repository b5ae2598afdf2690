/* Corruptions and severities as text. */
#include "evaluator/model/model_cells.h"

#include <string.h>

static void add_group(struct model__cells *cells, const char *word) {
    int n;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    for (int i = 0; i < n; i++) {
        bool there = false;
        for (int k = 0; k < cells->n_corruptions; k++)
            there |= cells->corruptions[k] == &table[i];
        bool meant =
            dse_corruption_find(word) == &table[i] || dse_corruption_in_group(&table[i], word);
        if (meant && !there)
            cells->corruptions[cells->n_corruptions++] = &table[i];
    }
}

enum dse_status model__read_corruptions(struct model *m, const char *option, const char *text,
                                        struct model__cells *cells, struct dse_err *err) {
    char *copy = dse_arena_strdup(&m->arena, text), *rest = NULL;
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for names");
    for (char *word = strtok_r(copy, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (dse_corruption_find(word) == NULL && !dse_corruption_is_group(word))
            DSE_FAIL(err, DSE_USAGE,
                     "%s: '%s' is neither a corruption nor a group of them; see "
                     "pareto-workload(5)",
                     option, word);
        add_group(cells, word);
    }
    if (cells->n_corruptions == 0)
        DSE_FAIL(err, DSE_USAGE, "%s names none", option);
    return DSE_OK;
}

enum dse_status model__read_severities(const char *option, const char *text,
                                       struct model__cells *cells, struct dse_err *err) {
    if (text == NULL)
        text = "1,2,3,4,5";
    for (const char *at = text; *at != '\0'; at++) {
        if (at != text && *at++ != ',')
            DSE_FAIL(err, DSE_USAGE, "%s: '%s' is no list like 1,3,5", option, text);
        if (*at < '1' || *at > '0' + DSE_SEVERITIES)
            DSE_FAIL(err, DSE_USAGE, "%s: '%s' is no list of numbers from 1 to %d", option, text,
                     (int)DSE_SEVERITIES);
        cells->n_severities += !cells->severities[*at - '1'];
        cells->severities[*at - '1'] = true;
    }
    if (cells->n_severities == 0)
        DSE_FAIL(err, DSE_USAGE, "%s names none", option);
    return DSE_OK;
}

enum dse_status model__new_corrupter(struct model *m, int h, int w, int c,
                                     struct dse_corrupter **corrupter, struct dse_err *err) {
    const char *dir = m->options.frost_dir, *files[DSE_CORRUPT_FROST_FILES];
    for (int i = 0; dir != NULL && i < DSE_CORRUPT_FROST_FILES; i++) {
        files[i] = dse_console_printf(&m->arena, "%s/%s", dir, dse_corrupt_frost_names[i]);
        if (files[i] == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the names of files");
    }
    return dse_corrupter_new(h, w, c, dir == NULL ? NULL : files, corrupter, err);
}
