/* A bounded knapsack: how often each of thirty items is packed. Most value, least weight, and no
 * more weight than the knapsack bears. Values and weights come from two linear congruences, so that
 * everybody has the same items. */
#include "problems/functions/functions.h"

enum { ITEMS = 30, COPIES = 5, CAPACITY = 2000, MODULUS = 101 };

static struct dse_gene copies_gene(int i) {
    (void)i;
    return (struct dse_gene){.type = DSE_GENE_INT, .lower = 0, .upper = COPIES};
}

/* 1 to 100, coprime steps: no two items are alike. */
static int weight_of(int item) {
    return (37 * (item + 1)) % MODULUS;
}

static int value_of(int item) {
    return (59 * (item + 1)) % MODULUS;
}

static void knapsack(const double *x, double *f) {
    double value = 0, weight = 0;
    for (int i = 0; i < ITEMS; i++) {
        value += x[i] * value_of(i);
        weight += x[i] * weight_of(i);
    }
    f[0] = value;
    f[1] = weight;
    f[2] = weight - CAPACITY;
}

const struct dse_function_def problems__knapsack[] = {
    {"knapsack", "value against weight of thirty items, up to five of each", ITEMS, "+-", 1,
     copies_gene, knapsack},
    {0},
};
