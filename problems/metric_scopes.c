/* Over which cells a measure is taken: "clean", "noise+fog:3", "worst". */
#include <stdio.h>
#include <string.h>

#include "problems/problems_internal.h"

enum kind {
    SCOPE_WORD_CLEAN,
    SCOPE_WORD_CORRUPTED,
    SCOPE_WORD_STANDARD,
    SCOPE_WORD_EXTRA,
    SCOPE_WORD_ALL,
    SCOPE_WORD_NOISE,
    SCOPE_WORD_BLUR,
    SCOPE_WORD_WEATHER,
    SCOPE_WORD_DIGITAL,
    SCOPE_WORD_WORST,
    SCOPE_WORD_WORST_GROUP,
    N_WORDS,
    SCOPE_CORRUPTION = N_WORDS, /* which; severity 0: all */
    SCOPE_SEVERITY,             /* of what corrupted is */
};

static const char *const words[N_WORDS] = {"clean",   "corrupted", "standard",   "extra",
                                           "all",     "noise",     "blur",       "weather",
                                           "digital", "worst",     "worst_group"};

const char *problems__scope_words(char *out, size_t size) {
    char corruptions[400];
    const char *names[32];
    int n;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    dse_assert(n <= 32);
    for (int i = 0; i < n; i++)
        names[i] = table[i].name;
    (void)dse_words_join(names, n, corruptions, sizeof corruptions);
    char plain[160];
    (void)snprintf(out, size, "%s, severity:1 to severity:%d, %s (one severity: %s:3), sums with +",
                   dse_words_join(words, N_WORDS, plain, sizeof plain), DSE_SEVERITIES, corruptions,
                   table[0].name);
    return out;
}

static enum dse_status fail_unknown(const char *text, size_t length, struct dse_err *err) {
    char all[700], word[65];
    const char *known[N_WORDS + 40];
    int n = 0, n_corruptions;
    const struct dse_corruption_def *table = dse_corruption_table(&n_corruptions);
    for (int i = 0; i < N_WORDS; i++)
        known[n++] = words[i];
    for (int i = 0; i < n_corruptions; i++)
        known[n++] = table[i].name;
    (void)snprintf(word, sizeof word, "%.*s", (int)(length < 64 ? length : 64), text);
    const char *meant = dse_word_nearest(word, known, n);
    DSE_FAIL(err, DSE_INVALID, "unknown scope \"%s\"%s%s%s Scopes: %s", word,
             meant != NULL ? ", did you mean \"" : "", meant != NULL ? meant : "",
             meant != NULL ? "\"?" : ".", problems__scope_words(all, sizeof all));
}

static bool is_word(const char *text, size_t length, const char *word) {
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool read_term(const char *text, size_t length, struct dse_scope_term *term) {
    char name[40];
    const char *colon = memchr(text, ':', length);
    size_t name_length = colon != NULL ? (size_t)(colon - text) : length;
    int severity = 0;
    if (colon != NULL) { /* one digit, 1 to 5 */
        severity = length == name_length + 2 ? colon[1] - '0' : 0;
        if (severity < 1 || severity > DSE_SEVERITIES)
            return false;
    }
    for (int i = 0; colon == NULL && i < N_WORDS; i++)
        if (is_word(text, length, words[i])) {
            *term = (struct dse_scope_term){.kind = i};
            return true;
        }
    if (colon != NULL && is_word(text, name_length, "severity")) {
        *term = (struct dse_scope_term){.kind = SCOPE_SEVERITY, .severity = severity};
        return true;
    }
    if (name_length == 0 || name_length >= sizeof name)
        return false;
    memcpy(name, text, name_length);
    name[name_length] = '\0';
    const struct dse_corruption_def *corruption = dse_corruption_find(name);
    if (corruption == NULL)
        return false;
    *term = (struct dse_scope_term){
        .kind = SCOPE_CORRUPTION, .which = (int)corruption->corruption, .severity = severity};
    return true;
}

static bool is_fold(const struct dse_scope_term *term) {
    return term->kind == SCOPE_WORD_WORST || term->kind == SCOPE_WORD_WORST_GROUP;
}

enum dse_status problems__scope_parse(const char *text, size_t length, struct dse_metric *metric,
                                      struct dse_err *err) {
    const char *end = text + length;
    metric->n_terms = 0;
    for (const char *at = text;; at++) {
        const char *plus = memchr(at, '+', (size_t)(end - at));
        size_t term_length = (size_t)((plus != NULL ? plus : end) - at);
        if (metric->n_terms == DSE_SCOPE_TERMS_MAX)
            DSE_FAIL(err, DSE_INVALID, "a scope of more than %d parts", (int)DSE_SCOPE_TERMS_MAX);
        if (!read_term(at, term_length, &metric->terms[metric->n_terms]))
            return fail_unknown(at, term_length, err);
        metric->n_terms++;
        at += term_length;
        if (plus == NULL)
            break;
    }
    for (int i = 0; metric->n_terms > 1 && i < metric->n_terms; i++)
        if (is_fold(&metric->terms[i]))
            DSE_FAIL(err, DSE_INVALID, "scope \"%s\" stands alone; it cannot be summed with others",
                     words[metric->terms[i].kind]);
    return DSE_OK;
}

/* ---- cells ---- */

bool dse_cell_parse(const char *name, struct dse_cell_facts *cell) {
    struct dse_scope_term term;
    if (!read_term(name, strlen(name), &term))
        return false;
    if (term.kind == SCOPE_WORD_CLEAN)
        *cell = (struct dse_cell_facts){0};
    else if (term.kind == SCOPE_CORRUPTION && term.severity > 0)
        *cell = (struct dse_cell_facts){&dse_corruption_table(&(int){0})[term.which - 1],
                                        term.severity};
    else
        return false;
    return true;
}

bool problems__cell_in_group(const struct dse_cell_facts *cell, enum dse_corruption_group group) {
    return cell->corruption != NULL && cell->corruption->group == group;
}

static bool is_standard(const struct dse_cell_facts *cell) {
    return cell->corruption != NULL && dse_corruption_is_standard(cell->corruption);
}

bool problems__has_standard(const struct dse_model_facts *model) {
    for (int i = 0; i < model->n_cells; i++)
        if (is_standard(&model->cells[i]))
            return true;
    return false;
}

/* Standard corruptions; the extra ones where there are no others. */
static bool is_corrupted(const struct dse_cell_facts *cell, bool has_standard) {
    return has_standard ? is_standard(cell) : cell->corruption != NULL;
}

static bool term_has(const struct dse_scope_term *term, const struct dse_cell_facts *facts,
                     bool has_standard) {
    switch (term->kind) {
    case SCOPE_WORD_CLEAN:
        return facts->corruption == NULL;
    case SCOPE_WORD_WORST:
        return true;
    case SCOPE_WORD_CORRUPTED:
    case SCOPE_WORD_WORST_GROUP:
        return is_corrupted(facts, has_standard);
    case SCOPE_SEVERITY:
        return is_corrupted(facts, has_standard) && facts->severity == term->severity;
    case SCOPE_CORRUPTION:
        return facts->corruption != NULL && (int)facts->corruption->corruption == term->which &&
               (term->severity == 0 || facts->severity == term->severity);
    default: /* the words that are groups */
        return facts->corruption != NULL &&
               dse_corruption_in_group(facts->corruption, words[term->kind]);
    }
}

bool problems__scope_has(const struct dse_metric *metric, const struct dse_cell_facts *cell,
                         bool has_standard) {
    for (int i = 0; i < metric->n_terms; i++)
        if (term_has(&metric->terms[i], cell, has_standard))
            return true;
    return false;
}

enum problems__scope_fold problems__scope_fold_of(const struct dse_metric *metric) {
    int kind = metric->n_terms == 1 ? metric->terms[0].kind : N_WORDS;
    return kind == SCOPE_WORD_WORST         ? SCOPE_WORST
           : kind == SCOPE_WORD_WORST_GROUP ? SCOPE_WORST_GROUP
                                            : SCOPE_MEAN;
}

static const char *name_of_term(const struct dse_scope_term *term) {
    if (term->kind == SCOPE_CORRUPTION)
        return dse_corruption_table(&(int){0})[term->which - 1].name;
    if (term->kind == SCOPE_SEVERITY)
        return "severity";
    return term->kind == SCOPE_WORD_WORST_GROUP ? "corrupted" : words[term->kind];
}

const char *problems__scope_lacks(const struct dse_metric *metric,
                                  const struct dse_model_facts *model) {
    bool has_standard = problems__has_standard(model);
    for (int i = 0; i < metric->n_terms; i++) {
        bool any = false;
        for (int cell = 0; cell < model->n_cells; cell++)
            any = any || term_has(&metric->terms[i], &model->cells[cell], has_standard);
        if (!any)
            return name_of_term(&metric->terms[i]);
    }
    return NULL;
}
