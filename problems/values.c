/* Problems that are about no network: a candidate is its genes, a result is a list of values.
 * `function`: the formulas in functions/. `external`: what a program of the user's measures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "problems/problems_internal.h"

bool problems__has_values(const struct dse_problem_settings *settings) {
    if (settings->type == NULL)
        return false;
    const struct dse_problem_def *problem = dse_problem_find(settings->type);
    return problem != NULL && !problem->about_network;
}

static const struct dse_function_def *function_of(const struct dse_problem_settings *settings) {
    return settings->type == NULL ? NULL : dse_function_find(settings->type);
}

/* ---- names of values ---- */

/* Position of "f2" or "g1" among the values of a function; -1: it has none of that name. */
static int position_in_function(const struct dse_function_def *def, const char *name) {
    int n_objectives = (int)strlen(def->senses);
    char *end;
    long number = strtol(name + (name[0] != '\0'), &end, 10);
    if (*end != '\0' || name[0] == '\0' || name[1] < '1' || name[1] > '9')
        return -1;
    if (name[0] == 'f' && number <= n_objectives)
        return (int)number - 1;
    if (name[0] == 'g' && number <= def->n_constraints)
        return n_objectives + (int)number - 1;
    return -1;
}

static enum dse_status fail_unknown_value(const struct dse_function_def *def, const char *name,
                                          struct dse_err *err) {
    int n_objectives = (int)strlen(def->senses);
    if (def->n_constraints == 0)
        DSE_FAIL(err, DSE_INVALID, "%s has no value \"%.60s\"; it has f1 to f%d", def->name, name,
                 n_objectives);
    DSE_FAIL(err, DSE_INVALID, "%s has no value \"%.60s\"; it has f1 to f%d and g1 to g%d",
             def->name, name, n_objectives, def->n_constraints);
}

enum dse_status problems__check_value_name(const struct dse_problem_settings *settings,
                                           const char *name, struct dse_err *err) {
    const struct dse_function_def *def = function_of(settings);
    if (def != NULL && position_in_function(def, name) < 0)
        return fail_unknown_value(def, name, err);
    return DSE_OK; /* what a program measures shows when it runs */
}

/* ---- objectives ---- */

static bool read_sense(const char *text, size_t length, enum dse_sense *sense) {
    static const char *const words[] = {"minimize", "minimise", "maximize", "maximise"};
    for (int i = 0; i < 4; i++)
        if (strlen(words[i]) == length && strncmp(text, words[i], length) == 0) {
            *sense = i < 2 ? DSE_MINIMIZE : DSE_MAXIMIZE;
            return true;
        }
    return false;
}

/* "minimize NAME"; of a function also "NAME", which has a sense of its own. */
enum dse_status problems__read_value_objective(const struct dse_problem_settings *settings,
                                               const char *text, struct dse_objective *objective,
                                               struct dse_err *err) {
    const struct dse_function_def *def = function_of(settings);
    struct dse_objective read = {.sense = DSE_MINIMIZE};
    size_t length = strcspn(text, " ");
    const char *name = text + length + strspn(text + length, " ");
    bool has_sense = read_sense(text, length, &read.sense);
    if (!has_sense && (def == NULL || *name != '\0'))
        DSE_FAIL(err, DSE_INVALID,
                 "objective \"%.100s\" is not of the form \"minimize NAME\" or \"maximize NAME\"",
                 text);
    if (!has_sense)
        name = text;
    if (!dse_value_name_is_good(name, strlen(name)))
        DSE_FAIL(err, DSE_INVALID, "objective \"%.100s\": \"%.60s\" is no name of a value", text,
                 name);
    DSE_TRY(problems__check_value_name(settings, name, err));
    if (!has_sense && position_in_function(def, name) < (int)strlen(def->senses))
        read.sense =
            def->senses[position_in_function(def, name)] == '+' ? DSE_MAXIMIZE : DSE_MINIMIZE;
    (void)snprintf(read.metric, sizeof read.metric, "%s", name);
    if (objective != NULL)
        *objective = read;
    return DSE_OK;
}

/* ---- spaces ---- */

/* A function's own constraints; the user's follow. */
static void add_own_constraints(const struct dse_function_def *def, struct dse_space *space) {
    for (int i = 0; i < def->n_constraints; i++) {
        struct dse_constraint *constraint = &space->constraints[space->n_constraints++];
        *constraint = (struct dse_constraint){.relation = DSE_AT_MOST};
        (void)snprintf(constraint->metric, sizeof constraint->metric, "g%d", i + 1);
    }
}

enum dse_status problems__fill_values(const struct dse_problem_settings *settings,
                                      struct dse_space *space, struct dse_err *err) {
    const struct dse_function_def *def = function_of(settings);
    struct dse_space filled = *space;
    DSE_TRY(dse_problem_check_objectives(settings, NULL, NULL, err));
    DSE_TRY(dse_problem_check_constraints(settings, NULL, NULL, err));
    filled.n_objectives = settings->n_objectives;
    filled.n_constraints = 0;
    filled.kind = def != NULL ? DSE_SPACE_OF_POSITIONS : DSE_SPACE_OF_NAMES;
    for (int i = 0; i < filled.n_objectives; i++)
        DSE_TRY(problems__read_value_objective(settings, settings->objectives[i],
                                               &filled.objectives[i], err));
    if (def != NULL)
        add_own_constraints(def, &filled);
    if (filled.n_constraints + settings->n_constraints > DSE_MAX_CONSTRAINTS)
        DSE_FAIL(err, DSE_INVALID, "%d constraints beside the %d of %s; at most %d are allowed",
                 settings->n_constraints, filled.n_constraints, settings->type,
                 DSE_MAX_CONSTRAINTS);
    for (int i = 0; i < settings->n_constraints; i++)
        DSE_TRY(problems__parse_constraint(settings->constraints[i],
                                           &filled.constraints[filled.n_constraints++], err));
    for (int i = 0; def != NULL && i < filled.n_objectives; i++)
        filled.objective_positions[i] = position_in_function(def, filled.objectives[i].metric);
    for (int i = 0; def != NULL && i < filled.n_constraints; i++)
        filled.constraint_positions[i] = position_in_function(def, filled.constraints[i].metric);
    *space = filled;
    return DSE_OK;
}

static enum dse_status add_genes(const struct dse_problem_settings *settings,
                                 struct dse_space *space, struct dse_err *err) {
    const struct dse_function_def *def = function_of(settings);
    for (int i = 0; i < space->n_genes; i++) {
        if (def == NULL) {
            DSE_TRY(dse_gene_parse(settings->genes[i], &space->genes[i], NULL, err));
            continue;
        }
        space->genes[i] = def->gene(i);
        (void)snprintf(space->genes[i].name, sizeof space->genes[i].name, "x%d", i + 1);
    }
    return DSE_OK;
}

static enum dse_status prepare(const struct dse_problem_settings *settings, int n_genes,
                               struct dse_space *space, struct dse_err *err) {
    struct dse_space built = {.n_genes = n_genes};
    DSE_TRY(problems__fill_values(settings, &built, err));
    built.genes = dse_alloc((size_t)n_genes, sizeof *built.genes);
    if (built.genes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d genes", n_genes);
    enum dse_status status = add_genes(settings, &built, err);
    if (status == DSE_OK)
        *space = built;
    else
        dse_free(built.genes);
    return status;
}

enum dse_status problems__function_prepare(const struct dse_problem_settings *settings,
                                           const struct dse_model_facts *model,
                                           struct dse_space *space, struct dse_err *err) {
    const struct dse_function_def *def = function_of(settings);
    (void)model;
    if (def == NULL)
        DSE_FAIL(err, DSE_INVALID, "problem \"function\" is not one function; name one");
    return prepare(settings, def->n_genes, space, err);
}

enum dse_status problems__external_prepare(const struct dse_problem_settings *settings,
                                           const struct dse_model_facts *model,
                                           struct dse_space *space, struct dse_err *err) {
    (void)model;
    if (settings->n_genes < 1)
        DSE_FAIL(err, DSE_INVALID, "no genes; name at least one in external.genes");
    return prepare(settings, settings->n_genes, space, err);
}

void problems__genes_decode(const struct dse_space *space, const double *genome,
                            struct dse_candidate *candidate) {
    memcpy(candidate->genes, genome, (size_t)space->n_genes * sizeof *genome);
    candidate->n_genes = space->n_genes;
}
