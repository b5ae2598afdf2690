/* Operators with weights: convolutions and dense layers. And Dropout, which is a mark on them. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

/* ---- weights ---- */

enum dse_status graph__count_weights(struct graph__import *import, size_t n, struct dse_err *err) {
    if (n > GRAPH__MAX_ELEMENTS - import->n_weights)
        DSE_FAIL(err, DSE_UNSUPPORTED, "more than %d weights in the model", GRAPH__MAX_ELEMENTS);
    import->n_weights += n;
    return DSE_OK;
}

/* Room for the weights and the bias of a layer. */
static enum dse_status new_weights(struct graph__import *import, struct dse_conv_node *layer,
                                   size_t oc, size_t per_channel, struct dse_err *err) {
    DSE_TRY(graph__count_weights(import, oc * per_channel, err));
    layer->weights = dse_alloc(oc * per_channel, sizeof *layer->weights);
    layer->bias = dse_alloc(oc, sizeof *layer->bias);
    if (layer->weights != NULL && layer->bias != NULL)
        return DSE_OK;
    dse_free(layer->weights);
    dse_free(layer->bias);
    DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu weights", oc * per_channel);
}

/* Appends a node that owns weights. */
static enum dse_status add_layer(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct dse_node *content, struct graph__operand *result,
                                 struct dse_err *err) {
    enum dse_status status = graph__remember_names(import, node, 2, &content->conv.names, err);
    if (status == DSE_OK)
        return graph__add_node(import, node, content, result, err);
    dse_node_free_numbers(content);
    return status;
}

/* ---- Conv ---- */

/* [oc][ic][pixels] to [oc][pixels][ic] */
static void put_channels_last(const float *from, int64_t oc, int64_t ic, int64_t pixels,
                              float *to) {
    for (int64_t o = 0; o < oc; o++)
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t i = 0; i < ic; i++)
                *to++ = from[(o * ic + i) * pixels + p];
}

/* What Conv and ConvTranspose read alike. */
struct conv_inputs {
    struct graph__operand image;
    struct graph__tensor *weights, *bias; /* bias: NULL where there is none */
    int64_t groups;
    int kernel[2];
};

static enum dse_status read_conv(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct conv_inputs *in, struct dse_err *err) {
    DSE_TRY(graph__image_operand(import, node, 0, &in->image, err));
    DSE_TRY(graph__need_constant(import, node, 1, DSE_TENSOR_F32, &in->weights, err));
    DSE_TRY(graph__input_constant(import, node, 2, DSE_TENSOR_F32, &in->bias, err));
    DSE_TRY(graph__get_int(node, "group", 1, &in->groups, err));
    const struct graph__tensor *weights = in->weights;
    int rank = in->image.form.rank;
    if (weights->rank != rank)
        DSE_FAIL(err, DSE_UNSUPPORTED, "weights of %d dimensions (supported: %d)", weights->rank,
                 rank);
    if (weights->n == 0)
        DSE_FAIL(err, DSE_INVALID, "it has no weights");
    for (int i = 2; i < rank; i++)
        if (weights->dims[i] > GRAPH__MAX_SETTING)
            DSE_FAIL(err, DSE_UNSUPPORTED, "a kernel of more than %d pixels", GRAPH__MAX_SETTING);
    in->kernel[0] = rank == 4 ? (int)weights->dims[2] : 1;
    in->kernel[1] = (int)weights->dims[rank - 1];
    return DSE_OK;
}

static enum dse_status check_conv(const struct conv_inputs *in, struct dse_err *err) {
    const struct graph__tensor *weights = in->weights;
    int64_t channels = in->image.form.dims[1], groups = in->groups;
    if (groups < 1 || groups > channels || channels % groups != 0 ||
        weights->dims[0] % groups != 0 || weights->dims[1] != channels / groups)
        DSE_FAIL(err, DSE_INVALID,
                 "weights for %lld channels in %lld groups do not fit an input of %lld channels",
                 (long long)weights->dims[1], (long long)groups, (long long)channels);
    if (in->bias != NULL && (int64_t)in->bias->n != weights->dims[0])
        DSE_FAIL(err, DSE_INVALID, "%zu biases for %lld channels", in->bias->n,
                 (long long)weights->dims[0]);
    return DSE_OK;
}

static struct dse_conv_node describe_conv(const struct conv_inputs *in,
                                          const struct graph__window *window) {
    return (struct dse_conv_node){
        .kernel_h = window->kernel[0],
        .kernel_w = window->kernel[1],
        .stride_h = window->stride[0],
        .stride_w = window->stride[1],
        .dilation_h = window->dilation[0],
        .dilation_w = window->dilation[1],
        .groups = (int)in->groups,
        .pad_top = window->pad_before[0],
        .pad_left = window->pad_before[1],
        .pad_bottom = window->pad_after[0],
        .pad_right = window->pad_after[1],
        .names = {.rank = in->weights->rank},
    };
}

enum dse_status graph__import_conv(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    struct conv_inputs in = {0};
    struct graph__window window = {0};
    DSE_TRY(read_conv(import, node, &in, err));
    DSE_TRY(check_conv(&in, err));
    DSE_TRY(graph__read_window(node, &in.image.form, in.kernel, &window, err));
    struct dse_node content = {.op = DSE_OP_CONV, .inputs = {in.image.value, -1}};
    struct graph__operand result = {.form = graph__like_image(&in.image.form, in.weights->dims[0],
                                                              window.out[0], window.out[1])};
    size_t oc = (size_t)in.weights->dims[0];
    content.conv = describe_conv(&in, &window);
    DSE_TRY(new_weights(import, &content.conv, oc, in.weights->n / oc, err));
    put_channels_last(in.weights->f32, in.weights->dims[0], in.weights->dims[1],
                      (int64_t)in.kernel[0] * in.kernel[1], content.conv.weights);
    if (in.bias != NULL)
        memcpy(content.conv.bias, in.bias->f32, oc * sizeof(float));
    DSE_TRY(add_layer(import, node, &content, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

/* ---- ConvTranspose ---- */

/* Pads and extents of one axis. ONNX: out = stride (in - 1) + output_padding + dilated kernel -
 * pads; where the output's extent is given, or SAME, pads follow from it. */
static enum dse_status place_transposed(const char *automatic, int64_t extent, int64_t wanted,
                                        int output_padding, int axis, struct graph__window *window,
                                        struct dse_err *err) {
    int64_t stride = window->stride[axis];
    int64_t reach = (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
    int64_t full = stride * (extent - 1) + output_padding + reach;
    if (full > INT32_MAX)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a result of more than %d pixels", GRAPH__MAX_EXTENT);
    bool same = strncmp(automatic, "SAME", 4) == 0;
    if (same && wanted == 0)
        wanted = extent * stride;
    if (wanted != 0) {
        /* Fewer pads than none: zeros behind, which pads below 0 stand for. */
        int64_t total = full - wanted, small = total >> 1; /* towards fewer */
        bool less_before = strcmp(automatic, "SAME_UPPER") == 0;
        window->pad_before[axis] = (int)(less_before ? small : total - small);
        window->pad_after[axis] = (int)(total - window->pad_before[axis]);
    }
    window->out[axis] = full - window->pad_before[axis] - window->pad_after[axis];
    if (window->out[axis] < 1 || window->out[axis] > GRAPH__MAX_EXTENT)
        DSE_FAIL(err, DSE_INVALID, "its result would have %lld pixels along an axis",
                 (long long)window->out[axis]);
    return DSE_OK;
}

static enum dse_status read_transposed_window(const Onnx__NodeProto *node,
                                              const struct conv_inputs *in,
                                              struct graph__window *window, struct dse_err *err) {
    char automatic[16];
    int pads[4], output_padding[2], wanted[2];
    int64_t extents[2];
    const struct graph__form *form = &in->image.form;
    DSE_TRY(graph__read_kernel(node, form, in->kernel, window, err));
    DSE_TRY(graph__get_text(node, "auto_pad", "NOTSET", automatic, sizeof automatic, err));
    DSE_TRY(graph__get_pair(node, "pads", form, 4, 0, 0, pads, err));
    DSE_TRY(graph__get_pair(node, "output_padding", form, 2, 0, 0, output_padding, err));
    DSE_TRY(graph__get_pair(node, "output_shape", form, 2, 0, 0, wanted, err));
    if (strcmp(automatic, "NOTSET") != 0 && strcmp(automatic, "VALID") != 0 &&
        strcmp(automatic, "SAME_UPPER") != 0 && strcmp(automatic, "SAME_LOWER") != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "auto_pad '%s'", automatic);
    graph__image_extents(form, extents);
    for (int i = 0; i < 2; i++) {
        window->pad_before[i] = pads[i];
        window->pad_after[i] = pads[2 + i];
        DSE_TRY(
            place_transposed(automatic, extents[i], wanted[i], output_padding[i], i, window, err));
    }
    return DSE_OK;
}

/* [ic][oc / groups][pixels] to [pixels][ic][oc / groups] */
static void turn_weights(const float *from, int64_t rows, int64_t pixels, float *to) {
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t row = 0; row < rows; row++)
            *to++ = from[row * pixels + p];
}

enum dse_status graph__import_conv_transpose(struct graph__import *import,
                                             const Onnx__NodeProto *node, struct dse_err *err) {
    struct conv_inputs in = {0};
    struct graph__window window = {0};
    DSE_TRY(read_conv(import, node, &in, err));
    int64_t channels = in.image.form.dims[1], per_group = in.weights->dims[1];
    if (in.groups < 1 || channels % in.groups != 0 || in.weights->dims[0] != channels ||
        per_group > GRAPH__MAX_ELEMENTS / in.groups)
        DSE_FAIL(err, DSE_INVALID,
                 "weights for %lld channels in %lld groups do not fit an input of %lld channels",
                 (long long)in.weights->dims[0], (long long)in.groups, (long long)channels);
    int64_t oc = per_group * in.groups;
    if (in.bias != NULL && (int64_t)in.bias->n != oc)
        DSE_FAIL(err, DSE_INVALID, "%zu biases for %lld channels", in.bias->n, (long long)oc);
    DSE_TRY(read_transposed_window(node, &in, &window, err));
    struct dse_node content = {.op = DSE_OP_CONV_TRANSPOSE, .inputs = {in.image.value, -1}};
    struct graph__operand result = {
        .form = graph__like_image(&in.image.form, oc, window.out[0], window.out[1])};
    content.conv = describe_conv(&in, &window);
    DSE_TRY(new_weights(import, &content.conv, (size_t)oc, in.weights->n / (size_t)oc, err));
    turn_weights(in.weights->f32, channels * per_group, (int64_t)in.kernel[0] * in.kernel[1],
                 content.conv.weights);
    if (in.bias != NULL)
        memcpy(content.conv.bias, in.bias->f32, (size_t)oc * sizeof(float));
    DSE_TRY(add_layer(import, node, &content, &result, err));
    return graph__bind(import, node, 0, &result, err);
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

/* Rows of numbers, the last axis in memory order but for a flattened map. */
static enum dse_status view_rows(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct graph__operand *rows, struct dse_shape *flat,
                                 struct dse_err *err) {
    struct graph__form form = rows->form;
    int64_t columns = form.dims[form.rank - 1];
    *flat = (struct dse_shape){1, 1, (int)columns};
    if (form.order == GRAPH__FLAT) {
        *flat = form.flat;
        return DSE_OK;
    }
    DSE_TRY(graph__to_order(import, node, GRAPH__PLAIN, rows, err));
    return DSE_OK;
}

/* A layer: the last axis of rows times the matrix. */
static enum dse_status add_dense(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct graph__operand *rows, const struct matrix *matrix,
                                 struct dse_err *err) {
    struct dse_shape flat;
    int64_t columns = rows->form.dims[rows->form.rank - 1];
    if (matrix->oc == 0 || (int64_t)matrix->ic != columns)
        DSE_FAIL(err, DSE_INVALID, "a matrix for %zu inputs does not fit an input of %lld",
                 matrix->ic, (long long)columns);
    DSE_TRY(view_rows(import, node, rows, &flat, err));
    struct graph__operand result = {.form = rows->form};
    result.form.order = GRAPH__PLAIN;
    result.form.flat = (struct dse_shape){0, 0, 0};
    result.form.dims[rows->form.rank - 1] = (int64_t)matrix->oc;
    struct dse_shape in = import->graph->values[rows->value].shape;
    if ((int64_t)in.c != columns || in.w != 1)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input has more than %d rows", GRAPH__MAX_EXTENT);
    struct dse_node content = {
        .op = DSE_OP_DENSE,
        .inputs = {rows->value, -1},
        .conv = {.kernel_h = 1,
                 .kernel_w = 1,
                 .stride_h = 1,
                 .stride_w = 1,
                 .dilation_h = 1,
                 .dilation_w = 1,
                 .groups = 1},
    };
    DSE_TRY(new_weights(import, &content.conv, matrix->oc, matrix->ic, err));
    copy_columns(matrix, flat, content.conv.weights);
    content.conv.names.inputs_first = matrix->ic_stride != 1;
    content.conv.names.flat = flat;
    DSE_TRY(add_layer(import, node, &content, &result, err));
    *rows = result;
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

static bool is_weight_matrix(const struct graph__operand *operand) {
    return operand->value < 0 && operand->type == DSE_TENSOR_F32 && operand->form.rank == 2;
}

enum dse_status graph__import_matmul(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct dse_err *err) {
    struct graph__operand a, b, result;
    DSE_TRY(graph__operand(import, node, 0, &a, err));
    DSE_TRY(graph__operand(import, node, 1, &b, err));
    if (a.value >= 0 && a.form.rank >= 2 && is_weight_matrix(&b)) {
        struct matrix matrix = view_matrix(b.constant, false, 1);
        DSE_TRY(add_dense(import, node, &a, &matrix, err));
        return graph__bind(import, node, 0, &a, err);
    }
    DSE_TRY(graph__multiply(import, node, &a, &b, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

/* A bias that is one number or one a column becomes part of the layer. */
static bool fits_bias(const struct graph__operand *bias, int64_t columns) {
    int rank = bias->form.rank;
    return bias->value < 0 && bias->type == DSE_TENSOR_F32 &&
           (bias->constant->n == 1 ||
            ((int64_t)bias->constant->n == columns && bias->form.dims[rank - 1] == columns));
}

struct gemm {
    int64_t transpose_a, transpose_b;
    float alpha, beta;
};

static enum dse_status scale_operand(struct graph__import *import, const Onnx__NodeProto *node,
                                     float factor, struct graph__operand *operand,
                                     struct dse_err *err) {
    struct graph__operand number;
    if (factor == 1)
        return DSE_OK;
    DSE_TRY(graph__scalar(import, factor, &number, err));
    return graph__binary(import, node, DSE_TENSOR_MUL, operand, &number, operand, err);
}

/* alpha a b */
static enum dse_status multiply_gemm(struct graph__import *import, const Onnx__NodeProto *node,
                                     const struct gemm *gemm, struct graph__operand *a,
                                     struct graph__operand *b, struct dse_err *err) {
    if (gemm->transpose_a != 0)
        DSE_TRY(graph__swap_axes(import, node, 0, 1, a, err));
    if (a->value >= 0 && is_weight_matrix(b)) {
        struct matrix matrix = view_matrix(b->constant, gemm->transpose_b != 0, gemm->alpha);
        return add_dense(import, node, a, &matrix, err);
    }
    if (gemm->transpose_b != 0)
        DSE_TRY(graph__swap_axes(import, node, 0, 1, b, err));
    DSE_TRY(graph__multiply(import, node, a, b, a, err));
    return scale_operand(import, node, gemm->alpha, a, err);
}

/* + beta c */
static enum dse_status add_gemm_bias(struct graph__import *import, const Onnx__NodeProto *node,
                                     float beta, struct graph__operand *sum, struct dse_err *err) {
    struct graph__operand bias;
    if (node->n_input < 3 || *graph__text(node->input[2]) == '\0')
        return DSE_OK;
    DSE_TRY(graph__operand(import, node, 2, &bias, err));
    int64_t columns = sum->form.dims[1];
    struct dse_node *made =
        sum->value < 0 ? NULL : &import->graph->nodes[import->graph->n_nodes - 1];
    if (made != NULL && made->op == DSE_OP_DENSE && fits_bias(&bias, columns)) {
        for (int64_t o = 0; o < columns; o++)
            made->conv.bias[o] = beta * bias.constant->f32[bias.constant->n == 1 ? 0 : o];
        return DSE_OK;
    }
    DSE_TRY(scale_operand(import, node, beta, &bias, err));
    return graph__binary(import, node, DSE_TENSOR_ADD, sum, &bias, sum, err);
}

enum dse_status graph__import_gemm(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    struct graph__operand a, b;
    struct gemm gemm;
    DSE_TRY(graph__operand(import, node, 0, &a, err));
    DSE_TRY(graph__operand(import, node, 1, &b, err));
    DSE_TRY(graph__get_int(node, "transA", 0, &gemm.transpose_a, err));
    DSE_TRY(graph__get_int(node, "transB", 0, &gemm.transpose_b, err));
    DSE_TRY(graph__get_float(node, "alpha", 1, &gemm.alpha, err));
    DSE_TRY(graph__get_float(node, "beta", 1, &gemm.beta, err));
    if (a.form.rank != 2 || b.form.rank != 2)
        DSE_FAIL(err, DSE_UNSUPPORTED, "weights of %d dimensions (supported: 2), input of %d",
                 b.form.rank, a.form.rank);
    if (import->for_training && (gemm.alpha != 1.0f || (node->n_input > 2 && gemm.beta != 1.0f)))
        DSE_FAIL(err, DSE_UNSUPPORTED, "alpha or beta other than 1 in a network to train");
    DSE_TRY(multiply_gemm(import, node, &gemm, &a, &b, err));
    DSE_TRY(add_gemm_bias(import, node, gemm.beta, &a, err));
    return graph__bind(import, node, 0, &a, err);
}

/* ---- Dropout ---- */

/* Output 2, which numbers stay: all of them. */
static enum dse_status bind_mask(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct dse_err *err) {
    struct graph__symbol *symbol =
        node->n_output < 2 ? NULL : graph__names_find(import, graph__text(node->output[1]));
    struct graph__operand data, mask = {.value = -1, .type = DSE_TENSOR_I64};
    if (symbol == NULL || symbol->uses == 0)
        return DSE_OK;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(graph__new_result(import, DSE_TENSOR_I64, data.form.rank, data.form.dims,
                              &mask.constant, err));
    for (size_t i = 0; i < mask.constant->n; i++)
        mask.constant->i64[i] = 1;
    return graph__bind(import, node, 1, &mask, err);
}

/* ONNX, Dropout: the ratio where none is given. */
#define DEFAULT_RATIO 0.5f

enum dse_status graph__import_dropout(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    struct graph__tensor *training = NULL, *rate = NULL;
    struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[0]));
    DSE_TRY(graph__input_constant(import, node, 2, DSE_TENSOR_I64, &training, err));
    bool active = training != NULL && training->n > 0 && training->i64[0] != 0;
    if (!import->keep_dropout || (import->only_active_dropout && !active)) {
        if (active)
            DSE_FAIL(err, DSE_UNSUPPORTED, "the model was exported in training mode");
        DSE_TRY(bind_mask(import, node, err));
        return graph__import_identity(import, node, err);
    }
    float ratio = DEFAULT_RATIO;
    DSE_TRY(graph__get_float(node, "ratio", DEFAULT_RATIO, &ratio, err));
    DSE_TRY(graph__input_constant(import, node, 1, DSE_TENSOR_F32, &rate, err));
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
    struct graph__operand operand;
    struct graph__symbol *result = graph__names_find(import, graph__text(node->output[0]));
    DSE_TRY(graph__input(import, node, 0, &mask, err));
    DSE_TRY(graph__input(import, node, 1, &kept, err));
    if (mask == NULL || kept == NULL || !mask->is_mask || kept->is_mask || kept->node != mask->node)
        DSE_FAIL(err, DSE_UNSUPPORTED, "only the results of one Dropout are chosen from");
    DSE_TRY(graph__need_constant(import, node, 2, DSE_TENSOR_F32, &other, err));
    if (other->n != 1 || other->f32[0] != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "what a Dropout drops must become one constant 0");
    DSE_TRY(graph__operand(import, node, 1, &operand, err));
    DSE_TRY(graph__bind(import, node, 0, &operand, err));
    if (result != NULL) {
        result->drops = kept->drops;
        result->rate = kept->rate;
    }
    return DSE_OK;
}
