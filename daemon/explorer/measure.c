/* From an evaluation that has all its shards to an individual's row. */
#include <math.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

enum dse_status dse_explorer__decode_genes(const struct dse_explorer *ex, const double *genome,
                                           struct dse_candidate *candidate, struct dse_err *err) {
    DSE_TRY(dse_candidate_init(candidate, ex->model.n_layers, ex->space.n_genes, err));
    if (genome != NULL)
        ex->problem->decode(&ex->space, genome, candidate);
    return DSE_OK;
}

enum dse_status dse_explorer__decode(const struct dse_explorer *ex, const char *text,
                                     struct dse_candidate *candidate, struct dse_err *err) {
    if (strcmp(text, "float32") == 0)
        return dse_explorer__decode_genes(ex, NULL, candidate, err);
    double *genome = dse_alloc((size_t)ex->space.n_genes, sizeof *genome);
    if (genome == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a genome");
    enum dse_status status = dse_genome_parse(text, genome, ex->space.n_genes, err);
    if (status == DSE_OK)
        status = dse_explorer__decode_genes(ex, genome, candidate, err);
    dse_free(genome);
    return status;
}

static enum dse_status measure_outcome(struct dse_explorer *ex,
                                       const struct dse_candidate *candidate,
                                       const struct dse_outcome *outcome,
                                       struct dse_individual_row *row, struct dse_err *err) {
    struct dse_evidence evidence = {
        .model = &ex->model,
        .candidate = candidate,
        .outcome = outcome,
        .baseline = row->generation < 0 ? outcome : ex->baseline,
    };
    struct dse_err why = {0};
    double violation;
    if (outcome->n_cells != ex->n_cells)
        DSE_FAIL(err, DSE_INTERNAL, "%s has results of %d cells, not %d", row->genome,
                 outcome->n_cells, ex->n_cells);
    if (dse_space_measure(&ex->space, &evidence, row->objectives, &violation, &why) != DSE_OK) {
        row->state = DSE_RESULT_FAILED;
        row->reason = dse_arena_strdup(&ex->wave_arena, why.text);
        row->n_objectives = 0;
        if (row->reason == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a reason");
        return DSE_OK;
    }
    row->state = DSE_RESULT_DONE;
    row->reason = "";
    row->n_objectives = ex->space.n_objectives;
    row->violation = violation;
    if (row->generation < 0)
        return DSE_OK; /* the baseline stands beside the front, not in it */
    return dse_explorer__offer_to_front(ex, row, err);
}

static enum dse_status load_float32(struct dse_store *store, int64_t evaluation_id,
                                    const struct dse_model_facts *model, struct dse_arena *arena,
                                    const struct dse_outcome **baseline, struct dse_err *err) {
    struct dse_candidate float32;
    struct dse_outcome *outcome = dse_arena_alloc(arena, 1, sizeof *outcome);
    if (outcome == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the baseline");
    DSE_TRY(dse_candidate_init(&float32, model->n_layers, 0, err));
    enum dse_status status =
        dse_explorer_load_outcome(store, evaluation_id, model, &float32, arena, outcome, err);
    dse_candidate_fini(&float32);
    if (status == DSE_OK)
        *baseline = outcome;
    return status;
}

enum dse_status dse_context_load_baseline(struct dse_store *store, int64_t sweep_id,
                                          const struct dse_model_facts *model,
                                          struct dse_arena *arena,
                                          const struct dse_outcome **baseline,
                                          struct dse_err *err) {
    struct dse_individual_row row;
    struct dse_err none = {0};
    *baseline = NULL;
    if (!model->has_baseline)
        return DSE_OK;
    enum dse_status status = dse_store_load_individual(store, sweep_id, -1, 0, arena, &row, &none);
    if (status == DSE_NOT_FOUND || (status == DSE_OK && row.state != DSE_RESULT_DONE))
        return DSE_OK;
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", none.text);
    return load_float32(store, row.evaluation_id, model, arena, baseline, err);
}

enum dse_status dse_explorer__measure(struct dse_explorer *ex,
                                      const struct dse_candidate *candidate,
                                      struct dse_individual_row *row, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_outcome outcome = {0};
    if (ex->baseline == NULL && row->generation >= 0)
        DSE_TRY(dse_context_load_baseline(ex->store, ex->sweep_id, &ex->model, &ex->arena,
                                          &ex->baseline, err));
    enum dse_status status = dse_explorer_load_outcome(ex->store, row->evaluation_id, &ex->model,
                                                       candidate, &arena, &outcome, err);
    if (status == DSE_OK)
        status = measure_outcome(ex, candidate, &outcome, row, err);
    dse_arena_fini(&arena);
    return status;
}
