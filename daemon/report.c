/* Rows as records for clients. */
#include "daemon/report_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum dse_status no_memory(struct dse_err *err) {
    return dse_err_set(err, DSE_NO_MEMORY, "out of memory for an answer");
}

static enum dse_status read_spec(const struct dse_sweep_row *row, struct dse_arena *arena,
                                 struct dse_msg_spec *spec, struct dse_err *err) {
    return dse_record_decode(DSE_RECORD_spec, row->spec, strlen(row->spec), arena, spec, err);
}

/* ---- sweeps ---- */

static double expected_individuals(const struct dse_msg_spec *spec) {
    double offspring = (double)(spec->offspring > 0 ? spec->offspring : spec->population);
    return (double)spec->population + offspring * (double)(spec->generations - 1);
}

double dse_report_measured(const struct dse_msg_spec *spec, const struct dse_sweep_counts *counts) {
    double offspring = (double)(spec->offspring > 0 ? spec->offspring : spec->population);
    double born = (double)spec->population + offspring * counts->generation;
    double pending = (double)(counts->individuals - counts->measured);
    return fmax(0.0, fmin(born - pending, (double)counts->measured));
}

enum dse_status daemon__describe_sweep(struct dse_store *store,
                                       const struct dse_scheduler *scheduler,
                                       const struct dse_sweep_row *row, struct dse_arena *arena,
                                       struct dse_msg_sweep *sweep, struct dse_err *err) {
    struct dse_msg_spec spec;
    struct dse_sweep_counts counts;
    DSE_TRY(read_spec(row, arena, &spec, err));
    DSE_TRY(dse_store_count_sweep(store, row->id, &counts, err));
    struct dse_live_sweep live = dse_scheduler_live(scheduler, row->id);
    double measured = dse_report_measured(&spec, &counts);
    double left = expected_individuals(&spec) - measured;
    bool final = dse_sweep_state_final(row->state);
    bool no_space = live.no_space[0] != '\0' && !final && row->state != DSE_SWEEP_PAUSED;
    char *phase = dse_arena_strdup(arena, live.phase);
    char *reason = dse_arena_strdup(arena, no_space ? live.no_space : row->reason);
    if (phase == NULL || reason == NULL)
        return no_memory(err);
    *sweep = (struct dse_msg_sweep){
        .sweep = row->id,
        .name = row->name,
        .state = no_space ? "no_space" : dse_sweep_state_text(row->state),
        .reason = reason,
        .priority = row->priority,
        .workers = live.workers,
        .content_hash = row->content_hash,
        .seed = (int64_t)row->seed,
        .generation = counts.generation < -1 ? -1 : counts.generation,
        .generations = spec.generations,
        .population = spec.population,
        .individuals = counts.individuals,
        .measured = counts.measured,
        .evaluations = counts.measured - counts.cache_hits,
        .cache_hits = counts.cache_hits,
        .failures = counts.failures,
        .front_size = counts.front_size,
        .progress = row->state == DSE_SWEEP_DONE ? 1.0 : measured / expected_individuals(&spec),
        .evaluations_per_s = live.evaluations_per_s,
        .remaining_s = final                        ? 0.0
                       : live.evaluations_per_s > 0 ? left / live.evaluations_per_s
                                                    : -1.0,
        .submitted_at_ms = row->submitted_at_ms,
        .finished_at_ms = row->finished_at_ms,
        .phase = phase,
        .hypervolume = live.is_explored ? live.hypervolume : NAN,
        .reevaluates = spec.reevaluates,
    };
    return DSE_OK;
}

/* The hypervolume of a sweep that nobody explores now. */
static enum dse_status add_hypervolume(struct dse_store *store, const struct dse_sweep_row *row,
                                       struct dse_arena *arena, struct dse_msg_sweep *sweep,
                                       struct dse_err *err) {
    struct daemon__decoder decoder = {0};
    int whole = (int)sweep->generation + (row->state == DSE_SWEEP_DONE ? 1 : 0);
    if (!isnan(sweep->hypervolume) || whole < 1)
        return DSE_OK;
    DSE_TRY(daemon__make_decoder(store, row, arena, &decoder, err));
    enum dse_status status =
        dse_context_hypervolume(store, row->id, &decoder.space, whole, &sweep->hypervolume, err);
    dse_space_fini(&decoder.space);
    return status;
}

enum dse_status dse_report_sweep(struct dse_store *store, const struct dse_scheduler *scheduler,
                                 int64_t sweep_id, struct dse_arena *arena,
                                 struct dse_msg_sweep *sweep, struct dse_err *err) {
    struct dse_sweep_row row;
    DSE_TRY(dse_store_load_sweep(store, sweep_id, arena, &row, err));
    DSE_TRY(daemon__describe_sweep(store, scheduler, &row, arena, sweep, err));
    return add_hypervolume(store, &row, arena, sweep, err);
}

enum dse_status dse_report_list(struct dse_store *store, const struct dse_scheduler *scheduler,
                                struct dse_arena *arena, struct dse_msg_sweep_list *list,
                                struct dse_err *err) {
    struct dse_sweep_row *rows;
    int n;
    DSE_TRY(dse_store_list_sweeps(store, arena, &rows, &n, err));
    struct dse_msg_sweep *sweeps = dse_arena_alloc(arena, (size_t)n, sizeof *sweeps);
    if (sweeps == NULL)
        return no_memory(err);
    for (int i = 0; i < n; i++)
        DSE_TRY(daemon__describe_sweep(store, scheduler, &rows[i], arena, &sweeps[i], err));
    *list = (struct dse_msg_sweep_list){.sweeps = sweeps, .sweeps_n = n};
    return DSE_OK;
}

/* ---- individuals ---- */

static const char *result_state_text(enum dse_result_state state) {
    static const char *const texts[] = {"pending", "done", "failed"};
    return texts[state];
}

struct dse_msg_individual daemon__describe_individual(const struct dse_individual_row *row) {
    return (struct dse_msg_individual){
        .generation = row->generation,
        .slot = row->slot,
        .state = result_state_text(row->state),
        .reason = row->reason,
        .genome = row->generation < 0 ? "" : row->genome,
        .objectives = row->objectives,
        .objectives_n = row->n_objectives,
        .violation = row->violation,
        .in_front = row->in_front,
        .cached = row->cached,
    };
}

static enum dse_status build_space(const struct dse_workload *workload,
                                   const struct dse_msg_prepared *prepared, struct dse_arena *arena,
                                   struct daemon__decoder *decoder, struct dse_err *err) {
    DSE_TRY(dse_context_model_facts(workload, prepared, arena, &decoder->model, err));
    return dse_context_search_space(workload, &decoder->model, &decoder->problem, &decoder->space,
                                    err);
}

/* space is the caller's to finish. Problem settings come from the canonical workload, whose files
 * may be gone by now: that does not matter for looking at results. */
enum dse_status daemon__make_decoder(struct dse_store *store, const struct dse_sweep_row *row,
                                     struct dse_arena *arena, struct daemon__decoder *decoder,
                                     struct dse_err *err) {
    const char *json;
    DSE_TRY(read_spec(row, arena, &decoder->spec, err));
    DSE_TRY(dse_store_load_context(store, row->context_hash, arena, &json, err));
    DSE_TRY(
        dse_record_decode(DSE_RECORD_prepared, json, strlen(json), arena, &decoder->prepared, err));
    DSE_TRY(dse_workload_parse_stored(row->canonical, strlen(row->canonical), row->file,
                                      row->base_dir, arena, &decoder->workload, err));
    return build_space(&decoder->workload, &decoder->prepared, arena, decoder, err);
}

/* ---- one individual ---- */

/* Of the individual: with its thresholds, where it has some. */
enum dse_status daemon__load_result(struct dse_store *store, const struct daemon__decoder *decoder,
                                    const struct dse_individual_row *row, struct dse_arena *arena,
                                    struct dse_candidate *candidate, struct dse_outcome *outcome,
                                    struct dse_err *err) {
    const struct dse_space *space = &decoder->space;
    struct dse_candidate decoded;
    double *genome = dse_arena_alloc(arena, (size_t)space->n_genes, sizeof *genome);
    if (genome == NULL)
        return no_memory(err);
    DSE_TRY(dse_candidate_init(&decoded, decoder->model.n_layers, space->n_genes, err));
    enum dse_status status = DSE_OK;
    if (row->generation >= 0)
        status = dse_genome_parse(row->genome, genome, space->n_genes, err);
    if (status == DSE_OK && row->generation >= 0)
        decoder->problem->decode(space, genome, &decoded);
    if (status == DSE_OK)
        status = dse_explorer_load_outcome(store, row->evaluation_id, &decoder->model, &decoded,
                                           arena, outcome, err);
    if (status == DSE_OK)
        *candidate = decoded;
    else
        dse_candidate_fini(&decoded);
    return status;
}

static enum dse_status add_exits(struct dse_store *store, const struct daemon__decoder *decoder,
                                 const struct dse_individual_row *row, struct dse_arena *arena,
                                 struct dse_msg_individual *individual, struct dse_err *err) {
    struct dse_candidate candidate;
    struct dse_outcome outcome;
    DSE_TRY(daemon__load_result(store, decoder, row, arena, &candidate, &outcome, err));
    enum dse_status status = dse_explorer_describe_exits(
        store, row->evaluation_id, &decoder->model, &candidate, arena, &individual->exits, err);
    dse_candidate_fini(&candidate);
    return status;
}

enum dse_status daemon__add_cells(struct dse_store *store, const struct daemon__decoder *decoder,
                                  const struct dse_individual_row *row, struct dse_arena *arena,
                                  struct dse_msg_individual *individual, struct dse_err *err) {
    struct dse_outcome outcome = {0};
    struct dse_candidate candidate;
    DSE_TRY(daemon__load_result(store, decoder, row, arena, &candidate, &outcome, err));
    dse_candidate_fini(&candidate);
    if (outcome.n_cells > decoder->prepared.cells_n)
        DSE_FAIL(err, DSE_INTERNAL, "results of %d cells, not %d", outcome.n_cells,
                 decoder->prepared.cells_n);
    struct dse_msg_cell_result *cells =
        dse_arena_alloc(arena, (size_t)outcome.n_cells, sizeof *cells);
    if (cells == NULL)
        return no_memory(err);
    int n_seen = 0;
    for (int c = 0; c < outcome.n_cells; c++) {
        const int64_t *tally = dse_outcome_cell(&outcome, c);
        int64_t seen = tally[DSE_TALLY_SEEN], correct = tally[DSE_TALLY_CORRECT];
        if (seen == 0)
            continue;
        struct dse_msg_cell_result *cell = &cells[n_seen++];
        *cell = (struct dse_msg_cell_result){
            .cell = decoder->prepared.cells[c],
            .seen = seen,
            .correct = correct,
            .accuracy = (double)correct / (double)seen,
        };
        dse_wilson_interval(correct, seen, &cell->low, &cell->high);
        if (decoder->with_bins && outcome.tally_size >= DSE_TALLY_SIZE)
            DSE_TRY(daemon__add_bins(tally, arena, cell, err));
    }
    individual->cells = cells;
    individual->cells_n = n_seen;
    return DSE_OK;
}

/* "act = relu", "units = 12". */
static enum dse_status add_genes(const struct daemon__decoder *decoder,
                                 const struct dse_individual_row *row, struct dse_arena *arena,
                                 struct dse_msg_individual *individual, struct dse_err *err) {
    int n = decoder->space.n_genes;
    double *genome = dse_arena_alloc(arena, (size_t)n, sizeof *genome);
    const char **texts = dse_arena_alloc(arena, (size_t)n, sizeof *texts);
    if (genome == NULL || texts == NULL)
        return no_memory(err);
    DSE_TRY(dse_genome_parse(row->genome, genome, n, err));
    for (int i = 0; i < n; i++) {
        const struct dse_gene *gene = &decoder->space.genes[i];
        char value[DSE_METRIC_NAME_SIZE];
        const char *labels = NULL;
        struct dse_gene again;
        dse_number_print(genome[i], value);
        if (gene->type == DSE_GENE_CATEGORY &&
            dse_gene_parse(decoder->workload.external_genes.items[i], &again, &labels, err) ==
                DSE_OK)
            (void)dse_gene_label(labels, (int)genome[i], value, sizeof value);
        texts[i] = dse_arena_printf(arena, "%s = %s", gene->name, value);
        if (texts[i] == NULL)
            return no_memory(err);
    }
    individual->genes = texts;
    individual->genes_n = n;
    return DSE_OK;
}

static enum dse_status add_values(struct dse_store *store, const struct dse_individual_row *row,
                                  struct dse_arena *arena, struct dse_msg_individual *individual,
                                  struct dse_err *err) {
    struct dse_outcome outcome = {0};
    DSE_TRY(dse_store_load_outcome(store, row->evaluation_id, arena, &outcome, err));
    int n = outcome.n_names;
    struct dse_msg_named_value *values = dse_arena_alloc(arena, (size_t)n, sizeof *values);
    if (values == NULL)
        return no_memory(err);
    for (int i = 0; i < n; i++)
        values[i] = (struct dse_msg_named_value){
            .name = outcome.names[i],
            .value = outcome.values[outcome.n_values - n + i],
        };
    individual->values = values;
    individual->values_n = n;
    return DSE_OK;
}

enum dse_status dse_report_individual(struct dse_store *store,
                                      const struct dse_msg_individual_id *which,
                                      struct dse_arena *arena,
                                      struct dse_msg_individual *individual, struct dse_err *err) {
    struct dse_sweep_row sweep;
    struct daemon__decoder decoder = {0};
    struct dse_individual_row *row = dse_arena_alloc(arena, 1, sizeof *row);
    if (row == NULL)
        return no_memory(err);
    if (which->generation < -1 || which->generation > INT32_MAX || which->slot < 0 ||
        which->slot > INT32_MAX)
        DSE_FAIL(err, DSE_NOT_FOUND, "there is no individual %lld.%lld",
                 (long long)which->generation, (long long)which->slot);
    DSE_TRY(dse_store_load_sweep(store, which->sweep, arena, &sweep, err));
    DSE_TRY(dse_store_load_individual(store, which->sweep, (int)which->generation, (int)which->slot,
                                      arena, row, err));
    struct dse_msg_individual answer = daemon__describe_individual(row);
    const struct daemon__looked_at looked_at = {&answer, 1, true};
    decoder.with_bins = true;
    enum dse_status status = daemon__make_decoder(store, &sweep, arena, &decoder, err);
    if (status != DSE_OK)
        goto fail;
    DSE_TRY_GOTO(status, daemon__add_settings(&decoder, row, arena, &answer, err), fail);
    DSE_TRY_GOTO(status, daemon__add_cells(store, &decoder, row, arena, &answer, err), fail);
    DSE_TRY_GOTO(status, daemon__estimate_own(store, &decoder, row, arena, &answer, err), fail);
    DSE_TRY_GOTO(status, add_exits(store, &decoder, row, arena, &answer, err), fail);
    DSE_TRY_GOTO(status, daemon__add_second_looks(store, which->sweep, &looked_at, arena, err),
                 fail);
    if (!decoder.problem->about_network) {
        DSE_TRY_GOTO(status, add_genes(&decoder, row, arena, &answer, err), fail);
        DSE_TRY_GOTO(status, add_values(store, row, arena, &answer, err), fail);
    }
    answer.layers = decoder.prepared.layers;
    answer.layers_n = decoder.prepared.layers_n;
    answer.objective_names = decoder.spec.objectives;
    answer.objective_names_n = decoder.spec.objectives_n;
    *individual = answer;
fail:
    dse_space_fini(&decoder.space);
    return status;
}

/* ---- individuals, a page at a time ---- */

/* Rows of a page, so that an answer stays well under the longest line. */
enum { PAGE_ROWS_MAX = 4000, PAGE_ROWS_WITH_CELLS_MAX = 400 };

static enum dse_status read_range(const struct dse_msg_individual_query *query,
                                  struct dse_individual_range *range, struct dse_err *err) {
    int most = query->cells ? PAGE_ROWS_WITH_CELLS_MAX : PAGE_ROWS_MAX;
    if (query->generation < -1 || query->generation > INT32_MAX || query->slot < 0 ||
        query->slot > INT32_MAX || query->limit < 0)
        DSE_FAIL(err, DSE_INVALID, "there is no page of %lld individuals from %lld.%lld on",
                 (long long)query->limit, (long long)query->generation, (long long)query->slot);
    if (query->state != NULL && strcmp(query->state, "pending") != 0 &&
        strcmp(query->state, "done") != 0 && strcmp(query->state, "failed") != 0)
        DSE_FAIL(err, DSE_INVALID, "state: '%.40s' is not one of: pending done failed",
                 query->state);
    *range = (struct dse_individual_range){
        .sweep_id = query->sweep,
        .generation = (int)query->generation,
        .slot = (int)query->slot,
        .limit = query->limit > 0 && query->limit < most ? (int)query->limit : most,
        .front_only = query->front,
    };
    return DSE_OK;
}

/* That of the slot in individuals that are sorted by slot; NULL: there is none. */
static struct dse_msg_individual *find_slot(struct dse_msg_individual *individuals, int n,
                                            int slot) {
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (individuals[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && individuals[low].slot == slot ? &individuals[low] : NULL;
}

/* Ranks of the rows among the survivors of their own generation; rows are in order, so each
 * generation is read once. */
static enum dse_status add_ranks(struct dse_store *store, int64_t sweep_id,
                                 struct dse_msg_individual *individuals, int n,
                                 struct dse_err *err) {
    for (int first = 0, end; first < n; first = end) {
        struct dse_arena arena = {0};
        struct dse_survivor_row *survivors;
        int n_survivors = 0;
        int64_t generation = individuals[first].generation;
        for (end = first; end < n && individuals[end].generation == generation;)
            end++;
        enum dse_status status = dse_store_load_survivors(store, sweep_id, (int)generation, &arena,
                                                          &survivors, &n_survivors, err);
        for (int s = 0; s < n_survivors; s++) {
            struct dse_msg_individual *survivor =
                survivors[s].generation != generation
                    ? NULL
                    : find_slot(individuals + first, end - first, survivors[s].slot);
            if (survivor != NULL)
                survivor->rank = survivors[s].rank + 1;
        }
        dse_arena_fini(&arena);
        if (status != DSE_OK)
            return status;
    }
    return DSE_OK;
}

static enum dse_status describe_page(struct dse_store *store, const struct daemon__decoder *decoder,
                                     const struct dse_msg_individual_query *query,
                                     const struct dse_individual_range *range,
                                     struct dse_arena *arena, struct dse_msg_individual_page *page,
                                     struct dse_err *err) {
    struct dse_individual_row *rows;
    int n, kept = 0;
    DSE_TRY(dse_store_page_individuals(store, range, arena, &rows, &n, err));
    struct dse_msg_individual *list = dse_arena_alloc(arena, (size_t)n, sizeof *list);
    if (list == NULL)
        return no_memory(err);
    for (int i = 0; i < n; i++) {
        struct dse_msg_individual *individual = &list[kept];
        *individual = daemon__describe_individual(&rows[i]);
        if (query->state != NULL && strcmp(query->state, individual->state) != 0)
            continue;
        DSE_TRY(daemon__add_settings(decoder, &rows[i], arena, individual, err));
        if (query->cells)
            DSE_TRY(daemon__add_cells(store, decoder, &rows[i], arena, individual, err));
        kept++;
    }
    DSE_TRY(add_ranks(store, range->sweep_id, list, kept, err));
    page->individuals = list;
    page->individuals_n = kept;
    page->more = n == range->limit;
    page->next_generation = n > 0 ? rows[n - 1].generation : range->generation;
    page->next_slot = n > 0 ? rows[n - 1].slot + 1 : range->slot;
    return DSE_OK;
}

static enum dse_status name_columns(const struct daemon__decoder *decoder, struct dse_arena *arena,
                                    struct dse_msg_individual_page *page, struct dse_err *err) {
    const struct dse_msg_prepared *prepared = &decoder->prepared;
    const char **layers = dse_arena_alloc(arena, (size_t)prepared->layers_n, sizeof *layers);
    if (layers == NULL)
        return no_memory(err);
    for (int i = 0; i < prepared->layers_n; i++)
        layers[i] = prepared->layers[i].name;
    page->objectives = decoder->spec.objectives;
    page->objectives_n = decoder->spec.objectives_n;
    page->cells = prepared->cells;
    page->cells_n = prepared->cells_n;
    page->layers = layers;
    page->layers_n = prepared->layers_n;
    return DSE_OK;
}

enum dse_status dse_report_individuals(struct dse_store *store,
                                       const struct dse_msg_individual_query *query,
                                       struct dse_arena *arena,
                                       struct dse_msg_individual_page *page, struct dse_err *err) {
    struct dse_sweep_row row;
    struct dse_individual_range range;
    struct daemon__decoder decoder = {0};
    struct dse_msg_individual_page answer = {0};
    DSE_TRY(read_range(query, &range, err));
    DSE_TRY(dse_store_load_sweep(store, query->sweep, arena, &row, err));
    enum dse_status status = daemon__make_decoder(store, &row, arena, &decoder, err);
    if (status == DSE_OK)
        status = name_columns(&decoder, arena, &answer, err);
    if (status == DSE_OK)
        status = describe_page(store, &decoder, query, &range, arena, &answer, err);
    if (status == DSE_OK)
        *page = answer;
    dse_space_fini(&decoder.space);
    return status;
}

/* ---- plans ---- */

enum dse_status dse_report_objectives(const struct dse_space *space, struct dse_arena *arena,
                                      const struct dse_msg_objective **objectives, int *n,
                                      struct dse_err *err) {
    struct dse_msg_objective *list =
        dse_arena_alloc(arena, (size_t)space->n_objectives, sizeof *list);
    if (list == NULL)
        return no_memory(err);
    for (int i = 0; i < space->n_objectives; i++) {
        struct dse_metric metric = {.unit = ""}; /* of a value: nobody knows */
        const char *name = space->objectives[i].metric;
        if (space->kind == DSE_SPACE_OF_METRICS)
            DSE_TRY(dse_metric_parse(name, strlen(name), &metric, err));
        list[i] = (struct dse_msg_objective){
            .metric = dse_arena_strdup(arena, name),
            .sense = space->objectives[i].sense == DSE_MAXIMIZE ? "maximize" : "minimize",
            .unit = metric.unit,
        };
        if (list[i].metric == NULL)
            return no_memory(err);
    }
    *objectives = list;
    *n = space->n_objectives;
    return DSE_OK;
}

static enum dse_status prepare_space(struct dse_preparation *preparation,
                                     struct daemon__decoder *decoder, struct dse_err *err) {
    return build_space(&preparation->workload, preparation->prepared, &preparation->arena, decoder,
                       err);
}

enum dse_status dse_report_plan(struct dse_preparation *preparation, struct dse_msg_plan *plan,
                                struct dse_err *err) {
    struct daemon__decoder decoder = {0};
    struct dse_buf canonical = {0};
    const struct dse_msg_prepared *prepared = preparation->prepared;
    struct dse_search_options search = dse_context_search_options(&preparation->workload);
    struct dse_msg_spec spec = {.population = search.population,
                                .offspring = search.offspring,
                                .generations = search.generations};
    int64_t evaluations = (int64_t)expected_individuals(&spec);
    struct dse_msg_plan answer = {
        .name = preparation->workload.name,
        .content_hash = preparation->content_hash,
        .problem = preparation->workload.problem_type,
        .layers = prepared->layers,
        .layers_n = prepared->layers_n,
        .cells = prepared->cells,
        .cells_n = prepared->cells_n,
        .images_per_cell = prepared->images,
        .population = search.population,
        .generations = search.generations,
        .initial = preparation->initial.n,
        .initial_given = preparation->initial.n_given,
    };
    enum dse_status status = prepare_space(preparation, &decoder, err);
    if (status != DSE_OK)
        goto fail;
    DSE_TRY_GOTO(status,
                 dse_report_objectives(&decoder.space, &preparation->arena, &answer.objectives,
                                       &answer.objectives_n, err),
                 fail);
    DSE_TRY_GOTO(status, dse_workload_print(&preparation->workload, &canonical, err), fail);
    answer.canonical = dse_arena_strdup(&preparation->arena, canonical.data);
    answer.genes = decoder.space.n_genes;
    answer.evaluations_max = evaluations + (decoder.model.has_baseline ? 1 : 0);
    answer.inferences_max = answer.evaluations_max * prepared->images * prepared->cells_n;
    if (answer.canonical == NULL)
        status = no_memory(err);
    else
        *plan = answer;
fail:
    dse_buf_fini(&canonical);
    dse_space_fini(&decoder.space);
    return status;
}

enum dse_status dse_report_spec(struct dse_preparation *preparation, const char **spec_json,
                                struct dse_err *err) {
    struct daemon__decoder decoder = {0};
    struct dse_buf json = {0};
    struct dse_search_options search = dse_context_search_options(&preparation->workload);
    struct dse_msg_spec spec = {
        .context = &preparation->context,
        .population = search.population,
        .offspring = search.offspring,
        .generations = search.generations,
        .initial = preparation->initial.genomes,
        .initial_n = preparation->initial.n,
        .reevaluates = preparation->reevaluates,
    };
    enum dse_status status = prepare_space(preparation, &decoder, err);
    if (status != DSE_OK)
        goto fail;
    DSE_TRY_GOTO(status,
                 dse_report_objectives(&decoder.space, &preparation->arena, &spec.objectives,
                                       &spec.objectives_n, err),
                 fail);
    DSE_TRY_GOTO(status, dse_record_encode(DSE_RECORD_spec, &spec, &json, err), fail);
    *spec_json = dse_arena_strdup(&preparation->arena, json.data);
    if (*spec_json == NULL)
        status = no_memory(err);
fail:
    dse_buf_fini(&json);
    dse_space_fini(&decoder.space);
    return status;
}
