/* Constrained problems of two objectives, as in Deb 2001, "Multi-objective optimization using
 * evolutionary algorithms", section 8.3. A constraint is met when its value is at most 0. */
#include "problems/functions/functions.h"

#include <math.h>

static struct dse_gene gene_between(double lower, double upper) {
    return (struct dse_gene){.type = DSE_GENE_FLOAT, .lower = lower, .upper = upper};
}

static double square(double x) {
    return x * x;
}

/* Binh, Korn 1997. */
static struct dse_gene bnh_gene(int i) {
    return gene_between(0, i == 0 ? 5 : 3);
}

static void bnh(const double *x, double *f) {
    f[0] = 4 * square(x[0]) + 4 * square(x[1]);
    f[1] = square(x[0] - 5) + square(x[1] - 5);
    f[2] = square(x[0] - 5) + square(x[1]) - 25;
    f[3] = 7.7 - square(x[0] - 8) - square(x[1] + 3);
}

/* Srinivas, Deb 1994. */
static struct dse_gene srn_gene(int i) {
    (void)i;
    return gene_between(-20, 20);
}

static void srn(const double *x, double *f) {
    f[0] = 2 + square(x[0] - 2) + square(x[1] - 1);
    f[1] = 9 * x[0] - square(x[1] - 1);
    f[2] = square(x[0]) + square(x[1]) - 225;
    f[3] = x[0] - 3 * x[1] + 10;
}

/* Tanaka, Watanabe, Furukawa, Tanino 1995. */
static struct dse_gene tnk_gene(int i) {
    (void)i;
    return gene_between(0, 0x1.921fb54442d18p+1);
}

static void tnk(const double *x, double *f) {
    double norm = square(x[0]) + square(x[1]);
    /* cos(16 atan(x / y)): the cosine of the angle, doubled four times. */
    double cosine = norm > 0 ? x[1] / sqrt(norm) : 0;
    for (int i = 0; i < 4; i++)
        cosine = 2 * cosine * cosine - 1;
    f[0] = x[0];
    f[1] = x[1];
    f[2] = 1 + 0.1 * cosine - norm;
    f[3] = square(x[0] - 0.5) + square(x[1] - 0.5) - 0.5;
}

/* Osyczka, Kundu 1995. */
static struct dse_gene osy_gene(int i) {
    static const double bounds[][2] = {{0, 10}, {0, 10}, {1, 5}, {0, 6}, {1, 5}, {0, 10}};
    return gene_between(bounds[i][0], bounds[i][1]);
}

static void osy(const double *x, double *f) {
    f[0] = -(25 * square(x[0] - 2) + square(x[1] - 2) + square(x[2] - 1) + square(x[3] - 4) +
             square(x[4] - 1));
    f[1] = 0;
    for (int i = 0; i < 6; i++)
        f[1] += square(x[i]);
    f[2] = 2 - x[0] - x[1];
    f[3] = x[0] + x[1] - 6;
    f[4] = x[1] - x[0] - 2;
    f[5] = x[0] - 3 * x[1] - 2;
    f[6] = square(x[2] - 3) + x[3] - 4;
    f[7] = 4 - square(x[4] - 3) - x[5];
}

const struct dse_function_def problems__constrained[] = {
    {"bnh", "two genes, two constraints", 2, "--", 2, bnh_gene, bnh},
    {"srn", "two genes, two constraints", 2, "--", 2, srn_gene, srn},
    {"tnk", "the front lies on the constraints", 2, "--", 2, tnk_gene, tnk},
    {"osy", "six genes, six constraints, front in five parts", 6, "--", 6, osy_gene, osy},
    {0},
};
