/* What Monte-Carlo dropout and early exits do to a trained network: tables, not times.
 *
 *     bench_uncertainty fashion|cifar|cifar-exits DATA IMAGES BITS [VANILLA LAST PARTIAL FULL]
 *
 * fashion: the network of workloads/models on Fashion-MNIST; cifar, cifar-exits: ResNet-20 and the
 * two-exit ResNet-8 in DATA/models on DATA/cifar10/test_batch.bin. BITS: of all layers, 0 for
 * float32. With four more networks each row is of its own, trained with its dropout (uncertainty.sh
 * trains such). First accuracy and expected calibration error on clean images and, mean over the
 * 15 standard corruptions, at each severity: without dropout, and with 5 passes from the last
 * layer, the middle, and all but the first layer on. Then, for a network with exits, the best
 * accuracy for each share of multiply-accumulates, clean images, thresholds from a grid. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/evaluator.h"
#include "problems/problems.h"

enum { KINDS = 4, PASSES = 5, GRID = 64, BINS = 20, CORRUPTIONS = 15, FILES = 2 };
/* Rates of the replaced tools (Ovadia et al. 2019): last layer, others. */
static const double LAST_RATE = 0.319811, RATE = 0.054988;

static const int64_t severities[] = {1, 2, 3, 4, 5};

static const struct setup {
    const char *name, *model, *format, *files[FILES];
    const char *exits[2], *output;
    int n_exits, channels;
    double mean[3], std[3];
} setups[] = {
    {"fashion",
     "workloads/models/resnet8-3exits-fashion.onnx",
     "idx",
     {"/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
      "/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz"},
     {"exit0", "exit1"},
     "logits",
     2,
     1,
     {0.2860},
     {0.3530}},
    {"cifar",
     "models/resnet20-cifar10.onnx",
     "cifar10",
     {"cifar10/test_batch.bin", NULL},
     {NULL, NULL},
     "logits",
     0,
     3,
     {0.485, 0.456, 0.406},
     {0.229, 0.224, 0.225}},
    {"cifar-exits",
     "models/resnet8-2exits-cifar10.onnx",
     "cifar10",
     {"cifar10/test_batch.bin", NULL},
     {"exit0", NULL},
     "exit1",
     1,
     3,
     {0, 0, 0},
     {1, 1, 1}},
};

struct table {
    const struct setup *setup;
    struct dse_arena arena;
    struct dse_evaluator *evaluator;
    struct dse_msg_prepared prepared;
    int images, bits;
    const char *const *models; /* [KINDS]; NULL: that of the setup for all */
};

static enum dse_status refer(struct table *table, const char *data, const char *name,
                             struct dse_msg_file_ref *ref, struct dse_err *err) {
    char hex[DSE_SHA256_HEX];
    bool inside = name[0] != '/' && strncmp(name, "workloads/", 10) != 0 && table->models == NULL;
    ref->path =
        dse_arena_printf(&table->arena, "%s%s%s", inside ? data : "", inside ? "/" : "", name);
    if (ref->path == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory");
    DSE_TRY(dse_sha256_file(ref->path, hex, err));
    ref->sha256 = dse_arena_strdup(&table->arena, hex);
    if (ref->sha256 == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory");
    return DSE_OK;
}

/* Names of the standard corruptions: the first of the table. */
static void name_corruptions(const char *names[CORRUPTIONS]) {
    int n;
    const struct dse_corruption_def *defs = dse_corruption_table(&n);
    for (int i = 0; i < CORRUPTIONS; i++)
        names[i] = defs[i].name;
}

static enum dse_status open_table(struct table *table, const char *data, const char *network,
                                  struct dse_err *err) {
    const struct setup *setup = table->setup;
    struct dse_msg_file_ref model, files[FILES];
    const char *corruptions[CORRUPTIONS];
    int n_files = setup->files[1] == NULL ? 1 : 2;
    name_corruptions(corruptions);
    DSE_TRY(refer(table, data, network, &model, err));
    for (int i = 0; i < n_files; i++)
        DSE_TRY(refer(table, data, setup->files[i], &files[i], err));
    const struct dse_msg_dataset dataset = {.format = setup->format,
                                            .files = files,
                                            .files_n = n_files,
                                            .count = table->images,
                                            .mean = setup->mean,
                                            .mean_n = setup->channels,
                                            .std = setup->std,
                                            .std_n = setup->channels};
    struct dse_msg_dataset calibration = dataset;
    calibration.count = table->images < 256 ? table->images : 256;
    const struct dse_msg_context context = {.hash = "table",
                                            .model = &model,
                                            .output = setup->output,
                                            .exits = setup->exits,
                                            .exits_n = setup->n_exits,
                                            .dataset = &dataset,
                                            .calibration = &calibration,
                                            .percentile = 99.99,
                                            .clean = true,
                                            .corruptions = corruptions,
                                            .corruptions_n = CORRUPTIONS,
                                            .severities = severities,
                                            .severities_n = 5,
                                            .shard_images = table->images,
                                            .batch = 8,
                                            .keep_dropout = true};
    DSE_TRY(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &table->evaluator, err));
    return dse_evaluator_open(table->evaluator, &context, &table->arena, &table->prepared, err);
}

static enum dse_status run_kind(struct table *table, int kind, struct dse_msg_partials *partials,
                                struct dse_err *err) {
    int n = table->prepared.layers_n;
    const int starts[KINDS] = {n, n - 1, n / 2 - 1, 1};
    int64_t *bits = dse_arena_alloc(&table->arena, (size_t)n, sizeof *bits);
    int64_t *rates = dse_arena_alloc(&table->arena, (size_t)n, sizeof *rates);
    if (bits == NULL || rates == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory");
    for (int i = 0; i < n; i++) {
        bits[i] = table->bits;
        double rate = kind == 1 ? LAST_RATE : RATE;
        rates[i] = i >= starts[kind] ? (int64_t)(rate * DSE_DROPOUT_UNITS + 0.5) : 0;
    }
    const struct dse_msg_candidate candidate = {.input_bits = bits,
                                                .input_bits_n = n,
                                                .weight_bits = bits,
                                                .weight_bits_n = n,
                                                .dropout = rates,
                                                .dropout_n = n,
                                                .passes = kind == 0 ? 1 : PASSES};
    const struct dse_msg_task task = {
        .task = 1, .hash = "table", .candidates = &candidate, .candidates_n = 1};
    return dse_evaluator_run(table->evaluator, &task, &table->arena, partials, err);
}

static double ece_of(const int64_t *tally) {
    double sum = 0;
    for (int b = 0; b < DSE_TALLY_BINS; b++)
        sum += fabs(
            ldexp((double)tally[DSE_TALLY_BIN_CONFIDENCE + b], -DSE_TALLY_BITS_BIN_CONFIDENCE) -
            (double)tally[DSE_TALLY_BIN_CORRECT + b]);
    return sum / (double)tally[DSE_TALLY_SEEN];
}

static void print_kind(const struct table *table, const char *name, const int64_t *tallies) {
    printf("%-12s", name);
    size_t size = (size_t)table->prepared.tally;
    for (int severity = 0; severity <= 5; severity++) {
        double accuracy = 0, ece = 0;
        int n = severity == 0 ? 1 : CORRUPTIONS;
        for (int c = 0; c < n; c++) {
            const int64_t *tally =
                tallies + (size_t)(severity == 0 ? 0 : 1 + c * 5 + severity - 1) * size;
            accuracy += (double)tally[DSE_TALLY_CORRECT] / (double)tally[DSE_TALLY_SEEN] / n;
            ece += ece_of(tally) / n;
        }
        printf("  %.3f %.3f", accuracy, ece);
    }
    printf("\n");
    (void)fflush(stdout);
}

/* ---- exits ---- */

struct curve {
    const struct table *table;
    double full, up_to[DSE_EXITS_MOST]; /* multiply-accumulates to each exit */
    double best[BINS + 1];              /* accuracy by share of them, in twentieths */
    double last;                        /* accuracy of the last exit */
    double least_macs;                  /* at no more than half a point lost */
    double thresholds[DSE_EXITS_MOST];
};

static void note(void *context, const double *thresholds, const struct dse_outcome *outcome) {
    struct curve *curve = context;
    int n_exits = (int)curve->table->prepared.exits;
    const int64_t *tally = dse_outcome_cell(outcome, 0);
    double seen = (double)tally[DSE_TALLY_SEEN], macs = 0;
    double accuracy = (double)tally[DSE_TALLY_CORRECT] / seen;
    for (int k = 0; k < n_exits; k++)
        macs += curve->up_to[k] * (double)tally[dse_exit_word(DSE_EXIT_LEFT, k, n_exits)] / seen;
    int bin = (int)ceil(macs / curve->full * BINS);
    curve->best[bin] = fmax(curve->best[bin], accuracy);
    if (accuracy < curve->last - 0.005 || macs >= curve->least_macs)
        return;
    curve->least_macs = macs;
    memcpy(curve->thresholds, thresholds, (size_t)(n_exits - 1) * sizeof *thresholds);
}

static void find_costs(const struct table *table, struct curve *curve) {
    for (int i = 0; i < table->prepared.layers_n; i++) {
        const struct dse_msg_layer *layer = &table->prepared.layers[i];
        for (int k = (int)layer->exit; k < (int)table->prepared.exits; k++)
            curve->up_to[k] += (double)layer->macs;
        curve->full += (double)layer->macs;
    }
    curve->least_macs = curve->full;
}

static enum dse_status print_curve(const struct table *table, const struct dse_msg_partial *result,
                                   struct dse_err *err) {
    struct dse_buf records = {0};
    struct dse_arena arena = {0};
    struct dse_exit_grid grid;
    struct curve curve = {.table = table};
    int n = (int)table->prepared.exits;
    enum dse_status status = dse_base64_decode(result->records, &records, err);
    const struct dse_exit_images images = {(const uint8_t *)records.data, (size_t)table->images, 1,
                                           n};
    find_costs(table, &curve);
    curve.last = (double)result->tallies[DSE_TALLY_CORRECT] / table->images;
    if (status == DSE_OK)
        status = dse_exit_grid_make(&images, GRID, &arena, &grid, err);
    if (status == DSE_OK)
        status = dse_exit_sweep(&images, &grid, note, &curve, err);
    for (int k = 0; status == DSE_OK && k < n; k++)
        printf("exit %d alone: %.4f correct, %.3f of the multiply-accumulates\n", k,
               (double)result->tallies[dse_exit_word(DSE_EXIT_CORRECT, k, n)] / table->images,
               curve.up_to[k] / curve.full);
    for (int b = 0; status == DSE_OK && b <= BINS; b++)
        if (curve.best[b] > 0)
            printf("  up to %.2f of them: %.4f\n", (double)b / BINS, curve.best[b]);
    if (status == DSE_OK)
        printf("half a point lost at most: %.3f times fewer, thresholds %.4f %.4f\n",
               curve.full / curve.least_macs, curve.thresholds[0], curve.thresholds[1]);
    dse_arena_fini(&arena);
    dse_buf_fini(&records);
    return status;
}

static enum dse_status run(struct table *table, const char *data, struct dse_err *err) {
    static const char *const names[KINDS] = {"vanilla", "last-layer", "partial", "full"};
    struct dse_msg_partials partials;
    printf("accuracy and ECE; clean, then severities 1 to 5\n");
    for (int kind = 0; kind < KINDS; kind++) {
        if (kind == 0 || table->models != NULL) {
            dse_evaluator_free(table->evaluator);
            table->evaluator = NULL;
            DSE_TRY(open_table(table, data,
                               table->models != NULL ? table->models[kind] : table->setup->model,
                               err));
        }
        DSE_TRY(run_kind(table, kind, &partials, err));
        print_kind(table, names[kind], partials.results[0].tallies);
        if (kind == 0 && table->prepared.exits > 1)
            DSE_TRY(print_curve(table, &partials.results[0], err));
    }
    return DSE_OK;
}

int main(int argc, char **argv) {
    struct table table = {0};
    struct dse_err err = {0};
    for (size_t i = 0; (argc == 5 || argc == 5 + KINDS) && i < sizeof setups / sizeof setups[0];
         i++)
        if (strcmp(setups[i].name, argv[1]) == 0)
            table.setup = &setups[i];
    if (table.setup == NULL) {
        (void)fprintf(stderr, "usage: bench_uncertainty fashion|cifar|cifar-exits DATA IMAGES BITS "
                              "[VANILLA LAST PARTIAL FULL]\n");
        return dse_status_exit(DSE_USAGE);
    }
    dse_kernels_fix_environment(argv);
    table.images = atoi(argv[3]);
    table.bits = atoi(argv[4]);
    table.models = argc > 5 ? (const char *const *)argv + 5 : NULL;
    enum dse_status status = run(&table, argv[2], &err);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_uncertainty: %s\n", err.text);
    dse_evaluator_free(table.evaluator);
    dse_arena_fini(&table.arena);
    return dse_status_exit(status);
}
