/* branch: several stochastic tails over one backbone. */
#include <stdlib.h>

#include "evaluator/graph/surgery.h"
#include "evaluator/model/branch_masks.h"
#include "evaluator/model/model.h"

enum { BRANCHES = 5 /* where no number is given */ };

/* "SEED:IMAGE". */
static enum dse_status read_masks(const char *text, struct model__masks *masks,
                                  struct dse_err *err) {
    char *colon, *end;
    unsigned long long seed = strtoull(text, &colon, 10), image = 0;
    bool good = colon != text && *colon == ':' && text[0] != '-' && colon[1] != '-';
    if (good) {
        image = strtoull(colon + 1, &end, 10);
        good = end != colon + 1 && *end == '\0' && image <= UINT32_MAX;
    }
    if (!good)
        DSE_FAIL(err, DSE_USAGE, "--masks '%s': expected SEED:IMAGE, two whole numbers", text);
    masks->seed = seed;
    masks->image = (uint32_t)image;
    return DSE_OK;
}

static enum dse_status branch_with_masks(struct model *m, struct dse_onnx *onnx, int n,
                                         struct dse_err *err) {
    struct model__masks masks = {0};
    struct dse_graph *graph = NULL;
    DSE_TRY(read_masks(m->options.masks, &masks, err));
    DSE_TRY(model__graph_of(onnx, m->line.operands[0], &graph, err));
    enum dse_status status = model__masks_init(&masks, onnx, graph, err);
    const struct dse_surgery_masks drawn = {model__masks_draw, &masks};
    if (status == DSE_OK)
        status = dse_surgery_branch(onnx, n, &drawn, err);
    model__masks_fini(&masks);
    dse_graph_free(graph);
    return status;
}

enum dse_status model__command_branch(struct model *m, struct dse_err *err) {
    struct dse_onnx *onnx;
    int n = model__given(m, MODEL_OPTION_n_branches) ? (int)m->options.n_branches : BRANCHES;
    DSE_TRY(dse_onnx_load(m->line.operands[0], &onnx, err));
    enum dse_status status = m->options.masks != NULL ? branch_with_masks(m, onnx, n, err)
                                                      : dse_surgery_branch(onnx, n, NULL, err);
    if (status == DSE_OK)
        status = model__finish(m, onnx, m->line.operands[1],
                               dse_console_printf(&m->arena, "%d branches", n), err);
    dse_onnx_free(onnx);
    return status;
}
