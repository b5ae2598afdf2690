/* What an individual is, and all that makes its network. */
#include <math.h>
#include <string.h>

#include "daemon/report_internal.h"

static enum dse_status no_memory(struct dse_err *err) {
    return dse_err_set(err, DSE_NO_MEMORY, "out of memory for an individual");
}

/* What a genome decodes to; the arrays lie in the arena. */
static enum dse_status decode(const struct daemon__decoder *decoder,
                              const struct dse_individual_row *row, struct dse_arena *arena,
                              struct dse_candidate *candidate, struct dse_err *err) {
    int n = decoder->model.n_layers, n_genes = decoder->space.n_genes;
    int *ints = dse_arena_alloc(arena, 3 * (size_t)n, sizeof *ints);
    double *genome = dse_arena_alloc(arena, (size_t)n_genes, sizeof *genome);
    double *genes = dse_arena_alloc(arena, (size_t)n_genes, sizeof *genes);
    if (ints == NULL || genome == NULL || genes == NULL)
        return no_memory(err);
    *candidate = (struct dse_candidate){.n_layers = n,
                                        .input_bits = ints,
                                        .weight_bits = ints + n,
                                        .dropout = ints + 2 * (size_t)n,
                                        .genes = genes};
    if (row->generation < 0)
        return DSE_OK;
    DSE_TRY(dse_genome_parse(row->genome, genome, n_genes, err));
    decoder->problem->decode(&decoder->space, genome, candidate);
    return DSE_OK;
}

static enum dse_status copy_ints(const int *from, int n, struct dse_arena *arena,
                                 const int64_t **to, int *n_to, struct dse_err *err) {
    int64_t *made = dse_arena_alloc(arena, (size_t)n, sizeof *made);
    if (made == NULL)
        return no_memory(err);
    for (int i = 0; i < n; i++)
        made[i] = from[i];
    *to = made;
    *n_to = n;
    return DSE_OK;
}

static bool has_dropout(const struct dse_candidate *candidate) {
    for (int l = 0; l < candidate->n_layers; l++)
        if (candidate->dropout[l] > 0)
            return true;
    return false;
}

enum dse_status daemon__add_settings(const struct daemon__decoder *decoder,
                                     const struct dse_individual_row *row, struct dse_arena *arena,
                                     struct dse_msg_individual *individual, struct dse_err *err) {
    struct dse_candidate candidate;
    int n = decoder->model.n_layers;
    if (n == 0)
        return DSE_OK; /* no network: the genome says it all */
    DSE_TRY(decode(decoder, row, arena, &candidate, err));
    DSE_TRY(copy_ints(candidate.input_bits, n, arena, &individual->input_bits,
                      &individual->input_bits_n, err));
    DSE_TRY(copy_ints(candidate.weight_bits, n, arena, &individual->weight_bits,
                      &individual->weight_bits_n, err));
    if (has_dropout(&candidate)) {
        DSE_TRY(copy_ints(candidate.dropout, n, arena, &individual->dropout, &individual->dropout_n,
                          err));
        individual->passes = candidate.passes;
    }
    if (candidate.n_thresholds > 0) {
        size_t bytes = (size_t)candidate.n_thresholds * sizeof(double);
        double *thresholds = dse_arena_alloc(arena, 1, bytes);
        if (thresholds == NULL)
            return no_memory(err);
        memcpy(thresholds, candidate.thresholds, bytes);
        individual->thresholds = thresholds;
        individual->thresholds_n = candidate.n_thresholds;
        individual->exit_batch = candidate.exit_batch;
    }
    return DSE_OK;
}

enum dse_status daemon__add_bins(const int64_t *tally, struct dse_arena *arena,
                                 struct dse_msg_cell_result *cell, struct dse_err *err) {
    int64_t *words = dse_arena_alloc(arena, 2 * (size_t)DSE_TALLY_BINS, sizeof *words);
    double *confidence = dse_arena_alloc(arena, DSE_TALLY_BINS, sizeof *confidence);
    if (words == NULL || confidence == NULL)
        return no_memory(err);
    for (int b = 0; b < DSE_TALLY_BINS; b++) {
        int64_t seen = tally[DSE_TALLY_BIN_SEEN + b];
        double sum =
            ldexp((double)tally[DSE_TALLY_BIN_CONFIDENCE + b], -DSE_TALLY_BITS_BIN_CONFIDENCE);
        words[b] = seen;
        words[DSE_TALLY_BINS + b] = tally[DSE_TALLY_BIN_CORRECT + b];
        confidence[b] = seen > 0 ? sum / (double)seen : 0;
    }
    cell->bin_seen = words;
    cell->bin_correct = words + DSE_TALLY_BINS;
    cell->bin_confidence = confidence;
    cell->bin_seen_n = cell->bin_correct_n = cell->bin_confidence_n = DSE_TALLY_BINS;
    return DSE_OK;
}

/* ---- recipes ---- */

static enum dse_status list_outputs(const struct dse_msg_context *context, struct dse_arena *arena,
                                    struct dse_msg_recipe *recipe, struct dse_err *err) {
    const char **outputs = dse_arena_alloc(arena, (size_t)context->exits_n + 1, sizeof *outputs);
    int n = 0;
    if (outputs == NULL)
        return no_memory(err);
    for (; n < context->exits_n; n++)
        outputs[n] = context->exits[n];
    if (context->output != NULL && context->output[0] != '\0')
        outputs[n++] = context->output;
    recipe->outputs = outputs;
    recipe->outputs_n = n;
    return DSE_OK;
}

enum dse_status dse_report_recipe(struct dse_store *store,
                                  const struct dse_msg_individual_id *which,
                                  struct dse_arena *arena, struct dse_msg_recipe *recipe,
                                  struct dse_err *err) {
    struct dse_sweep_row row;
    struct dse_msg_spec spec;
    struct dse_msg_individual *individual = dse_arena_alloc(arena, 1, sizeof *individual);
    if (individual == NULL)
        return no_memory(err);
    DSE_TRY(dse_report_individual(store, which, arena, individual, err));
    DSE_TRY(dse_store_load_sweep(store, which->sweep, arena, &row, err));
    DSE_TRY(dse_record_decode(DSE_RECORD_spec, row.spec, strlen(row.spec), arena, &spec, err));
    if (spec.context->model == NULL || spec.context->dataset == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "sweep %lld is about no network", (long long)which->sweep);
    struct dse_msg_recipe made = {
        .name = row.name,
        .sweep = row.id,
        .content_hash = row.content_hash,
        .model = spec.context->model,
        .weight_scales =
            spec.context->weight_scales != NULL ? spec.context->weight_scales : "channel",
        .dataset = spec.context->dataset,
        .individual = individual,
    };
    DSE_TRY(list_outputs(spec.context, arena, &made, err));
    *recipe = made;
    return DSE_OK;
}
