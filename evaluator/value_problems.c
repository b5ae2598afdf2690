/* Problems whose results are values: nothing is loaded, one shard, no cells. Formulas are computed
 * here; a program of the user's is asked. */
#include <math.h>
#include <string.h>

#include "evaluator/evaluator_internal.h"
#include "evaluator/program/program.h"

/* A gene as the program is told of it. */
struct told_gene {
    struct dse_gene gene;
    const char *labels; /* of a category, in texts; else NULL */
};

struct evaluator__values {
    struct dse_evaluator *evaluator;
    /* one of the two */
    const struct dse_function_def *function;
    struct dse_program *program;

    int n_values; /* of a function */
    struct told_gene *genes;
    char **texts; /* [n_genes], what labels point into */
    int n_genes;
    int64_t seed;
};

/* ---- opening ---- */

static enum dse_status open_function(struct evaluator__values *it, const char *name,
                                     struct dse_err *err) {
    it->function = dse_function_find(name);
    if (it->function == NULL)
        DSE_FAIL(err, DSE_INVALID, "problem '%s' is not known", name);
    it->n_values = (int)strlen(it->function->senses) + it->function->n_constraints;
    it->n_genes = it->function->n_genes;
    it->genes = dse_alloc((size_t)it->n_genes, sizeof *it->genes);
    if (it->genes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for problem %s", name);
    for (int i = 0; i < it->n_genes; i++)
        it->genes[i].gene = it->function->gene(i);
    return DSE_OK;
}

static void keep_alive(void *context) {
    evaluator__report(context, "waiting for the program", 0, 1);
}

static enum dse_status check_files(const struct dse_msg_external *external, struct dse_err *err) {
    for (int i = 0; i < external->files_n; i++)
        DSE_TRY(evaluator__check_file(&external->files[i], err));
    return DSE_OK;
}

static enum dse_status open_program(struct evaluator__values *it,
                                    const struct dse_msg_external *external, struct dse_err *err) {
    const struct dse_program_options options = {
        .command = external->command,
        .n_command = external->command_n,
        .directory = external->directory,
        .kept_running = external->kept_running,
        .timeout_s = external->timeout_s,
        .waiting = keep_alive,
        .context = it->evaluator,
    };
    size_t n = (size_t)external->genes_n;
    if (external->command_n < 1 || n < 1)
        DSE_FAIL(err, DSE_PROTOCOL, "a program without command or genes");
    DSE_TRY(check_files(external, err));
    it->seed = external->seed;
    it->genes = dse_alloc(n, sizeof *it->genes);
    it->texts = dse_alloc(n, sizeof *it->texts);
    if (it->genes == NULL || it->texts == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu genes", n);
    for (size_t i = 0; i < n; i++) {
        it->texts[i] = dse_strdup(external->genes[i]);
        if (it->texts[i] == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu genes", n);
        it->n_genes++;
        DSE_TRY(dse_gene_parse(it->texts[i], &it->genes[i].gene, &it->genes[i].labels, err));
    }
    return dse_program_new(&options, &it->program, err);
}

enum dse_status evaluator__values_open(struct dse_evaluator *evaluator,
                                       const struct dse_msg_context *context,
                                       struct evaluator__values **values, struct dse_err *err) {
    struct evaluator__values *it = dse_alloc(1, sizeof *it);
    if (it == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for problem %s", context->problem);
    it->evaluator = evaluator;
    enum dse_status status = context->external != NULL ? open_program(it, context->external, err)
                                                       : open_function(it, context->problem, err);
    if (status == DSE_OK)
        *values = it;
    else
        evaluator__values_free(it);
    return status;
}

void evaluator__values_free(struct evaluator__values *values) {
    if (values == NULL)
        return;
    dse_program_free(values->program);
    for (int i = 0; values->texts != NULL && i < values->n_genes; i++)
        dse_free(values->texts[i]);
    dse_free(values->texts);
    dse_free(values->genes);
    dse_free(values);
}

/* ---- a candidate ---- */

static enum dse_status check_genes(const struct evaluator__values *it,
                                   const struct dse_msg_candidate *candidate, struct dse_err *err) {
    if (candidate->genes_n != it->n_genes)
        DSE_FAIL(err, DSE_PROTOCOL, "a candidate has %d genes, the problem %d", candidate->genes_n,
                 it->n_genes);
    struct dse_gene gene;
    for (int i = 0; i < it->n_genes; i++) {
        gene = it->genes[i].gene;
        double x = candidate->genes[i];
        if (!(x >= gene.lower && x <= gene.upper) || (gene.type != DSE_GENE_FLOAT && x != trunc(x)))
            DSE_FAIL(err, DSE_PROTOCOL, "gene %d is %g, which it cannot be", i, x);
    }
    return DSE_OK;
}

/* {"seed": 1, "genes": {"units": 12, "act": "relu"}} and the end of the line. Names and labels need
 * no escapes: dse_value_name_is_good. */
static void write_question(const struct evaluator__values *it, const double *genes,
                           struct dse_buf *out) {
    char text[DSE_METRIC_NAME_SIZE];
    dse_buf_printf(out, "{\"seed\": %lld, \"genes\": {", (long long)it->seed);
    for (int i = 0; i < it->n_genes; i++) {
        const struct told_gene *told = &it->genes[i];
        dse_buf_printf(out, "%s\"%s\": ", i == 0 ? "" : ", ", told->gene.name);
        if (told->labels != NULL)
            dse_buf_printf(out, "\"%s\"",
                           dse_gene_label(told->labels, (int)genes[i], text, sizeof text));
        else
            dse_buf_puts(out, (dse_number_print(genes[i], text), text));
    }
    dse_buf_puts(out, "}}\n");
}

/* Named values as the arrays of a partial. */
static enum dse_status fill_partial(const struct dse_named_values *values, struct dse_arena *arena,
                                    struct dse_msg_partial *partial, struct dse_err *err) {
    size_t n = (size_t)values->n;
    double *numbers = dse_arena_alloc(arena, n, sizeof *numbers);
    const char **names = dse_arena_alloc(arena, n, sizeof *names);
    if (numbers == NULL || names == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d values", values->n);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = values->items[i].value;
        names[i] = values->items[i].name;
    }
    partial->values = numbers;
    partial->names = names;
    partial->values_n = partial->names_n = values->n;
    return DSE_OK;
}

static enum dse_status read_answer(const struct dse_buf *answer, struct dse_arena *arena,
                                   struct dse_msg_partial *partial, struct dse_err *err) {
    struct dse_named_values values;
    enum dse_status status = dse_named_values_read(answer->data, answer->size, arena, &values, err);
    if (status != DSE_OK)
        return dse_err_prefix(err, "the program's answer");
    if (values.error != NULL)
        DSE_FAIL(err, DSE_FAILED, "%s", values.error);
    if (values.n == 0)
        DSE_FAIL(err, DSE_FAILED, "the program's answer has no numbers");
    return fill_partial(&values, arena, partial, err);
}

/* A program that fails fails this candidate only; anything else is an error of the worker. */
static enum dse_status ask_program(struct evaluator__values *it, const double *genes,
                                   struct dse_arena *arena, struct dse_msg_partial *partial,
                                   struct dse_err *err) {
    struct dse_buf question = {0}, answer = {0};
    struct dse_err why = {0};
    write_question(it, genes, &question);
    enum dse_status status = dse_buf_status(&question, &why);
    if (status == DSE_OK)
        status = dse_program_ask(it->program, &question, &answer, &why);
    if (status == DSE_OK)
        status = read_answer(&answer, arena, partial, &why);
    dse_buf_fini(&question);
    dse_buf_fini(&answer);
    if (status == DSE_OK)
        return DSE_OK;
    if (status != DSE_FAILED && status != DSE_PROTOCOL)
        DSE_FAIL(err, status, "%s", why.text);
    partial->failure = dse_arena_strdup(arena, why.text);
    if (partial->failure == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a reason");
    return DSE_OK;
}

static enum dse_status compute(struct evaluator__values *it,
                               const struct dse_msg_candidate *candidate, struct dse_arena *arena,
                               struct dse_msg_partial *partial, struct dse_err *err) {
    DSE_TRY(check_genes(it, candidate, err));
    *partial = (struct dse_msg_partial){.key = candidate->key};
    if (it->program != NULL)
        return ask_program(it, candidate->genes, arena, partial, err);
    double *values = dse_arena_alloc(arena, (size_t)it->n_values, sizeof *values);
    if (values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d values", it->n_values);
    it->function->evaluate(candidate->genes, values);
    partial->values = values;
    partial->values_n = it->n_values;
    return DSE_OK;
}

enum dse_status evaluator__values_run(struct evaluator__values *it, const struct dse_msg_task *task,
                                      struct dse_arena *arena, struct dse_msg_partials *partials,
                                      struct dse_err *err) {
    size_t n = (size_t)task->candidates_n;
    struct dse_msg_partial *results = dse_arena_alloc(arena, n, sizeof *results);
    if (results == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a task of %zu candidates", n);
    for (size_t i = 0; i < n; i++)
        DSE_TRY(compute(it, &task->candidates[i], arena, &results[i], err));
    *partials = (struct dse_msg_partials){
        .task = task->task,
        .results = results,
        .results_n = task->candidates_n,
    };
    return DSE_OK;
}
