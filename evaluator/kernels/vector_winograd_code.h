/* Part of vector_code.h: Winograd's algorithm in integers.
 *
 * Points of the inputs are [point][tile][channels], point (i, j) being number 6 i + j. Where the
 * channels fill half a vector of s16 only, two points of a tile share one: those of the rows 0 and
 * 5, 1 and 2, 3 and 4 of a column; [pair of rows][j][tile][2][channels]. */

enum { POINTS = KERNELS__POINTS };

/* B' d for six vectors. */
INLINE void transform_six(const H d[SPAN], H t[SPAN]) {
    H a = sub_h(d[4], d[2]), b = sub_h(d[3], d[1]);
    H c = sub_h(d[4], shift_h(d[2], 2)), e = sub_h(d[3], shift_h(d[1], 2));
    H twice = add_h(b, b);
    t[0] = add_h(shift_h(sub_h(d[0], d[2]), 2), a);
    t[1] = add_h(c, e);
    t[2] = sub_h(c, e);
    t[3] = add_h(a, twice);
    t[4] = sub_h(a, twice);
    t[5] = sub_h(sub_h(d[5], d[3]), shift_h(b, 2));
}

/* One vector of each row, `at` bytes from its beginning. */
INLINE void transform_rows(const uint8_t *const rows[SPAN], size_t at, H t[SPAN]) {
    H d[SPAN];
    UNROLLED
    for (int i = 0; i < SPAN; i++)
        d[i] = widen_bytes(rows[i] + at);
    transform_six(d, t);
}

enum { HALF = WORDS / 2 };
static const int pairs_of_rows[SPAN / 2][2] = {{0, 5}, {1, 2}, {3, 4}};

/* Two columns of half a vector each: to [column][pair of rows][2][half]. */
INLINE void transform_two_columns(const uint8_t *const rows[SPAN], size_t at, int16_t *to) {
    H t[SPAN];
    transform_rows(rows, at, t);
    UNROLLED
    for (int i = 0; i < SPAN / 2; i++) {
        H a = t[pairs_of_rows[i][0]], b = t[pairs_of_rows[i][1]];
        store_h(to + i * WORDS, lower_halves(a, b));
        store_h(to + SPAN * HALF + i * WORDS, upper_halves(a, b));
    }
}

/* Behind the last of an odd number of columns stands one of zeros. */
static void transform_last_column(const uint8_t *const rows[SPAN], size_t at, int16_t *to) {
    uint8_t bytes[SPAN][WORDS] = {{0}};
    const uint8_t *pairs[SPAN];
    for (int i = 0; i < SPAN; i++) {
        memcpy(bytes[i], rows[i] + at, HALF);
        pairs[i] = bytes[i];
    }
    transform_two_columns(pairs, 0, to);
}

static void transform_half_columns(const uint8_t *const rows[SPAN], int columns, int16_t *to) {
    for (int x = 0; x + 1 < columns; x += 2, to += 2 * SPAN * HALF)
        transform_two_columns(rows, (size_t)(x * HALF), to);
    if (columns % 2 != 0)
        transform_last_column(rows, (size_t)((columns - 1) * HALF), to);
}

static void transform_columns(const void *const rows[SPAN], int columns, int channels, void *out) {
    const uint8_t *from[SPAN];
    int16_t *to = out;
    for (int i = 0; i < SPAN; i++)
        from[i] = rows[i];
    if (LANES == 16 && channels == HALF) {
        transform_half_columns(from, columns, to);
        return;
    }
    for (int x = 0; x < columns; x++, to += SPAN * channels)
        for (int c = 0; c < channels; c += WORDS) {
            H t[SPAN];
            transform_rows(from, (size_t)(x * channels + c), t);
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                store_h(to + i * channels + c, t[i]);
        }
}

/* One vector of six columns. */
INLINE void transform_along_row(const int16_t *from, int column, int16_t *to, int point) {
    H d[SPAN], t[SPAN];
    UNROLLED
    for (int j = 0; j < SPAN; j++)
        d[j] = load_h(from + j * column);
    transform_six(d, t);
    UNROLLED
    for (int j = 0; j < SPAN; j++)
        store_h(to + j * point, t[j]);
}

/* unit: values of a tile side by side, a constant where that makes it faster. */
INLINE void transform_tiles_of(const int16_t *from, int column, int n, int unit, int16_t *to) {
    for (int tile = 0; tile < n; tile++, from += TILE * column, to += unit)
        for (int row = 0; row < column / unit; row++)
            for (int c = 0; c < unit; c += WORDS)
                transform_along_row(from + row * unit + c, column,
                                    to + row * SPAN * TILES * unit + c, TILES * unit);
}

static void transform_tiles(const void *columns, int channels, int tile, int n, void *points) {
    int unit = channels < WORDS ? WORDS : channels;
    int16_t *to = (int16_t *)points + tile * unit;
    if (channels == HALF)
        transform_tiles_of(columns, SPAN * HALF, n, WORDS, to);
    else if (channels == WORDS)
        transform_tiles_of(columns, SPAN * WORDS, n, WORDS, to);
    else if (channels == 2 * WORDS)
        transform_tiles_of(columns, SPAN * 2 * WORDS, n, 2 * WORDS, to);
    else
        transform_tiles_of(columns, SPAN * channels, n, channels, to);
}

/* Tiles by blocks that the registers hold at a time. Four channels of a tile come as two pairs,
 * repeated over the vector: once as they are, for weights whose odd lanes are the second pair's,
 * and once with the pairs exchanged, for the others. That takes half as many loads as a pair at a
 * time. */
INLINE void multiply_point(const struct kernels__winograd_job *job, const int16_t *points,
                           const int16_t *weights, int tiles, int blocks, int32_t *products) {
    V sums[TILES * 2 * VECTORS];
    const int n = blocks * VECTORS, channels = job->channels;
    UNROLLED
    for (int i = 0; i < tiles * n; i++)
        sums[i] = zero_v();
    for (int c = 0; c < channels; c += 4, weights += 4 * BLOCK) {
        V w[2 * 2 * VECTORS];
        UNROLLED
        for (int i = 0; i < 2 * n; i++)
            w[i] = load_v(weights + (size_t)(i % n / VECTORS) * job->block_values +
                          i / n * 2 * BLOCK + i % VECTORS * LANES * 2);
        UNROLLED
        for (int t = 0; t < tiles; t++) {
            V x = repeat_eight_bytes(points + t * channels + c);
            UNROLLED
            for (int i = 0; i < n; i++)
                sums[t * n + i] = dot_words(sums[t * n + i], x, w[i]);
            x = exchange_pairs(x);
            UNROLLED
            for (int i = 0; i < n; i++)
                sums[t * n + i] = dot_words(sums[t * n + i], x, w[n + i]);
        }
    }
    UNROLLED
    for (int t = 0; t < tiles; t++)
        UNROLLED
    for (int i = 0; i < n; i++)
        store_v(products + t * blocks * BLOCK + i * LANES, sums[t * n + i]);
}

enum { TILES_AT_ONCE = LANES == 16 ? 8 : 2 };

#if LANES == 16
/* Two points whose channels are half a vector. sums: [point][tile]. */
INLINE void multiply_two_points(const int16_t *points, const int16_t *const weights[2],
                                V sums[2][TILES]) {
    UNROLLED
    for (int i = 0; i < 2 * TILES; i++)
        sums[i / TILES][i % TILES] = zero_v();
    UNROLLED
    for (int i = 0; i < HALF / 4 * 2; i++) {
        const int c = i / 2 * 4, p = i % 2;
        V w = load_v(weights[p] + c * BLOCK), exchanged = load_v(weights[p] + (c + 2) * BLOCK);
        UNROLLED
        for (int t = 0; t < TILES; t++) {
            V x = repeat_eight_bytes(points + t * WORDS + p * HALF + c);
            sums[p][t] = dot_words(sums[p][t], x, w);
            sums[p][t] = dot_words(sums[p][t], exchange_pairs(x), exchanged);
        }
    }
}

/* Of rows 1 and 2, 3 and 4 the sum and the difference are stored, which is the beginning of the
 * transform back. */
static void multiply_halves(const struct kernels__winograd_job *job) {
    const int16_t *x = job->points, *w = job->weights;
    int32_t *products = job->products->values;
    for (int pair = 0; pair < SPAN / 2; pair++)
        for (int j = 0; j < SPAN; j++, x += TILES * WORDS) {
            int a = pairs_of_rows[pair][0] * SPAN + j, b = pairs_of_rows[pair][1] * SPAN + j;
            const int16_t *const weights[2] = {w + a * HALF * BLOCK, w + b * HALF * BLOCK};
            V sums[2][TILES];
            multiply_two_points(x, weights, sums);
            UNROLLED
            for (int t = 0; t < TILES; t++) {
                V first = sums[0][t], second = sums[1][t];
                store_v(products + (a * TILES + t) * BLOCK,
                        pair == 0 ? first : add_v(first, second));
                store_v(products + (b * TILES + t) * BLOCK,
                        pair == 0 ? second : sub_v(first, second));
            }
        }
}
#endif

static void multiply(const struct kernels__winograd_job *job) {
    const int16_t *x = job->points, *w = job->weights;
    int32_t *to = job->products->values;
    const int channels = job->channels, blocks = job->products->blocks;
#if LANES == 16
    if (channels == HALF) {
        multiply_halves(job);
        return;
    }
#endif
    for (int point = 0; point < POINTS; point++) {
        for (int t = 0; t < TILES; t += TILES_AT_ONCE) {
            if (blocks == 2)
                multiply_point(job, x + t * channels, w, TILES_AT_ONCE, 2, to + t * 2 * BLOCK);
            else
                multiply_point(job, x + t * channels, w, TILES_AT_ONCE, 1, to + t * BLOCK);
        }
        x += TILES * channels;
        w += channels * BLOCK;
        to += TILES * blocks * BLOCK;
    }
}

/* A' m for six vectors; added: m[1] and m[2], m[3] and m[4] are their sums and differences. */
INLINE void transform_back_six(const V m[SPAN], bool added, V y[TILE]) {
    V sum12 = added ? m[1] : add_v(m[1], m[2]), difference12 = added ? m[2] : sub_v(m[1], m[2]);
    V sum34 = added ? m[3] : add_v(m[3], m[4]), difference34 = added ? m[4] : sub_v(m[3], m[4]);
    y[0] = add_v(add_v(m[0], sum12), sum34);
    y[1] = add_v(difference12, add_v(difference34, difference34));
    y[2] = add_v(sum12, shift_v(sum34, 2));
    y[3] = add_v(add_v(difference12, shift_v(difference34, 3)), add_v(m[5], m[5]));
}

/* The columns of products of LANES channels of a tile, one after the other: else the compiler
 * begins with all of them and runs out of registers. */
INLINE void transform_back_columns(const int32_t *products, size_t stride, bool added,
                                   V half[TILE][SPAN]) {
    UNROLLED
    for (int j = 0; j < SPAN; j++) {
        V m[SPAN], y[TILE];
        UNROLLED
        for (int i = 0; i < SPAN; i++)
            m[i] = load_v(products + (size_t)(i * SPAN + j) * stride);
        transform_back_six(m, added, y);
        UNROLLED
        for (int i = 0; i < TILE; i++)
            half[i][j] = y[i];
        IN_ORDER;
    }
}

static const int32_t INVERSE_OF_9 = 954437177; /* modulo 2^32 */
enum { LOG2_OF_64 = 6 };

/* A row of 64 times the sums. */
INLINE void transform_back_row(const V half[SPAN], V sums[TILE]) {
    V y[TILE];
    transform_back_six(half, false, y);
    UNROLLED
    for (int j = 0; j < TILE; j++)
        sums[j] = mul_v(y[j], set_v(INVERSE_OF_9));
}

/* Products of a tile and some channels, and where they go. */
struct tile {
    const int32_t *products;
    size_t stride; /* from point to point */
    bool added;
    const struct kernels__square *square;
    size_t channel;
};

/* A whole tile, row by row, so that its sums never leave the registers. The factor 64 goes into the
 * scale. */
INLINE void finish_tile(const struct tile *tile, bool added, const struct kernels__sink *sink,
                        struct deeds deeds) {
    const struct dse_conv_finish finish = sink->finish;
    const size_t oc = sink->oc, row_step = tile->square->row_pixels * oc;
    for (size_t v = 0; v < BLOCK; v += LANES) {
        V half[TILE][SPAN], sums[TILE];
        size_t channel = tile->channel + v, at = tile->square->pixel * oc + channel;
        transform_back_columns(tile->products + v, tile->stride, added, half);
        F scale = mul_f(load_f(finish.scale + channel), set_f(1.0f / (1 << LOG2_OF_64)));
        F bias = load_f(finish.bias + channel);
        UNROLLED
        for (int i = 0; i < TILE; i++, at += row_step) {
            transform_back_row(half[i], sums);
            UNROLLED
            for (int j = 0; j < TILE; j++)
                finish_vector(&finish, deeds, sums[j], scale, bias, at + (size_t)j * oc);
        }
    }
}

/* Any tile. */
static __attribute__((noinline)) void put_tile(const struct tile *tile,
                                               const struct kernels__sink *sink) {
    const struct kernels__square *square = tile->square;
    bool whole = tile->channel + BLOCK <= sink->oc;
    int32_t some[TILE * TILE * BLOCK];
    for (size_t v = 0; v < BLOCK; v += LANES) {
        V half[TILE][SPAN], sums[TILE * TILE];
        transform_back_columns(tile->products + v, tile->stride, tile->added, half);
        for (int i = 0; i < TILE; i++)
            transform_back_row(half[i], sums + i * TILE);
        for (int i = 0; i < TILE * TILE; i++)
            sums[i] = shift_right_v(sums[i], LOG2_OF_64);
        const struct vectors vectors = {
            .sums = sums,
            .stride = 1,
            .rows = TILE,
            .columns = TILE,
            .existing_rows = square->rows,
            .existing_columns = square->columns,
            .at = square->pixel * sink->oc + tile->channel + v,
            .row_step = square->row_pixels * sink->oc,
            .channel = tile->channel + v,
        };
        put_or_keep(sink, &vectors, whole, some + v);
    }
    for (int i = 0; i < square->rows && !whole; i++)
        kernels__finish_some(sink, some + i * TILE * BLOCK, square->columns,
                             square->pixel + (size_t)i * square->row_pixels, tile->channel);
}

/* added and deeds: constants. fast: may whole tiles be finished in registers? */
INLINE void finish_tiles(const struct kernels__products *p, struct tile *tile, bool added,
                         const struct kernels__sink *sink, struct deeds deeds, bool fast) {
    const int32_t *products = tile->products;
    for (int i = 0; i < p->tiles * p->blocks; i++) {
        tile->square = &p->squares[i / p->blocks];
        tile->channel = p->channel + (size_t)(i % p->blocks * BLOCK);
        tile->products = products + i * BLOCK;
        bool whole = tile->square->rows == TILE && tile->square->columns == TILE &&
                     tile->channel + BLOCK <= sink->oc;
        if (whole && fast)
            finish_tile(tile, added, sink, deeds);
        else
            put_tile(tile, sink);
    }
}

static void transform_back(const struct kernels__products *p, const struct kernels__sink *sink) {
    const struct dse_conv_finish *finish = &sink->finish;
    struct tile tile = {
        .products = p->values,
        .stride = (size_t)(TILES * p->blocks * BLOCK),
        .added = p->added,
    };
    const struct deeds integers = {.relu = true, .q = true}, all = {true, true, true, true};
    bool q_only = finish->y == NULL && finish->add == NULL;
    bool fast = sink->sums == NULL && sink->is_plain && finish->q != NULL &&
                (q_only || (finish->y != NULL && finish->add != NULL));
    if (p->added && q_only)
        finish_tiles(p, &tile, true, sink, integers, fast);
    else if (p->added)
        finish_tiles(p, &tile, true, sink, all, fast);
    else if (q_only)
        finish_tiles(p, &tile, false, sink, integers, fast);
    else
        finish_tiles(p, &tile, false, sink, all, fast);
}
