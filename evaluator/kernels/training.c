/* Element-wise loops of training: batch norm and its gradient, gradients of Relu and poolings.
 * Channels lie innermost. Where 64 is a multiple of their number, or they are a multiple of 64, a
 * loop runs over 64 lanes at a time, whose count the compiler knows; else over the channels of a
 * pixel. */
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

enum {
    LANES = 64,
    ROWS_AT_ONCE = 64, /* added in float32 before they go to a double */
};

/* How [pixels][c] is walked: `blocks` blocks of `lanes` columns; rows of a block are stride apart.
 */
struct walk {
    size_t lanes, blocks, stride, rows;
    size_t copies; /* of the channels in a block */
};

static struct walk walk_of(size_t pixels, int c) {
    size_t channels = (size_t)c;
    if (channels % LANES == 0)
        return (struct walk){LANES, channels / LANES, channels, pixels, 1};
    size_t copies = LANES / channels;
    if (LANES % channels == 0 && pixels % copies == 0)
        return (struct walk){LANES, 1, LANES, pixels / copies, copies};
    return (struct walk){channels, 1, channels, pixels, 1};
}

/* A number a channel, for each lane of block b. Rows of more than LANES lanes are read in place. */
static const float *spread(const struct walk *walk, size_t b, const float *numbers,
                           float lanes[LANES]) {
    if (walk->copies == 1)
        return numbers + b * walk->lanes;
    size_t channels = walk->lanes / walk->copies;
    for (size_t k = 0; k < walk->copies; k++)
        memcpy(lanes + k * channels, numbers, channels * sizeof *lanes);
    return lanes;
}

/* Adds sums of lanes to sums of channels. */
static void gather(const struct walk *walk, size_t b, const float *lanes, double *sums) {
    size_t channels = walk->lanes / walk->copies;
    for (size_t i = 0; i < walk->lanes; i++)
        sums[b * walk->lanes + i % channels] += (double)lanes[i];
}

/* ---- sums ---- */

/* What is summed: first and second of each lane. */
struct two_sums {
    const float *x, *shift;
    float *dy; /* NULL: of x - shift and its square; else of dy and dy * (x - shift) */
    struct dse_train_gate gate; /* with dy */
};

/* What decides whether a gradient passes. */
enum gated_by { OPEN, GATED_BY_Y, GATED_BY_X };

static inline __attribute__((always_inline)) void
sum_rows(const struct two_sums *what, size_t rows, size_t stride, size_t lanes, enum gated_by gated,
         float *restrict first, float *restrict second) {
    const float *restrict x = what->x, *restrict y = what->gate.y, *restrict shift = what->shift;
    const float *restrict gate_scale = what->gate.scale, *restrict gate_shift = what->gate.shift;
    float *restrict dy = what->dy;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < lanes; i++) {
            size_t at = r * stride + i;
            float centred = x[at] - shift[i], factor = centred;
            if (dy != NULL)
                factor = dy[at];
            if (gated == GATED_BY_Y)
                dy[at] = factor = y[at] > 0.0f ? factor : 0.0f;
            if (gated == GATED_BY_X)
                dy[at] = factor = x[at] * gate_scale[i] + gate_shift[i] > 0.0f ? factor : 0.0f;
            first[i] += factor;
            second[i] += factor * centred;
        }
}

#define SUMS(name, has_dy, gated)                                                       \
    DSE_CLONES                                                                          \
    static void name(const struct two_sums *what, const struct walk *walk, size_t rows, \
                     float *first, float *second) {                                     \
        struct two_sums known = *what;                                                  \
        if (!(has_dy))                                                                  \
            known.dy = NULL;                                                            \
        if (walk->lanes == LANES)                                                       \
            sum_rows(&known, rows, walk->stride, LANES, gated, first, second);          \
        else                                                                            \
            sum_rows(&known, rows, walk->stride, walk->lanes, gated, first, second);    \
    }
SUMS(sum_moments, false, OPEN)
SUMS(sum_gradients, true, OPEN)
SUMS(sum_gradients_by_y, true, GATED_BY_Y)
SUMS(sum_gradients_by_x, true, GATED_BY_X)

typedef void (*sum_loop)(const struct two_sums *what, const struct walk *walk, size_t rows,
                         float *first, float *second);

static sum_loop loop_for(const struct two_sums *what) {
    if (what->dy == NULL)
        return sum_moments;
    if (what->gate.y != NULL)
        return sum_gradients_by_y;
    return what->gate.scale != NULL ? sum_gradients_by_x : sum_gradients;
}

enum { MOST_LANES = 4096 }; /* channels of a map whose number is no multiple of 64 */

static void sum_block(const struct walk *walk, size_t b, struct two_sums what, double *first,
                      double *second) {
    float spreads[3][LANES], one[MOST_LANES], two[MOST_LANES];
    dse_assert(walk->lanes <= MOST_LANES);
    sum_loop loop = loop_for(&what);
    what.shift = spread(walk, b, what.shift, spreads[0]);
    if (what.gate.scale != NULL) {
        what.gate.scale = spread(walk, b, what.gate.scale, spreads[1]);
        what.gate.shift = spread(walk, b, what.gate.shift, spreads[2]);
    }
    size_t offset = b * walk->lanes;
    for (size_t row = 0; row < walk->rows; row += ROWS_AT_ONCE) {
        size_t rows = walk->rows - row < ROWS_AT_ONCE ? walk->rows - row : ROWS_AT_ONCE;
        size_t at = row * walk->stride + offset;
        struct two_sums part = what;
        part.x += at;
        part.dy = what.dy == NULL ? NULL : what.dy + at;
        part.gate.y = what.gate.y == NULL ? NULL : what.gate.y + at;
        memset(one, 0, walk->lanes * sizeof *one);
        memset(two, 0, walk->lanes * sizeof *two);
        loop(&part, walk, rows, one, two);
        gather(walk, b, one, first);
        gather(walk, b, two, second);
    }
}

void dse_train_moments(const float *x, size_t pixels, int c, const float *shift, double *sums,
                       double *squares) {
    struct walk walk = walk_of(pixels, c);
    struct two_sums what = {.x = x, .shift = shift};
    for (size_t b = 0; b < walk.blocks; b++)
        sum_block(&walk, b, what, sums, squares);
}

void dse_train_norm_sums(const float *x, struct dse_train_gate gate, float *dy, size_t pixels,
                         int c, const float *mean, double *sums, double *products) {
    struct walk walk = walk_of(pixels, c);
    struct two_sums what = {x, mean, dy, gate};
    for (size_t b = 0; b < walk.blocks; b++)
        sum_block(&walk, b, what, sums, products);
}

/* ---- a x + b z + c for each channel ---- */

/* out = x * scale + shift, or out = x * scale + z * scale_z + shift (+ add) (Relu). */
struct mix {
    const float *x, *z, *add;
    const float *scale, *scale_z, *shift;
    float *out;
};

static inline __attribute__((always_inline)) void mix_rows(const struct mix *mix, size_t rows,
                                                           size_t stride, size_t lanes, bool two,
                                                           bool adds, bool relu) {
    const float *restrict x = mix->x, *restrict z = mix->z;
    const float *restrict scale = mix->scale, *restrict scale_z = mix->scale_z;
    const float *restrict shift = mix->shift, *add = mix->add;
    float *out = mix->out;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < lanes; i++) {
            size_t at = r * stride + i;
            float value = x[at] * scale[i] + shift[i];
            if (two)
                value += z[at] * scale_z[i];
            if (adds)
                value += add[at];
            out[at] = relu && !(value > 0.0f) ? 0.0f : value;
        }
}

#define MIX(name, two, adds, relu)                                                 \
    DSE_CLONES                                                                     \
    static void name(const struct mix *mix, const struct walk *walk) {             \
        if (walk->lanes == LANES)                                                  \
            mix_rows(mix, walk->rows, walk->stride, LANES, two, adds, relu);       \
        else                                                                       \
            mix_rows(mix, walk->rows, walk->stride, walk->lanes, two, adds, relu); \
    }
MIX(mix_plain, false, false, false)
MIX(mix_relu, false, false, true)
MIX(mix_add, false, true, false)
MIX(mix_add_relu, false, true, true)
MIX(mix_two, true, false, false)

static void mix_all(struct mix mix, size_t pixels, int c,
                    void (*loop)(const struct mix *, const struct walk *)) {
    struct walk walk = walk_of(pixels, c);
    float scale[LANES], scale_z[LANES], shift[LANES];
    for (size_t b = 0; b < walk.blocks; b++) {
        size_t at = b * walk.lanes;
        struct mix part = {
            .x = mix.x + at,
            .z = mix.z == NULL ? NULL : mix.z + at,
            .add = mix.add == NULL ? NULL : mix.add + at,
            .scale = spread(&walk, b, mix.scale, scale),
            .scale_z = mix.z == NULL ? NULL : spread(&walk, b, mix.scale_z, scale_z),
            .shift = spread(&walk, b, mix.shift, shift),
            .out = mix.out + at,
        };
        loop(&part, &walk);
    }
}

void dse_train_affine(const float *x, size_t pixels, int c, const float *scale, const float *shift,
                      const float *add, bool relu, float *y) {
    struct mix mix = {.x = x, .scale = scale, .shift = shift, .add = add, .out = y};
    mix_all(mix, pixels, c,
            add != NULL ? (relu ? mix_add_relu : mix_add) : (relu ? mix_relu : mix_plain));
}

void dse_train_norm_input(const float *x, const float *dz, size_t pixels, int c,
                          const float *scale_x, const float *scale_z, const float *shift,
                          float *dx) {
    struct mix mix = {
        .x = x, .z = dz, .scale = scale_x, .scale_z = scale_z, .shift = shift, .out = dx};
    mix_all(mix, pixels, c, mix_two);
}

/* ---- the others ---- */

DSE_CLONES
void dse_train_relu_gate(const float *y, float *dy, size_t n) {
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

DSE_CLONES
void dse_train_add_to(float *restrict sum, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++)
        sum[i] += x[i];
}

void dse_train_channel_sums(const float *x, size_t pixels, int c, double *sums) {
    float part[LANES];
    for (size_t column = 0; column < (size_t)c; column += LANES) {
        size_t lanes = (size_t)c - column < LANES ? (size_t)c - column : LANES;
        for (size_t first = 0; first < pixels; first += ROWS_AT_ONCE) {
            size_t rows = pixels - first < ROWS_AT_ONCE ? pixels - first : ROWS_AT_ONCE;
            memset(part, 0, sizeof part);
            for (size_t p = first; p < first + rows; p++)
                for (size_t i = 0; i < lanes; i++)
                    part[i] += x[p * (size_t)c + column + i];
            for (size_t i = 0; i < lanes; i++)
                sums[column + i] += (double)part[i];
        }
    }
}

bool dse_train_takes_channels(int c) {
    return c <= MOST_LANES || c % LANES == 0;
}

/* The pixels of a pooling window that lie inside of the image. */
struct inside {
    struct kernels__window_axis rows, columns;
};

static void spread_mean(const struct dse_pool_shape *s, const struct inside *in, const float *dy,
                        float *dx) {
    int pixels = in->rows.count * in->columns.count, inside = 0;
    for (int y = in->rows.first; y < in->rows.end && s->exclude_padding; y += in->rows.step)
        for (int x = in->columns.first; x < in->columns.end; x += in->columns.step)
            inside++;
    float share = 1.0f / (float)(s->exclude_padding ? inside : pixels);
    for (int y = in->rows.first; y < in->rows.end; y += in->rows.step)
        for (int x = in->columns.first; x < in->columns.end; x += in->columns.step) {
            float *to = dx + ((size_t)y * (size_t)s->iw + (size_t)x) * (size_t)s->c;
            for (int i = 0; i < s->c; i++)
                to[i] += dy[i] * share;
        }
}

/* The first of the largest gets it all. */
static void give_to_largest(const struct dse_pool_shape *s, const struct inside *in,
                            const float *src, const float *dy, float *dx) {
    size_t width = (size_t)s->iw, c = (size_t)s->c;
    for (size_t i = 0; i < c; i++) {
        size_t best = ((size_t)in->rows.first * width + (size_t)in->columns.first) * c + i;
        for (int y = in->rows.first; y < in->rows.end; y += in->rows.step)
            for (int x = in->columns.first; x < in->columns.end; x += in->columns.step) {
                size_t at = ((size_t)y * width + (size_t)x) * c + i;
                if (src[at] > src[best])
                    best = at;
            }
        dx[best] += dy[i];
    }
}

void dse_train_pool_input(const float *src, const float *dy, int images,
                          const struct dse_pool_shape *s, float *dx) {
    size_t in_size = (size_t)s->ih * (size_t)s->iw * (size_t)s->c;
    for (int n = 0; n < images; n++, dx += in_size, src += src == NULL ? 0 : in_size)
        for (int y = 0; y < s->oh; y++)
            for (int x = 0; x < s->ow; x++, dy += s->c) {
                struct inside in = {kernels__window_rows(s, y), kernels__window_columns(s, x)};
                if (in.rows.first >= in.rows.end || in.columns.first >= in.columns.end)
                    continue; /* of padding only */
                if (src == NULL)
                    spread_mean(s, &in, dy, dx);
                else
                    give_to_largest(s, &in, src, dy, dx);
            }
}
