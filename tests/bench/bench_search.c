/* Prints the time of one generation, ask and survive, without evaluation: 20 genes, two and three
 * objectives. bench_search [seed] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "search/search.h"

enum { GENES = 20, OBJECTIVES_MAX = 3 };

static struct dse_gene genes[GENES];

static double now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Genes near 0 are good for the first objective, genes near 8 for the others. */
static void evaluate(const double *genome, int m, double *objectives) {
    for (int j = 0; j < m; j++)
        objectives[j] = 0;
    for (int i = 0; i < GENES; i++)
        for (int j = 0; j < m; j++)
            objectives[j] += j == 0 ? genome[i] : (1 + i % (j + 3)) * exp2(-genome[i]);
}

struct bench {
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

static void bench_init(struct bench *b, int population, int m) {
    *b = (struct bench){.space = {.genes = genes, .n_genes = GENES, .n_objectives = m}};
    size_t n = 2 * (size_t)population;
    b->options = dse_search_options_default();
    b->options.population = population;
    b->genomes = take(n * GENES, sizeof *b->genomes);
    b->objectives = take(n * OBJECTIVES_MAX, sizeof *b->objectives);
    b->pool = take(n, sizeof *b->pool);
    b->kept = take(n, sizeof *b->kept);
    b->survivors = take(n, sizeof *b->survivors);
}

/* Genomes and objectives of the survivors move to the front of their arrays. */
static void keep_survivors(struct bench *b, int n_keep, int m) {
    double *genomes = take((size_t)n_keep * GENES, sizeof *genomes);
    double *objectives = take((size_t)n_keep * OBJECTIVES_MAX, sizeof *objectives);
    for (int i = 0; i < n_keep; i++) {
        b->kept[i] = b->pool[b->survivors[i]];
        memcpy(genomes + i * GENES, b->kept[i].genome, GENES * sizeof *genomes);
        memcpy(objectives + i * m, b->kept[i].objectives, (size_t)m * sizeof *objectives);
    }
    memcpy(b->genomes, genomes, (size_t)n_keep * GENES * sizeof *genomes);
    memcpy(b->objectives, objectives, (size_t)(n_keep * m) * sizeof *objectives);
    for (int i = 0; i < n_keep; i++) {
        b->pool[i] = b->kept[i];
        b->pool[i].genome = b->genomes + i * GENES;
        b->pool[i].objectives = b->objectives + i * m;
    }
    b->n_parents = n_keep;
    dse_free(genomes);
    dse_free(objectives);
}

static enum dse_status step(struct bench *b, uint64_t seed, int generation, double *ask_ms,
                            double *survive_ms, struct dse_err *err) {
    int m = b->space.n_objectives, n_new;
    double *born = b->genomes + b->n_parents * GENES;
    double start = now_ms();
    DSE_TRY(dse_search_ask(&b->space, &b->options, seed, generation, b->pool, b->n_parents,
                           dse_genome_repair, born, &n_new, err));
    *ask_ms += now_ms() - start;
    for (int i = 0; i < n_new; i++) {
        double *objectives = b->objectives + (b->n_parents + i) * m;
        evaluate(born + i * GENES, m, objectives);
        b->pool[b->n_parents + i] =
            (struct dse_individual){.genome = born + i * GENES, .objectives = objectives};
    }
    int n_pool = b->n_parents + n_new;
    int n_keep = n_pool < b->options.population ? n_pool : b->options.population;
    start = now_ms();
    DSE_TRY(dse_search_survive(&b->space, b->pool, n_pool, n_keep, b->survivors, err));
    *survive_ms += now_ms() - start;
    keep_survivors(b, n_keep, m);
    return DSE_OK;
}

static enum dse_status run(uint64_t seed, int population, int m, int generations,
                           struct dse_err *err) {
    struct bench b;
    double ask_ms = 0, survive_ms = 0;
    bench_init(&b, population, m);
    for (int g = 0; g < generations; g++)
        DSE_TRY(step(&b, seed, g, &ask_ms, &survive_ms, err));
    printf("population %6d, %d objectives: ask %8.3f ms, survive %8.3f ms a generation\n",
           population, m, ask_ms / generations, survive_ms / generations);
    return DSE_OK;
}

int main(int argc, char **argv) {
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    for (int i = 0; i < GENES; i++)
        genes[i] = (struct dse_gene){.type = DSE_GENE_INT, .lower = 0, .upper = 8};
    static const struct {
        int population, generations;
    } sizes[] = {{100, 1000}, {1000, 100}, {10000, 10}};
    for (int m = 2; m <= OBJECTIVES_MAX; m++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct dse_err err = {0};
            if (run(seed, sizes[i].population, m, sizes[i].generations, &err) != DSE_OK) {
                (void)fprintf(stderr, "bench_search: %s\n", err.text);
                return dse_status_exit(err.code);
            }
        }
    return 0;
}
