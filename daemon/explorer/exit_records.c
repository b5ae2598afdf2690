/* Individuals whose early exits have thresholds: their results from the records of their
 * evaluation. */
#include <string.h>

#include "daemon/explorer/explorer.h"

/* Bytes of an image: all exits. */
static size_t image_bytes(const struct dse_model_facts *model) {
    return (size_t)model->n_exits * DSE_RECORD_BYTES;
}

static enum dse_status count_images(const struct dse_model_facts *model,
                                    const struct dse_store_bytes *shards, int n_shards,
                                    size_t *n_images, struct dse_err *err) {
    size_t row = (size_t)model->n_cells * image_bytes(model), n = 0;
    for (int s = 0; s < n_shards; s++) {
        if (shards[s].size % row != 0)
            DSE_FAIL(err, DSE_INVALID, "records of %zu bytes do not fit %d cells of %d exits",
                     shards[s].size, model->n_cells, model->n_exits);
        n += shards[s].size / row;
    }
    *n_images = n;
    return DSE_OK;
}

enum dse_status dse_explorer_load_records(struct dse_store *store, int64_t evaluation_id,
                                          const struct dse_model_facts *model,
                                          struct dse_arena *arena, struct dse_exit_images *images,
                                          struct dse_err *err) {
    struct dse_store_bytes *shards;
    int n_shards;
    size_t n_images, image = image_bytes(model), before = 0;
    DSE_TRY(dse_store_load_records(store, evaluation_id, arena, &shards, &n_shards, err));
    DSE_TRY(count_images(model, shards, n_shards, &n_images, err));
    uint8_t *records =
        dse_arena_alloc(arena, (size_t)model->n_cells * n_images * image, sizeof *records);
    if (records == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the records of %zu images", n_images);
    for (int s = 0; s < n_shards; s++) {
        size_t n = shards[s].size / ((size_t)model->n_cells * image);
        for (size_t c = 0; c < (size_t)model->n_cells; c++)
            memcpy(records + (c * n_images + before) * image, shards[s].bytes + c * n * image,
                   n * image);
        before += n;
    }
    *images = (struct dse_exit_images){records, n_images, model->n_cells, model->n_exits};
    return DSE_OK;
}

/* Words that thresholds do not change. */
static void copy_fixed_words(const int64_t *from, int n_exits, int64_t *to) {
    for (int k = 0; k < n_exits; k++) {
        int correct = dse_exit_word(DSE_EXIT_CORRECT, k, n_exits);
        int depth = dse_exit_word(DSE_EXIT_DEPTH, k, n_exits);
        to[correct] = from[correct];
        to[depth] = from[depth];
    }
}

static enum dse_status apply_thresholds(const struct dse_candidate *candidate,
                                        const struct dse_exit_images *images,
                                        struct dse_arena *arena, struct dse_outcome *outcome,
                                        struct dse_err *err) {
    const struct dse_exit_policy policy = {images->n_exits, candidate->thresholds,
                                           candidate->exit_batch};
    size_t size = (size_t)dse_exit_tally_size(images->n_exits), cells = (size_t)images->n_cells;
    int64_t *tallies = dse_arena_alloc(arena, cells * size, sizeof *tallies);
    if (tallies == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu cells", cells);
    if (outcome->n_cells != images->n_cells || (size_t)outcome->tally_size != size)
        DSE_FAIL(err, DSE_INTERNAL, "tallies of %d words for %d exits", outcome->tally_size,
                 images->n_exits);
    for (size_t c = 0; c < cells; c++) {
        dse_exits_apply(&policy,
                        images->records +
                            c * images->n_images * (size_t)images->n_exits * DSE_RECORD_BYTES,
                        images->n_images, tallies + c * size);
        copy_fixed_words(dse_outcome_cell(outcome, (int)c), images->n_exits, tallies + c * size);
    }
    outcome->tallies = tallies;
    return DSE_OK;
}

enum dse_status dse_explorer_load_outcome(struct dse_store *store, int64_t evaluation_id,
                                          const struct dse_model_facts *model,
                                          const struct dse_candidate *candidate,
                                          struct dse_arena *arena, struct dse_outcome *outcome,
                                          struct dse_err *err) {
    struct dse_outcome found = {0};
    DSE_TRY(dse_store_load_outcome(store, evaluation_id, arena, &found, err));
    if (candidate->n_thresholds > 0 && found.n_cells > 0) {
        struct dse_exit_images images;
        DSE_TRY(dse_explorer_load_records(store, evaluation_id, model, arena, &images, err));
        DSE_TRY(apply_thresholds(candidate, &images, arena, &found, err));
    }
    *outcome = found;
    return DSE_OK;
}

static enum dse_status write_exits(const struct dse_exit_summary *summary,
                                   const struct dse_outcome *outcome, int n_exits,
                                   struct dse_arena *arena, const struct dse_msg_exits **exits,
                                   struct dse_err *err) {
    struct dse_msg_exits *made = dse_arena_alloc(arena, 1, sizeof *made);
    struct dse_msg_exit_result *results = dse_arena_alloc(arena, (size_t)n_exits, sizeof *results);
    double *reals =
        dse_arena_alloc(arena, DSE_EXIT_QUARTILES + 2 * DSE_EXIT_COVERAGES, sizeof *reals);
    if (made == NULL || results == NULL || reals == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d exits", n_exits);
    for (int k = 0; k < n_exits; k++) {
        results[k] = (struct dse_msg_exit_result){.left = summary->left[k],
                                                  .left_correct = summary->left_correct[k]};
        for (int c = 0; c < outcome->n_cells; c++)
            results[k].correct +=
                dse_outcome_cell(outcome, c)[dse_exit_word(DSE_EXIT_CORRECT, k, n_exits)];
    }
    memcpy(reals, summary->entropies, sizeof summary->entropies);
    memcpy(reals + DSE_EXIT_QUARTILES, summary->risks, sizeof summary->risks);
    for (int c = 0; c < DSE_EXIT_COVERAGES; c++)
        reals[DSE_EXIT_QUARTILES + DSE_EXIT_COVERAGES + c] = dse_exit_coverage(c);
    *made = (struct dse_msg_exits){.exits = results,
                                   .exits_n = n_exits,
                                   .entropies = reals,
                                   .entropies_n = DSE_EXIT_QUARTILES,
                                   .risks = reals + DSE_EXIT_QUARTILES,
                                   .risks_n = DSE_EXIT_COVERAGES,
                                   .coverages = reals + DSE_EXIT_QUARTILES + DSE_EXIT_COVERAGES,
                                   .coverages_n = DSE_EXIT_COVERAGES};
    *exits = made;
    return DSE_OK;
}

enum dse_status dse_explorer_describe_exits(struct dse_store *store, int64_t evaluation_id,
                                            const struct dse_model_facts *model,
                                            const struct dse_candidate *candidate,
                                            struct dse_arena *arena,
                                            const struct dse_msg_exits **exits,
                                            struct dse_err *err) {
    struct dse_exit_images images;
    struct dse_exit_summary summary;
    struct dse_outcome outcome;
    const struct dse_exit_policy policy = {model->n_exits, candidate->thresholds,
                                           candidate->exit_batch};
    *exits = NULL;
    if (candidate->n_thresholds == 0)
        return DSE_OK;
    DSE_TRY(dse_explorer_load_records(store, evaluation_id, model, arena, &images, err));
    DSE_TRY(
        dse_explorer_load_outcome(store, evaluation_id, model, candidate, arena, &outcome, err));
    if (images.n_images == 0 || outcome.tally_size < dse_exit_tally_size(model->n_exits))
        return DSE_OK;
    DSE_TRY(dse_exit_summarize(&policy, &images, &summary, err));
    return write_exits(&summary, &outcome, model->n_exits, arena, exits, err);
}
