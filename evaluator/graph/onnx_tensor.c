/* Constants: from TensorProto messages, checked against the data actually present. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian");

/* Dimensions of an empty tensor are bounded too, so that strides and broadcasts of all fit. */
enum dse_status graph__count(int rank, const int64_t *dims, size_t *n, struct dse_err *err) {
    size_t product = 1;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0)
            DSE_FAIL(err, DSE_INVALID, "dimension %d is negative (%lld)", i, (long long)dims[i]);
        empty = empty || dims[i] == 0;
        if (dims[i] != 0 && (__builtin_mul_overflow(product, (size_t)dims[i], &product) ||
                             product > GRAPH__MAX_ELEMENTS))
            DSE_FAIL(err, DSE_UNSUPPORTED, "more than %d elements", GRAPH__MAX_ELEMENTS);
    }
    *n = empty ? 0 : product;
    return DSE_OK;
}

enum dse_status graph__tensor_new(struct graph__import *import, enum dse_tensor_type type, int rank,
                                  const int64_t *dims, struct graph__tensor **tensor,
                                  struct dse_err *err) {
    if (rank > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "a tensor of more than %d dimensions", GRAPH__MAX_RANK);
    size_t n = 0;
    DSE_TRY(graph__count(rank, dims, &n, err));
    struct graph__tensor *made = dse_arena_alloc(&import->arena, 1, sizeof *made);
    void *data = dse_arena_alloc(&import->arena, n, dse_tensor_type_size(type));
    if (made == NULL || data == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a tensor of %zu elements", n);
    made->type = type;
    made->rank = rank;
    for (int i = 0; i < rank; i++)
        made->dims[i] = dims[i];
    made->n = n;
    made->data = data;
    *tensor = made;
    return DSE_OK;
}

/* ---- the types of TensorProto that are read ---- */

static void copy_float(const Onnx__TensorProto *message, struct graph__tensor *to) {
    if (message->has_raw_data)
        memcpy(to->f32, message->raw_data.data, to->n * sizeof(float));
    else
        memcpy(to->f32, message->float_data, to->n * sizeof(float));
}

static void copy_int64(const Onnx__TensorProto *message, struct graph__tensor *to) {
    if (message->has_raw_data)
        memcpy(to->i64, message->raw_data.data, to->n * sizeof(int64_t));
    else
        memcpy(to->i64, message->int64_data, to->n * sizeof(int64_t));
}

static void copy_int32(const Onnx__TensorProto *message, struct graph__tensor *to) {
    for (size_t i = 0; i < to->n; i++) {
        int32_t x;
        if (message->has_raw_data)
            memcpy(&x, message->raw_data.data + i * sizeof x, sizeof x);
        else
            x = message->int32_data[i];
        to->i64[i] = x;
    }
}

static void copy_bool(const Onnx__TensorProto *message, struct graph__tensor *to) {
    for (size_t i = 0; i < to->n; i++)
        to->i64[i] =
            message->has_raw_data ? message->raw_data.data[i] != 0 : message->int32_data[i] != 0;
}

enum field { FLOAT_DATA, INT32_DATA, INT64_DATA };

static const struct element {
    int32_t onnx;
    enum dse_tensor_type type;
    size_t raw_bytes;
    enum field field;
    void (*copy)(const Onnx__TensorProto *message, struct graph__tensor *to);
} elements[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, DSE_TENSOR_F32, 4, FLOAT_DATA, copy_float},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, DSE_TENSOR_I64, 8, INT64_DATA, copy_int64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, DSE_TENSOR_I64, 4, INT32_DATA, copy_int32},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, DSE_TENSOR_I64, 1, INT32_DATA, copy_bool},
};

static const struct element *find_element(int32_t type) {
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].onnx == type)
            return &elements[i];
    return NULL;
}

static size_t field_length(const Onnx__TensorProto *message, enum field field) {
    switch (field) {
    case FLOAT_DATA:
        return message->n_float_data;
    case INT32_DATA:
        return message->n_int32_data;
    default:
        return message->n_int64_data;
    }
}

static enum dse_status check_data(const Onnx__TensorProto *message, const struct element *element,
                                  size_t n, struct dse_err *err) {
    if (message->has_data_location &&
        message->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        DSE_FAIL(err, DSE_UNSUPPORTED,
                 "its data is in another file; save the model with its weights inside");
    if (message->segment != NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it is stored in segments");
    if (message->has_raw_data) {
        if (message->raw_data.len != n * element->raw_bytes)
            DSE_FAIL(err, DSE_INVALID, "raw_data has %zu bytes where its dimensions need %zu",
                     message->raw_data.len, n * element->raw_bytes);
        return DSE_OK;
    }
    size_t length = field_length(message, element->field);
    if (length != n)
        DSE_FAIL(err, DSE_INVALID, "it has %zu elements where its dimensions need %zu", length, n);
    return DSE_OK;
}

static enum dse_status read_message(struct graph__import *import, const Onnx__TensorProto *message,
                                    struct graph__tensor **tensor, struct dse_err *err) {
    const struct element *element = find_element(message->has_data_type ? message->data_type : 0);
    if (element == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "element type %d (supported: float32, int64, int32, bool)",
                 message->has_data_type ? message->data_type : 0);
    if (message->n_dims > GRAPH__MAX_RANK)
        DSE_FAIL(err, DSE_UNSUPPORTED, "more than %d dimensions", GRAPH__MAX_RANK);
    int rank = (int)message->n_dims;
    size_t n = 0;
    DSE_TRY(graph__count(rank, message->dims, &n, err));
    DSE_TRY(check_data(message, element, n, err));
    struct graph__tensor *made = NULL;
    DSE_TRY(graph__tensor_new(import, element->type, rank, message->dims, &made, err));
    if (n > 0)
        element->copy(message, made);
    *tensor = made;
    return DSE_OK;
}

enum dse_status graph__tensor_read(struct graph__import *import, const Onnx__TensorProto *message,
                                   const char *what, struct graph__tensor **tensor,
                                   struct dse_err *err) {
    enum dse_status status = read_message(import, message, tensor, err);
    if (status != DSE_OK)
        dse_err_prefix(err, "constant '%s'", what);
    return status;
}
