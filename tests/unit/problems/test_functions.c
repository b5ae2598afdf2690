/* problems: the function problems, against pagmo2's values, other formulas and known fronts. */
#include "tests/lib/testing.h"

#include <math.h>

#include "problems/problems.h"

enum { VALUES_MAX = 16, GENES_MAX = 64 };

static void evaluate(const char *name, const double *x, double *values) {
    const struct dse_function_def *def = dse_function_find(name);
    assert_non_null(def);
    def->evaluate(x, values);
}

/* Genes over all of their ranges, the same as were given to pagmo2 2.18. */
static void values_agree_with_pagmo(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double values[3];
    } expected[] = {
        {"zdt1", {0.27272727272727271, 4.0624415573217236}},
        {"zdt2", {0.27272727272727271, 5.2460478775673378}},
        {"zdt3", {0.27272727272727271, 3.8563280370432893}},
        {"zdt4", {0.27272727272727271, 159.40763017472247}},
        {"zdt6", {0.80970885979343288, 8.3117254555501887}},
        {"dtlz1", {69.804165254662806, 6.9804165254662829, 204.75888474701094}},
        {"dtlz2", {0.22841699851704514, 1.5886751203560017, 0.73298434112316313}},
        {"dtlz7", {0.27272727272727271, 0.90909090909090906, 15.888234709462786}},
    };
    for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++) {
        const struct dse_function_def *def = dse_function_find(expected[k].name);
        double x[GENES_MAX], values[VALUES_MAX];
        assert_non_null(def);
        for (int i = 0; i < def->n_genes; i++) {
            struct dse_gene gene = def->gene(i);
            x[i] = gene.lower + (gene.upper - gene.lower) * ((i * 7 + 3) % 11) / 11;
        }
        def->evaluate(x, values);
        for (size_t j = 0; j < strlen(def->senses); j++)
            assert_true(fabs(values[j] - expected[k].values[j]) <=
                        1e-12 * fmax(1, fabs(expected[k].values[j])));
    }
}

/* With the arc tangent of the paper. */
static void tnk_equals_its_formula(void **state) {
    (void)state;
    for (double a = 0.01; a < 3; a += 0.13)
        for (double b = 0.01; b < 3; b += 0.17) {
            double values[VALUES_MAX];
            evaluate("tnk", (double[]){a, b}, values);
            double bound = 1 + 0.1 * cos(16 * atan(a / b));
            assert_true(fabs(values[2] - (bound - a * a - b * b)) < 1e-12);
        }
    double values[VALUES_MAX];
    evaluate("tnk", (double[]){0, 0}, values);
    assert_true(isfinite(values[2]));
}

/* One point of each known front, computed by hand. */
static void constrained_values_by_hand(void **state) {
    (void)state;
    double v[VALUES_MAX];
    evaluate("bnh", (double[]){5, 3}, v);
    assert_true(v[0] == 136 && v[1] == 4 && v[2] == -16 && fabs(v[3] + 37.3) < 1e-12);
    evaluate("srn", (double[]){-2.5, 2.5}, v);
    assert_true(v[0] == 24.5 && v[1] == -24.75 && v[2] == -212.5 && v[3] == 0);
    evaluate("osy", (double[]){5, 1, 5, 0, 5, 0}, v);
    assert_true(v[0] == -(225 + 1 + 16 + 16 + 16) && v[1] == 25 + 1 + 25 + 25);
    static const double constraints[] = {-4, 0, -6, 0, 0, 0};
    for (int i = 0; i < 6; i++)
        assert_true(v[2 + i] == constraints[i]);
}

/* No item dominates another by being the same; some packings fit, all items do not. */
static void knapsack_adds_up(void **state) {
    (void)state;
    const struct dse_function_def *def = dse_function_find("knapsack");
    double x[GENES_MAX] = {0}, v[VALUES_MAX], first[VALUES_MAX];
    assert_non_null(def);
    def->evaluate(x, v);
    assert_true(v[0] == 0 && v[1] == 0 && v[2] == -2000);
    x[0] = 2;
    def->evaluate(x, first);
    assert_true(first[0] == 2 * 59 && first[1] == 2 * 37 && first[2] == 2 * 37 - 2000);
    for (int i = 0; i < def->n_genes; i++)
        x[i] = def->gene(i).upper;
    def->evaluate(x, v);
    assert_true(v[2] > 2000);
}

static void the_table_is_sound(void **state) {
    (void)state;
    const struct dse_function_def *def;
    int n = 0;
    for (; (def = dse_function_at(n)) != NULL; n++) {
        double x[GENES_MAX], values[VALUES_MAX];
        assert_ptr_equal(dse_function_find(def->name), def); /* no name twice */
        assert_in_range(def->n_genes, 1, GENES_MAX);
        for (int i = 0; i < def->n_genes; i++) {
            struct dse_gene gene = def->gene(i);
            assert_true(gene.lower < gene.upper && gene.name[0] == '\0');
            x[i] = gene.lower;
        }
        int n_values = (int)strlen(def->senses) + def->n_constraints;
        assert_in_range(n_values, 2, VALUES_MAX - 1);
        for (int j = 0; j < VALUES_MAX; j++)
            values[j] = NAN;
        def->evaluate(x, values);
        for (int j = 0; j < VALUES_MAX; j++)
            assert_int_equal(isfinite(values[j]), j < n_values);
    }
    assert_int_equal(n, 13);
    assert_null(dse_function_find("zdt5"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_agree_with_pagmo),    cmocka_unit_test(tnk_equals_its_formula),
        cmocka_unit_test(constrained_values_by_hand), cmocka_unit_test(knapsack_adds_up),
        cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
