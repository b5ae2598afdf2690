/* Sampling; simulated binary crossover (Deb, Agrawal 1995) and polynomial mutation (Deb, Goyal
 * 1996), both in the bounded form of Deb's NSGA-II code and with pymoo's probabilities; one-point
 * and uniform crossover (Syswerda 1989); mutation to any other value. */
#include "search/search_internal.h"

#include <math.h>
#include <string.h>

/* In this share of the matings the two values of a crossed gene change places, each with
 * probability 1/2; in the others the first child has the smaller ones (pymoo 0.6.0's prob_exch). */
static const double EXCHANGE_MATING_PROB = 0.5;
static const double EXCHANGE_GENE_PROB = 0.5;
/* Genes of two parents that are closer are not crossed. */
static const double LEAST_DIFFERENCE = 1e-14;
static const double MUTATE_GENE_PROB_MAX = 0.5;

/* True with probability p, to 2^-32. */
static bool happens(struct dse_rng *rng, double p) {
    return (double)dse_rng_u32(rng) * 0x1p-32 < p;
}

static uint32_t count_values(const struct dse_gene *gene) {
    double distance = gene->upper - gene->lower;
    dse_assert(distance >= 0 && distance < (double)UINT32_MAX);
    return (uint32_t)distance + 1;
}

void search__sample(const struct dse_space *space, struct dse_rng *rng, double *genome) {
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        if (gene->type == DSE_GENE_FLOAT)
            genome[i] = gene->lower + dse_rng_uniform(rng) * (gene->upper - gene->lower);
        else
            genome[i] = gene->lower + dse_rng_below(rng, count_values(gene));
    }
}

/* How far children spread: the distribution's quantile at u, cut so that no child passes a bound
 * `room` away from the nearer parent; distance is that of the parents. */
static double spread_factor(double u, double room, double distance, double eta) {
    double beta = 1 + 2 * room / distance;
    double alpha = 2 - dse_math_pow(beta, -(eta + 1));
    double x = u * alpha <= 1 ? u * alpha : 1 / (2 - u * alpha);
    return dse_math_pow(x, 1 / (eta + 1));
}

static double clamp(const struct dse_gene *gene, double x) {
    return x < gene->lower ? gene->lower : x > gene->upper ? gene->upper : x;
}

/* The children's values, the smaller first. */
static void cross_numbers(const struct dse_gene *gene, double eta, double u, double a, double b,
                          double *x, double *y) {
    double low = a < b ? a : b, high = a < b ? b : a, distance = high - low;
    double below = spread_factor(u, low - gene->lower, distance, eta);
    double above = spread_factor(u, gene->upper - high, distance, eta);
    *x = clamp(gene, 0.5 * (low + high - below * distance));
    *y = clamp(gene, 0.5 * (low + high + above * distance));
}

static void swap(double *x, double *y) {
    double kept = *x;
    *x = *y;
    *y = kept;
}

/* Genes of children that begin as copies of their parents. */
static void cross_simulated_binary(const struct dse_space *space,
                                   const struct dse_search_options *options, struct dse_rng *rng,
                                   double *x, double *y) {
    bool exchanges = happens(rng, EXCHANGE_MATING_PROB);
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        if (!happens(rng, options->crossover_gene_prob))
            continue;
        if (gene->type == DSE_GENE_CATEGORY) {
            swap(&x[i], &y[i]);
            continue;
        }
        if (fabs(x[i] - y[i]) <= LEAST_DIFFERENCE)
            continue;
        double u = dse_rng_uniform(rng);
        cross_numbers(gene, options->crossover_eta, u, x[i], y[i], &x[i], &y[i]);
        if (exchanges && happens(rng, EXCHANGE_GENE_PROB))
            swap(&x[i], &y[i]);
    }
}

static void cross_one_point(const struct dse_space *space, const struct dse_search_options *options,
                            struct dse_rng *rng, double *x, double *y) {
    (void)options;
    if (space->n_genes < 2)
        return;
    uint32_t first = 1 + dse_rng_below(rng, (uint32_t)space->n_genes - 1);
    for (int i = (int)first; i < space->n_genes; i++)
        swap(&x[i], &y[i]);
}

static void cross_uniform(const struct dse_space *space, const struct dse_search_options *options,
                          struct dse_rng *rng, double *x, double *y) {
    for (int i = 0; i < space->n_genes; i++)
        if (happens(rng, options->crossover_gene_prob))
            swap(&x[i], &y[i]);
}

typedef void (*cross_function)(const struct dse_space *space,
                               const struct dse_search_options *options, struct dse_rng *rng,
                               double *x, double *y);

void search__crossover(const struct dse_space *space, const struct dse_search_options *options,
                       struct dse_rng *rng, const double *a, const double *b, double *x,
                       double *y) {
    static const cross_function cross[] = {
        [DSE_CROSSOVER_sbx] = cross_simulated_binary,
        [DSE_CROSSOVER_one_point] = cross_one_point,
        [DSE_CROSSOVER_uniform] = cross_uniform,
    };
    size_t bytes = (size_t)space->n_genes * sizeof *x;
    memcpy(x, a, bytes);
    memcpy(y, b, bytes);
    if (happens(rng, options->crossover_prob))
        cross[options->crossover](space, options, rng, x, y);
}

static double mutate_number(const struct dse_gene *gene, double eta, double u, double x) {
    double range = gene->upper - gene->lower;
    double to_lower = (x - gene->lower) / range, to_upper = (gene->upper - x) / range;
    double step;
    if (u <= 0.5)
        step =
            dse_math_pow(2 * u + (1 - 2 * u) * dse_math_pow(1 - to_lower, eta + 1), 1 / (eta + 1)) -
            1;
    else
        step = 1 - dse_math_pow(2 * (1 - u) + 2 * (u - 0.5) * dse_math_pow(1 - to_upper, eta + 1),
                                1 / (eta + 1));
    return clamp(gene, x + step * range);
}

/* Any other value of a gene that is not a float. */
static double mutate_to_other(const struct dse_gene *gene, struct dse_rng *rng, double x) {
    double drawn = gene->lower + dse_rng_below(rng, count_values(gene) - 1);
    return drawn >= x ? drawn + 1 : drawn;
}

static double mutate_gene(const struct dse_gene *gene, const struct dse_search_options *options,
                          struct dse_rng *rng, double x) {
    bool polynomial = options->mutation == DSE_MUTATION_polynomial;
    if (gene->type == DSE_GENE_CATEGORY || (gene->type == DSE_GENE_INT && !polynomial))
        return mutate_to_other(gene, rng, x);
    double u = dse_rng_uniform(rng);
    if (!polynomial)
        return gene->lower + u * (gene->upper - gene->lower);
    return mutate_number(gene, options->mutation_eta, u, x);
}

void search__mutate(const struct dse_space *space, const struct dse_search_options *options,
                    struct dse_rng *rng, double *genome) {
    if (!happens(rng, options->mutation_prob))
        return;
    double gene_prob = fmin(MUTATE_GENE_PROB_MAX, 1.0 / space->n_genes);
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        if (happens(rng, gene_prob) && gene->lower < gene->upper)
            genome[i] = mutate_gene(gene, options, rng, genome[i]);
    }
}
