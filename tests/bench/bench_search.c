/* Prints the time of one generation, ask and survive, without evaluation: 20 whole genes, two and
 * three objectives. bench_search [seed]
 * bench_search zdt1 POPULATION GENERATIONS prints one number: milliseconds a generation of ZDT1 (30
 * real genes), evaluation included, as generations_beside_pagmo.sh wants it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "search/search.h"

enum { GENES_MAX = 30, OBJECTIVES_MAX = 3 };

static struct dse_gene genes[GENES_MAX];

static double now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Genes near 0 are good for the first objective, genes near 8 for the others. */
static void evaluate_whole(const double *genome, int n_genes, int m, double *objectives) {
    for (int j = 0; j < m; j++)
        objectives[j] = 0;
    for (int i = 0; i < n_genes; i++)
        for (int j = 0; j < m; j++)
            objectives[j] += j == 0 ? genome[i] : (1 + i % (j + 3)) * exp2(-genome[i]);
}

/* Zitzler, Deb, Thiele 2000. */
static void evaluate_zdt1(const double *genome, int n_genes, int m, double *objectives) {
    double sum = 0;
    (void)m;
    for (int i = 1; i < n_genes; i++)
        sum += genome[i];
    double g = 1 + 9 * sum / (n_genes - 1);
    objectives[0] = genome[0];
    objectives[1] = g * (1 - sqrt(genome[0] / g));
}

typedef void (*evaluate_function)(const double *genome, int n_genes, int m, double *objectives);

struct bench {
    evaluate_function evaluate;
    struct dse_space space;
    struct dse_search_options options;
    double *genomes, *objectives; /* two populations; the second half is new */
    struct dse_individual *pool, *kept;
    int *survivors;
    int n_parents;
};

/* Memory is not freed: the program ends soon. */
static void *take(size_t count, size_t size) {
    void *block = dse_alloc(count, size);
    if (block == NULL) {
        (void)fprintf(stderr, "bench_search: out of memory\n");
        exit(dse_status_exit(DSE_NO_MEMORY));
    }
    return block;
}

static void bench_init(struct bench *b, int n_genes, int population, int m) {
    *b = (struct bench){
        .evaluate = m == 2 && n_genes == GENES_MAX ? evaluate_zdt1 : evaluate_whole,
        .space = {.genes = genes, .n_genes = n_genes, .n_objectives = m},
    };
    size_t genes_bytes = (size_t)n_genes * sizeof *b->genomes;
    size_t n = 2 * (size_t)population;
    b->options = dse_search_options_default();
    b->options.population = population;
    b->genomes = take(n, genes_bytes);
    b->objectives = take(n * OBJECTIVES_MAX, sizeof *b->objectives);
    b->pool = take(n, sizeof *b->pool);
    b->kept = take(n, sizeof *b->kept);
    b->survivors = take(n, sizeof *b->survivors);
}

/* Genomes and objectives of the survivors move to the front of their arrays. */
static void keep_survivors(struct bench *b, int n_keep, int m) {
    size_t n_genes = (size_t)b->space.n_genes;
    double *genomes = take((size_t)n_keep, n_genes * sizeof *genomes);
    double *objectives = take((size_t)n_keep * OBJECTIVES_MAX, sizeof *objectives);
    for (int i = 0; i < n_keep; i++) {
        b->kept[i] = b->pool[b->survivors[i]];
        memcpy(genomes + (size_t)i * n_genes, b->kept[i].genome, n_genes * sizeof *genomes);
        memcpy(objectives + i * m, b->kept[i].objectives, (size_t)m * sizeof *objectives);
    }
    memcpy(b->genomes, genomes, (size_t)n_keep * n_genes * sizeof *genomes);
    memcpy(b->objectives, objectives, (size_t)(n_keep * m) * sizeof *objectives);
    for (int i = 0; i < n_keep; i++) {
        b->pool[i] = b->kept[i];
        b->pool[i].genome = b->genomes + (size_t)i * n_genes;
        b->pool[i].objectives = b->objectives + i * m;
    }
    b->n_parents = n_keep;
    dse_free(genomes);
    dse_free(objectives);
}

static enum dse_status step(struct bench *b, uint64_t seed, int generation, double *ask_ms,
                            double *survive_ms, struct dse_err *err) {
    int m = b->space.n_objectives, n_genes = b->space.n_genes, n_new;
    double *born = b->genomes + b->n_parents * n_genes;
    double start = now_ms();
    DSE_TRY(dse_search_ask(&b->space, &b->options, seed, generation, b->pool, b->n_parents,
                           dse_genome_repair, born, &n_new, err));
    *ask_ms += now_ms() - start;
    for (int i = 0; i < n_new; i++) {
        double *objectives = b->objectives + (b->n_parents + i) * m;
        b->evaluate(born + i * n_genes, n_genes, m, objectives);
        b->pool[b->n_parents + i] =
            (struct dse_individual){.genome = born + i * n_genes, .objectives = objectives};
    }
    int n_pool = b->n_parents + n_new;
    int n_keep = n_pool < b->options.population ? n_pool : b->options.population;
    start = now_ms();
    DSE_TRY(dse_search_survive(&b->space, b->pool, n_pool, n_keep, b->survivors, err));
    *survive_ms += now_ms() - start;
    keep_survivors(b, n_keep, m);
    return DSE_OK;
}

static enum dse_status run(struct bench *b, uint64_t seed, int generations, double *ask_ms,
                           double *survive_ms, struct dse_err *err) {
    *ask_ms = *survive_ms = 0;
    for (int g = 0; g < generations; g++)
        DSE_TRY(step(b, seed, g, ask_ms, survive_ms, err));
    return DSE_OK;
}

static enum dse_status print_whole(uint64_t seed, struct dse_err *err) {
    enum { GENES = 20 };
    static const struct {
        int population, generations;
    } sizes[] = {{100, 1000}, {1000, 100}, {10000, 10}};
    for (int i = 0; i < GENES; i++)
        genes[i] = (struct dse_gene){.type = DSE_GENE_INT, .lower = 0, .upper = 8};
    for (int m = 2; m <= OBJECTIVES_MAX; m++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct bench b;
            double ask_ms, survive_ms;
            bench_init(&b, GENES, sizes[i].population, m);
            DSE_TRY(run(&b, seed, sizes[i].generations, &ask_ms, &survive_ms, err));
            printf("population %6d, %d objectives: ask %8.3f ms, survive %8.3f ms a generation\n",
                   sizes[i].population, m, ask_ms / sizes[i].generations,
                   survive_ms / sizes[i].generations);
        }
    return DSE_OK;
}

static enum dse_status print_zdt1(int population, int generations, struct dse_err *err) {
    struct bench b;
    double ask_ms, survive_ms;
    for (int i = 0; i < GENES_MAX; i++)
        genes[i] = (struct dse_gene){.type = DSE_GENE_FLOAT, .lower = 0, .upper = 1};
    bench_init(&b, GENES_MAX, population, 2);
    double start = now_ms();
    DSE_TRY(run(&b, 1, generations, &ask_ms, &survive_ms, err));
    printf("%.4f\n", (now_ms() - start) / generations);
    return DSE_OK;
}

int main(int argc, char **argv) {
    struct dse_err err = {0};
    bool zdt1 = argc == 4 && strcmp(argv[1], "zdt1") == 0;
    enum dse_status status = zdt1 ? print_zdt1(atoi(argv[2]), atoi(argv[3]), &err)
                                  : print_whole(argc > 1 ? strtoull(argv[1], NULL, 10) : 1, &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_search: %s\n", err.text);
    return dse_status_exit(status);
}
