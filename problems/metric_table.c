/* The table of metrics, and what is measured of an evaluated candidate. */
#include "problems/problems_internal.h"

#include <math.h>
#include <string.h>

static double accuracy_of_cell(const struct dse_outcome *outcome, int cell) {
    const int64_t *tally = dse_outcome_cell(outcome, cell);
    if (tally[DSE_TALLY_SEEN] <= 0)
        return NAN;
    return (double)tally[DSE_TALLY_CORRECT] / (double)tally[DSE_TALLY_SEEN];
}

static double accuracy_clean(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate,
                             const struct dse_outcome *outcome) {
    (void)candidate;
    return model->has_clean && outcome->n_cells > 0 ? accuracy_of_cell(outcome, 0) : NAN;
}

static double accuracy_corrupted(const struct dse_model_facts *model,
                                 const struct dse_candidate *candidate,
                                 const struct dse_outcome *outcome) {
    (void)candidate;
    int first = model->has_clean ? 1 : 0;
    if (outcome->n_cells <= first)
        return NAN;
    double sum = 0;
    for (int cell = first; cell < outcome->n_cells; cell++)
        sum += accuracy_of_cell(outcome, cell);
    return sum / (outcome->n_cells - first);
}

static double accuracy_worst(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate,
                             const struct dse_outcome *outcome) {
    (void)model;
    (void)candidate;
    double worst = INFINITY;
    for (int cell = 0; cell < outcome->n_cells; cell++) {
        double accuracy = accuracy_of_cell(outcome, cell);
        if (isnan(accuracy))
            return NAN;
        worst = fmin(worst, accuracy);
    }
    return outcome->n_cells > 0 ? worst : NAN;
}

static int counted_bits(int bits) {
    return bits == 0 ? 32 : bits; /* float32 */
}

static double bit_operations(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate,
                             const struct dse_outcome *outcome) {
    return problems__executed(model, candidate, outcome, true);
}

static double macs(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                   const struct dse_outcome *outcome) {
    return problems__executed(model, candidate, outcome, false);
}

static double macs_ratio(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                         const struct dse_outcome *outcome) {
    double all = 0;
    for (int i = 0; i < model->n_layers; i++)
        all += (double)model->layers[i].macs;
    return all > 0 ? macs(model, candidate, outcome) / all : NAN;
}

/* Mean over all cells of a word a image, in its units; NaN where it is not known. */
static double mean_word(const struct dse_outcome *outcome, int word, int bits) {
    int64_t sum = 0, seen = 0;
    if (outcome->tally_size <= word)
        return NAN;
    for (int cell = 0; cell < outcome->n_cells; cell++) {
        sum += dse_outcome_cell(outcome, cell)[word];
        seen += dse_outcome_cell(outcome, cell)[DSE_TALLY_SEEN];
    }
    return seen > 0 ? ldexp((double)sum, -bits) / (double)seen : NAN;
}

static double mutual_information(const struct dse_model_facts *model,
                                 const struct dse_candidate *candidate,
                                 const struct dse_outcome *outcome) {
    (void)model;
    (void)candidate;
    return mean_word(outcome, DSE_TALLY_MUTUAL, DSE_TALLY_BITS_MUTUAL);
}

static double pass_deviation(const struct dse_model_facts *model,
                             const struct dse_candidate *candidate,
                             const struct dse_outcome *outcome) {
    (void)model;
    (void)candidate;
    return mean_word(outcome, DSE_TALLY_DEVIATION, DSE_TALLY_BITS_DEVIATION);
}

static double pass_interval(const struct dse_model_facts *model,
                            const struct dse_candidate *candidate,
                            const struct dse_outcome *outcome) {
    (void)model;
    (void)candidate;
    return mean_word(outcome, DSE_TALLY_INTERVAL, DSE_TALLY_BITS_INTERVAL);
}

static double exit_mean(const struct dse_model_facts *model, const struct dse_outcome *outcome,
                        enum dse_exit_word word) {
    double sum = 0;
    if (model->n_exits < 2)
        return NAN;
    for (int k = 0; k < model->n_exits; k++)
        sum += k * mean_word(outcome, dse_exit_word(word, k, model->n_exits), 0);
    return sum;
}

static double mean_exit(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                        const struct dse_outcome *outcome) {
    (void)candidate;
    return exit_mean(model, outcome, DSE_EXIT_LEFT);
}

static double prediction_depth(const struct dse_model_facts *model,
                               const struct dse_candidate *candidate,
                               const struct dse_outcome *outcome) {
    (void)candidate;
    return exit_mean(model, outcome, DSE_EXIT_DEPTH);
}

static double size_bits(const struct dse_model_facts *model, const struct dse_candidate *candidate,
                        const struct dse_outcome *outcome) {
    (void)outcome;
    double sum = 0;
    for (int i = 0; i < model->n_layers; i++)
        sum += (double)model->layers[i].weights * counted_bits(candidate->weight_bits[i]);
    return sum;
}

static double mean_weight_bits(const struct dse_model_facts *model,
                               const struct dse_candidate *candidate,
                               const struct dse_outcome *outcome) {
    double weights = 0;
    for (int i = 0; i < model->n_layers; i++)
        weights += (double)model->layers[i].weights;
    return weights > 0 ? size_bits(model, candidate, outcome) / weights : NAN;
}

/* ---- table ---- */

static const struct dse_metric_def metric_table[] = {
    {"accuracy_clean", DSE_MAXIMIZE, "share", "share of clean images classified correctly",
     "clean images", accuracy_clean},
    {"accuracy_corrupted", DSE_MAXIMIZE, "share",
     "share of corrupted images classified correctly, mean over corruptions and severities",
     "corrupted images", accuracy_corrupted},
    {"accuracy_worst", DSE_MAXIMIZE, "share",
     "share of images classified correctly in the worst of all conditions, clean included",
     "images", accuracy_worst},
    {"bit_operations", DSE_MINIMIZE, "bit operations per image",
     "multiply-accumulates x weight bits x input bits of what is executed: up to the exits taken, "
     "once a pass behind dropout",
     "layers", bit_operations},
    {"macs", DSE_MINIMIZE, "multiply-accumulates per image",
     "multiply-accumulates of what is executed: up to the exits taken, once a pass behind dropout",
     "layers", macs},
    {"macs_ratio", DSE_MINIMIZE, "share", "macs divided by those of the whole network in one pass",
     "layers", macs_ratio},
    {"mean_exit", DSE_MINIMIZE, "exits", "exit at which an image leaves, from 0, on average",
     "early exits", mean_exit},
    {"prediction_depth", DSE_MINIMIZE, "exits",
     "first exit from which the label no longer changes, from 0, on average", "early exits",
     prediction_depth},
    {"mutual_information", DSE_MAXIMIZE, "nats",
     "entropy of the mean of the passes minus mean entropy of the passes", "images",
     mutual_information},
    {"pass_deviation", DSE_MINIMIZE, "probability",
     "standard deviation over the passes of a class's probability", "images", pass_deviation},
    {"pass_interval", DSE_MINIMIZE, "probability",
     "width of the central 95 % of the passes of a class's probability", "images", pass_interval},
    {"size_bits", DSE_MINIMIZE, "bits", "weights x weight bits, summed over the layers", "layers",
     size_bits},
    {"mean_weight_bits", DSE_MINIMIZE, "bits per weight", "size_bits divided by the weights",
     "weights", mean_weight_bits},
};

const struct dse_metric_def *dse_metric_table(int *n_metrics) {
    *n_metrics = (int)(sizeof metric_table / sizeof metric_table[0]);
    return metric_table;
}

const struct dse_metric_def *dse_metric_find(const char *name) {
    int n;
    const struct dse_metric_def *table = dse_metric_table(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* ---- measuring ---- */

static enum dse_status measure_metric(const char *name, const struct dse_model_facts *model,
                                      const struct dse_candidate *candidate,
                                      const struct dse_outcome *outcome, double *value,
                                      struct dse_err *err) {
    const struct dse_metric_def *metric = dse_metric_find(name);
    dse_assert(metric != NULL); /* prepare has checked the names */
    double x = metric->value(model, candidate, outcome);
    if (!isfinite(x))
        DSE_FAIL(err, DSE_FAILED, "metric %s is not a number: it needs %s", name, metric->needs);
    *value = x;
    return DSE_OK;
}

static double distance_to_bound(const struct dse_constraint *constraint, double value) {
    double missing = constraint->relation == DSE_AT_LEAST ? constraint->bound - value
                                                          : value - constraint->bound;
    return fmax(0.0, missing);
}

struct measured {
    const struct dse_space *space;
    const struct dse_model_facts *model;
    const struct dse_candidate *candidate;
    const struct dse_outcome *outcome;
};

/* The position of a named value; -1: there is none. */
static int find_value(const struct dse_outcome *outcome, const char *name) {
    for (int i = 0; i < outcome->n_names; i++)
        if (strcmp(outcome->names[i], name) == 0)
            return outcome->n_values - outcome->n_names + i;
    return -1;
}

static enum dse_status measure_one(const struct measured *it, const char *name, int position,
                                   double *value, struct dse_err *err) {
    if (it->space->kind == DSE_SPACE_OF_METRICS)
        return measure_metric(name, it->model, it->candidate, it->outcome, value, err);
    if (it->space->kind == DSE_SPACE_OF_NAMES)
        position = find_value(it->outcome, name);
    if (position < 0 || position >= it->outcome->n_values)
        DSE_FAIL(err, DSE_FAILED, "there is no value \"%s\" in the result", name);
    *value = it->outcome->values[position];
    return DSE_OK;
}

enum dse_status dse_space_measure(const struct dse_space *space,
                                  const struct dse_model_facts *model,
                                  const struct dse_candidate *candidate,
                                  const struct dse_outcome *outcome, double *objectives,
                                  double *violation, struct dse_err *err) {
    dse_assert(outcome->n_cells == model->n_cells && candidate->n_layers == model->n_layers);
    double values[DSE_MAX_OBJECTIVES];
    double total = 0;
    const struct measured measured = {space, model, candidate, outcome};
    for (int i = 0; i < space->n_objectives; i++)
        DSE_TRY(measure_one(&measured, space->objectives[i].metric, space->objective_positions[i],
                            &values[i], err));
    for (int i = 0; i < space->n_constraints; i++) {
        double value = 0; /* the compiler does not know that OK means set */
        DSE_TRY(measure_one(&measured, space->constraints[i].metric, space->constraint_positions[i],
                            &value, err));
        total += distance_to_bound(&space->constraints[i], value);
    }
    memcpy(objectives, values, (size_t)space->n_objectives * sizeof *values);
    *violation = total;
    return DSE_OK;
}

void dse_wilson_interval(int64_t correct, int64_t seen, double *low, double *high) {
    dse_assert(seen > 0 && correct >= 0 && correct <= seen);
    const double z = 1.959963984540054; /* 97.5 % quantile of the standard normal */
    double n = (double)seen, p = (double)correct / n;
    double shrink = 1 + z * z / n;
    double centre = (p + z * z / (2 * n)) / shrink;
    double half = z / shrink * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    /* At the ends the limit is exactly 0 or 1; rounding must not say otherwise. */
    *low = correct == 0 ? 0.0 : centre - half;
    *high = correct == seen ? 1.0 : centre + half;
}
