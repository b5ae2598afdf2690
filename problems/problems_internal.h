/* Shared by the files of problems/ only. */
#ifndef DSE_PROBLEMS_INTERNAL_H
#define DSE_PROBLEMS_INTERNAL_H

#include "problems/problems.h"

/* Objectives and constraints of settings into space; genes stay. INVALID when a metric is unknown,
 * a constraint malformed, or a metric not defined for this model and its cells. */
DSE_MUST_USE enum dse_status problems__fill_metrics(const struct dse_problem_settings *settings,
                                                    const struct dse_model_facts *model,
                                                    struct dse_space *space, struct dse_err *err);

/* The same for problems whose results are values: genes stay. */
DSE_MUST_USE enum dse_status problems__fill_values(const struct dse_problem_settings *settings,
                                                   struct dse_space *space, struct dse_err *err);
/* Is the problem of these settings one whose results are values? */
bool problems__has_values(const struct dse_problem_settings *settings);
/* One objective or constraint of such a problem; outputs may be NULL. */
DSE_MUST_USE enum dse_status
problems__read_value_objective(const struct dse_problem_settings *settings, const char *text,
                               struct dse_objective *objective, struct dse_err *err);
DSE_MUST_USE enum dse_status problems__check_value_name(const struct dse_problem_settings *settings,
                                                        const char *name, struct dse_err *err);
/* "name >= number"; whether there is such a name is the caller's to find out. */
DSE_MUST_USE enum dse_status problems__parse_constraint(const char *text,
                                                        struct dse_constraint *constraint,
                                                        struct dse_err *err);

enum dse_status problems__function_prepare(const struct dse_problem_settings *settings,
                                           const struct dse_model_facts *model,
                                           struct dse_space *space, struct dse_err *err);
enum dse_status problems__external_prepare(const struct dse_problem_settings *settings,
                                           const struct dse_model_facts *model,
                                           struct dse_space *space, struct dse_err *err);
/* The genes as they are. */
void problems__genes_decode(const struct dse_space *space, const double *genome,
                            struct dse_candidate *candidate);

/* 0, float32, counts as 32. */
int problems__counted_bits(int bits);
/* What one layer costs an image, each time it is computed. */
typedef double (*problems__layer_cost)(const struct dse_model_facts *model,
                                       const struct dse_candidate *candidate, int layer);
/* The cost of what is executed for an image, mean over the images of all cells: early exits in the
 * shares in which images leave, layers that dropout reaches once a pass. */
double problems__executed(const struct dse_model_facts *model,
                          const struct dse_candidate *candidate, const struct dse_outcome *outcome,
                          problems__layer_cost cost);

/* A gene more; space->genes has room. The name is empty. */
struct dse_gene *problems__next_gene(struct dse_space *space, enum dse_gene_type type, double lower,
                                     double upper);
/* Are the bounds possible? */
DSE_MUST_USE enum dse_status problems__check_bits(const struct dse_problem_settings *settings,
                                                  struct dse_err *err);
/* Genes and sources of the bits; at most two genes a layer. */
DSE_MUST_USE enum dse_status problems__add_bits(const struct dse_problem_settings *settings,
                                                const struct dse_model_facts *model,
                                                struct dse_space *space, struct dse_err *err);
/* Bits of a side of a layer: source 2 x layer, + 1 for weights. */
int problems__bits_of(const struct dse_space *space, const double *genome, int source);

/* What a problem varies; genes stand in this order. */
enum { PROBLEMS__BITS = 1, PROBLEMS__DROPOUT = 2, PROBLEMS__THRESHOLDS = 4 };
/* prepare, repair and decode of a problem that is made of parts (parts.c). */
DSE_MUST_USE enum dse_status problems__build(unsigned parts,
                                             const struct dse_problem_settings *settings,
                                             const struct dse_model_facts *model,
                                             struct dse_space *space, struct dse_err *err);
void problems__repair_parts(unsigned parts, const struct dse_space *space, double *genome);
void problems__decode_parts(unsigned parts, const struct dse_space *space, const double *genome,
                            struct dse_candidate *candidate);

/* ---- metrics ---- */

struct problems__measure {
    const char *name;
    enum dse_sense sense;
    const char *unit;
    int last;                                        /* word of the tally that it needs */
    struct dse_estimate (*of)(const int64_t *tally); /* seen > 0 */
};
extern const struct problems__measure problems__measures[];
extern const int problems__n_measures;

struct problems__cost {
    const char *name;
    enum dse_sense sense;
    const char *unit;
    bool of_exits; /* needs early exits */
    double (*of)(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                 const struct dse_outcome *outcome);
};
extern const struct problems__cost problems__costs[];
extern const int problems__n_costs;

/* Kinds of struct dse_metric; what `which` means then. */
enum problems__metric_kind {
    KIND_MEASURE, /* place in problems__measures */
    KIND_COST,    /* place in problems__costs */
    KIND_MCE,     /* one of the following */
};
enum problems__mce { MCE_STANDARD, MCE_EXTRA, MCE_ALEXNET, N_MCE };
/* Do images of the cell count for this mCE? */
bool problems__is_of_mce(const struct dse_metric *metric, const struct dse_cell_facts *cell);

/* Reads "clean+fog:3", length bytes; what stands around it is the caller's. */
DSE_MUST_USE enum dse_status problems__scope_parse(const char *text, size_t length,
                                                   struct dse_metric *metric, struct dse_err *err);
/* "a, b, ...": the scopes, for messages. */
const char *problems__scope_words(char *out, size_t size);
/* Are there cells of standard corruptions? */
bool problems__has_standard(const struct dse_model_facts *model);
/* Is the cell part of the scope? has_standard: of the model that it belongs to. */
bool problems__scope_has(const struct dse_metric *metric, const struct dse_cell_facts *cell,
                         bool has_standard);
enum problems__scope_fold { SCOPE_MEAN, SCOPE_WORST, SCOPE_WORST_GROUP };
enum problems__scope_fold problems__scope_fold_of(const struct dse_metric *metric);
/* The first term that no cell of the model matches; NULL: all have cells. */
const char *problems__scope_lacks(const struct dse_metric *metric,
                                  const struct dse_model_facts *model);
/* Cells of a group, for worst_group. */
bool problems__cell_in_group(const struct dse_cell_facts *cell, enum dse_corruption_group group);

#define X(name, help)                                                                         \
    enum dse_status problems__##name##_prepare(const struct dse_problem_settings *settings,   \
                                               const struct dse_model_facts *model,           \
                                               struct dse_space *space, struct dse_err *err); \
    void problems__##name##_repair(const struct dse_space *space, double *genome);            \
    void problems__##name##_decode(const struct dse_space *space, const double *genome,       \
                                   struct dse_candidate *candidate);
#include "problems/problems.def"
#undef X

#endif
