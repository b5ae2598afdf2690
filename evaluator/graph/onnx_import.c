/* The walk over the nodes of an ONNX graph, and the finished graph. */
#include "evaluator/graph/graph_internal.h"

#include <math.h>
#include <string.h>

/* ---- the operators ---- */

static const struct rule {
    const char *name;
    size_t min_inputs, max_inputs;
    const char *attributes;
    graph__import_fn import;
} rules[] = {
#define X(name, least, most, attributes, function) \
    {name, least, most, attributes, graph__import_##function},
    GRAPH__OPERATORS(X)
#undef X
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

/* Of four dimensions, or three (without a height): an image. */
static enum dse_status add_input(struct graph__import *import, const Onnx__ValueInfoProto *input,
                                 struct dse_err *err) {
    const char *name = graph__text(input->name);
    const Onnx__TensorShapeProto *dims = input_dims(input);
    if (dims == NULL || dims->n_dim < 1 || dims->n_dim > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "input '%s': must be float32 of shape (N, C, H, W), (N, C) or the like", name);
    int64_t extents[GRAPH__MAX_RANK] = {1}, batch = static_dim(dims->dim[0]);
    for (size_t i = 1; i < dims->n_dim; i++) {
        extents[i] = static_dim(dims->dim[i]);
        if (extents[i] < 1)
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "input '%s': dimension %zu is not fixed; only the batch may be", name, i);
    }
    struct graph__form form = graph__plain_form((int)dims->n_dim, extents);
    if (form.rank == 3 || form.rank == 4)
        form.order = GRAPH__IMAGE;
    import->file_batch = batch > 0 ? batch : 0;
    return graph__add_input(import, name, &form, err);
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
    return rule->import == graph__import_shape;
}

/* The nodes from first_node on were just made and read what a Dropout makes: a layer is marked,
 * others hand it on. */
static enum dse_status pass_dropout_on(struct graph__import *import, const Onnx__NodeProto *node,
                                       const struct rule *rule, int first_node, float rate,
                                       struct dse_err *err) {
    struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[0]));
    bool is_layer = rule->import == graph__import_conv || rule->import == graph__import_gemm ||
                    rule->import == graph__import_matmul;
    for (int i = import->graph->n_nodes - 1; is_layer && i >= first_node; i--) {
        struct dse_node *made = &import->graph->nodes[i];
        if (made->op != DSE_OP_CONV && made->op != DSE_OP_DENSE)
            continue;
        made->conv.drops = true;
        made->conv.rate = rate;
        return DSE_OK;
    }
    if (is_layer)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it reads what a Dropout makes, and has no weights");
    if (symbol != NULL && !symbol->drops) {
        symbol->drops = true;
        symbol->rate = rate;
    }
    return DSE_OK;
}

static enum dse_status import_node(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err) {
    const struct rule *rule = find_rule(node);
    struct graph__symbol *input = NULL, *dropped = NULL;
    int first_node = import->graph->n_nodes;
    import->first_fresh = import->graph->n_values;
    DSE_TRY(check_node(node, rule, err));
    for (size_t k = 0; k < node->n_input; k++) {
        DSE_TRY(graph__input(import, node, k, &input, err));
        if (input == NULL || !input->drops || rule->import == graph__import_where)
            continue;
        if (k > 0 || !takes_dropout(rule))
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "it reads what a Dropout makes; only convolutions and dense layers may");
        dropped = input;
    }
    DSE_TRY(rule->import(import, node, err));
    if (dropped != NULL)
        return pass_dropout_on(import, node, rule, first_node, dropped->rate, err);
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

/* Four dimensions are an image; anything else gets ONNX's order. */
static enum dse_status finish_output(struct graph__import *import,
                                     const struct graph__symbol *symbol, int *output,
                                     struct dse_err *err) {
    if (symbol->value < 0 || import->graph->values[symbol->value].producer < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "output '%s' is not computed from the input", symbol->name);
    if (symbol->drops)
        DSE_FAIL(err, DSE_UNSUPPORTED, "output '%s' is what a Dropout makes", symbol->name);
    struct graph__operand operand = {
        .value = symbol->value, .type = DSE_TENSOR_F32, .form = import->facts[symbol->value].form};
    bool is_image = operand.form.rank == 4 && operand.form.dims[0] == 1;
    enum graph__order order = is_image ? GRAPH__IMAGE : GRAPH__PLAIN;
    DSE_TRY(graph__to_order(import, import->onnx->node[symbol->node], order, &operand, err));
    *output = operand.value;
    return DSE_OK;
}

static enum dse_status set_outputs(struct graph__import *import, struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    graph->outputs = dse_alloc((size_t)import->n_outputs, sizeof *graph->outputs);
    if (graph->outputs == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d outputs", import->n_outputs);
    for (int i = 0; i < import->n_outputs; i++) {
        DSE_TRY(finish_output(import, import->outputs[i], &graph->outputs[i], err));
        graph->output = graph->outputs[i];
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

static enum dse_status build_graph(struct graph__import *import,
                                   const struct dse_graph_options *options, struct dse_err *err) {
    DSE_TRY(graph__names_collect(import, options, err));
    import->graph = dse_alloc(1, sizeof *import->graph);
    if (import->graph == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a graph");
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
    import.opset = graph__opset(message.model);
    import.onnx = message.model->graph;
    DSE_TRY_GOTO(status, build_graph(&import, options, err), done);
    *graph = import.graph;
    import.graph = NULL;
done:
    dse_graph_free(import.graph);
    dse_free(import.facts);
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
