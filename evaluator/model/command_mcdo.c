/* mcdo: dropouts for Monte-Carlo passes. */
#include "evaluator/graph/surgery.h"
#include "evaluator/model/model.h"

static enum dse_status add_dropouts(struct model *m, struct dse_onnx *onnx, struct dse_err *err) {
    double rate = DSE_DROPOUT_RATE;
    int start, n;
    DSE_TRY(dse_surgery_find_start(onnx, m->options.starting_layer, &start, &rate, err));
    if (model__given(m, MODEL_OPTION_droprate))
        rate = m->options.droprate;
    DSE_TRY(dse_surgery_add_dropouts(onnx, start, rate, &n, err));
    const char *change =
        dse_console_printf(&m->arena, "%d dropout%s with rate %g", n, n == 1 ? "" : "s", rate);
    return model__finish(m, onnx, m->line.operands[1], change, err);
}

enum dse_status model__command_mcdo(struct model *m, struct dse_err *err) {
    struct dse_onnx *onnx;
    if (m->options.starting_layer == NULL)
        DSE_FAIL(err, DSE_USAGE,
                 "--starting-layer is needed: the name of a layer, last-layer, partial or full");
    DSE_TRY(dse_onnx_load(m->line.operands[0], &onnx, err));
    enum dse_status status = add_dropouts(m, onnx, err);
    dse_onnx_free(onnx);
    return status;
}
