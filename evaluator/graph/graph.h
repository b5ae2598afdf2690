/* graph: a network as data. Read from ONNX, constants folded, batch norm folded into convolutions,
 * reduced to what its outputs need.
 *
 * Layout is NHWC throughout: a value is [image][h][w][c] in float32. Dense layers are 1x1
 * convolutions on 1x1 images; the columns of a dense layer after a flatten are permuted from ONNX's
 * (c, h, w) to (h, w, c) at import, so flatten moves nothing. */
#ifndef DSE_EVALUATOR_GRAPH_H
#define DSE_EVALUATOR_GRAPH_H

#include "base/base.h"
#include "evaluator/tensor/tensor.h"

/* Operators of the graph after import: X(name, text). ADD is of two values of one shape; an
 * ACTIVATION is any element-wise function but Relu; FLATTEN is the same numbers with other
 * dimensions; TENSOR is everything else. */
#define DSE_OP_TABLE(X)                \
    X(CONV, "Conv")                    \
    X(DENSE, "Gemm")                   \
    X(CONV_TRANSPOSE, "ConvTranspose") \
    X(NORM, "BatchNormalization")      \
    X(ADD, "Add")                      \
    X(RELU, "Relu")                    \
    X(ACTIVATION, "Activation")        \
    X(AVGPOOL, "AveragePool")          \
    X(MAXPOOL, "MaxPool")              \
    X(PAD, "Pad")                      \
    X(SLICE, "Slice")                  \
    X(FLATTEN, "Flatten")              \
    X(TENSOR, "Tensor")
enum dse_op {
#define X(name, text) DSE_OP_##name,
    DSE_OP_TABLE(X)
#undef X
        DSE_OP_COUNT
};
const char *dse_op_text(enum dse_op op);

/* Of one image. */
struct dse_shape {
    int h, w, c;
};

/* Axes of PAD and SLICE, in memory order. */
enum { DSE_AXIS_H, DSE_AXIS_W, DSE_AXIS_C, DSE_AXES };

/* Constants of the model that a node's numbers come from, so that trained numbers can be written
 * back; NULL for numbers the model does not have. CONV and DENSE: weights, bias. NORM: gamma, beta,
 * mean, variance. Owned by the graph. */
enum { DSE_PARAMETERS = 4 };
struct dse_parameter_names {
    char *of[DSE_PARAMETERS];
    int rank;              /* CONV and CONV_TRANSPOSE: dimensions of the weights there, 3 or 4 */
    bool inputs_first;     /* DENSE: do the weights stand as [ic][oc] there? */
    struct dse_shape flat; /* DENSE: the map that was flattened; ONNX's order is (c, h, w) */
};

/* CONV, DENSE and CONV_TRANSPOSE. Owned by the graph. A dense layer is a convolution of 1x1; where
 * its input has several rows (a MatMul of three dimensions), they are the image's. */
struct dse_conv_node {
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, groups;
    int pad_top, pad_left, pad_bottom, pad_right;
    float *weights; /* [oc][kernel_h][kernel_w][ic / groups]; of CONV_TRANSPOSE, which is the
                       transpose of such, [kernel_h][kernel_w][ic][oc / groups] */
    float *bias;    /* [oc]; zeros where the model has none */
    bool drops;     /* does a Dropout of the model stand on its input? (options.keep_dropout) */
    float rate;     /* of that Dropout */
    struct dse_parameter_names names; /* options.for_training */
};

/* NORM, where options.for_training keeps it: (x - mean) / sqrt(variance + epsilon) * gamma + beta
 * for each channel. The four arrays are one block, in the order of names. */
struct dse_norm_node {
    float *gamma, *beta, *mean, *variance; /* [c] */
    float epsilon;
    float momentum; /* of the running mean and variance; ONNX: share that stays */
    struct dse_parameter_names names;
};

/* AVGPOOL and MAXPOOL. Average pooling divides by the pixels of the window inside the image with
 * its padding, or where exclude_padding, inside the image. */
struct dse_pool_node {
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int pad_top, pad_left, pad_bottom, pad_right;
    bool exclude_padding;
};

struct dse_node {
    char *name; /* ONNX node name, or its output's name where it has none */
    enum dse_op op;
    int inputs[2]; /* value indices; -1: none */
    int output;    /* value index */
    union {
        struct dse_conv_node conv;
        struct dse_pool_node pool;
        struct dse_norm_node norm;
        struct dse_activation activation;
        /* Of values as they stand in memory; inputs[k] is -1 where a source is a constant. A PUT
         * writes one part of a concatenation; inputs[1] is the value with the parts before it. */
        struct dse_tensor_op *tensor; /* owned by the graph */
        struct {
            int before[DSE_AXES], after[DSE_AXES]; /* zeros added */
        } pad;
        struct {
            int start[DSE_AXES], step[DSE_AXES]; /* extent is the output's shape */
        } slice;
    };
};

struct dse_value {
    char *name;
    struct dse_shape shape;
    int producer;   /* node index; -1: the network's input */
    bool is_signed; /* what dse_graph_value_signed answers */
};

/* Nodes stand in an order in which every value is computed before it is used. */
struct dse_graph {
    struct dse_value *values;
    int n_values;
    struct dse_node *nodes;
    int n_nodes;
    int input; /* value */
    /* Values, in the order asked for: early exits first. Four dimensions stand as [h][w][c], any
     * other number as in ONNX. */
    int *outputs;
    int n_outputs;
    int output;  /* value; the last of outputs */
    int *layers; /* node indices of the quantisable layers (CONV, DENSE), in order */
    int n_layers;
};

/* What to read of a model. */
struct dse_graph_options {
    const char *const *outputs; /* names, early exits in their order; "" is the only output */
    int n_outputs;              /* 0: the only output */
    /* Is a Dropout a mark on the layers that read its result? It must then stand on the input of
     * a convolution or dense layer, with at most flattening between. Else it does nothing. */
    bool keep_dropout;
    /* Are batch norms kept as nodes, and the names of all layers' constants remembered? */
    bool for_training;
    /* Of the dropouts kept, only those in training mode, which drop whenever the model runs; others
     * do nothing. */
    bool only_active_dropout;
};

/* Reads an ONNX model (opset 9 and later) and keeps what the outputs need; options may be NULL for
 * the only output. The bytes are data of a stranger: INVALID for a broken file, UNSUPPORTED for an
 * operator or an attribute outside the table (naming node and operator), NOT_FOUND for an unknown
 * output (naming the known ones). name is used in messages. Fewer than 64 Mi weights. */
DSE_MUST_USE enum dse_status dse_graph_read_onnx(const void *bytes, size_t size, const char *name,
                                                 const struct dse_graph_options *options,
                                                 struct dse_graph **graph, struct dse_err *err);
/* From a file of at most 1 GiB. */
DSE_MUST_USE enum dse_status dse_graph_load_onnx(const char *path,
                                                 const struct dse_graph_options *options,
                                                 struct dse_graph **graph, struct dse_err *err);
/* Puts the numbers of a graph that was read for training back into its model, in place of the
 * constants they came from; those that several nodes share become constants of their own. */
struct dse_onnx;
DSE_MUST_USE enum dse_status dse_graph_store(const struct dse_graph *graph, struct dse_onnx *model,
                                             struct dse_err *err);
/* Frees what a node owns besides its name. */
void dse_node_free_numbers(struct dse_node *node);
/* NULL is fine. */
void dse_graph_free(struct dse_graph *graph);

/* Shape of a node's first input and of its output. */
struct dse_shape dse_graph_input_shape(const struct dse_graph *graph, const struct dse_node *node);
struct dse_shape dse_graph_output_shape(const struct dse_graph *graph, const struct dse_node *node);
/* Number of elements of a shape. */
size_t dse_shape_size(struct dse_shape shape);
/* layers[i], n_layers of them: does the value depend on what layer i computes? */
DSE_MUST_USE enum dse_status dse_graph_find_layers(const struct dse_graph *graph, int value,
                                                   bool *layers, struct dse_err *err);
/* Can the value be negative? False when it comes from a Relu, through poolings, pads, slices,
 * flattens and sums of such. The network's input counts as signed. */
bool dse_graph_value_signed(const struct dse_graph *graph, int value);

#endif
