/* Parts that problems are put together from: genes for bits, for dropout, for thresholds. A part
 * knows how many genes it has; a problem is a list of parts in order, thresholds last. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "problems/problems_internal.h"

/* ---- dropout ---- */

static enum dse_status check_dropout(const struct dse_problem_settings *settings,
                                     struct dse_err *err) {
    if (!(settings->dropout_max >= 0 && settings->dropout_max <= 0.5))
        DSE_FAIL(err, DSE_INVALID, "problem.dropout_max is %g; allowed are 0 to 0.5",
                 settings->dropout_max);
    if (settings->passes_min < 1 || settings->passes_max > DSE_PASSES_MOST ||
        settings->passes_min > settings->passes_max)
        DSE_FAIL(err, DSE_INVALID,
                 "problem.passes_min is %d and problem.passes_max %d; allowed are 1 to %d, the "
                 "least first",
                 settings->passes_min, settings->passes_max, DSE_PASSES_MOST);
    return DSE_OK;
}

enum { DROPOUT_GENES = 3 };

/* Layers with a Dropout of the model. */
static enum dse_status find_sites(const struct dse_model_facts *model, struct dse_space *space,
                                  struct dse_err *err) {
    space->sites = dse_alloc((size_t)model->n_layers, sizeof *space->sites);
    if (space->sites == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d layers", model->n_layers);
    for (int i = 0; i < model->n_layers; i++)
        if (model->layers[i].drops)
            space->sites[space->n_sites++] = i;
    if (space->n_sites == 0)
        DSE_FAIL(err, DSE_INVALID,
                 "problem.dropout_sites is model, but no Dropout of the model stands on the input "
                 "of a layer; pareto-model mcdo puts some in");
    return DSE_OK;
}

static enum dse_status add_dropout_genes(const struct dse_problem_settings *settings,
                                         const struct dse_model_facts *model,
                                         struct dse_space *space, struct dse_err *err) {
    if (settings->dropout_of_model)
        DSE_TRY(find_sites(model, space, err));
    int n_sites = settings->dropout_of_model ? space->n_sites : model->n_layers;
    strcpy(problems__next_gene(space, DSE_GENE_FLOAT, 0, settings->dropout_max)->name,
           "dropout.rate");
    strcpy(problems__next_gene(space, DSE_GENE_INT, 0, n_sites - 1)->name,
           settings->dropout_of_model ? "dropout.first_site" : "dropout.first_layer");
    strcpy(
        problems__next_gene(space, DSE_GENE_INT, settings->passes_min, settings->passes_max)->name,
        "dropout.passes");
    return DSE_OK;
}

static double steps_of(double rate) {
    return floor(rate * DSE_DROPOUT_UNITS + 0.5);
}

/* The rate becomes what its step is; without dropout there is nothing to choose. */
static void repair_dropout(const struct dse_space *space, double *genes, int first) {
    genes[0] = steps_of(genes[0]) / DSE_DROPOUT_UNITS;
    if (genes[0] > space->genes[first].upper)
        genes[0] -= 1.0 / DSE_DROPOUT_UNITS;
    if (genes[0] > 0)
        return;
    genes[0] = 0;
    genes[1] = space->genes[first + 1].lower;
    genes[2] = space->genes[first + 2].lower;
}

static void decode_dropout(const struct dse_space *space, const double *genes,
                           struct dse_candidate *candidate) {
    int n_sites = space->sites != NULL ? space->n_sites : candidate->n_layers;
    for (int i = 0; candidate->dropout != NULL && i < candidate->n_layers; i++)
        candidate->dropout[i] = 0;
    for (int i = (int)genes[1]; candidate->dropout != NULL && i < n_sites; i++)
        candidate->dropout[space->sites != NULL ? space->sites[i] : i] = (int)steps_of(genes[0]);
    candidate->passes = (int)genes[2];
}

/* ---- thresholds ---- */

static enum dse_status check_exits(const struct dse_problem_settings *settings,
                                   const struct dse_model_facts *model, struct dse_err *err) {
    (void)settings;
    if (model->n_exits < 2)
        DSE_FAIL(err, DSE_INVALID,
                 "the problem chooses thresholds of early exits; name them in model.exits");
    dse_assert(model->n_exits <= DSE_EXITS_MOST);
    return DSE_OK;
}

static int count_thresholds(const struct dse_problem_settings *settings,
                            const struct dse_model_facts *model) {
    return settings->exits_shared ? 1 : model->n_exits - 1;
}

/* No entropy is above ln(classes). */
static void add_threshold_genes(const struct dse_problem_settings *settings,
                                const struct dse_model_facts *model, struct dse_space *space) {
    double most = dse_math_log(model->classes > 1 ? model->classes : 2);
    int n = count_thresholds(settings, model);
    for (int k = 0; k < n; k++) {
        struct dse_gene *gene = problems__next_gene(space, DSE_GENE_FLOAT, 0, most);
        (void)strcpy(gene->name, "exit0.threshold");
        gene->name[sizeof "exit" - 1] = (char)('0' + k);
    }
    space->n_free += n;
}

static void decode_thresholds(const struct dse_space *space, const double *genes,
                              struct dse_candidate *candidate) {
    candidate->n_thresholds = space->n_thresholds;
    candidate->exit_batch = space->exit_batch;
    for (int k = 0; k < space->n_thresholds; k++)
        candidate->thresholds[k] = genes[space->n_free == 1 ? 0 : k];
}

/* ---- problems ---- */

enum dse_status problems__build(unsigned parts, const struct dse_problem_settings *settings,
                                const struct dse_model_facts *model, struct dse_space *space,
                                struct dse_err *err) {
    dse_assert(model->n_layers <= INT_MAX / 4);
    struct dse_space built = {0};
    if (parts & PROBLEMS__BITS)
        DSE_TRY(problems__check_bits(settings, err));
    if (parts & PROBLEMS__DROPOUT)
        DSE_TRY(check_dropout(settings, err));
    if (parts & PROBLEMS__THRESHOLDS)
        DSE_TRY(check_exits(settings, model, err));
    if (model->n_layers <= 0)
        DSE_FAIL(err, DSE_INVALID,
                 "the model has no convolution or dense layer, so there is nothing to %s",
                 parts & PROBLEMS__BITS ? "quantise" : "drop or to leave out");
    DSE_TRY(problems__fill_metrics(settings, model, &built, err));
    size_t most = 2 * (size_t)model->n_layers + DROPOUT_GENES + DSE_EXITS_MOST;
    built.genes = dse_alloc(most, sizeof *built.genes);
    if (built.genes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu genes", most);
    built.bits = settings->bits;
    enum dse_status status = DSE_OK;
    if (parts & PROBLEMS__BITS)
        status = problems__add_bits(settings, model, &built, err);
    if (status == DSE_OK && (parts & PROBLEMS__DROPOUT))
        status = add_dropout_genes(settings, model, &built, err);
    if (status != DSE_OK) {
        dse_space_fini(&built);
        return status;
    }
    if (parts & PROBLEMS__THRESHOLDS) {
        add_threshold_genes(settings, model, &built);
        built.n_thresholds = model->n_exits - 1;
        built.exit_batch = settings->exit_batch;
    }
    if (built.n_genes == 0) {
        dse_space_fini(&built);
        DSE_FAIL(err, DSE_INVALID, "nothing varies: every layer is fixed (problem.fixed)");
    }
    *space = built;
    return DSE_OK;
}

void problems__repair_parts(unsigned parts, const struct dse_space *space, double *genome) {
    int first = space->n_genes - space->n_free - DROPOUT_GENES;
    dse_genome_repair(space, genome);
    if (parts & PROBLEMS__DROPOUT)
        repair_dropout(space, genome + first, first);
}

void problems__decode_parts(unsigned parts, const struct dse_space *space, const double *genome,
                            struct dse_candidate *candidate) {
    dse_assert(dse_genome_fits(space, genome));
    const double *thresholds = genome + (space->n_genes - space->n_free);
    for (int i = 0; i < candidate->n_layers; i++) {
        candidate->input_bits[i] = problems__bits_of(space, genome, 2 * i);
        candidate->weight_bits[i] = problems__bits_of(space, genome, 2 * i + 1);
    }
    if (parts & PROBLEMS__DROPOUT)
        decode_dropout(space, thresholds - DROPOUT_GENES, candidate);
    if (parts & PROBLEMS__THRESHOLDS)
        decode_thresholds(space, thresholds, candidate);
}
