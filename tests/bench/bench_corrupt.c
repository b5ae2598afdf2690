/* Microseconds an image of every corruption and severity, on one thread.
 *
 *     bench_corrupt test_batch.bin IMAGES [CORRUPTION [TIMES]]
 *
 * test_batch.bin: a CIFAR-10 binary batch. Prints "corruption severity microseconds" a cell, as
 * bench_corrupt.py reads it. All images are one set, as the shards of an evaluation are. Tables are
 * made before the clock starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evaluator/corrupt/corrupt.h"
#include "evaluator/datasets/datasets.h"

/* Of this thread: other programs do not count. */
static double now_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static enum dse_status measure(struct dse_corrupter *corrupter, const struct dse_dataset *data,
                               const struct dse_corruption_def *def, int severity, int times,
                               uint8_t *out, struct dse_err *err) {
    const struct dse_corrupt_set set = {.corruption = def->corruption,
                                        .severity = severity,
                                        .n = data->n,
                                        .indices = data->indices,
                                        .src = data->pixels,
                                        .dst = out};
    DSE_TRY(dse_corrupt_images(corrupter, &set, err));
    double start = now_us();
    for (int t = 0; t < times; t++)
        DSE_TRY(dse_corrupt_images(corrupter, &set, err));
    printf("%s %d %.3f\n", def->name, severity, (now_us() - start) / data->n / times);
    return DSE_OK;
}

static enum dse_status measure_all(const char *path, int images, const char *only, int times,
                                   struct dse_err *err) {
    struct dse_dataset data;
    struct dse_corrupter *corrupter = NULL;
    enum dse_status status = DSE_OK;
    int n;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    const struct dse_dataset_request request = {
        .format = DSE_DATASET_CIFAR10, .paths = &path, .n_paths = 1, .count = images};
    DSE_TRY(dse_dataset_load(&request, &data, err));
    uint8_t *out = dse_alloc((size_t)data.n, (size_t)data.h * (size_t)data.w * (size_t)data.c);
    dse_assert(out != NULL);
    DSE_TRY_GOTO(status, dse_corrupter_new(data.h, data.w, data.c, NULL, &corrupter, err), fail);
    for (int i = 0; i < n; i++)
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++)
            if (only == NULL || strcmp(only, table[i].name) == 0)
                DSE_TRY_GOTO(status,
                             measure(corrupter, &data, &table[i], severity, times, out, err), fail);
fail:
    dse_corrupter_free(corrupter);
    dse_free(out);
    dse_dataset_fini(&data);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        (void)fprintf(stderr, "usage: bench_corrupt test_batch.bin IMAGES [CORRUPTION [TIMES]]\n");
        return 2;
    }
    struct dse_err err = {0};
    int times = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 1;
    if (measure_all(argv[1], (int)strtol(argv[2], NULL, 10), argc > 3 ? argv[3] : NULL, times,
                    &err) != DSE_OK) {
        (void)fprintf(stderr, "bench_corrupt: %s\n", err.text);
        return dse_status_exit(err.code);
    }
    return 0;
}
