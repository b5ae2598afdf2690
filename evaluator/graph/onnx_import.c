/* The walk over the nodes of an ONNX graph, and the finished graph. */
#include "evaluator/graph/graph_internal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- the operators ---- */

/* A node whose first input is a constant is folded where the operator can be; Shape always is.
 * Attributes that are not listed are refused: they might change the result. */
static const struct rule {
    const char *name;
    size_t min_inputs, max_inputs;
    const char *attributes;
    graph__import_fn import;
    graph__fold_fn fold;
} rules[] = {
    {"Add", 2, 2, "", graph__import_add, NULL},
    {"AveragePool", 1, 1,
     "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides",
     graph__import_average_pool, NULL},
    {"BatchNormalization", 5, 5, "epsilon momentum training_mode", graph__import_batch_norm, NULL},
    {"Cast", 1, 1, "to saturate", NULL, graph__fold_cast},
    {"Concat", 1, SIZE_MAX, "axis", NULL, graph__fold_concat},
    {"Constant", 0, 0, "value value_float value_floats value_int value_ints", NULL,
     graph__fold_constant},
    {"ConstantOfShape", 1, 1, "value", NULL, graph__fold_constant_of_shape},
    {"Conv", 2, 3, "auto_pad dilations group kernel_shape pads strides", graph__import_conv, NULL},
    {"Dropout", 1, 3, "ratio seed", graph__import_dropout, NULL},
    {"Flatten", 1, 1, "axis", graph__import_flatten, NULL},
    {"Gather", 2, 2, "axis", NULL, graph__fold_gather},
    {"Gemm", 2, 3, "alpha beta transA transB", graph__import_gemm, NULL},
    {"GlobalAveragePool", 1, 1, "", graph__import_global_average_pool, NULL},
    {"Identity", 1, 1, "", graph__import_identity, graph__fold_identity},
    {"MatMul", 2, 2, "", graph__import_matmul, NULL},
    {"MaxPool", 1, 1, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides",
     graph__import_max_pool, NULL},
    {"Pad", 1, 4, "mode pads value", graph__import_pad, NULL},
    {"Relu", 1, 1, "", graph__import_relu, NULL},
    {"Reshape", 2, 2, "allowzero", graph__import_reshape, graph__fold_reshape},
    {"Shape", 1, 1, "start end", NULL, graph__fold_shape},
    {"Slice", 1, 5, "axes ends starts", graph__import_slice, graph__fold_slice},
    {"Squeeze", 1, 2, "axes", NULL, graph__fold_squeeze},
    {"Transpose", 1, 1, "perm", NULL, graph__fold_transpose},
    {"Unsqueeze", 1, 2, "axes", NULL, graph__fold_unsqueeze},
    {"Where", 3, 3, "", graph__import_where, NULL},
};

static const struct rule *find_rule(const Onnx__NodeProto *node) {
    if (!graph__is_default_domain(node->domain))
        return NULL;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i].name, graph__text(node->op_type)) == 0)
            return &rules[i];
    return NULL;
}

/* Is the word in a list separated by spaces? */
static bool lists_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static enum dse_status check_node(const Onnx__NodeProto *node, const struct rule *rule,
                                  struct dse_err *err) {
    if (rule == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "this operator is not supported");
    if (node->n_input < rule->min_inputs || node->n_input > rule->max_inputs)
        DSE_FAIL(err, DSE_INVALID, "it has %zu inputs", node->n_input);
    if (node->n_output < 1)
        DSE_FAIL(err, DSE_INVALID, "it has no output");
    for (size_t i = 0; i < node->n_attribute; i++) {
        const char *name = graph__text(node->attribute[i]->name);
        if (!lists_word(rule->attributes, name))
            DSE_FAIL(err, DSE_UNSUPPORTED, "attribute '%s' is not supported", name);
    }
    return DSE_OK;
}

/* ---- building the graph ---- */

/* Names are printed on terminals later. */
static char *copy_name(const char *name) {
    char *copy = dse_strdup(name);
    for (char *at = copy; at != NULL && *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = '?';
    return copy;
}

enum dse_status graph__make_shape(int64_t h, int64_t w, int64_t c, struct dse_shape *shape,
                                  struct dse_err *err) {
    if (h < 1 || w < 1 || c < 1)
        DSE_FAIL(err, DSE_INVALID, "its result would be empty");
    if (h > GRAPH__MAX_EXTENT || w > GRAPH__MAX_EXTENT || c > GRAPH__MAX_ELEMENTS ||
        h * w > GRAPH__MAX_ELEMENTS || h * w * c > GRAPH__MAX_ELEMENTS)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a value of more than %d numbers", GRAPH__MAX_ELEMENTS);
    *shape = (struct dse_shape){(int)h, (int)w, (int)c};
    return DSE_OK;
}

static bool result_is_signed(const struct dse_graph *graph, const struct dse_node *node) {
    switch (node->op) {
    case DSE_OP_RELU:
        return false;
    case DSE_OP_CONV:
    case DSE_OP_DENSE:
    case DSE_OP_NORM:
        return true;
    case DSE_OP_ADD:
        return graph->values[node->inputs[0]].is_signed || graph->values[node->inputs[1]].is_signed;
    default:
        return graph->values[node->inputs[0]].is_signed;
    }
}

/* Appends a value; there is room. */
static enum dse_status add_value(struct graph__import *import, const char *name,
                                 struct dse_shape shape, int producer, bool is_signed,
                                 struct graph__value_facts facts, struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    struct graph__symbol *symbol = graph__names_find(import, name);
    char *copy = copy_name(name);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a name");
    int value = graph->n_values++;
    graph->values[value] = (struct dse_value){copy, shape, producer, is_signed};
    import->facts[value] = facts;
    if (symbol != NULL) {
        import->facts[value].uses = symbol->uses;
        symbol->value = value;
    }
    return DSE_OK;
}

enum dse_status graph__add_node(struct graph__import *import, const Onnx__NodeProto *node,
                                const struct dse_node *content, struct dse_shape shape, int rank,
                                struct dse_shape flat, struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    char *name = copy_name(graph__node_name(node));
    if (name == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a name");
    enum dse_status status =
        add_value(import, graph__text(node->output[0]), shape, graph->n_nodes,
                  result_is_signed(graph, content),
                  (struct graph__value_facts){.rank = rank, .flat = flat}, err);
    if (status != DSE_OK) {
        dse_free(name);
        return status;
    }
    struct dse_node *added = &graph->nodes[graph->n_nodes++];
    *added = *content;
    added->name = name;
    added->output = graph->n_values - 1;
    return DSE_OK;
}

void graph__define_alias(struct graph__import *import, const Onnx__NodeProto *node, int value) {
    struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[0]));
    if (symbol == NULL)
        return;
    symbol->value = value;
    /* This node was one of the readers; its own readers take its place. */
    import->facts[value].uses += symbol->uses - 1;
}

struct dse_node *graph__sole_layer(struct graph__import *import, int value) {
    int producer = import->graph->values[value].producer;
    if (producer < 0 || import->facts[value].uses != 1)
        return NULL;
    struct dse_node *node = &import->graph->nodes[producer];
    return node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE ? node : NULL;
}

/* ---- the input ---- */

static const Onnx__TensorShapeProto *input_dims(const Onnx__ValueInfoProto *input) {
    const Onnx__TypeProto *type = input->type;
    if (type == NULL || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        type->tensor_type == NULL || !type->tensor_type->has_elem_type ||
        type->tensor_type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return NULL;
    return type->tensor_type->shape;
}

static int64_t static_dim(const Onnx__TensorShapeProto__Dimension *dim) {
    return dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? dim->dim_value
                                                                                   : -1;
}

static enum dse_status add_input(struct graph__import *import, const Onnx__ValueInfoProto *input,
                                 struct dse_err *err) {
    const char *name = graph__text(input->name);
    const Onnx__TensorShapeProto *dims = input_dims(input);
    if (dims == NULL || (dims->n_dim != 4 && dims->n_dim != 2))
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "input '%s': must be float32 of shape (N, C, H, W) or (N, C)", name);
    int64_t extents[4] = {1, 1, 1, 1};
    for (size_t i = 1; i < dims->n_dim; i++) {
        extents[i] = static_dim(dims->dim[i]);
        if (extents[i] < 1)
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "input '%s': dimension %zu is not fixed; only the batch may be", name, i);
    }
    struct dse_shape shape;
    DSE_TRY(graph__make_shape(extents[2], extents[3], extents[1], &shape, err));
    import->graph->input = import->graph->n_values;
    return add_value(import, name, shape, -1, true,
                     (struct graph__value_facts){.rank = (int)dims->n_dim, .flat = shape}, err);
}

static enum dse_status find_input(struct graph__import *import, struct dse_err *err) {
    const Onnx__ValueInfoProto *found = NULL;
    for (size_t i = 0; i < import->n_symbols; i++) {
        const struct graph__symbol *symbol = &import->symbols[i];
        if (symbol->input == NULL || symbol->uses == 0)
            continue;
        if (found != NULL)
            DSE_FAIL(err, DSE_UNSUPPORTED, "the network has several inputs: '%s' and '%s'",
                     graph__text(found->name), symbol->name);
        found = symbol->input;
    }
    if (found == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "the output does not depend on any input");
    return add_input(import, found, err);
}

/* ---- the walk ---- */

/* Operators in front of which, or through which, a Dropout may stand. */
static bool takes_dropout(const struct rule *rule) {
    static const graph__import_fn takers[] = {
        graph__import_conv,    graph__import_gemm,     graph__import_matmul, graph__import_flatten,
        graph__import_reshape, graph__import_identity, graph__import_dropout};
    for (size_t i = 0; i < sizeof takers / sizeof takers[0]; i++)
        if (rule->import == takers[i])
            return true;
    return rule->import == NULL; /* it asks for a shape */
}

/* The node that was just made reads what a Dropout makes: a layer is marked, others hand it on. */
static void pass_dropout_on(struct graph__import *import, const Onnx__NodeProto *node,
                            const struct rule *rule, const struct graph__symbol *input) {
    struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[0]));
    if (rule->import == graph__import_conv || rule->import == graph__import_gemm ||
        rule->import == graph__import_matmul) {
        struct dse_conv_node *layer = &import->graph->nodes[import->graph->n_nodes - 1].conv;
        layer->drops = true;
        layer->rate = input->rate;
    } else if (symbol != NULL && !symbol->drops) {
        symbol->drops = true;
        symbol->rate = input->rate;
    }
}

static enum dse_status import_node(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    const struct rule *rule = find_rule(node);
    struct graph__symbol *input = NULL;
    struct graph__tensor *constant = NULL;
    DSE_TRY(check_node(node, rule, err));
    DSE_TRY(graph__input(import, node, 0, &input, err));
    if (input != NULL && input->drops && !takes_dropout(rule))
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "it reads what a Dropout makes; only convolutions and dense layers may");
    bool folds =
        rule->fold != NULL && (rule->import == NULL || (input != NULL && input->constant != NULL));
    if (!folds) {
        DSE_TRY(rule->import(import, node, err));
        if (input != NULL && input->drops)
            pass_dropout_on(import, node, rule, input);
        return DSE_OK;
    }
    DSE_TRY(rule->fold(import, node, &constant, err));
    struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[0]));
    if (symbol != NULL)
        symbol->constant = constant;
    return DSE_OK;
}

static enum dse_status import_nodes(struct graph__import *import, struct dse_err *err) {
    for (size_t i = 0; i < import->onnx->n_node; i++) {
        const Onnx__NodeProto *node = import->onnx->node[i];
        if (!import->needed[i])
            continue;
        enum dse_status status = import_node(import, node, err);
        if (status != DSE_OK)
            return dse_err_prefix(err, "node '%s' (%s)", graph__node_name(node),
                                  graph__text(node->op_type)),
                   status;
    }
    return DSE_OK;
}

static enum dse_status check_output(const struct graph__import *import,
                                    const struct graph__symbol *symbol, struct dse_err *err) {
    if (symbol->value < 0 || import->graph->values[symbol->value].producer < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "output '%s' is not computed from the input", symbol->name);
    const struct graph__value_facts *facts = &import->facts[symbol->value];
    if (facts->rank == 2 && (facts->flat.h > 1 || facts->flat.w > 1))
        DSE_FAIL(err, DSE_UNSUPPORTED, "output '%s' is a flattened map of %dx%d pixels",
                 symbol->name, facts->flat.h, facts->flat.w);
    if (symbol->drops)
        DSE_FAIL(err, DSE_UNSUPPORTED, "output '%s' is what a Dropout makes", symbol->name);
    return DSE_OK;
}

static enum dse_status set_outputs(struct graph__import *import, struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    graph->outputs = dse_alloc((size_t)import->n_outputs, sizeof *graph->outputs);
    if (graph->outputs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d outputs", import->n_outputs);
    for (int i = 0; i < import->n_outputs; i++) {
        DSE_TRY(check_output(import, import->outputs[i], err));
        graph->outputs[i] = graph->output = import->outputs[i]->value;
    }
    graph->n_outputs = import->n_outputs;
    return DSE_OK;
}

/* ---- the finished graph ---- */

/* A node may have served only to ask for a shape: what does not reach an output goes. */
static enum dse_status drop_unneeded(struct graph__import *import, struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    bool *keep = dse_arena_alloc(&import->arena, (size_t)graph->n_values, sizeof *keep);
    int *renamed = dse_arena_alloc(&import->arena, (size_t)graph->n_values, sizeof *renamed);
    if (keep == NULL || renamed == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d values", graph->n_values);
    keep[graph->input] = true;
    for (int i = 0; i < graph->n_outputs; i++)
        keep[graph->outputs[i]] = true;
    for (int i = graph->n_nodes - 1; i >= 0; i--)
        for (int k = 0; k < 2; k++)
            if (keep[graph->nodes[i].output] && graph->nodes[i].inputs[k] >= 0)
                keep[graph->nodes[i].inputs[k]] = true;
    int n_values = 0, n_nodes = 0;
    for (int i = 0; i < graph->n_values; i++) {
        renamed[i] = n_values;
        if (keep[i])
            graph->values[n_values++] = graph->values[i];
        else
            dse_free(graph->values[i].name);
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        struct dse_node node = graph->nodes[i];
        if (!keep[node.output]) {
            dse_free(node.name);
            dse_node_free_numbers(&node);
            continue;
        }
        for (int k = 0; k < 2; k++)
            node.inputs[k] = node.inputs[k] < 0 ? -1 : renamed[node.inputs[k]];
        node.output = renamed[node.output];
        graph->values[node.output].producer = n_nodes;
        graph->nodes[n_nodes++] = node;
    }
    graph->input = renamed[graph->input];
    graph->output = renamed[graph->output];
    for (int i = 0; i < graph->n_outputs; i++)
        graph->outputs[i] = renamed[graph->outputs[i]];
    graph->n_values = n_values;
    graph->n_nodes = n_nodes;
    return DSE_OK;
}

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* Lists the layers; weights must be numbers (after folding, too). */
static enum dse_status list_layers(struct dse_graph *graph, struct dse_err *err) {
    graph->layers = dse_alloc((size_t)graph->n_nodes, sizeof *graph->layers);
    if (graph->layers == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d layers", graph->n_nodes);
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        if (node->op != DSE_OP_CONV && node->op != DSE_OP_DENSE)
            continue;
        size_t oc = (size_t)dse_graph_output_shape(graph, node).c;
        size_t per_channel = (size_t)node->conv.kernel_h * (size_t)node->conv.kernel_w *
                             (size_t)(dse_graph_input_shape(graph, node).c / node->conv.groups);
        if (!all_finite(node->conv.weights, oc * per_channel) || !all_finite(node->conv.bias, oc))
            DSE_FAIL(err, DSE_INVALID, "node '%s' (%s): its weights are not all finite numbers",
                     node->name, dse_op_text(node->op));
        graph->layers[graph->n_layers++] = i;
    }
    return DSE_OK;
}

/* ---- reading ---- */

static enum dse_status new_graph(struct graph__import *import, struct dse_err *err) {
    size_t n_values = import->n_needed + 1;
    if (n_values > INT32_MAX)
        DSE_FAIL(err, DSE_UNSUPPORTED, "too many nodes");
    struct dse_graph *graph = dse_alloc(1, sizeof *graph);
    import->facts = dse_arena_alloc(&import->arena, n_values, sizeof *import->facts);
    if (graph != NULL) {
        graph->nodes = dse_alloc(n_values, sizeof *graph->nodes);
        graph->values = dse_alloc(n_values, sizeof *graph->values);
    }
    import->graph = graph;
    if (graph == NULL || graph->nodes == NULL || graph->values == NULL || import->facts == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu nodes", import->n_needed);
    return DSE_OK;
}

static enum dse_status build_graph(struct graph__import *import,
                                   const struct dse_graph_options *options, struct dse_err *err) {
    DSE_TRY(graph__names_collect(import, options, err));
    DSE_TRY(new_graph(import, err));
    DSE_TRY(find_input(import, err));
    DSE_TRY(import_nodes(import, err));
    DSE_TRY(set_outputs(import, err));
    DSE_TRY(drop_unneeded(import, err));
    return list_layers(import->graph, err);
}

enum dse_status dse_graph_read_onnx(const void *bytes, size_t size, const char *name,
                                    const struct dse_graph_options *options,
                                    struct dse_graph **graph, struct dse_err *err) {
    struct graph__message message;
    struct graph__import import = {0};
    enum dse_status status;
    DSE_TRY_GOTO(status, graph__message_init(&message, bytes, size, err), done);
    DSE_TRY_GOTO(status, graph__check_model(message.model, err), done);
    import.onnx = message.model->graph;
    DSE_TRY_GOTO(status, build_graph(&import, options, err), done);
    *graph = import.graph;
    import.graph = NULL;
done:
    dse_graph_free(import.graph);
    dse_arena_fini(&import.arena);
    graph__message_fini(&message);
    if (status != DSE_OK) {
        graph__clean_message(err);
        dse_err_prefix(err, "%s", name);
    }
    return status;
}

enum dse_status dse_graph_load_onnx(const char *path, const struct dse_graph_options *options,
                                    struct dse_graph **graph, struct dse_err *err) {
    struct dse_buf bytes = {0};
    enum dse_status status = dse_file_read(path, GRAPH__MAX_FILE_BYTES, &bytes, err);
    if (status == DSE_OK)
        status = dse_graph_read_onnx(bytes.data, bytes.size, path, options, graph, err);
    dse_buf_fini(&bytes);
    return status;
}
