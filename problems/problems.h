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
    double lower, upper; /* both included; whole, and less than 2^32 apart, for INT and CATEGORY */
};

/* A genome is an array of n_genes doubles; INT and CATEGORY genes hold whole numbers, exactly. */

enum dse_sense { DSE_MINIMIZE, DSE_MAXIMIZE };

enum { DSE_MAX_OBJECTIVES = 8, DSE_MAX_CONSTRAINTS = 8, DSE_METRIC_NAME_SIZE = 128 };

struct dse_objective {
    char metric[DSE_METRIC_NAME_SIZE];
    enum dse_sense sense;
};

enum dse_relation { DSE_AT_LEAST, DSE_AT_MOST };

struct dse_constraint {
    char metric[DSE_METRIC_NAME_SIZE];
    enum dse_relation relation;
    double bound;
    bool relative; /* the bound is added to the baseline's value */
};

/* Where the bits of one side of a layer come from. */
struct dse_bits_source {
    int gene; /* -1: fixed */
    int bits; /* fixed: these, 0 is float32; else the value of the gene that means float32, 0: none
               */
};

/* What is searched. Owned by its creator; genes and sources are heap arrays. */
struct dse_space {
    struct dse_gene *genes;
    int n_genes;
    struct dse_objective objectives[DSE_MAX_OBJECTIVES];
    int n_objectives;
    struct dse_constraint constraints[DSE_MAX_CONSTRAINTS];
    int n_constraints;
    /* What objectives and constraints are: METRICS of the table; or values of the outcome, found by
     * their names or at these positions. */
    enum { DSE_SPACE_OF_METRICS, DSE_SPACE_OF_NAMES, DSE_SPACE_OF_POSITIONS } kind;
    int objective_positions[DSE_MAX_OBJECTIVES], constraint_positions[DSE_MAX_CONSTRAINTS];
    int n_free; /* the last n_free genes are applied to records: genomes that differ in no other
                 * share an evaluation */
    /* What decoding needs besides genes: bits of layers that do not vary, thresholds of a
     * candidate, and its exit_batch. */
    int bits, n_thresholds, exit_batch;
    struct dse_bits_source *sources; /* two a layer, input then weights; NULL: bits do not vary */
    int *sites; /* n_sites layers that can have dropout, rising; heap. NULL: all layers can */
    int n_sites;
};
void dse_space_fini(struct dse_space *space);

/* The genome as canonical text, "[8,4,2.5]": whole numbers up to 2^53 as integers (-0 is 0), others
 * with the fewest significant digits that read back as the same double. Genomes are equal when
 * their texts are; the text is the key in the store. Genes are finite. Appended. */
void dse_genome_print(const double *genome, int n_genes, struct dse_buf *out);
/* Reads that text back, exactly; genome holds n_genes. INVALID on another number of genes, blanks,
 * what is no decimal number; genome then holds anything. How each number is written is not looked
 * at: printing it to compare would be most of the work, and only texts of dse_genome_print are
 * kept. */
DSE_MUST_USE enum dse_status dse_genome_parse(const char *text, double *genome, int n_genes,
                                              struct dse_err *err);
/* Is every gene whole where it must be and within its bounds? */
bool dse_genome_fits(const struct dse_space *space, const double *genome);
/* Rounds INT and CATEGORY genes (half to even), then clamps all to their bounds: the whole repair
 * of a problem that has no rule between genes. */
void dse_genome_repair(const struct dse_space *space, double *genome);

/* ---- What is known of the model and of one evaluation ------------------------------------- */

/* A quantisable layer (convolution or dense), in execution order. */
struct dse_layer_facts {
    const char *name;        /* borrowed */
    int64_t macs;            /* multiply-accumulates per image */
    int64_t weights;         /* number of weights, without bias */
    int64_t inputs, outputs; /* numbers read and written per image; 0: not known */
    bool drops;              /* does a Dropout of the model stand on its input? */
    int exit;                /* first exit that needs it, from 0 */
    const int *after;        /* n_after layers that its input depends on, by index; borrowed */
    int n_after;
};

/* A data cell. Defined below: struct dse_corruption_def. */
struct dse_cell_facts {
    const struct dse_corruption_def *corruption; /* NULL: clean */
    int severity;                                /* 1..5; 0: clean */
};

/* What is known of what is evaluated. Borrowed for the call. */
struct dse_model_facts {
    const struct dse_layer_facts *layers;
    int n_layers;
    const struct dse_cell_facts *cells;
    int n_cells;
    int n_exits;       /* outputs, the last included; 0 counts as 1 */
    int classes;       /* 0: not known */
    bool has_baseline; /* the float32 network is evaluated too */
};

enum { DSE_EXITS_MOST = 8 };

/* A candidate: the decoded genome. Arrays belong to the candidate. */
struct dse_candidate {
    int n_layers;
    int *input_bits;  /* n_layers; 2..16, or 0: not quantised (float32) */
    int *weight_bits; /* the same */
    int *dropout;     /* n_layers: rate of dropout on the layer's input, in steps of 2^-16; 0: none.
                       * NULL: none anywhere */
    int passes;       /* Monte-Carlo forward passes, 1..DSE_PASSES_MOST; 0 counts as 1 */
    double thresholds[DSE_EXITS_MOST - 1]; /* of early exits; INFINITY would let everybody leave */
    int n_thresholds;                      /* exits - 1; 0: everybody takes the last exit */
    int exit_batch;                        /* images that leave together; 0: each alone */
    double *genes; /* n_genes: the genome as it is, for problems that are no network */
    int n_genes;   /* 0: the problem says everything in the other members */
};
enum { DSE_PASSES_MOST = 256, DSE_DROPOUT_UNITS = 1 << 16 };
/* Heap arrays of n_layers zeros and one pass (= the float32 baseline), and room for most_genes
 * genes, of which the candidate has none yet. */
DSE_MUST_USE enum dse_status dse_candidate_init(struct dse_candidate *candidate, int n_layers,
                                                int most_genes, struct dse_err *err);
/* The network of a candidate as text: what its evaluation depends on. "[8,4,8,8]", input and weight
 * bits a layer, and where there is dropout "+[0,3604]x5", rates in steps and passes. Thresholds are
 * no part of it. Appended. */
void dse_candidate_print(const struct dse_candidate *candidate, struct dse_buf *out);
/* Frees the arrays; fine on {0} and twice. */
void dse_candidate_fini(struct dse_candidate *candidate);

/* ---- What an evaluation finds ------------------------------------------------------------- */

/* Bins of the expected calibration error (Guo et al., "On calibration of modern neural networks",
 * ICML 2017), right-closed. */
enum { DSE_TALLY_BINS = 15 };

/* Places in the tally of a cell (tally.def): DSE_TALLY_SEEN, DSE_TALLY_CORRECT, ... and its size.
 * A tally may be longer: what follows belongs to its context. */
enum dse_tally_word {
#define X(name, words, bits, help) \
    DSE_TALLY_##name, DSE_TALLY_##name##_LAST = DSE_TALLY_##name + (words)-1,
#include "problems/tally.def"
#undef X
    DSE_TALLY_SIZE
};
/* Binary digits after the point of each, DSE_TALLY_BITS_BRIER ...: value = word x 2^-bits. */
enum dse_tally_bits {
#define X(name, words, bits, help) DSE_TALLY_BITS_##name = (bits),
#include "problems/tally.def"
#undef X
};
/* The shortest tally: seen and correct, as databases of schema 1 have them. */
enum { DSE_TALLY_LEAST = DSE_TALLY_CORRECT + 1 };

/* Everything known of one candidate, over all images or those of some shards. Borrowed arrays. */
struct dse_outcome {
    const int64_t *tallies; /* [n_cells][tally_size], all >= 0 */
    int n_cells, tally_size;
    const double *values; /* n_values named numbers of evaluations that are not made of images */
    int n_values;
    const char *const *names; /* n_names: of the last n_names values; the others' stand in the
                               * context */
    int n_names;
};
/* The tally of one cell. */
static inline const int64_t *dse_outcome_cell(const struct dse_outcome *outcome, int cell) {
    return outcome->tallies + (size_t)cell * (size_t)outcome->tally_size;
}
/* sum += addend, n words; false, and sum undefined, when a sum leaves 63 bits. */
DSE_MUST_USE bool dse_tally_add(int64_t *sum, const int64_t *addend, size_t n);
/* Is every word possible: seen >= correct >= 0, all others >= 0? */
bool dse_tally_possible(const int64_t *tally, int size);

/* ---- Early exits -------------------------------------------------------------------------- */

/* A network with several outputs leaves, for each image and exit, a record. Thresholds are applied
 * to records (Teerapittayanon et al., "BranchyNet", ICPR 2016): an image leaves at the first exit
 * whose entropy is strictly below its threshold, the last exit takes the rest. So thresholds cost
 * no inference. */
/* 12 bytes, in units of tallies but for nll and brier, whose units are 2^-11 and 2^-15 (an image's
 * half unit moves the mean of 10,000 images by some 1e-6). */
enum { DSE_RECORD_BYTES = 12, DSE_RECORD_BITS_NLL = 11, DSE_RECORD_BITS_BRIER = 15 };

/* What one exit says of one image. */
struct dse_exit_numbers {
    double entropy, confidence, nll, brier;
    bool correct;
};
/* Each number to the nearest unit. */
void dse_exit_record_write(const struct dse_exit_numbers *numbers, uint8_t *record);
/* In units of 2^-DSE_TALLY_BITS_ENTROPY. */
uint32_t dse_exit_record_entropy(const uint8_t *record);
/* In units of 2^-DSE_TALLY_BITS_CONFIDENCE, at least 1; returns whether the exit is right. */
bool dse_exit_record_confidence(const uint8_t *record, uint64_t *confidence);

/* Behind the words of tally.def, where there is more than one exit, stand a word an exit of each of
 * these. */
enum dse_exit_word {
    DSE_EXIT_LEFT,         /* images that left here */
    DSE_EXIT_LEFT_CORRECT, /* of these, classified correctly */
    DSE_EXIT_CORRECT,      /* images that this exit would classify correctly, of all */
    DSE_EXIT_DEPTH,        /* images whose label no longer changes from this exit on */
    DSE_EXIT_WORDS
};
/* Words of a cell's tally; one exit adds none. */
int dse_exit_tally_size(int n_exits);
/* Where a word stands in it; n_exits > 1. */
int dse_exit_word(enum dse_exit_word word, int exit, int n_exits);
/* Adds an image that leaves at the exit to a tally (sign 1), or takes it out again (-1). Leaves
 * DSE_EXIT_CORRECT and DSE_EXIT_DEPTH alone: they do not depend on thresholds. */
void dse_exit_record_tally(const uint8_t *record, int exit, int n_exits, int sign, int64_t *tally);

struct dse_exit_policy {
    int n_exits;
    const double *thresholds; /* n_exits - 1; borrowed */
    int batch; /* images in a row that leave together, by the mean of their entropies; 0: each
                * image alone */
};
/* A threshold in units, rounded up: entropy < threshold in units is exact. */
uint64_t dse_exit_threshold_units(double threshold);
/* Adds n images of one cell, records [image][exit] in the order of the images. */
void dse_exits_apply(const struct dse_exit_policy *policy, const uint8_t *records, size_t n,
                     int64_t *tally);

/* The exit at which images first..first + n - 1 of records leave together; n = 1: that image. */
int dse_exit_choose(const struct dse_exit_policy *policy, const uint8_t *records, size_t first,
                    size_t n);

/* Records of all cells: [cell][image][exit]. Borrowed. */
struct dse_exit_images {
    const uint8_t *records;
    size_t n_images; /* of a cell */
    int n_cells, n_exits;
};
/* What people ask of exits, over all cells. */
enum { DSE_EXIT_QUARTILES = 5, DSE_EXIT_COVERAGES = 5 };
struct dse_exit_summary {
    int64_t left[DSE_EXITS_MOST], left_correct[DSE_EXITS_MOST];
    double entropies[DSE_EXIT_QUARTILES]; /* where images left: minimum, quartiles, maximum */
    /* Selective risk (Geifman and El-Yaniv 2017): share of the surest images, as many as the
     * coverage says, that are classified wrongly. */
    double risks[DSE_EXIT_COVERAGES];
};
/* The coverage that a risk belongs to. */
double dse_exit_coverage(int index);
/* NOT_FOUND: there is no image. */
DSE_MUST_USE enum dse_status dse_exit_summarize(const struct dse_exit_policy *policy,
                                                const struct dse_exit_images *images,
                                                struct dse_exit_summary *summary,
                                                struct dse_err *err);

/* Thresholds to try at each exit but the last, rising. */
struct dse_exit_grid {
    double *thresholds[DSE_EXITS_MOST];
    int n[DSE_EXITS_MOST];
};
/* Up to `most` thresholds an exit: 0 (nobody leaves), and all values that tell two images apart
 * where there are fewer, else those at equal shares of the images' distinct entropies; the last
 * lets everybody leave. Arrays live in the arena. */
DSE_MUST_USE enum dse_status dse_exit_grid_make(const struct dse_exit_images *images, int most,
                                                struct dse_arena *arena, struct dse_exit_grid *grid,
                                                struct dse_err *err);
/* Called with the thresholds and what comes of them; both borrowed for the call. */
typedef void (*dse_exit_visit)(void *context, const double *thresholds,
                               const struct dse_outcome *outcome);
/* Visits every combination of the grid, each image for itself; the tallies are those of
 * dse_exits_apply. */
DSE_MUST_USE enum dse_status dse_exit_sweep(const struct dse_exit_images *images,
                                            const struct dse_exit_grid *grid, dse_exit_visit visit,
                                            void *context, struct dse_err *err);

/* ---- Corruptions -------------------------------------------------------------------------- */

enum { DSE_SEVERITIES = 5 }; /* 1..5, rising */

/* Groups of the published benchmark. EXTRA is apart: never averaged with the others. */
#define DSE_CORRUPTION_GROUP_TABLE(X) \
    X(NOISE, "noise")                 \
    X(BLUR, "blur")                   \
    X(WEATHER, "weather")             \
    X(DIGITAL, "digital")             \
    X(EXTRA, "extra")
enum dse_corruption_group {
#define X(symbol, name) DSE_CORRUPTIONS_##symbol,
    DSE_CORRUPTION_GROUP_TABLE(X)
#undef X
};

/* The published numbers, 1 to 19 (corruptions.def). */
enum dse_corruption {
#define X(symbol, number, name, group, alias) DSE_CORRUPTION_##symbol = (number),
#include "problems/corruptions.def"
#undef X
};

struct dse_corruption_def {
    enum dse_corruption corruption;
    const char *name;
    const char *alias; /* "": none */
    enum dse_corruption_group group;
};
/* In the order of the numbers; entry i has number i + 1. */
const struct dse_corruption_def *dse_corruption_table(int *n_corruptions);
/* By name or alias; NULL when there is none. */
const struct dse_corruption_def *dse_corruption_find(const char *name);
/* "noise", "blur", "weather", "digital", "extra". */
const char *dse_corruption_group_name(enum dse_corruption_group group);
/* One of the 15 of the standard benchmark? */
bool dse_corruption_is_standard(const struct dse_corruption_def *corruption);
/* Does the corruption belong to a group as users name it: one of the five above, "standard" (the
 * first four together) or "all"? An unknown group holds nothing. */
bool dse_corruption_in_group(const struct dse_corruption_def *corruption, const char *group);
/* Is it one of those seven words? */
bool dse_corruption_is_group(const char *word);

/* The cell that workers call so: "clean", "fog:3". False when there is none. */
bool dse_cell_parse(const char *name, struct dse_cell_facts *cell);

/* ---- Metrics ------------------------------------------------------------------------------ */

/* A number of an evaluated candidate, as the user names it:
 *   MEASURE(SCOPE)  a measure of images (measures.def) over a scope: clean; corrupted (the mean of
 *                   the standard corruptions' cells, every cell counting the same; of the extra
 *                   ones where there are no others); standard; extra; all (both); noise, blur,
 *                   weather, digital; a corruption; one severity of it, fog:3; severity:3 (of the
 *                   standard corruptions, or else the extra ones); unions of these joined by +,
 *                   again the mean of all cells; worst (of all cells, clean too); worst_group (of
 *                   the means of noise, blur, weather and digital, or else that of extra)
 *   MEASURE_clean, MEASURE_corrupted, MEASURE_worst  the same, shorter
 *   COST            what the candidate costs (costs.def)
 *   mce, mce_extra  mean over the standard (extra) corruptions of sum_s err / sum_s err of the
 *                   float32 network of the workload; mce(alexnet): of the published AlexNet
 * Made by dse_metric_parse; only name, sense and unit are for others to read. */
enum { DSE_SCOPE_TERMS_MAX = 20 };
struct dse_scope_term {
    int kind;  /* of metric_scopes.c */
    int which; /* group or corruption */
    int severity;
};
struct dse_metric {
    char name[DSE_METRIC_NAME_SIZE]; /* as written, without blanks */
    enum dse_sense sense;
    const char *unit; /* "share", "bit operations per image"; static */
    int kind, which;  /* of problems_internal.h */
    struct dse_scope_term terms[DSE_SCOPE_TERMS_MAX];
    int n_terms;
};
/* Reads length bytes of text. INVALID names what is allowed, and what may have been meant. */
DSE_MUST_USE enum dse_status dse_metric_parse(const char *text, size_t length,
                                              struct dse_metric *metric, struct dse_err *err);
/* Can it have a value there? INVALID says what is missing. Only cells and baseline are looked at.
 */
DSE_MUST_USE enum dse_status dse_metric_check(const struct dse_metric *metric,
                                              const struct dse_model_facts *model,
                                              struct dse_err *err);
bool dse_metric_equal(const struct dse_metric *a, const struct dse_metric *b);

/* One evaluated candidate, and what it is compared with. Borrowed. */
struct dse_evidence {
    const struct dse_model_facts *model;
    const struct dse_candidate *candidate;
    const struct dse_outcome *outcome;
    const struct dse_outcome *baseline; /* of the float32 network; NULL: not evaluated */
};

/* A value with the 95 % interval of what it estimates and the images seen for it. Exact numbers
 * (costs) have 0 images and no interval: low and high are NaN. One cell: Wilson's interval of a
 * share, else the mean's from its sum of squares (ECE: by the signs of its bins, delta method). A
 * mean over cells has the mean of the cells' ends: the same images stand in all of them, so their
 * errors may move together, and this is right when they do, too wide when not. worst: that of the
 * worst cell or group, as if it had been chosen beforehand. mce: the baseline is taken as given. */
struct dse_estimate {
    double value; /* NaN: not defined, as for a cell without images or a tally too short */
    double low, high;
    int64_t images;
};
struct dse_estimate dse_metric_estimate(const struct dse_metric *metric,
                                        const struct dse_evidence *evidence);

/* Objective and constraint values of one evaluated candidate. objectives holds
 * space->n_objectives values in the metric's own sense and unit, all finite; violation is the sum
 * of max(0, distance to the bound) over the constraints, each in its metric's unit (0: feasible).
 * FAILED names a metric that is not a number. */
DSE_MUST_USE enum dse_status dse_space_measure(const struct dse_space *space,
                                               const struct dse_evidence *evidence,
                                               double *objectives, double *violation,
                                               struct dse_err *err);

/* The 95 % Wilson score interval (Wilson 1927) of a share, from `correct` of `seen`; seen > 0.
 * 0 <= *low <= correct / seen <= *high <= 1. */
void dse_wilson_interval(int64_t correct, int64_t seen, double *low, double *high);

/* ---- Problem definitions ------------------------------------------------------------------ */

/* What a workload says about its problem. Borrowed for the call. */
struct dse_problem_settings {
    int bits_min, bits_max;               /* 2..16 */
    int input_bits_min, input_bits_max;   /* of inputs; 0: bits_min and bits_max */
    int weight_bits_min, weight_bits_max; /* of weights, likewise */
    bool float_choice;                    /* float32 is a choice beside the bits */
    bool shared_bits;                     /* input and weights of a layer share a gene */
    const char *const *fixed;             /* as dse_problem_check_fixed takes them */
    int n_fixed;
    const char *const *groups; /* patterns of layers that share their genes, blanks between them */
    int n_groups;
    bool has_accuracy_drop;        /* a constraint: accuracy(clean), or else accuracy(corrupted), */
    double accuracy_drop;          /* is no more than this below the baseline's */
    int bits;                      /* where they do not vary: 2..16, or 0 for float32 */
    double dropout_max;            /* largest rate searched */
    bool dropout_of_model;         /* only layers with a Dropout of the model have dropout */
    int passes_min, passes_max;    /* Monte-Carlo passes */
    bool exits_shared;             /* one threshold for all exits */
    int exit_batch;                /* images that leave together; 0: each alone */
    const char *const *objectives; /* metric names */
    int n_objectives;
    const char *const *constraints; /* "metric >= bound" or "metric <= bound" */
    int n_constraints;
    const char *type;         /* name of the problem; NULL: one that is about a network */
    const char *const *genes; /* of problem external, as dse_gene_parse takes them */
    int n_genes;
};

struct dse_problem_def {
    const char *name; /* "quantization" */
    const char *help;
    bool about_network; /* needs a model and data; else candidates are genes and results values */
    /* Builds the search space (caller finishes it with dse_space_fini). INVALID: wrong settings,
     * or a metric that this model and these cells do not define. */
    enum dse_status (*prepare)(const struct dse_problem_settings *settings,
                               const struct dse_model_facts *model, struct dse_space *space,
                               struct dse_err *err);
    /* Makes a genome valid after variation: rounds, clamps. */
    void (*repair)(const struct dse_space *space, double *genome);
    /* Genome to candidate; candidate has been initialised with the model's n_layers and room for
     * the space's genes, which decode copies where the evaluator is to see them. */
    void (*decode)(const struct dse_space *space, const double *genome,
                   struct dse_candidate *candidate);
};
/* `quantization`: two integer genes a layer, input bits then weight bits, layers in order, but for
 * layers that are fixed or share genes; where float32 is a choice it is the largest value.
 * `dropout`: rate, first layer with dropout (or first of the sites that the
 * model says), passes. `early_exit`: a threshold an exit but the last
 * (or one for all), an entropy. `joint`: all of these. A
 * problem about networks is a file of its own and a line of problems.def. `function` stands for all
 * function problems, `external` for programs of the user (both in values.c). */
const struct dse_problem_def *dse_problem_table(int *n_problems);
/* By name; the name of a function problem gives `function`. NULL when there is none. */
const struct dse_problem_def *dse_problem_find(const char *name);
/* Layers that do not vary: NAME BITS, NAME input BITS or NAME weight BITS, where NAME is "first",
 * "last" or a pattern in which * stands for any text and ? for any character, and BITS 2 to 16 or
 * "float". Of entries about the same layer the last one counts. INVALID says what is wrong. */
DSE_MUST_USE enum dse_status dse_problem_check_fixed(const char *text, struct dse_err *err);
/* Check objectives and constraints of settings: unknown metrics, metrics that the model's cells do
 * not define, malformed constraints, too many, none, the same objective twice. model: what is known
 * so far (dse_metric_check); NULL: nothing. INVALID sets *index (may be NULL) to the offending
 * entry, 0 for an empty list; OK leaves it.
 * A constraint is "accuracy_clean >= 0.85" or with "<="; blanks do not matter. The bound may be
 * relative to the baseline: "accuracy(fog) >= baseline - 0.03". */
DSE_MUST_USE enum dse_status
dse_problem_check_objectives(const struct dse_problem_settings *settings,
                             const struct dse_model_facts *model, int *index, struct dse_err *err);
DSE_MUST_USE enum dse_status
dse_problem_check_constraints(const struct dse_problem_settings *settings,
                              const struct dse_model_facts *model, int *index, struct dse_err *err);

/* ---- Function problems -------------------------------------------------------------------- */

/* A problem whose objectives are a formula of the genes. No data, no model; only base's elementary
 * functions, so every machine computes the same. */
struct dse_function_def {
    const char *name; /* "zdt1" */
    const char *help;
    int n_genes;
    const char *senses; /* a character an objective: - minimised, + maximised */
    int n_constraints;  /* met when at most 0 */
    /* Type and bounds of gene i; the name is left empty. */
    struct dse_gene (*gene)(int i);
    /* values: the objectives, then the constraints. */
    void (*evaluate)(const double *genome, double *values);
};
/* Its values have names: f1, f2, ... the objectives, g1, g2, ... the constraints; its genes x1, x2,
 * ... By position, from 0; NULL after the last. */
const struct dse_function_def *dse_function_at(int index);
/* By name; NULL when there is none. */
const struct dse_function_def *dse_function_find(const char *name);

/* ---- Genes as the user writes them -------------------------------------------------------- */

/* "units int 8 256", "rate float 0 0.5" or "act category relu tanh gelu": a gene, and for a
 * category where its labels begin in text (else NULL). INVALID says what is wrong. */
DSE_MUST_USE enum dse_status dse_gene_parse(const char *text, struct dse_gene *gene,
                                            const char **labels, struct dse_err *err);
/* The label of a category's value into out, cut when it does not fit. Returns out. */
const char *dse_gene_label(const char *labels, int value, char *out, size_t size);
/* May a gene, a value or a label have this name? Letters, digits, _ . - and no digit first, shorter
 * than DSE_METRIC_NAME_SIZE. */
bool dse_value_name_is_good(const char *name, size_t length);

#endif
