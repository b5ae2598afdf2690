/* exits: early exits from descriptions. */
#include "evaluator/graph/surgery.h"
#include "evaluator/model/model.h"

enum { SEED = 1, FIRST_HEAD = 2 /* operand */ };

static enum dse_status add_heads(struct model *m, struct dse_onnx *onnx, struct dse_err *err) {
    uint64_t seed = model__given(m, MODEL_OPTION_seed) ? (uint64_t)m->options.seed : SEED;
    for (int i = FIRST_HEAD; i < m->line.n_operands; i++)
        DSE_TRY(dse_surgery_add_head(onnx, m->line.operands[i], seed, err));
    int n = m->line.n_operands - FIRST_HEAD;
    const char *change = dse_console_printf(&m->arena, "%d exit%s added", n, n == 1 ? "" : "s");
    return model__finish(m, onnx, m->line.operands[1], change, err);
}

enum dse_status model__command_exits(struct model *m, struct dse_err *err) {
    struct dse_onnx *onnx;
    DSE_TRY(dse_onnx_load(m->line.operands[0], &onnx, err));
    enum dse_status status = add_heads(m, onnx, err);
    dse_onnx_free(onnx);
    return status;
}
