/* Objectives and constraints as the user writes them. */
#include "problems/problems_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum dse_status fail_unknown_metric(const char *name, struct dse_err *err) {
    enum { MOST = 32 };
    const char *names[MOST];
    char joined[512];
    int n;
    const struct dse_metric_def *table = dse_metric_table(&n);
    dse_assert(n <= MOST);
    for (int i = 0; i < n; i++)
        names[i] = table[i].name;
    (void)dse_words_join(names, n, joined, sizeof joined);
    const char *meant = dse_word_nearest(name, names, n);
    if (meant != NULL)
        DSE_FAIL(err, DSE_INVALID, "unknown metric \"%.60s\", did you mean \"%s\"? Metrics: %s",
                 name, meant, joined);
    DSE_FAIL(err, DSE_INVALID, "unknown metric \"%.60s\". Metrics: %s", name, joined);
}

/* ---- constraints ---- */

static const char *skip_blanks(const char *at) {
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static enum dse_status fail_malformed(const char *text, struct dse_err *err) {
    DSE_FAIL(err, DSE_INVALID,
             "constraint \"%.100s\" is not of the form \"metric >= number\" or "
             "\"metric <= number\"",
             text);
}

/* strtod takes more than a person would call a number: "nan", "0x1p3". */
static bool read_plain_number(const char **at, double *x) {
    size_t length = strspn(*at, "0123456789+-.eE");
    char *end;
    *x = strtod(*at, &end);
    bool plain = length > 0 && end == *at + length && isfinite(*x);
    *at = end;
    return plain;
}

enum dse_status problems__parse_constraint(const char *text, struct dse_constraint *constraint,
                                           struct dse_err *err) {
    const char *at = skip_blanks(text);
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_')
        length++;
    struct dse_constraint read = {0};
    if (length == 0)
        return fail_malformed(text, err);
    if (length >= sizeof read.metric) /* longer than every name; fail_unknown_metric cuts it */
        return fail_unknown_metric(at, err);
    memcpy(read.metric, at, length);
    at = skip_blanks(at + length);
    if (strncmp(at, ">=", 2) != 0 && strncmp(at, "<=", 2) != 0)
        return fail_malformed(text, err);
    read.relation = *at == '>' ? DSE_AT_LEAST : DSE_AT_MOST;
    at = skip_blanks(at + 2);
    if (!read_plain_number(&at, &read.bound) || *skip_blanks(at) != '\0')
        return fail_malformed(text, err);
    *constraint = read;
    return DSE_OK;
}

/* ---- checks without a model ---- */

static enum dse_status check_objective(const struct dse_problem_settings *settings, int i,
                                       struct dse_err *err) {
    const char *name = settings->objectives[i];
    if (i >= DSE_MAX_OBJECTIVES)
        DSE_FAIL(err, DSE_INVALID, "%d objectives; at most %d are allowed", settings->n_objectives,
                 DSE_MAX_OBJECTIVES);
    if (problems__has_values(settings))
        DSE_TRY(problems__read_value_objective(settings, name, NULL, err));
    else if (dse_metric_find(name) == NULL)
        return fail_unknown_metric(name, err);
    for (int k = 0; k < i; k++)
        if (strcmp(settings->objectives[k], name) == 0)
            DSE_FAIL(err, DSE_INVALID, "objective \"%s\" stands twice in the list", name);
    return DSE_OK;
}

static enum dse_status check_constraint(const struct dse_problem_settings *settings, int i,
                                        struct dse_err *err) {
    struct dse_constraint constraint;
    if (i >= DSE_MAX_CONSTRAINTS)
        DSE_FAIL(err, DSE_INVALID, "%d constraints; at most %d are allowed",
                 settings->n_constraints, DSE_MAX_CONSTRAINTS);
    DSE_TRY(problems__parse_constraint(settings->constraints[i], &constraint, err));
    if (problems__has_values(settings))
        return problems__check_value_name(settings, constraint.metric, err);
    if (dse_metric_find(constraint.metric) == NULL)
        return fail_unknown_metric(constraint.metric, err);
    return DSE_OK;
}

/* status for entry i: notes which entry it was when it is wrong. */
static enum dse_status note_index(enum dse_status status, int i, int *index) {
    if (status != DSE_OK && index != NULL)
        *index = i;
    return status;
}

enum dse_status dse_problem_check_objectives(const struct dse_problem_settings *settings,
                                             int *index, struct dse_err *err) {
    if (settings->n_objectives <= 0)
        return note_index(
            dse_err_set(err, DSE_INVALID, "no objectives; name at least one metric to optimise"), 0,
            index);
    for (int i = 0; i < settings->n_objectives; i++)
        DSE_TRY(note_index(check_objective(settings, i, err), i, index));
    return DSE_OK;
}

enum dse_status dse_problem_check_constraints(const struct dse_problem_settings *settings,
                                              int *index, struct dse_err *err) {
    for (int i = 0; i < settings->n_constraints; i++)
        DSE_TRY(note_index(check_constraint(settings, i, err), i, index));
    return DSE_OK;
}

/* ---- with a model ---- */

/* An evaluation of the float32 baseline that saw one image a cell, correctly and in doubt about
 * nothing: a metric that has no value even for it will never have one. */
struct perfect_result {
    struct dse_candidate candidate;
    int64_t *tallies;
    struct dse_outcome outcome;
};

static enum dse_status perfect_result_init(struct perfect_result *perfect,
                                           const struct dse_model_facts *model,
                                           struct dse_err *err) {
    dse_assert(model->n_cells >= 0);
    int size = dse_exit_tally_size(model->n_exits);
    int64_t *tallies = dse_alloc((size_t)model->n_cells * (size_t)size, sizeof *tallies);
    if (tallies == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d cells", model->n_cells);
    for (int i = 0; i < model->n_cells; i++)
        tallies[i * size + DSE_TALLY_SEEN] = tallies[i * size + DSE_TALLY_CORRECT] = 1;
    enum dse_status status = dse_candidate_init(&perfect->candidate, model->n_layers, 0, err);
    if (status != DSE_OK) {
        dse_free(tallies);
        return status;
    }
    perfect->tallies = tallies;
    perfect->outcome =
        (struct dse_outcome){.tallies = tallies, .n_cells = model->n_cells, .tally_size = size};
    return DSE_OK;
}

static void perfect_result_fini(struct perfect_result *perfect) {
    dse_candidate_fini(&perfect->candidate);
    dse_free(perfect->tallies);
}

static enum dse_status check_defined(const char *what, const char *name,
                                     const struct dse_model_facts *model,
                                     const struct perfect_result *perfect, struct dse_err *err) {
    const struct dse_metric_def *metric = dse_metric_find(name);
    if (!isfinite(metric->value(model, &perfect->candidate, &perfect->outcome)))
        DSE_FAIL(err, DSE_INVALID, "%s \"%s\" needs %s, and this workload has none", what, name,
                 metric->needs);
    return DSE_OK;
}

static enum dse_status check_all_defined(const struct dse_space *space,
                                         const struct dse_model_facts *model,
                                         const struct perfect_result *perfect,
                                         struct dse_err *err) {
    for (int i = 0; i < space->n_objectives; i++)
        DSE_TRY(check_defined("objective", space->objectives[i].metric, model, perfect, err));
    for (int i = 0; i < space->n_constraints; i++)
        DSE_TRY(check_defined("constraint on", space->constraints[i].metric, model, perfect, err));
    return DSE_OK;
}

static void copy_metrics(const struct dse_problem_settings *settings, struct dse_space *space) {
    space->n_objectives = settings->n_objectives;
    space->n_constraints = settings->n_constraints;
    for (int i = 0; i < space->n_objectives; i++) {
        const struct dse_metric_def *metric = dse_metric_find(settings->objectives[i]);
        (void)snprintf(space->objectives[i].metric, DSE_METRIC_NAME_SIZE, "%s", metric->name);
        space->objectives[i].sense = metric->sense;
    }
    for (int i = 0; i < space->n_constraints; i++) {
        enum dse_status status =
            problems__parse_constraint(settings->constraints[i], &space->constraints[i], NULL);
        dse_assert(status == DSE_OK); /* checked before */
    }
}

enum dse_status problems__fill_metrics(const struct dse_problem_settings *settings,
                                       const struct dse_model_facts *model, struct dse_space *space,
                                       struct dse_err *err) {
    DSE_TRY(dse_problem_check_objectives(settings, NULL, err));
    DSE_TRY(dse_problem_check_constraints(settings, NULL, err));
    struct perfect_result perfect;
    DSE_TRY(perfect_result_init(&perfect, model, err));
    struct dse_space filled = *space;
    copy_metrics(settings, &filled);
    enum dse_status status = check_all_defined(&filled, model, &perfect, err);
    perfect_result_fini(&perfect);
    if (status == DSE_OK)
        *space = filled;
    return status;
}
