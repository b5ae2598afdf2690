/* The plain C kernels: the definition of every convolution.
 *
 * float32: an output is the sum over kernel row, kernel column, input channel, in this order, of
 * products rounded to float32, each added with rounding to float32; the sum starts at +0 and takes
 * zeros for pixels outside of the image. The build forbids contraction to fused multiply-add, so
 * every processor gives the same bits.
 * Integers: exact in int32. Two products of u8 0..127 and s8 -127..127 add up to at most 32,258 and
 * fit int16, where a vector holds twice as many values.
 *
 * Vectors of 16 bytes (an extension of gcc and clang) run over output channels, so a vector changes
 * nothing in the order of one output's sum. Weights are packed [group][block][kh][kw][ic][LANES].
 */
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

enum {
    LANES = 16,     /* output channels of a tile */
    F32_PIXELS = 4, /* output pixels of a tile: 4 x 16 floats are the 16 registers of x86-64 */
    U8_PIXELS = 2,
};

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t s32x4 __attribute__((vector_size(16)));
typedef int16_t s16x4 __attribute__((vector_size(8)));

struct reference_conv {
    struct dse_conv_shape shape;
    enum dse_conv_type type;
    int images;
    bool depthwise;
    int group_ic, group_oc, blocks; /* of LANES output channels, in a group */
    size_t block_values;            /* packed weights of a block */
    struct kernels__padded padded;
};

static enum dse_status reference_open(char *out, size_t size, struct dse_err *err) {
    (void)err;
    if (size > 1)
        memcpy(out, "c", 2);
    return DSE_OK;
}

static enum dse_status reference_conv_new(const struct dse_conv_shape *shape,
                                          enum dse_conv_type type, int images, void **conv,
                                          struct dse_err *err) {
    struct reference_conv *c = dse_alloc(1, sizeof *c);
    if (c == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    c->shape = *shape;
    c->type = type;
    c->images = images;
    c->group_ic = shape->ic / shape->groups;
    c->group_oc = shape->oc / shape->groups;
    c->depthwise = c->group_ic == 1 && c->group_oc == 1;
    c->blocks = (c->group_oc + LANES - 1) / LANES;
    size_t taps = (size_t)shape->kernel_h * (size_t)shape->kernel_w;
    size_t rows = (size_t)c->group_ic;
    if (type == DSE_CONV_U8S8)
        rows += rows % 2; /* channels go in pairs */
    c->block_values = taps * rows * LANES;
    enum dse_status status = kernels__padded_init(
        &c->padded, shape, type == DSE_CONV_F32 ? sizeof(float) : sizeof(uint8_t), err);
    if (status != DSE_OK) {
        dse_free(c);
        return status;
    }
    *conv = c;
    return DSE_OK;
}

static void reference_conv_free(void *conv) {
    struct reference_conv *c = conv;
    if (c == NULL)
        return;
    kernels__padded_fini(&c->padded);
    dse_free(c);
}

/* Place of weight (oc, tap, i) in the pack. */
static size_t packed_index(const struct reference_conv *c, int oc, size_t tap, int i) {
    if (c->depthwise)
        return tap * (size_t)c->shape.oc + (size_t)oc;
    int group = oc / c->group_oc, in_group = oc % c->group_oc;
    size_t block = (size_t)group * (size_t)c->blocks + (size_t)(in_group / LANES);
    size_t taps = (size_t)c->shape.kernel_h * (size_t)c->shape.kernel_w;
    size_t rows = c->block_values / taps / LANES;
    return block * c->block_values + (tap * rows + (size_t)i) * LANES + (size_t)(in_group % LANES);
}

static size_t packed_values(const struct reference_conv *c) {
    if (c->depthwise)
        return (size_t)c->shape.kernel_h * (size_t)c->shape.kernel_w * (size_t)c->shape.oc;
    return (size_t)c->shape.groups * (size_t)c->blocks * c->block_values;
}

static enum dse_status reference_pack(void *conv, const void *weights, void **packed,
                                      struct dse_err *err) {
    const struct reference_conv *c = conv;
    bool is_float = c->type == DSE_CONV_F32;
    void *pack = dse_alloc_aligned(packed_values(c), is_float ? sizeof(float) : sizeof(int16_t));
    if (pack == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    size_t taps = (size_t)c->shape.kernel_h * (size_t)c->shape.kernel_w, from = 0;
    for (int oc = 0; oc < c->shape.oc; oc++)
        for (size_t tap = 0; tap < taps; tap++)
            for (int i = 0; i < c->group_ic; i++, from++) {
                size_t to = packed_index(c, oc, tap, i);
                if (is_float)
                    ((float *)pack)[to] = ((const float *)weights)[from];
                else
                    ((int16_t *)pack)[to] = ((const int8_t *)weights)[from];
            }
    *packed = pack;
    return DSE_OK;
}

/* What a tile reads, in values: one window's corner, and the steps to other pixels. */
struct window {
    int kernel_h, kernel_w, channels;
    size_t tap_row, tap_column; /* to the next row or column of the kernel */
    size_t pixel;               /* to the next output pixel's window */
    size_t dst_pixel;
};

/* `pixels` neighbouring outputs by LANES channels, of which `lanes` exist. */
static inline __attribute__((always_inline)) void f32_tile(const struct window *window, int pixels,
                                                           const float *src, const float *weights,
                                                           float *dst, size_t lanes) {
    f32x4 sum[F32_PIXELS][LANES / 4] = {0};
    for (int ky = 0; ky < window->kernel_h; ky++)
        for (int kx = 0; kx < window->kernel_w; kx++) {
            const float *from =
                src + (size_t)ky * window->tap_row + (size_t)kx * window->tap_column;
            for (int i = 0; i < window->channels; i++, weights += LANES) {
                f32x4 row[LANES / 4];
                memcpy(row, weights, sizeof row);
                for (int p = 0; p < pixels; p++)
                    for (int v = 0; v < LANES / 4; v++)
                        sum[p][v] += row[v] * from[(size_t)p * window->pixel + (size_t)i];
            }
        }
    for (int p = 0; p < pixels; p++)
        memcpy(dst + (size_t)p * window->dst_pixel, sum[p], lanes * sizeof(float));
}

static inline __attribute__((always_inline)) void u8s8_tile(const struct window *window, int pixels,
                                                            const uint8_t *src,
                                                            const int16_t *weights, int32_t *dst,
                                                            size_t lanes) {
    s32x4 sum[U8_PIXELS][LANES / 4] = {0};
    for (int ky = 0; ky < window->kernel_h; ky++)
        for (int kx = 0; kx < window->kernel_w; kx++) {
            const uint8_t *from =
                src + (size_t)ky * window->tap_row + (size_t)kx * window->tap_column;
            for (int i = 0; i < window->channels; i += 2, weights += 2 * LANES) {
                s16x4 row[2][LANES / 4];
                memcpy(row, weights, sizeof row);
                for (int p = 0; p < pixels; p++) {
                    const uint8_t *x = from + (size_t)p * window->pixel + i;
                    int16_t first = x[0];
                    int16_t second = i + 1 < window->channels ? x[1] : 0;
                    for (int v = 0; v < LANES / 4; v++)
                        sum[p][v] +=
                            __builtin_convertvector(row[0][v] * first + row[1][v] * second, s32x4);
                }
            }
        }
    for (int p = 0; p < pixels; p++)
        memcpy(dst + (size_t)p * window->dst_pixel, sum[p], lanes * sizeof(int32_t));
}

static void f32_row(const struct window *window, int outputs, const float *src,
                    const float *weights, float *dst, size_t lanes) {
    int x = 0;
    for (; x + F32_PIXELS <= outputs; x += F32_PIXELS)
        f32_tile(window, F32_PIXELS, src + (size_t)x * window->pixel, weights,
                 dst + (size_t)x * window->dst_pixel, lanes);
    for (; x < outputs; x++)
        f32_tile(window, 1, src + (size_t)x * window->pixel, weights,
                 dst + (size_t)x * window->dst_pixel, lanes);
}

static void u8s8_row(const struct window *window, int outputs, const uint8_t *src,
                     const int16_t *weights, int32_t *dst, size_t lanes) {
    int x = 0;
    for (; x + U8_PIXELS <= outputs; x += U8_PIXELS)
        u8s8_tile(window, U8_PIXELS, src + (size_t)x * window->pixel, weights,
                  dst + (size_t)x * window->dst_pixel, lanes);
    for (; x < outputs; x++)
        u8s8_tile(window, 1, src + (size_t)x * window->pixel, weights,
                  dst + (size_t)x * window->dst_pixel, lanes);
}

/* One input channel an output channel: vectors run over the channels of a pixel. */
KERNELS__CLONES
static void f32_depthwise_row(const struct window *window, int outputs, const float *restrict src,
                              const float *restrict weights, float *restrict dst, size_t channels) {
    for (int x = 0; x < outputs; x++, src += window->pixel, dst += channels) {
        memset(dst, 0, channels * sizeof *dst);
        const float *tap = weights;
        for (int ky = 0; ky < window->kernel_h; ky++)
            for (int kx = 0; kx < window->kernel_w; kx++, tap += channels) {
                const float *from =
                    src + (size_t)ky * window->tap_row + (size_t)kx * window->tap_column;
                for (size_t i = 0; i < channels; i++)
                    dst[i] += from[i] * tap[i];
            }
    }
}

KERNELS__CLONES
static void u8s8_depthwise_row(const struct window *window, int outputs,
                               const uint8_t *restrict src, const int16_t *restrict weights,
                               int32_t *restrict dst, size_t channels) {
    for (int x = 0; x < outputs; x++, src += window->pixel, dst += channels) {
        memset(dst, 0, channels * sizeof *dst);
        const int16_t *tap = weights;
        for (int ky = 0; ky < window->kernel_h; ky++)
            for (int kx = 0; kx < window->kernel_w; kx++, tap += channels) {
                const uint8_t *from =
                    src + (size_t)ky * window->tap_row + (size_t)kx * window->tap_column;
                for (size_t i = 0; i < channels; i++)
                    dst[i] += from[i] * tap[i];
            }
    }
}

static struct window window_of(const struct reference_conv *c) {
    size_t ic = (size_t)c->shape.ic, row = c->padded.row_bytes / c->padded.value_bytes;
    return (struct window){
        .kernel_h = c->shape.kernel_h,
        .kernel_w = c->shape.kernel_w,
        .channels = c->group_ic,
        .tap_row = (size_t)c->shape.dilation_h * row,
        .tap_column = (size_t)c->shape.dilation_w * ic,
        .pixel = (size_t)c->shape.stride_w * ic,
        .dst_pixel = (size_t)c->shape.oc,
    };
}

/* All blocks of output channels of one row of outputs. src: the windows' first row. */
static void run_row(const struct reference_conv *c, const struct window *window, const void *packed,
                    const void *src, void *dst) {
    int outputs = c->shape.ow;
    bool is_float = c->type == DSE_CONV_F32;
    if (c->depthwise) {
        size_t channels = (size_t)c->shape.oc;
        if (is_float)
            f32_depthwise_row(window, outputs, src, packed, dst, channels);
        else
            u8s8_depthwise_row(window, outputs, src, packed, dst, channels);
        return;
    }
    for (int group = 0; group < c->shape.groups; group++)
        for (int block = 0; block < c->blocks; block++) {
            size_t values = (size_t)(group * c->blocks + block) * c->block_values;
            size_t from = (size_t)group * (size_t)c->group_ic;
            size_t to = (size_t)group * (size_t)c->group_oc + (size_t)block * LANES;
            size_t lanes = (size_t)(c->group_oc - block * LANES);
            if (lanes > LANES)
                lanes = LANES;
            if (is_float)
                f32_row(window, outputs, (const float *)src + from, (const float *)packed + values,
                        (float *)dst + to, lanes);
            else
                u8s8_row(window, outputs, (const uint8_t *)src + from,
                         (const int16_t *)packed + values, (int32_t *)dst + to, lanes);
        }
}

static enum dse_status reference_run(void *conv, const void *packed, const void *src, void *dst,
                                     struct dse_err *err) {
    struct reference_conv *c = conv;
    (void)err;
    struct window window = window_of(c);
    size_t dst_row_bytes = (size_t)c->shape.ow * (size_t)c->shape.oc * sizeof(int32_t);
    _Static_assert(sizeof(int32_t) == sizeof(float), "outputs of both types have one size");
    unsigned char *to = dst;
    for (int n = 0; n < c->images; n++) {
        const unsigned char *image = kernels__padded_image(&c->padded, &c->shape, src, n);
        for (int y = 0; y < c->shape.oh; y++, to += dst_row_bytes)
            run_row(c, &window, packed,
                    image + (size_t)y * (size_t)c->shape.stride_h * c->padded.row_bytes, to);
    }
    return DSE_OK;
}

const struct kernels__ops kernels__reference_ops = {
    .name = "c",
    .open = reference_open,
    .conv_new = reference_conv_new,
    .conv_free = reference_conv_free,
    .pack = reference_pack,
    .packed_free = dse_free,
    .run = reference_run,
};
