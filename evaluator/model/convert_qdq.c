/* A quantised network as ONNX in QDQ form. */
#include "evaluator/model/convert_qdq.h"

#include <string.h>

enum { MIN_OPSET = 13 /* ONNX, QuantizeLinear: scales along an axis came with it */ };

/* One layer of the model while it is changed. */
struct layer {
    struct dse_onnx *onnx;
    const struct dse_node *node; /* of the graph */
    struct dse_shape in, out;
    const char *label;
    struct dse_err *err;
};

static int index_of(const struct layer *layer) {
    return dse_onnx_find_node(layer->onnx, layer->label);
}

/* "LABEL/what", not taken yet; NULL without memory. */
static const char *new_name(const struct layer *layer, const char *what) {
    struct dse_buf wish = {0};
    const char *name = NULL;
    dse_buf_printf(&wish, "%s/%s", layer->label, what);
    if (!wish.failed)
        name = dse_onnx_new_name(layer->onnx, wish.data);
    dse_buf_fini(&wish);
    return name;
}

/* A node before the layer's, whose one output has its name; the result, NULL without memory. */
static const char *insert_node(const struct layer *layer, const char *op, const char *const *inputs,
                               int n_inputs, int64_t axis) {
    const char *name = new_name(layer, op);
    if (name == NULL)
        return NULL;
    struct dse_onnx_node node = {
        .name = name,
        .op = op,
        .inputs = inputs,
        .n_inputs = n_inputs,
        .outputs = &name,
        .n_outputs = 1,
    };
    int at = index_of(layer);
    dse_onnx_insert_node(layer->onnx, at, &node);
    if (dse_onnx_status(layer->onnx, NULL) == DSE_OK && axis >= 0)
        dse_onnx_set_int(layer->onnx, at, "axis", axis);
    return name;
}

static const char *add_scalar(const struct layer *layer, const char *what, float value) {
    const char *name = new_name(layer, what);
    if (name != NULL)
        dse_onnx_add_constant(layer->onnx, name, DSE_ONNX_FLOAT, 0, NULL, &value);
    return name;
}

/* ---- the input ---- */

/* int8 has -128 to 127; the engine's integers are -M to M. Max and Min clip, because ONNX Runtime
 * (1.30) takes a Clip before a QuantizeLinear out, be its range the smaller one or not. */
static enum dse_status quantize_input(const struct layer *layer, double amax, int bits) {
    const int8_t zero = 0;
    const struct dse_conv_node *conv = &layer->node->conv;
    /* Behind a dropout values are larger by 1 / (1 - rate); the engine drops integers. */
    double raised_by = conv->drops ? 1.0 / (1.0 - (double)conv->rate) : 1.0;
    float scale = dse_quantize_scale(amax * raised_by, bits);
    float top = scale * (float)dse_quantize_max(bits);
    const char *value = dse_onnx_node(layer->onnx, index_of(layer)).inputs[0];
    if (scale == 0) { /* it is zero throughout; a scale must not be */
        scale = 1;
        top = 0;
    }
    const char *least = add_scalar(layer, "input_least", -top);
    const char *most = add_scalar(layer, "input_most", top);
    const char *step = add_scalar(layer, "input_scale", scale);
    const char *origin = new_name(layer, "input_zero");
    if (least == NULL || most == NULL || step == NULL || origin == NULL)
        DSE_FAIL(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    dse_onnx_add_constant(layer->onnx, origin, DSE_ONNX_INT8, 0, NULL, &zero);
    const char *raised[] = {value, least};
    value = insert_node(layer, "Max", raised, 2, -1);
    const char *lowered[] = {value, most};
    value = value == NULL ? NULL : insert_node(layer, "Min", lowered, 2, -1);
    const char *quantize[] = {value, step, origin};
    value = value == NULL ? NULL : insert_node(layer, "QuantizeLinear", quantize, 3, -1);
    const char *dequantize[] = {value, step, origin};
    value = value == NULL ? NULL : insert_node(layer, "DequantizeLinear", dequantize, 3, -1);
    if (value == NULL)
        DSE_FAIL(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    DSE_TRY(dse_onnx_status(layer->onnx, layer->err));
    dse_onnx_set_node_input(layer->onnx, index_of(layer), 0, value);
    return dse_onnx_status(layer->onnx, layer->err);
}

/* ---- weights ---- */

/* Weights as ONNX has them: oc channels of `each` numbers; channel k begins at k * step, and its
 * numbers are `stride` apart. */
struct stored {
    const float *values;
    float *owned; /* NULL: the model's */
    int rank, axis;
    int64_t dims[DSE_ONNX_MAX_RANK];
    size_t oc, each, step, stride;
};

static enum dse_status fail_layout(const struct layer *layer, const char *why) {
    return dse_err_set(layer->err, DSE_UNSUPPORTED, "layer '%s': %s", layer->label, why);
}

/* A batch norm that alone reads a convolution's result; -1: none. */
static int find_norm(const struct layer *layer) {
    const char *result = dse_onnx_node(layer->onnx, index_of(layer)).outputs[0];
    int found = -1, readers = 0;
    for (int i = 0; i < dse_onnx_n_nodes(layer->onnx); i++) {
        struct dse_onnx_node node = dse_onnx_node(layer->onnx, i);
        for (int k = 0; k < node.n_inputs; k++) {
            if (strcmp(node.inputs[k], result) != 0)
                continue;
            readers++;
            if (k == 0 && strcmp(node.op, "BatchNormalization") == 0)
                found = i;
        }
    }
    return readers == 1 ? found : -1;
}

/* The engine's weights of a convolution, back in ONNX's order [oc][ic / groups][h][w]. */
static enum dse_status take_folded(const struct layer *layer, struct stored *stored) {
    const struct dse_conv_node *conv = &layer->node->conv;
    size_t h = (size_t)conv->kernel_h, w = (size_t)conv->kernel_w;
    size_t ic = (size_t)(layer->in.c / conv->groups), oc = (size_t)layer->out.c;
    stored->owned = dse_alloc(oc * ic * h * w, sizeof *stored->owned);
    if (stored->owned == NULL)
        DSE_FAIL(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    for (size_t o = 0; o < oc; o++)
        for (size_t i = 0; i < ic; i++)
            for (size_t at = 0; at < h * w; at++)
                stored->owned[(o * ic + i) * h * w + at] = conv->weights[(o * h * w + at) * ic + i];
    stored->values = stored->owned;
    stored->rank = 4;
    const int64_t dims[] = {(int64_t)oc, (int64_t)ic, (int64_t)h, (int64_t)w};
    memcpy(stored->dims, dims, sizeof dims);
    return DSE_OK;
}

/* Bias of the engine in place of the batch norm, which goes. */
static enum dse_status drop_norm(const struct layer *layer, int norm) {
    struct dse_onnx *onnx = layer->onnx;
    const int64_t oc = layer->out.c;
    const char *bias = new_name(layer, "folded_bias");
    const char *from = dse_onnx_node(onnx, norm).outputs[0];
    if (bias == NULL)
        DSE_FAIL(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    dse_onnx_add_constant(onnx, bias, DSE_ONNX_FLOAT, 1, &oc, layer->node->conv.bias);
    if (dse_onnx_node(onnx, index_of(layer)).n_inputs < 3)
        dse_onnx_append_input(onnx, index_of(layer), bias);
    else
        dse_onnx_set_node_input(onnx, index_of(layer), 2, bias);
    DSE_TRY(dse_onnx_status(onnx, layer->err));
    dse_onnx_remove_node(onnx, norm);
    /* Whoever reads the norm reads the convolution; an output of the model keeps its name. */
    dse_onnx_set_node_output(onnx, index_of(layer), 0, from);
    return dse_onnx_status(onnx, layer->err);
}

static enum dse_status find_weights(const struct layer *layer, struct stored *stored) {
    int index = index_of(layer), norm = -1;
    struct dse_onnx_node node = dse_onnx_node(layer->onnx, index);
    bool is_conv = strcmp(node.op, "Conv") == 0, is_gemm = strcmp(node.op, "Gemm") == 0;
    if (!is_conv && !is_gemm && strcmp(node.op, "MatMul") != 0)
        return fail_layout(layer, "only Conv, Gemm and MatMul can be converted");
    if (is_conv)
        norm = find_norm(layer);
    if (norm >= 0) {
        DSE_TRY(take_folded(layer, stored));
        DSE_TRY(drop_norm(layer, norm));
    } else {
        stored->values =
            dse_onnx_get_floats(layer->onnx, node.inputs[1], &stored->rank, stored->dims);
        if (stored->values == NULL)
            return fail_layout(layer, "its weights are not a constant of float32 in the file");
    }
    bool transposed = is_gemm && dse_onnx_get_int(layer->onnx, index_of(layer), "transB", 0) != 0;
    bool by_rows = is_conv || transposed;
    size_t n = 1;
    for (int i = 0; i < stored->rank; i++)
        n *= (size_t)stored->dims[i];
    stored->axis = by_rows ? 0 : 1;
    if (stored->rank != (is_conv ? 4 : 2) || stored->dims[stored->axis] != layer->out.c)
        return fail_layout(layer, "its weights have an unexpected shape");
    stored->oc = (size_t)layer->out.c;
    stored->each = n / stored->oc;
    stored->step = by_rows ? stored->each : 1;
    stored->stride = by_rows ? 1 : stored->oc;
    return DSE_OK;
}

/* Weights to int8 in the order of the file, with a scale a channel. */
static enum dse_status make_integers(const struct layer *layer, const struct stored *stored,
                                     int bits, enum dse_weight_scales share, int8_t *file,
                                     float *scales) {
    size_t n = stored->oc * stored->each;
    float *values = dse_alloc(n, sizeof *values);
    int8_t *integers = dse_alloc(n, sizeof *integers);
    enum dse_status status = DSE_OK;
    if (values == NULL || integers == NULL) {
        status = dse_err_set(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    } else {
        for (size_t o = 0; o < stored->oc; o++)
            for (size_t i = 0; i < stored->each; i++)
                values[o * stored->each + i] =
                    stored->values[o * stored->step + i * stored->stride];
        const struct dse_layer_weights weights = {values, stored->oc, stored->each, share};
        dse_quantize_weights(&weights, bits, integers, scales);
        for (size_t o = 0; o < stored->oc; o++) {
            scales[o] = scales[o] == 0 ? 1 : scales[o]; /* all are 0; a scale must not be */
            for (size_t i = 0; i < stored->each; i++)
                file[o * stored->step + i * stored->stride] = integers[o * stored->each + i];
        }
    }
    dse_free(values);
    dse_free(integers);
    return status;
}

static enum dse_status add_integers(const struct layer *layer, const struct stored *stored,
                                    const int8_t *file, const float *scales) {
    const int64_t oc = (int64_t)stored->oc;
    const char *integers = new_name(layer, "weight_int8");
    const char *scale = new_name(layer, "weight_scale");
    if (integers == NULL || scale == NULL)
        DSE_FAIL(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    dse_onnx_add_constant(layer->onnx, integers, DSE_ONNX_INT8, stored->rank, stored->dims, file);
    dse_onnx_add_constant(layer->onnx, scale, DSE_ONNX_FLOAT, 1, &oc, scales);
    const char *inputs[] = {integers, scale};
    const char *value = insert_node(layer, "DequantizeLinear", inputs, 2, stored->axis);
    if (value == NULL)
        DSE_FAIL(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    DSE_TRY(dse_onnx_status(layer->onnx, layer->err));
    dse_onnx_set_node_input(layer->onnx, index_of(layer), 1, value);
    return dse_onnx_status(layer->onnx, layer->err);
}

static enum dse_status quantize_weights(const struct layer *layer, int bits,
                                        enum dse_weight_scales share) {
    struct stored stored = {0};
    enum dse_status status = find_weights(layer, &stored);
    int8_t *file = NULL;
    float *scales = NULL;
    if (status == DSE_OK) {
        file = dse_alloc(stored.oc * stored.each, sizeof *file);
        scales = dse_alloc(stored.oc, sizeof *scales);
        if (file == NULL || scales == NULL)
            status = dse_err_set(layer->err, DSE_NO_MEMORY, "no memory to convert the model");
    }
    if (status == DSE_OK)
        status = make_integers(layer, &stored, bits, share, file, scales);
    if (status == DSE_OK)
        status = add_integers(layer, &stored, file, scales);
    dse_free(file);
    dse_free(scales);
    dse_free(stored.owned);
    return status;
}

/* ---- all layers ---- */

/* Weights that nobody reads any more are not written. */
static void drop_unread_constants(struct dse_onnx *onnx) {
    for (int c = dse_onnx_n_constants(onnx) - 1; c >= 0; c--) {
        const char *name = dse_onnx_constant_name(onnx, c);
        bool read = false;
        for (int i = 0; !read && i < dse_onnx_n_nodes(onnx); i++) {
            struct dse_onnx_node node = dse_onnx_node(onnx, i);
            for (int k = 0; k < node.n_inputs; k++)
                read = read || strcmp(node.inputs[k], name) == 0;
        }
        for (int i = 0; !read && i < dse_onnx_n_outputs(onnx); i++)
            read = strcmp(dse_onnx_output_name(onnx, i), name) == 0;
        if (!read)
            dse_onnx_remove_constant(onnx, name);
    }
}

enum dse_status model__quantize_onnx(struct dse_onnx *onnx, const struct dse_graph *graph,
                                     const struct model__widths *widths, struct dse_err *err) {
    if (dse_onnx_opset(onnx) < MIN_OPSET)
        DSE_FAIL(err, DSE_UNSUPPORTED, "operator set %d; export with %d or later",
                 dse_onnx_opset(onnx), MIN_OPSET);
    for (int i = 0; i < graph->n_layers; i++) {
        const struct dse_node *node = &graph->nodes[graph->layers[i]];
        struct layer layer = {.onnx = onnx,
                              .node = node,
                              .in = dse_graph_input_shape(graph, node),
                              .out = dse_graph_output_shape(graph, node),
                              .label = node->name,
                              .err = err};
        if (index_of(&layer) < 0)
            return fail_layout(&layer, "is not found in the file by its name");
        /* Constants first: a batch norm that goes changes the name of the layer's result. */
        if (widths->weight_bits[i] != 0)
            DSE_TRY(quantize_weights(&layer, widths->weight_bits[i], widths->share));
        if (widths->input_bits[i] != 0)
            DSE_TRY(quantize_input(&layer, widths->amax[i], widths->input_bits[i]));
    }
    drop_unread_constants(onnx);
    return dse_onnx_status(onnx, err);
}
