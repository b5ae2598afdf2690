/* A task: a group of candidates over the images of a shard. */
#include <string.h>

#include "evaluator/evaluator_internal.h"
#include "evaluator/metrics/metrics.h"

/* ---- tasks ---- */

static enum dse_status check_bits(const int64_t *bits, int n, int n_layers, struct dse_err *err) {
    if (n != n_layers)
        DSE_FAIL(err, DSE_PROTOCOL, "a candidate has %d layers, the model %d", n, n_layers);
    for (int i = 0; i < n; i++)
        if (bits[i] != 0 && (bits[i] < DSE_BITS_LEAST || bits[i] > DSE_BITS_MOST))
            DSE_FAIL(err, DSE_PROTOCOL, "layer %d: %lld bits are not possible", i,
                     (long long)bits[i]);
    return DSE_OK;
}

/* Rates of all layers, or none; passes. */
static enum dse_status read_dropout(const struct dse_msg_candidate *from, int n_layers, int *rates,
                                    struct dse_candidate *candidate, struct dse_err *err) {
    if (from->dropout_n != 0 && from->dropout_n != n_layers)
        DSE_FAIL(err, DSE_PROTOCOL, "a candidate has rates for %d layers, the model %d",
                 from->dropout_n, n_layers);
    if (from->passes < 0 || from->passes > DSE_PASSES_MOST)
        DSE_FAIL(err, DSE_PROTOCOL, "%lld passes are not possible", (long long)from->passes);
    for (int l = 0; l < from->dropout_n; l++) {
        if (from->dropout[l] < 0 || from->dropout[l] >= DSE_DROPOUT_STEPS)
            DSE_FAIL(err, DSE_PROTOCOL, "layer %d: %lld is no rate of dropout", l,
                     (long long)from->dropout[l]);
        rates[l] = (int)from->dropout[l];
    }
    candidate->dropout = rates;
    candidate->passes = from->passes > 0 ? (int)from->passes : 1;
    return DSE_OK;
}

static enum dse_status read_candidates(const struct dse_evaluator *ev,
                                       const struct dse_msg_task *task, struct dse_arena *arena,
                                       struct dse_candidate **out, struct dse_err *err) {
    int n_layers = ev->graph->n_layers;
    size_t n = (size_t)task->candidates_n;
    struct dse_candidate *candidates = dse_arena_alloc(arena, n, sizeof *candidates);
    int *ints = dse_arena_alloc(arena, n * 3 * (size_t)n_layers, sizeof *ints);
    if (candidates == NULL || ints == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %d candidates", task->candidates_n);
    for (size_t i = 0; i < n; i++, ints += 3 * n_layers) {
        const struct dse_msg_candidate *from = &task->candidates[i];
        DSE_TRY(check_bits(from->input_bits, from->input_bits_n, n_layers, err));
        DSE_TRY(check_bits(from->weight_bits, from->weight_bits_n, n_layers, err));
        if (from->genes_n > 0)
            DSE_FAIL(err, DSE_PROTOCOL, "a candidate comes with %d genes; a network takes bits",
                     from->genes_n);
        candidates[i] = (struct dse_candidate){
            .n_layers = n_layers, .input_bits = ints, .weight_bits = ints + n_layers};
        for (int l = 0; l < n_layers; l++) {
            candidates[i].input_bits[l] = (int)from->input_bits[l];
            candidates[i].weight_bits[l] = (int)from->weight_bits[l];
        }
        DSE_TRY(read_dropout(from, n_layers, ints + 2 * n_layers, &candidates[i], err));
    }
    *out = candidates;
    return DSE_OK;
}

/* What a task needs while it runs. */
struct run {
    struct dse_candidate *candidates;
    int n;
    int n_exits, classes, tally_size;
    int *order;
    float *logits;            /* [item][exit][batch][classes] */
    struct dse_passes passes; /* of one image at one exit */
    double *p;                /* [classes], of one image */
    int *labels;              /* [exit], predicted for one image */
    int64_t *tallies;         /* [candidate][cell][tally_size] */
    uint8_t *records;         /* [candidate][cell][image][exit]; NULL: one exit */
    size_t record_bytes;      /* of a candidate */
    struct dse_plan_stats stats;
};

/* Logits of one batch of a cell. */
struct batch {
    int cell, first, n; /* images first..first + n - 1 of the shard's n_images */
    int n_images;
    const uint16_t *labels; /* of the batch */
};

/* The prediction of one image at one exit: run->p, and the class or -1. */
static int predict(struct run *run, const float *logits, const struct batch *batch, int passes,
                   int image, int exit) {
    size_t classes = (size_t)run->classes, row = (size_t)batch->n * classes;
    const float *at = logits + (size_t)exit * row + (size_t)image * classes;
    if (passes == 1)
        return dse_metrics_predict(at, run->classes, run->p);
    dse_metrics_reset_passes(&run->passes, run->classes);
    for (int t = 0; t < passes; t++)
        dse_metrics_add_pass(at + (size_t)t * (size_t)run->n_exits * row, run->classes,
                             &run->passes);
    return dse_metrics_mean_of_passes(&run->passes, run->classes, run->p);
}

/* Words of exits that thresholds do not change, and those of an image that uses none. */
static void tally_exits(const struct run *run, int label, int64_t *tally) {
    int n = run->n_exits, depth = n - 1;
    while (depth > 0 && run->labels[depth - 1] == run->labels[n - 1])
        depth--;
    for (int k = 0; k < n; k++)
        tally[dse_exit_word(DSE_EXIT_CORRECT, k, n)] += run->labels[k] == label;
    tally[dse_exit_word(DSE_EXIT_DEPTH, depth, n)]++;
    tally[dse_exit_word(DSE_EXIT_LEFT, n - 1, n)]++;
    tally[dse_exit_word(DSE_EXIT_LEFT_CORRECT, n - 1, n)] += run->labels[n - 1] == label;
}

/* One image of one candidate. logits: of its first pass. */
static void tally_image(struct run *run, const struct batch *batch, int candidate,
                        const float *logits, int image, int64_t *tally) {
    int passes = run->candidates[candidate].passes, n = run->n_exits;
    int label = batch->labels[image];
    for (int exit = 0; exit < n; exit++) {
        run->labels[exit] = predict(run, logits, batch, passes, image, exit);
        if (n == 1)
            break;
        size_t place =
            ((size_t)batch->cell * (size_t)batch->n_images + (size_t)(batch->first + image)) *
                (size_t)n +
            (size_t)exit;
        struct dse_exit_numbers numbers =
            dse_metrics_exit_numbers(run->p, run->classes, label, run->labels[exit]);
        dse_exit_record_write(&numbers, run->records + (size_t)candidate * run->record_bytes +
                                            place * DSE_RECORD_BYTES);
    }
    dse_metrics_tally(run->p, run->classes, label, run->labels[n - 1], tally);
    if (passes > 1) {
        struct dse_pass_spread spread =
            dse_metrics_spread_of_passes(&run->passes, run->classes, run->p);
        dse_metrics_tally_spread(&spread, tally);
    }
    if (n > 1)
        tally_exits(run, label, tally);
}

static void tally_batch(const struct dse_evaluator *ev, struct run *run,
                        const struct batch *batch) {
    const float *logits = run->logits;
    for (int i = 0; i < run->n; i++) {
        size_t at = (size_t)i * (size_t)ev->n_cells + (size_t)batch->cell;
        for (int image = 0; image < batch->n; image++)
            tally_image(run, batch, i, logits, image, run->tallies + at * (size_t)run->tally_size);
        logits += (size_t)run->candidates[i].passes * (size_t)run->n_exits * (size_t)batch->n *
                  (size_t)run->classes;
    }
}

static enum dse_status run_cell(struct dse_evaluator *ev, struct run *run, int shard, int cell,
                                struct dse_err *err) {
    size_t image_size = (size_t)ev->data.h * (size_t)ev->data.w * (size_t)ev->data.c;
    int n_images = evaluator__images_of_shard(ev, shard), before = shard * ev->shard_images;
    const uint8_t *pixels = evaluator__cell_pixels(ev, shard, cell);
    for (int first = 0; first < n_images; first += ev->batch) {
        int n = n_images - first < ev->batch ? n_images - first : ev->batch;
        dse_dataset_normalize(pixels + (size_t)first * image_size, (size_t)n * image_size,
                              ev->data.c, ev->mean, ev->std, ev->images);
        dse_plan_set_masks(ev->plan, ev->mask_seed,
                           (uint32_t)(ev->data.indices[0] + before + first));
        DSE_TRY(dse_plan_run(ev->plan, run->candidates, run->n, run->order, ev->images, n,
                             run->logits, &run->stats, err));
        const struct batch batch = {cell, first, n, n_images, ev->data.labels + before + first};
        tally_batch(ev, run, &batch);
    }
    return DSE_OK;
}

/* Candidates whose weights stay packed together, over all cells. */
static enum dse_status run_group(struct dse_evaluator *ev, struct run *run, int shard, int first,
                                 int n, struct dse_err *err) {
    size_t before = (size_t)first;
    struct run group = *run;
    group.candidates += first;
    group.n = n;
    group.tallies += before * (size_t)ev->n_cells * (size_t)run->tally_size;
    if (run->records != NULL)
        group.records += before * run->record_bytes;
    DSE_TRY(dse_plan_order(ev->plan, group.candidates, n, group.order, err));
    for (int cell = 0; cell < ev->n_cells; cell++) {
        evaluator__report(ev, "evaluating", first * ev->n_cells + n * cell, run->n * ev->n_cells);
        DSE_TRY(run_cell(ev, &group, shard, cell, err));
    }
    run->stats = group.stats;
    return DSE_OK;
}

static enum dse_status run_groups(struct dse_evaluator *ev, struct run *run, int shard,
                                  struct dse_err *err) {
    for (int first = 0, n; first < run->n; first += n) {
        DSE_TRY(dse_plan_fit(ev->plan, run->candidates + first, run->n - first, &n, err));
        DSE_TRY(run_group(ev, run, shard, first, n, err));
    }
    return DSE_OK;
}

static int most_passes(const struct run *run) {
    int most = 1;
    for (int i = 0; i < run->n; i++)
        most = run->candidates[i].passes > most ? run->candidates[i].passes : most;
    return most;
}

static enum dse_status allocate_run(const struct dse_evaluator *ev, int shard,
                                    struct dse_arena *arena, struct run *run, struct dse_err *err) {
    size_t n = (size_t)run->n, cells = (size_t)ev->n_cells, passes = (size_t)most_passes(run);
    size_t items = (size_t)dse_plan_items(run->candidates, run->n);
    size_t classes = (size_t)run->classes, exits = (size_t)run->n_exits;
    run->order = dse_arena_alloc(arena, items, sizeof *run->order);
    run->logits =
        dse_arena_alloc(arena, items * exits * (size_t)ev->batch * classes, sizeof *run->logits);
    run->p = dse_arena_alloc(arena, classes, sizeof *run->p);
    run->labels = dse_arena_alloc(arena, exits, sizeof *run->labels);
    run->passes.p = dse_arena_alloc(arena, passes * classes, sizeof *run->passes.p);
    run->passes.sums = dse_arena_alloc(arena, classes, sizeof *run->passes.sums);
    run->passes.scratch = dse_arena_alloc(arena, passes, sizeof *run->passes.scratch);
    run->tallies =
        dse_arena_alloc(arena, n * cells * (size_t)run->tally_size, sizeof *run->tallies);
    if (exits > 1) {
        run->record_bytes =
            cells * (size_t)evaluator__images_of_shard(ev, shard) * exits * DSE_RECORD_BYTES;
        run->records = dse_arena_alloc(arena, n, run->record_bytes);
    }
    if (run->order == NULL || run->logits == NULL || run->p == NULL || run->labels == NULL ||
        run->passes.p == NULL || run->passes.sums == NULL || run->passes.scratch == NULL ||
        run->tallies == NULL || (exits > 1 && run->records == NULL))
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a task of %d candidates", run->n);
    return DSE_OK;
}

static enum dse_status write_records(const struct run *run, int candidate, struct dse_arena *arena,
                                     const char **text, struct dse_err *err) {
    struct dse_buf encoded = {0};
    if (run->records == NULL)
        return DSE_OK;
    dse_base64_encode(run->records + (size_t)candidate * run->record_bytes, run->record_bytes,
                      &encoded);
    char *copy = encoded.failed ? NULL : dse_arena_strndup(arena, encoded.data, encoded.size);
    dse_buf_fini(&encoded);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for records of %zu bytes", run->record_bytes);
    *text = copy;
    return DSE_OK;
}

static enum dse_status write_partials(const struct dse_evaluator *ev,
                                      const struct dse_msg_task *task, const struct run *run,
                                      struct dse_arena *arena, struct dse_msg_partials *partials,
                                      struct dse_err *err) {
    struct dse_msg_partial *results = dse_arena_alloc(arena, (size_t)run->n, sizeof *results);
    if (results == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a task of %d candidates", run->n);
    int64_t inferences = 0;
    for (int i = 0; i < run->n; i++) {
        int words = ev->n_cells * run->tally_size;
        results[i] = (struct dse_msg_partial){
            .key = task->candidates[i].key,
            .tallies = run->tallies + (size_t)i * (size_t)words,
            .tallies_n = words,
        };
        DSE_TRY(write_records(run, i, arena, &results[i].records, err));
        for (int cell = 0; cell < ev->n_cells; cell++)
            inferences += results[i].tallies[cell * run->tally_size + DSE_TALLY_SEEN] *
                          run->candidates[i].passes;
    }
    double asked = (double)run->stats.layers_asked;
    *partials = (struct dse_msg_partials){
        .task = task->task,
        .results = results,
        .results_n = run->n,
        .inferences = inferences,
        .layers_saved = asked > 0 ? 1.0 - (double)run->stats.layers_run / asked : 0.0,
    };
    return DSE_OK;
}

enum dse_status dse_evaluator_run(struct dse_evaluator *evaluator, const struct dse_msg_task *task,
                                  struct dse_arena *arena, struct dse_msg_partials *partials,
                                  struct dse_err *err) {
    struct dse_evaluator *ev = evaluator;
    if (ev->hash[0] == '\0' || strcmp(ev->hash, task->hash) != 0)
        DSE_FAIL(err, DSE_CONFLICT, "the task's context is not open");
    if (ev->values != NULL)
        return evaluator__values_run(ev->values, task, arena, partials, err);
    if (task->shard < 0 || task->shard >= ev->n_shards || task->candidates_n < 1)
        DSE_FAIL(err, DSE_PROTOCOL, "task of %d candidates on shard %lld of %d is not possible",
                 task->candidates_n, (long long)task->shard, ev->n_shards);
    struct run run = {
        .n = task->candidates_n,
        .n_exits = ev->graph->n_outputs,
        .classes = dse_plan_classes(ev->plan),
        .tally_size = dse_exit_tally_size(ev->graph->n_outputs),
    };
    int shard = (int)task->shard;
    DSE_TRY(read_candidates(ev, task, arena, &run.candidates, err));
    DSE_TRY(allocate_run(ev, shard, arena, &run, err));
    DSE_TRY(evaluator__ensure_shard(ev, shard, err));
    DSE_TRY(run_groups(ev, &run, shard, err));
    return write_partials(ev, task, &run, arena, partials, err);
}
