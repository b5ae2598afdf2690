/* Defaults of the search, and its operators by name. */
#include "search/search_internal.h"

#include <string.h>

struct dse_search_options dse_search_options_default(void) {
    return (struct dse_search_options) {
#define X(name, type, fallback, min, max, help) .name = fallback,
        DSE_SEARCH_OPTIONS(X)
#undef X
            .crossover = DSE_CROSSOVER_sbx,
         .mutation = DSE_MUTATION_polynomial,
    };
}

static int find_word(const char *const *words, int n, const char *word) {
    int i = 0;
    while (i < n && strcmp(words[i], word) != 0)
        i++;
    return i;
}

enum dse_crossover dse_search_crossover_named(const char *name) {
#define X(name) #name,
    static const char *const names[] = { DSE_SEARCH_CROSSOVERS(X) };
#undef X
    return (enum dse_crossover)find_word(names, DSE_CROSSOVER_COUNT, name);
}

enum dse_mutation dse_search_mutation_named(const char *name) {
#define X(name) #name,
    static const char *const names[] = { DSE_SEARCH_MUTATIONS(X) };
#undef X
    return (enum dse_mutation)find_word(names, DSE_MUTATION_COUNT, name);
}
