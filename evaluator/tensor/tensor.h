/* tensor: operators on tensors of any rank, in plain C. What a network does beside convolutions,
 * and what an importer computes from constants.
 *
 * An operator is described once, for one image: which numbers of its sources make each number of
 * its result, as offsets and strides in memory. So it does not know what order the axes of a source
 * have in memory, and one that only moves numbers is the same whether it slices, pads, transposes
 * or repeats. All sums have a fixed order and nothing uses libm: the same bits on every machine. */
#ifndef DSE_EVALUATOR_TENSOR_H
#define DSE_EVALUATOR_TENSOR_H

#include "base/base.h"

enum { DSE_TENSOR_MAX_RANK = 8 };

/* Kinds of operators: X(name, text). */
#define DSE_TENSOR_TABLE(X) \
    X(TAKE, "Take")         \
    X(RESAMPLE, "Resample") \
    X(PUT, "Put")           \
    X(BINARY, "Binary")     \
    X(MATMUL, "MatMul")     \
    X(MEAN, "Mean")         \
    X(SOFTMAX, "Softmax")
enum dse_tensor_kind {
#define X(name, text) DSE_TENSOR_##name,
    DSE_TENSOR_TABLE(X)
#undef X
        DSE_TENSOR_KINDS
};

enum dse_tensor_type { DSE_TENSOR_F32, DSE_TENSOR_I64 };
/* Bytes of a number. */
size_t dse_tensor_type_size(enum dse_tensor_type type);

/* TAKE and RESAMPLE: one axis of the result. Number i of it is made of `taps` numbers of the
 * source, at offsets[i * taps + t] along this axis, each times weights[i * taps + t]. A TAKE has
 * one tap and no weights. DSE_TENSOR_OUTSIDE is no place of the source: there the result is the
 * operator's `fill`. */
#define DSE_TENSOR_OUTSIDE INT64_MIN
struct dse_tensor_axis {
    int64_t extent;
    int taps;
    int64_t *offsets; /* owned by the operator; NULL (taps 1): 0, stride, 2 stride, ... */
    float *weights;   /* same; NULL: 1 */
    int64_t stride;
};

/* A loop over axes; a and b are the strides in the two sources, 0 where one is repeated. */
struct dse_tensor_loop {
    int rank;
    int64_t extents[DSE_TENSOR_MAX_RANK], a[DSE_TENSOR_MAX_RANK], b[DSE_TENSOR_MAX_RANK];
};

/* BINARY: SCALE is a * b + c, where b is the first and c the second half of a constant; PRELU is a
 * where it is not negative, else a * b. */
enum dse_tensor_binary {
    DSE_TENSOR_ADD,
    DSE_TENSOR_SUB,
    DSE_TENSOR_MUL,
    DSE_TENSOR_DIV,
    DSE_TENSOR_PRELU,
    DSE_TENSOR_SCALE,
};

struct dse_tensor_op {
    enum dse_tensor_kind kind;
    enum dse_tensor_type type; /* I64: TAKE, PUT and ADD to DIV only */
    size_t n;                  /* numbers of the result */
    /* The source (0 or 1) that is not computed but `constant`, of n_constant numbers; -1: none. */
    int constant_source;
    size_t n_constant;
    void *constant; /* owned */
    union {
        struct { /* TAKE, RESAMPLE */
            int rank;
            struct dse_tensor_axis axes[DSE_TENSOR_MAX_RANK]; /* in the result's memory order */
            float fill;
            int64_t fill_i64;
            int64_t first; /* offset of the source's first number that counts */
        } take;
        struct { /* rows of `part` numbers, source a, into rows of `row`, `first` numbers in */
            int64_t rows, part, row, first;
        } put;
        struct { /* y [loop] = a (how) b */
            enum dse_tensor_binary how;
            struct dse_tensor_loop loop;
        } binary;
        struct { /* y [loop][m][n] = sum over k of a [m][k] b [k][n], in the order of k */
            struct dse_tensor_loop loop;
            int64_t m, k, n, a_m, a_k, b_k, b_n; /* extents and strides */
        } matmul;
        struct { /* MEAN: y [kept] = mean of a over `over`; SOFTMAX: the same over each, in place of
                    a's numbers. Loops use the strides of a. */
            struct dse_tensor_loop kept, over;
        } reduce;
    };
};

/* An operator, all zeros but its kind and type. NULL when there is no memory. */
DSE_MUST_USE struct dse_tensor_op *dse_tensor_op_new(enum dse_tensor_kind kind,
                                                     enum dse_tensor_type type);
/* NULL is fine. */
void dse_tensor_op_free(struct dse_tensor_op *op);
/* Offsets of an axis (and weights where taps > 1 or weighted), zeros, for the caller to fill. */
DSE_MUST_USE enum dse_status dse_tensor_axis_init(struct dse_tensor_axis *axis, int64_t extent,
                                                  int taps, bool weighted, struct dse_err *err);
/* Appends an axis to a loop. Extent 1 is left out, and one that continues the axis before it in
 * both sources becomes part of that. */
void dse_tensor_loop_add(struct dse_tensor_loop *loop, int64_t extent, int64_t a, int64_t b);
/* Drops the tables of evenly spaced axes and joins axes that continue each other, so that rows are
 * copied as long as they are. Call once, when a TAKE or RESAMPLE is filled. */
void dse_tensor_take_simplify(struct dse_tensor_op *op);
/* Does the TAKE hand on its source as it is? */
bool dse_tensor_take_is_identity(const struct dse_tensor_op *op, size_t n_source);

/* One image: float or int64_t sources a and b (NULL where the kind has none, or where it is the
 * constant) to y, which overlaps neither. PUT writes its part of y only. */
void dse_tensor_run(const struct dse_tensor_op *op, const void *a, const void *b, void *y);

/* One image on its way back: the sources and the result of dse_tensor_run, the gradient of the
 * result, and those of the sources, which are added to; NULL where nobody asks. */
struct dse_tensor_pass {
    const float *a, *b, *y, *dy;
    float *da, *db; /* db of a PUT: the value with the parts before it */
};
/* Of an operator on float32. PRELU at 0: that of the right side (as PyTorch). */
void dse_tensor_gradients(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass);

/* Element-wise functions: X(name, ONNX operator). */
#define DSE_ACTIVATION_TABLE(X)    \
    X(NONE, "Identity")            \
    X(RELU, "Relu")                \
    X(CLIP, "Clip")                \
    X(LEAKY_RELU, "LeakyRelu")     \
    X(HARD_SIGMOID, "HardSigmoid") \
    X(HARD_SWISH, "HardSwish")     \
    X(SIGMOID, "Sigmoid")          \
    X(TANH, "Tanh")                \
    X(ELU, "Elu")
enum dse_activation_kind {
#define X(name, text) DSE_ACTIVATION_##name,
    DSE_ACTIVATION_TABLE(X)
#undef X
        DSE_ACTIVATION_KINDS
};
/* CLIP: min(max(x, alpha), beta). LEAKY_RELU: x < 0 ? alpha x : x. HARD_SIGMOID: max(0, min(1,
 * alpha x + beta)). HARD_SWISH: x max(0, min(1, x / 6 + 1/2)). ELU: x < 0 ? alpha (e^x - 1) : x. */
struct dse_activation {
    enum dse_activation_kind kind;
    float alpha, beta;
};
const char *dse_activation_text(enum dse_activation_kind kind);
/* Can a result be negative, where the argument may be or not? */
bool dse_activation_signed(const struct dse_activation *activation, bool argument_signed);
/* n values; y may equal x. Transcendental ones are computed in double and rounded. */
void dse_activate_f32(const struct dse_activation *activation, const float *x, size_t n, float *y);
/* What y changes with x: n derivatives. At a kink that of the side where the function is flat, of
 * LEAKY_RELU and ELU that of the right side (as PyTorch). */
void dse_activate_slopes(const struct dse_activation *activation, const float *x, size_t n,
                         float *slopes);

#endif
