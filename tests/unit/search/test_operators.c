/* search: what crossover, mutation, sampling and tournaments do, seen through ask. */
#include "tests/unit/search/search_testing.h"

#include <math.h>

/* A space of n genes of one kind. */
static struct dse_space space_of(struct dse_gene *genes, int n, enum dse_gene_type type,
                                 double lower, double upper) {
    for (int i = 0; i < n; i++)
        genes[i] = (struct dse_gene){.type = type, .lower = lower, .upper = upper};
    return (struct dse_space){.genes = genes, .n_genes = n, .n_objectives = 1};
}

/* Offspring of parents that are all alike but for their genomes. */
static int breed(const struct dse_space *space, const struct dse_search_options *options,
                 const double *parents, int n_parents, double *out) {
    struct dse_individual pool[4] = {0};
    double zero = 0;
    int n_out;
    struct dse_err err = {0};
    assert_true(n_parents <= 4);
    for (int i = 0; i < n_parents; i++)
        pool[i] =
            (struct dse_individual){.genome = parents + i * space->n_genes, .objectives = &zero};
    assert_ok(dse_search_ask(space, options, 99, 1, pool, n_parents, dse_genome_repair, out, &n_out,
                             &err),
              &err);
    return n_out;
}

/* Largest difference between the shares of draws below the recorded 1..99 % quantiles and k %. */
static double distance_to_quantiles(FILE *file, double *draws, int n) {
    qsort(draws, (size_t)n, sizeof *draws, compare_doubles);
    double largest = 0;
    for (int k = 1, below = 0; k < 100; k++) {
        double quantile = read_real(file);
        while (below < n && draws[below] < quantile)
            below++;
        largest = fmax(largest, fabs((double)below / n - k / 100.0));
    }
    return largest;
}

enum { DRAWS = 20000 };
/* Kolmogorov-Smirnov bound at p = 0.001 for half as many draws: two children share a number. */
#define DISTANCE_MAX (1.95 / sqrt(DRAWS / 2.0))

static void crossover_is_distributed_as_in_pagmo(void **state) {
    (void)state;
    FILE *file = open_pagmo_fixture();
    static double draws[DRAWS];
    int sets = 0;
    for (; find_record(file, "crossover "); sets++) {
        double parents[] = {read_real(file), read_real(file)};
        double lower = read_real(file), upper = read_real(file);
        struct dse_gene gene;
        struct dse_space space = space_of(&gene, 1, DSE_GENE_FLOAT, lower, upper);
        struct dse_search_options options = dse_search_options_default();
        options.offspring = DRAWS;
        options.crossover_eta = read_real(file);
        options.crossover_prob = options.crossover_gene_prob = 1;
        options.mutation_prob = 0;
        assert_int_equal(breed(&space, &options, parents, 2, draws), DRAWS);
        assert_true(distance_to_quantiles(file, draws, DRAWS) < DISTANCE_MAX);
    }
    assert_int_equal(sets, 2);
    assert_int_equal(fclose(file), 0);
}

static void mutation_is_distributed_as_in_pagmo(void **state) {
    (void)state;
    FILE *file = open_pagmo_fixture();
    static double draws[DRAWS];
    int sets = 0;
    for (; find_record(file, "mutation "); sets++) {
        double parent = read_real(file), lower = read_real(file), upper = read_real(file);
        struct dse_gene gene;
        struct dse_space space = space_of(&gene, 1, DSE_GENE_FLOAT, lower, upper);
        struct dse_search_options options = dse_search_options_default();
        options.offspring = DRAWS;
        options.mutation_eta = read_real(file);
        options.crossover_prob = 0;
        options.mutation_prob = 1;
        assert_int_equal(breed(&space, &options, &parent, 1, draws), DRAWS);
        assert_true(distance_to_quantiles(file, draws, DRAWS) < DISTANCE_MAX);
    }
    assert_int_equal(sets, 2);
    assert_int_equal(fclose(file), 0);
}

/* |share - expected| within four standard errors. */
static void assert_share(double count, double n, double expected) {
    if (fabs(count / n - expected) > 4 * sqrt(expected * (1 - expected) / n))
        fail_msg("%g of %g is not a share of %g", count, n, expected);
}

/* With many float genes no child is a duplicate, so nothing is dropped and shares count. */
static void probabilities_are_per_mating_individual_and_gene(void **state) {
    (void)state;
    enum { GENES = 40, CHILDREN = 8000 };
    static struct dse_gene genes[GENES];
    static double parents[4 * GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_FLOAT, 0, 1);
    struct dse_search_options options = dse_search_options_default();
    for (int i = 0; i < 4 * GENES; i++)
        parents[i] = 0.2 * (1 + i / GENES); /* all genes of a parent alike */
    options.offspring = CHILDREN;
    options.crossover_prob = 0;
    options.mutation_prob = 1;
    int n = breed(&space, &options, parents, 4, children), mutated = 0;
    assert_int_equal(n, CHILDREN);
    double share_without_any = pow(1 - 1.0 / GENES, GENES);
    for (int i = 0; i < n * GENES; i++) {
        double x = children[i];
        mutated += x != parents[0] && x != parents[GENES] && x != parents[2 * GENES] &&
                   x != parents[3 * GENES];
    }
    /* Children without any mutated gene are the parent again and were dropped. */
    assert_share(mutated, (double)n * GENES, 1.0 / GENES / (1 - share_without_any));
}

/* Without mutation a gene that differs from both parents' was crossed. */
static void crossed_genes_and_exchanges(void **state) {
    (void)state;
    enum { GENES = 60, CHILDREN = 4000 };
    static struct dse_gene genes[GENES];
    static double parents[2 * GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_FLOAT, 0, 1);
    for (int i = 0; i < 2 * GENES; i++)
        parents[i] = i < GENES ? 0.4 : 0.6;
    struct dse_search_options options = dse_search_options_default();
    options.offspring = CHILDREN;
    options.crossover_prob = 1;
    options.crossover_gene_prob = 0.3;
    options.mutation_prob = 0;
    int n = breed(&space, &options, parents, 2, children), crossed = 0;
    assert_int_equal(n, CHILDREN);
    for (int i = 0; i < n * GENES; i++)
        crossed += children[i] != 0.4 && children[i] != 0.6;
    assert_share(crossed, (double)n * GENES, 0.3);
    /* Half of the matings exchange, each gene with probability 1/2: in those about half of the
     * first child's crossed genes are above the middle, in the others none. */
    int exchanging = 0;
    for (int i = 0; i < n; i += 2) {
        int above = 0, all = 0;
        for (int j = 0; j < GENES; j++) {
            double x = children[i * GENES + j];
            bool is_crossed = x != 0.4 && x != 0.6;
            all += is_crossed;
            above += is_crossed && x > 0.5;
        }
        assert_true(above == 0 || (above > 0 && above < all));
        exchanging += above > 0;
    }
    assert_share(exchanging, n / 2, 0.5);
}

static void a_mating_crosses_with_its_probability(void **state) {
    (void)state;
    enum { GENES = 60, CHILDREN = 6000 };
    static struct dse_gene genes[GENES];
    static double parents[2 * GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_FLOAT, 0, 1);
    for (int i = 0; i < 2 * GENES; i++)
        parents[i] = i < GENES ? 0.4 : 0.6;
    struct dse_search_options options = dse_search_options_default();
    options.offspring = CHILDREN;
    options.crossover_prob = 0.5;
    options.crossover_gene_prob = 1;
    options.mutation_prob = 1;
    int n = breed(&space, &options, parents, 2, children), crossed = 0;
    for (int i = 0; i < n; i++) {
        int changed = 0;
        for (int j = 0; j < GENES; j++)
            changed += children[i * GENES + j] != 0.4 && children[i * GENES + j] != 0.6;
        crossed += changed == GENES;
    }
    /* Parents differ in half of the matings. Of the children that were not crossed those without a
     * mutated gene, (1 - 1/60)^60 of them, were dropped. */
    double plain = (1 - 0.25) * (1 - pow(1 - 1.0 / GENES, GENES));
    assert_share(crossed, n, 0.25 / (0.25 + plain));
}

static void the_initial_sample_is_uniform_over_integers(void **state) {
    (void)state;
    enum { GENES = 8, N = 7000, VALUES = 7 };
    static struct dse_gene genes[GENES];
    static double out[N * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_INT, 2, 8);
    struct dse_search_options options = dse_search_options_default();
    options.population = N;
    int n;
    struct dse_err err = {0};
    assert_ok(dse_search_ask(&space, &options, 1, 0, NULL, 0, dse_genome_repair, out, &n, &err),
              &err);
    assert_int_equal(n, N);
    for (int j = 0; j < GENES; j++) {
        double counts[VALUES] = {0}, chi2 = 0;
        for (int i = 0; i < n; i++)
            counts[(int)out[i * GENES + j] - 2]++;
        for (int v = 0; v < VALUES; v++)
            chi2 += (counts[v] - N / VALUES) * (counts[v] - N / VALUES) / (N / VALUES);
        assert_true(chi2 < 22.46); /* 6 degrees of freedom, p = 0.001; rounding floats gives 600 */
    }
}

static void categories_are_exchanged_and_mutate_to_any_other(void **state) {
    (void)state;
    enum { GENES = 30, CHILDREN = 3000 };
    static struct dse_gene genes[GENES];
    static double parents[2 * GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_CATEGORY, 0, 4);
    for (int i = 0; i < 2 * GENES; i++)
        parents[i] = i < GENES ? 1 : 3;
    struct dse_search_options options = dse_search_options_default();
    options.offspring = CHILDREN;
    options.mutation_prob = 0;
    options.crossover_prob = 1;
    int n = breed(&space, &options, parents, 2, children);
    for (int i = 0; i < n * GENES; i++) /* nothing in between */
        assert_true(children[i] == 1 || children[i] == 3);
    for (int i = 0; i + 1 < n; i += 2) /* what one has got the other has lost */
        for (int j = 0; j < GENES; j++)
            assert_true(children[i * GENES + j] + children[(i + 1) * GENES + j] == 4);
    options.mutation_prob = 1;
    options.crossover_prob = 0;
    n = breed(&space, &options, parents, 1, children);
    int counts[5] = {0}, mutated = 0;
    for (int i = 0; i < n * GENES; i++) {
        counts[(int)children[i]]++;
        mutated += children[i] != 1;
    }
    for (int v = 0; v < 5; v++)
        if (v != 1)
            assert_share(counts[v], mutated, 0.25);
}

static void one_point_exchanges_all_genes_after_a_point(void **state) {
    (void)state;
    enum { GENES = 10, CHILDREN = 9000 };
    static struct dse_gene genes[GENES];
    static double parents[2 * GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_FLOAT, 0, 1);
    struct dse_search_options options = dse_search_options_default();
    for (int i = 0; i < 2 * GENES; i++)
        parents[i] = i < GENES ? 0.25 : 0.75;
    options.offspring = CHILDREN;
    options.crossover = DSE_CROSSOVER_one_point;
    options.crossover_prob = 1;
    options.mutation_prob = 0;
    /* 9 points, and each of them gives two children: no more are new. */
    int n = breed(&space, &options, parents, 2, children);
    assert_int_equal(n, 2 * (GENES - 1));
    int seen[2][GENES] = {{0}};
    for (int i = 0; i < n; i++) {
        const double *child = children + i * GENES;
        int point = 1;
        while (point < GENES && child[point] == child[0])
            point++;
        assert_in_range(point, 1, GENES - 1);
        for (int j = point; j < GENES; j++)
            assert_true(child[j] == 1 - child[0]);
        seen[child[0] > 0.5][point]++;
    }
    for (int point = 1; point < GENES; point++)
        assert_true(seen[0][point] == 1 && seen[1][point] == 1);
}

static void uniform_crossover_exchanges_each_gene_alike(void **state) {
    (void)state;
    enum { GENES = 50, CHILDREN = 2000 };
    static struct dse_gene genes[GENES];
    static double parents[2 * GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_INT, 0, 9);
    struct dse_search_options options = dse_search_options_default();
    for (int i = 0; i < 2 * GENES; i++)
        parents[i] = i < GENES ? 2 : 7;
    options.offspring = CHILDREN;
    options.crossover = DSE_CROSSOVER_uniform;
    options.crossover_prob = 1;
    options.crossover_gene_prob = 0.3;
    options.mutation_prob = 0;
    int n = breed(&space, &options, parents, 2, children);
    assert_int_equal(n, CHILDREN);
    int exchanged = 0, pairs = 0;
    for (int i = 0; i + 1 < n; i += 2) {
        int of_second = 0;
        for (int j = 0; j < GENES; j++) {
            assert_true(children[i * GENES + j] + children[(i + 1) * GENES + j] == 9);
            of_second += children[i * GENES + j] == 7;
        }
        /* The first child may stem from either parent. */
        exchanged += of_second > GENES / 2 ? GENES - of_second : of_second;
        pairs++;
    }
    assert_share(exchanged, (double)pairs * GENES, 0.3);
}

/* A whole number moves to any other value alike, a float anywhere. */
static void uniform_mutation_reaches_every_value_alike(void **state) {
    (void)state;
    enum { GENES = 40, CHILDREN = 8000, VALUES = 7 };
    static struct dse_gene genes[GENES];
    static double parent[GENES], children[CHILDREN * GENES];
    struct dse_space space = space_of(genes, GENES, DSE_GENE_INT, 2, 8);
    struct dse_search_options options = dse_search_options_default();
    for (int i = 0; i < GENES; i++)
        parent[i] = 3;
    genes[0] = (struct dse_gene){.type = DSE_GENE_FLOAT, .lower = 0, .upper = 4};
    options.offspring = CHILDREN;
    options.mutation = DSE_MUTATION_uniform;
    options.crossover_prob = 0;
    options.mutation_prob = 1;
    int n = breed(&space, &options, parent, 1, children);
    int counts[VALUES + 2] = {0}, mutated = 0, below = 0, floats = 0;
    for (int i = 0; i < n * GENES; i++) {
        if (i % GENES == 0) {
            floats += children[i] != 3;
            below += children[i] < 1;
            continue;
        }
        counts[(int)children[i]]++;
        mutated += children[i] != 3;
    }
    for (int v = 2; v <= 8; v++)
        if (v != 3)
            assert_share(counts[v], mutated, 1.0 / (VALUES - 1));
    assert_true(floats > 50);
    assert_share(below, floats, 0.25);
}

/* Which of two parents a child without variation in all genes but the last comes from. */
static int count_children_of_second(const struct dse_individual *pool) {
    enum { CHILDREN = 200 };
    struct dse_gene genes[2] = {{"mark", DSE_GENE_INT, 0, 1}, {"free", DSE_GENE_FLOAT, 0, 1}};
    struct dse_space space = {.genes = genes, .n_genes = 2, .n_objectives = 2};
    struct dse_search_options options = dse_search_options_default();
    double children[2 * CHILDREN];
    options.offspring = CHILDREN;
    options.crossover_gene_prob = 0;
    options.mutation_prob = 1;
    options.mutation_eta = 1000; /* a mark of 0 or 1 moves by a few thousandths and rounds back */
    int n, second = 0;
    struct dse_err err = {0};
    assert_ok(
        dse_search_ask(&space, &options, 4, 1, pool, 2, dse_genome_repair, children, &n, &err),
        &err);
    assert_int_equal(n, CHILDREN);
    for (int i = 0; i < n; i++)
        second += children[2 * i] == 1;
    return second;
}

static void tournaments_prefer_feasible_then_dominating_then_crowding(void **state) {
    (void)state;
    static const double first[] = {0, 0.5}, second[] = {1, 0.5};
    static const double best[] = {1, 1}, behind_best[] = {2, 1}, other[] = {0, 9};
    /* The second parent is the better one. */
    static const struct dse_individual cases[][2] = {
        {{.violation = 0.1}, {.violation = 0, .rank = 9}},
        {{.violation = 0.2, .rank = 0}, {.violation = 0.1, .rank = 1}},
        {{.violation = INFINITY}, {.violation = 100}},
        {{.objectives = behind_best, .rank = 1, .crowding = 5},
         {.objectives = best, .rank = 0, .crowding = 1}},
        {{.objectives = other, .rank = 1, .crowding = 1},
         {.objectives = best, .rank = 1, .crowding = INFINITY}},
        /* Of a later front, but not dominated by this one. */
        {{.objectives = best, .rank = 0, .crowding = 1},
         {.objectives = other, .rank = 1, .crowding = 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_individual pool[2] = {cases[i][0], cases[i][1]};
        pool[0].genome = first;
        pool[1].genome = second;
        assert_int_equal(count_children_of_second(pool), 200);
    }
    struct dse_individual equals[2] = {{.genome = first, .violation = INFINITY},
                                       {.genome = second, .violation = INFINITY}};
    assert_share(count_children_of_second(equals), 200, 0.5);
    equals[0].violation = equals[1].violation = 0;
    assert_share(count_children_of_second(equals), 200, 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crossover_is_distributed_as_in_pagmo),
        cmocka_unit_test(mutation_is_distributed_as_in_pagmo),
        cmocka_unit_test(probabilities_are_per_mating_individual_and_gene),
        cmocka_unit_test(crossed_genes_and_exchanges),
        cmocka_unit_test(a_mating_crosses_with_its_probability),
        cmocka_unit_test(the_initial_sample_is_uniform_over_integers),
        cmocka_unit_test(categories_are_exchanged_and_mutate_to_any_other),
        cmocka_unit_test(one_point_exchanges_all_genes_after_a_point),
        cmocka_unit_test(uniform_crossover_exchanges_each_gene_alike),
        cmocka_unit_test(uniform_mutation_reaches_every_value_alike),
        cmocka_unit_test(tournaments_prefer_feasible_then_dominating_then_crowding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
