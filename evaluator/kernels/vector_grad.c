/* Float32 convolutions with their gradients, of our own code: those that Winograd's algorithm takes
 * in both directions. The gradient of the input is the convolution with turned weights. The sum of
 * the gradients of the weights is kept in points, and turned into weights when it is taken. */
#include <string.h>

#include "evaluator/kernels/vector_internal.h"

enum {
    KERNEL = 3,
    BLOCK = KERNELS__BLOCK,
    GROUPS_AT_ONCE = 4, /* of KERNELS__TILES tiles that are correlated in one go */
};

/* One direction: a convolution and its weights in points. */
struct direction {
    struct kernels__winograd *winograd;
    float *packed; /* [block of 16 outputs][point][input][16] */
};

struct vector_grad {
    struct dse_conv_shape shape;
    const struct kernels__vector_code *code;
    int images, tiles_h, tiles_w;
    struct direction forward, input;
    struct kernels__image source, result;
    bool result_in_place;                 /* its rows and columns are whole tiles */
    float *columns;                       /* of a row of tiles, half transformed */
    float *source_points, *result_points; /* [group][point][KERNELS__TILES][channels] */
    float *sums;                          /* [point][oc][ic] */
    int waiting;                          /* tiles in the points */
};

/* The convolution that makes the gradient of the input of that of the result. */
static struct dse_conv_shape turned(const struct dse_conv_shape *s) {
    struct dse_conv_shape t = *s;
    t.ic = s->oc, t.ih = s->oh, t.iw = s->ow;
    t.oc = s->ic, t.oh = s->ih, t.ow = s->iw;
    t.pad_top = KERNEL - 1 - s->pad_top;
    t.pad_left = KERNEL - 1 - s->pad_left;
    return t;
}

static size_t points_of_weights(const struct vector_grad *g) {
    return (size_t)KERNELS__POINTS * (size_t)g->shape.ic * (size_t)g->shape.oc;
}

/* ---- creation ---- */

static void vector_grad_free(void *grad) {
    struct vector_grad *g = grad;
    if (g == NULL)
        return;
    kernels__winograd_free(g->forward.winograd);
    kernels__winograd_free(g->input.winograd);
    kernels__image_fini(&g->source);
    kernels__image_fini(&g->result);
    float *arrays[] = {g->forward.packed, g->input.packed,  g->columns,
                       g->source_points,  g->result_points, g->sums};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        dse_free(arrays[i]);
    dse_free(g);
}

static bool takes(const struct dse_conv_shape *s, const struct kernels__vector_code *code) {
    if (s->pad_top >= KERNEL || s->pad_left >= KERNEL)
        return false;
    struct dse_conv_shape back = turned(s);
    return kernels__winograd_takes(s, DSE_CONV_F32, code) && s->ic % BLOCK == 0 &&
           kernels__winograd_takes(&back, DSE_CONV_F32, code);
}

/* The image of results is one of whole tiles, without a border. */
static struct dse_conv_shape shape_of_results(const struct vector_grad *g) {
    struct dse_conv_shape s = {.ic = g->shape.oc,
                               .ih = g->shape.oh,
                               .iw = g->shape.ow,
                               .kernel_h = 1,
                               .kernel_w = 1,
                               .stride_h = 1,
                               .stride_w = 1,
                               .dilation_h = 1,
                               .dilation_w = 1};
    return s;
}

static enum dse_status make_images(struct vector_grad *g, struct dse_err *err) {
    int h = g->tiles_h * KERNELS__TILE, w = g->tiles_w * KERNELS__TILE;
    const struct dse_conv_shape results = shape_of_results(g);
    kernels__image_describe(&g->source, &g->shape, h, w, sizeof(float));
    kernels__image_describe(&g->result, &results, h, w, sizeof(float));
    g->result_in_place = h == g->shape.oh && w == g->shape.ow;
    DSE_TRY(kernels__image_init(&g->source, 0, err));
    return g->result_in_place ? DSE_OK : kernels__image_init(&g->result, 0, err);
}

static enum dse_status make_arrays(struct vector_grad *g, struct dse_err *err) {
    size_t ic = (size_t)g->shape.ic, oc = (size_t)g->shape.oc;
    size_t columns = ((size_t)g->tiles_w * KERNELS__TILE + 2) * KERNELS__SPAN;
    size_t points = (size_t)KERNELS__POINTS * KERNELS__TILES * GROUPS_AT_ONCE;
    g->forward.packed = dse_alloc_aligned(points_of_weights(g), sizeof(float));
    g->input.packed = dse_alloc_aligned(points_of_weights(g), sizeof(float));
    g->sums = dse_alloc_aligned(points_of_weights(g), sizeof(float));
    g->columns = dse_alloc_aligned(columns * ic, sizeof(float));
    g->source_points = dse_alloc_aligned(points * ic, sizeof(float));
    g->result_points = dse_alloc_aligned(points * oc, sizeof(float));
    if (g->forward.packed == NULL || g->input.packed == NULL || g->sums == NULL ||
        g->columns == NULL || g->source_points == NULL || g->result_points == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    return DSE_OK;
}

static enum dse_status make(struct vector_grad *g, struct dse_err *err) {
    const struct dse_conv_shape back = turned(&g->shape);
    DSE_TRY(kernels__winograd_new(&g->shape, DSE_CONV_F32, g->images, g->code, &g->forward.winograd,
                                  err));
    DSE_TRY(
        kernels__winograd_new(&back, DSE_CONV_F32, g->images, g->code, &g->input.winograd, err));
    DSE_TRY(make_images(g, err));
    return make_arrays(g, err);
}

static enum dse_status vector_grad_new(const struct dse_conv_shape *shape, int images, void **grad,
                                       struct dse_err *err) {
    const struct kernels__vector_code *code = NULL;
    DSE_TRY(kernels__vector_choose(&code, err));
    if (!takes(shape, code))
        DSE_FAIL(err, DSE_UNSUPPORTED, "the vector kernels do not train this shape");
    struct vector_grad *g = dse_alloc(1, sizeof *g);
    if (g == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    g->shape = *shape;
    g->code = code;
    g->images = images;
    g->tiles_h = (shape->oh + KERNELS__TILE - 1) / KERNELS__TILE;
    g->tiles_w = (shape->ow + KERNELS__TILE - 1) / KERNELS__TILE;
    enum dse_status status = make(g, err);
    if (status != DSE_OK) {
        vector_grad_free(g);
        return status;
    }
    *grad = g;
    return DSE_OK;
}

/* ---- weights to points and back, 16 filters at a time ---- */

/* G, with the points 0, 1, -1, 2, -2 and infinity. */
static const float G[KERNELS__SPAN][KERNEL] = {
    {1.0f / 4, 0, 0},
    {-1.0f / 6, -1.0f / 6, -1.0f / 6},
    {-1.0f / 6, 1.0f / 6, -1.0f / 6},
    {1.0f / 24, 1.0f / 12, 1.0f / 6},
    {1.0f / 24, -1.0f / 12, 1.0f / 6},
    {0, 0, 1},
};

/* G' p G, of points that lie `stride` apart; to taps that lie `tap_stride` apart */
DSE_CLONES
static void to_taps(const float *points, size_t stride, float *taps, size_t tap_stride) {
    float half[KERNEL][KERNELS__SPAN][BLOCK];
    memset(half, 0, sizeof half);
    for (int y = 0; y < KERNEL; y++)
        for (int j = 0; j < KERNELS__SPAN; j++)
            for (int i = 0; i < KERNELS__SPAN; i++)
                for (int lane = 0; lane < BLOCK; lane++)
                    half[y][j][lane] +=
                        G[i][y] * points[(size_t)(i * KERNELS__SPAN + j) * stride + (size_t)lane];
    for (int y = 0; y < KERNEL; y++)
        for (int x = 0; x < KERNEL; x++) {
            float *to = taps + (size_t)(y * KERNEL + x) * tap_stride;
            float sums[BLOCK] = {0};
            for (int j = 0; j < KERNELS__SPAN; j++)
                for (int lane = 0; lane < BLOCK; lane++)
                    sums[lane] += G[j][x] * half[y][j][lane];
            memcpy(to, sums, sizeof sums);
        }
}

DSE_CLONES
static void make_points(const kernels__taps *taps, float out[KERNELS__POINTS][BLOCK]) {
    kernels__weight_points points;
    kernels__winograd_points(taps, 24, &points);
    for (int p = 0; p < KERNELS__POINTS; p++)
        for (int lane = 0; lane < BLOCK; lane++)
            out[p][lane] = (float)(points[p][lane] / KERNELS__POINTS_SCALE);
}

/* Of one output: weights [9][ic], from input channel i on. */
static void load_filters(struct vector_grad *g, const float *weights, size_t o, size_t i) {
    size_t ic = (size_t)g->shape.ic, oc = (size_t)g->shape.oc;
    kernels__taps taps, back;
    float points[KERNELS__POINTS][BLOCK];
    for (size_t tap = 0; tap < KERNELS__TAPS; tap++)
        for (size_t lane = 0; lane < BLOCK; lane++)
            taps[tap][lane] = back[KERNELS__TAPS - 1 - tap][lane] =
                (double)weights[tap * ic + i + lane];
    make_points((const kernels__taps *)&taps, points);
    float *to = g->forward.packed + o / BLOCK * KERNELS__POINTS * ic * BLOCK + o % BLOCK;
    for (size_t p = 0; p < KERNELS__POINTS; p++)
        for (size_t lane = 0; lane < BLOCK; lane++)
            to[(p * ic + i + lane) * BLOCK] = points[p][lane];
    make_points((const kernels__taps *)&back, points);
    to = g->input.packed + i / BLOCK * KERNELS__POINTS * oc * BLOCK;
    for (size_t p = 0; p < KERNELS__POINTS; p++)
        memcpy(to + (p * oc + o) * BLOCK, points[p], sizeof points[p]);
}

static enum dse_status vector_grad_load(void *grad, const float *weights, struct dse_err *err) {
    struct vector_grad *g = grad;
    (void)err;
    size_t ic = (size_t)g->shape.ic;
    for (size_t o = 0; o < (size_t)g->shape.oc; o++)
        for (size_t i = 0; i < ic; i += BLOCK)
            load_filters(g, weights + o * KERNELS__TAPS * ic, o, i);
    return DSE_OK;
}

static enum dse_status vector_grad_take(void *grad, float *weights, struct dse_err *err) {
    struct vector_grad *g = grad;
    (void)err;
    size_t ic = (size_t)g->shape.ic, oc = (size_t)g->shape.oc;
    for (size_t o = 0; o < oc; o++)
        for (size_t i = 0; i < ic; i += BLOCK)
            to_taps(g->sums + o * ic + i, oc * ic, weights + o * KERNELS__TAPS * ic + i, ic);
    memset(g->sums, 0, points_of_weights(g) * sizeof *g->sums);
    return DSE_OK;
}

/* ---- running ---- */

static void run(const struct direction *direction, const float *src, float *dst) {
    const struct kernels__sink sink = {.values = dst,
                                       .oc = kernels__winograd_outputs(direction->winograd)};
    kernels__winograd_run(direction->winograd, direction->packed, src, &sink);
}

static enum dse_status vector_grad_forward(void *grad, const float *src, float *dst,
                                           struct dse_err *err) {
    (void)err;
    run(&((struct vector_grad *)grad)->forward, src, dst);
    return DSE_OK;
}

static enum dse_status vector_grad_input(void *grad, const float *diff_dst, float *diff_src,
                                         struct dse_err *err) {
    (void)err;
    run(&((struct vector_grad *)grad)->input, diff_dst, diff_src);
    return DSE_OK;
}

static void correlate_waiting(struct vector_grad *g) {
    const struct kernels__correlation what = {.input = g->source_points,
                                              .result = g->result_points,
                                              .ic = g->shape.ic,
                                              .oc = g->shape.oc,
                                              .tiles = g->waiting};
    g->code->correlate(&what, g->sums);
    g->waiting = 0;
}

/* Where the next tile's points go, of so many channels. */
static size_t place_of_tile(const struct vector_grad *g, int channels) {
    int group = g->waiting / KERNELS__TILES, tile = g->waiting % KERNELS__TILES;
    return ((size_t)(group * KERNELS__POINTS * KERNELS__TILES) + (size_t)tile) * (size_t)channels;
}

/* results: the first row of them; rows are row_floats apart. */
static void add_row_of_tiles(struct vector_grad *g, int row, const float *results,
                             size_t row_floats) {
    const struct dse_conv_shape *s = &g->shape;
    const void *rows[KERNELS__SPAN];
    for (int i = 0; i < KERNELS__SPAN; i++)
        rows[i] = kernels__image_row(&g->source, row * KERNELS__TILE + i);
    g->code->floats.transform_columns(rows, g->tiles_w * KERNELS__TILE + 2, s->ic, g->columns);
    for (int tile = 0; tile < g->tiles_w; tile++) {
        size_t column = (size_t)(tile * KERNELS__TILE);
        g->code->floats.transform_tiles(g->columns + column * KERNELS__SPAN * (size_t)s->ic, s->ic,
                                        0, 1, g->source_points + place_of_tile(g, s->ic));
        g->code->transform_result(results + column * (size_t)s->oc, row_floats, s->oc,
                                  g->result_points + place_of_tile(g, s->oc));
        if (++g->waiting == GROUPS_AT_ONCE * KERNELS__TILES)
            correlate_waiting(g);
    }
}

static enum dse_status vector_grad_weights(void *grad, const float *src, const float *diff_dst,
                                           struct dse_err *err) {
    struct vector_grad *g = grad;
    (void)err;
    const struct dse_conv_shape *s = &g->shape;
    size_t row_floats =
        g->result_in_place ? (size_t)s->ow * (size_t)s->oc : g->result.row_bytes / sizeof(float);
    for (int n = 0; n < g->images; n++) {
        kernels__image_take(&g->source, src + (size_t)n * (size_t)(s->ih * s->iw * s->ic));
        const float *results = diff_dst + (size_t)n * (size_t)(s->oh * s->ow * s->oc);
        if (!g->result_in_place) {
            kernels__image_take(&g->result, results);
            results = kernels__image_row(&g->result, 0);
        }
        for (int row = 0; row < g->tiles_h; row++)
            add_row_of_tiles(g, row, results + (size_t)(row * KERNELS__TILE) * row_floats,
                             row_floats);
    }
    if (g->waiting > 0)
        correlate_waiting(g);
    return DSE_OK;
}

const struct kernels__grad_ops kernels__vector_grad_ops = {
    .name = "vector",
    .grad_new = vector_grad_new,
    .grad_free = vector_grad_free,
    .load = vector_grad_load,
    .forward = vector_grad_forward,
    .input = vector_grad_input,
    .weights = vector_grad_weights,
    .take = vector_grad_take,
};
