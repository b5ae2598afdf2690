/* Problem `quantization`: the bits of every layer's input and weights. Two integer genes a layer,
 * input bits then weight bits, layers in order of execution. */
#include "problems/problems_internal.h"

#include <limits.h>
#include <string.h>

enum { BITS_LEAST = 2, BITS_MOST = 16, GENES_PER_LAYER = 2 };

static enum dse_status check_bits(const struct dse_problem_settings *settings,
                                  struct dse_err *err) {
    if (settings->bits_min < BITS_LEAST || settings->bits_min > BITS_MOST)
        DSE_FAIL(err, DSE_INVALID, "problem.bits_min is %d; allowed are %d to %d",
                 settings->bits_min, BITS_LEAST, BITS_MOST);
    if (settings->bits_max < BITS_LEAST || settings->bits_max > BITS_MOST)
        DSE_FAIL(err, DSE_INVALID, "problem.bits_max is %d; allowed are %d to %d",
                 settings->bits_max, BITS_LEAST, BITS_MOST);
    if (settings->bits_min > settings->bits_max)
        DSE_FAIL(err, DSE_INVALID,
                 "problem.bits_min is %d and problem.bits_max is %d; "
                 "bits_min must not be the larger",
                 settings->bits_min, settings->bits_max);
    return DSE_OK;
}

/* Of a layer name that is too long the end stays: that is where names of one network differ. */
static void name_gene(struct dse_gene *gene, const char *layer, const char *what) {
    size_t room = sizeof gene->name - strlen(what) - sizeof ".";
    size_t length = strlen(layer), kept = length < room ? length : room;
    memcpy(gene->name, layer + (length - kept), kept);
    gene->name[kept] = '.';
    memcpy(gene->name + kept + 1, what, strlen(what) + 1);
}

static void fill_genes(const struct dse_problem_settings *settings,
                       const struct dse_model_facts *model, struct dse_gene *genes) {
    for (int i = 0; i < GENES_PER_LAYER * model->n_layers; i++) {
        genes[i].type = DSE_GENE_INT;
        genes[i].lower = settings->bits_min;
        genes[i].upper = settings->bits_max;
        name_gene(&genes[i], model->layers[i / GENES_PER_LAYER].name,
                  i % GENES_PER_LAYER == 0 ? "input_bits" : "weight_bits");
    }
}

enum dse_status problems__quantization_prepare(const struct dse_problem_settings *settings,
                                               const struct dse_model_facts *model,
                                               struct dse_space *space, struct dse_err *err) {
    dse_assert(model->n_layers <= INT_MAX / GENES_PER_LAYER);
    DSE_TRY(check_bits(settings, err));
    if (model->n_layers <= 0)
        DSE_FAIL(err, DSE_INVALID,
                 "the model has no convolution or dense layer, so there is nothing to quantise");
    struct dse_space built = {.n_genes = GENES_PER_LAYER * model->n_layers};
    DSE_TRY(problems__fill_metrics(settings, model, &built, err));
    built.genes = dse_alloc((size_t)built.n_genes, sizeof *built.genes);
    if (built.genes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d genes", built.n_genes);
    fill_genes(settings, model, built.genes);
    *space = built;
    return DSE_OK;
}

void problems__quantization_repair(const struct dse_space *space, double *genome) {
    dse_genome_repair(space, genome);
}

void problems__quantization_decode(const struct dse_space *space, const double *genome,
                                   struct dse_candidate *candidate) {
    dse_assert(space->n_genes == GENES_PER_LAYER * candidate->n_layers);
    dse_assert(dse_genome_fits(space, genome));
    for (int i = 0; i < candidate->n_layers; i++) {
        candidate->input_bits[i] = (int)genome[GENES_PER_LAYER * i];
        candidate->weight_bits[i] = (int)genome[GENES_PER_LAYER * i + 1];
    }
}
