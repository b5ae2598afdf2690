/* Part of vector_code.h: Winograd's algorithm in float32, with G as it is. */

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

static void transform_columns_f(const void *const rows[SPAN], int columns, int channels,
                                void *out) {
    float *to = out;
    for (int x = 0; x < columns; x++, to += SPAN * channels)
        for (int c = 0; c < channels; c += LANES) {
            F d[SPAN], t[SPAN];
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                d[i] = load_f((const float *)rows[i] + x * channels + c);
            transform_six_f(d, t);
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                store_f(to + i * channels + c, t[i]);
        }
}

static void transform_tiles_f(const void *columns, int channels, int tile, int n, void *points) {
    const float *from = columns;
    float *to = (float *)points + tile * channels;
    for (int t = 0; t < n; t++, from += TILE * SPAN * channels, to += channels)
        for (int i = 0; i < SPAN; i++)
            for (int c = 0; c < channels; c += LANES) {
                F d[SPAN], x[SPAN];
                UNROLLED
                for (int j = 0; j < SPAN; j++)
                    d[j] = load_f(from + (j * SPAN + i) * channels + c);
                transform_six_f(d, x);
                UNROLLED
                for (int j = 0; j < SPAN; j++)
                    store_f(to + (i * SPAN + j) * TILES * channels + c, x[j]);
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
                               const struct kernels__square *square, size_t channel) {
    F half[TILE][SPAN];
    UNROLLED
    for (int j = 0; j < SPAN; j++) {
        F m[SPAN], y[TILE];
        UNROLLED
        for (int i = 0; i < SPAN; i++)
            m[i] = load_f(products + (size_t)(i * SPAN + j) * stride);
        transform_back_six_f(m, y);
        UNROLLED
        for (int i = 0; i < TILE; i++)
            half[i][j] = y[i];
    }
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

static void put_products_f(const struct kernels__products *p, int number,
                           const struct kernels__sink *sink) {
    const struct kernels__square *square = &p->squares[number / p->blocks];
    size_t stride = (size_t)(TILES * p->blocks * BLOCK);
    size_t channel = p->channel + (size_t)(number % p->blocks * BLOCK);
    for (size_t v = 0; v < BLOCK; v += LANES)
        transform_vector_f((const float *)p->values + (size_t)(number * BLOCK) + v, stride, sink,
                           square, channel + v);
}

static void multiply_f(const struct kernels__winograd_job *job) {
    const float *x = job->points, *w = job->weights;
    float *to = job->products->values;
    const int channels = job->channels, blocks = job->products->blocks;
    for (int point = 0; point < POINTS; point++) {
        for (int t = 0; t < TILES; t += TILES_AT_ONCE) {
            if (blocks == 2)
                multiply_point_f(x + t * channels, w, job->block_values, channels, TILES_AT_ONCE, 2,
                                 to + t * blocks * BLOCK, blocks * BLOCK);
            else
                multiply_point_f(x + t * channels, w, job->block_values, channels, TILES_AT_ONCE, 1,
                                 to + t * blocks * BLOCK, blocks * BLOCK);
        }
        x += TILES * channels;
        w += channels * BLOCK;
        to += TILES * blocks * BLOCK;
    }
}

static void transform_back_f(const struct kernels__products *products,
                             const struct kernels__sink *sink) {
    for (int i = 0; i < products->tiles * products->blocks; i++)
        put_products_f(products, i, sink);
}
