/* engine_passes MODEL IMAGE SEED NUMBER PASSES
 *
 * Logits of an image, a file of float32 [h][w][c], in every pass and at every output of a model
 * with dropouts, with the masks of image NUMBER of a sweep with that mask_seed: float32
 * [pass][output][classes] on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/model/model.h"
#include "evaluator/plan/plan.h"

static enum dse_status describe(const struct dse_graph *graph, int passes,
                                struct dse_candidate *candidate, struct dse_err *err) {
    DSE_TRY(dse_candidate_init(candidate, graph->n_layers, 0, err));
    candidate->passes = passes;
    for (int l = 0; l < graph->n_layers; l++) {
        const struct dse_conv_node *conv = &graph->nodes[graph->layers[l]].conv;
        candidate->dropout[l] = conv->drops ? (int)dse_dropout_steps((double)conv->rate) : 0;
    }
    return DSE_OK;
}

static enum dse_status compute(char **argv, const struct dse_graph *graph, struct dse_err *err) {
    int order[DSE_PASSES_MOST], passes = atoi(argv[5]);
    size_t size = dse_shape_size(graph->values[graph->input].shape) * sizeof(float);
    struct dse_candidate candidate;
    struct dse_kernels *kernels;
    struct dse_plan *plan;
    struct dse_buf image = {0};
    const struct dse_plan_options options = {.batch = 1};
    DSE_TRY(dse_file_read(argv[2], size, &image, err));
    DSE_TRY(dse_kernels_new(DSE_KERNELS_AUTO, &kernels, err));
    DSE_TRY(dse_plan_new(graph, kernels, &options, &plan, err));
    DSE_TRY(describe(graph, passes, &candidate, err));
    size_t n = (size_t)passes * (size_t)graph->n_outputs * (size_t)dse_plan_classes(plan);
    float *pixels = dse_alloc_aligned(size / sizeof *pixels, sizeof *pixels);
    float *logits = dse_alloc(n, sizeof *logits);
    if (pixels == NULL || logits == NULL || image.size != size)
        DSE_FAIL(err, DSE_INVALID, "the image has %zu bytes, not %zu", image.size, size);
    memcpy(pixels, image.data, size);
    dse_plan_set_masks(plan, strtoull(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10));
    DSE_TRY(dse_plan_order(plan, &candidate, 1, order, err));
    DSE_TRY(dse_plan_run(plan, &candidate, 1, order, pixels, 1, logits, NULL, err));
    bool written = fwrite(logits, sizeof *logits, n, stdout) == n;
    dse_free(pixels);
    dse_free(logits);
    dse_buf_fini(&image);
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    return written ? DSE_OK : dse_err_set_errno(err, "standard output");
}

int main(int argc, char **argv) {
    struct dse_err err = {0};
    struct dse_onnx *onnx = NULL;
    struct dse_graph *graph = NULL;
    if (argc != 6)
        return 2;
    dse_kernels_fix_environment(argv);
    enum dse_status status = dse_onnx_load(argv[1], &onnx, &err);
    if (status == DSE_OK)
        status = model__graph_of(onnx, argv[1], &graph, &err);
    if (status == DSE_OK)
        status = compute(argv, graph, &err);
    dse_graph_free(graph);
    dse_onnx_free(onnx);
    if (status != DSE_OK)
        (void)fprintf(stderr, "%s: %s\n", dse_status_name(status), err.text);
    return dse_status_exit(status);
}
