/* Sampling, simulated binary crossover (Deb, Agrawal 1995) and polynomial mutation (Deb, Goyal
 * 1996), both in the bounded form of Deb's NSGA-II code and with pymoo's probabilities. */
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

/* base ^ exponent for base >= 0, the same bits on every machine. */
static double power(double base, double exponent) {
    return base <= 0 ? 0.0 : dse_math_exp(exponent * dse_math_log(base));
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
    double alpha = 2 - power(beta, -(eta + 1));
    if (u * alpha <= 1)
        return power(u * alpha, 1 / (eta + 1));
    return power(1 / (2 - u * alpha), 1 / (eta + 1));
}

static double clamp(const struct dse_gene *gene, double x) {
    return fmin(fmax(x, gene->lower), gene->upper);
}

/* The children's values, the smaller first. */
static void cross_numbers(const struct dse_gene *gene, double eta, double u, double a, double b,
                          double *x, double *y) {
    double low = fmin(a, b), high = fmax(a, b), distance = high - low;
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

void search__crossover(const struct dse_space *space, const struct dse_search_options *options,
                       struct dse_rng *rng, const double *a, const double *b, double *x,
                       double *y) {
    size_t bytes = (size_t)space->n_genes * sizeof *x;
    memcpy(x, a, bytes);
    memcpy(y, b, bytes);
    if (dse_rng_uniform(rng) >= options->crossover_prob)
        return;
    bool exchanges = dse_rng_uniform(rng) < EXCHANGE_MATING_PROB;
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        if (dse_rng_uniform(rng) >= options->crossover_gene_prob)
            continue;
        if (gene->type == DSE_GENE_CATEGORY) {
            swap(&x[i], &y[i]);
            continue;
        }
        if (fabs(a[i] - b[i]) <= LEAST_DIFFERENCE)
            continue;
        double u = dse_rng_uniform(rng);
        cross_numbers(gene, options->crossover_eta, u, a[i], b[i], &x[i], &y[i]);
        if (exchanges && dse_rng_uniform(rng) < EXCHANGE_GENE_PROB)
            swap(&x[i], &y[i]);
    }
}

static double mutate_number(const struct dse_gene *gene, double eta, double u, double x) {
    double range = gene->upper - gene->lower;
    double to_lower = (x - gene->lower) / range, to_upper = (gene->upper - x) / range;
    double step;
    if (u <= 0.5)
        step = power(2 * u + (1 - 2 * u) * power(1 - to_lower, eta + 1), 1 / (eta + 1)) - 1;
    else
        step = 1 - power(2 * (1 - u) + 2 * (u - 0.5) * power(1 - to_upper, eta + 1), 1 / (eta + 1));
    return clamp(gene, x + step * range);
}

/* One of the other categories. */
static double mutate_category(const struct dse_gene *gene, struct dse_rng *rng, double x) {
    double drawn = gene->lower + dse_rng_below(rng, count_values(gene) - 1);
    return drawn >= x ? drawn + 1 : drawn;
}

void search__mutate(const struct dse_space *space, const struct dse_search_options *options,
                    struct dse_rng *rng, double *genome) {
    if (dse_rng_uniform(rng) >= options->mutation_prob)
        return;
    double gene_prob = fmin(MUTATE_GENE_PROB_MAX, 1.0 / space->n_genes);
    for (int i = 0; i < space->n_genes; i++) {
        const struct dse_gene *gene = &space->genes[i];
        if (dse_rng_uniform(rng) >= gene_prob || gene->lower == gene->upper)
            continue;
        if (gene->type == DSE_GENE_CATEGORY)
            genome[i] = mutate_category(gene, rng, genome[i]);
        else
            genome[i] = mutate_number(gene, options->mutation_eta, dse_rng_uniform(rng), genome[i]);
    }
}
