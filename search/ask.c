/* Which genomes a generation evaluates: the initial sample, or offspring of the survivors. */
#include "search/search_internal.h"

#include <string.h>

/* Rounds of mating in a generation, and draws for a slot of the initial sample, at most: with
 * little left that is new, search stops asking. */
enum { ROUNDS_MAX = 100 };

/* One call of ask. */
struct asking {
    const struct dse_space *space;
    const struct dse_search_options *options;
    void (*repair)(const struct dse_space *space, double *genome);
    uint64_t seed;
    uint32_t generation;
    const struct dse_individual *parents;
    int n_parents;
    int n_wanted, n_found;
    double *genomes; /* [n_wanted][n_genes] */
    struct search__genome_set known;
    double *children[2];
    int *contestants; /* of one round */
    uint32_t n_matings;
};

static int count_mates(int n_wanted) {
    return (n_wanted + 1) / 2 * 2;
}

/* All memory is taken here, before anything is written. */
static enum dse_status asking_init(struct asking *ask, struct dse_arena *arena,
                                   struct dse_err *err) {
    size_t n_genes = (size_t)ask->space->n_genes;
    /* Two contestants a mate, filled by whole permutations of the parents. */
    size_t n_contestants = 2 * (size_t)count_mates(ask->n_wanted) + (size_t)ask->n_parents;
    ask->contestants = dse_arena_alloc(arena, n_contestants, sizeof *ask->contestants);
    double *children = dse_arena_alloc(arena, 2 * n_genes, sizeof *children);
    if (ask->contestants == NULL || children == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for breeding %d genomes", ask->n_wanted);
    ask->children[0] = children;
    ask->children[1] = children + n_genes;
    DSE_TRY(search__genome_set_init(&ask->known, ask->space->n_genes,
                                    (size_t)ask->n_wanted + (size_t)ask->n_parents, err));
    for (int i = 0; ask->generation > 0 && i < ask->n_parents; i++)
        search__genome_set_add(&ask->known, ask->parents[i].genome);
    return DSE_OK;
}

static void repair(const struct asking *ask, double *genome) {
    ask->repair(ask->space, genome);
    dse_assert(dse_genome_fits(ask->space, genome));
}

/* Keeps a repaired genome if it is new and there is still room. */
static void keep_if_new(struct asking *ask, const double *genome) {
    if (ask->n_found == ask->n_wanted || search__genome_set_has(&ask->known, genome))
        return;
    size_t n_genes = (size_t)ask->space->n_genes;
    double *kept = ask->genomes + (size_t)ask->n_found * n_genes;
    memcpy(kept, genome, n_genes * sizeof *kept);
    search__genome_set_add(&ask->known, kept);
    ask->n_found++;
}

static void take_predefined(struct asking *ask) {
    for (int i = 0; i < ask->n_parents; i++) {
        memcpy(ask->children[0], ask->parents[i].genome,
               (size_t)ask->space->n_genes * sizeof *ask->children[0]);
        repair(ask, ask->children[0]);
        keep_if_new(ask, ask->children[0]);
    }
}

static void sample_slot(struct asking *ask, int slot) {
    struct dse_rng rng;
    dse_rng_init(&rng, ask->seed, DSE_RNG_SAMPLE, ask->generation, (uint32_t)slot);
    int found_before = ask->n_found;
    for (int round = 0; round < ROUNDS_MAX && ask->n_found == found_before; round++) {
        search__sample(ask->space, &rng, ask->children[0]);
        repair(ask, ask->children[0]);
        keep_if_new(ask, ask->children[0]);
    }
}

static void begin(struct asking *ask) {
    take_predefined(ask);
    for (int slot = ask->n_found; slot < ask->n_wanted; slot++)
        sample_slot(ask, slot);
}

/* Permutations of the parents, one after the other, until there are n contestants. */
static void line_up_contestants(struct asking *ask, int n, struct dse_rng *rng) {
    for (int first = 0; first < n; first += ask->n_parents) {
        int *permutation = ask->contestants + first;
        for (int i = 0; i < ask->n_parents; i++) {
            int k = (int)dse_rng_below(rng, (uint32_t)i + 1); /* Fisher-Yates, inside out */
            permutation[i] = permutation[k];
            permutation[k] = i;
        }
    }
}

static int find_winner(const struct asking *ask, int left, int right, struct dse_rng *rng) {
    const struct dse_individual *a = &ask->parents[left], *b = &ask->parents[right];
    if (a->violation != b->violation) /* a feasible one has 0 */
        return a->violation < b->violation ? left : right;
    if (a->violation == 0 && a->rank != b->rank) { /* of equal ranks none dominates */
        bool first = a->rank < b->rank;
        const double *better = first ? a->objectives : b->objectives;
        if (dse_search_dominates(ask->space, better, first ? b->objectives : a->objectives))
            return first ? left : right;
    }
    if (a->violation == 0 && a->crowding != b->crowding)
        return a->crowding > b->crowding ? left : right;
    return dse_rng_below(rng, 2) == 0 ? left : right;
}

/* Mates stand at the front of contestants afterwards. */
static void hold_tournaments(struct asking *ask, int n_mates, uint32_t round) {
    struct dse_rng rng;
    dse_rng_init(&rng, ask->seed, DSE_RNG_SELECT, ask->generation, round);
    line_up_contestants(ask, 2 * n_mates, &rng);
    for (int i = 0; i < n_mates; i++)
        ask->contestants[i] =
            find_winner(ask, ask->contestants[2 * i], ask->contestants[2 * i + 1], &rng);
}

static void mate(struct asking *ask, int mother, int father) {
    struct dse_rng rng;
    dse_rng_init(&rng, ask->seed, DSE_RNG_VARY, ask->generation, ask->n_matings++);
    search__crossover(ask->space, ask->options, &rng, ask->parents[mother].genome,
                      ask->parents[father].genome, ask->children[0], ask->children[1]);
    for (int i = 0; i < 2; i++) {
        repair(ask, ask->children[i]);
        search__mutate(ask->space, ask->options, &rng, ask->children[i]);
        repair(ask, ask->children[i]);
        keep_if_new(ask, ask->children[i]);
    }
}

static void breed(struct asking *ask) {
    for (uint32_t round = 0; round < ROUNDS_MAX && ask->n_found < ask->n_wanted; round++) {
        int n_mates = count_mates(ask->n_wanted - ask->n_found);
        hold_tournaments(ask, n_mates, round);
        for (int i = 0; i < n_mates; i += 2)
            mate(ask, ask->contestants[i], ask->contestants[i + 1]);
    }
}

static int count_wanted(const struct dse_search_options *options, int generation) {
    if (generation == 0 || options->offspring == 0)
        return options->population;
    return options->offspring;
}

enum dse_status dse_search_ask(const struct dse_space *space,
                               const struct dse_search_options *options, uint64_t seed,
                               int generation, const struct dse_individual *parents, int n_parents,
                               void (*repair_genome)(const struct dse_space *space, double *genome),
                               double *genomes, int *n_out, struct dse_err *err) {
    dse_assert(space->n_genes >= 1 && generation >= 0 && n_parents >= 0);
    struct asking ask = {
        .space = space,
        .options = options,
        .repair = repair_genome,
        .seed = seed,
        .generation = (uint32_t)generation,
        .parents = parents,
        .n_parents = n_parents,
        .n_wanted = count_wanted(options, generation),
        .genomes = genomes,
    };
    struct dse_arena arena = {0};
    enum dse_status status;
    DSE_TRY_GOTO(status, asking_init(&ask, &arena, err), done);
    if (generation == 0)
        begin(&ask);
    else if (n_parents > 0)
        breed(&ask);
    *n_out = ask.n_found;
done:
    search__genome_set_fini(&ask.known);
    dse_arena_fini(&arena);
    return status;
}
