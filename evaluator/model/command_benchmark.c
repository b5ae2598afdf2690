/* benchmark: how long networks take for batches of several sizes, as CSV. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evaluator/model/model_network.h"
#include "evaluator/model/model_run.h"

enum {
    BATCHES_MOST = 32,
    DEFAULT_BATCH = 32,
    DEFAULT_REPEATS = 100,
    DEFAULT_WARM_UPS = 10,
    LARGEST_BATCH = 65536
};

struct job {
    struct model *m;
    struct model__network network;
    struct model__images images; /* n 0: made up */
    int batches[BATCHES_MOST];
    int n_batches, repeats, warm_ups;
    uint64_t seed;
    double *times_s; /* [repeats] */
    int row;         /* of the results */
};

struct statistics {
    double mean, median, most, least, deviation, p99;
};

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts. The deviation is the sample's; p99 the smallest that 99 % do not exceed. */
static struct statistics summarize(double *times_s, int n) {
    struct statistics s = {0};
    double squares = 0;
    qsort(times_s, (size_t)n, sizeof *times_s, compare);
    for (int i = 0; i < n; i++)
        s.mean += times_s[i] / n;
    for (int i = 0; i < n; i++)
        squares += (times_s[i] - s.mean) * (times_s[i] - s.mean);
    s.deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
    s.median = (times_s[(n - 1) / 2] + times_s[n / 2]) / 2;
    s.least = times_s[0];
    s.most = times_s[n - 1];
    s.p99 = times_s[(int)ceil(0.99 * n) - 1];
    return s;
}

/* Images of --data one after the other, from the beginning again where they are too few, or numbers
 * uniform in [0, 1). */
static void fill_images(const struct job *job, int batch, float *images) {
    size_t image = (size_t)job->network.input_size;
    for (int i = 0; job->images.data.n > 0 && i < batch; i++)
        model__normalize_images(&job->images, i % job->images.data.n, 1,
                                images + (size_t)i * image);
    struct dse_rng rng;
    dse_rng_init(&rng, job->seed, DSE_RNG_TEST, 0, 0);
    for (size_t k = 0; job->images.data.n == 0 && k < (size_t)batch * image; k++)
        images[k] = (float)dse_rng_uniform(&rng);
}

static enum dse_status time_batch(struct job *job, struct model__runner *runner,
                                  const float *images, int batch, struct dse_err *err) {
    for (int i = -job->warm_ups; i < job->repeats; i++) {
        double begin = now_s();
        DSE_TRY(model__runner_run(runner, images, batch, job->seed, 0, err));
        if (i >= 0)
            job->times_s[i] = now_s() - begin;
        dse_console_progress_step(&job->m->progress, "running", i + job->warm_ups + 1,
                                  job->warm_ups + job->repeats);
    }
    return DSE_OK;
}

static enum dse_status measure_batch(struct job *job, int batch, struct statistics *statistics,
                                     struct dse_err *err) {
    struct model__runner *runner = NULL;
    float *images =
        dse_alloc_aligned((size_t)batch * (size_t)job->network.input_size, sizeof *images);
    if (images == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d images", batch);
    fill_images(job, batch, images);
    enum dse_status status = model__runner_new(&job->network, batch, &runner, err);
    if (status == DSE_OK)
        status = time_batch(job, runner, images, batch, err);
    if (status == DSE_OK)
        *statistics = summarize(job->times_s, job->repeats);
    model__runner_free(runner);
    dse_free(images);
    dse_console_progress_end(&job->m->progress);
    return status;
}

static void put_row(struct job *job, int batch, const struct statistics *s, struct dse_buf *out) {
    const double MIB = 1 << 20;
    double size = (double)job->network.file_bytes / MIB;
    if (!job->m->options.json) {
        if (job->row == 0 && !job->m->options.no_header)
            dse_buf_puts(out, "model_name,batch_size,model_size[MB],mean[sec],median[sec],"
                              "max[sec],min[sec],stdev,p99[sec]\n");
        dse_buf_printf(out, "%s,%d,%.4f,%.7f,%.7f,%.7f,%.7f,%.7f,%.7f\n", job->network.name, batch,
                       size, s->mean, s->median, s->most, s->least, s->deviation, s->p99);
    } else {
        dse_buf_puts(out, job->row == 0 ? "{\"results\":[{\"model\":" : ",{\"model\":");
        dse_console_json_string(out, job->network.path);
        dse_buf_printf(out,
                       ",\"batch_size\":%d,\"model_size_mb\":%.4f,\"repeats\":%d,\"mean_s\":%.9g,"
                       "\"median_s\":%.9g,\"max_s\":%.9g,\"min_s\":%.9g,\"stdev_s\":%.9g,"
                       "\"p99_s\":%.9g}",
                       batch, size, job->repeats, s->mean, s->median, s->most, s->least,
                       s->deviation, s->p99);
    }
    job->row++;
}

static enum dse_status measure_network(struct job *job, const char *path, struct dse_err *err) {
    struct model *m = job->m;
    int passes = model__given(m, MODEL_OPTION_passes) ? (int)m->options.passes : 1;
    DSE_TRY(model__network_open(m, path, passes, &job->network, err));
    enum dse_status status = DSE_OK;
    if (job->images.data.n > 0)
        status = model__check_images(path, job->network.graph, &job->images, err);
    for (int i = 0; status == DSE_OK && i < job->n_batches; i++) {
        struct statistics statistics = {0};
        struct dse_buf out = {0};
        status = measure_batch(job, job->batches[i], &statistics, err);
        if (status == DSE_OK) {
            put_row(job, job->batches[i], &statistics, &out);
            status = dse_console_put(&out, err);
        }
        dse_buf_fini(&out);
    }
    model__network_close(&job->network);
    return status;
}

static enum dse_status read_batches(struct job *job, struct dse_err *err) {
    const char *at = job->m->options.batches;
    if (at == NULL) {
        job->batches[job->n_batches++] =
            model__given(job->m, MODEL_OPTION_batch) ? (int)job->m->options.batch : DEFAULT_BATCH;
        return DSE_OK;
    }
    while (at != NULL) {
        char *end;
        long batch = strtol(at, &end, 10);
        if (end == at || (*end != ',' && *end != '\0') || batch < 1 || batch > LARGEST_BATCH ||
            job->n_batches == BATCHES_MOST)
            DSE_FAIL(err, DSE_USAGE, "--batches '%.60s': expected up to %d sizes like 1,8,32",
                     job->m->options.batches, (int)BATCHES_MOST);
        job->batches[job->n_batches++] = (int)batch;
        at = *end == ',' ? end + 1 : NULL;
    }
    return DSE_OK;
}

static enum dse_status measure_all(struct job *job, struct dse_err *err) {
    struct model *m = job->m;
    struct dse_buf end = {0};
    job->times_s = dse_arena_alloc(&m->arena, (size_t)job->repeats, sizeof *job->times_s);
    if (job->times_s == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d times", job->repeats);
    for (int i = 0; i < m->line.n_operands; i++)
        DSE_TRY(measure_network(job, m->line.operands[i], err));
    if (m->options.json)
        dse_buf_puts(&end, "]}\n");
    return dse_console_put(&end, err);
}

enum dse_status model__command_benchmark(struct model *m, struct dse_err *err) {
    struct job job = {.m = m, .repeats = DEFAULT_REPEATS, .warm_ups = DEFAULT_WARM_UPS};
    if (model__given(m, MODEL_OPTION_repeats))
        job.repeats = (int)m->options.repeats;
    if (model__given(m, MODEL_OPTION_warm_ups))
        job.warm_ups = (int)m->options.warm_ups;
    DSE_TRY(read_batches(&job, err));
    if (m->options.data != NULL)
        DSE_TRY(model__load_images(
            m, m->options.data, model__given(m, MODEL_OPTION_images) ? (int)m->options.images : 0,
            &job.images, err));
    enum dse_status status = measure_all(&job, err);
    model__images_fini(&job.images);
    return status;
}
