/* Deb, Thiele, Laumanns, Zitzler 2002, "Scalable multi-objective optimization test problems", with
 * three objectives and the numbers of genes that the paper suggests. */
#include "problems/functions/functions.h"

#include <math.h>

enum { OBJECTIVES = 3, GENES_1 = 7, GENES_2 = 12, GENES_7 = 22 };

static struct dse_gene unit_gene(int i) {
    (void)i;
    return (struct dse_gene){.type = DSE_GENE_FLOAT, .lower = 0, .upper = 1};
}

static void dtlz1(const double *x, double *f) {
    double g = GENES_1 - OBJECTIVES + 1;
    for (int i = OBJECTIVES - 1; i < GENES_1; i++)
        g += (x[i] - 0.5) * (x[i] - 0.5) - dse_math_cos_pi(20 * (x[i] - 0.5));
    double scale = 0.5 * (1 + 100 * g);
    f[0] = scale * x[0] * x[1];
    f[1] = scale * x[0] * (1 - x[1]);
    f[2] = scale * (1 - x[0]);
}

static void dtlz2(const double *x, double *f) {
    double g = 0;
    for (int i = OBJECTIVES - 1; i < GENES_2; i++)
        g += (x[i] - 0.5) * (x[i] - 0.5);
    double around = dse_math_cos_pi(x[0] / 2);
    f[0] = (1 + g) * around * dse_math_cos_pi(x[1] / 2);
    f[1] = (1 + g) * around * dse_math_sin_pi(x[1] / 2);
    f[2] = (1 + g) * dse_math_sin_pi(x[0] / 2);
}

static void dtlz7(const double *x, double *f) {
    double g = 1, h = OBJECTIVES;
    for (int i = OBJECTIVES - 1; i < GENES_7; i++)
        g += 9 * x[i] / (GENES_7 - OBJECTIVES + 1);
    for (int j = 0; j < OBJECTIVES - 1; j++) {
        f[j] = x[j];
        h -= f[j] / (1 + g) * (1 + dse_math_sin_pi(3 * f[j]));
    }
    f[OBJECTIVES - 1] = (1 + g) * h;
}

const struct dse_function_def problems__dtlz[] = {
    {"dtlz1", "plane front, many local ones", GENES_1, "---", 0, unit_gene, dtlz1},
    {"dtlz2", "an eighth of a sphere", GENES_2, "---", 0, unit_gene, dtlz2},
    {"dtlz7", "front in four parts", GENES_7, "---", 0, unit_gene, dtlz7},
    {0},
};
