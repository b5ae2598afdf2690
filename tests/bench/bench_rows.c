/* What a sweep of many rows costs: individuals per second through the whole path (search, daemon,
 * workers over pipes, durable commits) at few rows and at many, by turns; how long `front` and
 * `show` take at many, and a restart until clients are served.
 *
 *   bench_rows [many [few [individuals [problem]]]]
 *
 * many, few: rows of the two sweeps when measuring begins (1000000, 10000); individuals: measured
 * in each of the five turns (5000). Databases lie in $TMPDIR (about a gigabyte for a million rows).
 * problem: of those that are a formula (zdt1: thirty real genes, hardly one individual met twice,
 * and a front of hundreds of thousands; knapsack: thirty whole genes, of which most are met again);
 * population 1000. To be quick, the rows are filled in by the daemon's own explorer in this
 * process, with everything but the pipes. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/explorer/explorer.h"
#include "tests/lib/daemon_fixture.h"

enum { TURNS = 5, QUERIES = 9 };

static const char *problem = "zdt1";

static const char *const options[] = {"--workers", "2", "--log-level", "error", NULL};

static void must(enum dse_status status, const struct dse_err *err) {
    if (status == DSE_OK)
        return;
    (void)fprintf(stderr, "bench_rows: %s\n", err->text);
    exit(1);
}

static double seconds_now(void) {
    return (double)dse_clock_mono_ms() / 1e3;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return values[n / 2];
}

/* Ends in NULL. */
static void pareto(const struct daemon_fixture *fixture, struct dse_buf *out, ...) {
    const char *args[8] = {NULL};
    va_list list;
    va_start(list, out);
    for (int i = 0; i < 7 && (args[i] = va_arg(list, const char *)) != NULL; i++)
        ;
    va_end(list);
    if (fixture_pareto(fixture, args, out, NULL) != 0) {
        (void)fprintf(stderr, "bench_rows: pareto %s failed\n", args[0]);
        exit(1);
    }
}

/* ---- filling ---- */

static void answer_task(struct dse_explorer *explorer, struct dse_task *task,
                        const struct dse_function_def *function) {
    size_t n_values = strlen(function->senses) + (size_t)function->n_constraints;
    struct dse_arena arena = {0};
    struct dse_err err = {0};
    struct dse_msg_task message;
    must(dse_explorer_describe_task(explorer, task, 1, &arena, &message, &err), &err);
    size_t n = (size_t)message.candidates_n;
    struct dse_msg_partial *results = dse_arena_alloc(&arena, n, sizeof *results);
    double *values = dse_arena_alloc(&arena, n * n_values, sizeof *values);
    if (results == NULL || values == NULL)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        function->evaluate(message.candidates[i].genes, values + i * n_values);
        results[i] = (struct dse_msg_partial){.key = message.candidates[i].key,
                                              .values = values + i * n_values,
                                              .values_n = (int)n_values};
    }
    struct dse_msg_partials partials = {
        .task = message.task, .results = results, .results_n = message.candidates_n};
    must(dse_explorer_take(explorer, task, &partials, &err), &err);
    dse_arena_fini(&arena);
}

/* Explores here until the sweep has so many rows. */
static void fill(const struct daemon_fixture *fixture, int64_t rows) {
    char path[320];
    struct dse_store *store;
    struct dse_explorer *explorer;
    struct dse_err err = {0};
    struct dse_sweep_counts counts = {0};
    const struct dse_function_def *function = dse_function_find(problem);
    (void)snprintf(path, sizeof path, "%s/pareto.db", fixture->state_dir);
    must(dse_store_open(path, 0, &store, &err), &err);
    must(dse_explorer_open(store, 1, &explorer, &err), &err);
    double begin = seconds_now();
    while (counts.measured < rows) {
        struct dse_task *task = dse_explorer_next_task(explorer, 0);
        answer_task(explorer, task, function);
        must(dse_store_count_sweep(store, 1, &counts, &err), &err);
        if (counts.measured % 50000 == 0)
            (void)fprintf(stderr, "\r%lld rows, %.0f s ", (long long)counts.measured,
                          seconds_now() - begin);
    }
    (void)fprintf(stderr, "\n");
    dse_explorer_free(explorer);
    dse_store_close(store);
}

static void prepare(struct daemon_fixture *fixture, int64_t rows) {
    char path[300], workload[200];
    struct dse_err err = {0};
    fixture_init(fixture);
    (void)snprintf(path, sizeof path, "%s/rows.yaml", fixture->dir);
    int length = snprintf(workload, sizeof workload,
                          "name: rows\nproblem: {type: %.40s}\n"
                          "exploration: {population: 1000, generations: 100000}\n"
                          "execution: {group: 500}\n",
                          problem);
    must(dse_file_replace(path, workload, (size_t)length, &err), &err);
    fixture_start(fixture, options);
    (void)fixture_submit(fixture, path);
    (void)fixture_stop(fixture, SIGTERM);
    fill(fixture, rows);
}

/* ---- measuring ---- */

/* Individuals per second of one start of the daemon, which goes on where it was. *ready_s: until
 * clients were served. */
static double measure_rate(struct daemon_fixture *fixture, int64_t individuals, double *ready_s) {
    char state[32];
    double begin = seconds_now();
    fixture_start(fixture, options);
    *ready_s = seconds_now() - begin;
    (void)fixture_watch(fixture, 1, 0, state, sizeof state);
    int64_t first = fixture->measured;
    (void)fixture_watch(fixture, 1, first + 1, state, sizeof state); /* workers are at it */
    first = fixture->measured;
    begin = seconds_now();
    (void)fixture_watch(fixture, 1, first + individuals, state, sizeof state);
    double rate = (double)(fixture->measured - first) / (seconds_now() - begin);
    (void)fixture_stop(fixture, SIGKILL);
    return rate;
}

static double time_command(const struct daemon_fixture *fixture, const char *command,
                           const char *argument, bool json, size_t *bytes) {
    double times[QUERIES];
    for (int i = 0; i < QUERIES; i++) {
        struct dse_buf out = {0};
        double begin = seconds_now();
        if (json)
            pareto(fixture, &out, "--json", command, "1", argument, (char *)NULL);
        else
            pareto(fixture, &out, command, "1", argument, (char *)NULL);
        times[i] = seconds_now() - begin;
        *bytes = out.size;
        dse_buf_fini(&out);
    }
    return 1e3 * median(times, QUERIES);
}

static void measure_queries(struct daemon_fixture *fixture) {
    size_t bytes;
    fixture_start(fixture, options);
    pareto(fixture, NULL, "pause", "1", (char *)NULL);
    for (int json = 0; json < 2; json++) {
        double ms = time_command(fixture, "front", NULL, json == 1, &bytes);
        printf("front%s: %.0f ms (%zu bytes)\n", json == 1 ? " --json" : "", ms, bytes);
        ms = time_command(fixture, "show", "5.5", json == 1, &bytes);
        printf("show%s: %.0f ms\n", json == 1 ? " --json" : "", ms);
    }
    struct dse_buf status = {0};
    pareto(fixture, &status, "--json", "status", "1", (char *)NULL);
    printf("%s", dse_buf_text(&status));
    dse_buf_fini(&status);
    (void)fixture_stop(fixture, SIGTERM);
}

int main(int argc, char **argv) {
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    struct daemon_fixture many, few;
    double rates_many[TURNS], rates_few[TURNS], ready[TURNS], unused;
    int64_t rows_many = argc > 1 ? atoll(argv[1]) : 1000000;
    int64_t rows_few = argc > 2 ? atoll(argv[2]) : 10000;
    int64_t individuals = argc > 3 ? atoll(argv[3]) : 5000;
    problem = argc > 4 ? argv[4] : problem;
    if (dse_function_find(problem) == NULL) {
        (void)fprintf(stderr, "bench_rows: no problem is called %.40s\n", problem);
        return 2;
    }
    prepare(&few, rows_few);
    prepare(&many, rows_many);
    for (int i = 0; i < TURNS; i++) {
        rates_few[i] = measure_rate(&few, individuals, &unused);
        rates_many[i] = measure_rate(&many, individuals, &ready[i]);
    }
    double at_few = median(rates_few, TURNS), at_many = median(rates_many, TURNS);
    printf("individuals/s from %lld rows: %.0f\n", (long long)rows_few, at_few);
    printf("individuals/s from %lld rows: %.0f (%.2f times)\n", (long long)rows_many, at_many,
           at_many / at_few);
    printf("restart to serving at %lld rows: %.2f s\n", (long long)rows_many, median(ready, TURNS));
    measure_queries(&many);
    fixture_fini(&few);
    fixture_fini(&many);
    return 0;
}
