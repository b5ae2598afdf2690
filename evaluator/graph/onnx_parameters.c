/* What training needs of a model: batch norms as nodes of their own, and where each number stands
 * in the file, so that it can be written back. */
#include <string.h>

#include "evaluator/graph/graph_internal.h"

/* A constant that a node makes (an Identity of a shared initializer, say) counts as its own. */
static enum dse_status remember_name(const struct graph__symbol *symbol, char **name,
                                     struct dse_err *err) {
    *name = dse_strdup(symbol->name);
    if (*name == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a name");
    return DSE_OK;
}

enum dse_status graph__remember_names(struct graph__import *import, const Onnx__NodeProto *node,
                                      int n, struct dse_parameter_names *names,
                                      struct dse_err *err) {
    for (int i = 0; import->for_training && i < n; i++) {
        struct graph__symbol *symbol = NULL;
        DSE_TRY(graph__input(import, node, (size_t)i + 1, &symbol, err));
        if (symbol != NULL)
            DSE_TRY(remember_name(symbol, &names->of[i], err));
    }
    return DSE_OK;
}

enum dse_status graph__remember_bias(struct graph__import *import, const Onnx__NodeProto *node,
                                     const struct graph__tensor *numbers, struct dse_node *layer,
                                     struct dse_err *err) {
    if (!import->for_training)
        return DSE_OK;
    size_t channels = (size_t)dse_graph_output_shape(import->graph, layer).c;
    if (layer->conv.names.of[1] != NULL || numbers->n != channels)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "only one bias, with a number for each channel, can be trained");
    for (size_t k = 0; k < 2; k++) {
        struct graph__symbol *symbol = NULL;
        DSE_TRY(graph__input(import, node, k, &symbol, err));
        if (symbol != NULL && symbol->constant == numbers)
            return remember_name(symbol, &layer->conv.names.of[1], err);
    }
    return DSE_OK;
}

/* ONNX, BatchNormalization: the momentum where none is given. */
#define DEFAULT_MOMENTUM 0.9f

enum dse_status graph__keep_batch_norm(struct graph__import *import, const Onnx__NodeProto *node,
                                       const float *const numbers[DSE_PARAMETERS], float epsilon,
                                       struct graph__operand *operand, struct dse_err *err) {
    size_t channels = (size_t)import->graph->values[operand->value].shape.c;
    struct dse_node content = {.op = DSE_OP_NORM, .inputs = {operand->value, -1}};
    struct dse_norm_node *norm = &content.norm;
    DSE_TRY(graph__get_float(node, "momentum", DEFAULT_MOMENTUM, &norm->momentum, err));
    norm->epsilon = epsilon;
    norm->gamma = dse_alloc_aligned(DSE_PARAMETERS * channels, sizeof *norm->gamma);
    if (norm->gamma == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a batch norm");
    norm->beta = norm->gamma + channels;
    norm->mean = norm->beta + channels;
    norm->variance = norm->mean + channels;
    for (int i = 0; i < DSE_PARAMETERS; i++)
        memcpy(norm->gamma + (size_t)i * channels, numbers[i], channels * sizeof(float));
    enum dse_status status = graph__remember_names(import, node, DSE_PARAMETERS, &norm->names, err);
    if (status == DSE_OK)
        return graph__add_node(import, node, &content, operand, err);
    dse_node_free_numbers(&content);
    return status;
}
