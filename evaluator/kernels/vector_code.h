/* The hot loops of our convolutions, once for all instruction sets. A file that includes
 * this has defined
 *
 *   VECTOR_CODE   its struct kernels__vector_code
 *   LANES         32-bit numbers in a vector: 16 or 8
 *   V, F, H       a vector of integers, of float32, of 2 x LANES s16
 *   dot_bytes     acc plus, for each lane, 4 products of u8 (at most 127) and s8
 *   dot_words     acc plus, for each lane, 2 products of s16, modulo 2^32
 *   and the small operations that are used below.
 *
 * Sums of bytes. A vector holds one output pixel's sums for LANES output channels; a step takes 4
 * input channels of a pixel (one 32-bit load, repeated over the vector) by a vector of weights.
 * Where a kernel of three columns moves by one or two, such a load serves several outputs.
 *
 * Winograd's F(4x4, 3x3) (Lavin and Gray 2016), exact in integers. With the points 0, 1, -1, 2, -2
 * and infinity, a tile of outputs is A' (G g G' . B' d B) A, where G has fractions whose
 * denominators divide 24. Here the rows of G are taken 24 times (that of infinity 12 times, and its
 * column of A' twice), so that everything is an integer and the result is 576 times the sum. Inputs
 * 0..127 transformed stay within 10 x 10 x 127 = 12,700, weights within 12 x 12 x 127 = 18,288:
 * both are s16. Products are added modulo 2^32, so the result is right modulo 2^32; 576 = 9 x 64, 9
 * has an inverse modulo 2^32, and 64 times the sum fits 32 bits while the sum is below 2^25. So the
 * sum is exact, whatever wrapped on the way. */

#define INLINE static inline __attribute__((always_inline))
/* Over constants: straight code on registers. */
#define UNROLLED _Pragma("GCC unroll 64")

/* The compiler forgets what it knows of a pointer: else it keeps one for each step of a loop, and
 * runs out of registers. */
#define FORGET(pointer) __asm__("" : "+r"(pointer))
/* The compiler loads nothing from behind this before it. */
#define IN_ORDER __asm__ volatile("" : : : "memory")

enum {
    BLOCK = KERNELS__BLOCK,
    VECTORS = BLOCK / LANES, /* of a block */
    TILE = KERNELS__TILE,
    SPAN = KERNELS__SPAN,
    TILES = KERNELS__TILES,
    WORDS = 2 * LANES, /* channels that the transform of an input takes at a time */
};

/* ---- finishing ---- */

/* What is done to every vector; constant where it is inlined, but for the last case of put_vectors.
 */
struct deeds {
    bool add, relu, y, q;
};

/* The same operations in the same order as dse_finish_s32 and dse_finish_u8 (whose clamp at 0 does
 * nothing behind a Relu; the order of operands makes a NaN 0, as there). at: the place of the
 * vector's first value. */
INLINE void finish_vector(const struct dse_conv_finish *finish, struct deeds deeds, V sum, F scale,
                          F bias, size_t at) {
    F x = add_f(mul_f(to_f(sum), scale), bias);
    if (deeds.add)
        x = add_f(x, load_f(finish->add + at));
    if (deeds.relu)
        x = max_f(x, zero_f());
    if (deeds.y)
        store_f(finish->y + at, x);
    if (deeds.q) {
        x = min_f(set_f((float)finish->M), mul_f(x, set_f(finish->inv_scale)));
        store_bytes(finish->q + at, as_v(add_f(x, set_f(KERNELS__ROUNDER))));
    }
}

/* Sums of one vector of channels for rows x columns pixels (constants), of which some exist. */
struct vectors {
    const V *sums;
    int stride, rows, columns, existing_rows, existing_columns;
    size_t at, row_step, channel;
};

INLINE bool exists(const struct vectors *vectors, int row, int column) {
    return row < vectors->existing_rows && column < vectors->existing_columns;
}

/* whole: all pixels exist. */
INLINE void finish_vectors(const struct kernels__sink *sink, const struct dse_conv_finish *finish,
                           struct deeds deeds, bool whole, const struct vectors *vectors) {
    F scale = load_f(finish->scale + vectors->channel);
    F bias = load_f(finish->bias + vectors->channel);
    UNROLLED
    for (int row = 0; row < vectors->rows; row++) {
        size_t at = vectors->at + (size_t)row * vectors->row_step;
        UNROLLED
        for (int column = 0; column < vectors->columns; column++, at += sink->oc)
            if (whole || exists(vectors, row, column))
                finish_vector(finish, deeds,
                              vectors->sums[(row * vectors->columns + column) * vectors->stride],
                              scale, bias, at);
    }
}

INLINE void store_vectors(const struct kernels__sink *sink, const struct vectors *vectors) {
    UNROLLED
    for (int row = 0; row < vectors->rows; row++) {
        int32_t *to = sink->sums + vectors->at + (size_t)row * vectors->row_step;
        UNROLLED
        for (int column = 0; column < vectors->columns; column++, to += sink->oc)
            if (exists(vectors, row, column))
                store_v(to, vectors->sums[(row * vectors->columns + column) * vectors->stride]);
    }
}

INLINE void put_vectors(const struct kernels__sink *sink, const struct vectors *vectors) {
    if (sink->sums != NULL) {
        store_vectors(sink, vectors);
        return;
    }
    const struct dse_conv_finish finish = sink->finish; /* no store of a byte changes it */
    const struct deeds deeds = {finish.add != NULL, finish.relu, finish.y != NULL,
                                finish.q != NULL};
    bool whole = exists(vectors, vectors->rows - 1, vectors->columns - 1);
    if (whole && deeds.q && !deeds.add && !deeds.y)
        finish_vectors(sink, &finish, (struct deeds){.relu = true, .q = true}, true, vectors);
    else if (whole && deeds.q && deeds.add && deeds.y)
        finish_vectors(sink, &finish, (struct deeds){true, true, true, true}, true, vectors);
    else
        finish_vectors(sink, &finish, deeds, false, vectors);
}

/* One vector of a block of channels; where the block is not whole, to `some`, [pixel][BLOCK]. */
INLINE void put_or_keep(const struct kernels__sink *sink, const struct vectors *vectors,
                        bool whole_block, int32_t *some) {
    if (whole_block) {
        put_vectors(sink, vectors);
        return;
    }
    UNROLLED
    for (int p = 0; p < vectors->rows * vectors->columns; p++)
        store_v(some + p * BLOCK, vectors->sums[p * vectors->stride]);
}

/* A block of some pixels of a row. sums: [count][stride]. */
INLINE void put_block(const struct kernels__sink *sink, const V *sums, int stride, int count,
                      int pixels, size_t pixel, size_t channel) {
    bool whole = channel + BLOCK <= sink->oc;
    int32_t some[KERNELS__MAX_PIXELS * BLOCK];
    UNROLLED
    for (int v = 0; v < VECTORS; v++) {
        const struct vectors vectors = {
            .sums = sums + v,
            .stride = stride,
            .rows = 1,
            .columns = count,
            .existing_rows = 1,
            .existing_columns = pixels,
            .at = pixel * sink->oc + channel + (size_t)(v * LANES),
            .channel = channel + (size_t)(v * LANES),
        };
        put_or_keep(sink, &vectors, whole, some + v * LANES);
    }
    if (!whole)
        kernels__finish_some(sink, some, pixels, pixel, channel);
}

/* ---- sums of bytes ---- */

INLINE V repeat_bytes(const uint8_t *x) {
    int32_t quad;
    memcpy(&quad, x, sizeof quad);
    return set_v(quad);
}

/* One row of the kernel, one quad of input channels, `pixels` outputs, by blocks * VECTORS vectors
 * of weights a column. */
INLINE void add_columns(const struct kernels__direct *d, const uint8_t *src, const int8_t *weights,
                        int pixels, int blocks, V *sums) {
    const int n = blocks * VECTORS;
    for (int kx = 0; kx < d->kernel_w; kx++) {
        V w[4 * VECTORS];
        const int8_t *column = weights + (size_t)kx * d->column_weights;
        UNROLLED
        for (int i = 0; i < n; i++)
            w[i] =
                load_v(column + (size_t)(i / VECTORS) * d->block_bytes + i % VECTORS * LANES * 4);
        const uint8_t *from = src + (size_t)kx * d->column_bytes;
        UNROLLED
        for (int p = 0; p < pixels; p++, from += d->pixel_bytes) {
            FORGET(from);
            V x = repeat_bytes(from);
            UNROLLED
            for (int i = 0; i < n; i++)
                sums[p * n + i] = dot_bytes(sums[p * n + i], x, w[i]);
        }
    }
}

/* Three neighbouring columns that move by `stride` pixels of d->column_bytes: input pixel i serves
 * each output p and column k with p * stride + k = i. */
INLINE void add_sliding(const struct kernels__direct *d, const uint8_t *src, const int8_t *weights,
                        int pixels, int blocks, int stride, V *sums) {
    V w[3 * 4 * VECTORS];
    const int n = blocks * VECTORS;
    UNROLLED
    for (int i = 0; i < 3 * n; i++)
        w[i] = load_v(weights + (size_t)(i / n) * d->column_weights +
                      (size_t)(i % n / VECTORS) * d->block_bytes + i % VECTORS * LANES * 4);
    UNROLLED
    for (int i = 0; i < (pixels - 1) * stride + 3; i++, src += d->column_bytes) {
        FORGET(src);
        V x = repeat_bytes(src);
        UNROLLED
        for (int k = 0; k < 3; k++)
            if (i >= k && (i - k) % stride == 0 && (i - k) / stride < pixels)
                UNROLLED
        for (int v = 0; v < n; v++)
            sums[(i - k) / stride * n + v] =
                dot_bytes(sums[(i - k) / stride * n + v], x, w[k * n + v]);
    }
}

/* blocks and count are constants where this is inlined. */
INLINE void direct_tile(const struct kernels__direct *d, const uint8_t *src, const int8_t *weights,
                        size_t pixel, int pixels, int block, int blocks, int count, int slides) {
    V sums[KERNELS__MAX_PIXELS * VECTORS];
    const int n = blocks * VECTORS;
    UNROLLED
    for (int i = 0; i < count * n; i++)
        sums[i] = zero_v();
    for (int ky = 0; ky < d->kernel_h; ky++)
        for (int quad = 0; quad < d->quads; quad++) {
            const uint8_t *from = src + (size_t)ky * d->row_bytes + quad * KERNELS__QUAD;
            const int8_t *row =
                weights + (size_t)ky * d->row_weights + quad * KERNELS__QUAD * BLOCK;
            if (slides != 0)
                add_sliding(d, from, row, count, blocks, slides, sums);
            else
                add_columns(d, from, row, count, blocks, sums);
        }
    UNROLLED
    for (int b = 0; b < blocks; b++)
        put_block(d->sink, sums + b * VECTORS, n, count, pixels, pixel,
                  (size_t)(block + b) * BLOCK);
}

/* X(blocks, slides, outputs): outputs at a time, so that sums, weights and inputs fit the
 * registers: 32 of 16 lanes; or 16 of 8 lanes, which need two vectors a block and registers for
 * products. */
#if LANES == 16
#define DIRECT_TILES(X) \
    X(1, 0, 12)         \
    X(1, 1, 16)         \
    X(1, 2, 16)         \
    X(2, 0, 8)          \
    X(2, 1, 8)          \
    X(2, 2, 8)          \
    X(4, 0, 6)          \
    X(4, 1, 4)          \
    X(4, 2, 4)
#else
#define DIRECT_TILES(X) \
    X(1, 0, 4)          \
    X(1, 1, 4)          \
    X(1, 2, 4)
#endif

static int pixels_at_once(const struct kernels__direct *d, int blocks) {
#define X(n_blocks, stride, count)                     \
    if (blocks == (n_blocks) && d->slides == (stride)) \
        return count;
    DIRECT_TILES(X)
#undef X
    return 1;
}

static void direct(const struct kernels__direct *d, const uint8_t *src, const int8_t *weights,
                   size_t pixel, int pixels, int block, int blocks) {
#define X(n_blocks, stride, count)                                                   \
    if (blocks == (n_blocks) && d->slides == (stride)) {                             \
        direct_tile(d, src, weights, pixel, pixels, block, n_blocks, count, stride); \
        return;                                                                      \
    }
    DIRECT_TILES(X)
#undef X
}

#include "evaluator/kernels/vector_winograd_code.h"
#include "evaluator/kernels/vector_winograd_floats_code.h"

#include "evaluator/kernels/vector_code_grad.h"

const struct kernels__vector_code VECTOR_CODE = {
    .name = VECTOR_NAME,
    .is_present = is_present,
    .most_blocks = LANES == 16 ? 4 : 1,
    .pixels_at_once = pixels_at_once,
    .direct = direct,
    .integers = {WORDS, LANES == 16 ? HALF : 0, transform_columns, transform_tiles, multiply,
                 transform_back},
    .floats = {LANES, 0, transform_columns_f, transform_tiles_f, multiply_f, transform_back_f},
    .transform_result = transform_result_f,
    .correlate = correlate,
};
