/* Shared by the files of search/ only. */
#ifndef DSE_SEARCH_INTERNAL_H
#define DSE_SEARCH_INTERNAL_H

#include "search/search.h"

/* Non-dominated sorting of n rows of m values, all minimised and finite. rank[i] is the number of
 * the front of row i, from 0; equal rows have equal ranks. */
DSE_MUST_USE enum dse_status search__rank_fronts(const double *rows, int n, int m, int *rank,
                                                 int *n_fronts, struct dse_err *err);

/* Crowding distances of one front: members[n] are indices of rows of m values and of crowding. */
DSE_MUST_USE enum dse_status search__crowd_front(const double *rows, int m, const int *members,
                                                 int n, double *crowding, struct dse_err *err);

/* Sorts the indices in order[n] of rows of m values lexicographically, then by index. */
void search__sort_rows(const double *rows, int m, int *order, int n);
bool search__rows_are_equal(const double *a, const double *b, int m);

/* A value and whose it is; sorted by value, then index. */
struct search__keyed {
    double key;
    int index;
};
void search__sort_keyed(struct search__keyed *items, int n);

/* The minimal points of a set in the plane (both coordinates minimised): x ascends, y descends,
 * both strictly. {0} is empty. */
struct search__staircase {
    struct search__step {
        double x, y;
    } * steps;
    int n, capacity;
};
/* Does a step have both coordinates at most those of (x, y)? O(log n). */
bool search__staircase_covers(const struct search__staircase *stairs, double x, double y);
/* Adds a point that is not covered and drops those that it covers. */
DSE_MUST_USE enum dse_status search__staircase_add(struct search__staircase *stairs, double x,
                                                   double y, struct dse_err *err);
/* Area between the stairs and the corner that (x, y), not covered, would add. */
double search__staircase_gain(const struct search__staircase *stairs, double x, double y,
                              double corner_x, double corner_y);
void search__staircase_fini(struct search__staircase *stairs);

/* Exact set of genomes; borrows them. */
struct search__genome_set {
    const double **slots; /* NULL: free */
    size_t n_slots;       /* a power of two, more than twice what will be added */
    int n_genes;
};
DSE_MUST_USE enum dse_status search__genome_set_init(struct search__genome_set *set, int n_genes,
                                                     size_t most, struct dse_err *err);
void search__genome_set_fini(struct search__genome_set *set);
bool search__genome_set_has(const struct search__genome_set *set, const double *genome);
/* genome stays in place as long as the set; it is not in the set. */
void search__genome_set_add(struct search__genome_set *set, const double *genome);

/* Operators. Each draws from rng in a fixed order; children are not repaired.
 * Simulated binary crossover of parents a and b into children x and y. */
void search__crossover(const struct dse_space *space, const struct dse_search_options *options,
                       struct dse_rng *rng, const double *a, const double *b, double *x, double *y);
/* Polynomial mutation in place. */
void search__mutate(const struct dse_space *space, const struct dse_search_options *options,
                    struct dse_rng *rng, double *genome);
/* A genome with every gene uniform over its values. */
void search__sample(const struct dse_space *space, struct dse_rng *rng, double *genome);

#endif
