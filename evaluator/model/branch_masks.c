/* Masks as the engine draws them (evaluator/plan/plan_dropout.c), in the order of ONNX. */
#include "evaluator/model/branch_masks.h"

#include <string.h>

#include "evaluator/kernels/kernels.h"

enum { WORD_BITS = 64 };

/* The one layer that reads what the Dropout makes, as a place in graph->layers. */
static enum dse_status find_layer(const struct model__masks *masks, int dropout, int *layer,
                                  struct dse_err *err) {
    const struct dse_onnx *model = masks->model;
    const char *value = dse_onnx_node(model, dropout).outputs[0];
    int readers = 0;
    *layer = -1;
    for (int i = 0; i < dse_onnx_n_nodes(model); i++) {
        struct dse_onnx_node node = dse_onnx_node(model, i);
        for (int k = 0; k < node.n_inputs; k++) {
            if (strcmp(node.inputs[k], value) != 0)
                continue;
            readers++;
            for (int l = 0; k == 0 && l < masks->graph->n_layers; l++)
                if (strcmp(masks->graph->nodes[masks->graph->layers[l]].name,
                           dse_onnx_node_label(model, i)) == 0)
                    *layer = l;
        }
    }
    if (readers != 1 || *layer < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "Dropout '%s' is not on the input of one layer alone, so it has no mask of its "
                 "own; pareto-model mcdo makes such",
                 dse_onnx_node_label(model, dropout));
    return DSE_OK;
}

static const struct dse_node *node_of(const struct model__masks *masks, int layer) {
    return &masks->graph->nodes[masks->graph->layers[layer]];
}

/* The input of a layer as a map; what was flattened before a dense layer is one still. */
static struct dse_shape map_of(const struct model__masks *masks, int layer) {
    const struct dse_node *node = node_of(masks, layer);
    return node->op == DSE_OP_DENSE ? node->conv.names.flat
                                    : dse_graph_input_shape(masks->graph, node);
}

enum dse_status model__masks_init(struct model__masks *masks, const struct dse_onnx *model,
                                  const struct dse_graph *graph, struct dse_err *err) {
    size_t most = 1;
    masks->model = model;
    masks->graph = graph;
    for (int i = 0; i < dse_onnx_n_nodes(model); i++) {
        int layer;
        if (strcmp(dse_onnx_node(model, i).op, "Dropout") != 0)
            continue;
        DSE_TRY(find_layer(masks, i, &layer, err));
        size_t size = dse_shape_size(map_of(masks, layer));
        most = size > most ? size : most;
        if (dse_shape_size(dse_graph_input_shape(graph, node_of(masks, layer))) != size)
            DSE_FAIL(err, DSE_UNSUPPORTED, "layer '%s' has several rows",
                     node_of(masks, layer)->name);
    }
    masks->factors = dse_alloc(most, sizeof *masks->factors);
    masks->keep = dse_alloc(most / WORD_BITS + 1, sizeof *masks->keep);
    if (masks->factors == NULL || masks->keep == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a mask of %zu numbers", most);
    return DSE_OK;
}

void model__masks_fini(struct model__masks *masks) {
    dse_free(masks->factors);
    dse_free(masks->keep);
    *masks = (struct model__masks){0};
}

enum dse_status model__masks_draw(void *context, int node, int branch,
                                  struct dse_surgery_mask *mask, struct dse_err *err) {
    struct model__masks *masks = context;
    int layer;
    DSE_TRY(find_layer(masks, node, &layer, err));
    struct dse_shape map = map_of(masks, layer);
    size_t pixels = (size_t)map.h * (size_t)map.w, channels = (size_t)map.c;
    const struct dse_dropout dropout = {
        .seed = masks->seed,
        .image = masks->image,
        .site = (uint16_t)layer,
        .pass = (uint16_t)branch,
        .rate = dse_dropout_steps((double)node_of(masks, layer)->conv.rate),
    };
    float factor = dse_dropout_factor(dropout.rate);
    dse_dropout_bits(&dropout, pixels * channels, masks->keep);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            size_t element = p * channels + c;
            bool stays = masks->keep[element / WORD_BITS] >> (element % WORD_BITS) & 1;
            masks->factors[c * pixels + p] = stays ? factor : 0.0f;
        }
    bool dense = node_of(masks, layer)->op == DSE_OP_DENSE;
    *mask = (struct dse_surgery_mask){
        .rank = dense ? 2 : 4, .dims = {1, map.c, map.h, map.w}, .factors = masks->factors};
    if (dense)
        mask->dims[1] = (int64_t)(pixels * channels);
    return DSE_OK;
}
