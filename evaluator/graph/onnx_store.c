/* Numbers of a graph written back into the model that it was read from. */
#include <string.h>

#include "evaluator/graph/graph_internal.h"
#include "evaluator/graph/onnx_model.h"

/* One array on its way: as the graph has it, and as the model wants it. */
struct array {
    const char *name;
    int input; /* of the node; where its constant must be one of its own */
    int rank;
    int64_t dims[4];
    const float *values;
};

static size_t count(const struct array *array) {
    size_t n = 1;
    for (int i = 0; i < array->rank; i++)
        n *= (size_t)array->dims[i];
    return n;
}

struct store {
    const struct dse_graph *graph;
    struct dse_onnx *model;
    const struct dse_node *node;
    struct dse_arena arena;
};

/* Do two parameters of the graph come from one constant of the model? */
static bool is_shared(const struct store *store, const char *name) {
    int users = 0;
    for (int i = 0; i < store->graph->n_nodes; i++) {
        const struct dse_node *node = &store->graph->nodes[i];
        const struct dse_parameter_names *names =
            node->op == DSE_OP_NORM ? &node->norm.names : &node->conv.names;
        bool has = node->op == DSE_OP_NORM || node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE ||
                   node->op == DSE_OP_CONV_TRANSPOSE;
        for (int k = 0; has && k < DSE_PARAMETERS; k++)
            users += names->of[k] != NULL && strcmp(names->of[k], name) == 0;
    }
    return users > 1;
}

/* Weights of a convolution over one dimension have no height there. */
static void drop_height(struct array *array, const struct dse_parameter_names *names) {
    if (names->rank != 3)
        return;
    array->rank = 3;
    array->dims[2] = array->dims[3];
}

static enum dse_status put(struct store *store, const struct array *array, struct dse_err *err) {
    struct dse_onnx *model = store->model;
    const char *name = array->name;
    int producer = dse_onnx_find_producer(model, name);
    if (is_shared(store, name)) {
        int node = dse_onnx_find_node(model, store->node->name);
        if (node < 0)
            DSE_FAIL(err, DSE_INVALID, "node '%s' is not in the model", store->node->name);
        name = dse_onnx_new_name(model, name);
        dse_onnx_set_node_input(model, node, array->input, name);
    } else if (producer >= 0) {
        dse_onnx_remove_node(model, producer);
    } else {
        dse_onnx_remove_constant(model, name);
    }
    dse_onnx_add_constant(model, name, DSE_ONNX_FLOAT, array->rank, array->dims, array->values);
    return DSE_OK;
}

static enum dse_status put_vector(struct store *store, const char *name, int input, int channels,
                                  const float *values, struct dse_err *err) {
    struct array array = {name, input, 1, {channels}, values};
    return name == NULL ? DSE_OK : put(store, &array, err);
}

/* [oc][h][w][ic] to [oc][ic][h][w]; of a dense layer h and w are those of the flattened map. */
static void put_channels_first(const float *from, size_t oc, size_t pixels, size_t ic, float *to) {
    for (size_t o = 0; o < oc; o++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t i = 0; i < ic; i++)
                to[(o * ic + i) * pixels + p] = *from++;
}

static void swap_axes(const float *from, size_t rows, size_t columns, float *to) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
}

static enum dse_status put_layer(struct store *store, struct dse_err *err) {
    const struct dse_node *node = store->node;
    const struct dse_conv_node *conv = &node->conv;
    const struct dse_parameter_names *names = &conv->names;
    bool dense = node->op == DSE_OP_DENSE;
    struct dse_shape in = dse_graph_input_shape(store->graph, node);
    int oc = dse_graph_output_shape(store->graph, node).c;
    int ic = dense ? names->flat.c : in.c / conv->groups;
    int h = dense ? names->flat.h : conv->kernel_h, w = dense ? names->flat.w : conv->kernel_w;
    struct array array = {names->of[0], 1, 4, {oc, ic, h, w}, NULL};
    size_t n = count(&array);
    float *values = dse_arena_alloc(&store->arena, n, sizeof *values);
    float *swapped = dse_arena_alloc(&store->arena, n, sizeof *swapped);
    if (values == NULL || swapped == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu weights", n);
    put_channels_first(conv->weights, (size_t)oc, (size_t)h * (size_t)w, (size_t)ic, values);
    array.values = values;
    drop_height(&array, names);
    if (dense) {
        array.rank = 2;
        array.dims[1] = (int64_t)ic * h * w;
    }
    if (dense && names->inputs_first) {
        swap_axes(values, (size_t)oc, n / (size_t)oc, swapped);
        array.values = swapped;
        array.dims[0] = array.dims[1];
        array.dims[1] = oc;
    }
    DSE_TRY(put(store, &array, err));
    return put_vector(store, names->of[1], 2, oc, conv->bias, err);
}

/* [h][w][ic][oc / groups] to [ic][oc / groups][h][w] */
static enum dse_status put_transposed(struct store *store, struct dse_err *err) {
    const struct dse_conv_node *conv = &store->node->conv;
    int ic = dse_graph_input_shape(store->graph, store->node).c;
    int oc = dse_graph_output_shape(store->graph, store->node).c;
    struct array array = {
        conv->names.of[0], 1, 4, {ic, oc / conv->groups, conv->kernel_h, conv->kernel_w}, NULL};
    size_t n = count(&array), taps = (size_t)conv->kernel_h * (size_t)conv->kernel_w;
    float *values = dse_arena_alloc(&store->arena, n, sizeof *values);
    if (values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu weights", n);
    swap_axes(conv->weights, taps, n / taps, values);
    array.values = values;
    drop_height(&array, &conv->names);
    DSE_TRY(put(store, &array, err));
    return put_vector(store, conv->names.of[1], 2, oc, conv->bias, err);
}

static enum dse_status put_norm(struct store *store, struct dse_err *err) {
    const struct dse_norm_node *norm = &store->node->norm;
    int c = dse_graph_output_shape(store->graph, store->node).c;
    for (int k = 0; k < DSE_PARAMETERS; k++)
        DSE_TRY(put_vector(store, norm->names.of[k], k + 1, c, norm->gamma + (size_t)k * (size_t)c,
                           err));
    return DSE_OK;
}

enum dse_status dse_graph_store(const struct dse_graph *graph, struct dse_onnx *model,
                                struct dse_err *err) {
    struct store store = {.graph = graph, .model = model};
    enum dse_status status = DSE_OK;
    for (int i = 0; i < graph->n_nodes && status == DSE_OK; i++) {
        store.node = &graph->nodes[i];
        if (store.node->op == DSE_OP_CONV || store.node->op == DSE_OP_DENSE)
            status = put_layer(&store, err);
        else if (store.node->op == DSE_OP_CONV_TRANSPOSE)
            status = put_transposed(&store, err);
        else if (store.node->op == DSE_OP_NORM)
            status = put_norm(&store, err);
        dse_arena_fini(&store.arena);
    }
    return status != DSE_OK ? status : dse_onnx_status(model, err);
}
