/* graph, inside: from the ONNX message to the graph.
 *
 * onnx_parse        bytes to message, with bounds on memory and nesting
 * onnx_names        which node or initializer makes which name; what an output needs
 * onnx_tensor       constants
 * onnx_attributes   attributes and inputs of a node
 * onnx_build        nodes and values of the graph, or constants where all operands are
 * onnx_orders       what order the axes of a value have in memory
 * onnx_sources      operators that make constants: Constant, ConstantOfShape, Shape, Cast
 * onnx_layers       convolutions, dense layers, what is folded into them
 * onnx_windows      poolings and what they share with convolutions
 * onnx_elementwise  activations, arithmetic, batch norm that stays
 * onnx_views        Reshape and its kin: the same numbers, other dimensions
 * onnx_moves        Transpose, Gather, Slice, Split
 * onnx_pad, onnx_concat
 * onnx_resize       Resize, Upsample
 * onnx_sums         MatMul of any kind, ReduceMean, Softmax
 * onnx_parameters   what training needs
 * onnx_model        a model that is edited and written (onnx_model.h)
 * onnx_import       the table of operators, the walk over the nodes, the finished graph */
#ifndef DSE_EVALUATOR_GRAPH_INTERNAL_H
#define DSE_EVALUATOR_GRAPH_INTERNAL_H

#include <onnx/onnx.pb-c.h>

#include "evaluator/graph/graph.h"

#define GRAPH__MAX_FILE_BYTES ((size_t)1 << 30)

enum {
    GRAPH__MAX_RANK = DSE_TENSOR_MAX_RANK,
    GRAPH__MAX_SETTING = 1 << 16,           /* kernel, stride, dilation, pad */
    GRAPH__MAX_EXTENT = 1 << 20,            /* of an axis */
    GRAPH__MAX_ELEMENTS = 64 * 1024 * 1024, /* of a value or a constant, and all weights */
    GRAPH__MAX_FOLDED = 1 << 16,            /* elements of a computed constant of integers */
    GRAPH__MAX_INDICES = 1 << 24,           /* places that moves of numbers list, together */
};

/* A constant. Lives in the importer's arena. */
struct graph__tensor {
    enum dse_tensor_type type;
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

/* How the numbers of a value stand in memory. A batch is 1 at import: what a network does with a
 * batch of one image, it does with each image of a larger one. */
enum graph__order {
    GRAPH__PLAIN, /* as in ONNX, the last axis fastest */
    GRAPH__IMAGE, /* dims (1, c, h, w) or (1, c, w), and in memory h, w, c */
    GRAPH__FLAT,  /* a map that was flattened: ONNX's order is (c, h, w), in memory h, w, c */
};

/* Dimensions and order: what the importer knows of a value beyond struct dse_value. */
struct graph__form {
    int rank;
    int64_t dims[GRAPH__MAX_RANK]; /* ONNX's, with the batch, which is 1 */
    enum graph__order order;
    struct dse_shape flat; /* FLAT: the map */
};

struct graph__value_facts {
    struct graph__form form;
    size_t uses; /* by needed nodes, through identities; chosen outputs count */
};

/* What a node reads or makes: a value of the graph or a constant (always PLAIN). */
struct graph__operand {
    int value; /* -1: a constant */
    struct graph__tensor *constant;
    enum dse_tensor_type type;
    struct graph__form form;
};

struct graph__import {
    const Onnx__GraphProto *onnx;
    bool keep_dropout, only_active_dropout, for_training;
    struct graph__symbol **outputs; /* asked for, in order */
    int n_outputs;
    struct dse_arena arena;
    struct graph__symbol *symbols; /* sorted by name */
    size_t n_symbols;
    bool *needed; /* a node */
    size_t n_needed;
    int64_t opset, file_batch; /* file_batch: a fixed batch of the model's input; 0: none */
    struct dse_graph *graph;
    struct graph__value_facts *facts; /* of the graph's values; owned */
    size_t room_values;               /* of values, facts and nodes */
    int first_fresh;                  /* values from here on were made by the ONNX node at work */
    size_t n_weights;                 /* so far */
    size_t n_folded_floats;           /* so far */
    size_t n_indices;                 /* so far */
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
DSE_MUST_USE enum dse_status graph__tensor_new(struct graph__import *import,
                                               enum dse_tensor_type type, int rank,
                                               const int64_t *dims, struct graph__tensor **tensor,
                                               struct dse_err *err);
/* Of a message; what names it in errors. */
DSE_MUST_USE enum dse_status graph__tensor_read(struct graph__import *import,
                                                const Onnx__TensorProto *message, const char *what,
                                                struct graph__tensor **tensor, struct dse_err *err);
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
/* It must be a constant (NULL where left out). */
DSE_MUST_USE enum dse_status graph__input_constant(struct graph__import *import,
                                                   const Onnx__NodeProto *node, size_t k,
                                                   enum dse_tensor_type type,
                                                   struct graph__tensor **tensor,
                                                   struct dse_err *err);
/* Same, where it may not be left out. */
DSE_MUST_USE enum dse_status
graph__need_constant(struct graph__import *import, const Onnx__NodeProto *node, size_t k,
                     enum dse_tensor_type type, struct graph__tensor **tensor, struct dse_err *err);

/* The node's k-th input, which must be there. */
DSE_MUST_USE enum dse_status graph__operand(struct graph__import *import,
                                            const Onnx__NodeProto *node, size_t k,
                                            struct graph__operand *operand, struct dse_err *err);
/* Same, where it must be a value of the network. */
DSE_MUST_USE enum dse_status graph__value_operand(struct graph__import *import,
                                                  const Onnx__NodeProto *node, size_t k,
                                                  struct graph__operand *operand,
                                                  struct dse_err *err);

/* ---- onnx_orders.c ---- */

struct graph__form graph__plain_form(int rank, const int64_t *dims);
/* (1, c, h, w) as an image. */
struct graph__form graph__image_form(int64_t c, int64_t h, int64_t w);
size_t graph__form_size(const struct graph__form *form);
bool graph__same_dims(const struct graph__form *a, const struct graph__form *b);
/* Would the numbers stand in ONNX's order? (An image of one pixel or one channel does.) */
bool graph__is_plain(const struct graph__form *form);
/* Is it an image of four dimensions in memory? */
bool graph__is_map(const struct graph__form *form);
/* An order for a result of these dimensions: IMAGE where a source is one and it can be, else PLAIN.
 * sources end at n; constants do not count. */
enum graph__order graph__choose_order(int rank, const int64_t *dims,
                                      const struct graph__operand *sources, size_t n);
/* Numbers in memory from one to the next along each ONNX axis. Not for FLAT. */
void graph__strides(const struct graph__form *form, int64_t *strides);
/* The ONNX axes as they follow in memory, the fastest last. Not for FLAT. */
void graph__memory_axes(const struct graph__form *form, int *axes);
/* The shape that dse_value has. */
DSE_MUST_USE enum dse_status graph__form_shape(const struct graph__form *form,
                                               struct dse_shape *shape, struct dse_err *err);
/* Makes the operand's numbers stand in this order (PLAIN or IMAGE), by a node that moves them where
 * they do not. */
DSE_MUST_USE enum dse_status graph__to_order(struct graph__import *import,
                                             const Onnx__NodeProto *node, enum graph__order order,
                                             struct graph__operand *operand, struct dse_err *err);
/* The same numbers in the same places with other dimensions. */
DSE_MUST_USE enum dse_status graph__view(struct graph__import *import, const Onnx__NodeProto *node,
                                         const struct graph__form *form,
                                         struct graph__operand *operand, struct dse_err *err);

/* ---- onnx_build.c ---- */

/* Appends the network's input. */
DSE_MUST_USE enum dse_status graph__add_input(struct graph__import *import, const char *name,
                                              const struct graph__form *form, struct dse_err *err);
/* Appends a node; result->form says what it makes and result->value gets it. content is moved in;
 * what it owns is freed on failure. */
DSE_MUST_USE enum dse_status graph__add_node(struct graph__import *import,
                                             const Onnx__NodeProto *node, struct dse_node *content,
                                             struct graph__operand *result, struct dse_err *err);
/* op (taken) of a and b (NULL: it has one source) with the form that result has: a node, or a
 * constant where all sources are. */
DSE_MUST_USE enum dse_status graph__apply(struct graph__import *import, const Onnx__NodeProto *node,
                                          struct dse_tensor_op *op, const struct graph__operand *a,
                                          const struct graph__operand *b,
                                          struct graph__operand *result, struct dse_err *err);
/* The ONNX node's k-th output is the operand. */
DSE_MUST_USE enum dse_status graph__bind(struct graph__import *import, const Onnx__NodeProto *node,
                                         size_t k, const struct graph__operand *operand,
                                         struct dse_err *err);
/* Checks an extent triple and makes a shape. */
DSE_MUST_USE enum dse_status graph__make_shape(int64_t h, int64_t w, int64_t c,
                                               struct dse_shape *shape, struct dse_err *err);
/* The CONV or DENSE node that makes the value, when only one node reads it; else NULL. */
struct dse_node *graph__sole_layer(struct graph__import *import, int value);
/* Counts numbers that the graph keeps; UNSUPPORTED above the bound. */
DSE_MUST_USE enum dse_status graph__count_weights(struct graph__import *import, size_t n,
                                                  struct dse_err *err);
/* A constant for a computed result; what is computed stays bounded. */
DSE_MUST_USE enum dse_status graph__new_result(struct graph__import *import,
                                               enum dse_tensor_type type, int rank,
                                               const int64_t *dims, struct graph__tensor **tensor,
                                               struct dse_err *err);

/* Which places of a source a result takes, axis by axis of the result. */
struct graph__places {
    int source_axis[GRAPH__MAX_RANK]; /* -1: none; every place is 0 */
    /* Along the source's axis, in the arena; DSE_TENSOR_OUTSIDE: fill. NULL: 0, 1, 2, ... */
    int64_t *places[GRAPH__MAX_RANK];
};
/* 0, 1, 2, ... extent - 1 */
DSE_MUST_USE enum dse_status graph__list_places(struct graph__import *import, int64_t extent,
                                                int64_t **places, struct dse_err *err);
/* Every axis of the source as it is. */
struct graph__places graph__same_places(void);
/* The node's first input, without the order of a flattened map, which has no axes. */
DSE_MUST_USE enum dse_status graph__moved_operand(struct graph__import *import,
                                                  const Onnx__NodeProto *node,
                                                  struct graph__operand *operand,
                                                  struct dse_err *err);
/* The node's output takes places of source and has these dimensions. */
DSE_MUST_USE enum dse_status graph__take_and_bind(struct graph__import *import,
                                                  const Onnx__NodeProto *node,
                                                  const struct graph__operand *source,
                                                  const struct graph__places *places, double fill,
                                                  const int64_t *dims, struct dse_err *err);
/* result (its form given) takes places of source, which is not FLAT. */
DSE_MUST_USE enum dse_status graph__take(struct graph__import *import, const Onnx__NodeProto *node,
                                         const struct graph__operand *source,
                                         const struct graph__places *places, double fill,
                                         struct graph__operand *result, struct dse_err *err);

/* ---- onnx_parameters.c ---- */

/* What training needs; without options.for_training nothing is remembered. */
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
/* numbers: gamma, beta, mean, variance, as many as the operand has channels. It becomes the result.
 */
DSE_MUST_USE enum dse_status graph__keep_batch_norm(struct graph__import *import,
                                                    const Onnx__NodeProto *node,
                                                    const float *const numbers[DSE_PARAMETERS],
                                                    float epsilon, struct graph__operand *operand,
                                                    struct dse_err *err);

/* ---- operators ---- */

/* The operator that each of these imports stands in onnx_operators.h. */
#include "evaluator/graph/onnx_operators.h"
typedef enum dse_status (*graph__import_fn)(struct graph__import *import,
                                            const Onnx__NodeProto *node, struct dse_err *err);
#define X(name, least, most, attributes, function)                         \
    enum dse_status graph__import_##function(struct graph__import *import, \
                                             const Onnx__NodeProto *node, struct dse_err *err);
GRAPH__OPERATORS(X)
#undef X

/* Where a sliding window stands along height and width. */
struct graph__window {
    int kernel[2], stride[2], dilation[2];
    int pad_before[2], pad_after[2];
    int64_t out[2];
};
/* Filled from kernel_shape (kernel NULL: it must be there), strides, dilations, pads, auto_pad and
 * ceil_mode of a node with an image of that form. */
DSE_MUST_USE enum dse_status graph__read_window(const Onnx__NodeProto *node,
                                                const struct graph__form *image, const int *kernel,
                                                struct graph__window *window, struct dse_err *err);
/* The same without pads and positions. */
DSE_MUST_USE enum dse_status graph__read_kernel(const Onnx__NodeProto *node,
                                                const struct graph__form *image, const int *kernel,
                                                struct graph__window *window, struct dse_err *err);
/* Height and width of an image; a height that is left out is 1. */
void graph__image_extents(const struct graph__form *image, int64_t extents[2]);
/* Numbers of an attribute for height and width (n 2), or for both ends (n 4: top, left, bottom,
 * right), where an image without height has half as many. */
DSE_MUST_USE enum dse_status graph__get_pair(const Onnx__NodeProto *node, const char *name,
                                             const struct graph__form *image, size_t n,
                                             int64_t fallback, int64_t low, int *values,
                                             struct dse_err *err);
/* An image as input: four dimensions, or three of which the height is left out. */
DSE_MUST_USE enum dse_status graph__image_operand(struct graph__import *import,
                                                  const Onnx__NodeProto *node, size_t k,
                                                  struct graph__operand *operand,
                                                  struct dse_err *err);
/* The form of an image made of that one: as many dimensions. */
struct graph__form graph__like_image(const struct graph__form *image, int64_t c, int64_t h,
                                     int64_t w);

/* The operand with these dimensions, as Reshape and its kin make it. */
DSE_MUST_USE enum dse_status graph__reshape(struct graph__import *import,
                                            const Onnx__NodeProto *node, int rank,
                                            const int64_t *dims, struct graph__operand *operand,
                                            struct dse_err *err);
/* y = a (how) b with broadcasting. */
DSE_MUST_USE enum dse_status graph__binary(struct graph__import *import,
                                           const Onnx__NodeProto *node, enum dse_tensor_binary how,
                                           const struct graph__operand *a,
                                           const struct graph__operand *b,
                                           struct graph__operand *result, struct dse_err *err);
/* Product of two operands of at least one dimension each, as ONNX's MatMul. */
DSE_MUST_USE enum dse_status graph__multiply(struct graph__import *import,
                                             const Onnx__NodeProto *node,
                                             const struct graph__operand *a,
                                             const struct graph__operand *b,
                                             struct graph__operand *result, struct dse_err *err);
/* A constant of one float. */
DSE_MUST_USE enum dse_status graph__scalar(struct graph__import *import, float number,
                                           struct graph__operand *operand, struct dse_err *err);
/* The axes in the operand with these two exchanged. */
DSE_MUST_USE enum dse_status graph__swap_axes(struct graph__import *import,
                                              const Onnx__NodeProto *node, int a, int b,
                                              struct graph__operand *operand, struct dse_err *err);
/* An axis -rank..rank-1 as 0..rank-1. */
DSE_MUST_USE enum dse_status graph__resolve_axis(int64_t axis, int rank, int *resolved,
                                                 struct dse_err *err);
/* Bit i: axis i of a tensor of that rank is in the list; each once. */
DSE_MUST_USE enum dse_status graph__resolve_axes(const struct graph__tensor *axes, int rank,
                                                 unsigned *set, struct dse_err *err);

#endif
