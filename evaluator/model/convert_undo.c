/* What convert has put into a model is taken out again and said in numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/model/convert_qdq.h"

struct undo {
    struct dse_onnx *onnx;
    int layer; /* node */
    struct dse_err *err;
};

/* The node that makes a value, where it is of that operator; -1 else. */
static int producer(const struct undo *undo, const char *value, const char *op) {
    int node = dse_onnx_find_producer(undo->onnx, value);
    return node >= 0 && strcmp(dse_onnx_node(undo->onnx, node).op, op) == 0 ? node : -1;
}

static const char *input_of(const struct undo *undo, int node, int k) {
    struct dse_onnx_node n = dse_onnx_node(undo->onnx, node);
    return k < n.n_inputs ? n.inputs[k] : "";
}

static bool read_scalar(const struct undo *undo, const char *name, float *value) {
    int rank;
    int64_t dims[DSE_ONNX_MAX_RANK];
    const float *values = dse_onnx_get_floats(undo->onnx, name, &rank, dims);
    if (values == NULL || rank != 0)
        return false;
    *value = values[0];
    return true;
}

/* The bits whose largest integer is m; 0: none. */
static int bits_of(long m) {
    for (int bits = DSE_BITS_LEAST; bits <= DSE_BITS_OF_INTEGERS; bits++)
        if (dse_quantize_max(bits) == m)
            return bits;
    return 0;
}

/* Max, Min, QuantizeLinear, DequantizeLinear before the layer. */
static enum dse_status undo_input(const struct undo *undo, struct model__width *width) {
    int dequantize = producer(undo, input_of(undo, undo->layer, 0), "DequantizeLinear");
    if (dequantize < 0)
        return DSE_OK;
    int quantize = producer(undo, input_of(undo, dequantize, 0), "QuantizeLinear");
    int min = quantize < 0 ? -1 : producer(undo, input_of(undo, quantize, 0), "Min");
    int max = min < 0 ? -1 : producer(undo, input_of(undo, min, 0), "Max");
    float top = 0, scale = 0;
    if (max < 0 || !read_scalar(undo, input_of(undo, min, 1), &top) ||
        !read_scalar(undo, input_of(undo, quantize, 1), &scale) || !(scale > 0))
        DSE_FAIL(undo->err, DSE_UNSUPPORTED,
                 "layer '%s': quantised in another way than pareto-model convert does",
                 width->layer);
    width->input_bits = top > 0 ? bits_of(lround((double)top / (double)scale))
                                : DSE_BITS_OF_INTEGERS; /* an input of zeros */
    if (width->input_bits == 0)
        DSE_FAIL(undo->err, DSE_UNSUPPORTED, "layer '%s': its input has no whole number of bits",
                 width->layer);
    width->amax = top > 0 ? (double)scale * dse_quantize_max(width->input_bits) : 0;
    dse_onnx_set_node_input(undo->onnx, undo->layer, 0, input_of(undo, max, 0));
    return DSE_OK;
}

/* int8 constants as they stand in the file, with a scale a channel. */
struct integers {
    const int8_t *values;
    const float *scales;
    int rank, axis;
    int64_t dims[DSE_ONNX_MAX_RANK];
    size_t n, inner; /* numbers; of which so many behind each other have one scale */
    size_t channels;
};

static bool find_integers(const struct undo *undo, int dequantize, struct integers *w) {
    int64_t scale_dims[DSE_ONNX_MAX_RANK];
    int scale_rank;
    w->values = dse_onnx_get_int8(undo->onnx, input_of(undo, dequantize, 0), &w->rank, w->dims);
    w->scales =
        dse_onnx_get_floats(undo->onnx, input_of(undo, dequantize, 1), &scale_rank, scale_dims);
    w->axis = (int)dse_onnx_get_int(undo->onnx, dequantize, "axis", 1);
    if (w->values == NULL || w->scales == NULL || scale_rank != 1 || w->axis < 0 ||
        w->axis >= w->rank || scale_dims[0] != w->dims[w->axis])
        return false;
    w->n = w->inner = 1;
    for (int i = 0; i < w->rank; i++) {
        w->n *= (size_t)w->dims[i];
        w->inner *= i > w->axis ? (size_t)w->dims[i] : 1;
    }
    w->channels = (size_t)w->dims[w->axis];
    return true;
}

static enum dse_status undo_weights(const struct undo *undo, struct model__width *width) {
    struct integers w;
    int dequantize = producer(undo, input_of(undo, undo->layer, 1), "DequantizeLinear");
    if (dequantize < 0)
        return DSE_OK;
    if (!find_integers(undo, dequantize, &w))
        DSE_FAIL(undo->err, DSE_UNSUPPORTED,
                 "layer '%s': its weights are no int8 constants with a scale a channel",
                 width->layer);
    float *values = dse_alloc(w.n, sizeof *values);
    long most = 0;
    if (values == NULL)
        DSE_FAIL(undo->err, DSE_NO_MEMORY, "no memory for weights");
    for (size_t i = 0; i < w.n; i++) {
        long q = w.values[i];
        values[i] = (float)q * w.scales[i / w.inner % w.channels];
        most = labs(q) > most ? labs(q) : most;
    }
    width->weight_bits = most == 0 ? DSE_BITS_OF_INTEGERS : bits_of(most);
    const char *name = dse_onnx_new_name(undo->onnx, width->layer);
    dse_onnx_add_constant(undo->onnx, name, DSE_ONNX_FLOAT, w.rank, w.dims, values);
    dse_onnx_set_node_input(undo->onnx, undo->layer, 1, name);
    dse_free(values);
    if (width->weight_bits == 0)
        DSE_FAIL(undo->err, DSE_UNSUPPORTED, "layer '%s': its weights have no whole number of bits",
                 width->layer);
    return DSE_OK;
}

enum dse_status model__dequantize_onnx(struct dse_onnx *onnx, struct dse_arena *arena,
                                       struct model__width **widths, int *n, struct dse_err *err) {
    static const char *const ops[] = {"Conv", "Gemm", "MatMul"};
    int n_nodes = dse_onnx_n_nodes(onnx), found = 0;
    struct model__width *made = dse_arena_alloc(arena, (size_t)n_nodes + 1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d nodes", n_nodes);
    for (int i = 0; i < n_nodes; i++) {
        struct dse_onnx_node node = dse_onnx_node(onnx, i);
        struct undo undo = {.onnx = onnx, .layer = i, .err = err};
        bool is_layer = false;
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++)
            is_layer = is_layer || strcmp(node.op, ops[k]) == 0;
        if (!is_layer || node.n_inputs < 2)
            continue;
        struct model__width width = {.layer = dse_onnx_node_label(onnx, i)};
        DSE_TRY(undo_input(&undo, &width));
        DSE_TRY(undo_weights(&undo, &width));
        if (width.input_bits != 0 || width.weight_bits != 0)
            made[found++] = width;
    }
    *widths = made;
    *n = found;
    return dse_onnx_status(onnx, err);
}
