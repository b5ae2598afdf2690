/* Metrics by name: read and checked. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "problems/problems_internal.h"

static const char *const mce_names[N_MCE] = {"mce", "mce_extra", "mce(alexnet)"};

/* ---- names ---- */

enum { NAMES_MAX = 64 };

/* All words a metric may begin with. */
static int list_names(const char **names) {
    int n = 0;
    for (int i = 0; i < problems__n_measures; i++)
        names[n++] = problems__measures[i].name;
    for (int i = 0; i < problems__n_costs; i++)
        names[n++] = problems__costs[i].name;
    for (int i = 0; i < N_MCE; i++)
        names[n++] = mce_names[i];
    return n;
}

static const char *const short_forms[] = {"_clean", "_corrupted", "_worst"};
enum { N_SHORT_FORMS = sizeof short_forms / sizeof short_forms[0] };

/* Length of the measure or cost that a word seems to be about. */
static size_t stem_length(const char *word) {
    size_t length = strcspn(word, "(");
    for (int i = 0; i < N_SHORT_FORMS; i++) {
        size_t n = strlen(short_forms[i]);
        if (length > n && strncmp(word + length - n, short_forms[i], n) == 0)
            return length - n;
    }
    return length;
}

/* What the word may have been meant as; NULL: nothing near. Short forms are put into storage. */
static const char *find_meant(const char *word, const char *const *names, int n,
                              char storage[N_SHORT_FORMS][64]) {
    char stem[65];
    size_t length = stem_length(word);
    (void)snprintf(stem, sizeof stem, "%.*s", (int)length, word);
    const char *meant = dse_word_nearest(stem, names, n);
    if (meant != NULL || word[length] == '(')
        return meant;
    for (int i = 0; i < problems__n_measures && meant == NULL; i++) {
        const char *forms[N_SHORT_FORMS];
        for (int k = 0; k < N_SHORT_FORMS; k++) {
            (void)snprintf(storage[k], 64, "%s%s", problems__measures[i].name, short_forms[k]);
            forms[k] = storage[k];
        }
        meant = dse_word_nearest(word, forms, N_SHORT_FORMS);
    }
    return meant;
}

static enum dse_status fail_unknown(const char *text, size_t length, struct dse_err *err) {
    const char *names[NAMES_MAX];
    char others[512], measures[300], word[65], storage[N_SHORT_FORMS][64];
    int n = list_names(names);
    (void)snprintf(word, sizeof word, "%.*s", (int)(length < 64 ? length : 64), text);
    const char *meant = find_meant(word, names, n, storage);
    (void)dse_words_join(names, problems__n_measures, measures, sizeof measures);
    (void)dse_words_join(names + problems__n_measures, n - problems__n_measures, others,
                         sizeof others);
    DSE_FAIL(err, DSE_INVALID,
             "unknown metric \"%s\"%s%s%s Metrics: %s, each of a scope as in accuracy(clean) or "
             "accuracy(fog:3); %s",
             word, meant != NULL ? ", did you mean \"" : "", meant != NULL ? meant : "",
             meant != NULL ? "\"?" : ".", measures, others);
}

/* The measure that text begins with, followed by a scope or a short form; NULL: none. */
static const struct problems__measure *find_measure(const char *text, size_t length,
                                                    size_t *name_length) {
    for (int i = 0; i < problems__n_measures; i++) {
        const char *name = problems__measures[i].name;
        size_t n = strlen(name);
        if (length < n || strncmp(text, name, n) != 0)
            continue;
        *name_length = n;
        if (length == n || text[n] == '(')
            return &problems__measures[i];
        for (int k = 0; k < N_SHORT_FORMS; k++)
            if (strlen(short_forms[k]) == length - n &&
                strncmp(text + n, short_forms[k], length - n) == 0)
                return &problems__measures[i];
    }
    return NULL;
}

static enum dse_status read_measure(const char *text, size_t length, struct dse_metric *metric,
                                    bool *found, struct dse_err *err) {
    size_t n = 0;
    const struct problems__measure *measure = find_measure(text, length, &n);
    *found = measure != NULL;
    if (measure == NULL)
        return DSE_OK;
    metric->kind = KIND_MEASURE;
    metric->which = (int)(measure - problems__measures);
    metric->sense = measure->sense;
    metric->unit = measure->unit;
    if (length == n)
        DSE_FAIL(err, DSE_INVALID, "\"%s\" needs a scope, as in %s(clean) or %s(corrupted)",
                 measure->name, measure->name, measure->name);
    if (text[n] == '_')
        return problems__scope_parse(text + n + 1, length - n - 1, metric, err);
    if (text[length - 1] != ')')
        DSE_FAIL(err, DSE_INVALID, "\"%.*s\" does not end with )", (int)(length < 64 ? length : 64),
                 text);
    if (problems__scope_parse(text + n + 1, length - n - 2, metric, err) != DSE_OK)
        return dse_err_prefix(err, "%.*s", (int)(length < 64 ? length : 64), text);
    return DSE_OK;
}

static bool read_other(const char *name, struct dse_metric *metric) {
    for (int i = 0; i < problems__n_costs; i++)
        if (strcmp(problems__costs[i].name, name) == 0) {
            metric->kind = KIND_COST;
            metric->which = i;
            metric->sense = problems__costs[i].sense;
            metric->unit = problems__costs[i].unit;
            return true;
        }
    for (int i = 0; i < N_MCE; i++)
        if (strcmp(mce_names[i], name) == 0) {
            metric->kind = KIND_MCE;
            metric->which = i;
            metric->sense = DSE_MINIMIZE;
            metric->unit = "ratio";
            return true;
        }
    return false;
}

enum dse_status dse_metric_parse(const char *text, size_t length, struct dse_metric *metric,
                                 struct dse_err *err) {
    struct dse_metric read = {0};
    size_t n = 0;
    bool found = true;
    for (size_t i = 0; i < length; i++) {
        if (isspace((unsigned char)text[i]))
            continue;
        if (n == sizeof read.name - 1)
            DSE_FAIL(err, DSE_INVALID, "unknown metric \"%.60s...\": longer than any", text);
        read.name[n++] = text[i];
    }
    if (!read_other(read.name, &read)) {
        DSE_TRY(read_measure(read.name, n, &read, &found, err));
        if (!found)
            return fail_unknown(read.name, n, err);
    }
    *metric = read;
    return DSE_OK;
}

bool dse_metric_equal(const struct dse_metric *a, const struct dse_metric *b) {
    if (a->kind != b->kind || a->which != b->which || a->n_terms != b->n_terms)
        return false;
    for (int i = 0; i < a->n_terms; i++)
        if (a->terms[i].kind != b->terms[i].kind || a->terms[i].which != b->terms[i].which ||
            a->terms[i].severity != b->terms[i].severity)
            return false;
    return true;
}

/* ---- what must be there ---- */

bool problems__is_of_mce(const struct dse_metric *metric, const struct dse_cell_facts *cell) {
    return cell->corruption != NULL &&
           dse_corruption_is_standard(cell->corruption) == (metric->which != MCE_EXTRA);
}

static enum dse_status check_mce(const struct dse_metric *metric,
                                 const struct dse_model_facts *model, struct dse_err *err) {
    unsigned severities = 0;
    for (int i = 0; i < model->n_cells; i++)
        if (problems__is_of_mce(metric, &model->cells[i]))
            severities |= 1u << model->cells[i].severity;
    if (severities == 0)
        DSE_FAIL(err, DSE_INVALID, "\"%s\" needs %s corruptions, and this workload has none",
                 metric->name, metric->which == MCE_EXTRA ? "extra" : "standard");
    if (metric->which == MCE_ALEXNET && severities != 0x3e)
        DSE_FAIL(err, DSE_INVALID,
                 "\"%s\" needs severities 1 to 5, of which the published errors are means",
                 metric->name);
    if (metric->which != MCE_ALEXNET && !model->has_baseline)
        DSE_FAIL(err, DSE_INVALID, "\"%s\" needs the baseline, and exploration.baseline is false",
                 metric->name);
    return DSE_OK;
}

enum dse_status dse_metric_check(const struct dse_metric *metric,
                                 const struct dse_model_facts *model, struct dse_err *err) {
    if (metric->kind == KIND_MCE)
        return check_mce(metric, model, err);
    if (metric->kind == KIND_MEASURE) {
        const char *lacking = problems__scope_lacks(metric, model);
        if (lacking != NULL)
            DSE_FAIL(err, DSE_INVALID, "\"%s\" needs %s images, and this workload has none",
                     metric->name, lacking);
        return DSE_OK;
    }
    if (model->n_layers > 0 && model->n_exits < 2 && problems__costs[metric->which].of_exits)
        DSE_FAIL(err, DSE_INVALID, "\"%s\" needs early exits: name them in model.exits",
                 metric->name);
    return DSE_OK;
}
