/* convert: a network with its bits as ONNX in QDQ form. */
#include <stdlib.h>
#include <string.h>

#include "evaluator/model/model_widths.h"

static enum dse_status say(struct model *m, const struct dse_graph *graph, struct dse_err *err) {
    struct dse_buf out = {0};
    if (m->options.json) {
        dse_buf_puts(&out, "{\"file\":");
        dse_console_json_string(&out, m->line.operands[1]);
        dse_buf_printf(&out, ",\"layers\":%d}\n", graph->n_layers);
    } else {
        dse_buf_printf(&out, "wrote  %s: %d layers in QDQ form\n",
                       dse_console_clean(&m->arena, m->line.operands[1]), graph->n_layers);
    }
    return dse_console_put(&out, err);
}

/* ---- the command ---- */

static enum dse_status convert(struct model *m, struct dse_onnx *onnx,
                               const struct dse_graph *graph, const struct dse_msg_recipe *recipe,
                               struct dse_err *err) {
    struct model__widths widths = {.share = DSE_SCALE_A_CHANNEL};
    DSE_TRY(model__read_widths(m, graph, recipe, DSE_BITS_OF_INTEGERS, &widths, err));
    DSE_TRY(model__quantize_onnx(onnx, graph, &widths, err));
    DSE_TRY(dse_onnx_save(onnx, m->line.operands[1], err));
    return say(m, graph, err);
}

enum dse_status model__command_convert(struct model *m, struct dse_err *err) {
    struct dse_graph *graph = NULL;
    struct dse_onnx *onnx = NULL;
    struct dse_msg_recipe recipe = {0};
    const char *path = m->line.operands[0];
    bool of_sweep = m->options.individual != NULL;
    if (of_sweep) {
        if (m->options.data != NULL)
            DSE_FAIL(err, DSE_USAGE, "--individual says the calibration already");
        DSE_TRY(model__read_recipe(m, &recipe, err));
        struct dse_graph_options options = {.outputs = recipe.outputs,
                                            .n_outputs = recipe.outputs_n};
        DSE_TRY(dse_graph_load_onnx(path, &options, &graph, err));
    } else {
        DSE_TRY(model__load_graph(m, path, &graph, err));
    }
    enum dse_status status = dse_onnx_load(path, &onnx, err);
    if (status == DSE_OK)
        status = convert(m, onnx, graph, of_sweep ? &recipe : NULL, err);
    dse_onnx_free(onnx);
    dse_graph_free(graph);
    return status;
}
