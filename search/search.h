/* search: NSGA-II (Deb, Pratap, Agarwal, Meyarivan 2002) as ask and tell, with integer genes and
 * constraints, operators and defaults as in pymoo 0.6. No loop, disk or clock.
 *
 * There is no generator state: offspring are a pure function of (seed, generation, population), so
 * a search is resumed by handing it the population it had. Objectives are given in their own sense
 * (space->objectives says which are maximised). */
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
    X(mutation_eta, double, 20, 0, 1000, "distribution index of polynomial mutation")

struct dse_search_options {
#define X(name, type, fallback, min, max, help) type name;
    DSE_SEARCH_OPTIONS(X)
#undef X
};
struct dse_search_options dse_search_options_default(void);

/* One evaluated individual as the search sees it. */
struct dse_individual {
    const double *genome;     /* borrowed, n_genes */
    const double *objectives; /* borrowed, n_objectives, own sense */
    double violation;         /* 0: feasible; +infinity: evaluation failed */
    int rank;                 /* from 0, set by dse_search_survive */
    double crowding;          /* set by dse_search_survive; extremes are +infinity */
};

/* Is a better than b in the sense of Pareto? Objectives only, own senses. */
bool dse_search_dominates(const struct dse_space *space, const double *a, const double *b);

/* Ranks and crowding distances (Deb et al. 2002, sections III-A and III-B; crowding normalised by
 * the front's range) of feasible individuals, then of the infeasible by violation. Order of pool
 * decides ties. Writes rank and crowding into pool and the indices of the best n_keep, best first
 * (by rank, then crowding, then index), into survivors. n_keep <= n_pool. */
DSE_MUST_USE enum dse_status dse_search_survive(const struct dse_space *space,
                                                struct dse_individual *pool, int n_pool, int n_keep,
                                                int *survivors, struct dse_err *err);

/* The genomes to evaluate in a generation.
 *   generation 0: n_parents is 0; a uniform sample of `population` genomes.
 *   later: parents are the survivors of the generation before, in the order survive gave.
 * No genome equals another of the answer or a parent, as long as 100 rounds of mating find new
 * ones (as pymoo); when the space is exhausted fewer are returned, *n_out may be 0.
 *   genomes: room for max(population, offspring) x n_genes doubles; *n_out: genomes written.
 *   repair: makes a varied genome valid (problem_def->repair). */
DSE_MUST_USE enum dse_status
dse_search_ask(const struct dse_space *space, const struct dse_search_options *options,
               uint64_t seed, int generation, const struct dse_individual *parents, int n_parents,
               void (*repair)(const struct dse_space *space, double *genome), double *genomes,
               int *n_out, struct dse_err *err);

/* Hypervolume of a set against a reference point, for 1 to 3 objectives in their own senses
 * (exact; sweep over sorted points). Points that do not dominate the reference count nothing.
 * points: [n][n_objectives]. UNSUPPORTED for more objectives. */
DSE_MUST_USE enum dse_status dse_search_hypervolume(const struct dse_space *space,
                                                    const double *points, int n,
                                                    const double *reference, double *volume,
                                                    struct dse_err *err);

#endif
