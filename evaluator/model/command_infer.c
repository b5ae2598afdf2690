/* infer: what networks make of a data set, clean and corrupted, as CSV. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evaluator/model/model_cells.h"
#include "evaluator/model/model_network.h"
#include "evaluator/model/model_run.h"

enum { THREADS_MOST = 64, DEFAULT_BATCH = 32, REPORT_US = 100 * 1000 };

/* One cell: clean where there is no corruption. */
struct cell {
    const struct dse_corruption_def *corruption;
    int severity;
};

struct job {
    struct model *m;
    struct model__network *networks;
    int n_networks;
    struct model__images images;
    struct cell cells[1 + MODEL_CORRUPTIONS_MOST * DSE_SEVERITIES];
    int n_cells;
    int batch, n_batches, threads;
    uint64_t seed;
    atomic_int next, done; /* pieces of work: a batch of a cell */
    atomic_bool stop;
};

/* What one thread has; tallies are whole numbers, so their sum does not depend on who counted what.
 */
struct hand {
    struct job *job;
    pthread_t thread;
    struct model__runner **runners; /* [network] */
    struct dse_corrupter *corrupter;
    uint8_t *corrupted; /* one image */
    float *pixels;      /* [batch] images, normalised */
    int64_t *tallies;   /* [network][cell][DSE_TALLY_SIZE] */
    struct dse_arena arena;
    enum dse_status status;
    struct dse_err err;
};

static int64_t *tally_of(const struct job *job, int64_t *tallies, int network, int cell) {
    return tallies +
           ((size_t)network * (size_t)job->n_cells + (size_t)cell) * (size_t)DSE_TALLY_SIZE;
}

/* ---- what is asked for ---- */

static const char clean_name[] = "no_corruption", everything[] = "all";

static enum dse_status list_cells(struct job *job, struct dse_err *err) {
    struct model *m = job->m;
    struct model__cells cells = {0};
    const char *text = m->options.corruption == NULL ? clean_name : m->options.corruption;
    bool is_clean = strcmp(text, clean_name) == 0;
    if (is_clean || strcmp(text, everything) == 0)
        job->n_cells = 1;
    if (is_clean)
        return DSE_OK;
    DSE_TRY(model__read_corruptions(m, "--corruption", text, &cells, err));
    DSE_TRY(model__read_severities("--corruption-level", m->options.corruption_level, &cells, err));
    for (int c = 0; c < cells.n_corruptions; c++)
        for (int s = 1; s <= DSE_SEVERITIES; s++)
            if (cells.severities[s - 1])
                job->cells[job->n_cells++] = (struct cell){cells.corruptions[c], s};
    return DSE_OK;
}

static enum dse_status open_networks(struct job *job, struct dse_err *err) {
    struct model *m = job->m;
    int passes = model__given(m, MODEL_OPTION_passes) ? (int)m->options.passes : 1;
    job->networks = dse_arena_alloc(&m->arena, (size_t)m->line.n_operands, sizeof *job->networks);
    if (job->networks == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d networks", m->line.n_operands);
    for (; job->n_networks < m->line.n_operands; job->n_networks++)
        DSE_TRY(model__network_open(m, m->line.operands[job->n_networks], passes,
                                    &job->networks[job->n_networks], err));
    for (int i = 0; i < job->n_networks; i++) /* the images fit the others, too */
        DSE_TRY(
            model__check_images(job->networks[i].path, job->networks[i].graph, &job->images, err));
    return DSE_OK;
}

/* ---- one thread ---- */

static enum dse_status equip(struct hand *hand, struct dse_err *err) {
    struct job *job = hand->job;
    const struct dse_train_data *data = &job->images.data;
    size_t image = (size_t)data->h * (size_t)data->w * (size_t)data->c;
    hand->runners =
        dse_arena_alloc(&hand->arena, (size_t)job->n_networks, sizeof(struct model__runner *));
    hand->corrupted = dse_arena_alloc(&hand->arena, image, 1);
    hand->pixels = dse_alloc_aligned((size_t)job->batch * image, sizeof *hand->pixels);
    hand->tallies = dse_arena_alloc(
        &hand->arena, (size_t)job->n_networks * (size_t)job->n_cells * (size_t)DSE_TALLY_SIZE,
        sizeof *hand->tallies);
    if (hand->runners == NULL || hand->corrupted == NULL || hand->pixels == NULL ||
        hand->tallies == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a thread's work");
    for (int i = 0; i < job->n_networks; i++)
        DSE_TRY(model__runner_new(&job->networks[i], job->batch, &hand->runners[i], err));
    if (job->n_cells == 1 && job->cells[0].corruption == NULL)
        return DSE_OK;
    return model__new_corrupter(job->m, data->h, data->w, data->c, &hand->corrupter, err);
}

static enum dse_status make_pixels(struct hand *hand, const struct cell *cell, int first, int n,
                                   struct dse_err *err) {
    const struct model__images *images = &hand->job->images;
    const struct dse_train_data *data = &images->data;
    size_t image = (size_t)data->h * (size_t)data->w * (size_t)data->c;
    if (cell->corruption == NULL) {
        model__normalize_images(images, first, n, hand->pixels);
        return DSE_OK;
    }
    for (int i = 0; i < n; i++) {
        DSE_TRY(dse_corrupt_image(hand->corrupter, cell->corruption->corruption, cell->severity,
                                  hand->job->seed, (uint32_t)(first + i),
                                  data->pixels + (size_t)(first + i) * image, hand->corrupted,
                                  err));
        for (size_t k = 0; k < image; k++)
            hand->pixels[(size_t)i * image + k] =
                data->levels[k % (size_t)data->c][hand->corrupted[k]];
    }
    return DSE_OK;
}

static enum dse_status do_piece(struct hand *hand, int piece, struct dse_err *err) {
    struct job *job = hand->job;
    int cell = piece / job->n_batches, first = piece % job->n_batches * job->batch;
    int left = job->images.data.n - first, n = left < job->batch ? left : job->batch;
    DSE_TRY(make_pixels(hand, &job->cells[cell], first, n, err));
    for (int i = 0; i < job->n_networks; i++) {
        DSE_TRY(
            model__runner_run(hand->runners[i], hand->pixels, n, job->seed, (uint32_t)first, err));
        model__runner_tally(hand->runners[i], job->images.data.labels + first, n,
                            tally_of(job, hand->tallies, i, cell));
    }
    return DSE_OK;
}

static void *take_pieces(void *argument) {
    struct hand *hand = argument;
    struct job *job = hand->job;
    int pieces = job->n_cells * job->n_batches, piece;
    while (hand->status == DSE_OK && !atomic_load(&job->stop) &&
           (piece = atomic_fetch_add(&job->next, 1)) < pieces) {
        hand->status = do_piece(hand, piece, &hand->err);
        (void)atomic_fetch_add(&job->done, 1);
    }
    if (hand->status != DSE_OK)
        atomic_store(&job->stop, true);
    return NULL;
}

static void release(struct hand *hand) {
    for (int i = 0; hand->runners != NULL && i < hand->job->n_networks; i++)
        model__runner_free(hand->runners[i]);
    dse_corrupter_free(hand->corrupter);
    dse_free(hand->pixels);
    dse_arena_fini(&hand->arena);
}

/* ---- all threads ---- */

static void watch(struct job *job) {
    int pieces = job->n_cells * job->n_batches, done;
    while ((done = atomic_load(&job->done)) < pieces && !atomic_load(&job->stop)) {
        dse_console_progress_step(&job->m->progress, "inferring, images of cells",
                                  (int64_t)done * job->batch, (int64_t)pieces * job->batch);
        (void)usleep(REPORT_US);
    }
}

/* Starts the hands that are equipped; how many were. */
static int start_hands(struct job *job, struct hand *hands) {
    int started = 0;
    while (started < job->threads &&
           pthread_create(&hands[started].thread, NULL, take_pieces, &hands[started]) == 0)
        started++;
    return started;
}

static enum dse_status run_hands(struct job *job, struct hand *hands, struct dse_err *err) {
    for (int t = 0; t < job->threads; t++)
        DSE_TRY(equip(&hands[t], err));
    int started = start_hands(job, hands);
    if (started == 0)
        DSE_FAIL(err, DSE_NO_MEMORY, "a thread could not be started");
    watch(job);
    for (int t = 0; t < started; t++)
        (void)pthread_join(hands[t].thread, NULL);
    dse_console_progress_end(&job->m->progress);
    for (int t = 0; t < started; t++)
        if (hands[t].status != DSE_OK)
            DSE_FAIL(err, hands[t].status, "%s", hands[t].err.text);
    size_t words = (size_t)job->n_networks * (size_t)job->n_cells * (size_t)DSE_TALLY_SIZE;
    for (int t = 1; t < started; t++)
        if (!dse_tally_add(hands[0].tallies, hands[t].tallies, words))
            DSE_FAIL(err, DSE_INTERNAL, "a tally is too large");
    return DSE_OK;
}

/* ---- results ---- */

/* The columns behind corruption and level, in their order. */
static const struct {
    const char *column, *measure;
} columns[] = {{"accuracy", "accuracy_clean"},
               {"brier_score", "axolotl_brier_score_clean"},
               {"log_prob", "axolotl_log_prob_clean"},
               {"ece", "ece_clean"}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static enum dse_status measure(const int64_t *tally, double values[COLUMNS], struct dse_err *err) {
    struct dse_outcome outcome = {.tallies = tally, .n_cells = 1, .tally_size = DSE_TALLY_SIZE};
    const struct dse_cell_facts clean = {0};
    const struct dse_model_facts facts = {.cells = &clean, .n_cells = 1};
    for (int i = 0; i < COLUMNS; i++) {
        struct dse_metric metric;
        DSE_TRY(dse_metric_parse(columns[i].measure, strlen(columns[i].measure), &metric, err));
        const struct dse_evidence evidence = {.model = &facts, .outcome = &outcome};
        values[i] = dse_metric_estimate(&metric, &evidence).value;
    }
    return DSE_OK;
}

static void put_header(const struct job *job, bool with_model, struct dse_buf *out) {
    if (job->m->options.no_header)
        return;
    dse_buf_puts(out,
                 with_model ? "model,corruption,corruption_level" : "corruption,corruption_level");
    for (int i = 0; i < COLUMNS; i++)
        dse_buf_printf(out, ",%s", columns[i].column);
    dse_buf_puts(out, "\n");
}

static enum dse_status put_rows(const struct job *job, int64_t *tallies, int network,
                                bool with_model, struct dse_buf *out, struct dse_err *err) {
    for (int c = 0; c < job->n_cells; c++) {
        const struct cell *cell = &job->cells[c];
        double values[COLUMNS];
        DSE_TRY(measure(tally_of(job, tallies, network, c), values, err));
        if (with_model)
            dse_buf_printf(out, "%s,", job->networks[network].name);
        dse_buf_printf(out, "%s,%d", cell->corruption == NULL ? clean_name : cell->corruption->name,
                       cell->severity);
        for (int i = 0; i < COLUMNS; i++)
            dse_buf_printf(out, ",%.6f", values[i]);
        dse_buf_puts(out, "\n");
    }
    return dse_buf_status(out, err);
}

static enum dse_status put_json(const struct job *job, int64_t *tallies, struct dse_buf *out,
                                struct dse_err *err) {
    dse_buf_printf(out, "{\"images\":%d,\"models\":[", job->images.data.n);
    for (int n = 0; n < job->n_networks; n++) {
        dse_buf_puts(out, n > 0 ? ",{\"model\":" : "{\"model\":");
        dse_console_json_string(out, job->networks[n].path);
        dse_buf_puts(out, ",\"cells\":[");
        for (int c = 0; c < job->n_cells; c++) {
            const struct cell *cell = &job->cells[c];
            double values[COLUMNS];
            DSE_TRY(measure(tally_of(job, tallies, n, c), values, err));
            dse_buf_printf(
                out, "%s{\"corruption\":\"%s\",\"corruption_level\":%d", c > 0 ? "," : "",
                cell->corruption == NULL ? clean_name : cell->corruption->name, cell->severity);
            for (int i = 0; i < COLUMNS; i++)
                dse_buf_printf(out, ",\"%s\":%.10g", columns[i].column, values[i]);
            dse_buf_puts(out, "}");
        }
        dse_buf_puts(out, "]}");
    }
    dse_buf_puts(out, "]}\n");
    return dse_buf_status(out, err);
}

/* A file a network, as the plots of others take them. */
static enum dse_status save_files(const struct job *job, int64_t *tallies, struct dse_err *err) {
    const char *dir = job->m->options.save_to;
    DSE_TRY(dse_dir_create(dir, err));
    for (int n = 0; n < job->n_networks; n++) {
        struct dse_buf text = {0};
        const char *path =
            dse_console_printf(&job->m->arena, "%s/%s.csv", dir, job->networks[n].name);
        put_header(job, false, &text);
        enum dse_status status = put_rows(job, tallies, n, false, &text, err);
        if (status == DSE_OK)
            status = dse_file_replace(path, text.data, text.size, err);
        dse_buf_fini(&text);
        DSE_TRY(status);
    }
    return DSE_OK;
}

static enum dse_status say(const struct job *job, int64_t *tallies, struct dse_err *err) {
    struct dse_buf out = {0};
    bool several = job->n_networks > 1;
    enum dse_status status = DSE_OK;
    if (job->m->options.save_to != NULL)
        status = save_files(job, tallies, err);
    if (status == DSE_OK && job->m->options.json) {
        status = put_json(job, tallies, &out, err);
    } else if (status == DSE_OK) {
        put_header(job, several, &out);
        for (int n = 0; status == DSE_OK && n < job->n_networks; n++)
            status = put_rows(job, tallies, n, several, &out, err);
    }
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}

static enum dse_status infer(struct job *job, struct dse_err *err) {
    struct model *m = job->m;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    DSE_TRY(open_networks(job, err));
    job->batch = model__given(m, MODEL_OPTION_batch) ? (int)m->options.batch : DEFAULT_BATCH;
    job->n_batches = (job->images.data.n + job->batch - 1) / job->batch;
    job->threads = model__given(m, MODEL_OPTION_threads) ? (int)m->options.threads
                   : processors > 0                      ? (int)processors
                                                         : 1;
    if (job->threads > THREADS_MOST)
        job->threads = THREADS_MOST;
    struct hand *hands = dse_arena_alloc(&m->arena, (size_t)job->threads, sizeof *hands);
    if (hands == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d threads", job->threads);
    for (int t = 0; t < job->threads; t++)
        hands[t].job = job;
    enum dse_status status = run_hands(job, hands, err);
    if (status == DSE_OK)
        status = say(job, hands[0].tallies, err);
    for (int t = 0; t < job->threads; t++)
        release(&hands[t]);
    return status;
}

enum dse_status model__command_infer(struct model *m, struct dse_err *err) {
    struct job job = {.m = m};
    if (model__given(m, MODEL_OPTION_seed))
        job.seed = (uint64_t)m->options.seed;
    DSE_TRY(list_cells(&job, err));
    if (m->options.data == NULL)
        DSE_FAIL(err, DSE_USAGE, "--data FORMAT:FILE,... is needed: the images to use");
    DSE_TRY(model__load_images(m, m->options.data,
                               model__given(m, MODEL_OPTION_images) ? (int)m->options.images : 0,
                               &job.images, err));
    enum dse_status status = infer(&job, err);
    for (int i = 0; i < job.n_networks; i++)
        model__network_close(&job.networks[i]);
    model__images_fini(&job.images);
    return status;
}
