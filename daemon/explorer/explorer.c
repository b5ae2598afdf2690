/* An explorer's birth and end. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

static enum dse_status read_workload(struct dse_explorer *ex, const struct dse_sweep_row *row,
                                     struct dse_err *err) {
    return dse_workload_parse_stored(row->canonical, strlen(row->canonical), row->file,
                                     row->base_dir, &ex->arena, &ex->workload, err);
}

static enum dse_status read_prepared(struct dse_explorer *ex, const struct dse_sweep_row *row,
                                     struct dse_err *err) {
    const char *json;
    struct dse_msg_prepared *prepared = dse_arena_alloc(&ex->arena, 1, sizeof *prepared);
    if (prepared == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    DSE_TRY(dse_store_load_context(ex->store, row->context_hash, &ex->arena, &json, err));
    DSE_TRY(dse_record_decode(DSE_RECORD_prepared, json, strlen(json), &ex->arena, prepared, err));
    ex->prepared = prepared;
    ex->n_shards = (int)prepared->shards;
    ex->n_cells = prepared->cells_n;
    return DSE_OK;
}

/* The context as it was submitted, with the file hashes of that time, and the calibration. */
static enum dse_status read_context(struct dse_explorer *ex, const struct dse_sweep_row *row,
                                    struct dse_err *err) {
    struct dse_msg_spec spec;
    DSE_TRY(
        dse_record_decode(DSE_RECORD_spec, row->spec, strlen(row->spec), &ex->arena, &spec, err));
    double *amax = dse_arena_alloc(&ex->arena, (size_t)ex->prepared->layers_n, sizeof *amax);
    if (amax == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a context");
    for (int i = 0; i < ex->prepared->layers_n; i++)
        amax[i] = ex->prepared->layers[i].input_amax;
    ex->context = *spec.context;
    ex->initial = (struct dse_initial){.genomes = spec.initial, .n = spec.initial_n};
    ex->context.input_amax = amax;
    ex->context.input_amax_n = ex->prepared->layers_n;
    return DSE_OK;
}

static enum dse_status build_space(struct dse_explorer *ex, struct dse_err *err) {
    DSE_TRY(dse_context_model_facts(&ex->workload, ex->prepared, &ex->arena, &ex->model, err));
    DSE_TRY(dse_context_search_space(&ex->workload, &ex->model, &ex->problem, &ex->space, err));
    ex->search = dse_context_search_options(&ex->workload);
    return DSE_OK;
}

static enum dse_status read_sweep(struct dse_explorer *ex, struct dse_err *err) {
    struct dse_sweep_row row;
    DSE_TRY(dse_store_load_sweep(ex->store, ex->sweep_id, &ex->arena, &row, err));
    DSE_TRY(read_workload(ex, &row, err));
    DSE_TRY(read_prepared(ex, &row, err));
    DSE_TRY(read_context(ex, &row, err));
    DSE_TRY(build_space(ex, err));
    if (row.state == DSE_SWEEP_QUEUED)
        DSE_TRY(dse_store_set_sweep_state(ex->store, ex->sweep_id, DSE_SWEEP_RUNNING, "", 0, err));
    DSE_TRY(dse_explorer__load_front(ex, err));
    return dse_explorer__advance(ex, err);
}

enum dse_status dse_explorer_open(struct dse_store *store, int64_t sweep_id,
                                  struct dse_explorer **explorer, struct dse_err *err) {
    struct dse_explorer *ex = dse_alloc(1, sizeof *ex);
    if (ex == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a sweep");
    ex->store = store;
    ex->sweep_id = sweep_id;
    ex->volume = NAN;
    ex->volume_generation = INT_MIN; /* never measured */
    enum dse_status status = read_sweep(ex, err);
    if (status != DSE_OK) {
        dse_explorer_free(ex);
        return status;
    }
    *explorer = ex;
    return DSE_OK;
}

void dse_explorer_free(struct dse_explorer *explorer) {
    if (explorer == NULL)
        return;
    for (int i = 0; i < explorer->n_wave; i++)
        dse_candidate_fini(&explorer->wave[i].candidate);
    dse_explorer__free_front(explorer);
    dse_space_fini(&explorer->space);
    dse_arena_fini(&explorer->wave_arena);
    dse_arena_fini(&explorer->arena);
    dse_free(explorer);
}

int64_t dse_explorer_sweep(const struct dse_explorer *explorer) {
    return explorer->sweep_id;
}

bool dse_explorer_finished(const struct dse_explorer *explorer) {
    return explorer->finished;
}

const struct dse_msg_context *dse_explorer_context(const struct dse_explorer *explorer) {
    return &explorer->context;
}

int64_t dse_explorer_finished_since_open(const struct dse_explorer *explorer) {
    return explorer->finished_individuals;
}

int64_t dse_explorer_task_limit_ms(const struct dse_explorer *explorer) {
    return explorer->workload.execution_task_seconds * 1000;
}

int64_t dse_explorer_memory_limit_bytes(const struct dse_explorer *explorer) {
    return explorer->workload.execution_memory_mib << 20;
}
