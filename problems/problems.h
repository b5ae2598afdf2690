/* problems: what may vary and what is measured. Genes with bounds, objectives, constraints, and the
 * problem definitions that turn a genome into a candidate and a result into objectives.
 *
 * A problem is one entry of a table (struct dse_problem_def): adding one touches one file.
 * Everything here is pure computation: no files, no clock, no state. */
#ifndef DSE_PROBLEMS_H
#define DSE_PROBLEMS_H

#include "base/base.h"

/* ---- Search space ------------------------------------------------------------------------- */

enum dse_gene_type {
    DSE_GENE_INT,      /* whole numbers lower..upper */
    DSE_GENE_FLOAT,    /* real numbers lower..upper */
    DSE_GENE_CATEGORY, /* 0..upper, without order */
};

struct dse_gene {
    char name[64]; /* "conv1.input_bits" */
    enum dse_gene_type type;
    double lower, upper; /* both included; whole for INT and CATEGORY */
};

/* A genome is an array of n_genes doubles; INT and CATEGORY genes hold whole numbers, exactly. */

enum dse_sense { DSE_MINIMIZE, DSE_MAXIMIZE };

enum { DSE_MAX_OBJECTIVES = 8, DSE_MAX_CONSTRAINTS = 8, DSE_METRIC_NAME_SIZE = 48 };

struct dse_objective {
    char metric[DSE_METRIC_NAME_SIZE];
    enum dse_sense sense;
};

enum dse_relation { DSE_AT_LEAST, DSE_AT_MOST };

struct dse_constraint {
    char metric[DSE_METRIC_NAME_SIZE];
    enum dse_relation relation;
    double bound;
};

/* What is searched. Owned by its creator; genes is a heap array. */
struct dse_space {
    struct dse_gene *genes;
    int n_genes;
    struct dse_objective objectives[DSE_MAX_OBJECTIVES];
    int n_objectives;
    struct dse_constraint constraints[DSE_MAX_CONSTRAINTS];
    int n_constraints;
};
void dse_space_fini(struct dse_space *space);

/* The genome as canonical text, "[8,4,2.5]": whole numbers without a fraction, others with 17
 * significant digits. Equal genomes have equal texts; it is the key in the store. Appended. */
void dse_genome_print(const double *genome, int n_genes, struct dse_buf *out);
/* Reads that text back; genome holds n_genes. INVALID on anything else. */
DSE_MUST_USE enum dse_status dse_genome_parse(const char *text, double *genome, int n_genes,
                                              struct dse_err *err);
/* Is every gene whole where it must be and within its bounds? */
bool dse_genome_fits(const struct dse_space *space, const double *genome);

/* ---- What is known of the model and of one evaluation ------------------------------------- */

/* A quantisable layer (convolution or dense), in execution order. */
struct dse_layer_facts {
    const char *name; /* borrowed */
    int64_t macs;     /* multiply-accumulates per image */
    int64_t weights;  /* number of weights, without bias */
};

/* What `prepare` needs to know. Borrowed for the call. */
struct dse_model_facts {
    const struct dse_layer_facts *layers;
    int n_layers;
    int n_cells; /* cell 0 is `clean` where clean is evaluated */
};

/* A candidate: the decoded genome. Arrays have n_layers entries and belong to the candidate.
 * Bits are 2..8, or 0 for float32. */
struct dse_candidate {
    int n_layers;
    int *input_bits;
    int *weight_bits;
};
/* Heap arrays of n_layers zeros (= the float32 baseline). */
DSE_MUST_USE enum dse_status dse_candidate_init(struct dse_candidate *candidate, int n_layers,
                                                struct dse_err *err);
void dse_candidate_fini(struct dse_candidate *candidate);

/* Result of one candidate over all images: per cell, images seen and images classified
 * correctly. Borrowed arrays of n_cells. */
struct dse_cell_counts {
    const int64_t *seen;
    const int64_t *correct;
    int n_cells;
};

/* ---- Metrics ------------------------------------------------------------------------------ */

/* A named number of an evaluated candidate. Sense is what an objective of it means. */
struct dse_metric_def {
    const char *name; /* "accuracy_clean" */
    enum dse_sense sense;
    const char *unit; /* "share", "bit operations per image" */
    const char *help;
    /* The value; NaN when it is not defined (no corrupted cells, say). */
    double (*value)(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                    const struct dse_cell_counts *counts);
};
/* accuracy_clean, accuracy_corrupted (mean over the corrupted cells of their accuracies),
 * accuracy_worst (smallest over all cells), bit_operations (sum of MACs x weight bits x input
 * bits; float32 counts 32 x 32), size_bits (sum of weights x bits), mean_weight_bits. */
const struct dse_metric_def *dse_metric_table(int *n_metrics);
/* By name; NULL when there is none. */
const struct dse_metric_def *dse_metric_find(const char *name);

/* Objective and constraint values of one evaluated candidate. objectives holds
 * space->n_objectives values in the metric's own sense and unit; violation is the sum of
 * max(0, distance to the bound) over the constraints (0: feasible). FAILED names a metric that is
 * not a number. */
DSE_MUST_USE enum dse_status
dse_space_measure(const struct dse_space *space, const struct dse_model_facts *model,
                  const struct dse_candidate *candidate, const struct dse_cell_counts *counts,
                  double *objectives, double *violation, struct dse_err *err);

/* Half the width of the 95 % Wilson score interval (Wilson 1927) around the shifted centre:
 * [low, high] for `correct` of `seen`; seen > 0. */
void dse_wilson_interval(int64_t correct, int64_t seen, double *low, double *high);

/* ---- Problem definitions ------------------------------------------------------------------ */

/* What a workload says about its problem. Borrowed for the call. */
struct dse_problem_settings {
    int bits_min, bits_max;        /* 2..8 */
    const char *const *objectives; /* metric names */
    int n_objectives;
    const char *const *constraints; /* "metric >= number" or "metric <= number" */
    int n_constraints;
};

struct dse_problem_def {
    const char *name; /* "quantization" */
    const char *help;
    /* Builds the search space (caller finishes it with dse_space_fini). */
    enum dse_status (*prepare)(const struct dse_problem_settings *settings,
                               const struct dse_model_facts *model, struct dse_space *space,
                               struct dse_err *err);
    /* Makes a genome valid after variation: rounds, clamps. */
    void (*repair)(const struct dse_space *space, double *genome);
    /* Genome to candidate; candidate has been initialised with the model's n_layers. */
    void (*decode)(const struct dse_space *space, const double *genome,
                   struct dse_candidate *candidate);
};
/* `quantization`: two integer genes a layer, input bits then weight bits, layers in order. */
const struct dse_problem_def *dse_problem_table(int *n_problems);
const struct dse_problem_def *dse_problem_find(const char *name);
/* Checks objectives and constraints of settings without a model: unknown metrics, malformed
 * constraints, too many. The message names the allowed metrics; *index is the offending entry. */
DSE_MUST_USE enum dse_status
dse_problem_check_objectives(const struct dse_problem_settings *settings, int *index,
                             struct dse_err *err);
DSE_MUST_USE enum dse_status
dse_problem_check_constraints(const struct dse_problem_settings *settings, int *index,
                              struct dse_err *err);

#endif
