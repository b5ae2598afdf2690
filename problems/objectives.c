/* Objectives and constraints as the user writes them. */
#include "problems/problems_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- constraints ---- */

static const char *skip_blanks(const char *at) {
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static enum dse_status fail_malformed(const char *text, struct dse_err *err) {
    DSE_FAIL(err, DSE_INVALID,
             "constraint \"%.100s\" is not of the form \"metric >= number\" or \"metric <= "
             "number\" (or \"baseline - number\")",
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

/* Length of the metric at text: no blanks but within parentheses. */
static size_t metric_length(const char *text) {
    size_t length = 0;
    for (int depth = 0; text[length] != '\0'; length++) {
        char c = text[length];
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        bool belongs = isalnum((unsigned char)c) || strchr("_()+:", c) != NULL;
        if (!belongs && !(depth > 0 && isspace((unsigned char)c)))
            break;
    }
    return length;
}

/* A number, or "baseline" with a number added or taken away. */
static bool read_bound(const char **at, struct dse_constraint *constraint) {
    static const char baseline[] = "baseline";
    if (strncmp(*at, baseline, strlen(baseline)) != 0)
        return read_plain_number(at, &constraint->bound);
    constraint->relative = true;
    *at = skip_blanks(*at + strlen(baseline));
    if (**at == '\0')
        return true;
    double sign = **at == '-' ? -1 : 1;
    if (**at != '-' && **at != '+')
        return false;
    *at = skip_blanks(*at + 1);
    if (!isdigit((unsigned char)**at) && **at != '.')
        return false;
    bool is_read = read_plain_number(at, &constraint->bound);
    constraint->bound *= sign;
    return is_read;
}

/* The text without blanks; false when it is longer than any name. */
static bool copy_name(const char *text, size_t length, char out[DSE_METRIC_NAME_SIZE]) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (isspace((unsigned char)text[i]))
            continue;
        if (n == DSE_METRIC_NAME_SIZE - 1)
            return false;
        out[n++] = text[i];
    }
    out[n] = '\0';
    return true;
}

enum dse_status problems__parse_constraint(const char *text, struct dse_constraint *constraint,
                                           struct dse_err *err) {
    const char *name = skip_blanks(text);
    size_t length = metric_length(name);
    struct dse_constraint read = {0};
    if (length == 0 || isdigit((unsigned char)*name))
        return fail_malformed(text, err);
    const char *at = skip_blanks(name + length);
    if (strncmp(at, ">=", 2) != 0 && strncmp(at, "<=", 2) != 0)
        return fail_malformed(text, err);
    read.relation = *at == '>' ? DSE_AT_LEAST : DSE_AT_MOST;
    at = skip_blanks(at + 2);
    if (!read_bound(&at, &read) || *skip_blanks(at) != '\0')
        return fail_malformed(text, err);
    if (!copy_name(name, length, read.metric))
        DSE_FAIL(err, DSE_INVALID, "unknown metric \"%.60s...\": longer than any", name);
    *constraint = read;
    return DSE_OK;
}

/* ---- checks ---- */

static enum dse_status check_metric(const char *name, const struct dse_model_facts *model,
                                    struct dse_metric *metric, struct dse_err *err) {
    DSE_TRY(dse_metric_parse(name, strlen(name), metric, err));
    return model != NULL ? dse_metric_check(metric, model, err) : DSE_OK;
}

/* Do two objectives that can be read mean the same? */
static bool are_equal(const struct dse_problem_settings *settings, const char *a, const char *b) {
    struct dse_metric x, y;
    if (problems__has_values(settings))
        return strcmp(a, b) == 0;
    return dse_metric_parse(a, strlen(a), &x, NULL) == DSE_OK &&
           dse_metric_parse(b, strlen(b), &y, NULL) == DSE_OK && dse_metric_equal(&x, &y);
}

static enum dse_status check_objective(const struct dse_problem_settings *settings,
                                       const struct dse_model_facts *model, int i,
                                       struct dse_err *err) {
    const char *name = settings->objectives[i];
    struct dse_metric metric;
    if (i >= DSE_MAX_OBJECTIVES)
        DSE_FAIL(err, DSE_INVALID, "%d objectives; at most %d are allowed", settings->n_objectives,
                 DSE_MAX_OBJECTIVES);
    if (problems__has_values(settings))
        DSE_TRY(problems__read_value_objective(settings, name, NULL, err));
    else
        DSE_TRY(check_metric(name, model, &metric, err));
    for (int k = 0; k < i; k++) {
        const char *earlier = settings->objectives[k];
        bool is_literal = strcmp(name, earlier) == 0;
        if (are_equal(settings, name, earlier))
            DSE_FAIL(err, DSE_INVALID, "objective \"%s\" stands twice in the list%s%s", name,
                     is_literal ? "" : ", before as ", is_literal ? "" : earlier);
    }
    return DSE_OK;
}

static enum dse_status check_constraint(const struct dse_problem_settings *settings,
                                        const struct dse_model_facts *model, int i,
                                        struct dse_err *err) {
    struct dse_constraint constraint;
    struct dse_metric metric;
    if (i >= DSE_MAX_CONSTRAINTS)
        DSE_FAIL(err, DSE_INVALID, "%d constraints; at most %d are allowed",
                 settings->n_constraints, DSE_MAX_CONSTRAINTS);
    DSE_TRY(problems__parse_constraint(settings->constraints[i], &constraint, err));
    bool has_values = problems__has_values(settings);
    if (constraint.relative && (has_values || (model != NULL && !model->has_baseline)))
        DSE_FAIL(err, DSE_INVALID, "constraint \"%.100s\" compares with the baseline, and %s",
                 settings->constraints[i],
                 has_values ? "this problem has none" : "exploration.baseline is false");
    if (has_values)
        return problems__check_value_name(settings, constraint.metric, err);
    return check_metric(constraint.metric, model, &metric, err);
}

/* status for entry i: notes which entry it was when it is wrong. */
static enum dse_status note_index(enum dse_status status, int i, int *index) {
    if (status != DSE_OK && index != NULL)
        *index = i;
    return status;
}

enum dse_status dse_problem_check_objectives(const struct dse_problem_settings *settings,
                                             const struct dse_model_facts *model, int *index,
                                             struct dse_err *err) {
    if (settings->n_objectives <= 0)
        return note_index(
            dse_err_set(err, DSE_INVALID, "no objectives; name at least one metric to optimise"), 0,
            index);
    for (int i = 0; i < settings->n_objectives; i++)
        DSE_TRY(note_index(check_objective(settings, model, i, err), i, index));
    return DSE_OK;
}

enum dse_status dse_problem_check_constraints(const struct dse_problem_settings *settings,
                                              const struct dse_model_facts *model, int *index,
                                              struct dse_err *err) {
    for (int i = 0; i < settings->n_constraints; i++)
        DSE_TRY(note_index(check_constraint(settings, model, i, err), i, index));
    return DSE_OK;
}

/* ---- into a space ---- */

static void copy_metrics(const struct dse_problem_settings *settings, struct dse_space *space) {
    enum dse_status status = DSE_OK;
    space->n_objectives = settings->n_objectives;
    space->n_constraints = settings->n_constraints;
    for (int i = 0; i < space->n_objectives && status == DSE_OK; i++) {
        const char *name = settings->objectives[i];
        struct dse_metric metric;
        status = dse_metric_parse(name, strlen(name), &metric, NULL);
        if (status != DSE_OK)
            break;
        memcpy(space->objectives[i].metric, metric.name, sizeof metric.name);
        space->objectives[i].sense = metric.sense;
    }
    for (int i = 0; i < space->n_constraints && status == DSE_OK; i++)
        status = problems__parse_constraint(settings->constraints[i], &space->constraints[i], NULL);
    dse_assert(status == DSE_OK); /* checked before */
}

static struct dse_constraint accuracy_drop_of(const struct dse_problem_settings *settings,
                                              const struct dse_model_facts *model) {
    bool has_clean = false;
    for (int i = 0; i < model->n_cells; i++)
        has_clean = has_clean || model->cells[i].corruption == NULL;
    struct dse_constraint constraint = {
        .relation = DSE_AT_LEAST, .bound = -settings->accuracy_drop, .relative = true};
    (void)snprintf(constraint.metric, sizeof constraint.metric, "%s",
                   has_clean ? "accuracy(clean)" : "accuracy(corrupted)");
    return constraint;
}

static enum dse_status check_accuracy_drop(const struct dse_problem_settings *settings,
                                           const struct dse_model_facts *model,
                                           struct dse_err *err) {
    if (!model->has_baseline)
        DSE_FAIL(err, DSE_INVALID,
                 "problem.allowable_accuracy_drop compares with the baseline, and "
                 "exploration.baseline is false");
    if (settings->n_constraints >= DSE_MAX_CONSTRAINTS)
        DSE_FAIL(err, DSE_INVALID,
                 "%d constraints and problem.allowable_accuracy_drop; at most %d are allowed",
                 settings->n_constraints, DSE_MAX_CONSTRAINTS);
    return DSE_OK;
}

enum dse_status problems__fill_metrics(const struct dse_problem_settings *settings,
                                       const struct dse_model_facts *model, struct dse_space *space,
                                       struct dse_err *err) {
    DSE_TRY(dse_problem_check_objectives(settings, model, NULL, err));
    DSE_TRY(dse_problem_check_constraints(settings, model, NULL, err));
    if (settings->has_accuracy_drop)
        DSE_TRY(check_accuracy_drop(settings, model, err));
    copy_metrics(settings, space);
    if (settings->has_accuracy_drop)
        space->constraints[space->n_constraints++] = accuracy_drop_of(settings, model);
    return DSE_OK;
}
