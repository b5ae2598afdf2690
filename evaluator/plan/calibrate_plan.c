/* Calibration: the float32 network over images, a histogram of magnitudes a layer input. */
#include "evaluator/plan/plan_internal.h"
#include "evaluator/quantize/quantize.h"

/* A batch is what one histogram call brings, so this number is part of the result. */
enum { CALIBRATION_BATCH = 32 };

struct calibration {
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    struct dse_candidate candidate; /* float32 throughout */
    struct dse_histogram *histograms;
    float *logits;
};

static enum dse_status calibration_init(struct calibration *calibration,
                                        const struct dse_graph *graph, struct dse_err *err) {
    *calibration = (struct calibration){0};
    DSE_TRY(dse_kernels_new(DSE_KERNELS_REFERENCE, &calibration->kernels, err));
    const struct dse_plan_options options = {.batch = CALIBRATION_BATCH};
    DSE_TRY(dse_plan_new(graph, calibration->kernels, &options, &calibration->plan, err));
    DSE_TRY(dse_candidate_init(&calibration->candidate, graph->n_layers, 0, err));
    calibration->histograms = dse_alloc((size_t)graph->n_layers, sizeof *calibration->histograms);
    calibration->logits = dse_alloc((size_t)(CALIBRATION_BATCH * graph->n_outputs) *
                                        (size_t)dse_plan_classes(calibration->plan),
                                    sizeof *calibration->logits);
    if (calibration->histograms == NULL || calibration->logits == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for calibration");
    return DSE_OK;
}

static void calibration_fini(struct calibration *calibration, int n_layers) {
    for (int i = 0; calibration->histograms != NULL && i < n_layers; i++)
        dse_histogram_fini(&calibration->histograms[i]);
    dse_free(calibration->histograms);
    dse_free(calibration->logits);
    dse_candidate_fini(&calibration->candidate);
    dse_plan_free(calibration->plan);
    dse_kernels_free(calibration->kernels);
}

static enum dse_status add_batch(struct calibration *calibration, const float *images, int n_images,
                                 struct dse_err *err) {
    const int order = 0;
    struct dse_plan *plan = calibration->plan;
    DSE_TRY(dse_plan_run(plan, &calibration->candidate, 1, &order, images, n_images,
                         calibration->logits, NULL, err));
    for (int i = 0; i < plan->graph->n_layers; i++) {
        const struct dse_node *node = &plan->graph->nodes[plan->graph->layers[i]];
        size_t size = dse_shape_size(dse_graph_input_shape(plan->graph, node));
        DSE_TRY(dse_histogram_add(&calibration->histograms[i], plan->values[node->inputs[0]],
                                  size * (size_t)n_images, err));
    }
    return DSE_OK;
}

enum dse_status dse_plan_calibrate(const struct dse_graph *graph, const float *images, int n,
                                   const struct dse_calibration_rule *rule, double *input_amax,
                                   void (*progress)(void *context, int done, int total),
                                   void *context, struct dse_err *err) {
    struct calibration calibration;
    enum dse_status status;
    size_t image = dse_shape_size(graph->values[graph->input].shape);
    DSE_TRY_GOTO(status, calibration_init(&calibration, graph, err), done);
    for (int at = 0; at < n; at += CALIBRATION_BATCH) {
        int now = n - at < CALIBRATION_BATCH ? n - at : CALIBRATION_BATCH;
        DSE_TRY_GOTO(status, add_batch(&calibration, images + (size_t)at * image, now, err), done);
        if (progress != NULL)
            progress(context, at + now, n);
    }
    for (int i = 0; i < graph->n_layers; i++)
        DSE_TRY_GOTO(status,
                     dse_histogram_amax(&calibration.histograms[i], rule, &input_amax[i], err),
                     done);
done:
    calibration_fini(&calibration, graph->n_layers);
    return status;
}
