/* branch: several stochastic tails over one backbone. */
#include "evaluator/graph/surgery.h"
#include "evaluator/model/model.h"

enum { BRANCHES = 5 /* where no number is given */ };

enum dse_status model__command_branch(struct model *m, struct dse_err *err) {
    struct dse_onnx *onnx;
    int n = model__given(m, MODEL_OPTION_n_branches) ? (int)m->options.n_branches : BRANCHES;
    DSE_TRY(dse_onnx_load(m->line.operands[0], &onnx, err));
    enum dse_status status = dse_surgery_branch(onnx, n, err);
    if (status == DSE_OK)
        status = model__finish(m, onnx, m->line.operands[1],
                               dse_console_printf(&m->arena, "%d branches", n), err);
    dse_onnx_free(onnx);
    return status;
}
