/* Gradients of weights by Winograd's algorithm, included by vector_code.h. Where the sums of a tile
 * are A' (G g G' . B' d B) A, the gradient of g is G' (A y A' . B' d B) G for the tile's gradient
 * y, summed over tiles before G is applied: 36 products of matrices, [oc][tiles] by [tiles][ic]. */

/* A y for four vectors. */
INLINE void transform_four_f(const F y[TILE], F m[SPAN]) {
    const F two = set_f(2), four = set_f(4);
    F even = add_f(y[0], y[2]), odd = add_f(y[1], y[3]);
    F even4 = fma_f(four, y[2], y[0]), odd4 = mul_f(two, fma_f(four, y[3], y[1]));
    m[0] = y[0];
    m[1] = add_f(even, odd);
    m[2] = sub_f(even, odd);
    m[3] = add_f(even4, odd4);
    m[4] = sub_f(even4, odd4);
    m[5] = y[3];
}

static void transform_result_f(const float *src, size_t row_floats, int channels, float *out) {
    for (int c = 0; c < channels; c += LANES) {
        F half[SPAN][TILE];
        UNROLLED
        for (int x = 0; x < TILE; x++) {
            F y[TILE], m[SPAN];
            UNROLLED
            for (int i = 0; i < TILE; i++)
                y[i] = load_f(src + (size_t)i * row_floats + (size_t)(x * channels + c));
            transform_four_f(y, m);
            UNROLLED
            for (int i = 0; i < SPAN; i++)
                half[i][x] = m[i];
        }
        UNROLLED
        for (int i = 0; i < SPAN; i++) {
            F m[SPAN];
            transform_four_f(half[i], m);
            UNROLLED
            for (int j = 0; j < SPAN; j++)
                store_f(out + (i * SPAN + j) * TILES * channels + c, m[j]);
        }
    }
}

/* Some output channels by some vectors of input channels of one point, over all tiles. */
INLINE void correlate_part(const struct kernels__correlation *what, const float *x, const float *y,
                           int outputs, int vectors, float *sums) {
    enum { MOST = 16 };
    F held[MOST];
    UNROLLED
    for (int o = 0; o < outputs; o++)
        UNROLLED
    for (int v = 0; v < vectors; v++)
        held[o * vectors + v] = load_f(sums + o * what->ic + v * LANES);
    for (int first = 0; first < what->tiles; first += TILES) {
        int tiles = what->tiles - first < TILES ? what->tiles - first : TILES;
        const float *from = x, *by = y;
        for (int t = 0; t < tiles; t++, from += what->ic, by += what->oc) {
            F values[2];
            UNROLLED
            for (int v = 0; v < vectors; v++)
                values[v] = load_f(from + v * LANES);
            UNROLLED
            for (int o = 0; o < outputs; o++)
                UNROLLED
            for (int v = 0; v < vectors; v++)
                held[o * vectors + v] = fma_f(set_f(by[o]), values[v], held[o * vectors + v]);
        }
        x += KERNELS__POINTS * TILES * what->ic;
        y += KERNELS__POINTS * TILES * what->oc;
    }
    UNROLLED
    for (int o = 0; o < outputs; o++)
        UNROLLED
    for (int v = 0; v < vectors; v++)
        store_f(sums + o * what->ic + v * LANES, held[o * vectors + v]);
}

enum { SUMS_HELD = LANES == 16 ? 16 : 8 }; /* vectors of them in registers */

static void correlate(const struct kernels__correlation *what, float *sums) {
    const float *x = what->input, *y = what->result;
    for (int point = 0; point < KERNELS__POINTS; point++) {
        int i = 0;
        for (; i + 2 * LANES <= what->ic; i += 2 * LANES)
            for (int o = 0; o < what->oc; o += SUMS_HELD / 2)
                correlate_part(what, x + i, y + o, SUMS_HELD / 2, 2, sums + o * what->ic + i);
        for (; i < what->ic; i += LANES)
            for (int o = 0; o < what->oc; o += SUMS_HELD)
                correlate_part(what, x + i, y + o, SUMS_HELD, 1, sums + o * what->ic + i);
        x += TILES * what->ic;
        y += TILES * what->oc;
        sums += what->oc * what->ic;
    }
}
