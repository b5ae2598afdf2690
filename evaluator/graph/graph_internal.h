/* graph, inside: from the ONNX message to the graph.
 *
 * onnx_parse    bytes to message, with bounds on memory and nesting
 * onnx_names    which node or initializer makes which name; what an output needs
 * onnx_tensor   constants
 * onnx_fold     operators on constants, computed at import
 * onnx_layers   convolutions, dense layers, batch norm, additions
 * onnx_shapes   poolings, flatten, pad, slice
 * onnx_model    a model that is edited and written (onnx_model.h)
 * onnx_import   the table of operators, the walk over the nodes, the finished graph */
#ifndef DSE_EVALUATOR_GRAPH_INTERNAL_H
#define DSE_EVALUATOR_GRAPH_INTERNAL_H

#include <onnx/onnx.pb-c.h>

#include "evaluator/graph/graph.h"

#define GRAPH__MAX_FILE_BYTES ((size_t)1 << 30)
enum {
    GRAPH__MAX_RANK = 8,
    GRAPH__MAX_SETTING = 1 << 16,           /* kernel, stride, dilation, pad */
    GRAPH__MAX_EXTENT = 1 << 20,            /* of an axis */
    GRAPH__MAX_ELEMENTS = 64 * 1024 * 1024, /* of a value or a constant, and all weights */
    GRAPH__MAX_FOLDED = 1 << 16,            /* elements of a computed constant of integers */
};

/* A constant. Lives in the importer's arena. */
enum graph__type { GRAPH__F32, GRAPH__I64 };
struct graph__tensor {
    enum graph__type type;
    int rank;
    int64_t dims[GRAPH__MAX_RANK];
    size_t n; /* elements */
    union {
        float *f32;
        int64_t *i64;
        void *data;
    };
};

/* A name of the ONNX graph and what it stands for. */
struct graph__symbol {
    const char *name;
    size_t node; /* that makes it; SIZE_MAX: an input or initializer */
    const Onnx__TensorProto *initializer;
    const Onnx__ValueInfoProto *input;
    size_t uses;                    /* by needed nodes */
    int value;                      /* in the graph; -1: not (yet) */
    bool drops;                     /* has a Dropout been left out right before it? */
    float rate;                     /* of that Dropout */
    bool is_mask;                   /* the second output of a Dropout; only a Where may read it */
    struct graph__tensor *constant; /* NULL: not (yet) */
};

/* What the importer knows of a value beyond struct dse_value. */
struct graph__value_facts {
    int rank;              /* 4, or 2 after a flatten */
    struct dse_shape flat; /* map that was flattened: ONNX's order of its elements is (c, h, w) */
    size_t uses;           /* by needed nodes, through identities; chosen outputs count */
};

struct graph__import {
    const Onnx__GraphProto *onnx;
    bool keep_dropout, for_training;
    struct graph__symbol **outputs; /* asked for, in order */
    int n_outputs;
    struct dse_arena arena;
    struct graph__symbol *symbols; /* sorted by name */
    size_t n_symbols;
    bool *needed; /* a node */
    size_t n_needed;
    struct dse_graph *graph; /* with room for n_needed nodes and n_needed + 1 values */
    struct graph__value_facts *facts;
    size_t n_weights;       /* so far */
    size_t n_folded_floats; /* so far */
};

/* ---- onnx_parse.c ---- */

/* An ONNX message, its memory and the account of it. */
struct graph__message {
    Onnx__ModelProto *model;
    struct dse_arena arena;
    ProtobufCAllocator allocator;
    struct graph__account {
        struct dse_arena *arena;
        size_t left_bytes;
        bool exceeded, out_of_memory;
    } account;
};
/* message must stay where it is until graph__message_fini. */
DSE_MUST_USE enum dse_status graph__message_init(struct graph__message *message, const void *bytes,
                                                 size_t size, struct dse_err *err);
void graph__message_fini(struct graph__message *message);

/* Operator set of ONNX's own domain; 0: none is given. */
int64_t graph__opset(const Onnx__ModelProto *model);
/* Has it a graph, and an operator set that is new enough? */
DSE_MUST_USE enum dse_status graph__check_model(const Onnx__ModelProto *model, struct dse_err *err);
/* Names of a stranger's file in a message that goes to a terminal. */
void graph__clean_message(struct dse_err *err);
/* "" and "ai.onnx" */
bool graph__is_default_domain(const char *domain);

/* ---- onnx_names.c ---- */

/* The text of an optional string field. */
const char *graph__text(const char *field);
/* Name of a node for people: its own, or that of its first output. */
const char *graph__node_name(const Onnx__NodeProto *node);
/* Fills symbols, outputs, needed, n_needed and the uses; NOT_FOUND for an unknown output. */
DSE_MUST_USE enum dse_status graph__names_collect(struct graph__import *import,
                                                  const struct dse_graph_options *options,
                                                  struct dse_err *err);
/* NULL when there is none. */
struct graph__symbol *graph__names_find(const struct graph__import *import, const char *name);

/* ---- onnx_tensor.c ---- */

/* A tensor with room for its elements (zeros). */
DSE_MUST_USE enum dse_status graph__tensor_new(struct graph__import *import, enum graph__type type,
                                               int rank, const int64_t *dims,
                                               struct graph__tensor **tensor, struct dse_err *err);
/* Of a message; what names it in errors. */
DSE_MUST_USE enum dse_status graph__tensor_read(struct graph__import *import,
                                                const Onnx__TensorProto *message, const char *what,
                                                struct graph__tensor **tensor, struct dse_err *err);
size_t graph__element_size(enum graph__type type);
/* Number of elements of dims, INVALID when one is negative, UNSUPPORTED above the bound. */
DSE_MUST_USE enum dse_status graph__count(int rank, const int64_t *dims, size_t *n,
                                          struct dse_err *err);

/* ---- onnx_attributes.c: attributes and inputs of a node ---- */

DSE_MUST_USE bool graph__has_attribute(const Onnx__NodeProto *node, const char *name);
DSE_MUST_USE enum dse_status graph__get_int(const Onnx__NodeProto *node, const char *name,
                                            int64_t fallback, int64_t *value, struct dse_err *err);
/* Exactly n numbers, each low..high; fallback for each where the attribute is missing. */
DSE_MUST_USE enum dse_status graph__get_ints(const Onnx__NodeProto *node, const char *name,
                                             size_t n, int64_t fallback, int64_t low, int64_t high,
                                             int *values, struct dse_err *err);
DSE_MUST_USE enum dse_status graph__get_float(const Onnx__NodeProto *node, const char *name,
                                              float fallback, float *value, struct dse_err *err);
DSE_MUST_USE enum dse_status graph__get_text(const Onnx__NodeProto *node, const char *name,
                                             const char *fallback, char *value, size_t size,
                                             struct dse_err *err);
DSE_MUST_USE enum dse_status graph__get_tensor(struct graph__import *import,
                                               const Onnx__NodeProto *node, const char *name,
                                               struct graph__tensor **tensor, struct dse_err *err);
/* Integers that newer operator sets take as input k and older ones as an attribute; *tensor is
 * NULL where both are missing. One-dimensional. */
DSE_MUST_USE enum dse_status graph__get_list(struct graph__import *import,
                                             const Onnx__NodeProto *node, const char *attribute,
                                             size_t k, struct graph__tensor **tensor,
                                             struct dse_err *err);

/* The node's k-th input; NULL symbol where it is left out. Fails when nothing has made it. */
DSE_MUST_USE enum dse_status graph__input(struct graph__import *import, const Onnx__NodeProto *node,
                                          size_t k, struct graph__symbol **symbol,
                                          struct dse_err *err);
/* It must be a value of the network / a constant (NULL where left out). */
DSE_MUST_USE enum dse_status graph__input_value(struct graph__import *import,
                                                const Onnx__NodeProto *node, size_t k, int *value,
                                                struct dse_err *err);
DSE_MUST_USE enum dse_status
graph__input_constant(struct graph__import *import, const Onnx__NodeProto *node, size_t k,
                      enum graph__type type, struct graph__tensor **tensor, struct dse_err *err);
/* Same, where it may not be left out. */
DSE_MUST_USE enum dse_status
graph__need_constant(struct graph__import *import, const Onnx__NodeProto *node, size_t k,
                     enum graph__type type, struct graph__tensor **tensor, struct dse_err *err);

/* ---- onnx_import.c ---- */

/* Appends a node of the graph whose value the ONNX node's first output names. node_struct is
 * moved in (its name and output are filled in here). */
DSE_MUST_USE enum dse_status graph__add_node(struct graph__import *import,
                                             const Onnx__NodeProto *node,
                                             const struct dse_node *content, struct dse_shape shape,
                                             int rank, struct dse_shape flat, struct dse_err *err);
/* The first output of the ONNX node is an existing value. */
void graph__define_alias(struct graph__import *import, const Onnx__NodeProto *node, int value);
/* Checks an extent triple and makes a shape. */
DSE_MUST_USE enum dse_status graph__make_shape(int64_t h, int64_t w, int64_t c,
                                               struct dse_shape *shape, struct dse_err *err);
/* The CONV or DENSE node that makes the value, when only one node reads it; else NULL. */
struct dse_node *graph__sole_layer(struct graph__import *import, int value);

/* ---- operators ---- */

typedef enum dse_status (*graph__import_fn)(struct graph__import *import,
                                            const Onnx__NodeProto *node, struct dse_err *err);
typedef enum dse_status (*graph__fold_fn)(struct graph__import *import, const Onnx__NodeProto *node,
                                          struct graph__tensor **out, struct dse_err *err);

/* onnx_layers.c */
enum dse_status graph__import_conv(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err);
enum dse_status graph__import_gemm(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err);
enum dse_status graph__import_matmul(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct dse_err *err);
enum dse_status graph__import_batch_norm(struct graph__import *import, const Onnx__NodeProto *node,
                                         struct dse_err *err);
enum dse_status graph__import_add(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err);
enum dse_status graph__import_relu(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct dse_err *err);
enum dse_status graph__import_identity(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err);
enum dse_status graph__import_dropout(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err);
enum dse_status graph__import_where(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err);

/* onnx_parameters.c: what training needs; without options.for_training nothing is remembered. */
/* Names of the constants that are inputs 1 .. n of the node. names is filled as far as it came. */
DSE_MUST_USE enum dse_status graph__remember_names(struct graph__import *import,
                                                   const Onnx__NodeProto *node, int n,
                                                   struct dse_parameter_names *names,
                                                   struct dse_err *err);
/* The constant that an Add gives to a layer is its bias. */
DSE_MUST_USE enum dse_status graph__remember_bias(struct graph__import *import,
                                                  const Onnx__NodeProto *node,
                                                  const struct graph__tensor *numbers,
                                                  struct dse_node *layer, struct dse_err *err);
/* numbers: gamma, beta, mean, variance, as many as the value has channels. */
DSE_MUST_USE enum dse_status graph__keep_batch_norm(struct graph__import *import,
                                                    const Onnx__NodeProto *node, int value,
                                                    const float *const numbers[DSE_PARAMETERS],
                                                    float epsilon, struct dse_err *err);

/* onnx_shapes.c */
/* Where a sliding window stands: filled from kernel_shape (0, 0: from the attribute), strides,
 * dilations, pads and auto_pad; *out_h and *out_w are the output's extents. */
struct graph__window {
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int pad_top, pad_left, pad_bottom, pad_right;
    int64_t out_h, out_w;
};
DSE_MUST_USE enum dse_status graph__read_window(const Onnx__NodeProto *node, struct dse_shape input,
                                                int kernel_h, int kernel_w,
                                                struct graph__window *window, struct dse_err *err);
enum dse_status graph__import_average_pool(struct graph__import *import,
                                           const Onnx__NodeProto *node, struct dse_err *err);
enum dse_status graph__import_global_average_pool(struct graph__import *import,
                                                  const Onnx__NodeProto *node, struct dse_err *err);
enum dse_status graph__import_max_pool(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err);
enum dse_status graph__import_flatten(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err);
enum dse_status graph__import_reshape(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct dse_err *err);
enum dse_status graph__import_pad(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct dse_err *err);
enum dse_status graph__import_slice(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err);

/* onnx_fold.c */
enum dse_status graph__fold_constant(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_constant_of_shape(struct graph__import *import,
                                              const Onnx__NodeProto *node,
                                              struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_concat(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_reshape(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_transpose(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_cast(struct graph__import *import, const Onnx__NodeProto *node,
                                 struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_slice(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_gather(struct graph__import *import, const Onnx__NodeProto *node,
                                   struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_squeeze(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_unsqueeze(struct graph__import *import, const Onnx__NodeProto *node,
                                      struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_shape(struct graph__import *import, const Onnx__NodeProto *node,
                                  struct graph__tensor **out, struct dse_err *err);
enum dse_status graph__fold_identity(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct graph__tensor **out, struct dse_err *err);

/* One axis of a Slice, resolved against an extent: first index, step and number of indices. */
struct graph__range {
    int64_t first, step, count;
};
/* Starts, ends, axes, steps of a Slice node on a tensor of those extents; ranges[rank]. */
DSE_MUST_USE enum dse_status graph__read_slice(struct graph__import *import,
                                               const Onnx__NodeProto *node, int rank,
                                               const int64_t *dims, struct graph__range *ranges,
                                               struct dse_err *err);
/* An axis -rank..rank-1 as 0..rank-1. */
DSE_MUST_USE enum dse_status graph__resolve_axis(int64_t axis, int rank, int *resolved,
                                                 struct dse_err *err);

#endif
