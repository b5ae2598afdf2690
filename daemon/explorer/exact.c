/* Thresholds found instead of searched: when a generation is whole, every network of it is tried
 * with a grid of thresholds on its records, which costs no inference. What is non-dominated among
 * all individuals so far becomes an individual of the generation, in slots behind those that were
 * born; so the result does not depend on the order in which evaluations arrived. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

/* One combination of thresholds that none of the same network dominates. */
struct point {
    double thresholds[DSE_EXITS_MOST];
    double objectives[DSE_MAX_OBJECTIVES];
};

struct finder {
    struct dse_explorer *ex;
    struct dse_candidate *candidate;
    struct point *points;
    int n, room;
    bool out_of_memory;
};

static void keep_point(struct finder *finder, const struct point *point) {
    const struct dse_space *space = &finder->ex->space;
    int kept = 0;
    for (int i = 0; i < finder->n; i++) {
        const double *other = finder->points[i].objectives;
        if (dse_search_dominates(space, other, point->objectives) ||
            memcmp(other, point->objectives, (size_t)space->n_objectives * sizeof *other) == 0)
            return;
    }
    for (int i = 0; i < finder->n; i++)
        if (!dse_search_dominates(space, point->objectives, finder->points[i].objectives))
            finder->points[kept++] = finder->points[i];
    finder->n = kept;
    if (finder->n == finder->room) {
        int room = finder->room == 0 ? 64 : finder->room * 2;
        struct point *grown = dse_realloc(finder->points, (size_t)room, sizeof *grown);
        finder->out_of_memory |= grown == NULL;
        if (grown == NULL)
            return;
        finder->points = grown;
        finder->room = room;
    }
    finder->points[finder->n++] = *point;
}

static void try_thresholds(void *context, const double *thresholds,
                           const struct dse_outcome *outcome) {
    struct finder *finder = context;
    struct point point = {.thresholds = {0}};
    double violation = 0;
    size_t bytes = (size_t)finder->candidate->n_thresholds * sizeof *thresholds;
    memcpy(finder->candidate->thresholds, thresholds, bytes);
    memcpy(point.thresholds, thresholds, bytes);
    const struct dse_evidence evidence = {.model = &finder->ex->model,
                                          .candidate = finder->candidate,
                                          .outcome = outcome,
                                          .baseline = finder->ex->baseline};
    if (dse_space_measure(&finder->ex->space, &evidence, point.objectives, &violation, NULL) ==
            DSE_OK &&
        violation <= 0)
        keep_point(finder, &point);
}

/* One threshold for all exits: the grid of the first exit. */
static void try_shared(struct finder *finder, const struct dse_exit_images *images,
                       const struct dse_exit_grid *grid, int64_t *tallies) {
    int size = dse_exit_tally_size(images->n_exits);
    struct dse_outcome outcome = {
        .tallies = tallies, .n_cells = images->n_cells, .tally_size = size};
    size_t cell_bytes = images->n_images * (size_t)images->n_exits * DSE_RECORD_BYTES;
    for (int t = 0; t < grid->n[0]; t++) {
        double thresholds[DSE_EXITS_MOST];
        for (int k = 0; k < images->n_exits - 1; k++)
            thresholds[k] = grid->thresholds[0][t];
        const struct dse_exit_policy policy = {images->n_exits, thresholds, 0};
        memset(tallies, 0, (size_t)images->n_cells * (size_t)size * sizeof *tallies);
        for (int c = 0; c < images->n_cells; c++)
            dse_exits_apply(&policy, images->records + (size_t)c * cell_bytes, images->n_images,
                            tallies + (size_t)c * (size_t)size);
        try_thresholds(finder, thresholds, &outcome);
    }
}

static enum dse_status find_points(struct finder *finder, const struct dse_exit_images *images,
                                   struct dse_arena *arena, struct dse_err *err) {
    struct dse_exit_grid grid;
    int most = (int)finder->ex->workload.problem_threshold_grid;
    DSE_TRY(dse_exit_grid_make(images, most, arena, &grid, err));
    if (finder->ex->space.n_free == finder->candidate->n_thresholds) {
        DSE_TRY(dse_exit_sweep(images, &grid, try_thresholds, finder, err));
    } else {
        size_t words = (size_t)images->n_cells * (size_t)dse_exit_tally_size(images->n_exits);
        int64_t *tallies = dse_arena_alloc(arena, words, sizeof *tallies);
        if (tallies == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu words", words);
        try_shared(finder, images, &grid, tallies);
    }
    if (finder->out_of_memory)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for thresholds");
    return DSE_OK;
}

/* ---- from points to individuals ---- */

static enum dse_status insert_point(struct dse_explorer *ex, const struct dse_individual_row *row,
                                    const double *genome, const struct point *point, int *slot,
                                    struct dse_err *err) {
    struct dse_buf text = {0};
    struct dse_individual_row made = {
        .sweep_id = ex->sweep_id,
        .generation = row->generation,
        .slot = *slot,
        .evaluation_id = row->evaluation_id,
        .state = DSE_RESULT_DONE,
        .reason = "",
        .n_objectives = ex->space.n_objectives,
        .cached = true,
    };
    memcpy(made.objectives, point->objectives, sizeof made.objectives);
    dse_genome_print(genome, ex->space.n_genes, &text);
    made.genome = text.data;
    enum dse_status status = dse_buf_status(&text, err);
    if (status == DSE_OK)
        status = dse_explorer__offer_to_front(ex, &made, err);
    if (status == DSE_OK && made.in_front) {
        status = dse_explorer__insert(ex, &made, err);
        (*slot)++;
    }
    dse_buf_fini(&text);
    return status;
}

static enum dse_status insert_points(struct dse_explorer *ex, const struct dse_individual_row *row,
                                     const struct finder *finder, int *slot, struct dse_err *err) {
    int n_genes = ex->space.n_genes, n_free = ex->space.n_free;
    double *genome = dse_alloc((size_t)n_genes, sizeof *genome);
    if (genome == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a genome");
    enum dse_status status = dse_genome_parse(row->genome, genome, n_genes, err);
    for (int i = 0; status == DSE_OK && i < finder->n; i++) {
        for (int k = 0; k < n_free; k++) {
            const struct dse_gene *gene = &ex->space.genes[n_genes - n_free + k];
            genome[n_genes - n_free + k] = fmin(finder->points[i].thresholds[k], gene->upper);
        }
        status = insert_point(ex, row, genome, &finder->points[i], slot, err);
    }
    dse_free(genome);
    return status;
}

static enum dse_status try_network(struct dse_explorer *ex, const struct dse_individual_row *row,
                                   int *slot, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_candidate candidate;
    struct dse_exit_images images;
    struct finder finder = {.ex = ex, .candidate = &candidate};
    DSE_TRY(dse_explorer__decode(ex, row->genome, &candidate, err));
    enum dse_status status =
        dse_explorer_load_records(ex->store, row->evaluation_id, &ex->model, &arena, &images, err);
    if (status == DSE_OK && images.n_images > 0)
        status = find_points(&finder, &images, &arena, err);
    if (status == DSE_OK)
        status = insert_points(ex, row, &finder, slot, err);
    dse_free(finder.points);
    dse_candidate_fini(&candidate);
    dse_arena_fini(&arena);
    return status;
}

static bool met_before(const struct dse_individual_row *rows, int i) {
    for (int k = 0; k < i; k++)
        if (rows[k].evaluation_id == rows[i].evaluation_id)
            return true;
    return false;
}

enum dse_status dse_explorer__find_thresholds(struct dse_explorer *ex, int generation,
                                              struct dse_err *err) {
    struct dse_individual_row *rows;
    int n, slot = 0;
    if (ex->space.n_free == 0 || strcmp(ex->workload.problem_thresholds, "exact") != 0)
        return DSE_OK;
    DSE_TRY(dse_store_load_individuals(ex->store, ex->sweep_id, DSE_SELECT_GENERATION, generation,
                                       &ex->wave_arena, &rows, &n, err));
    for (int i = 0; i < n; i++)
        slot = rows[i].slot >= slot ? rows[i].slot + 1 : slot;
    for (int i = 0; i < n; i++)
        if (rows[i].state == DSE_RESULT_DONE && !met_before(rows, i))
            DSE_TRY(try_network(ex, &rows[i], &slot, err));
    return DSE_OK;
}
