/* What is run over a batch of images, in which order, and what of one can stay for the next. */
#include "evaluator/plan/plan_internal.h"

#include <stdlib.h>

static int passes_of(const struct dse_candidate *candidate) {
    return candidate->passes > 0 ? candidate->passes : 1;
}

int dse_plan_items(const struct dse_candidate *candidates, int n) {
    int items = 0;
    for (int i = 0; i < n; i++)
        items += passes_of(&candidates[i]);
    return items;
}

uint32_t plan__dropout_rate(const struct dse_candidate *candidate, int layer) {
    return candidate->dropout == NULL ? 0 : (uint32_t)candidate->dropout[layer];
}

/* ---- candidates ---- */

static bool bits_fit(int bits) {
    return bits == 0 || (bits >= DSE_BITS_LEAST && bits <= DSE_BITS_MOST);
}

static enum dse_status check_dropout(const struct dse_candidate *candidate, struct dse_err *err) {
    if (candidate->passes < 0 || candidate->passes > DSE_PASSES_MOST)
        DSE_FAIL(err, DSE_INVALID, "%d passes; allowed are 1 to %d", candidate->passes,
                 DSE_PASSES_MOST);
    for (int i = 0; candidate->dropout != NULL && i < candidate->n_layers; i++)
        if (candidate->dropout[i] < 0 || candidate->dropout[i] >= DSE_DROPOUT_STEPS)
            DSE_FAIL(err, DSE_INVALID, "layer %d: a dropout rate of %d steps; allowed are 0 to %d",
                     i + 1, candidate->dropout[i], DSE_DROPOUT_STEPS - 1);
    return DSE_OK;
}

static enum dse_status check_candidate(const struct dse_plan *plan,
                                       const struct dse_candidate *candidate, struct dse_err *err) {
    if (candidate->n_layers != plan->graph->n_layers)
        DSE_FAIL(err, DSE_INVALID, "a candidate of %d layers for a network of %d",
                 candidate->n_layers, plan->graph->n_layers);
    for (int i = 0; i < candidate->n_layers; i++) {
        int input_bits = candidate->input_bits[i], weight_bits = candidate->weight_bits[i];
        if (!bits_fit(input_bits) || !bits_fit(weight_bits))
            DSE_FAIL(err, DSE_INVALID,
                     "layer %d: %d input bits, %d weight bits; both must be %d to %d, or 0", i + 1,
                     input_bits, weight_bits, DSE_BITS_LEAST, DSE_BITS_MOST);
        if (input_bits != 0 && plan->input_amax == NULL)
            DSE_FAIL(err, DSE_INVALID, "a quantised candidate needs calibration");
    }
    return check_dropout(candidate, err);
}

enum dse_status plan__prepare_candidate(struct dse_plan *plan,
                                        const struct dse_candidate *candidate,
                                        struct dse_err *err) {
    DSE_TRY(check_candidate(plan, candidate, err));
    for (int i = 0; i < candidate->n_layers; i++)
        DSE_TRY(plan__layer_prepare(plan, candidate, i, err));
    return DSE_OK;
}

enum dse_status dse_plan_fit(struct dse_plan *plan, const struct dse_candidate *candidates, int n,
                             int *fit, struct dse_err *err) {
    size_t bytes = 0;
    plan->uses++;
    for (int i = 0; i < n; i++) {
        DSE_TRY(check_candidate(plan, &candidates[i], err));
        bytes += plan__count_weights(plan, &candidates[i]);
        if (i > 0 && bytes > plan->weights_bytes_most) {
            *fit = i;
            return DSE_OK;
        }
    }
    *fit = n;
    return DSE_OK;
}

/* ---- order ---- */

static int compare_numbers(int a, int b) {
    return (a > b) - (a < b);
}

/* By what the layer computes from the same input: bits, and where it drops, rate and pass. */
static int compare_layers(const struct plan__item *a, const struct plan__item *b, int layer) {
    int order = compare_numbers(a->candidate->input_bits[layer], b->candidate->input_bits[layer]);
    if (order == 0)
        order = compare_numbers(a->candidate->weight_bits[layer], b->candidate->weight_bits[layer]);
    uint32_t rate = plan__dropout_rate(a->candidate, layer);
    if (order == 0)
        order = compare_numbers((int)rate, (int)plan__dropout_rate(b->candidate, layer));
    if (order == 0 && rate > 0)
        order = compare_numbers(a->pass, b->pass);
    return order;
}

struct ordering {
    const struct dse_plan *plan;
    const struct plan__item *items;
};

static int compare_items(const void *a, const void *b, void *context) {
    const struct ordering *ordering = context;
    int left = *(const int *)a, right = *(const int *)b, order = 0;
    for (int i = 0; order == 0 && i < ordering->plan->graph->n_layers; i++)
        order = compare_layers(&ordering->items[left], &ordering->items[right],
                               ordering->plan->layer_order[i]);
    return order != 0 ? order : compare_numbers(left, right);
}

static void fill_items(const struct dse_candidate *candidates, int n, struct plan__item *items) {
    for (int i = 0; i < n; i++)
        for (int pass = 0; pass < passes_of(&candidates[i]); pass++)
            *items++ = (struct plan__item){&candidates[i], pass};
}

enum dse_status dse_plan_order(const struct dse_plan *plan, const struct dse_candidate *candidates,
                               int n, int *order, struct dse_err *err) {
    for (int i = 0; i < n; i++)
        DSE_TRY(check_candidate(plan, &candidates[i], err));
    int n_items = dse_plan_items(candidates, n);
    struct plan__item *items = dse_alloc((size_t)n_items, sizeof *items);
    if (items == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d candidates", n);
    fill_items(candidates, n, items);
    for (int i = 0; i < n_items; i++)
        order[i] = i;
    struct ordering ordering = {plan, items};
    if (n_items > 1)
        qsort_r(order, (size_t)n_items, sizeof *order, compare_items, &ordering);
    dse_free(items);
    return DSE_OK;
}

/* ---- the queue ---- */

enum dse_status plan__queue_fill(struct dse_plan *plan, const struct dse_candidate *candidates,
                                 int n, const int *order, struct dse_err *err) {
    struct plan__queue *queue = &plan->queue;
    int n_items = dse_plan_items(candidates, n);
    plan->uses++;
    for (int i = 0; i < n; i++)
        DSE_TRY(plan__prepare_candidate(plan, &candidates[i], err));
    if (n_items > queue->room) {
        struct plan__item *items = dse_realloc(queue->items, (size_t)n_items, sizeof *items);
        if (items == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d candidates", n);
        queue->items = items;
        queue->room = n_items;
    }
    fill_items(candidates, n, queue->items);
    queue->order = order;
    queue->n = n_items;
    return DSE_OK;
}

const struct plan__item *plan__queue_at(const struct dse_plan *plan, int place) {
    return &plan->queue.items[plan->queue.order[place]];
}

/* Is what the step computes the same for both? */
static bool same_result(const struct dse_plan *plan, const struct plan__item *a,
                        const struct plan__item *b, int step) {
    const bool *depends = plan__step_depends(plan, step);
    for (int i = 0; i < plan->graph->n_layers; i++)
        if (depends[i] && compare_layers(a, b, i) != 0)
            return false;
    return true;
}

void plan__queue_mark_changes(struct dse_plan *plan, int place) {
    for (int s = 0; s < plan->n_steps; s++)
        plan->changed[s] = place == 0 || !same_result(plan, plan__queue_at(plan, place - 1),
                                                      plan__queue_at(plan, place), s);
}

bool plan__queue_shares_on(const struct dse_plan *plan, int place, int step) {
    return place + 1 < plan->queue.n &&
           same_result(plan, plan__queue_at(plan, place), plan__queue_at(plan, place + 1), step);
}

bool plan__queue_wants_floats(const struct dse_plan *plan, int place, int index) {
    const struct plan__step *step = &plan->steps[index];
    const struct plan__item *now = plan__queue_at(plan, place);
    if (step->read || step->feeds < 0)
        return true;
    int bits = plan__integer_bits(now->candidate, step->feeds);
    for (int i = place + 1; i < plan->queue.n; i++) {
        const struct plan__item *later = plan__queue_at(plan, i);
        if (!same_result(plan, now, later, index))
            break;
        if (plan__integer_bits(later->candidate, step->feeds) != bits)
            return true;
    }
    return bits == 0;
}
