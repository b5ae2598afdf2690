/* 3x3 convolutions that move by one, by Winograd's F(4x4, 3x3): packed weights and the walk over
 * tiles. In integers, exactly (the head of vector_code.h says how), where a quarter of the products
 * at half their rate is worth the transforms; in float32 with a rounding error some times that of
 * the plain sum. */
#include <string.h>

#include "evaluator/kernels/vector_internal.h"

enum {
    MOST_INTEGER_CHANNELS = INT32_MAX / (64 * 127 * 127 * 9), /* 64 x sum must fit 32 bits */
    LEAST_INTEGER_CHANNELS = 32,
    LEAST_FLOAT_CHANNELS = 16,
    MOST_FLOAT_CHANNELS = 1024, /* points of all channels should stay in a cache */
};

struct kernels__winograd {
    struct dse_conv_shape shape;
    enum dse_conv_type type;
    const struct kernels__winograd_code *code;
    int images, blocks, tiles_h, tiles_w;
    size_t value_bytes; /* of a point: s16 or float32 */
    struct kernels__image image;
    unsigned char *columns; /* of a row of tiles, half transformed */
    unsigned char *points;
    void *products; /* int32 or float32 */
};

bool kernels__winograd_takes(const struct dse_conv_shape *s, enum dse_conv_type type,
                             const struct kernels__vector_code *code) {
    bool is_float = type == DSE_CONV_F32;
    int unit = is_float ? code->floats.channels : code->integers.channels;
    return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1 && s->ic % unit == 0 &&
           s->ic >= (is_float ? LEAST_FLOAT_CHANNELS : LEAST_INTEGER_CHANNELS) &&
           s->ic <= (is_float ? MOST_FLOAT_CHANNELS : MOST_INTEGER_CHANNELS) &&
           s->oc >= KERNELS__BLOCK && (!is_float || s->oc % KERNELS__BLOCK == 0) &&
           s->oh >= KERNELS__TILE && s->ow >= KERNELS__TILE;
}

void kernels__winograd_free(struct kernels__winograd *w) {
    if (w == NULL)
        return;
    kernels__image_fini(&w->image);
    dse_free(w->columns);
    dse_free(w->points);
    dse_free(w->products);
    dse_free(w);
}

static enum dse_status allocate(struct kernels__winograd *w, struct dse_err *err) {
    size_t ic = (size_t)w->shape.ic, tiles = KERNELS__TILES;
    size_t columns = (size_t)w->tiles_w * KERNELS__TILE + 2;
    DSE_TRY(kernels__image_init(&w->image, 0, err));
    w->columns = dse_alloc_aligned(columns * KERNELS__SPAN * ic, w->value_bytes);
    w->points = dse_alloc_aligned(KERNELS__POINTS * tiles * ic, w->value_bytes);
    w->products = dse_alloc_aligned(KERNELS__POINTS * tiles * 2 * KERNELS__BLOCK, sizeof(int32_t));
    if (w->columns == NULL || w->points == NULL || w->products == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the scratch of a convolution");
    return DSE_OK;
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
    kernels__image_describe(&w->image, shape, w->tiles_h * KERNELS__TILE,
                            w->tiles_w * KERNELS__TILE, is_float ? sizeof(float) : sizeof(uint8_t));
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

/* Weights [block][point][channels / 2][16][2] in s16. */
static void put_integers(const struct filters *f, size_t ic, int16_t *block) {
    for (size_t point = 0; point < KERNELS__POINTS; point++)
        for (size_t lane = 0; lane < f->lanes; lane++) {
            size_t i = f->i + lane, at = i / 2 * 2 * KERNELS__BLOCK + i % 2;
            block[point * ic * KERNELS__BLOCK + at + f->oc % KERNELS__BLOCK * 2] =
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

/* Tiles that wait for their products. */
struct waiting {
    struct kernels__square squares[KERNELS__TILES];
    int n;
};

static void finish_tiles(const struct kernels__winograd *w, const unsigned char *weights,
                         struct waiting *waiting, const struct kernels__sink *sink) {
    size_t values = block_values(w);
    _Static_assert(sizeof(float) == sizeof(int32_t), "products of both types have one size");
    for (int block = 0, blocks; block < w->blocks; block += blocks) {
        blocks = w->blocks - block > 1 ? 2 : 1;
        w->code->multiply(w->points, weights + (size_t)block * values * w->value_bytes, values,
                          w->shape.ic, blocks, w->products);
        size_t stride = (size_t)(KERNELS__TILES * blocks) * KERNELS__BLOCK;
        for (int t = 0; t < waiting->n; t++)
            for (int b = 0; b < blocks; b++) {
                struct kernels__square square = waiting->squares[t];
                square.channel = (size_t)(block + b) * KERNELS__BLOCK;
                w->code->transform_back((const int32_t *)w->products +
                                            (size_t)(t * blocks + b) * KERNELS__BLOCK,
                                        stride, sink, &square);
            }
    }
    waiting->n = 0;
}

static int at_most(int a, int b) {
    return a < b ? a : b;
}

static void add_row_of_tiles(const struct kernels__winograd *w, const void *weights, int image,
                             int row, struct waiting *waiting, const struct kernels__sink *sink) {
    const struct dse_conv_shape *s = &w->shape;
    size_t pixel_bytes = (size_t)s->ic * w->value_bytes;
    w->code->transform_columns(kernels__image_row(&w->image, row * KERNELS__TILE),
                               w->image.row_bytes, w->tiles_w * KERNELS__TILE + 2, s->ic,
                               w->columns);
    for (int column = 0; column < w->tiles_w; column++) {
        w->code->transform_tile(w->columns +
                                    (size_t)(column * KERNELS__TILE * KERNELS__SPAN) * pixel_bytes,
                                s->ic, w->points + (size_t)waiting->n * pixel_bytes);
        int y = row * KERNELS__TILE, x = column * KERNELS__TILE;
        waiting->squares[waiting->n++] = (struct kernels__square){
            .pixel = ((size_t)image * (size_t)s->oh + (size_t)y) * (size_t)s->ow + (size_t)x,
            .row_pixels = (size_t)s->ow,
            .rows = at_most(s->oh - y, KERNELS__TILE),
            .columns = at_most(s->ow - x, KERNELS__TILE),
        };
        if (waiting->n == KERNELS__TILES)
            finish_tiles(w, weights, waiting, sink);
    }
}

void kernels__winograd_run(struct kernels__winograd *w, const void *packed, const void *src,
                           const struct kernels__sink *sink) {
    const struct dse_conv_shape *s = &w->shape;
    size_t image_bytes = (size_t)s->ih * (size_t)s->iw * (size_t)s->ic * w->image.value_bytes;
    struct waiting waiting = {.n = 0};
    for (int n = 0; n < w->images; n++) {
        kernels__image_take(&w->image, (const unsigned char *)src + (size_t)n * image_bytes);
        for (int row = 0; row < w->tiles_h; row++)
            add_row_of_tiles(w, packed, n, row, &waiting, sink);
    }
    if (waiting.n > 0)
        finish_tiles(w, packed, &waiting, sink);
}
