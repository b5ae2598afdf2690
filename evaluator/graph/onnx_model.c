/* An ONNX model in memory. Message and edits live in one arena, so nothing is freed one by one. */
#include "evaluator/graph/onnx_model.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "evaluator/graph/graph_internal.h"

/* ONNX, IR.md: the version of the format that brought operator set 13. */
enum { IR_VERSION = 7 };

struct dse_onnx {
    struct graph__message message;
    Onnx__GraphProto *graph; /* in message */
    bool failed;             /* an edit ran out of memory */
};

/* ---- memory ---- */

static void *take(struct dse_onnx *model, size_t count, size_t size) {
    void *block = dse_arena_alloc(&model->message.arena, count, size);
    if (block == NULL)
        model->failed = true;
    return block;
}

static char *take_text(struct dse_onnx *model, const char *text) {
    char *copy = dse_arena_strdup(&model->message.arena, text);
    if (copy == NULL)
        model->failed = true;
    return copy;
}

/* Arrays of the message are arrays of pointers to this or that; here they are seen as bytes. */
static void **load_array(const void *array) {
    void **pointers;
    memcpy(&pointers, array, sizeof pointers);
    return pointers;
}

/* Puts a pointer into the array of n at *array, before index `at`; false without memory. */
static bool insert_pointer(struct dse_onnx *model, void *array, size_t *n, size_t at,
                           void *pointer) {
    void **larger = pointer == NULL ? NULL : take(model, *n + 1, sizeof *larger);
    dse_assert(at <= *n);
    if (larger == NULL)
        return false;
    if (*n > 0) {
        memcpy(larger, load_array(array), at * sizeof *larger);
        memcpy(larger + at + 1, load_array(array) + at, (*n - at) * sizeof *larger);
    }
    larger[at] = pointer;
    memcpy(array, &larger, sizeof larger);
    ++*n;
    return true;
}

static void remove_pointer(void *array, size_t *n, size_t at) {
    void **pointers = load_array(array);
    dse_assert(at < *n);
    memmove(pointers + at, pointers + at + 1, (*n - at - 1) * sizeof *pointers);
    --*n;
}

/* ---- the whole ---- */

/* Files of other people may have a weight in a file beside them, which would be lost. */
static enum dse_status check_inside(const Onnx__GraphProto *graph, struct dse_err *err) {
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *tensor = graph->initializer[i];
        if (tensor->has_data_location &&
            tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "constant '%s': its data is in another file; save the model with its weights "
                     "inside",
                     graph__text(tensor->name));
    }
    return DSE_OK;
}

static enum dse_status read_message(struct dse_onnx *model, const void *bytes, size_t size,
                                    struct dse_err *err) {
    DSE_TRY(graph__message_init(&model->message, bytes, size, err));
    DSE_TRY(graph__check_model(model->message.model, err));
    model->graph = model->message.model->graph;
    return check_inside(model->graph, err);
}

enum dse_status dse_onnx_read(const void *bytes, size_t size, const char *name,
                              struct dse_onnx **model, struct dse_err *err) {
    struct dse_onnx *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a model");
    enum dse_status status = read_message(made, bytes, size, err);
    if (status == DSE_OK) {
        *model = made;
        return DSE_OK;
    }
    dse_onnx_free(made);
    graph__clean_message(err);
    dse_err_prefix(err, "%s", name);
    return status;
}

enum dse_status dse_onnx_load(const char *path, struct dse_onnx **model, struct dse_err *err) {
    struct dse_buf bytes = {0};
    enum dse_status status = dse_file_read(path, GRAPH__MAX_FILE_BYTES, &bytes, err);
    if (status == DSE_OK)
        status = dse_onnx_read(bytes.data, bytes.size, path, model, err);
    dse_buf_fini(&bytes);
    return status;
}

/* The frame of a new model; NULL without memory. */
static Onnx__ModelProto *new_message(struct dse_onnx *model, const char *graph_name, int opset) {
    Onnx__ModelProto *message = take(model, 1, sizeof *message);
    Onnx__GraphProto *graph = take(model, 1, sizeof *graph);
    Onnx__OperatorSetIdProto *set = take(model, 1, sizeof *set);
    if (message == NULL || graph == NULL || set == NULL)
        return NULL;
    onnx__model_proto__init(message);
    onnx__graph_proto__init(graph);
    onnx__operator_set_id_proto__init(set);
    set->domain = take_text(model, "");
    set->has_version = true;
    set->version = opset;
    message->has_ir_version = true;
    message->ir_version = IR_VERSION;
    message->producer_name = take_text(model, "paretod");
    message->producer_version = take_text(model, DSE_VERSION);
    message->graph = graph;
    graph->name = take_text(model, graph_name);
    (void)insert_pointer(model, &message->opset_import, &message->n_opset_import, 0, set);
    return model->failed ? NULL : message;
}

enum dse_status dse_onnx_new(const char *graph_name, int opset, struct dse_onnx **model,
                             struct dse_err *err) {
    struct dse_onnx *made = dse_alloc(1, sizeof *made);
    if (made != NULL)
        made->message.model = new_message(made, graph_name, opset);
    if (made == NULL || made->message.model == NULL) {
        dse_onnx_free(made);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a model");
    }
    made->graph = made->message.model->graph;
    *model = made;
    return DSE_OK;
}

void dse_onnx_free(struct dse_onnx *model) {
    if (model == NULL)
        return;
    graph__message_fini(&model->message);
    dse_free(model);
}

enum dse_status dse_onnx_status(const struct dse_onnx *model, struct dse_err *err) {
    if (model->failed)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to change the model");
    return DSE_OK;
}

enum dse_status dse_onnx_write(const struct dse_onnx *model, struct dse_buf *out,
                               struct dse_err *err) {
    DSE_TRY(dse_onnx_status(model, err));
    size_t size = onnx__model_proto__get_packed_size(model->message.model);
    uint8_t *bytes = dse_alloc(size, 1);
    if (bytes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a model of %zu bytes", size);
    size_t packed = onnx__model_proto__pack(model->message.model, bytes);
    dse_assert(packed == size);
    dse_buf_append(out, bytes, size);
    dse_free(bytes);
    return dse_buf_status(out, err);
}

enum dse_status dse_onnx_save(const struct dse_onnx *model, const char *path, struct dse_err *err) {
    struct dse_buf bytes = {0};
    enum dse_status status = dse_onnx_write(model, &bytes, err);
    if (status == DSE_OK && bytes.size > GRAPH__MAX_FILE_BYTES)
        status = dse_err_set(err, DSE_UNSUPPORTED, "%s: the model would have %zu bytes", path,
                             bytes.size);
    if (status == DSE_OK)
        status = dse_file_replace(path, bytes.data, bytes.size, err);
    dse_buf_fini(&bytes);
    return status;
}

int dse_onnx_opset(const struct dse_onnx *model) {
    return (int)graph__opset(model->message.model);
}

/* ---- nodes ---- */

static Onnx__NodeProto *node_at(const struct dse_onnx *model, int node) {
    dse_assert(node >= 0 && (size_t)node < model->graph->n_node);
    return model->graph->node[node];
}

int dse_onnx_n_nodes(const struct dse_onnx *model) {
    return (int)model->graph->n_node;
}

struct dse_onnx_node dse_onnx_node(const struct dse_onnx *model, int node) {
    const Onnx__NodeProto *proto = node_at(model, node);
    return (struct dse_onnx_node){
        .name = graph__text(proto->name),
        .op = graph__text(proto->op_type),
        .inputs = (const char *const *)proto->input,
        .n_inputs = (int)proto->n_input,
        .outputs = (const char *const *)proto->output,
        .n_outputs = (int)proto->n_output,
    };
}

const char *dse_onnx_node_label(const struct dse_onnx *model, int node) {
    return graph__node_name(node_at(model, node));
}

int dse_onnx_find_node(const struct dse_onnx *model, const char *label) {
    for (size_t i = 0; i < model->graph->n_node; i++)
        if (strcmp(graph__node_name(model->graph->node[i]), label) == 0)
            return (int)i;
    return -1;
}

int dse_onnx_find_producer(const struct dse_onnx *model, const char *value) {
    for (size_t i = 0; i < model->graph->n_node; i++)
        for (size_t k = 0; k < model->graph->node[i]->n_output; k++)
            if (strcmp(graph__text(model->graph->node[i]->output[k]), value) == 0)
                return (int)i;
    return -1;
}

static char **copy_texts(struct dse_onnx *model, const char *const *texts, int n) {
    char **copies = take(model, (size_t)n, sizeof *copies);
    for (int i = 0; copies != NULL && i < n; i++)
        copies[i] = take_text(model, texts[i]);
    return copies;
}

static bool insert_proto(struct dse_onnx *model, int at, Onnx__NodeProto *proto) {
    return !model->failed &&
           insert_pointer(model, &model->graph->node, &model->graph->n_node, (size_t)at, proto);
}

void dse_onnx_insert_node(struct dse_onnx *model, int at, const struct dse_onnx_node *node) {
    Onnx__NodeProto *proto = take(model, 1, sizeof *proto);
    if (proto == NULL)
        return;
    onnx__node_proto__init(proto);
    proto->name = node->name[0] != '\0' ? take_text(model, node->name) : NULL;
    proto->op_type = take_text(model, node->op);
    proto->input = copy_texts(model, node->inputs, node->n_inputs);
    proto->n_input = (size_t)node->n_inputs;
    proto->output = copy_texts(model, node->outputs, node->n_outputs);
    proto->n_output = (size_t)node->n_outputs;
    (void)insert_proto(model, at, proto);
}

void dse_onnx_append_node(struct dse_onnx *model, const struct dse_onnx_node *node) {
    dse_onnx_insert_node(model, dse_onnx_n_nodes(model), node);
}

/* Attributes are shared: setting one replaces it. */
void dse_onnx_copy_node(struct dse_onnx *model, int source, int at) {
    const Onnx__NodeProto *original = node_at(model, source);
    Onnx__NodeProto *proto = take(model, 1, sizeof *proto);
    Onnx__AttributeProto **attributes =
        take(model, original->n_attribute, sizeof *proto->attribute);
    if (proto == NULL || attributes == NULL)
        return;
    *proto = *original;
    proto->input = copy_texts(model, (const char *const *)original->input, (int)original->n_input);
    proto->output =
        copy_texts(model, (const char *const *)original->output, (int)original->n_output);
    if (original->n_attribute > 0)
        memcpy(attributes, original->attribute, original->n_attribute * sizeof(void *));
    proto->attribute = attributes;
    (void)insert_proto(model, at, proto);
}

void dse_onnx_remove_node(struct dse_onnx *model, int node) {
    remove_pointer(&model->graph->node, &model->graph->n_node, (size_t)node);
}

void dse_onnx_set_node_name(struct dse_onnx *model, int node, const char *name) {
    char *copy = take_text(model, name);
    if (copy != NULL)
        node_at(model, node)->name = copy;
}

void dse_onnx_set_node_input(struct dse_onnx *model, int node, int k, const char *value) {
    Onnx__NodeProto *proto = node_at(model, node);
    char *copy = take_text(model, value);
    dse_assert(k >= 0 && (size_t)k < proto->n_input);
    if (copy != NULL)
        proto->input[k] = copy;
}

void dse_onnx_set_node_output(struct dse_onnx *model, int node, int k, const char *value) {
    Onnx__NodeProto *proto = node_at(model, node);
    char *copy = take_text(model, value);
    dse_assert(k >= 0 && (size_t)k < proto->n_output);
    if (copy != NULL)
        proto->output[k] = copy;
}

void dse_onnx_append_input(struct dse_onnx *model, int node, const char *value) {
    Onnx__NodeProto *proto = node_at(model, node);
    (void)insert_pointer(model, &proto->input, &proto->n_input, proto->n_input,
                         take_text(model, value));
}

void dse_onnx_append_output(struct dse_onnx *model, int node, const char *value) {
    Onnx__NodeProto *proto = node_at(model, node);
    (void)insert_pointer(model, &proto->output, &proto->n_output, proto->n_output,
                         take_text(model, value));
}

/* ---- attributes ---- */

static const Onnx__AttributeProto *find_attribute(const struct dse_onnx *model, int node,
                                                  const char *name) {
    const Onnx__NodeProto *proto = node_at(model, node);
    for (size_t i = 0; i < proto->n_attribute; i++)
        if (strcmp(graph__text(proto->attribute[i]->name), name) == 0)
            return proto->attribute[i];
    return NULL;
}

void dse_onnx_remove_attribute(struct dse_onnx *model, int node, const char *name) {
    Onnx__NodeProto *proto = node_at(model, node);
    for (size_t i = 0; i < proto->n_attribute; i++) {
        if (strcmp(graph__text(proto->attribute[i]->name), name) == 0) {
            remove_pointer(&proto->attribute, &proto->n_attribute, i);
            return;
        }
    }
}

/* A new attribute in place of the old; NULL without memory. */
static Onnx__AttributeProto *new_attribute(struct dse_onnx *model, int node, const char *name,
                                           Onnx__AttributeProto__AttributeType type) {
    Onnx__NodeProto *proto = node_at(model, node);
    Onnx__AttributeProto *attribute = take(model, 1, sizeof *attribute);
    char *copy = take_text(model, name);
    if (attribute == NULL || copy == NULL)
        return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = copy;
    attribute->has_type = true;
    attribute->type = type;
    dse_onnx_remove_attribute(model, node, name);
    if (!insert_pointer(model, &proto->attribute, &proto->n_attribute, proto->n_attribute,
                        attribute))
        return NULL;
    return attribute;
}

void dse_onnx_set_int(struct dse_onnx *model, int node, const char *name, int64_t value) {
    Onnx__AttributeProto *attribute =
        new_attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (attribute == NULL)
        return;
    attribute->has_i = true;
    attribute->i = value;
}

void dse_onnx_set_ints(struct dse_onnx *model, int node, const char *name, const int64_t *values,
                       int n) {
    Onnx__AttributeProto *attribute =
        new_attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = take(model, (size_t)n, sizeof *copy);
    if (attribute == NULL || copy == NULL)
        return;
    memcpy(copy, values, (size_t)n * sizeof *copy);
    attribute->ints = copy;
    attribute->n_ints = (size_t)n;
}

void dse_onnx_set_float(struct dse_onnx *model, int node, const char *name, float value) {
    Onnx__AttributeProto *attribute =
        new_attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (attribute == NULL)
        return;
    attribute->has_f = true;
    attribute->f = value;
}

void dse_onnx_set_text(struct dse_onnx *model, int node, const char *name, const char *value) {
    Onnx__AttributeProto *attribute =
        new_attribute(model, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    char *copy = take_text(model, value);
    if (attribute == NULL || copy == NULL)
        return;
    attribute->has_s = true;
    attribute->s.data = (uint8_t *)copy;
    attribute->s.len = strlen(copy);
}

int64_t dse_onnx_get_int(const struct dse_onnx *model, int node, const char *name,
                         int64_t fallback) {
    const Onnx__AttributeProto *attribute = find_attribute(model, node, name);
    return attribute != NULL && attribute->has_i ? attribute->i : fallback;
}

/* ---- constants ---- */

static size_t element_bytes(enum dse_onnx_type type) {
    switch (type) {
    case DSE_ONNX_FLOAT:
    case DSE_ONNX_INT32:
        return 4;
    case DSE_ONNX_INT64:
        return 8;
    default:
        return 1;
    }
}

int dse_onnx_n_constants(const struct dse_onnx *model) {
    return (int)model->graph->n_initializer;
}

const char *dse_onnx_constant_name(const struct dse_onnx *model, int constant) {
    dse_assert(constant >= 0 && (size_t)constant < model->graph->n_initializer);
    return graph__text(model->graph->initializer[constant]->name);
}

/* Index, or n_initializer. */
static size_t find_constant(const struct dse_onnx *model, const char *name) {
    size_t i = 0;
    while (i < model->graph->n_initializer &&
           strcmp(graph__text(model->graph->initializer[i]->name), name) != 0)
        i++;
    return i;
}

bool dse_onnx_is_constant(const struct dse_onnx *model, const char *name) {
    return find_constant(model, name) < model->graph->n_initializer;
}

void dse_onnx_add_constant(struct dse_onnx *model, const char *name, enum dse_onnx_type type,
                           int rank, const int64_t *dims, const void *data) {
    Onnx__TensorProto *tensor = take(model, 1, sizeof *tensor);
    int64_t *extents = take(model, (size_t)rank, sizeof *extents);
    size_t bytes = element_bytes(type);
    for (int i = 0; i < rank; i++)
        bytes *= (size_t)dims[i];
    uint8_t *copy = take(model, bytes, 1);
    char *text = take_text(model, name);
    if (tensor == NULL || extents == NULL || copy == NULL || text == NULL)
        return;
    onnx__tensor_proto__init(tensor);
    if (rank > 0)
        memcpy(extents, dims, (size_t)rank * sizeof *extents);
    if (bytes > 0)
        memcpy(copy, data, bytes);
    tensor->name = text;
    tensor->dims = extents;
    tensor->n_dims = (size_t)rank;
    tensor->has_data_type = true;
    tensor->data_type = (int32_t)type;
    tensor->has_raw_data = true;
    tensor->raw_data.data = copy;
    tensor->raw_data.len = bytes;
    (void)insert_pointer(model, &model->graph->initializer, &model->graph->n_initializer,
                         model->graph->n_initializer, tensor);
}

/* A constant of that type with its extents and their product; NULL where there is none. */
static const Onnx__TensorProto *find_typed(const struct dse_onnx *model, const char *name,
                                           enum dse_onnx_type type, int *rank, int64_t *dims,
                                           size_t *n) {
    size_t at = find_constant(model, name);
    if (at == model->graph->n_initializer)
        return NULL;
    const Onnx__TensorProto *tensor = model->graph->initializer[at];
    if (!tensor->has_data_type || tensor->data_type != (int32_t)type ||
        tensor->n_dims > DSE_ONNX_MAX_RANK ||
        graph__count((int)tensor->n_dims, tensor->dims, n, NULL) != DSE_OK)
        return NULL;
    for (size_t i = 0; i < tensor->n_dims; i++)
        dims[i] = tensor->dims[i];
    *rank = (int)tensor->n_dims;
    return tensor;
}

const float *dse_onnx_get_floats(const struct dse_onnx *model, const char *name, int *rank,
                                 int64_t *dims) {
    size_t n = 0;
    const Onnx__TensorProto *tensor = find_typed(model, name, DSE_ONNX_FLOAT, rank, dims, &n);
    if (tensor == NULL)
        return NULL;
    if (tensor->has_raw_data) /* memory of the arena, so it is aligned */
        return tensor->raw_data.len == n * sizeof(float)
                   ? (const float *)(const void *)tensor->raw_data.data
                   : NULL;
    return tensor->n_float_data == n ? tensor->float_data : NULL;
}

const int8_t *dse_onnx_get_int8(const struct dse_onnx *model, const char *name, int *rank,
                                int64_t *dims) {
    size_t n = 0;
    const Onnx__TensorProto *tensor = find_typed(model, name, DSE_ONNX_INT8, rank, dims, &n);
    return tensor != NULL && tensor->has_raw_data && tensor->raw_data.len == n
               ? (const int8_t *)tensor->raw_data.data
               : NULL;
}

void dse_onnx_remove_constant(struct dse_onnx *model, const char *name) {
    size_t i = find_constant(model, name);
    if (i < model->graph->n_initializer)
        remove_pointer(&model->graph->initializer, &model->graph->n_initializer, i);
}

/* ---- inputs and outputs ---- */

int dse_onnx_n_inputs(const struct dse_onnx *model) {
    return (int)model->graph->n_input;
}

int dse_onnx_n_outputs(const struct dse_onnx *model) {
    return (int)model->graph->n_output;
}

const char *dse_onnx_input_name(const struct dse_onnx *model, int input) {
    dse_assert(input >= 0 && (size_t)input < model->graph->n_input);
    return graph__text(model->graph->input[input]->name);
}

const char *dse_onnx_output_name(const struct dse_onnx *model, int output) {
    dse_assert(output >= 0 && (size_t)output < model->graph->n_output);
    return graph__text(model->graph->output[output]->name);
}

static Onnx__TensorShapeProto__Dimension *new_dimension(struct dse_onnx *model, int64_t extent) {
    Onnx__TensorShapeProto__Dimension *dim = take(model, 1, sizeof *dim);
    if (dim == NULL)
        return NULL;
    onnx__tensor_shape_proto__dimension__init(dim);
    if (extent == DSE_ONNX_DYNAMIC) {
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        dim->dim_param = take_text(model, "N");
    } else {
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dim->dim_value = extent;
    }
    return dim;
}

static Onnx__TensorShapeProto *new_shape(struct dse_onnx *model, int rank, const int64_t *dims) {
    Onnx__TensorShapeProto *shape = take(model, 1, sizeof *shape);
    if (shape == NULL)
        return NULL;
    onnx__tensor_shape_proto__init(shape);
    for (int i = 0; i < rank; i++)
        (void)insert_pointer(model, &shape->dim, &shape->n_dim, shape->n_dim,
                             new_dimension(model, dims[i]));
    return shape;
}

static Onnx__ValueInfoProto *new_value_info(struct dse_onnx *model, const char *name, int rank,
                                            const int64_t *dims) {
    Onnx__ValueInfoProto *info = take(model, 1, sizeof *info);
    Onnx__TypeProto *type = take(model, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = take(model, 1, sizeof *tensor);
    if (info == NULL || type == NULL || tensor == NULL)
        return NULL;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = true;
    tensor->elem_type = DSE_ONNX_FLOAT;
    tensor->shape = new_shape(model, rank, dims);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    info->name = take_text(model, name);
    info->type = type;
    return model->failed ? NULL : info;
}

void dse_onnx_add_input(struct dse_onnx *model, const char *name, int rank, const int64_t *dims) {
    (void)insert_pointer(model, &model->graph->input, &model->graph->n_input, model->graph->n_input,
                         new_value_info(model, name, rank, dims));
}

static void insert_output_info(struct dse_onnx *model, int at, Onnx__ValueInfoProto *info) {
    (void)insert_pointer(model, &model->graph->output, &model->graph->n_output, (size_t)at, info);
}

void dse_onnx_insert_output(struct dse_onnx *model, int at, const char *name, int rank,
                            const int64_t *dims) {
    insert_output_info(model, at, new_value_info(model, name, rank, dims));
}

void dse_onnx_copy_output(struct dse_onnx *model, int source, int at, const char *name) {
    Onnx__ValueInfoProto *info = take(model, 1, sizeof *info);
    dse_assert(source >= 0 && (size_t)source < model->graph->n_output);
    if (info == NULL)
        return;
    *info = *model->graph->output[source];
    info->name = take_text(model, name);
    insert_output_info(model, at, info);
}

void dse_onnx_remove_output(struct dse_onnx *model, int output) {
    remove_pointer(&model->graph->output, &model->graph->n_output, (size_t)output);
}

/* ---- names ---- */

bool dse_onnx_has_value(const struct dse_onnx *model, const char *name) {
    for (int i = 0; i < dse_onnx_n_inputs(model); i++)
        if (strcmp(dse_onnx_input_name(model, i), name) == 0)
            return true;
    return dse_onnx_is_constant(model, name) || dse_onnx_find_producer(model, name) >= 0;
}

static bool name_is_taken(const struct dse_onnx *model, const char *name) {
    return dse_onnx_has_value(model, name) || dse_onnx_find_node(model, name) >= 0;
}

const char *dse_onnx_new_name(struct dse_onnx *model, const char *wish) {
    struct dse_buf name = {0};
    dse_buf_puts(&name, wish);
    for (int i = 2; !name.failed && name_is_taken(model, name.data); i++) {
        dse_buf_reset(&name);
        dse_buf_printf(&name, "%s_%d", wish, i);
    }
    model->failed = model->failed || name.failed;
    const char *copy = name.failed ? NULL : take_text(model, dse_buf_text(&name));
    dse_buf_fini(&name);
    return copy == NULL ? "?" : copy; /* wish may be shorter-lived than the model */
}

void dse_onnx_redirect(struct dse_onnx *model, const char *from, const char *to) {
    for (int i = 0; i < dse_onnx_n_nodes(model); i++)
        for (int k = 0; k < dse_onnx_node(model, i).n_inputs; k++)
            if (strcmp(dse_onnx_node(model, i).inputs[k], from) == 0)
                dse_onnx_set_node_input(model, i, k, to);
    for (int i = 0; i < dse_onnx_n_outputs(model); i++) {
        char *copy = NULL;
        if (strcmp(dse_onnx_output_name(model, i), from) == 0 &&
            (copy = take_text(model, to)) != NULL)
            model->graph->output[i]->name = copy;
    }
}
