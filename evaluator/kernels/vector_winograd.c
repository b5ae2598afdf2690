/* 3x3 convolutions that move by one, by Winograd's F(4x4, 3x3): packed weights and the walk over
 * tiles. In integers, exactly (the head of vector_code.h says how), where a quarter of the products
 * at half their rate is worth the transforms; in float32 with a rounding error some times that of
 * the plain sum. */
#include <string.h>

#include "evaluator/kernels/vector_internal.h"

enum {
    MOST_INTEGER_CHANNELS = INT32_MAX / (64 * 127 * 127 * 9), /* 64 x sum must fit 32 bits */
    LEAST_INTEGER_CHANNELS = 16,
    LEAST_FLOAT_CHANNELS = 16,
    MOST_FLOAT_CHANNELS = 1024, /* points of all channels should stay in a cache */
};

struct kernels__winograd {
    struct dse_conv_shape shape;
    enum dse_conv_type type;
    const struct kernels__winograd_code *code;
    int images, blocks, tiles_h, tiles_w;
    int columns_taken;     /* of the input; the others are never read */
    size_t input_bytes;    /* of a value */
    size_t value_bytes;    /* of a point: s16 or float32 */
    unsigned char *no_row; /* zeros, for the borders */
    /* Of a row of tiles, half transformed; those of the borders stay zero. */
    unsigned char *columns;
    unsigned char *points;
    struct kernels__products products;
};

bool kernels__winograd_takes(const struct dse_conv_shape *s, enum dse_conv_type type,
                             const struct kernels__vector_code *code) {
    bool is_float = type == DSE_CONV_F32;
    const struct kernels__winograd_code *loops = is_float ? &code->floats : &code->integers;
    return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1 &&
           (s->ic % loops->channels == 0 || s->ic == loops->half) &&
           s->ic >= (is_float ? LEAST_FLOAT_CHANNELS : LEAST_INTEGER_CHANNELS) &&
           s->ic <= (is_float ? MOST_FLOAT_CHANNELS : MOST_INTEGER_CHANNELS) &&
           s->oc >= KERNELS__BLOCK && (!is_float || s->oc % KERNELS__BLOCK == 0) &&
           s->oh >= KERNELS__TILE && s->ow >= KERNELS__TILE;
}

void kernels__winograd_free(struct kernels__winograd *w) {
    if (w == NULL)
        return;
    dse_free(w->no_row);
    dse_free(w->columns);
    dse_free(w->points);
    dse_free(w->products.values);
    dse_free(w);
}

static size_t row_bytes(const struct kernels__winograd *w) {
    return (size_t)w->shape.iw * (size_t)w->shape.ic * w->input_bytes;
}

static enum dse_status allocate(struct kernels__winograd *w, struct dse_err *err) {
    size_t ic = (size_t)w->shape.ic, tiles = KERNELS__TILES;
    size_t columns = (size_t)w->tiles_w * KERNELS__TILE + 2;
    w->no_row = dse_alloc_aligned(row_bytes(w), 1);
    w->columns = dse_alloc_aligned((columns + 1) * KERNELS__SPAN * ic, w->value_bytes);
    w->points = dse_alloc_aligned(KERNELS__POINTS * tiles * ic, w->value_bytes);
    w->products.values =
        dse_alloc_aligned(KERNELS__POINTS * tiles * 2 * KERNELS__BLOCK, sizeof(int32_t));
    if (w->no_row == NULL || w->columns == NULL || w->points == NULL || w->products.values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the scratch of a convolution");
    return DSE_OK;
}

static int at_most(int a, int b) {
    return a < b ? a : b;
}

size_t kernels__winograd_outputs(const struct kernels__winograd *w) {
    return (size_t)w->shape.oc;
}

enum dse_status kernels__winograd_new(const struct dse_conv_shape *shape, enum dse_conv_type type,
                                      int images, const struct kernels__vector_code *code,
                                      struct kernels__winograd **winograd, struct dse_err *err) {
    struct kernels__winograd *w = dse_alloc(1, sizeof *w);
    if (w == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    bool is_float = type == DSE_CONV_F32;
    w->shape = *shape;
    w->type = type;
    w->code = is_float ? &code->floats : &code->integers;
    w->images = images;
    w->blocks = (shape->oc + KERNELS__BLOCK - 1) / KERNELS__BLOCK;
    w->tiles_h = (shape->oh + KERNELS__TILE - 1) / KERNELS__TILE;
    w->tiles_w = (shape->ow + KERNELS__TILE - 1) / KERNELS__TILE;
    w->value_bytes = is_float ? sizeof(float) : sizeof(int16_t);
    w->products.added = shape->ic == w->code->half;
    w->input_bytes = is_float ? sizeof(float) : sizeof(uint8_t);
    w->columns_taken = at_most(shape->iw, w->tiles_w * KERNELS__TILE + 2 - shape->pad_left);
    enum dse_status status = allocate(w, err);
    if (status != DSE_OK) {
        kernels__winograd_free(w);
        return status;
    }
    *winograd = w;
    return DSE_OK;
}

/* ---- weights ---- */

DSE_CLONES
void kernels__winograd_points(const kernels__taps *taps, double last, kernels__weight_points *out) {
    const double rows[KERNELS__SPAN][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                           {1, 2, 4}, {1, -2, 4},   {0, 0, last}};
    double half[KERNELS__SPAN][3][KERNELS__BLOCK];
    for (int i = 0; i < KERNELS__SPAN; i++)
        for (int x = 0; x < 3; x++)
            for (int lane = 0; lane < KERNELS__BLOCK; lane++)
                half[i][x][lane] = rows[i][0] * (*taps)[x][lane] +
                                   rows[i][1] * (*taps)[3 + x][lane] +
                                   rows[i][2] * (*taps)[6 + x][lane];
    for (int i = 0; i < KERNELS__SPAN; i++)
        for (int j = 0; j < KERNELS__SPAN; j++)
            for (int lane = 0; lane < KERNELS__BLOCK; lane++)
                (*out)[i * KERNELS__SPAN + j][lane] = half[i][0][lane] * rows[j][0] +
                                                      half[i][1][lane] * rows[j][1] +
                                                      half[i][2][lane] * rows[j][2];
}

static size_t block_values(const struct kernels__winograd *w) {
    return (size_t)KERNELS__POINTS * (size_t)w->shape.ic * KERNELS__BLOCK;
}

/* Of one output, input channels i .. i + lanes. */
struct filters {
    size_t i, lanes, oc;
    kernels__weight_points points;
};

/* Weights [block][point][channels / 2][16][2] in s16; in odd lanes the two pairs of four channels
 * are exchanged. */
static void put_integers(const struct filters *f, size_t ic, int16_t *block) {
    for (size_t point = 0; point < KERNELS__POINTS; point++)
        for (size_t lane = 0; lane < f->lanes; lane++) {
            size_t i = f->i + lane, to = f->oc % KERNELS__BLOCK;
            size_t pair = to % 2 != 0 ? i / 2 ^ 1 : i / 2;
            block[point * ic * KERNELS__BLOCK + (pair * KERNELS__BLOCK + to) * 2 + i % 2] =
                (int16_t)f->points[point][lane];
        }
}

/* [block][point][channels][16] in float32. */
static void put_floats(const struct filters *f, size_t ic, float *block) {
    for (size_t point = 0; point < KERNELS__POINTS; point++)
        for (size_t lane = 0; lane < f->lanes; lane++)
            block[(point * ic + f->i + lane) * KERNELS__BLOCK + f->oc % KERNELS__BLOCK] =
                (float)(f->points[point][lane] / KERNELS__POINTS_SCALE);
}

static void pack_filters(const struct kernels__winograd *w, const void *weights, struct filters *f,
                         unsigned char *packed) {
    size_t ic = (size_t)w->shape.ic;
    bool is_float = w->type == DSE_CONV_F32;
    kernels__taps taps = {{0}};
    for (size_t tap = 0; tap < KERNELS__TAPS; tap++)
        for (size_t lane = 0; lane < f->lanes; lane++) {
            size_t at = (f->oc * KERNELS__TAPS + tap) * ic + f->i + lane;
            taps[tap][lane] =
                is_float ? (double)((const float *)weights)[at] : ((const int8_t *)weights)[at];
        }
    kernels__winograd_points((const kernels__taps *)&taps, is_float ? 24 : 12, &f->points);
    void *block = packed + f->oc / KERNELS__BLOCK * block_values(w) * w->value_bytes;
    if (is_float)
        put_floats(f, ic, block);
    else
        put_integers(f, ic, block);
}

void *kernels__winograd_pack(const struct kernels__winograd *w, const void *weights) {
    size_t ic = (size_t)w->shape.ic;
    unsigned char *packed = dse_alloc_aligned((size_t)w->blocks * block_values(w), w->value_bytes);
    if (packed == NULL)
        return NULL;
    struct filters f;
    for (f.oc = 0; f.oc < (size_t)w->shape.oc; f.oc++)
        for (f.i = 0; f.i < ic; f.i += f.lanes) {
            f.lanes = ic - f.i < KERNELS__BLOCK ? ic - f.i : KERNELS__BLOCK;
            pack_filters(w, weights, &f, packed);
        }
    return packed;
}

/* ---- running ---- */

/* The points that are there, by one or two blocks of weights at a time. */
static void multiply_tiles(struct kernels__winograd *w, const unsigned char *weights,
                           const struct kernels__sink *sink) {
    struct kernels__products *products = &w->products;
    size_t values = block_values(w);
    _Static_assert(sizeof(float) == sizeof(int32_t), "products of both types have one size");
    for (int block = 0; block < w->blocks; block += products->blocks) {
        products->blocks = at_most(w->blocks - block, products->added ? 1 : 2);
        products->channel = (size_t)block * KERNELS__BLOCK;
        const struct kernels__winograd_job job = {
            .points = w->points,
            .weights = weights + (size_t)block * values * w->value_bytes,
            .block_values = values,
            .channels = w->shape.ic,
            .products = products,
        };
        w->code->multiply(&job);
        w->code->transform_back(products, sink);
    }
    products->tiles = 0;
}

/* The six rows of an image that a row of tiles reads, half transformed. */
static void transform_band(const struct kernels__winograd *w, const unsigned char *src, int row) {
    const struct dse_conv_shape *s = &w->shape;
    const void *rows[KERNELS__SPAN];
    for (int i = 0; i < KERNELS__SPAN; i++) {
        int y = row * KERNELS__TILE + i - s->pad_top;
        rows[i] = y < 0 || y >= s->ih ? w->no_row : src + (size_t)y * row_bytes(w);
    }
    size_t column_bytes = (size_t)(KERNELS__SPAN * s->ic) * w->value_bytes;
    w->code->transform_columns(rows, w->columns_taken, s->ic,
                               w->columns + (size_t)s->pad_left * column_bytes);
}

static struct kernels__square describe_square(const struct dse_conv_shape *s, int image, int y,
                                              int x) {
    return (struct kernels__square){
        .pixel = ((size_t)image * (size_t)s->oh + (size_t)y) * (size_t)s->ow + (size_t)x,
        .row_pixels = (size_t)s->ow,
        .rows = at_most(s->oh - y, KERNELS__TILE),
        .columns = at_most(s->ow - x, KERNELS__TILE),
    };
}

static void add_row_of_tiles(struct kernels__winograd *w, const void *weights, int image, int row,
                             const struct kernels__sink *sink) {
    struct kernels__products *p = &w->products;
    int ic = w->shape.ic;
    size_t tile_bytes = (size_t)(KERNELS__TILE * KERNELS__SPAN * ic) * w->value_bytes;
    for (int column = 0, now; column < w->tiles_w; column += now) {
        now = at_most(w->tiles_w - column, KERNELS__TILES - p->tiles);
        w->code->transform_tiles(w->columns + (size_t)column * tile_bytes, ic, p->tiles, now,
                                 w->points);
        for (int i = 0; i < now; i++)
            p->squares[p->tiles++] = describe_square(&w->shape, image, row * KERNELS__TILE,
                                                     (column + i) * KERNELS__TILE);
        if (p->tiles == KERNELS__TILES)
            multiply_tiles(w, weights, sink);
    }
}

/* A scale divided by 64 is exact unless it is next to nothing. */
static bool are_plain(const float *scales, int n) {
    const float least = 0x1p-100f;
    bool plain = true;
    for (int c = 0; c < n; c++)
        plain = plain && (scales[c] == 0 || scales[c] >= least);
    return plain;
}

void kernels__winograd_run(struct kernels__winograd *w, const void *packed, const void *src,
                           const struct kernels__sink *to) {
    const struct dse_conv_shape *s = &w->shape;
    size_t image_bytes = (size_t)s->ih * row_bytes(w);
    struct kernels__sink sink = *to;
    sink.is_plain = sink.finish.scale != NULL && are_plain(sink.finish.scale, s->oc);
    for (int n = 0; n < w->images; n++)
        for (int row = 0; row < w->tiles_h; row++) {
            transform_band(w, (const unsigned char *)src + (size_t)n * image_bytes, row);
            add_row_of_tiles(w, packed, n, row, &sink);
        }
    if (w->products.tiles > 0)
        multiply_tiles(w, packed, &sink);
}
