/* Our own integer convolutions: shapes, packed weights, and the walk over images; the hot loops are
 * in vector_code.h, compiled for several instruction sets.
 *
 * 3x3 kernels that move by one over many channels are computed by Winograd's F(4x4, 3x3), which
 * needs a quarter of the products at half their rate; everything else directly. Images are copied
 * with zeros around them, so that no loop knows borders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "evaluator/kernels/vector_internal.h"

struct vector_conv {
    struct dse_conv_shape shape;
    const struct kernels__vector_code *code;
    int images, blocks;
    bool pointwise; /* 1x1: one long row of pixels, read where they are */
    bool winograd;
    int channels; /* of the input, in whole quads */
    int height;   /* of an image with its padding */
    size_t row_bytes, first_bytes;
    uint8_t *padded; /* first_bytes, one image; or the last pixels, where pointwise */
    struct kernels__direct direct;
    /* Winograd. */
    int tiles_h, tiles_w;
    int16_t *columns; /* of a row of tiles, half transformed */
    int16_t *points;
    int32_t *products;
};

/* ---- instruction sets ---- */

static const struct kernels__vector_code *const codes[] = {
#ifdef __x86_64__
    &kernels__avx512_vnni,
    &kernels__avx512,
    &kernels__avx2_vnni,
    &kernels__avx2,
#endif
    NULL,
};

#ifdef __x86_64__
/* Not every compiler knows these features by name. */
bool kernels__has_avx_vnni(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 4)) != 0;
}

bool kernels__has_amx(void) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & (1u << 25)) != 0;
}
#else
bool kernels__has_amx(void) {
    return false;
}
#endif

static const struct kernels__vector_code *find_code(const char *name) {
    for (int i = 0; codes[i] != NULL; i++)
        if ((name == NULL || strcmp(name, codes[i]->name) == 0) && codes[i]->is_present())
            return codes[i];
    return NULL;
}

static enum dse_status choose_code(const struct kernels__vector_code **code, struct dse_err *err) {
    const char *wanted = getenv("PARETO_KERNELS_ISA");
    if (wanted != NULL && wanted[0] == '\0')
        wanted = NULL;
    *code = find_code(wanted);
    if (*code == NULL && wanted != NULL)
        DSE_FAIL(err, DSE_INVALID,
                 "PARETO_KERNELS_ISA is '%s'; this processor has %s at most (avx512_vnni, avx512, "
                 "avx2_vnni, avx2 are known)",
                 wanted, find_code(NULL) == NULL ? "none" : find_code(NULL)->name);
    if (*code == NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "there is no code for this processor");
    return DSE_OK;
}

static enum dse_status vector_open(char *out, size_t size, struct dse_err *err) {
    const struct kernels__vector_code *code = NULL;
    DSE_TRY(choose_code(&code, err));
    (void)snprintf(out, size, "vector (%s)", code->name);
    return DSE_OK;
}

/* ---- finishing ---- */

static struct dse_conv_finish finish_at(const struct kernels__sink *sink, size_t at,
                                        size_t channel) {
    struct dse_conv_finish part = sink->finish;
    part.scale += channel;
    part.bias += channel;
    part.add = part.add == NULL ? NULL : part.add + at;
    part.y = part.y == NULL ? NULL : part.y + at;
    part.q = part.q == NULL ? NULL : part.q + at;
    return part;
}

void kernels__finish_some(const struct kernels__sink *sink, const int32_t *sums, int pixels,
                          size_t pixel, size_t channel) {
    size_t lanes = sink->oc - channel;
    int32_t some[KERNELS__MAX_PIXELS * KERNELS__BLOCK];
    for (size_t p = 0; p < (size_t)pixels; p++)
        memcpy(
            (sink->sums == NULL ? some + p * lanes : sink->sums + (pixel + p) * sink->oc + channel),
            sums + p * KERNELS__BLOCK, lanes * sizeof *sums);
    if (sink->sums != NULL)
        return;
    bool neighbours = lanes == sink->oc; /* in memory, from pixel to pixel */
    for (size_t p = 0, now; p < (size_t)pixels; p += now) {
        now = neighbours ? (size_t)pixels : 1;
        const struct dse_conv_finish finish =
            finish_at(sink, (pixel + p) * sink->oc + channel, channel);
        kernels__finish(some + p * lanes, now, (int)lanes, &finish);
    }
}

/* ---- creation ---- */

static void vector_conv_free(void *conv) {
    struct vector_conv *c = conv;
    if (c == NULL)
        return;
    dse_free(c->padded);
    dse_free(c->columns);
    dse_free(c->points);
    dse_free(c->products);
    dse_free(c);
}

/* 64 x sum must fit 32 bits. */
enum { WINOGRAD_MOST_CHANNELS = INT32_MAX / (64 * 127 * 127 * 9), WINOGRAD_LEAST_CHANNELS = 32 };

static bool takes_winograd(const struct dse_conv_shape *s, int words) {
    return s->kernel_h == 3 && s->kernel_w == 3 && s->stride_h == 1 && s->stride_w == 1 &&
           s->dilation_h == 1 && s->dilation_w == 1 && s->ic % words == 0 &&
           s->ic >= WINOGRAD_LEAST_CHANNELS && s->ic <= WINOGRAD_MOST_CHANNELS &&
           s->oc >= KERNELS__BLOCK && s->oh >= KERNELS__TILE && s->ow >= KERNELS__TILE;
}

static bool is_pointwise(const struct dse_conv_shape *s) {
    return s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 &&
           s->pad_top == 0 && s->pad_left == 0 && s->ih == s->oh && s->iw == s->ow &&
           s->ic % KERNELS__QUAD == 0;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* Extents that windows reach over, but at least the image itself. */
static int reach(int outputs, int stride, int kernel, int dilation, int pad, int inputs) {
    return larger((outputs - 1) * stride + (kernel - 1) * dilation + 1, pad + inputs);
}

static void describe_direct(struct vector_conv *c) {
    const struct dse_conv_shape *s = &c->shape;
    size_t channels = (size_t)c->channels;
    struct kernels__direct *d = &c->direct;
    d->kernel_h = s->kernel_h;
    d->kernel_w = s->kernel_w;
    d->quads = c->channels / KERNELS__QUAD;
    d->row_bytes = c->row_bytes * (size_t)s->dilation_h;
    d->column_bytes = channels * (size_t)s->dilation_w;
    d->pixel_bytes = channels * (size_t)s->stride_w;
    d->column_weights = channels * KERNELS__BLOCK;
    d->row_weights = d->column_weights * (size_t)d->kernel_w;
    d->block_bytes = d->row_weights * (size_t)d->kernel_h;
    bool neighbours = s->kernel_w == 3 && s->dilation_w == 1 && s->stride_w <= 2;
    d->slides = neighbours ? s->stride_w : 0;
}

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* Rows begin so that the image itself, behind the zeros on its left, is aligned. */
static void describe_image(struct vector_conv *c) {
    const struct dse_conv_shape *s = &c->shape;
    enum { ALIGNMENT = 64 };
    c->tiles_h = (s->oh + KERNELS__TILE - 1) / KERNELS__TILE;
    c->tiles_w = (s->ow + KERNELS__TILE - 1) / KERNELS__TILE;
    int oh = c->winograd ? c->tiles_h * KERNELS__TILE : s->oh;
    int ow = c->winograd ? c->tiles_w * KERNELS__TILE : s->ow;
    int width = reach(ow, s->stride_w, s->kernel_w, s->dilation_w, s->pad_left, s->iw);
    size_t left = (size_t)s->pad_left * (size_t)c->channels;
    c->height = reach(oh, s->stride_h, s->kernel_h, s->dilation_h, s->pad_top, s->ih);
    c->row_bytes = round_up((size_t)width * (size_t)c->channels, ALIGNMENT);
    c->first_bytes = round_up(left, ALIGNMENT) - left;
}

static enum dse_status allocate(struct vector_conv *c, struct dse_err *err) {
    size_t ic = (size_t)c->shape.ic;
    /* Behind the last row `direct` reads windows of outputs that do not exist. */
    size_t behind = (size_t)KERNELS__MAX_PIXELS * c->direct.pixel_bytes +
                    (size_t)c->direct.kernel_w * c->direct.column_bytes;
    size_t image = c->pointwise ? 0 : c->first_bytes + (size_t)c->height * c->row_bytes;
    c->padded = dse_alloc_aligned(image + behind, 1);
    bool whole = c->padded != NULL;
    if (c->winograd) {
        size_t columns = (size_t)c->tiles_w * KERNELS__TILE + 2, tiles = KERNELS__TILES;
        c->columns = dse_alloc_aligned(columns * KERNELS__SPAN * ic, sizeof *c->columns);
        c->points = dse_alloc_aligned(KERNELS__POINTS * tiles * ic, sizeof *c->points);
        c->products =
            dse_alloc_aligned(KERNELS__POINTS * tiles * 2 * KERNELS__BLOCK, sizeof *c->products);
        whole = whole && c->columns != NULL && c->points != NULL && c->products != NULL;
    }
    if (!whole)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the scratch of a convolution");
    return DSE_OK;
}

static enum dse_status vector_conv_new(const struct dse_conv_shape *shape, enum dse_conv_type type,
                                       int images, void **conv, struct dse_err *err) {
    if (type != DSE_CONV_U8S8 || shape->groups != 1)
        DSE_FAIL(err, DSE_UNSUPPORTED, "the vector kernels do not take this shape");
    const struct kernels__vector_code *code = NULL;
    DSE_TRY(choose_code(&code, err));
    struct vector_conv *c = dse_alloc(1, sizeof *c);
    if (c == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    c->shape = *shape;
    c->code = code;
    c->images = images;
    c->channels = (int)round_up((size_t)shape->ic, KERNELS__QUAD);
    c->blocks = (shape->oc + KERNELS__BLOCK - 1) / KERNELS__BLOCK;
    c->pointwise = is_pointwise(shape);
    c->winograd = takes_winograd(shape, code->words);
    describe_image(c);
    describe_direct(c);
    enum dse_status status = allocate(c, err);
    if (status != DSE_OK) {
        vector_conv_free(c);
        return status;
    }
    *conv = c;
    return DSE_OK;
}

/* ---- weights ---- */

/* [block][kernel_h][kernel_w][quad][16][4], zeros where there is no channel. */
static void *pack_direct(const struct vector_conv *c, const int8_t *weights) {
    const struct kernels__direct *d = &c->direct;
    size_t taps = (size_t)d->kernel_h * (size_t)d->kernel_w, ic = (size_t)c->shape.ic;
    int8_t *packed = dse_alloc_aligned((size_t)c->blocks * d->block_bytes, 1);
    if (packed == NULL)
        return NULL;
    for (size_t oc = 0; oc < (size_t)c->shape.oc; oc++) {
        int8_t *block = packed + oc / KERNELS__BLOCK * d->block_bytes;
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t i = 0; i < ic; i++)
                block[tap * d->column_weights + i / KERNELS__QUAD * KERNELS__QUAD * KERNELS__BLOCK +
                      oc % KERNELS__BLOCK * KERNELS__QUAD + i % KERNELS__QUAD] = *weights++;
    }
    return packed;
}

/* G g G' as vector_code.h has it; weights of one pair of channels, `stride` bytes apart. */
static void transform_weights(const int8_t *g, size_t stride, int16_t out[KERNELS__POINTS]) {
    static const int rows[KERNELS__SPAN][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                               {1, 2, 4}, {1, -2, 4},   {0, 0, 12}};
    int half[KERNELS__SPAN][3];
    for (int i = 0; i < KERNELS__SPAN; i++)
        for (int x = 0; x < 3; x++) {
            half[i][x] = 0;
            for (int y = 0; y < 3; y++)
                half[i][x] += rows[i][y] * g[(size_t)(y * 3 + x) * stride];
        }
    for (int i = 0; i < KERNELS__SPAN; i++)
        for (int j = 0; j < KERNELS__SPAN; j++) {
            int sum = 0;
            for (int x = 0; x < 3; x++)
                sum += half[i][x] * rows[j][x];
            out[i * KERNELS__SPAN + j] = (int16_t)sum;
        }
}

static size_t winograd_block_values(const struct vector_conv *c) {
    return (size_t)KERNELS__POINTS * (size_t)c->shape.ic * KERNELS__BLOCK;
}

/* [block][point][channels / 2][16][2]. */
static void *pack_winograd(const struct vector_conv *c, const int8_t *weights) {
    size_t ic = (size_t)c->shape.ic, block_values = winograd_block_values(c);
    int16_t *packed = dse_alloc_aligned((size_t)c->blocks * block_values, sizeof *packed);
    if (packed == NULL)
        return NULL;
    for (size_t oc = 0; oc < (size_t)c->shape.oc; oc++, weights += 9 * ic)
        for (size_t i = 0; i < ic; i++) {
            int16_t points[KERNELS__POINTS];
            transform_weights(weights + i, ic, points);
            int16_t *to = packed + oc / KERNELS__BLOCK * block_values + i / 2 * 2 * KERNELS__BLOCK +
                          oc % KERNELS__BLOCK * 2 + i % 2;
            for (size_t point = 0; point < KERNELS__POINTS; point++)
                to[point * ic * KERNELS__BLOCK] = points[point];
        }
    return packed;
}

static enum dse_status vector_pack(void *conv, const void *weights, void **packed,
                                   struct dse_err *err) {
    const struct vector_conv *c = conv;
    *packed = c->winograd ? pack_winograd(c, weights) : pack_direct(c, weights);
    if (*packed == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    return DSE_OK;
}

/* ---- running ---- */

/* Pixels of `ic` channels to pixels of `channels`, in pieces of a constant size. What stands behind
 * a pixel's channels comes along and meets weights of zero; nothing is read behind the row. */
static inline __attribute__((always_inline)) void
widen_by(const uint8_t *src, size_t pixels, size_t ic, size_t channels, size_t piece, uint8_t *to) {
    size_t p = 0, bytes = pixels * ic;
    for (; p * ic + channels <= bytes; p++, src += ic)
        for (size_t i = 0; i < channels; i += piece, to += piece)
            memcpy(to, src + i, piece);
    for (; p < pixels; p++, src += ic, to += channels)
        memcpy(to, src, ic);
}

static void widen_pixels(const uint8_t *src, size_t pixels, size_t ic, uint8_t *to) {
    size_t channels = round_up(ic, KERNELS__QUAD);
    if (channels == 8)
        widen_by(src, pixels, ic, 8, 8, to);
    else
        widen_by(src, pixels, ic, channels, KERNELS__QUAD, to);
}

/* The border is zero from the allocation and is never written. */
static void pad_image(const struct vector_conv *c, const uint8_t *src) {
    const struct dse_conv_shape *s = &c->shape;
    size_t from_bytes = (size_t)s->iw * (size_t)s->ic;
    uint8_t *to = c->padded + c->first_bytes + (size_t)s->pad_top * c->row_bytes +
                  (size_t)s->pad_left * (size_t)c->channels;
    for (int y = 0; y < s->ih; y++, src += from_bytes, to += c->row_bytes) {
        if (c->channels == s->ic)
            memcpy(to, src, from_bytes);
        else
            widen_pixels(src, (size_t)s->iw, (size_t)s->ic, to);
    }
}

static const uint8_t *padded_row(const struct vector_conv *c, int y) {
    return c->padded + c->first_bytes + (size_t)y * c->row_bytes;
}

/* All channels of some outputs of a row; src: the first one's window. */
static void run_row(const struct vector_conv *c, const int8_t *weights, const uint8_t *src,
                    size_t pixel, int outputs, const struct kernels__direct *d) {
    for (int block = 0, blocks; block < c->blocks; block += blocks) {
        int left = c->blocks - block, most = c->code->most_blocks;
        blocks = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        blocks = blocks < most ? blocks : most;
        int at_once = c->code->pixels_at_once(d, blocks);
        for (int x = 0; x < outputs; x += at_once)
            c->code->direct(d, src + (size_t)x * d->pixel_bytes,
                            weights + (size_t)block * d->block_bytes, pixel + (size_t)x,
                            outputs - x < at_once ? outputs - x : at_once, block, blocks);
    }
}

static void run_direct(const struct vector_conv *c, const void *packed, const uint8_t *src,
                       const struct kernels__sink *sink) {
    const struct dse_conv_shape *s = &c->shape;
    struct kernels__direct d = c->direct;
    size_t image = (size_t)s->ih * (size_t)s->iw * (size_t)s->ic, pixel = 0;
    d.sink = sink;
    for (int n = 0; n < c->images; n++, src += image) {
        pad_image(c, src);
        for (int y = 0; y < s->oh; y++, pixel += (size_t)s->ow)
            run_row(c, packed, padded_row(c, y * s->stride_h), pixel, s->ow, &d);
    }
}

/* The last pixels are copied, because more than there are may be read. */
static void run_pointwise(const struct vector_conv *c, const void *packed, const uint8_t *src,
                          const struct kernels__sink *sink) {
    const struct dse_conv_shape *s = &c->shape;
    struct kernels__direct d = c->direct;
    size_t pixels = (size_t)c->images * (size_t)s->ih * (size_t)s->iw, ic = (size_t)s->ic;
    d.sink = sink;
    for (size_t at = 0; at < pixels; at += KERNELS__MAX_PIXELS) {
        size_t now = pixels - at < KERNELS__MAX_PIXELS ? pixels - at : KERNELS__MAX_PIXELS;
        const uint8_t *from = src + at * ic;
        if (pixels - at < 2 * KERNELS__MAX_PIXELS) {
            memcpy(c->padded, from, now * ic);
            from = c->padded;
        }
        run_row(c, packed, from, at, (int)now, &d);
    }
}

/* Tiles that wait for their products. */
struct waiting {
    struct kernels__square squares[KERNELS__TILES];
    int n;
};

static void finish_tiles(const struct vector_conv *c, const int16_t *weights,
                         struct waiting *waiting, const struct kernels__sink *sink) {
    size_t block_values = winograd_block_values(c);
    for (int block = 0, blocks; block < c->blocks; block += blocks) {
        blocks = c->blocks - block > 1 ? 2 : 1;
        c->code->multiply(c->points, weights + (size_t)block * block_values, block_values,
                          c->shape.ic, blocks, c->products);
        size_t stride = (size_t)(KERNELS__TILES * blocks) * KERNELS__BLOCK;
        for (int t = 0; t < waiting->n; t++)
            for (int b = 0; b < blocks; b++) {
                struct kernels__square square = waiting->squares[t];
                square.channel = (size_t)(block + b) * KERNELS__BLOCK;
                c->code->transform_back(c->products + (size_t)(t * blocks + b) * KERNELS__BLOCK,
                                        stride, sink, &square);
            }
    }
    waiting->n = 0;
}

static int at_most(int a, int b) {
    return a < b ? a : b;
}

static void add_row_of_tiles(const struct vector_conv *c, const int16_t *weights, int image,
                             int row, struct waiting *waiting, const struct kernels__sink *sink) {
    const struct dse_conv_shape *s = &c->shape;
    size_t ic = (size_t)s->ic;
    c->code->transform_columns(padded_row(c, row * KERNELS__TILE), c->row_bytes,
                               c->tiles_w * KERNELS__TILE + 2, s->ic, c->columns);
    for (int column = 0; column < c->tiles_w; column++) {
        c->code->transform_tile(c->columns + (size_t)(column * KERNELS__TILE * KERNELS__SPAN) * ic,
                                s->ic, c->points + (size_t)waiting->n * ic);
        int y = row * KERNELS__TILE, x = column * KERNELS__TILE;
        waiting->squares[waiting->n++] = (struct kernels__square){
            .pixel = ((size_t)image * (size_t)s->oh + (size_t)y) * (size_t)s->ow + (size_t)x,
            .row_pixels = (size_t)s->ow,
            .rows = at_most(s->oh - y, KERNELS__TILE),
            .columns = at_most(s->ow - x, KERNELS__TILE),
        };
        if (waiting->n == KERNELS__TILES)
            finish_tiles(c, weights, waiting, sink);
    }
}

static void run_winograd(const struct vector_conv *c, const void *packed, const uint8_t *src,
                         const struct kernels__sink *sink) {
    const struct dse_conv_shape *s = &c->shape;
    size_t image = (size_t)s->ih * (size_t)s->iw * (size_t)s->ic;
    struct waiting waiting = {.n = 0};
    for (int n = 0; n < c->images; n++) {
        pad_image(c, src + (size_t)n * image);
        for (int row = 0; row < c->tiles_h; row++)
            add_row_of_tiles(c, packed, n, row, &waiting, sink);
    }
    if (waiting.n > 0)
        finish_tiles(c, packed, &waiting, sink);
}

static void run_to(const struct vector_conv *c, const void *packed, const void *src,
                   const struct kernels__sink *sink) {
    if (c->winograd)
        run_winograd(c, packed, src, sink);
    else if (c->pointwise)
        run_pointwise(c, packed, src, sink);
    else
        run_direct(c, packed, src, sink);
}

static enum dse_status vector_run(void *conv, const void *packed, const void *src, void *dst,
                                  struct dse_err *err) {
    const struct vector_conv *c = conv;
    (void)err;
    const struct kernels__sink sink = {.sums = dst, .oc = (size_t)c->shape.oc};
    run_to(c, packed, src, &sink);
    return DSE_OK;
}

static enum dse_status vector_run_finished(void *conv, const void *packed, const void *src,
                                           const struct dse_conv_finish *finish,
                                           struct dse_err *err) {
    const struct vector_conv *c = conv;
    (void)err;
    const struct kernels__sink sink = {.finish = *finish, .oc = (size_t)c->shape.oc};
    run_to(c, packed, src, &sink);
    return DSE_OK;
}

const struct kernels__ops kernels__vector_ops = {
    .name = "vector",
    .open = vector_open,
    .conv_new = vector_conv_new,
    .conv_free = vector_conv_free,
    .pack = vector_pack,
    .packed_free = dse_free,
    .run = vector_run,
    .run_finished = vector_run_finished,
};
