/* A whole search in a test: ask, evaluate with a function, survive. */
#ifndef DSE_TESTS_SEARCH_TESTING_H
#define DSE_TESTS_SEARCH_TESTING_H

#include "tests/lib/testing.h"

#include "search/search.h"

enum { EVOLUTION_GENES_MAX = 64 };

typedef void (*evaluate_function)(const double *genome, int n_genes, double *objectives,
                                  double *violation);

struct evolution {
    const struct dse_space *space;
    const struct dse_search_options *options;
    uint64_t seed;
    evaluate_function evaluate;
    int generation;              /* the next one */
    struct dse_individual *pool; /* the first n_parents are the survivors */
    int n_parents;
    double *asked; /* genomes of the last generation */
    int n_asked;
    struct dse_arena arena; /* genomes and objectives of all who ever lived */
};

static inline void evolution_init(struct evolution *e, const struct dse_space *space,
                                  const struct dse_search_options *options, uint64_t seed,
                                  evaluate_function evaluate) {
    *e = (struct evolution){.space = space, .options = options, .seed = seed, .evaluate = evaluate};
    size_t n = (size_t)options->population + (size_t)options->offspring;
    e->pool = dse_alloc(2 * n, sizeof *e->pool);
    e->asked = dse_alloc(n * (size_t)space->n_genes, sizeof *e->asked);
    assert_non_null(e->pool);
    assert_non_null(e->asked);
}

static inline void evolution_fini(struct evolution *e) {
    dse_free(e->pool);
    dse_free(e->asked);
    dse_arena_fini(&e->arena);
}

static inline void evolution_ask(struct evolution *e) {
    struct dse_err err = {0};
    assert_ok(dse_search_ask(e->space, e->options, e->seed, e->generation, e->pool, e->n_parents,
                             dse_genome_repair, e->asked, &e->n_asked, &err),
              &err);
}

static inline void evolution_tell(struct evolution *e) {
    size_t n_genes = (size_t)e->space->n_genes;
    int n_pool = e->n_parents;
    for (int i = 0; i < e->n_asked; i++) {
        struct dse_individual *one = &e->pool[n_pool++];
        double *genome = dse_arena_alloc(&e->arena, n_genes, sizeof *genome);
        double *objectives =
            dse_arena_alloc(&e->arena, (size_t)e->space->n_objectives, sizeof *objectives);
        assert_true(genome != NULL && objectives != NULL);
        memcpy(genome, e->asked + (size_t)i * n_genes, n_genes * sizeof *genome);
        *one = (struct dse_individual){.genome = genome, .objectives = objectives};
        e->evaluate(genome, e->space->n_genes, objectives, &one->violation);
    }
    int n_keep = n_pool < e->options->population ? n_pool : e->options->population;
    int *survivors = dse_alloc((size_t)n_keep, sizeof *survivors);
    struct dse_individual *kept = dse_alloc((size_t)n_keep, sizeof *kept);
    struct dse_err err = {0};
    assert_true(survivors != NULL && kept != NULL);
    assert_ok(dse_search_survive(e->space, e->pool, n_pool, n_keep, survivors, &err), &err);
    for (int i = 0; i < n_keep; i++)
        kept[i] = e->pool[survivors[i]];
    memcpy(e->pool, kept, (size_t)n_keep * sizeof *kept);
    e->n_parents = n_keep;
    e->generation++;
    dse_free(kept);
    dse_free(survivors);
}

static inline void evolution_run(struct evolution *e, int generations) {
    while (e->generation < generations) {
        evolution_ask(e);
        evolution_tell(e);
    }
}

/* Hypervolume of the survivors' objectives. */
static inline double evolution_volume(const struct evolution *e, const double *reference) {
    size_t m = (size_t)e->space->n_objectives;
    double *points = dse_alloc((size_t)e->n_parents * m, sizeof *points);
    double volume = -1;
    struct dse_err err = {0};
    assert_non_null(points);
    for (int i = 0; i < e->n_parents; i++)
        memcpy(points + (size_t)i * m, e->pool[i].objectives, m * sizeof *points);
    assert_ok(dse_search_hypervolume(e->space, points, e->n_parents, reference, &volume, &err),
              &err);
    dse_free(points);
    return volume;
}

static inline int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The recorded file of pagmo2, at its first line that starts with word; the rest of the line and
 * what follows is left to fscanf. */
static inline FILE *open_pagmo_fixture(void) {
    FILE *file = fopen(DSE_FIXTURES_DIR "/search_pagmo.txt", "r");
    assert_non_null(file);
    return file;
}
static inline bool find_record(FILE *file, const char *word) {
    char line[512];
    for (;;) {
        long at = ftell(file);
        if (fgets(line, sizeof line, file) == NULL)
            return false;
        if (strncmp(line, word, strlen(word)) == 0)
            return fseek(file, at + (long)strlen(word), SEEK_SET) == 0;
    }
}
static inline double read_real(FILE *file) {
    double x;
    assert_int_equal(fscanf(file, "%lf", &x), 1);
    return x;
}

#endif
