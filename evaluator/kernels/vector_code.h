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

/* ---- Winograd ---- */

/* B' d for six vectors. */
INLINE void transform_six(const H d[SPAN], H t[SPAN]) {
    H a = sub_h(d[4], d[2]), b = sub_h(d[3], d[1]);
    H c = sub_h(d[4], shift_h(d[2], 2)), e = sub_h(d[3], shift_h(d[1], 2));
    H twice = shift_h(b, 1);
    t[0] = add_h(shift_h(sub_h(d[0], d[2]), 2), a);
    t[1] = add_h(c, e);
    t[2] = sub_h(c, e);
    t[3] = add_h(a, twice);
    t[4] = sub_h(a, twice);
    t[5] = sub_h(sub_h(d[5], d[3]), shift_h(b, 2));
}

static void transform_columns(const void *src, size_t row_bytes, int columns, int channels,
                              void *out) {
    const uint8_t *from = src;
    int16_t *to = out;
    for (int x = 0; x < columns; x++, from += channels, to += SPAN * channels)
        for (int c = 0; c < channels; c += WORDS) {
            H d[SPAN], t[SPAN];
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                d[i] = widen_bytes(from + (size_t)i * row_bytes + c);
            transform_six(d, t);
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                store_h(to + i * channels + c, t[i]);
        }
}

static void transform_tile(const void *columns, int channels, void *out) {
    const int16_t *from = columns;
    int16_t *to = out;
    for (int i = 0; i < SPAN; i++)
        for (int c = 0; c < channels; c += WORDS) {
            H d[SPAN], t[SPAN];
            UNROLLED
            for (int j = 0; j < SPAN; j++)
                d[j] = load_h(from + (j * SPAN + i) * channels + c);
            transform_six(d, t);
            UNROLLED
            for (int j = 0; j < SPAN; j++)
                store_h(to + (i * SPAN + j) * TILES * channels + c, t[j]);
        }
}

/* Tiles by blocks that the registers hold at a time. */
INLINE void multiply_point(const int16_t *points, const int16_t *weights, size_t block_values,
                           int channels, int tiles, int blocks, int32_t *products, int stride) {
    V sums[TILES * 2 * VECTORS];
    const int n = blocks * VECTORS;
    UNROLLED
    for (int i = 0; i < tiles * n; i++)
        sums[i] = zero_v();
    for (int c = 0; c < channels; c += 2, weights += 2 * BLOCK) {
        V w[2 * VECTORS];
        UNROLLED
        for (int i = 0; i < n; i++)
            w[i] = load_v(weights + (size_t)(i / VECTORS) * block_values + i % VECTORS * LANES * 2);
        UNROLLED
        for (int t = 0; t < tiles; t++) {
            int32_t pair;
            memcpy(&pair, points + t * channels + c, sizeof pair);
            V x = set_v(pair);
            UNROLLED
            for (int i = 0; i < n; i++)
                sums[t * n + i] = dot_words(sums[t * n + i], x, w[i]);
        }
    }
    UNROLLED
    for (int t = 0; t < tiles; t++)
        UNROLLED
    for (int i = 0; i < n; i++)
        store_v(products + t * stride + i * LANES, sums[t * n + i]);
}

enum { TILES_AT_ONCE = LANES == 16 ? 8 : 2 };

static void multiply(const void *points, const void *weights, size_t block_values, int channels,
                     int blocks, void *products) {
    int stride = blocks * BLOCK;
    const int16_t *x = points, *w = weights;
    int32_t *to = products;
    for (int point = 0; point < KERNELS__POINTS; point++) {
        for (int t = 0; t < TILES; t += TILES_AT_ONCE) {
            if (blocks == 2)
                multiply_point(x + t * channels, w, block_values, channels, TILES_AT_ONCE, 2,
                               to + t * stride, stride);
            else
                multiply_point(x + t * channels, w, block_values, channels, TILES_AT_ONCE, 1,
                               to + t * stride, stride);
        }
        x += TILES * channels;
        w += channels * BLOCK;
        to += TILES * stride;
    }
}

/* A' m for six vectors. */
INLINE void transform_back_six(const V m[SPAN], V y[TILE]) {
    V sum12 = add_v(m[1], m[2]), difference12 = sub_v(m[1], m[2]);
    V sum34 = add_v(m[3], m[4]), difference34 = sub_v(m[3], m[4]);
    y[0] = add_v(add_v(m[0], sum12), sum34);
    y[1] = add_v(difference12, shift_v(difference34, 1));
    y[2] = add_v(sum12, shift_v(sum34, 2));
    y[3] = add_v(add_v(difference12, shift_v(difference34, 3)), shift_v(m[5], 1));
}

static const int32_t INVERSE_OF_9 = 954437177; /* modulo 2^32 */
enum { LOG2_OF_64 = 6 };

/* The sums of LANES channels of a tile: columns of products first, then rows. */
INLINE void transform_vector(const int32_t *products, size_t stride, V sums[TILE * TILE]) {
    V half[TILE][SPAN];
    UNROLLED
    for (int j = 0; j < SPAN; j++) {
        V m[SPAN], y[TILE];
        UNROLLED
        for (int i = 0; i < SPAN; i++)
            m[i] = load_v(products + (size_t)(i * SPAN + j) * stride);
        transform_back_six(m, y);
        UNROLLED
        for (int i = 0; i < TILE; i++)
            half[i][j] = y[i];
    }
    UNROLLED
    for (int i = 0; i < TILE; i++) {
        V y[TILE];
        transform_back_six(half[i], y);
        UNROLLED
        for (int j = 0; j < TILE; j++)
            sums[i * TILE + j] = shift_right_v(mul_v(y[j], set_v(INVERSE_OF_9)), LOG2_OF_64);
    }
}

static void transform_back(const void *products, size_t stride, const struct kernels__sink *sink,
                           const struct kernels__square *square) {
    bool whole = square->channel + BLOCK <= sink->oc;
    int32_t some[TILE * TILE * BLOCK];
    for (int v = 0; v < VECTORS; v++) {
        V sums[TILE * TILE];
        transform_vector((const int32_t *)products + v * LANES, stride, sums);
        const struct vectors vectors = {
            .sums = sums,
            .stride = 1,
            .rows = TILE,
            .columns = TILE,
            .existing_rows = square->rows,
            .existing_columns = square->columns,
            .at = square->pixel * sink->oc + square->channel + (size_t)(v * LANES),
            .row_step = square->row_pixels * sink->oc,
            .channel = square->channel + (size_t)(v * LANES),
        };
        put_or_keep(sink, &vectors, whole, some + v * LANES);
    }
    for (int i = 0; i < square->rows && !whole; i++)
        kernels__finish_some(sink, some + i * TILE * BLOCK, square->columns,
                             square->pixel + (size_t)i * square->row_pixels, square->channel);
}

/* ---- Winograd in float32, with G as it is ---- */

INLINE void transform_six_f(const F d[SPAN], F t[SPAN]) {
    const F two = set_f(2), four = set_f(4);
    F a = sub_f(d[4], d[2]), b = sub_f(d[3], d[1]);
    F c = not_fma_f(four, d[2], d[4]), e = not_fma_f(four, d[1], d[3]);
    t[0] = fma_f(four, sub_f(d[0], d[2]), a);
    t[1] = add_f(c, e);
    t[2] = sub_f(c, e);
    t[3] = fma_f(two, b, a);
    t[4] = not_fma_f(two, b, a);
    t[5] = not_fma_f(four, b, sub_f(d[5], d[3]));
}

static void transform_columns_f(const void *src, size_t row_bytes, int columns, int channels,
                                void *out) {
    const unsigned char *from = src;
    float *to = out;
    for (int x = 0; x < columns; x++, to += SPAN * channels)
        for (int c = 0; c < channels; c += LANES, from += LANES * sizeof *to) {
            F d[SPAN], t[SPAN];
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                d[i] = load_f((const float *)(const void *)(from + (size_t)i * row_bytes));
            transform_six_f(d, t);
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                store_f(to + i * channels + c, t[i]);
        }
}

static void transform_tile_f(const void *columns, int channels, void *out) {
    const float *from = columns;
    float *to = out;
    for (int i = 0; i < SPAN; i++)
        for (int c = 0; c < channels; c += LANES) {
            F d[SPAN], t[SPAN];
            UNROLLED
            for (int j = 0; j < SPAN; j++)
                d[j] = load_f(from + (j * SPAN + i) * channels + c);
            transform_six_f(d, t);
            UNROLLED
            for (int j = 0; j < SPAN; j++)
                store_f(to + (i * SPAN + j) * TILES * channels + c, t[j]);
        }
}

INLINE void multiply_point_f(const float *points, const float *weights, size_t block_values,
                             int channels, int tiles, int blocks, float *products, int stride) {
    F sums[TILES * 2 * VECTORS];
    const int n = blocks * VECTORS;
    UNROLLED
    for (int i = 0; i < tiles * n; i++)
        sums[i] = zero_f();
    for (int c = 0; c < channels; c++, weights += BLOCK) {
        F w[2 * VECTORS];
        UNROLLED
        for (int i = 0; i < n; i++)
            w[i] = load_f(weights + (size_t)(i / VECTORS) * block_values + i % VECTORS * LANES);
        UNROLLED
        for (int t = 0; t < tiles; t++) {
            F x = set_f(points[t * channels + c]);
            UNROLLED
            for (int i = 0; i < n; i++)
                sums[t * n + i] = fma_f(x, w[i], sums[t * n + i]);
        }
    }
    UNROLLED
    for (int t = 0; t < tiles; t++)
        UNROLLED
    for (int i = 0; i < n; i++)
        store_f(products + t * stride + i * LANES, sums[t * n + i]);
}

static void multiply_f(const void *points, const void *weights, size_t block_values, int channels,
                       int blocks, void *products) {
    int stride = blocks * BLOCK;
    const float *x = points, *w = weights;
    float *to = products;
    for (int point = 0; point < KERNELS__POINTS; point++) {
        for (int t = 0; t < TILES; t += TILES_AT_ONCE) {
            if (blocks == 2)
                multiply_point_f(x + t * channels, w, block_values, channels, TILES_AT_ONCE, 2,
                                 to + t * stride, stride);
            else
                multiply_point_f(x + t * channels, w, block_values, channels, TILES_AT_ONCE, 1,
                                 to + t * stride, stride);
        }
        x += TILES * channels;
        w += channels * BLOCK;
        to += TILES * stride;
    }
}

INLINE void transform_back_six_f(const F m[SPAN], F y[TILE]) {
    F sum12 = add_f(m[1], m[2]), difference12 = sub_f(m[1], m[2]);
    F sum34 = add_f(m[3], m[4]), difference34 = sub_f(m[3], m[4]);
    y[0] = add_f(add_f(m[0], sum12), sum34);
    y[1] = fma_f(set_f(2), difference34, difference12);
    y[2] = fma_f(set_f(4), sum34, sum12);
    y[3] = add_f(fma_f(set_f(8), difference34, difference12), m[5]);
}

/* Bias, sum and Relu as dse_finish_f32 does them. */
INLINE void put_value(const struct kernels__sink *sink, F x, size_t at, size_t channel) {
    const struct dse_conv_finish *finish = &sink->finish;
    if (sink->values != NULL) {
        store_f(sink->values + at, x);
        return;
    }
    x = add_f(x, load_f(finish->bias + channel));
    if (finish->add != NULL)
        x = add_f(x, load_f(finish->add + at));
    if (finish->relu)
        x = max_f(x, zero_f());
    store_f(finish->y + at, x);
}

INLINE void transform_vector_f(const float *products, size_t stride,
                               const struct kernels__sink *sink,
                               const struct kernels__square *square, size_t lanes) {
    F half[TILE][SPAN];
    UNROLLED
    for (int j = 0; j < SPAN; j++) {
        F m[SPAN], y[TILE];
        UNROLLED
        for (int i = 0; i < SPAN; i++)
            m[i] = load_f(products + (size_t)(i * SPAN + j) * stride + lanes);
        transform_back_six_f(m, y);
        UNROLLED
        for (int i = 0; i < TILE; i++)
            half[i][j] = y[i];
    }
    size_t channel = square->channel + lanes;
    UNROLLED
    for (int i = 0; i < TILE; i++) {
        F y[TILE];
        size_t pixel = square->pixel + (size_t)i * square->row_pixels;
        transform_back_six_f(half[i], y);
        UNROLLED
        for (int j = 0; j < TILE; j++)
            if (i < square->rows && j < square->columns)
                put_value(sink, y[j], (pixel + (size_t)j) * sink->oc + channel, channel);
    }
}

static void transform_back_f(const void *products, size_t stride, const struct kernels__sink *sink,
                             const struct kernels__square *square) {
    for (int v = 0; v < VECTORS; v++)
        transform_vector_f(products, stride, sink, square, (size_t)(v * LANES));
}

#include "evaluator/kernels/vector_code_grad.h"

const struct kernels__vector_code VECTOR_CODE = {
    .name = VECTOR_NAME,
    .is_present = is_present,
    .most_blocks = LANES == 16 ? 4 : 1,
    .pixels_at_once = pixels_at_once,
    .direct = direct,
    .integers = {WORDS, transform_columns, transform_tile, multiply, transform_back},
    .floats = {LANES, transform_columns_f, transform_tile_f, multiply_f, transform_back_f},
    .transform_result = transform_result_f,
    .correlate = correlate,
};
