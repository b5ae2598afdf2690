/* Zitzler, Deb, Thiele 2000, "Comparison of multiobjective evolutionary algorithms": two
 * objectives, the first a function of the first gene. ZDT5, on bit strings, is left out. */
#include "problems/functions/functions.h"

#include <math.h>

enum { LONG = 30, SHORT = 10 };

static struct dse_gene unit_gene(int i) {
    (void)i;
    return (struct dse_gene){.type = DSE_GENE_FLOAT, .lower = 0, .upper = 1};
}

/* ZDT4: all genes but the first. */
static struct dse_gene wide_gene(int i) {
    if (i == 0)
        return unit_gene(i);
    return (struct dse_gene){.type = DSE_GENE_FLOAT, .lower = -5, .upper = 5};
}

static double mean_of_rest(const double *x, int n) {
    double sum = 0;
    for (int i = 1; i < n; i++)
        sum += x[i];
    return sum / (n - 1);
}

static void zdt1(const double *x, double *f) {
    double g = 1 + 9 * mean_of_rest(x, LONG);
    f[0] = x[0];
    f[1] = g * (1 - sqrt(x[0] / g));
}

static void zdt2(const double *x, double *f) {
    double g = 1 + 9 * mean_of_rest(x, LONG), share = x[0] / g;
    f[0] = x[0];
    f[1] = g * (1 - share * share);
}

static void zdt3(const double *x, double *f) {
    double g = 1 + 9 * mean_of_rest(x, LONG), share = x[0] / g;
    f[0] = x[0];
    f[1] = g * (1 - sqrt(share) - share * dse_math_sin_pi(10 * x[0]));
}

static void zdt4(const double *x, double *f) {
    double g = 1 + 10 * (SHORT - 1);
    for (int i = 1; i < SHORT; i++)
        g += x[i] * x[i] - 10 * dse_math_cos_pi(4 * x[i]);
    f[0] = x[0];
    f[1] = g * (1 - sqrt(x[0] / g));
}

static void zdt6(const double *x, double *f) {
    double wave = dse_math_sin_pi(6 * x[0]);
    double g = 1 + 9 * sqrt(sqrt(mean_of_rest(x, SHORT)));
    f[0] = 1 - dse_math_exp(-4 * x[0]) * dse_math_pow(wave * wave, 3);
    double share = f[0] / g;
    f[1] = g * (1 - share * share);
}

const struct dse_function_def problems__zdt[] = {
    {"zdt1", "convex front", LONG, "--", 0, unit_gene, zdt1},
    {"zdt2", "concave front", LONG, "--", 0, unit_gene, zdt2},
    {"zdt3", "front in five parts", LONG, "--", 0, unit_gene, zdt3},
    {"zdt4", "many local fronts", SHORT, "--", 0, wide_gene, zdt4},
    {"zdt6", "front unevenly dense", SHORT, "--", 0, unit_gene, zdt6},
    {0},
};
