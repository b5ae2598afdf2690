/* Nodes and values of the graph as they are made, or constants where everything is known. */
#include "evaluator/graph/graph_internal.h"

#include <ctype.h>
#include <string.h>

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

/* ---- can the result be negative? ---- */

static bool has_negative(const float *numbers, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(numbers[i] >= 0))
            return true;
    return false;
}

/* Weights of a RESAMPLE may be negative: cubic ones are. */
static bool mixes_signs(const struct dse_tensor_op *op) {
    for (int i = 0; i < op->take.rank; i++) {
        const struct dse_tensor_axis *axis = &op->take.axes[i];
        if (axis->weights != NULL &&
            has_negative(axis->weights, (size_t)axis->extent * (size_t)axis->taps))
            return true;
    }
    return false;
}

static bool source_is_signed(const struct dse_graph *graph, const struct dse_node *node, int k) {
    if (node->tensor->constant_source == k)
        return has_negative(node->tensor->constant, node->tensor->n_constant);
    return node->inputs[k] >= 0 && graph->values[node->inputs[k]].is_signed;
}

static bool tensor_is_signed(const struct dse_graph *graph, const struct dse_node *node) {
    const struct dse_tensor_op *op = node->tensor;
    bool a = source_is_signed(graph, node, 0), b = source_is_signed(graph, node, 1);
    switch (op->kind) {
    case DSE_TENSOR_SOFTMAX:
        return false;
    case DSE_TENSOR_TAKE:
        return a || op->take.fill < 0;
    case DSE_TENSOR_RESAMPLE:
        return a || op->take.fill < 0 || mixes_signs(op);
    case DSE_TENSOR_BINARY:
        if (op->binary.how == DSE_TENSOR_PRELU)
            return a;
        return a || b || op->binary.how == DSE_TENSOR_SUB;
    default:
        return a || b;
    }
}

static bool result_is_signed(const struct dse_graph *graph, const struct dse_node *node) {
    switch (node->op) {
    case DSE_OP_RELU:
        return false;
    case DSE_OP_CONV:
    case DSE_OP_DENSE:
    case DSE_OP_CONV_TRANSPOSE:
    case DSE_OP_NORM:
        return true;
    case DSE_OP_ADD:
        return graph->values[node->inputs[0]].is_signed || graph->values[node->inputs[1]].is_signed;
    case DSE_OP_ACTIVATION:
        return dse_activation_signed(&node->activation, graph->values[node->inputs[0]].is_signed);
    case DSE_OP_TENSOR:
        return tensor_is_signed(graph, node);
    default:
        return graph->values[node->inputs[0]].is_signed;
    }
}

/* ---- values and nodes ---- */

enum { FIRST_ROOM = 16 };

static enum dse_status make_room(struct graph__import *import, struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    if ((size_t)graph->n_values < import->room_values)
        return DSE_OK;
    size_t room = import->room_values == 0 ? FIRST_ROOM : 2 * import->room_values;
    if (room > INT32_MAX)
        DSE_FAIL(err, DSE_UNSUPPORTED, "too many nodes");
    struct dse_value *values = dse_realloc(graph->values, room, sizeof *values);
    graph->values = values == NULL ? graph->values : values;
    struct graph__value_facts *facts = dse_realloc(import->facts, room, sizeof *facts);
    import->facts = facts == NULL ? import->facts : facts;
    struct dse_node *nodes = dse_realloc(graph->nodes, room, sizeof *nodes);
    graph->nodes = nodes == NULL ? graph->nodes : nodes;
    if (values == NULL || facts == NULL || nodes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu nodes", room);
    import->room_values = room;
    return DSE_OK;
}

static enum dse_status add_value(struct graph__import *import, const char *name,
                                 const struct graph__form *form, int producer, bool is_signed,
                                 struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    struct dse_shape shape;
    DSE_TRY(graph__form_shape(form, &shape, err));
    DSE_TRY(make_room(import, err));
    char *copy = copy_name(name);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a name");
    int value = graph->n_values++;
    graph->values[value] = (struct dse_value){copy, shape, producer, is_signed};
    import->facts[value] = (struct graph__value_facts){.form = *form};
    return DSE_OK;
}

enum dse_status graph__add_input(struct graph__import *import, const char *name,
                                 const struct graph__form *form, struct dse_err *err) {
    struct graph__symbol *symbol = graph__names_find(import, name);
    DSE_TRY(add_value(import, name, form, -1, true, err));
    import->graph->input = symbol->value = import->graph->n_values - 1;
    import->facts[symbol->value].uses = symbol->uses;
    return DSE_OK;
}

enum dse_status graph__add_node(struct graph__import *import, const Onnx__NodeProto *node,
                                struct dse_node *content, struct graph__operand *result,
                                struct dse_err *err) {
    struct dse_graph *graph = import->graph;
    enum dse_status status = add_value(import, graph__text(node->output[0]), &result->form,
                                       graph->n_nodes, result_is_signed(graph, content), err);
    content->name = status == DSE_OK ? copy_name(graph__node_name(node)) : NULL;
    if (status == DSE_OK && content->name == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "no memory for a name");
    if (status != DSE_OK) { /* a value without a node goes with the graph */
        dse_free(content->name);
        dse_node_free_numbers(content);
        return status;
    }
    for (int k = 0; k < 2; k++)
        if (content->inputs[k] >= import->first_fresh)
            import->facts[content->inputs[k]].uses++;
    result->value = content->output = graph->n_values - 1;
    result->constant = NULL;
    result->type = DSE_TENSOR_F32;
    graph->nodes[graph->n_nodes++] = *content;
    return DSE_OK;
}

enum dse_status graph__bind(struct graph__import *import, const Onnx__NodeProto *node, size_t k,
                            const struct graph__operand *operand, struct dse_err *err) {
    const char *name = graph__text(node->output[k]);
    struct graph__symbol *symbol = graph__names_find(import, name);
    if (symbol == NULL)
        return DSE_OK;
    symbol->constant = operand->constant;
    symbol->value = operand->value;
    if (operand->value < 0)
        return DSE_OK;
    bool fresh = operand->value >= import->first_fresh;
    /* Where it is none of its making, this node was a reader; its own readers take its place. */
    import->facts[operand->value].uses += symbol->uses - (fresh ? 0 : 1);
    if (!fresh || k == 0)
        return DSE_OK;
    char *copy = copy_name(name);
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a name");
    dse_free(import->graph->values[operand->value].name);
    import->graph->values[operand->value].name = copy;
    return DSE_OK;
}

struct dse_node *graph__sole_layer(struct graph__import *import, int value) {
    int producer = import->graph->values[value].producer;
    if (producer < 0 || import->facts[value].uses != 1)
        return NULL;
    struct dse_node *node = &import->graph->nodes[producer];
    return node->op == DSE_OP_CONV || node->op == DSE_OP_DENSE ? node : NULL;
}

/* ---- operators on tensors ---- */

enum dse_status graph__new_result(struct graph__import *import, enum dse_tensor_type type, int rank,
                                  const int64_t *dims, struct graph__tensor **tensor,
                                  struct dse_err *err) {
    size_t n = 0;
    DSE_TRY(graph__count(rank, dims, &n, err));
    if (type == DSE_TENSOR_I64 && n > GRAPH__MAX_FOLDED)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a computed constant of more than %d integers",
                 GRAPH__MAX_FOLDED);
    if (type == DSE_TENSOR_F32) {
        if (n > GRAPH__MAX_ELEMENTS - import->n_folded_floats)
            DSE_FAIL(err, DSE_UNSUPPORTED, "computed constants of more than %d numbers",
                     GRAPH__MAX_ELEMENTS);
        import->n_folded_floats += n;
    }
    return graph__tensor_new(import, type, rank, dims, tensor, err);
}

static enum dse_status fold(struct graph__import *import, struct dse_tensor_op *op,
                            const struct graph__operand *a, const struct graph__operand *b,
                            struct graph__operand *result, struct dse_err *err) {
    struct graph__tensor *made = NULL;
    const struct graph__form *form = &result->form;
    DSE_TRY(graph__new_result(import, op->type, form->rank, form->dims, &made, err));
    op->n = made->n;
    op->n_constant = b == NULL ? 0 : b->constant->n;
    dse_tensor_run(op, a->constant->data, b == NULL ? NULL : b->constant->data, made->data);
    *result = (struct graph__operand){.value = -1, .constant = made, .type = op->type};
    result->form = graph__plain_form(made->rank, made->dims);
    return DSE_OK;
}

/* The operator owns a copy of its constant source. */
static enum dse_status keep_constant(struct graph__import *import, struct dse_tensor_op *op, int k,
                                     const struct graph__tensor *constant, struct dse_err *err) {
    DSE_TRY(graph__count_weights(import, constant->n, err));
    op->constant = dse_alloc(constant->n, sizeof *constant->f32);
    if (op->constant == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a constant of %zu numbers", constant->n);
    memcpy(op->constant, constant->f32, constant->n * sizeof *constant->f32);
    op->constant_source = k;
    op->n_constant = constant->n;
    return DSE_OK;
}

static enum dse_status add_operator(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_tensor_op *op, const struct graph__operand *a,
                                    const struct graph__operand *b, struct graph__operand *result,
                                    struct dse_err *err) {
    const struct graph__operand *const sources[] = {a, b};
    struct dse_node content = {.op = DSE_OP_TENSOR, .inputs = {-1, -1}, .tensor = op};
    size_t n = 0;
    enum dse_status status = graph__count(result->form.rank, result->form.dims, &n, err);
    op->n = n;
    for (int k = 0; k < 2 && status == DSE_OK; k++) {
        if (sources[k] == NULL)
            continue;
        content.inputs[k] = sources[k]->value;
        if (sources[k]->value < 0)
            status = keep_constant(import, op, k, sources[k]->constant, err);
    }
    if (status != DSE_OK) {
        dse_tensor_op_free(op);
        return status;
    }
    return graph__add_node(import, node, &content, result, err);
}

static enum dse_status check_types(const struct dse_tensor_op *op, const struct graph__operand *a,
                                   const struct graph__operand *b, struct dse_err *err) {
    if (a->type != op->type || (b != NULL && b->type != op->type))
        DSE_FAIL(err, DSE_INVALID, "its inputs differ in type");
    bool counts = op->kind == DSE_TENSOR_TAKE || op->kind == DSE_TENSOR_PUT ||
                  (op->kind == DSE_TENSOR_BINARY && op->binary.how <= DSE_TENSOR_DIV);
    if (op->type == DSE_TENSOR_I64 && !counts)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its inputs are integers");
    return DSE_OK;
}

enum dse_status graph__apply(struct graph__import *import, const Onnx__NodeProto *node,
                             struct dse_tensor_op *op, const struct graph__operand *a,
                             const struct graph__operand *b, struct graph__operand *result,
                             struct dse_err *err) {
    enum dse_status status = check_types(op, a, b, err);
    if (status == DSE_OK && (a->value >= 0 || (b != NULL && b->value >= 0)))
        return add_operator(import, node, op, a, b, result, err);
    if (status == DSE_OK)
        status = fold(import, op, a, b, result, err);
    dse_tensor_op_free(op);
    return status;
}

/* ---- places ---- */

enum dse_status graph__list_places(struct graph__import *import, int64_t extent, int64_t **places,
                                   struct dse_err *err) {
    if (extent < 0 || (size_t)extent > GRAPH__MAX_INDICES - import->n_indices)
        DSE_FAIL(err, DSE_UNSUPPORTED, "moves of more than %d places", GRAPH__MAX_INDICES);
    int64_t *made = dse_arena_alloc(&import->arena, (size_t)extent, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an axis of %lld places", (long long)extent);
    import->n_indices += (size_t)extent;
    for (int64_t i = 0; i < extent; i++)
        made[i] = i;
    *places = made;
    return DSE_OK;
}

static enum dse_status fill_axis(struct dse_tensor_axis *axis, int64_t extent,
                                 const int64_t *places, int64_t stride, struct dse_err *err) {
    if (places == NULL) {
        *axis = (struct dse_tensor_axis){.extent = extent, .taps = 1, .stride = stride};
        return DSE_OK;
    }
    DSE_TRY(dse_tensor_axis_init(axis, extent, 1, false, err));
    for (int64_t i = 0; i < extent; i++)
        axis->offsets[i] = places[i] == DSE_TENSOR_OUTSIDE ? places[i] : places[i] * stride;
    return DSE_OK;
}

enum dse_status graph__take(struct graph__import *import, const Onnx__NodeProto *node,
                            const struct graph__operand *source, const struct graph__places *places,
                            double fill, struct graph__operand *result, struct dse_err *err) {
    int64_t strides[GRAPH__MAX_RANK];
    int axes[GRAPH__MAX_RANK];
    size_t n = 0;
    enum dse_status status;
    DSE_TRY(graph__count(result->form.rank, result->form.dims, &n, err));
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_TAKE, source->type);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    graph__strides(&source->form, strides);
    graph__memory_axes(&result->form, axes);
    for (int i = 0; i < result->form.rank; i++) {
        int from = places->source_axis[axes[i]];
        DSE_TRY_GOTO(status,
                     fill_axis(&op->take.axes[i], result->form.dims[axes[i]],
                               places->places[axes[i]], from < 0 ? 0 : strides[from], err),
                     fail);
        op->take.rank++;
    }
    op->take.fill = (float)fill;
    op->take.fill_i64 = source->type == DSE_TENSOR_I64 ? (int64_t)fill : 0;
    op->n = n;
    dse_tensor_take_simplify(op);
    if (dse_tensor_take_is_identity(op, graph__form_size(&source->form))) {
        struct graph__form form = result->form;
        dse_tensor_op_free(op);
        *result = *source;
        return graph__view(import, node, &form, result, err);
    }
    return graph__apply(import, node, op, source, NULL, result, err);
fail:
    dse_tensor_op_free(op);
    return status;
}
