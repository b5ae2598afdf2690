/* Attributes and inputs of an ONNX node, checked. */
#include "evaluator/graph/graph_internal.h"

#include <stdio.h>
#include <string.h>

static const Onnx__AttributeProto *find_attribute(const Onnx__NodeProto *node, const char *name) {
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(graph__text(node->attribute[i]->name), name) == 0)
            return node->attribute[i];
    return NULL;
}

bool graph__has_attribute(const Onnx__NodeProto *node, const char *name) {
    return find_attribute(node, name) != NULL;
}

/* *attribute is NULL where the node has none of that name. */
static enum dse_status get_attribute(const Onnx__NodeProto *node, const char *name,
                                     Onnx__AttributeProto__AttributeType type,
                                     const Onnx__AttributeProto **attribute, struct dse_err *err) {
    const Onnx__AttributeProto *found = find_attribute(node, name);
    if (found != NULL && (!found->has_type || found->type != type))
        DSE_FAIL(err, DSE_INVALID, "attribute '%s' has the wrong type", name);
    *attribute = found;
    return DSE_OK;
}

enum dse_status graph__get_int(const Onnx__NodeProto *node, const char *name, int64_t fallback,
                               int64_t *value, struct dse_err *err) {
    const Onnx__AttributeProto *attribute = NULL;
    DSE_TRY(get_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, &attribute, err));
    *value = attribute == NULL ? fallback : attribute->i;
    return DSE_OK;
}

enum dse_status graph__get_ints(const Onnx__NodeProto *node, const char *name, size_t n,
                                int64_t fallback, int64_t low, int64_t high, int *values,
                                struct dse_err *err) {
    const Onnx__AttributeProto *attribute = NULL;
    DSE_TRY(
        get_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, &attribute, err));
    if (attribute != NULL && attribute->n_ints != n)
        DSE_FAIL(err, DSE_UNSUPPORTED, "attribute '%s' has %zu numbers; only %zu are supported",
                 name, attribute->n_ints, n);
    for (size_t i = 0; i < n; i++) {
        int64_t value = attribute == NULL ? fallback : attribute->ints[i];
        if (value < low || value > high)
            DSE_FAIL(err, DSE_UNSUPPORTED, "attribute '%s' has %lld; supported are %lld to %lld",
                     name, (long long)value, (long long)low, (long long)high);
    }
    for (size_t i = 0; i < n; i++)
        values[i] = (int)(attribute == NULL ? fallback : attribute->ints[i]);
    return DSE_OK;
}

enum dse_status graph__get_float(const Onnx__NodeProto *node, const char *name, float fallback,
                                 float *value, struct dse_err *err) {
    const Onnx__AttributeProto *attribute = NULL;
    DSE_TRY(
        get_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, &attribute, err));
    *value = attribute == NULL ? fallback : attribute->f;
    return DSE_OK;
}

enum dse_status graph__get_text(const Onnx__NodeProto *node, const char *name, const char *fallback,
                                char *value, size_t size, struct dse_err *err) {
    const Onnx__AttributeProto *attribute = NULL;
    DSE_TRY(
        get_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING, &attribute, err));
    if (attribute == NULL)
        (void)snprintf(value, size, "%s", fallback);
    else
        (void)snprintf(value, size, "%.*s",
                       (int)(attribute->s.len < size ? attribute->s.len : size - 1),
                       attribute->s.data == NULL ? "" : (const char *)attribute->s.data);
    return DSE_OK;
}

static enum dse_status copy_list(struct graph__import *import,
                                 const Onnx__AttributeProto *attribute,
                                 struct graph__tensor **tensor, struct dse_err *err) {
    int64_t n = (int64_t)attribute->n_ints;
    DSE_TRY(graph__tensor_new(import, DSE_TENSOR_I64, 1, &n, tensor, err));
    if (n > 0)
        memcpy((*tensor)->i64, attribute->ints, (size_t)n * sizeof(int64_t));
    return DSE_OK;
}

/* As a tensor: a number, a list of numbers or a tensor. */
enum dse_status graph__get_tensor(struct graph__import *import, const Onnx__NodeProto *node,
                                  const char *name, struct graph__tensor **tensor,
                                  struct dse_err *err) {
    const Onnx__AttributeProto *attribute = find_attribute(node, name);
    if (attribute == NULL)
        DSE_FAIL(err, DSE_INVALID, "attribute '%s' is missing", name);
    int64_t n = 0;
    switch (attribute->has_type ? attribute->type : 0) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        if (attribute->t == NULL)
            DSE_FAIL(err, DSE_INVALID, "attribute '%s' is empty", name);
        return graph__tensor_read(import, attribute->t, name, tensor, err);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        return copy_list(import, attribute, tensor, err);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        DSE_TRY(graph__tensor_new(import, DSE_TENSOR_I64, 0, NULL, tensor, err));
        (*tensor)->i64[0] = attribute->i;
        return DSE_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        DSE_TRY(graph__tensor_new(import, DSE_TENSOR_F32, 0, NULL, tensor, err));
        (*tensor)->f32[0] = attribute->f;
        return DSE_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        n = (int64_t)attribute->n_floats;
        DSE_TRY(graph__tensor_new(import, DSE_TENSOR_F32, 1, &n, tensor, err));
        if (n > 0)
            memcpy((*tensor)->f32, attribute->floats, (size_t)n * sizeof(float));
        return DSE_OK;
    default:
        DSE_FAIL(err, DSE_UNSUPPORTED, "attribute '%s' has a type that is not supported", name);
    }
}

enum dse_status graph__get_list(struct graph__import *import, const Onnx__NodeProto *node,
                                const char *name, size_t k, struct graph__tensor **tensor,
                                struct dse_err *err) {
    const Onnx__AttributeProto *attribute = NULL;
    struct graph__tensor *found = NULL;
    DSE_TRY(
        get_attribute(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, &attribute, err));
    if (attribute != NULL)
        DSE_TRY(copy_list(import, attribute, &found, err));
    else
        DSE_TRY(graph__input_constant(import, node, k, DSE_TENSOR_I64, &found, err));
    if (found != NULL && found->rank > 1)
        DSE_FAIL(err, DSE_INVALID, "'%s' must be a list", name);
    *tensor = found;
    return DSE_OK;
}

/* ---- inputs ---- */

enum dse_status graph__input(struct graph__import *import, const Onnx__NodeProto *node, size_t k,
                             struct graph__symbol **symbol, struct dse_err *err) {
    const char *name = k < node->n_input ? graph__text(node->input[k]) : "";
    if (*name == '\0') {
        *symbol = NULL;
        return DSE_OK;
    }
    struct graph__symbol *found = graph__names_find(import, name);
    if (found == NULL)
        DSE_FAIL(err, DSE_INVALID, "reads '%s', which nothing computes", name);
    if (found->initializer != NULL && found->constant == NULL)
        DSE_TRY(graph__tensor_read(import, found->initializer, name, &found->constant, err));
    if (found->value < 0 && found->constant == NULL)
        DSE_FAIL(err, DSE_INVALID, "reads '%s', which no node before it computes", name);
    if (found->is_mask && strcmp(graph__text(node->op_type), "Where") != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "reads '%s', the mask of a Dropout", name);
    *symbol = found;
    return DSE_OK;
}

enum dse_status graph__input_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                      size_t k, enum dse_tensor_type type,
                                      struct graph__tensor **tensor, struct dse_err *err) {
    struct graph__symbol *symbol = NULL;
    DSE_TRY(graph__input(import, node, k, &symbol, err));
    if (symbol == NULL) {
        *tensor = NULL;
        return DSE_OK;
    }
    if (symbol->constant == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "'%s' must be a constant, not computed from the image",
                 symbol->name);
    if (symbol->constant->type != type)
        DSE_FAIL(err, DSE_INVALID, "'%s' must be of type %s", symbol->name,
                 type == DSE_TENSOR_F32 ? "float32" : "int64");
    *tensor = symbol->constant;
    return DSE_OK;
}

enum dse_status graph__need_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                     size_t k, enum dse_tensor_type type,
                                     struct graph__tensor **tensor, struct dse_err *err) {
    struct graph__tensor *found = NULL;
    DSE_TRY(graph__input_constant(import, node, k, type, &found, err));
    if (found == NULL)
        DSE_FAIL(err, DSE_INVALID, "input %zu is missing", k + 1);
    *tensor = found;
    return DSE_OK;
}

enum dse_status graph__operand(struct graph__import *import, const Onnx__NodeProto *node, size_t k,
                               struct graph__operand *operand, struct dse_err *err) {
    struct graph__symbol *symbol = NULL;
    DSE_TRY(graph__input(import, node, k, &symbol, err));
    if (symbol == NULL)
        DSE_FAIL(err, DSE_INVALID, "input %zu is missing", k + 1);
    struct graph__operand found = {.value = symbol->value, .constant = symbol->constant};
    if (found.constant != NULL) {
        found.value = -1;
        found.type = found.constant->type;
        found.form = graph__plain_form(found.constant->rank, found.constant->dims);
    } else {
        found.type = DSE_TENSOR_F32;
        found.form = import->facts[found.value].form;
    }
    *operand = found;
    return DSE_OK;
}

enum dse_status graph__value_operand(struct graph__import *import, const Onnx__NodeProto *node,
                                     size_t k, struct graph__operand *operand,
                                     struct dse_err *err) {
    struct graph__operand found;
    DSE_TRY(graph__operand(import, node, k, &found, err));
    if (found.value < 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "input %zu is a constant", k + 1);
    *operand = found;
    return DSE_OK;
}
