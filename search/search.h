/* search: NSGA-II (Deb, Pratap, Agarwal, Meyarivan 2002) as ask and tell, with integer genes and
 * constraints, operators and defaults as in pymoo 0.6. No loop, disk or clock.
 *
 * There is no generator state: offspring are a pure function of (seed, generation, population), so
 * a search is resumed by handing it the population it had. Only + - * / and base's elementary
 * functions are used, so every IEEE machine gives the same genomes. Objectives are given in their
 * own sense (space->objectives says which are maximised). */
#ifndef DSE_SEARCH_H
#define DSE_SEARCH_H

#include "base/base.h"
#include "problems/problems.h"

/* Every tunable of the search: name, type, default, min, max, help. */
#define DSE_SEARCH_OPTIONS(X)                                                                      \
    X(population, int, 48, 2, 100000, "individuals that survive a generation")                     \
    X(offspring, int, 0, 0, 100000, "new individuals a generation; 0: as many as population")      \
    X(generations, int, 30, 1, 1000000, "generations, the initial sample included")                \
    X(crossover_prob, double, 0.9, 0, 1, "probability that a mating crosses over")                 \
    X(crossover_eta, double, 15, 0, 1000, "distribution index of simulated binary crossover")      \
    X(crossover_gene_prob, double, 0.5, 0, 1, "probability that a gene takes part in a crossover") \
    X(mutation_prob, double, 0.9, 0, 1, "probability that an individual is mutated")               \
    X(mutation_eta, double, 20, 0, 1000,                                                           \
      "distribution index of polynomial mutation; try 5 for whole numbers of few values")

/* Operators, by the names that a workload gives them. */
#define DSE_SEARCH_CROSSOVERS(X)                                  \
    X(sbx)       /* simulated binary; categories are exchanged */ \
    X(one_point) /* all genes after a random one are exchanged */ \
    X(uniform)   /* each gene is exchanged with crossover_gene_prob */
#define DSE_SEARCH_MUTATIONS(X)                                                \
    X(polynomial) /* near values are likelier; a category becomes any other */ \
    X(uniform)    /* any other value, all alike; a float anywhere between its bounds */

#define X(name) DSE_CROSSOVER_##name,
enum dse_crossover { DSE_SEARCH_CROSSOVERS(X) DSE_CROSSOVER_COUNT };
#undef X
#define X(name) DSE_MUTATION_##name,
enum dse_mutation { DSE_SEARCH_MUTATIONS(X) DSE_MUTATION_COUNT };
#undef X

struct dse_search_options {
#define X(name, type, fallback, min, max, help) type name;
    DSE_SEARCH_OPTIONS(X)
#undef X
    enum dse_crossover crossover;
    enum dse_mutation mutation;
};
struct dse_search_options dse_search_options_default(void);
/* The operator with that name; the COUNT when there is none. */
enum dse_crossover dse_search_crossover_named(const char *name);
enum dse_mutation dse_search_mutation_named(const char *name);

/* One evaluated individual as the search sees it. */
struct dse_individual {
    const double *genome; /* borrowed, n_genes */
    const double
        *objectives;  /* borrowed, n_objectives, own sense, finite; read only when feasible */
    double violation; /* 0: feasible; +infinity: evaluation failed; never negative or NaN */
    int rank;         /* from 0, set by dse_search_survive */
    double crowding;  /* set by dse_search_survive; extremes are +infinity */
};

/* Is a better than b in the sense of Pareto? Objectives only, own senses. */
bool dse_search_dominates(const struct dse_space *space, const double *a, const double *b);

/* Ranks and crowding distances (Deb et al. 2002, sections III-A and III-B) of all of pool, and the
 * indices of the best n_keep <= n_pool, best first (by rank, then larger crowding, then index).
 *   rank      Feasible: number of the front, from 0. Infeasible: after the last front, one rank for
 *             each distinct violation, smaller first; failed evaluations are last.
 *   crowding  Feasible: mean over the objectives of the gap between the neighbours in the front
 *             divided by the front's range (0 for an objective that is the same all over the
 *             front). Infinite for the extremes of an objective and in fronts of at most two.
 *             Of individuals with equal objectives the first of pool counts, the others get 0.
 *             Infeasible: 0.
 * Order of pool decides every tie. pool and survivors are untouched on failure (NO_MEMORY). */
DSE_MUST_USE enum dse_status dse_search_survive(const struct dse_space *space,
                                                struct dse_individual *pool, int n_pool, int n_keep,
                                                int *survivors, struct dse_err *err);

/* The genomes to evaluate in a generation.
 *   generation 0: `population` genomes: those of parents, predefined individuals of which only the
 *     genomes are looked at, repaired and in their order; then every gene uniform over its values.
 *   later: `offspring` genomes bred from parents, the survivors of the generation before with rank
 *     and crowding, in the order survive gave.
 * Breeding: binary tournaments over random permutations (smaller violation when one is infeasible,
 * else the one that dominates, else larger crowding, else by chance), crossover, mutation of each
 * gene with probability min(0.5, 1/n_genes); operators as options say.
 * No genome equals another of the answer or, after generation 0, a parent: those that do are drawn
 * again, in up to 100 rounds (of mating, or of sampling a slot). When the space is exhausted fewer
 * are returned, *n_out may be 0; as with no parents after generation 0. genomes: room for
 * max(population, offspring) x n_genes doubles; *n_out: genomes written. repair: makes a genome
 * valid (problem_def->repair); called on samples, after crossover and after mutation. What it
 * leaves must fit the space. */
DSE_MUST_USE enum dse_status
dse_search_ask(const struct dse_space *space, const struct dse_search_options *options,
               uint64_t seed, int generation, const struct dse_individual *parents, int n_parents,
               void (*repair)(const struct dse_space *space, double *genome), double *genomes,
               int *n_out, struct dse_err *err);

/* Hypervolume of a set against a reference point, for 1 to 4 objectives in their own senses
 * (exact; sweep over sorted points, O(n log n) for up to 3). Points that are not better than the
 * reference in every objective count nothing. points: [n][n_objectives], finite. UNSUPPORTED for
 * more objectives. */
DSE_MUST_USE enum dse_status dse_search_hypervolume(const struct dse_space *space,
                                                    const double *points, int n,
                                                    const double *reference, double *volume,
                                                    struct dse_err *err);

/* ---- the non-dominated points of a growing set ---- */

/* Every member has a tag, the caller's name for it. Dominance is that of dse_search_dominates. An
 * offer costs O(log n) for two objectives, for more as many nodes as there are boxes across the
 * point's edges (archive.c); memory is that of the members and as many dead ones at most. */
struct dse_archive;

/* Are two offers with equal objectives the same thing? */
typedef bool dse_archive_same(const void *context, int64_t tag, int64_t other);

/* same: NULL where equal objectives are the same; context is borrowed until the end. */
DSE_MUST_USE enum dse_status dse_archive_new(const struct dse_space *space, dse_archive_same *same,
                                             const void *context, struct dse_archive **archive,
                                             struct dse_err *err);
void dse_archive_free(struct dse_archive *archive);

struct dse_archive_change {
    bool is_in;          /* nobody dominates it, and the same was not there */
    const int64_t *gone; /* tags of those that it dominates; borrowed until the next offer */
    int n_gone;
};
/* objectives: n_objectives in their own senses, none NaN. NO_MEMORY: nothing has changed. */
DSE_MUST_USE enum dse_status dse_archive_offer(struct dse_archive *archive,
                                               const double *objectives, int64_t tag,
                                               struct dse_archive_change *change,
                                               struct dse_err *err);
/* Members now. */
int dse_archive_size(const struct dse_archive *archive);
/* [size][n_objectives], own senses; in no promised order. */
void dse_archive_points(const struct dse_archive *archive, double *points);

#endif
