/* kernels: the arithmetic, behind one interface with four implementations: plain C (the
 * definition), OpenBLAS, oneDNN, and our own vector code. Everything is NHWC, one
 * thread.
 *
 * Integer convolutions are exact: every implementation gives the same int32 accumulators, bit for
 * bit, on every processor. Float32 convolutions of the plain C kernels add in a fixed order and
 * give the same bits everywhere; those of the libraries differ from them in rounding.
 * Element-wise kernels are plain C without fused multiply-add and give the same bits everywhere. */
#ifndef DSE_EVALUATOR_KERNELS_H
#define DSE_EVALUATOR_KERNELS_H

#include "base/base.h"

enum dse_kernel_choice {
    DSE_KERNELS_AUTO, /* the first of vector, oneDNN, OpenBLAS, C that takes a shape */
    DSE_KERNELS_REFERENCE,
    DSE_KERNELS_OPENBLAS,
    DSE_KERNELS_ONEDNN,
    DSE_KERNELS_VECTOR,
};
/* By name: auto, c, openblas, onednn, vector; false when unknown. */
bool dse_kernel_choice_find(const char *name, enum dse_kernel_choice *choice);

struct dse_kernels;

/* Makes the chosen kernels ready, after checking them against the C reference on small shapes.
 * UNSUPPORTED when a named choice is not built in or fails its check (AUTO takes the next). */
DSE_MUST_USE enum dse_status dse_kernels_new(enum dse_kernel_choice choice,
                                             struct dse_kernels **kernels, struct dse_err *err);
void dse_kernels_free(struct dse_kernels *kernels);
/* For people, in the order in which they are asked to take a convolution, with those that fail
 * their check and why: "vector (avx512_vnni), onednn 2.6.3 (AVX512_VNNI), openblas 0.3.21
 * (SkylakeX), c". Borrowed. */
const char *dse_kernels_describe(const struct dse_kernels *kernels);

/* OpenBLAS of some distributions takes new processors for very old ones. Call first in main: when
 * its choice is wrong for this processor, sets OPENBLAS_CORETYPE and starts the program again
 * (exec, once); also pins library threads to one. Returns when there is nothing to mend. */
void dse_kernels_fix_environment(char **argv);

/* ---- convolutions ---- */

struct dse_conv_shape {
    int ic, ih, iw, oc, oh, ow;
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, groups;
    int pad_top, pad_left; /* bottom and right follow from the sizes */
};

enum dse_conv_type {
    DSE_CONV_U8S8, /* u8 [n][ih][iw][ic] values 0..127, s8 weights -127..127, s32 out */
    DSE_CONV_F32,  /* float in, weights and out */
};

/* A convolution prepared for one shape and a fixed number of images. */
struct dse_conv;
DSE_MUST_USE enum dse_status dse_conv_new(struct dse_kernels *kernels,
                                          const struct dse_conv_shape *shape,
                                          enum dse_conv_type type, int images,
                                          struct dse_conv **conv, struct dse_err *err);
void dse_conv_free(struct dse_conv *conv);
/* Which implementation took this shape: "c", "openblas", "onednn", "vector". */
const char *dse_conv_implementation(const struct dse_conv *conv);

/* Weights in the order the kernel likes. */
struct dse_packed;
/* weights: int8_t or float [oc][kernel_h][kernel_w][ic / groups]; copied. The pack belongs to conv
 * and must be freed before it. */
DSE_MUST_USE enum dse_status dse_conv_pack(struct dse_conv *conv, const void *weights,
                                           struct dse_packed **packed, struct dse_err *err);
void dse_packed_free(struct dse_packed *packed);
/* src [images][ih][iw][ic] to dst [images][oh][ow][oc] (int32_t or float), without bias. Allocates
 * nothing. */
DSE_MUST_USE enum dse_status dse_conv_run(struct dse_conv *conv, const struct dse_packed *packed,
                                          const void *src, void *dst, struct dse_err *err);

/* ---- float32 convolutions with their gradients, for training ---- */

/* One convolution prepared for one shape and a fixed number of images, with a copy of its weights
 * and a running sum of their gradient. For one thread at a time. */
struct dse_conv_grad;
DSE_MUST_USE enum dse_status dse_conv_grad_new(struct dse_kernels *kernels,
                                               const struct dse_conv_shape *shape, int images,
                                               struct dse_conv_grad **grad, struct dse_err *err);
/* NULL is fine. */
void dse_conv_grad_free(struct dse_conv_grad *grad);
/* Which implementation took this shape: "c", "onednn", "vector". */
const char *dse_conv_grad_implementation(const struct dse_conv_grad *grad);
/* Takes over weights [oc][kernel_h][kernel_w][ic / groups] for the calls that follow; copied. */
DSE_MUST_USE enum dse_status dse_conv_grad_load(struct dse_conv_grad *grad, const float *weights,
                                                struct dse_err *err);
/* dst [images][oh][ow][oc] of src [images][ih][iw][ic], without bias. */
DSE_MUST_USE enum dse_status dse_conv_grad_forward(struct dse_conv_grad *grad, const float *src,
                                                   float *dst, struct dse_err *err);
/* Gradient of the source, written (not added), from the gradient of the destination. */
DSE_MUST_USE enum dse_status dse_conv_grad_input(struct dse_conv_grad *grad, const float *diff_dst,
                                                 float *diff_src, struct dse_err *err);
/* Adds the gradient of the weights to the running sum. */
DSE_MUST_USE enum dse_status dse_conv_grad_weights(struct dse_conv_grad *grad, const float *src,
                                                   const float *diff_dst, struct dse_err *err);
/* Writes the running sum, in the order of dse_conv_grad_load, and starts a new one at zero. */
DSE_MUST_USE enum dse_status dse_conv_grad_take(struct dse_conv_grad *grad, float *diff_weights,
                                                struct dse_err *err);

/* ---- element-wise loops of training; [pixels][c]. Sums are added to what the double arrays [c]
 * hold, in a fixed order. ---- */

/* Can a batch norm have this many channels? (At most 4,096, or a multiple of 64.) */
bool dse_train_takes_channels(int c);

/* Sums of x - shift[c] and of its square. */
void dse_train_moments(const float *x, size_t pixels, int c, const float *shift, double *sums,
                       double *squares);
/* Where a gradient passes a Relu: where y > 0, or where x * scale[c] + shift[c] > 0; all NULL:
 * everywhere. */
struct dse_train_gate {
    const float *y, *scale, *shift;
};
/* First dy = 0 where the gate is closed; then sums of dy and of dy * (x - mean[c]). */
void dse_train_norm_sums(const float *x, struct dse_train_gate gate, float *dy, size_t pixels,
                         int c, const float *mean, double *sums, double *products);
/* y = x * scale[c] + shift[c] (+ add) (then max(., 0) if relu); add may be NULL, y may be x. */
void dse_train_affine(const float *x, size_t pixels, int c, const float *scale, const float *shift,
                      const float *add, bool relu, float *y);
/* dx = x * scale_x[c] + dz * scale_z[c] + shift[c]: the gradient of a batch norm's input. */
void dse_train_norm_input(const float *x, const float *dz, size_t pixels, int c,
                          const float *scale_x, const float *scale_z, const float *shift,
                          float *dx);
/* Sums of x over the pixels. */
void dse_train_channel_sums(const float *x, size_t pixels, int c, double *sums);
/* dy = 0 where y is not above 0. */
void dse_train_relu_gate(const float *y, float *dy, size_t n);
/* sum += x. */
void dse_train_add_to(float *sum, const float *x, size_t n);
struct dse_pool_shape;
/* Adds the gradient of a pooling's input to dx: of a mean where src is NULL, else of a maximum over
 * src (the first of equal ones gets it). */
void dse_train_pool_input(const float *src, const float *dy, int images,
                          const struct dse_pool_shape *shape, float *dx);

/* What becomes of the sums of a convolution: as dse_finish_u8 does it where there is q, else as
 * dse_finish_s32; of float32, as dse_finish_f32 (there is y and no q, scale is not read). */
struct dse_conv_finish {
    const float *scale, *bias; /* a channel */
    const float *add;          /* as large as the output; NULL: nothing */
    bool relu;                 /* true where there is q */
    float inv_scale;           /* of q */
    int M;
    float *y; /* NULL: nobody reads it */
    uint8_t *q;
};
/* dse_conv_run and what follows it, in one go where the implementation can. sums: room for the
 * whole output of integers. add is not y. */
DSE_MUST_USE enum dse_status dse_conv_run_finished(struct dse_conv *conv,
                                                   const struct dse_packed *packed, const void *src,
                                                   const struct dse_conv_finish *finish,
                                                   int32_t *sums, struct dse_err *err);

/* ---- element-wise, n values; c channels innermost ---- */

/* q = round half even(clamp(x * inv_scale, 0, M)): unsigned activations of non-negative x. */
void dse_quantize_u8(const float *x, size_t n, float inv_scale, int M, uint8_t *q);
/* Signed activations as 2c unsigned channels per pixel: max(q, 0) then max(-q, 0), with
 * q = round half even(clamp(x * inv_scale, -M, M)). pixels x c values in, pixels x 2c out. */
void dse_quantize_split_u8(const float *x, size_t pixels, int c, float inv_scale, int M,
                           uint8_t *q);
/* y = round half even(clamp(x * inv_scale, -M, M)) * scale: values on the grid of an integer, as
 * float32; M up to 32,767. y may equal x. */
void dse_fake_quantize_f32(const float *x, size_t n, float inv_scale, float scale, int M, float *y);
/* y = acc * scale[c] + bias[c] (+ add) (then max(., 0) if relu), each operation rounded to float32,
 * in this order. add may be NULL. y may equal add. */
void dse_finish_s32(const int32_t *acc, size_t pixels, int c, const float *scale, const float *bias,
                    const float *add, bool relu, float *y);
/* The same with relu, then q as dse_quantize_u8 makes it of y, in one pass. y may be NULL: nobody
 * reads it; q overlaps nothing. */
void dse_finish_u8(const int32_t *acc, size_t pixels, int c, const float *scale, const float *bias,
                   const float *add, float inv_scale, int M, float *y, uint8_t *q);
/* y = x + bias[c] (+ add) (relu), same order. y may equal x or add. */
void dse_finish_f32(const float *x, size_t pixels, int c, const float *bias, const float *add,
                    bool relu, float *y);
/* y = a + b, then max(., 0) if relu; b may be NULL (then y = a or relu(a)). */
void dse_add_f32(const float *a, const float *b, size_t n, bool relu, float *y);

/* ---- dropout ---- */

/* Rates are multiples of 2^-16: 16 random bits decide on an element. */
enum { DSE_DROPOUT_STEPS = 1 << 16 };

/* The mask of one image at one site in one pass. Element e of the site's input, in memory order
 * [h][w][c], is dropped when u_e < rate: u_e is the 16-bit number e % 8 (lower half of a word
 * first) of Philox block e / 8, with key `seed` and counter (block, DSE_RNG_DROPOUT, image, site x
 * 2^16 + pass). So the mask of a larger rate contains that of a smaller one, and nothing else of a
 * candidate changes it (common random numbers). */
struct dse_dropout {
    uint64_t seed;
    uint32_t image;
    uint16_t site, pass;
    uint32_t rate; /* in steps, below DSE_DROPOUT_STEPS */
};
/* Bit e % 64 of keep[e / 64] says that element e stays; n elements, the bits after them are
 * anything. */
void dse_dropout_bits(const struct dse_dropout *dropout, size_t n, uint64_t *keep);
/* Ways to compute words first..first + n - 1 of a mask into keep[first..]: the fastest first, plain
 * C last. All give the same bits; dse_dropout_bits takes the first that this processor has. */
struct dse_dropout_code {
    const char *name;
    bool (*supported)(void);
    void (*bits)(const struct dse_dropout *dropout, size_t first_word, size_t n_words,
                 uint64_t *keep);
};
const struct dse_dropout_code *dse_dropout_code_table(int *n_codes);
/* The nearest step of a rate in [0, 1). */
uint32_t dse_dropout_steps(double rate);
/* 1 / (1 - rate), by which inverted dropout multiplies what stays: 2^16 / (2^16 - rate), rounded
 * once to float32. */
float dse_dropout_factor(uint32_t rate);
/* What stays as it is, 0 for the rest; the factor belongs into the scale of the result. out
 * overlaps nothing. */
void dse_dropout_u8(const uint8_t *q, size_t n, const uint64_t *keep, uint8_t *out);
/* The same for integers as dse_quantize_split_u8 makes them: both halves of an element go. */
void dse_dropout_split_u8(const uint8_t *q, size_t pixels, int c, const uint64_t *keep,
                          uint8_t *out);
/* x * factor for what stays, 0 for the rest. */
void dse_dropout_f32(const float *x, size_t n, const uint64_t *keep, float factor, float *out);

struct dse_pool_shape {
    int c, ih, iw, oh, ow;
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int pad_top, pad_left, pad_bottom, pad_right; /* windows may reach beyond the last two */
    bool exclude_padding;
};
/* Mean over each window: sum in row order, then one division by the pixels in the image and its
 * padding, or where exclude_padding, in the image. */
void dse_avgpool_f32(const float *x, int images, const struct dse_pool_shape *shape, float *y);
void dse_maxpool_f32(const float *x, int images, const struct dse_pool_shape *shape, float *y);

/* A convolution's transpose: every pixel of the source is spread over a window of the result. shape
 * is that of the transpose: ic, ih, iw its source. weights [kernel_h][kernel_w][ic][oc / groups],
 * bias [oc]. Sums start at the bias and run in the order of the weights. */
void dse_conv_transpose_f32(const float *x, int images, const struct dse_conv_shape *shape,
                            const float *weights, const float *bias, float *y);

/* The way back: x and weights as they were, the gradient of the result without its bias, and the
 * gradients of source and weights, which are added to. */
struct dse_transposed_pass {
    const float *x, *weights, *dy;
    float *dx, *diff_weights;
};
void dse_train_transposed(const struct dse_conv_shape *shape, int images,
                          const struct dse_transposed_pass *pass);

#endif
