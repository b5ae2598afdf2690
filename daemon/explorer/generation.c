/* What comes next in a sweep: the baseline, which others are compared with, the first generation,
 * the survivors of a whole one and its offspring, or the end. Each step is one transaction, and the
 * next step is found by looking at the rows: that is all there is to recovery. */
#include <math.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

enum { BASELINE = -1 }; /* its generation */

/* ---- writing a generation ---- */

/* What an evaluation is known by: what the network is, so that thresholds and problems share it;
 * the genome where that says everything. */
static enum dse_status name_evaluation(const struct dse_explorer *ex, const char *genome,
                                       const struct dse_candidate *candidate, struct dse_buf *name,
                                       struct dse_err *err) {
    if (strcmp(genome, "float32") == 0 || candidate->n_genes > 0 || ex->model.n_layers == 0)
        dse_buf_puts(name, genome);
    else
        dse_candidate_print(candidate, name);
    return dse_buf_status(name, err);
}

static enum dse_status ensure_row(struct dse_explorer *ex, const struct dse_candidate *candidate,
                                  struct dse_individual_row *row, struct dse_err *err) {
    struct dse_evaluation_row evaluation;
    DSE_TRY(dse_store_ensure_evaluation(ex->store, ex->context.hash, row->shared_genome,
                                        &ex->wave_arena, &evaluation, err));
    row->evaluation_id = evaluation.id;
    row->state = evaluation.state;
    row->reason = evaluation.reason;
    row->cached = evaluation.state != DSE_RESULT_PENDING;
    if (evaluation.state == DSE_RESULT_DONE)
        DSE_TRY(dse_explorer__measure(ex, candidate, row, err));
    return dse_store_insert_individual(ex->store, row, err);
}

/* genes, and their text; NULL and "float32": the baseline. */
static enum dse_status insert_individual(struct dse_explorer *ex, int generation, int slot,
                                         const double *genes, const char *genome,
                                         struct dse_err *err) {
    struct dse_candidate candidate;
    struct dse_buf name = {0};
    DSE_TRY(dse_explorer__decode_genes(ex, genes, &candidate, err));
    enum dse_status status = name_evaluation(ex, genome, &candidate, &name, err);
    struct dse_individual_row row = {
        .sweep_id = ex->sweep_id,
        .generation = generation,
        .slot = slot,
        .genome = genome,
        .shared_genome = name.data,
    };
    if (status == DSE_OK)
        status = ensure_row(ex, &candidate, &row, err);
    dse_buf_fini(&name);
    dse_candidate_fini(&candidate);
    return status;
}

enum dse_status dse_explorer__insert(struct dse_explorer *ex, struct dse_individual_row *row,
                                     struct dse_err *err) {
    struct dse_candidate candidate;
    struct dse_buf name = {0};
    DSE_TRY(dse_explorer__decode(ex, row->genome, &candidate, err));
    enum dse_status status = name_evaluation(ex, row->genome, &candidate, &name, err);
    row->shared_genome = name.data;
    if (status == DSE_OK)
        status = dse_store_insert_individual(ex->store, row, err);
    row->shared_genome = NULL;
    dse_buf_fini(&name);
    dse_candidate_fini(&candidate);
    return status;
}

static enum dse_status insert_generation(struct dse_explorer *ex, int generation,
                                         const double *genomes, int n, struct dse_err *err) {
    struct dse_buf text = {0};
    enum dse_status status = DSE_OK;
    for (int slot = 0; status == DSE_OK && slot < n; slot++) {
        const double *genes = genomes + (size_t)slot * (size_t)ex->space.n_genes;
        dse_buf_reset(&text);
        dse_genome_print(genes, ex->space.n_genes, &text);
        status = dse_buf_status(&text, err);
        if (status == DSE_OK)
            status = insert_individual(ex, generation, slot, genes, text.data, err);
    }
    dse_buf_fini(&text);
    return status;
}

static enum dse_status ask(struct dse_explorer *ex, int generation,
                           const struct dse_individual *parents, int n_parents, double **genomes,
                           int *n, struct dse_err *err) {
    int most =
        ex->search.population > ex->search.offspring ? ex->search.population : ex->search.offspring;
    double *asked =
        dse_arena_alloc(&ex->wave_arena, (size_t)most * (size_t)ex->space.n_genes, sizeof *asked);
    if (asked == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a generation of %d", most);
    DSE_TRY(dse_search_ask(&ex->space, &ex->search, (uint64_t)ex->workload.seed, generation,
                           parents, n_parents, ex->problem->repair, asked, n, err));
    *genomes = asked;
    return DSE_OK;
}

static enum dse_status write_baseline(struct dse_explorer *ex, int generation,
                                      struct dse_err *err) {
    return insert_individual(ex, generation, 0, NULL, "float32", err);
}

/* The individuals that the sweep begins with. */
static enum dse_status read_predefined(struct dse_explorer *ex, struct dse_individual **out,
                                       struct dse_err *err) {
    size_t n_genes = (size_t)ex->space.n_genes, n = (size_t)ex->initial.n;
    struct dse_individual *list = dse_arena_alloc(&ex->wave_arena, n, sizeof *list);
    double *genomes = dse_arena_alloc(&ex->wave_arena, n * n_genes, sizeof *genomes);
    if (list == NULL || genomes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu genomes", n);
    for (size_t i = 0; i < n; i++) {
        DSE_TRY(dse_genome_parse(ex->initial.genomes[i], genomes + i * n_genes, ex->space.n_genes,
                                 err));
        list[i] = (struct dse_individual){.genome = genomes + i * n_genes};
    }
    *out = list;
    return DSE_OK;
}

static enum dse_status write_first_generation(struct dse_explorer *ex, int generation,
                                              struct dse_err *err) {
    struct dse_individual *predefined = NULL;
    double *genomes = NULL;
    int n;
    DSE_TRY(read_predefined(ex, &predefined, err));
    DSE_TRY(ask(ex, generation, predefined, ex->initial.n, &genomes, &n, err));
    return insert_generation(ex, generation, genomes, n, err);
}

/* ---- ending a generation ---- */

/* Everyone who competes for survival: the survivors before, then the generation. */
struct pool {
    struct dse_individual_row *rows;
    struct dse_individual *individuals;
    int n;
};

static enum dse_status see_as_individual(struct dse_explorer *ex,
                                         const struct dse_individual_row *row,
                                         struct dse_individual *individual, struct dse_err *err) {
    double *genome = dse_arena_alloc(&ex->wave_arena, (size_t)ex->space.n_genes, sizeof *genome);
    if (genome == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a genome");
    DSE_TRY(dse_genome_parse(row->genome, genome, ex->space.n_genes, err));
    *individual = (struct dse_individual){
        .genome = genome,
        .objectives = row->objectives,
        .violation = row->state == DSE_RESULT_DONE ? row->violation : INFINITY,
    };
    return DSE_OK;
}

static enum dse_status gather_pool(struct dse_explorer *ex, int generation, struct pool *pool,
                                   struct dse_err *err) {
    struct dse_survivor_row *survivors = NULL;
    struct dse_individual_row *born;
    int n_survivors = 0, n_born;
    if (generation > 0)
        DSE_TRY(dse_store_load_survivors(ex->store, ex->sweep_id, generation - 1, &ex->wave_arena,
                                         &survivors, &n_survivors, err));
    DSE_TRY(dse_store_load_individuals(ex->store, ex->sweep_id, DSE_SELECT_GENERATION, generation,
                                       &ex->wave_arena, &born, &n_born, err));
    size_t n = (size_t)n_survivors + (size_t)n_born;
    pool->rows = dse_arena_alloc(&ex->wave_arena, n, sizeof *pool->rows);
    pool->individuals = dse_arena_alloc(&ex->wave_arena, n, sizeof *pool->individuals);
    if (pool->rows == NULL || pool->individuals == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu individuals", n);
    for (int i = 0; i < n_survivors; i++)
        DSE_TRY(dse_store_load_individual(ex->store, ex->sweep_id, survivors[i].generation,
                                          survivors[i].slot, &ex->wave_arena, &pool->rows[i], err));
    bool skips = strcmp(ex->workload.execution_on_failure, "skip") == 0;
    pool->n = n_survivors;
    for (int i = 0; i < n_born; i++)
        if (!skips || born[i].state != DSE_RESULT_FAILED)
            pool->rows[pool->n++] = born[i];
    for (int i = 0; i < pool->n; i++)
        DSE_TRY(see_as_individual(ex, &pool->rows[i], &pool->individuals[i], err));
    return DSE_OK;
}

static enum dse_status select_survivors(struct dse_explorer *ex, struct pool *pool, int generation,
                                        struct dse_individual **parents, int *n_parents,
                                        struct dse_err *err) {
    int keep = pool->n < ex->search.population ? pool->n : ex->search.population;
    int *order = dse_arena_alloc(&ex->wave_arena, (size_t)keep, sizeof *order);
    struct dse_survivor_row *rows = dse_arena_alloc(&ex->wave_arena, (size_t)keep, sizeof *rows);
    struct dse_individual *kept = dse_arena_alloc(&ex->wave_arena, (size_t)keep, sizeof *kept);
    if (order == NULL || rows == NULL || kept == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d survivors", keep);
    DSE_TRY(dse_search_survive(&ex->space, pool->individuals, pool->n, keep, order, err));
    for (int i = 0; i < keep; i++) {
        kept[i] = pool->individuals[order[i]];
        rows[i] = (struct dse_survivor_row){
            .generation = pool->rows[order[i]].generation,
            .slot = pool->rows[order[i]].slot,
            .rank = kept[i].rank,
            .crowding = kept[i].crowding,
        };
    }
    DSE_TRY(dse_store_put_survivors(ex->store, ex->sweep_id, generation, rows, keep, err));
    *parents = kept;
    *n_parents = keep;
    return DSE_OK;
}

static enum dse_status write_next_generation(struct dse_explorer *ex, int generation,
                                             struct dse_err *err) {
    struct pool pool = {0};
    struct dse_individual *parents = NULL;
    int n_parents = 0, n = 0;
    double *genomes = NULL;
    DSE_TRY(dse_explorer__find_thresholds(ex, generation, err));
    DSE_TRY(gather_pool(ex, generation, &pool, err));
    DSE_TRY(select_survivors(ex, &pool, generation, &parents, &n_parents, err));
    bool stop = false;
    DSE_TRY(dse_explorer__should_stop(ex, generation, parents, n_parents, &stop, err));
    if (!stop)
        DSE_TRY(ask(ex, generation + 1, parents, n_parents, &genomes, &n, err));
    if (n > 0)
        return insert_generation(ex, generation + 1, genomes, n, err);
    /* The last generation, or nothing new is left to try. */
    return dse_store_set_sweep_state(ex->store, ex->sweep_id, DSE_SWEEP_DONE, "",
                                     dse_clock_wall_ms(), err);
}

/* ---- loading what is under way ---- */

static enum dse_status add_pending(struct dse_explorer *ex, int generation, struct dse_err *err) {
    struct dse_individual_row *rows;
    int n;
    DSE_TRY(dse_store_load_individuals(ex->store, ex->sweep_id, DSE_SELECT_GENERATION, generation,
                                       &ex->wave_arena, &rows, &n, err));
    struct member *grown =
        dse_arena_alloc(&ex->wave_arena, (size_t)ex->n_wave + (size_t)n, sizeof *grown);
    if (grown == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a generation of %d", n);
    if (ex->n_wave > 0)
        memcpy(grown, ex->wave, (size_t)ex->n_wave * sizeof *grown);
    ex->wave = grown;
    for (int i = 0; i < n; i++) {
        if (rows[i].state != DSE_RESULT_PENDING)
            continue;
        struct member *member = &ex->wave[ex->n_wave];
        *member = (struct member){.row = rows[i]};
        DSE_TRY(dse_explorer__decode(ex, rows[i].genome, &member->candidate, err));
        ex->n_wave++;
    }
    return DSE_OK;
}

static void forget_wave(struct dse_explorer *ex) {
    for (int i = 0; i < ex->n_wave; i++)
        dse_candidate_fini(&ex->wave[i].candidate);
    dse_arena_fini(&ex->wave_arena);
    ex->wave = NULL;
    ex->tasks = NULL;
    ex->n_wave = ex->n_unfinished = 0;
}

static enum dse_status load_wave(struct dse_explorer *ex, int generation, struct dse_err *err) {
    forget_wave(ex);
    ex->generation = generation;
    if (generation == 0) /* sweeps of schema 1 have both at a time */
        DSE_TRY(add_pending(ex, BASELINE, err));
    DSE_TRY(add_pending(ex, generation, err));
    ex->n_unfinished = ex->n_wave;
    return dse_explorer__make_tasks(ex, err);
}

static enum dse_status in_transaction(struct dse_explorer *ex, int generation,
                                      enum dse_status (*step)(struct dse_explorer *, int,
                                                              struct dse_err *),
                                      struct dse_err *err) {
    DSE_TRY(dse_store_begin(ex->store, err));
    return dse_store_finish(ex->store, step(ex, generation, err), err);
}

enum dse_status dse_explorer__advance(struct dse_explorer *ex, struct dse_err *err) {
    for (;;) {
        struct dse_sweep_row row;
        struct dse_sweep_counts counts;
        forget_wave(ex);
        DSE_TRY(dse_store_load_sweep(ex->store, ex->sweep_id, &ex->wave_arena, &row, err));
        ex->finished = dse_sweep_state_final(row.state);
        if (ex->finished)
            return DSE_OK;
        DSE_TRY(dse_store_count_sweep(ex->store, ex->sweep_id, &counts, err));
        if (counts.generation < BASELINE && ex->model.has_baseline) {
            DSE_TRY(in_transaction(ex, BASELINE, write_baseline, err));
            continue;
        }
        if (counts.generation >= BASELINE)
            DSE_TRY(load_wave(ex, counts.generation, err));
        if (ex->n_unfinished > 0)
            return DSE_OK;
        if (counts.generation < 0)
            DSE_TRY(in_transaction(ex, 0, write_first_generation, err));
        else
            DSE_TRY(in_transaction(ex, counts.generation, write_next_generation, err));
    }
}
