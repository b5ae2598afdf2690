/* search: hypervolumes of whole searches beside pagmo2's NSGA-II with the same operators and budget
 * (25,000 evaluations, 31 seeds; recorded by tests/bench/bench_pagmo.cpp), and the known fronts of
 * constrained problems. Prints the tables of search/README.md. */
#include "tests/unit/search/search_testing.h"

#include <math.h>

enum { SEEDS = 31, POPULATION = 100, GENERATIONS = 250, FRONT_POINTS = 4000 };

static const struct dse_function_def *current; /* the one under test, for evaluate_current */

static void evaluate_current(const double *genome, int n_genes, double *objectives,
                             double *violation) {
    enum { VALUES_MAX = 16 };
    double values[VALUES_MAX];
    int m = (int)strlen(current->senses);
    (void)n_genes;
    assert_true(m + current->n_constraints <= VALUES_MAX);
    current->evaluate(genome, values);
    memcpy(objectives, values, (size_t)m * sizeof *values);
    *violation = 0;
    for (int i = 0; i < current->n_constraints; i++)
        *violation += fmax(0, values[m + i]);
}

/* The space of a function; genes has room. */
static struct dse_space space_of_function(const struct dse_function_def *def,
                                          struct dse_gene *genes) {
    struct dse_space space = {.genes = genes, .n_genes = def->n_genes};
    for (int i = 0; i < def->n_genes; i++)
        genes[i] = def->gene(i);
    for (const char *sense = def->senses; *sense != '\0'; sense++)
        space.objectives[space.n_objectives++].sense = *sense == '+' ? DSE_MAXIMIZE : DSE_MINIMIZE;
    return space;
}

/* The operators of pagmo2's nsga2(gen, 0.9, 15, 1/n, 20). */
static double search_volume(const char *name, uint64_t seed, const double *reference) {
    struct dse_gene genes[EVOLUTION_GENES_MAX];
    current = dse_function_find(name);
    assert_non_null(current);
    struct dse_space space = space_of_function(current, genes);
    struct dse_search_options options = dse_search_options_default();
    options.population = POPULATION;
    options.crossover_prob = 0.9;
    options.crossover_eta = 15;
    options.mutation_prob = 1;
    options.mutation_eta = 20;
    struct evolution e;
    evolution_init(&e, &space, &options, seed, evaluate_current);
    evolution_run(&e, GENERATIONS);
    double volume = evolution_volume(&e, reference);
    evolution_fini(&e);
    return volume;
}

/* Probability of a difference as large under equal distributions (Mann, Whitney 1947), two-sided,
 * by the normal approximation; ties count half. */
static double mann_whitney(const double *a, const double *b, int n) {
    double u = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            u += a[i] > b[j] ? 1 : a[i] == b[j] ? 0.5 : 0;
    double mean = 0.5 * n * n, deviation = sqrt(n * (double)n * (2 * n + 1) / 12);
    return erfc(fabs(u - mean) / deviation / sqrt(2));
}

static void volumes_are_not_below_those_of_pagmo(void **state) {
    (void)state;
    static const double reference[] = {1.1, 1.1, 1.1};
    static const char *const names[] = {"zdt1", "zdt2", "zdt3", "zdt4", "zdt6", "dtlz2"};
    FILE *file = fopen(DSE_FIXTURES_DIR "/search_volumes_pagmo.txt", "r");
    assert_non_null(file);
    bool worse = false;
    print_message("problem     ours      pagmo2      p (Mann-Whitney)\n");
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        double ours[SEEDS], theirs[SEEDS];
        assert_true(find_record(file, names[k]));
        for (int i = 0; i < SEEDS; i++)
            theirs[i] = read_real(file);
        for (int i = 0; i < SEEDS; i++)
            ours[i] = search_volume(names[k], (uint64_t)i + 1, reference);
        double p = mann_whitney(ours, theirs, SEEDS);
        qsort(ours, SEEDS, sizeof *ours, compare_doubles);
        qsort(theirs, SEEDS, sizeof *theirs, compare_doubles);
        double median = ours[SEEDS / 2], pagmo = theirs[SEEDS / 2];
        print_message("%-7s  %9.6f  %9.6f  %8.2g\n", names[k], median, pagmo, p);
        worse = worse || (median < pagmo && p <= 0.05);
    }
    assert_int_equal(fclose(file), 0);
    assert_false(worse);
}

/* Points of a known front: genes at t in 0..1. */
static void bnh_front(double t, double *x) {
    double along = 5 * t;
    x[0] = along;
    x[1] = along < 3 ? along : 3;
}

/* The literature gives x = -2.5 alone. The front begins at the least first objective, on the line
 * of the second constraint, and ends on the circle of the first one, at the least second objective,
 * where 9 y = -2 x (y - 1). */
static void srn_front(double t, double *x) {
    const double line = 0.1, straight = 0.9, least = -4.84;
    if (t < line) {
        x[1] = 3.7 + t / line * (2.5 - 3.7);
        x[0] = 3 * x[1] - 10;
    } else if (t < straight) {
        x[0] = -2.5;
        x[1] = 2.5 + (t - line) / (straight - line) * (sqrt(225 - 2.5 * 2.5) - 2.5);
    } else {
        x[0] = -2.5 + (t - straight) / (1 - straight) * (least + 2.5);
        x[1] = sqrt(225 - x[0] * x[0]);
    }
}

static void tnk_front(double t, double *x) {
    double angle = t * acos(0), radius = sqrt(1 + 0.1 * cos(16 * angle));
    x[0] = radius * sin(angle);
    x[1] = radius * cos(angle);
}

/* Deb 2001, table 28: five parts, x4 = x6 = 0. */
static void osy_front(double t, double *x) {
    int part = t < 1 ? (int)(5 * t) : 4;
    double along = 5 * t - part;
    static const double fixed[5][6] = {{5, 1, 0, 0, 5, 0},
                                       {5, 1, 0, 0, 1, 0},
                                       {0, 0, 1, 0, 1, 0},
                                       {0, 2, 0, 0, 1, 0},
                                       {0, 0, 1, 0, 1, 0}};
    memcpy(x, fixed[part], sizeof fixed[part]);
    if (part < 2)
        x[2] = 1 + 4 * along;
    else if (part == 2)
        x[0] = 4.056 + (5 - 4.056) * along;
    else if (part == 3)
        x[2] = 1 + 2.732 * along;
    else
        x[0] = along;
    if (part == 2)
        x[1] = (x[0] - 2) / 3;
    if (part == 4)
        x[1] = 2 - x[0];
}

/* Volume of the feasible points of a known front. */
static double known_volume(const char *name, void (*front)(double t, double *x),
                           const double *reference) {
    static double points[2 * FRONT_POINTS];
    struct dse_space space = {.n_objectives = 2};
    struct dse_err err = {0};
    double x[8], violation, volume;
    int n = 0;
    current = dse_function_find(name);
    for (int i = 0; i < FRONT_POINTS; i++) {
        front(i / (FRONT_POINTS - 1.0), x);
        evaluate_current(x, 2, points + 2 * n, &violation);
        n += violation < 1e-9;
    }
    assert_true(n > FRONT_POINTS / 2);
    assert_ok(dse_search_hypervolume(&space, points, n, reference, &volume, &err), &err);
    return volume;
}

static void constrained_problems_reach_their_fronts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        void (*front)(double t, double *x);
        double reference[2];
        double share; /* 100 points on the front lose about 1 - share of its volume */
    } problems[] = {
        {"bnh", bnh_front, {140, 50}, 0.99},
        {"srn", srn_front, {250, 10}, 0.985},
        {"tnk", tnk_front, {1.1, 1.1}, 0.97},
        {"osy", osy_front, {-30, 90}, 0.95},
    };
    bool lost = false;
    print_message("problem   median share of the known front's volume (worst, best)\n");
    for (size_t k = 0; k < sizeof problems / sizeof problems[0]; k++) {
        const double *reference = problems[k].reference;
        double known = known_volume(problems[k].name, problems[k].front, reference);
        double shares[SEEDS];
        for (int i = 0; i < SEEDS; i++)
            shares[i] = search_volume(problems[k].name, (uint64_t)i + 1, reference) / known;
        qsort(shares, SEEDS, sizeof *shares, compare_doubles);
        print_message("%-7s   %.4f (%.4f, %.4f)\n", problems[k].name, shares[SEEDS / 2], shares[0],
                      shares[SEEDS - 1]);
        /* Nothing is better than the front but for its points' distances. */
        lost = lost || shares[SEEDS / 2] < problems[k].share || shares[SEEDS - 1] > 1.001;
    }
    assert_false(lost);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_are_not_below_those_of_pagmo),
        cmocka_unit_test(constrained_problems_reach_their_fronts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
