/* Number by number: activations, arithmetic with broadcasting, batch norm that is not folded. */
#include "evaluator/graph/graph_internal.h"

#include <math.h>
#include <string.h>

/* ---- activations ---- */

static enum dse_status fold_activation(struct graph__import *import,
                                       const struct dse_activation *activation,
                                       struct graph__operand *operand, struct dse_err *err) {
    const struct graph__tensor *from = operand->constant;
    struct graph__tensor *made = NULL;
    if (from->type != DSE_TENSOR_F32)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input is of integers");
    DSE_TRY(graph__new_result(import, from->type, from->rank, from->dims, &made, err));
    dse_activate_f32(activation, from->f32, from->n, made->f32);
    operand->constant = made;
    return DSE_OK;
}

static enum dse_status add_activation(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_activation activation, struct dse_err *err) {
    struct graph__operand operand;
    DSE_TRY(graph__operand(import, node, 0, &operand, err));
    if (operand.value < 0) {
        DSE_TRY(fold_activation(import, &activation, &operand, err));
        return graph__bind(import, node, 0, &operand, err);
    }
    struct dse_node content = {
        .op = DSE_OP_ACTIVATION, .inputs = {operand.value, -1}, .activation = activation};
    if (activation.kind == DSE_ACTIVATION_RELU)
        content.op = DSE_OP_RELU;
    DSE_TRY(graph__add_node(import, node, &content, &operand, err));
    return graph__bind(import, node, 0, &operand, err);
}

/* One with up to two settings, where the defaults are those of ONNX. */
static enum dse_status read_activation(struct graph__import *import, const Onnx__NodeProto *node,
                                       enum dse_activation_kind kind, float alpha, float beta,
                                       struct dse_err *err) {
    struct dse_activation activation = {.kind = kind};
    DSE_TRY(graph__get_float(node, "alpha", alpha, &activation.alpha, err));
    DSE_TRY(graph__get_float(node, "beta", beta, &activation.beta, err));
    return add_activation(import, node, activation, err);
}

enum dse_status graph__import_relu(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_RELU, 0, 0, err);
}

enum dse_status graph__import_leaky_relu(struct graph__import *import, const Onnx__NodeProto *node,
                                         struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_LEAKY_RELU, 0.01f, 0, err);
}

enum dse_status graph__import_elu(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_ELU, 1, 0, err);
}

enum dse_status graph__import_sigmoid(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_SIGMOID, 0, 0, err);
}

enum dse_status graph__import_tanh(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_TANH, 0, 0, err);
}

enum dse_status graph__import_hard_sigmoid(struct graph__import *import,
                                           const Onnx__NodeProto *node, struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_HARD_SIGMOID, 0.2f, 0.5f, err);
}

enum dse_status graph__import_hard_swish(struct graph__import *import, const Onnx__NodeProto *node,
                                         struct dse_err *err) {
    return read_activation(import, node, DSE_ACTIVATION_HARD_SWISH, 0, 0, err);
}

/* A bound is an attribute up to operator set 10, later an input. */
static enum dse_status read_bound(struct graph__import *import, const Onnx__NodeProto *node,
                                  const char *name, size_t k, float *bound, struct dse_err *err) {
    struct graph__tensor *given = NULL;
    DSE_TRY(graph__get_float(node, name, *bound, bound, err));
    DSE_TRY(graph__input_constant(import, node, k, DSE_TENSOR_F32, &given, err));
    if (given != NULL && given->n != 1)
        DSE_FAIL(err, DSE_INVALID, "a bound of %zu numbers", given->n);
    if (given != NULL)
        *bound = given->f32[0];
    return DSE_OK;
}

enum dse_status graph__import_clip(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    struct dse_activation clip = {DSE_ACTIVATION_CLIP, -INFINITY, INFINITY};
    DSE_TRY(read_bound(import, node, "min", 1, &clip.alpha, err));
    DSE_TRY(read_bound(import, node, "max", 2, &clip.beta, err));
    if (clip.alpha == 0 && isinf(clip.beta) && clip.beta > 0)
        clip.kind = DSE_ACTIVATION_RELU;
    return add_activation(import, node, clip, err);
}

/* ---- arithmetic ---- */

static enum dse_status broadcast(const struct graph__form *a, const struct graph__form *b,
                                 int *rank, int64_t *dims, struct dse_err *err) {
    int n = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 0; i < n; i++) {
        int64_t x = i < n - a->rank ? 1 : a->dims[i - (n - a->rank)];
        int64_t y = i < n - b->rank ? 1 : b->dims[i - (n - b->rank)];
        if (x != y && x != 1 && y != 1)
            DSE_FAIL(err, DSE_INVALID, "its inputs differ in shape: %lld and %lld along axis %d",
                     (long long)x, (long long)y, i);
        dims[i] = x == 1 ? y : x;
    }
    size_t count;
    *rank = n;
    return graph__count(n, dims, &count, err);
}

/* The step along an axis of the result, counted from its end. */
static int64_t broadcast_stride(const struct graph__form *form, const int64_t *strides, int rank,
                                int axis) {
    int own = axis - (rank - form->rank);
    return own < 0 || form->dims[own] == 1 ? 0 : strides[own];
}

static void fill_loop(const struct graph__form *a, const struct graph__form *b,
                      const struct graph__form *result, struct dse_tensor_loop *loop) {
    int64_t of_a[GRAPH__MAX_RANK], of_b[GRAPH__MAX_RANK];
    int axes[GRAPH__MAX_RANK];
    graph__strides(a, of_a);
    graph__strides(b, of_b);
    graph__memory_axes(result, axes);
    for (int i = 0; i < result->rank; i++)
        dse_tensor_loop_add(loop, result->dims[axes[i]],
                            broadcast_stride(a, of_a, result->rank, axes[i]),
                            broadcast_stride(b, of_b, result->rank, axes[i]));
}

/* The order of a flattened map does not matter where the other side is one number: *flat is the
 * form that the result then has, too. */
static enum dse_status settle_order(struct graph__import *import, const Onnx__NodeProto *node,
                                    const struct graph__operand *other,
                                    struct graph__operand *operand, struct graph__form *flat,
                                    struct dse_err *err) {
    if (operand->form.order != GRAPH__FLAT)
        return DSE_OK;
    if (graph__form_size(&other->form) == 1 && other->form.rank <= operand->form.rank) {
        *flat = operand->form;
        operand->form.order = GRAPH__PLAIN;
        return DSE_OK;
    }
    return graph__to_order(import, node, GRAPH__PLAIN, operand, err);
}

enum dse_status graph__binary(struct graph__import *import, const Onnx__NodeProto *node,
                              enum dse_tensor_binary how, const struct graph__operand *a,
                              const struct graph__operand *b, struct graph__operand *result,
                              struct dse_err *err) {
    struct graph__operand sources[2] = {*a, *b};
    struct graph__operand made = {.value = -1};
    struct graph__form flat = {.order = GRAPH__PLAIN};
    int64_t dims[GRAPH__MAX_RANK] = {0};
    int rank = 0;
    DSE_TRY(broadcast(&a->form, &b->form, &rank, dims, err));
    DSE_TRY(settle_order(import, node, b, &sources[0], &flat, err));
    DSE_TRY(settle_order(import, node, a, &sources[1], &flat, err));
    made.form = graph__plain_form(rank, dims);
    made.form.order = graph__choose_order(rank, dims, sources, 2);
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_BINARY, a->type);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    op->binary.how = how;
    fill_loop(&sources[0].form, &sources[1].form, &made.form, &op->binary.loop);
    if (flat.order == GRAPH__FLAT)
        made.form = flat;
    DSE_TRY(graph__apply(import, node, op, &sources[0], &sources[1], &made, err));
    *result = made;
    return DSE_OK;
}

enum dse_status graph__scalar(struct graph__import *import, float number,
                              struct graph__operand *operand, struct dse_err *err) {
    struct graph__tensor *made = NULL;
    DSE_TRY(graph__tensor_new(import, DSE_TENSOR_F32, 0, NULL, &made, err));
    made->f32[0] = number;
    *operand = (struct graph__operand){
        .value = -1, .constant = made, .type = DSE_TENSOR_F32, .form = graph__plain_form(0, NULL)};
    return DSE_OK;
}

static enum dse_status add_binary(struct graph__import *import, const Onnx__NodeProto *node,
                                  enum dse_tensor_binary how, struct dse_err *err) {
    struct graph__operand a, b, result;
    DSE_TRY(graph__operand(import, node, 0, &a, err));
    DSE_TRY(graph__operand(import, node, 1, &b, err));
    DSE_TRY(graph__binary(import, node, how, &a, &b, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

enum dse_status graph__import_mul(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    return add_binary(import, node, DSE_TENSOR_MUL, err);
}

enum dse_status graph__import_div(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    struct graph__operand divisor;
    DSE_TRY(graph__operand(import, node, 1, &divisor, err));
    for (size_t i = 0; divisor.type == DSE_TENSOR_I64 && i < divisor.constant->n; i++)
        if (divisor.constant->i64[i] == 0)
            DSE_FAIL(err, DSE_INVALID, "it divides an integer by 0");
    return add_binary(import, node, DSE_TENSOR_DIV, err);
}

enum dse_status graph__import_prelu(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err) {
    return add_binary(import, node, DSE_TENSOR_PRELU, err);
}

/* ---- sums ---- */

/* Does the constant add one number to each channel (or the same to all)? Channels of a layer are
 * axis 1 of an image, else the last one. */
static bool is_per_channel(const struct graph__tensor *tensor, const struct graph__form *form) {
    int channel_axis = form->order == GRAPH__IMAGE ? 1 : form->rank - 1;
    int axis = channel_axis - (form->rank - tensor->rank);
    if (tensor->n == 1)
        return tensor->rank <= form->rank;
    return tensor->rank <= form->rank && axis >= 0 &&
           (int64_t)tensor->n == form->dims[channel_axis] &&
           tensor->dims[axis] == (int64_t)tensor->n;
}

/* Makes the constant part of the layer before, where it can be. */
static enum dse_status add_to_bias(struct graph__import *import, const Onnx__NodeProto *node,
                                   const struct graph__operand *value,
                                   const struct graph__operand *numbers, float factor, bool *added,
                                   struct dse_err *err) {
    *added = false;
    if (value->value < 0 || numbers->value >= 0 || numbers->type != DSE_TENSOR_F32)
        return DSE_OK;
    struct dse_node *layer = graph__sole_layer(import, value->value);
    const struct graph__tensor *constant = numbers->constant;
    if (layer == NULL || !is_per_channel(constant, &value->form) ||
        (import->for_training && factor != 1.0f))
        return DSE_OK;
    size_t oc = (size_t)import->graph->values[value->value].shape.c;
    for (size_t o = 0; o < oc; o++)
        layer->conv.bias[o] += factor * constant->f32[constant->n == 1 ? 0 : o];
    DSE_TRY(graph__remember_bias(import, node, constant, layer, err));
    *added = true;
    return graph__bind(import, node, 0, value, err);
}

static bool same_form(const struct graph__form *a, const struct graph__form *b) {
    return graph__same_dims(a, b) && a->order == b->order && a->flat.h == b->flat.h &&
           a->flat.w == b->flat.w && a->flat.c == b->flat.c;
}

enum dse_status graph__import_add(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    struct graph__operand a, b;
    bool added = false;
    DSE_TRY(graph__operand(import, node, 0, &a, err));
    DSE_TRY(graph__operand(import, node, 1, &b, err));
    DSE_TRY(add_to_bias(import, node, &a, &b, 1, &added, err));
    if (!added)
        DSE_TRY(add_to_bias(import, node, &b, &a, 1, &added, err));
    if (added)
        return DSE_OK;
    if (a.value < 0 || b.value < 0 || !graph__same_dims(&a.form, &b.form))
        return add_binary(import, node, DSE_TENSOR_ADD, err);
    if (!same_form(&a.form, &b.form)) {
        enum graph__order order =
            graph__choose_order(a.form.rank, a.form.dims, (struct graph__operand[]){a, b}, 2);
        DSE_TRY(graph__to_order(import, node, order, &a, err));
        DSE_TRY(graph__to_order(import, node, order, &b, err));
    }
    struct graph__operand result = {.form = a.form};
    struct dse_node content = {.op = DSE_OP_ADD, .inputs = {a.value, b.value}};
    DSE_TRY(graph__add_node(import, node, &content, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

enum dse_status graph__import_sub(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err) {
    struct graph__operand a, b;
    bool added = false;
    DSE_TRY(graph__operand(import, node, 0, &a, err));
    DSE_TRY(graph__operand(import, node, 1, &b, err));
    DSE_TRY(add_to_bias(import, node, &a, &b, -1, &added, err));
    if (added)
        return DSE_OK;
    return add_binary(import, node, DSE_TENSOR_SUB, err);
}

/* ---- batch norm ---- */

struct batch_norm {
    const struct graph__tensor *gamma, *beta, *mean, *variance;
    float epsilon;
};

static double norm_factor(const struct batch_norm *norm, size_t o) {
    return (double)norm->gamma->f32[o] /
           sqrt((double)norm->variance->f32[o] + (double)norm->epsilon);
}

static enum dse_status read_batch_norm(struct graph__import *import, const Onnx__NodeProto *node,
                                       size_t channels, struct batch_norm *norm,
                                       struct dse_err *err) {
    struct graph__tensor *numbers[4] = {NULL};
    int64_t training = 0;
    DSE_TRY(graph__get_float(node, "epsilon", 1e-5f, &norm->epsilon, err));
    DSE_TRY(graph__get_int(node, "training_mode", 0, &training, err));
    if (training != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "the model was exported in training mode");
    for (size_t k = 0; k < 4; k++) {
        DSE_TRY(graph__need_constant(import, node, 1 + k, DSE_TENSOR_F32, &numbers[k], err));
        if (numbers[k]->n != channels)
            DSE_FAIL(err, DSE_INVALID, "its numbers do not fit %zu channels", channels);
    }
    norm->gamma = numbers[0];
    norm->beta = numbers[1];
    norm->mean = numbers[2];
    norm->variance = numbers[3];
    return DSE_OK;
}

/* The channels of a layer's value are those that the norm speaks of. */
static bool has_channels_second(const struct graph__form *form) {
    return form->order == GRAPH__IMAGE || (form->rank == 2 && form->order == GRAPH__PLAIN);
}

static void fold_into_layer(struct graph__import *import, struct dse_node *layer,
                            const struct batch_norm *norm, size_t oc) {
    size_t per_channel =
        (size_t)layer->conv.kernel_h * (size_t)layer->conv.kernel_w *
        (size_t)(dse_graph_input_shape(import->graph, layer).c / layer->conv.groups);
    for (size_t o = 0; o < oc; o++) {
        double factor = norm_factor(norm, o);
        float *weights = layer->conv.weights + o * per_channel;
        for (size_t i = 0; i < per_channel; i++)
            weights[i] = (float)((double)weights[i] * factor);
        layer->conv.bias[o] =
            (float)(((double)layer->conv.bias[o] - (double)norm->mean->f32[o]) * factor +
                    (double)norm->beta->f32[o]);
    }
}

/* Factors, then what is added, as a constant of (2, channels). */
static enum dse_status make_scale(struct graph__import *import, const struct batch_norm *norm,
                                  struct graph__operand *scale, struct dse_err *err) {
    size_t channels = norm->gamma->n;
    const int64_t dims[2] = {2, (int64_t)channels};
    struct graph__tensor *made = NULL;
    DSE_TRY(graph__new_result(import, DSE_TENSOR_F32, 2, dims, &made, err));
    for (size_t o = 0; o < channels; o++) {
        double factor = norm_factor(norm, o);
        made->f32[o] = (float)factor;
        made->f32[channels + o] =
            (float)((double)norm->beta->f32[o] - (double)norm->mean->f32[o] * factor);
    }
    *scale = (struct graph__operand){.value = -1, .constant = made, .type = DSE_TENSOR_F32};
    scale->form = graph__plain_form(2, dims);
    return DSE_OK;
}

static enum dse_status add_scale(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct graph__operand *operand, const struct batch_norm *norm,
                                 struct dse_err *err) {
    int64_t strides[GRAPH__MAX_RANK];
    int axes[GRAPH__MAX_RANK];
    struct graph__operand scale, result;
    if (operand->form.order == GRAPH__FLAT)
        DSE_TRY(graph__to_order(import, node, GRAPH__PLAIN, operand, err));
    DSE_TRY(make_scale(import, norm, &scale, err));
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_BINARY, DSE_TENSOR_F32);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    op->binary.how = DSE_TENSOR_SCALE;
    graph__strides(&operand->form, strides);
    graph__memory_axes(&operand->form, axes);
    for (int i = 0; i < operand->form.rank; i++)
        dse_tensor_loop_add(&op->binary.loop, operand->form.dims[axes[i]], strides[axes[i]],
                            axes[i] == 1 ? 1 : 0);
    result = *operand;
    DSE_TRY(graph__apply(import, node, op, operand, &scale, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

enum dse_status graph__import_batch_norm(struct graph__import *import, const Onnx__NodeProto *node,
                                         struct dse_err *err) {
    struct graph__operand operand;
    struct batch_norm norm = {0};
    DSE_TRY(graph__value_operand(import, node, 0, &operand, err));
    if (operand.form.rank < 2)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its input has %d dimensions", operand.form.rank);
    size_t channels = (size_t)operand.form.dims[1];
    DSE_TRY(read_batch_norm(import, node, channels, &norm, err));
    struct dse_node *layer = graph__sole_layer(import, operand.value);
    if (import->for_training && has_channels_second(&operand.form)) {
        const float *const numbers[] = {norm.gamma->f32, norm.beta->f32, norm.mean->f32,
                                        norm.variance->f32};
        DSE_TRY(graph__keep_batch_norm(import, node, numbers, norm.epsilon, &operand, err));
        return graph__bind(import, node, 0, &operand, err);
    }
    if (layer == NULL || !has_channels_second(&operand.form))
        return add_scale(import, node, &operand, &norm, err);
    fold_into_layer(import, layer, &norm, channels);
    return graph__bind(import, node, 0, &operand, err);
}
