/* Problems whose results are values: nothing is loaded, one shard, no cells. */
#include <math.h>
#include <string.h>

#include "evaluator/evaluator_internal.h"

struct evaluator__values {
    const struct dse_function_def *function;
    int n_values;
};

enum dse_status evaluator__values_open(const struct dse_msg_context *context,
                                       struct evaluator__values **values, struct dse_err *err) {
    const struct dse_function_def *function = dse_function_find(context->problem);
    if (function == NULL)
        DSE_FAIL(err, DSE_INVALID, "problem '%s' is not known", context->problem);
    struct evaluator__values *opened = dse_alloc(1, sizeof *opened);
    if (opened == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for problem %s", context->problem);
    opened->function = function;
    opened->n_values = (int)strlen(function->senses) + function->n_constraints;
    *values = opened;
    return DSE_OK;
}

void evaluator__values_free(struct evaluator__values *values) {
    dse_free(values);
}

static enum dse_status compute(const struct evaluator__values *it,
                               const struct dse_msg_candidate *candidate, double *values,
                               struct dse_msg_partial *partial, struct dse_err *err) {
    const struct dse_function_def *function = it->function;
    if (candidate->genes_n != function->n_genes)
        DSE_FAIL(err, DSE_PROTOCOL, "a candidate has %d genes, %s takes %d", candidate->genes_n,
                 function->name, function->n_genes);
    for (int i = 0; i < function->n_genes; i++) {
        struct dse_gene gene = function->gene(i);
        if (!(candidate->genes[i] >= gene.lower && candidate->genes[i] <= gene.upper))
            DSE_FAIL(err, DSE_PROTOCOL, "gene %d is %g, not within %g and %g", i,
                     candidate->genes[i], gene.lower, gene.upper);
    }
    function->evaluate(candidate->genes, values);
    *partial = (struct dse_msg_partial){
        .key = candidate->key,
        .values = values,
        .values_n = it->n_values,
    };
    return DSE_OK;
}

enum dse_status evaluator__values_run(struct evaluator__values *it, const struct dse_msg_task *task,
                                      struct dse_arena *arena, struct dse_msg_partials *partials,
                                      struct dse_err *err) {
    size_t n = (size_t)task->candidates_n, n_values = (size_t)it->n_values;
    struct dse_msg_partial *results = dse_arena_alloc(arena, n, sizeof *results);
    double *values = dse_arena_alloc(arena, n * n_values, sizeof *values);
    if (results == NULL || values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a task of %d candidates",
                 task->candidates_n);
    for (size_t i = 0; i < n; i++)
        DSE_TRY(compute(it, &task->candidates[i], values + i * n_values, &results[i], err));
    *partials = (struct dse_msg_partials){
        .task = task->task,
        .results = results,
        .results_n = task->candidates_n,
    };
    return DSE_OK;
}
