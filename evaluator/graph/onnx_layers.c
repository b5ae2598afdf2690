/* Operators with numbers of their own: convolutions, dense layers and what is folded into them; and
 * the element-wise ones. */
#include "evaluator/graph/graph_internal.h"

#include <math.h>
#include <string.h>

/* ---- weights ---- */

static enum dse_status count_weights(struct graph__import *import, size_t n, struct dse_err *err) {
    if (n > GRAPH__MAX_ELEMENTS - import->n_weights)
        DSE_FAIL(err, DSE_UNSUPPORTED, "more than %d weights in the model", GRAPH__MAX_ELEMENTS);
    import->n_weights += n;
    return DSE_OK;
}

/* Room for the weights and the bias of a layer. */
static enum dse_status new_weights(struct graph__import *import, struct dse_conv_node *layer,
                                   size_t oc, size_t per_channel, struct dse_err *err) {
    DSE_TRY(count_weights(import, oc * per_channel, err));
    layer->weights = dse_alloc(oc * per_channel, sizeof *layer->weights);
    layer->bias = dse_alloc(oc, sizeof *layer->bias);
    if (layer->weights != NULL && layer->bias != NULL)
        return DSE_OK;
    dse_free(layer->weights);
    dse_free(layer->bias);
    DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu weights", oc * per_channel);
}

/* Appends a node that owns weights; they are freed when that fails. */
static enum dse_status add_layer(struct graph__import *import, const Onnx__NodeProto *node,
                                 const struct dse_node *content, struct dse_shape shape, int rank,
                                 struct dse_err *err) {
    struct dse_node own = *content;
    enum dse_status status;
    DSE_TRY_GOTO(status, graph__remember_names(import, node, 2, &own.conv.names, err), fail);
    DSE_TRY_GOTO(status, graph__add_node(import, node, &own, shape, rank, shape, err), fail);
    return DSE_OK;
fail:
    dse_node_free_numbers(&own);
    return status;
}

/* ---- Conv ---- */

/* [oc][ic][kh][kw] to [oc][kh][kw][ic] */
static void put_channels_last(const float *from, int64_t oc, int64_t ic, int64_t pixels,
                              float *to) {
    for (int64_t o = 0; o < oc; o++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t i = 0; i < ic; i++)
                *to++ = from[(o * ic + i) * pixels + p];
}

static enum dse_status check_conv(const struct graph__tensor *weights,
                                  const struct graph__tensor *bias, struct dse_shape input,
                                  int64_t groups, struct dse_err *err) {
    if (weights->rank != 4)
        DSE_FAIL(err, DSE_UNSUPPORTED, "weights of %d dimensions (supported: 4)", weights->rank);
    if (weights->n == 0)
        DSE_FAIL(err, DSE_INVALID, "it has no weights");
    if (weights->dims[2] > GRAPH__MAX_SETTING || weights->dims[3] > GRAPH__MAX_SETTING)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a kernel of more than %d pixels", GRAPH__MAX_SETTING);
    if (groups < 1 || groups > input.c || input.c % groups != 0 || weights->dims[0] % groups != 0 ||
        weights->dims[1] != input.c / groups)
        DSE_FAIL(err, DSE_INVALID,
                 "weights for %lld channels in %lld groups do not fit an input of %d channels",
                 (long long)weights->dims[1], (long long)groups, input.c);
    if (bias != NULL && (int64_t)bias->n != weights->dims[0])
        DSE_FAIL(err, DSE_INVALID, "%zu biases for %lld channels", bias->n,
                 (long long)weights->dims[0]);
    return DSE_OK;
}

enum dse_status graph__import_conv(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    int value = 0;
    int64_t groups = 0;
    struct graph__tensor *weights = NULL, *bias = NULL;
    struct graph__window window = {0};
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__F32, &weights, err));
    DSE_TRY(graph__input_constant(import, node, 2, GRAPH__F32, &bias, err));
    DSE_TRY(graph__get_int(node, "group", 1, &groups, err));
    struct dse_shape input = import->graph->values[value].shape, output;
    if (import->facts[value].rank != 4)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input is flattened");
    DSE_TRY(check_conv(weights, bias, input, groups, err));
    DSE_TRY(graph__read_window(node, input, (int)weights->dims[2], (int)weights->dims[3], &window,
                               err));
    DSE_TRY(graph__make_shape(window.out_h, window.out_w, weights->dims[0], &output, err));
    struct dse_node content = {
        .op = DSE_OP_CONV,
        .inputs = {value, -1},
        .conv = {.kernel_h = window.kernel_h,
                 .kernel_w = window.kernel_w,
                 .stride_h = window.stride_h,
                 .stride_w = window.stride_w,
                 .dilation_h = window.dilation_h,
                 .dilation_w = window.dilation_w,
                 .groups = (int)groups,
                 .pad_top = window.pad_top,
                 .pad_left = window.pad_left,
                 .pad_bottom = window.pad_bottom,
                 .pad_right = window.pad_right},
    };
    size_t oc = (size_t)output.c;
    DSE_TRY(new_weights(import, &content.conv, oc, weights->n / oc, err));
    put_channels_last(weights->f32, output.c, weights->dims[1], weights->dims[2] * weights->dims[3],
                      content.conv.weights);
    if (bias != NULL)
        memcpy(content.conv.bias, bias->f32, oc * sizeof(float));
    return add_layer(import, node, &content, output, 4, err);
}

/* ---- Gemm and MatMul ---- */

/* A constant matrix, read as [oc][ic]. */
struct matrix {
    const float *numbers;
    size_t oc, ic, oc_stride, ic_stride;
    float factor;
};

/* The columns follow the flattened map: ONNX's order is (c, h, w), ours (h, w, c). */
static void copy_columns(const struct matrix *matrix, struct dse_shape flat, float *to) {
    size_t pixels = (size_t)flat.h * (size_t)flat.w, channels = (size_t)flat.c;
    for (size_t o = 0; o < matrix->oc; o++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < channels; c++)
                *to++ =
                    matrix->factor *
                    matrix->numbers[o * matrix->oc_stride + (c * pixels + p) * matrix->ic_stride];
}

/* bias may be NULL; it has 1 or oc numbers. */
static enum dse_status add_dense(struct graph__import *import, const Onnx__NodeProto *node,
                                 int value, const struct matrix *matrix,
                                 const struct graph__tensor *bias, float bias_factor,
                                 struct dse_err *err) {
    struct dse_shape input = import->graph->values[value].shape, output;
    if (import->facts[value].rank != 2)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input has %d dimensions (supported: 2)",
                 import->facts[value].rank);
    if (matrix->oc == 0 || matrix->ic != (size_t)input.c)
        DSE_FAIL(err, DSE_INVALID, "a matrix for %zu inputs does not fit an input of %d",
                 matrix->ic, input.c);
    if (bias != NULL && bias->n != 1 && bias->n != matrix->oc)
        DSE_FAIL(err, DSE_INVALID, "%zu biases for %zu outputs", bias->n, matrix->oc);
    DSE_TRY(graph__make_shape(1, 1, (int64_t)matrix->oc, &output, err));
    struct dse_node content = {
        .op = DSE_OP_DENSE,
        .inputs = {value, -1},
        .conv = {.kernel_h = 1,
                 .kernel_w = 1,
                 .stride_h = 1,
                 .stride_w = 1,
                 .dilation_h = 1,
                 .dilation_w = 1,
                 .groups = 1},
    };
    DSE_TRY(new_weights(import, &content.conv, matrix->oc, matrix->ic, err));
    copy_columns(matrix, import->facts[value].flat, content.conv.weights);
    for (size_t i = 0; bias != NULL && i < matrix->oc; i++)
        content.conv.bias[i] = bias_factor * bias->f32[bias->n == 1 ? 0 : i];
    content.conv.names.inputs_first = matrix->ic_stride != 1;
    content.conv.names.flat = import->facts[value].flat;
    return add_layer(import, node, &content, output, 2, err);
}

static enum dse_status check_matrix(const struct graph__tensor *tensor, struct dse_err *err) {
    if (tensor->rank != 2)
        DSE_FAIL(err, DSE_UNSUPPORTED, "weights of %d dimensions (supported: 2)", tensor->rank);
    return DSE_OK;
}

/* weights [ic][oc], or [oc][ic] when transposed */
static struct matrix view_matrix(const struct graph__tensor *weights, bool transposed,
                                 float factor) {
    size_t rows = (size_t)weights->dims[0], columns = (size_t)weights->dims[1];
    if (transposed)
        return (struct matrix){weights->f32, rows, columns, columns, 1, factor};
    return (struct matrix){weights->f32, columns, rows, 1, columns, factor};
}

enum dse_status graph__import_gemm(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    int value = 0;
    int64_t transpose_a = 0, transpose_b = 0;
    float alpha = 0, beta = 0;
    struct graph__tensor *weights = NULL, *bias = NULL;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__F32, &weights, err));
    DSE_TRY(graph__input_constant(import, node, 2, GRAPH__F32, &bias, err));
    DSE_TRY(graph__get_int(node, "transA", 0, &transpose_a, err));
    DSE_TRY(graph__get_int(node, "transB", 0, &transpose_b, err));
    DSE_TRY(graph__get_float(node, "alpha", 1, &alpha, err));
    DSE_TRY(graph__get_float(node, "beta", 1, &beta, err));
    if (transpose_a != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "attribute 'transA' other than 0");
    DSE_TRY(check_matrix(weights, err));
    if (import->for_training && (alpha != 1.0f || (bias != NULL && beta != 1.0f)))
        DSE_FAIL(err, DSE_UNSUPPORTED, "alpha or beta other than 1 in a network to train");
    struct matrix matrix = view_matrix(weights, transpose_b != 0, alpha);
    return add_dense(import, node, value, &matrix, bias, beta, err);
}

enum dse_status graph__import_matmul(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct dse_err *err) {
    int value = 0;
    struct graph__tensor *weights = NULL;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__F32, &weights, err));
    DSE_TRY(check_matrix(weights, err));
    struct matrix matrix = view_matrix(weights, false, 1);
    return add_dense(import, node, value, &matrix, NULL, 0, err);
}

/* ---- folded into the layer before ---- */

enum dse_status graph__import_batch_norm(struct graph__import *import, const Onnx__NodeProto *node,
                                         struct dse_err *err) {
    int value = 0;
    int64_t training = 0;
    float epsilon = 0;
    struct graph__tensor *gamma = NULL, *beta = NULL, *mean = NULL, *variance = NULL;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    DSE_TRY(graph__need_constant(import, node, 1, GRAPH__F32, &gamma, err));
    DSE_TRY(graph__need_constant(import, node, 2, GRAPH__F32, &beta, err));
    DSE_TRY(graph__need_constant(import, node, 3, GRAPH__F32, &mean, err));
    DSE_TRY(graph__need_constant(import, node, 4, GRAPH__F32, &variance, err));
    DSE_TRY(graph__get_float(node, "epsilon", 1e-5f, &epsilon, err));
    DSE_TRY(graph__get_int(node, "training_mode", 0, &training, err));
    if (training != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "the model was exported in training mode");
    struct dse_node *layer = graph__sole_layer(import, value);
    size_t oc = (size_t)import->graph->values[value].shape.c;
    if (gamma->n != oc || beta->n != oc || mean->n != oc || variance->n != oc)
        DSE_FAIL(err, DSE_INVALID, "its numbers do not fit %zu channels", oc);
    if (import->for_training) {
        const float *const numbers[] = {gamma->f32, beta->f32, mean->f32, variance->f32};
        return graph__keep_batch_norm(import, node, value, numbers, epsilon, err);
    }
    if (layer == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "supported only right after a Conv, Gemm or MatMul that nothing else reads");
    size_t per_channel =
        (size_t)layer->conv.kernel_h * (size_t)layer->conv.kernel_w *
        (size_t)(dse_graph_input_shape(import->graph, layer).c / layer->conv.groups);
    for (size_t o = 0; o < oc; o++) {
        double factor = (double)gamma->f32[o] / sqrt((double)variance->f32[o] + (double)epsilon);
        float *weights = layer->conv.weights + o * per_channel;
        for (size_t i = 0; i < per_channel; i++)
            weights[i] = (float)((double)weights[i] * factor);
        layer->conv.bias[o] =
            (float)(((double)layer->conv.bias[o] - (double)mean->f32[o]) * factor +
                    (double)beta->f32[o]);
    }
    graph__define_alias(import, node, value);
    return DSE_OK;
}

/* Does the constant add one number to each channel (or the same to all)? */
static bool is_per_channel(const struct graph__tensor *tensor, int rank, size_t channels) {
    if (tensor->n == 1)
        return tensor->rank <= rank;
    int axis = tensor->rank - (rank == 4 ? 3 : 1); /* of the channels in the constant */
    return tensor->n == channels && axis >= 0 && tensor->rank <= rank &&
           tensor->dims[axis] == (int64_t)channels;
}

static enum dse_status add_to_bias(struct graph__import *import, const Onnx__NodeProto *node,
                                   int value, const struct graph__tensor *numbers,
                                   struct dse_err *err) {
    struct dse_node *layer = graph__sole_layer(import, value);
    size_t oc = (size_t)import->graph->values[value].shape.c;
    if (numbers->type != GRAPH__F32 || layer == NULL ||
        !is_per_channel(numbers, import->facts[value].rank, oc))
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "a constant can be added only per channel, right after a Conv, Gemm or MatMul "
                 "that nothing else reads");
    for (size_t o = 0; o < oc; o++)
        layer->conv.bias[o] += numbers->f32[numbers->n == 1 ? 0 : o];
    DSE_TRY(graph__remember_bias(import, node, numbers, layer, err));
    graph__define_alias(import, node, value);
    return DSE_OK;
}

/* ---- element-wise ---- */

static bool same_shape(struct dse_shape a, struct dse_shape b) {
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

enum dse_status graph__import_add(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    struct graph__symbol *a = NULL, *b = NULL;
    DSE_TRY(graph__input(import, node, 0, &a, err));
    DSE_TRY(graph__input(import, node, 1, &b, err));
    if (a == NULL || b == NULL)
        DSE_FAIL(err, DSE_INVALID, "an input is missing");
    if (a->constant != NULL && b->constant != NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "both inputs are constants");
    if (a->constant != NULL || b->constant != NULL)
        return add_to_bias(import, node, a->constant != NULL ? b->value : a->value,
                           a->constant != NULL ? a->constant : b->constant, err);
    const struct graph__value_facts *of_a = &import->facts[a->value];
    const struct graph__value_facts *of_b = &import->facts[b->value];
    struct dse_shape shape = import->graph->values[a->value].shape;
    if (!same_shape(shape, import->graph->values[b->value].shape) || of_a->rank != of_b->rank ||
        !same_shape(of_a->flat, of_b->flat))
        DSE_FAIL(err, DSE_UNSUPPORTED, "its inputs differ in shape");
    struct dse_node content = {.op = DSE_OP_ADD, .inputs = {a->value, b->value}};
    return graph__add_node(import, node, &content, shape, of_a->rank, of_a->flat, err);
}

enum dse_status graph__import_relu(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    int value = 0;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    struct dse_node content = {.op = DSE_OP_RELU, .inputs = {value, -1}};
    return graph__add_node(import, node, &content, import->graph->values[value].shape,
                           import->facts[value].rank, import->facts[value].flat, err);
}

enum dse_status graph__import_identity(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err) {
    int value = 0;
    DSE_TRY(graph__input_value(import, node, 0, &value, err));
    graph__define_alias(import, node, value);
    return DSE_OK;
}

/* ONNX, Dropout: the ratio where none is given. */
#define DEFAULT_RATIO 0.5f

enum dse_status graph__import_dropout(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    struct graph__tensor *training = NULL, *rate = NULL;
    struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[0]));
    DSE_TRY(graph__input_constant(import, node, 2, GRAPH__I64, &training, err));
    if (!import->keep_dropout) {
        if (training != NULL && training->n > 0 && training->i64[0] != 0)
            DSE_FAIL(err, DSE_UNSUPPORTED, "the model was exported in training mode");
        return graph__import_identity(import, node, err);
    }
    float ratio = DEFAULT_RATIO;
    DSE_TRY(graph__get_float(node, "ratio", DEFAULT_RATIO, &ratio, err));
    DSE_TRY(graph__input_constant(import, node, 1, GRAPH__F32, &rate, err));
    if (rate != NULL && rate->n > 0)
        ratio = rate->f32[0];
    if (!(ratio >= 0 && ratio < 1))
        DSE_FAIL(err, DSE_INVALID, "a ratio of %g; it must be in [0, 1)", (double)ratio);
    DSE_TRY(graph__import_identity(import, node, err));
    if (symbol == NULL)
        return DSE_OK;
    symbol->drops = true;
    symbol->rate = ratio;
    struct graph__symbol *mask =
        node->n_output > 1 ? graph__names_find(import, graph__text(node->output[1])) : NULL;
    if (mask != NULL) {
        mask->is_mask = true;
        mask->value = symbol->value;
    }
    return DSE_OK;
}

/* Where(mask, y, 0) of a Dropout's own outputs is y. Branches are written so, because ONNX Runtime
 * removes even an active Dropout whose mask nobody reads. */
enum dse_status graph__import_where(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err) {
    struct graph__symbol *mask = NULL, *kept = NULL;
    struct graph__tensor *other = NULL;
    struct graph__symbol *result = graph__names_find(import, graph__text(node->output[0]));
    DSE_TRY(graph__input(import, node, 0, &mask, err));
    DSE_TRY(graph__input(import, node, 1, &kept, err));
    if (mask == NULL || kept == NULL || !mask->is_mask || kept->is_mask || kept->node != mask->node)
        DSE_FAIL(err, DSE_UNSUPPORTED, "only the results of one Dropout are chosen from");
    DSE_TRY(graph__need_constant(import, node, 2, GRAPH__F32, &other, err));
    if (other->n != 1 || other->f32[0] != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "what a Dropout drops must become one constant 0");
    graph__define_alias(import, node, kept->value);
    if (result != NULL) {
        result->drops = kept->drops;
        result->rate = kept->rate;
    }
    return DSE_OK;
}
