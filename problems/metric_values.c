/* The values of metrics, and what they say of an evaluated candidate. */
#include <math.h>
#include <string.h>

#include "problems/problems_internal.h"

static const double alexnet_errors[] = {
#define X(symbol, error) [DSE_CORRUPTION_##symbol] = error,
#include "problems/baselines.def"
#undef X
};

static const struct dse_estimate no_value = {.value = NAN, .low = NAN, .high = NAN};

static struct dse_estimate of_cell(const struct dse_metric *metric,
                                   const struct dse_evidence *evidence, int cell) {
    const struct problems__measure *measure = &problems__measures[metric->which];
    const struct dse_outcome *outcome = evidence->outcome;
    if (measure->last >= outcome->tally_size ||
        dse_outcome_cell(outcome, cell)[DSE_TALLY_SEEN] <= 0)
        return no_value;
    return measure->of(dse_outcome_cell(outcome, cell));
}

/* A mean of estimates under way. */
struct mean {
    struct dse_estimate sum;
    int n;
};

static void add(struct mean *mean, struct dse_estimate x) {
    mean->sum.value += x.value;
    mean->sum.low += x.low;
    mean->sum.high += x.high;
    mean->sum.images += x.images;
    mean->n++;
}

static struct dse_estimate result_of(const struct mean *mean) {
    double n = mean->n;
    if (mean->n == 0)
        return no_value;
    return (struct dse_estimate){.value = mean->sum.value / n,
                                 .low = mean->sum.low / n,
                                 .high = mean->sum.high / n,
                                 .images = mean->sum.images};
}

static bool is_worse(const struct dse_metric *metric, double a, double b) {
    return metric->sense == DSE_MAXIMIZE ? a < b : a > b;
}

/* NaN wins: what is not known is not the best. */
static void keep_worse(const struct dse_metric *metric, struct dse_estimate x, bool *any,
                       struct dse_estimate *worst) {
    if (!*any || isnan(x.value) || is_worse(metric, x.value, worst->value))
        if (!*any || !isnan(worst->value))
            *worst = x;
    *any = true;
}

static struct mean of_group(const struct dse_metric *metric, const struct dse_evidence *evidence,
                            int group) {
    struct mean mean = {0};
    bool has_standard = problems__has_standard(evidence->model);
    for (int cell = 0; cell < evidence->outcome->n_cells; cell++)
        if (problems__cell_in_group(&evidence->model->cells[cell],
                                    (enum dse_corruption_group)group) &&
            problems__scope_has(metric, &evidence->model->cells[cell], has_standard))
            add(&mean, of_cell(metric, evidence, cell));
    return mean;
}

static struct dse_estimate of_measure(const struct dse_metric *metric,
                                      const struct dse_evidence *evidence) {
    enum problems__scope_fold fold = problems__scope_fold_of(metric);
    bool has_standard = problems__has_standard(evidence->model);
    struct dse_estimate worst = no_value;
    struct mean mean = {0};
    bool any = false;
    if (fold == SCOPE_WORST_GROUP) {
        for (int group = 0; group <= DSE_CORRUPTIONS_EXTRA; group++) {
            mean = of_group(metric, evidence, group);
            if (mean.n > 0)
                keep_worse(metric, result_of(&mean), &any, &worst);
        }
        return worst;
    }
    for (int cell = 0; cell < evidence->outcome->n_cells; cell++) {
        if (!problems__scope_has(metric, &evidence->model->cells[cell], has_standard))
            continue;
        if (fold == SCOPE_WORST)
            keep_worse(metric, of_cell(metric, evidence, cell), &any, &worst);
        else
            add(&mean, of_cell(metric, evidence, cell));
    }
    return fold == SCOPE_WORST ? worst : result_of(&mean);
}

/* Errors of a corruption's severities: their mean has the same ratio to another one as their sum.
 */
static struct mean errors_of(const struct dse_evidence *evidence, const struct dse_outcome *outcome,
                             int corruption) {
    struct mean sum = {0};
    for (int cell = 0; cell < outcome->n_cells; cell++) {
        const struct dse_corruption_def *def = evidence->model->cells[cell].corruption;
        if (def == NULL || (int)def->corruption != corruption)
            continue;
        const int64_t *tally = dse_outcome_cell(outcome, cell);
        int64_t seen = tally[DSE_TALLY_SEEN], wrong = seen - tally[DSE_TALLY_CORRECT];
        struct dse_estimate x = no_value;
        if (seen > 0) {
            x = (struct dse_estimate){.value = (double)wrong / (double)seen, .images = seen};
            dse_wilson_interval(wrong, seen, &x.low, &x.high);
        }
        add(&sum, x);
    }
    return sum;
}

/* What the errors of a corruption are divided by. */
static double baseline_error(const struct dse_metric *metric, const struct dse_evidence *evidence,
                             int corruption) {
    if (metric->which == MCE_ALEXNET)
        return alexnet_errors[corruption];
    if (evidence->baseline == NULL)
        return NAN;
    struct mean errors = errors_of(evidence, evidence->baseline, corruption);
    return result_of(&errors).value;
}

static struct dse_estimate of_mce(const struct dse_metric *metric,
                                  const struct dse_evidence *evidence) {
    struct mean mean = {0};
    int n;
    const struct dse_corruption_def *table = dse_corruption_table(&n);
    for (int i = 0; i < n; i++) {
        struct dse_cell_facts cell = {&table[i], 1};
        int corruption = (int)table[i].corruption;
        struct mean errors = errors_of(evidence, evidence->outcome, corruption);
        if (!problems__is_of_mce(metric, &cell) || errors.n == 0)
            continue;
        struct dse_estimate x = result_of(&errors);
        double by = baseline_error(metric, evidence, corruption);
        if (!(by > 0)) /* a baseline without errors compares with nothing */
            return no_value;
        x.value /= by;
        x.low /= by;
        x.high /= by;
        add(&mean, x);
    }
    return result_of(&mean);
}

struct dse_estimate dse_metric_estimate(const struct dse_metric *metric,
                                        const struct dse_evidence *evidence) {
    struct dse_estimate exact = no_value;
    dse_assert(evidence->outcome->n_cells <= evidence->model->n_cells);
    switch (metric->kind) {
    case KIND_COST:
        exact.value = problems__costs[metric->which].of(evidence->model, evidence->candidate,
                                                        evidence->outcome);
        return exact;
    case KIND_MCE:
        return of_mce(metric, evidence);
    default:
        return of_measure(metric, evidence);
    }
}

/* ---- measuring ---- */

static enum dse_status measure_metric(const char *name, const struct dse_evidence *evidence,
                                      double *value, struct dse_err *err) {
    struct dse_metric metric;
    DSE_TRY(dse_metric_parse(name, strlen(name), &metric, err));
    double x = dse_metric_estimate(&metric, evidence).value;
    if (!isfinite(x))
        DSE_FAIL(err, DSE_FAILED, "%s has no value: the evaluation lacks what it needs", name);
    *value = x;
    return DSE_OK;
}

/* The position of a named value; -1: there is none. */
static int find_value(const struct dse_outcome *outcome, const char *name) {
    for (int i = 0; i < outcome->n_names; i++)
        if (strcmp(outcome->names[i], name) == 0)
            return outcome->n_values - outcome->n_names + i;
    return -1;
}

static enum dse_status measure_one(const struct dse_space *space,
                                   const struct dse_evidence *evidence, const char *name,
                                   int position, double *value, struct dse_err *err) {
    const struct dse_outcome *outcome = evidence->outcome;
    if (space->kind == DSE_SPACE_OF_METRICS)
        return measure_metric(name, evidence, value, err);
    if (space->kind == DSE_SPACE_OF_NAMES)
        position = find_value(outcome, name);
    if (position < 0 || position >= outcome->n_values)
        DSE_FAIL(err, DSE_FAILED, "there is no value \"%s\" in the result", name);
    *value = outcome->values[position];
    return DSE_OK;
}

/* How far the value is on the wrong side of the bound; 0 when it is not. */
static double distance_to_bound(const struct dse_constraint *constraint, double bound,
                                double value) {
    double missing = constraint->relation == DSE_AT_LEAST ? bound - value : value - bound;
    return fmax(missing, 0.0);
}

/* The bound as a number: relative ones need the float32 network's value. */
static enum dse_status find_bound(const struct dse_constraint *constraint,
                                  const struct dse_evidence *evidence, double *bound,
                                  struct dse_err *err) {
    double value = 0;
    *bound = constraint->bound;
    if (!constraint->relative)
        return DSE_OK;
    if (evidence->baseline == NULL)
        DSE_FAIL(err, DSE_FAILED, "%s is compared with the baseline, which has no result",
                 constraint->metric);
    struct dse_evidence of_baseline = *evidence;
    struct dse_candidate float32 = {0};
    DSE_TRY(dse_candidate_init(&float32, evidence->model->n_layers, 0, err));
    of_baseline.outcome = evidence->baseline;
    of_baseline.candidate = &float32;
    enum dse_status status = measure_metric(constraint->metric, &of_baseline, &value, err);
    dse_candidate_fini(&float32);
    *bound += value;
    return status;
}

enum dse_status dse_space_measure(const struct dse_space *space,
                                  const struct dse_evidence *evidence, double *objectives,
                                  double *violation, struct dse_err *err) {
    dse_assert(evidence->candidate->n_layers == evidence->model->n_layers);
    double values[DSE_MAX_OBJECTIVES];
    double total = 0;
    for (int i = 0; i < space->n_objectives; i++)
        DSE_TRY(measure_one(space, evidence, space->objectives[i].metric,
                            space->objective_positions[i], &values[i], err));
    for (int i = 0; i < space->n_constraints; i++) {
        double value = 0, bound = 0; /* the compiler does not know that OK means set */
        DSE_TRY(measure_one(space, evidence, space->constraints[i].metric,
                            space->constraint_positions[i], &value, err));
        DSE_TRY(find_bound(&space->constraints[i], evidence, &bound, err));
        total += distance_to_bound(&space->constraints[i], bound, value);
    }
    memcpy(objectives, values, (size_t)space->n_objectives * sizeof *values);
    *violation = total;
    return DSE_OK;
}
