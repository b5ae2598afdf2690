/* Exact set of genomes: open addressing, linear probing. */
#include "search/search_internal.h"

#include <string.h>

enum dse_status search__genome_set_init(struct search__genome_set *set, int n_genes, size_t most,
                                        struct dse_err *err) {
    size_t n_slots = 16;
    while (n_slots <= 2 * most)
        n_slots *= 2;
    const double **slots = dse_alloc(n_slots, sizeof *slots);
    if (slots == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a set of %zu genomes", most);
    *set = (struct search__genome_set){slots, n_slots, n_genes};
    return DSE_OK;
}

void search__genome_set_fini(struct search__genome_set *set) {
    dse_free(set->slots);
    *set = (struct search__genome_set){0};
}

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014) after each gene. */
static uint64_t hash_genome(const double *genome, int n_genes) {
    uint64_t hash = 0;
    for (int i = 0; i < n_genes; i++) {
        double x = genome[i] + 0.0; /* -0 equals 0 */
        uint64_t bits;
        memcpy(&bits, &x, sizeof bits);
        hash += bits + 0x9E3779B97F4A7C15u;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9u;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBu;
        hash ^= hash >> 31;
    }
    return hash;
}

/* The slot that holds an equal genome, or the free one where it belongs. */
static size_t find_slot(const struct search__genome_set *set, const double *genome) {
    size_t mask = set->n_slots - 1;
    size_t at = (size_t)hash_genome(genome, set->n_genes) & mask;
    while (set->slots[at] != NULL && !search__rows_are_equal(set->slots[at], genome, set->n_genes))
        at = (at + 1) & mask;
    return at;
}

bool search__genome_set_has(const struct search__genome_set *set, const double *genome) {
    return set->slots[find_slot(set, genome)] != NULL;
}

void search__genome_set_add(struct search__genome_set *set, const double *genome) {
    set->slots[find_slot(set, genome)] = genome;
}
