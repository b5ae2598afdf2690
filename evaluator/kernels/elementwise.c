/* Element-wise kernels: memory-bound loops that the compiler vectorises, without fused
 * multiply-add, so every clone gives the same bits.
 *
 * Rounding half to even: a float32 of magnitude below 2^22 plus 1.5 x 2^23 has no fraction bits
 * left, so the addition itself rounds, half to even as the rounding mode of a process stands by
 * default, and the subtraction is exact. Unlike rintf this becomes two vector instructions on
 * every processor. Values are clamped first, so they are small. A NaN is clamped to 0, or to -M. */
#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "evaluator/kernels/kernels_internal.h"

/* The last byte of the sum's bits is the integer: neither subtraction nor conversion is needed. */
static inline __attribute__((always_inline)) uint32_t round_clamped(float x, float inv_scale,
                                                                    float top) {
    uint32_t bits;
    float y = x * inv_scale;
    y = y > 0.0f ? y : 0.0f;
    y = y < top ? y : top;
    y = y + KERNELS__ROUNDER;
    memcpy(&bits, &y, sizeof bits);
    return bits;
}

/* Values go to bytes in blocks: a loop over floats that stores words, which fills whole vector
 * registers, then one that keeps their last bytes. One loop for both takes twice as long. */
enum { BYTES_BLOCK = 512 };

static void keep_bytes_plain(const uint32_t *restrict bits, size_t n, uint8_t *restrict q) {
    for (size_t i = 0; i < n; i++)
        q[i] = (uint8_t)bits[i];
}

#ifdef __x86_64__
/* One instruction that compilers do not find by themselves. */
__attribute__((target("avx512f"))) static void keep_bytes_avx512(const uint32_t *restrict bits,
                                                                 size_t n, uint8_t *restrict q) {
    size_t whole = n - n % 16;
    for (size_t i = 0; i < whole; i += 16)
        _mm_storeu_si128((void *)(q + i), _mm512_cvtepi32_epi8(_mm512_loadu_si512(bits + i)));
    keep_bytes_plain(bits + whole, n - whole, q + whole);
}
#endif

static void keep_bytes(const uint32_t *bits, size_t n, uint8_t *q) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        keep_bytes_avx512(bits, n, q);
        return;
    }
#endif
    keep_bytes_plain(bits, n, q);
}

/* Functions with clones are static: clang 14 exports them under another name. */
KERNELS__CLONES
static void quantize_block(const float *restrict x, size_t n, float inv_scale, float top,
                           uint32_t *restrict bits) {
    for (size_t i = 0; i < n; i++)
        bits[i] = round_clamped(x[i], inv_scale, top);
}

void dse_quantize_u8(const float *x, size_t n, float inv_scale, int M, uint8_t *q) {
    uint32_t bits[BYTES_BLOCK];
    for (size_t from = 0; from < n; from += BYTES_BLOCK) {
        size_t now = n - from < BYTES_BLOCK ? n - from : BYTES_BLOCK;
        quantize_block(x + from, now, inv_scale, (float)M, bits);
        keep_bytes(bits, now, q + from);
    }
}

/* Positive and negative part, both as magnitudes, without branches on data. */
KERNELS__CLONES
static void quantize_parts(const float *restrict x, size_t n, float inv_scale, float top,
                           uint8_t *restrict positive, uint8_t *restrict negative) {
    for (size_t i = 0; i < n; i++) {
        float y = x[i] * inv_scale;
        y = y > -top ? y : -top;
        y = y < top ? y : top;
        int32_t q = (int32_t)((y + KERNELS__ROUNDER) - KERNELS__ROUNDER);
        positive[i] = (uint8_t)(q > 0 ? q : 0);
        negative[i] = (uint8_t)(q < 0 ? -q : 0);
    }
}

/* Inlined for the usual numbers of channels of an image, where the copies become single moves. */
static inline __attribute__((always_inline)) void interleave_parts(const uint8_t *restrict positive,
                                                                   const uint8_t *restrict negative,
                                                                   size_t pixels, size_t c,
                                                                   uint8_t *restrict out) {
    for (size_t p = 0; p < pixels; p++, positive += c, negative += c, out += 2 * c) {
        memcpy(out, positive, c);
        memcpy(out + c, negative, c);
    }
}

static void interleave(const uint8_t *positive, const uint8_t *negative, size_t pixels, size_t c,
                       uint8_t *out) {
    if (c == 1)
        interleave_parts(positive, negative, pixels, 1, out);
    else if (c == 3)
        interleave_parts(positive, negative, pixels, 3, out);
    else
        interleave_parts(positive, negative, pixels, c, out);
}

void dse_quantize_split_u8(const float *x, size_t pixels, int c, float inv_scale, int M,
                           uint8_t *q) {
    enum { BLOCK = 1024 };
    uint8_t positive[BLOCK], negative[BLOCK];
    size_t channels = (size_t)c, at_once = BLOCK / channels;
    if (at_once == 0) { /* a pixel is wider than the block: its halves need no interleaving */
        for (size_t p = 0; p < pixels; p++, x += channels, q += 2 * channels)
            quantize_parts(x, channels, inv_scale, (float)M, q, q + channels);
        return;
    }
    for (size_t p = 0; p < pixels; p += at_once) {
        size_t now = pixels - p < at_once ? pixels - p : at_once;
        quantize_parts(x + p * channels, now * channels, inv_scale, (float)M, positive, negative);
        interleave(positive, negative, now, channels, q + 2 * p * channels);
    }
}

KERNELS__CLONES
static void fake_quantize(const float *x, size_t n, float inv_scale, float scale, float top,
                          float *y) {
    for (size_t i = 0; i < n; i++) {
        float v = x[i] * inv_scale;
        v = v > -top ? v : -top;
        v = v < top ? v : top;
        y[i] = ((v + KERNELS__ROUNDER) - KERNELS__ROUNDER) * scale;
    }
}

void dse_fake_quantize_f32(const float *x, size_t n, float inv_scale, float scale, int M,
                           float *y) {
    fake_quantize(x, n, inv_scale, scale, (float)M, y);
}

/* Loops over few channels do not vectorise well, so scale and bias are repeated until a run of
 * whole pixels is long enough. */
enum { REPEAT_BELOW = 256, REPEAT_MAX = 2 * REPEAT_BELOW };

static size_t repeat(const float *values, size_t c, float out[REPEAT_MAX]) {
    size_t n = 0;
    while (n < REPEAT_BELOW) {
        memcpy(out + n, values, c * sizeof *values);
        n += c;
    }
    return n;
}

/* The compiler makes a loop for each case of add and relu, since both are constant there. */
static inline __attribute__((always_inline)) void finish_run(const int32_t *acc, size_t n,
                                                             const float *scale, const float *bias,
                                                             const float *add, bool relu,
                                                             float *y) {
    for (size_t i = 0; i < n; i++) {
        float v = (float)acc[i] * scale[i];
        v = v + bias[i];
        if (add != NULL)
            v = v + add[i];
        if (relu)
            v = v > 0.0f ? v : 0.0f;
        y[i] = v;
    }
}

KERNELS__CLONES
static void finish_s32_runs(const int32_t *restrict acc, size_t n, size_t run,
                            const float *restrict scale, const float *restrict bias,
                            const float *add, bool relu, float *y) {
    for (size_t from = 0; from < n; from += run) {
        size_t now = n - from < run ? n - from : run;
        const int32_t *a = acc + from;
        if (add != NULL && relu)
            finish_run(a, now, scale, bias, add + from, true, y + from);
        else if (add != NULL)
            finish_run(a, now, scale, bias, add + from, false, y + from);
        else if (relu)
            finish_run(a, now, scale, bias, NULL, true, y + from);
        else
            finish_run(a, now, scale, bias, NULL, false, y + from);
    }
}

void dse_finish_s32(const int32_t *acc, size_t pixels, int c, const float *scale, const float *bias,
                    const float *add, bool relu, float *y) {
    size_t channels = (size_t)c, run = channels;
    float scales[REPEAT_MAX], biases[REPEAT_MAX];
    if (channels < REPEAT_BELOW) {
        run = repeat(scale, channels, scales);
        (void)repeat(bias, channels, biases);
        scale = scales;
        bias = biases;
    }
    finish_s32_runs(acc, pixels * channels, run, scale, bias, add, relu, y);
}

static inline __attribute__((always_inline)) void
finish_and_round(const int32_t *restrict acc, size_t n, const float *restrict scale,
                 const float *restrict bias, const float *add, float inv_scale, float top, float *y,
                 uint32_t *restrict bits) {
    for (size_t i = 0; i < n; i++) {
        float v = (float)acc[i] * scale[i];
        v = v + bias[i];
        if (add != NULL)
            v = v + add[i];
        v = v > 0.0f ? v : 0.0f;
        if (y != NULL)
            y[i] = v;
        bits[i] = round_clamped(v, inv_scale, top);
    }
}

KERNELS__CLONES
static void finish_block(const int32_t *restrict acc, size_t n, const float *restrict scale,
                         const float *restrict bias, const float *add, float inv_scale, float top,
                         float *y, uint32_t *restrict bits) {
    if (add != NULL && y != NULL)
        finish_and_round(acc, n, scale, bias, add, inv_scale, top, y, bits);
    else if (add != NULL)
        finish_and_round(acc, n, scale, bias, add, inv_scale, top, NULL, bits);
    else if (y != NULL)
        finish_and_round(acc, n, scale, bias, NULL, inv_scale, top, y, bits);
    else
        finish_and_round(acc, n, scale, bias, NULL, inv_scale, top, NULL, bits);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

void dse_finish_u8(const int32_t *acc, size_t pixels, int c, const float *scale, const float *bias,
                   const float *add, float inv_scale, int M, float *y, uint8_t *q) {
    size_t channels = (size_t)c, run = channels, n = pixels * channels;
    float scales[REPEAT_MAX], biases[REPEAT_MAX];
    uint32_t bits[BYTES_BLOCK];
    if (channels < REPEAT_BELOW) {
        run = repeat(scale, channels, scales);
        (void)repeat(bias, channels, biases);
        scale = scales;
        bias = biases;
    }
    for (size_t from = 0, channel = 0, now; from < n; from += now) {
        now = smaller(smaller(run - channel, n - from), BYTES_BLOCK);
        finish_block(acc + from, now, scale + channel, bias + channel,
                     add == NULL ? NULL : add + from, inv_scale, (float)M,
                     y == NULL ? NULL : y + from, bits);
        keep_bytes(bits, now, q + from);
        channel = channel + now == run ? 0 : channel + now;
    }
}

void kernels__finish(const int32_t *sums, size_t pixels, int c, const struct dse_conv_finish *f) {
    if (f->q != NULL)
        dse_finish_u8(sums, pixels, c, f->scale, f->bias, f->add, f->inv_scale, f->M, f->y, f->q);
    else
        dse_finish_s32(sums, pixels, c, f->scale, f->bias, f->add, f->relu, f->y);
}

KERNELS__CLONES
static void finish_f32_runs(const float *x, size_t n, size_t run, const float *restrict bias,
                            const float *add, bool relu, float *y) {
    for (size_t from = 0; from < n; from += run) {
        size_t now = n - from < run ? n - from : run;
        for (size_t i = 0; i < now; i++) {
            float v = x[from + i] + bias[i];
            if (add != NULL)
                v = v + add[from + i];
            if (relu)
                v = v > 0.0f ? v : 0.0f;
            y[from + i] = v;
        }
    }
}

void dse_finish_f32(const float *x, size_t pixels, int c, const float *bias, const float *add,
                    bool relu, float *y) {
    size_t channels = (size_t)c, run = channels;
    float biases[REPEAT_MAX];
    if (channels < REPEAT_BELOW) {
        run = repeat(bias, channels, biases);
        bias = biases;
    }
    finish_f32_runs(x, pixels * channels, run, bias, add, relu, y);
}

KERNELS__CLONES
static void add_values(const float *a, const float *b, size_t n, bool relu, float *y) {
    if (b == NULL && !relu) {
        if (y != a)
            memmove(y, a, n * sizeof *a);
    } else if (b == NULL) {
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] > 0.0f ? a[i] : 0.0f;
    } else if (relu) {
        for (size_t i = 0; i < n; i++) {
            float v = a[i] + b[i];
            y[i] = v > 0.0f ? v : 0.0f;
        }
    } else {
        for (size_t i = 0; i < n; i++)
            y[i] = a[i] + b[i];
    }
}

void dse_add_f32(const float *a, const float *b, size_t n, bool relu, float *y) {
    add_values(a, b, n, relu, y);
}

/* ---- pooling ---- */

static struct kernels__window_axis place_window(int output, int stride, int kernel, int dilation,
                                                const int pads[2], int extent) {
    int start = output * stride - pads[0], end = start + (kernel - 1) * dilation + 1;
    int outside = start < 0 ? (-start + dilation - 1) / dilation : 0;
    int room = (extent + pads[1] - start + dilation - 1) / dilation;
    return (struct kernels__window_axis){.first = start + outside * dilation,
                                         .end = end < extent ? end : extent,
                                         .step = dilation,
                                         .count = room < kernel ? room : kernel};
}

struct kernels__window_axis kernels__window_rows(const struct dse_pool_shape *shape, int oy) {
    return place_window(oy, shape->stride_h, shape->kernel_h, shape->dilation_h,
                        (const int[]){shape->pad_top, shape->pad_bottom}, shape->ih);
}

struct kernels__window_axis kernels__window_columns(const struct dse_pool_shape *shape, int ox) {
    return place_window(ox, shape->stride_w, shape->kernel_w, shape->dilation_w,
                        (const int[]){shape->pad_left, shape->pad_right}, shape->iw);
}

KERNELS__CLONES
static void add_pixel(const float *restrict x, size_t c, float *restrict y) {
    for (size_t i = 0; i < c; i++)
        y[i] += x[i];
}

KERNELS__CLONES
static void take_larger(const float *restrict x, size_t c, float *restrict y) {
    for (size_t i = 0; i < c; i++)
        y[i] = x[i] > y[i] ? x[i] : y[i];
}

KERNELS__CLONES
static void divide_pixel(float *y, size_t c, float divisor) {
    for (size_t i = 0; i < c; i++)
        y[i] = y[i] / divisor;
}

static void average_window(const float *image, const struct dse_pool_shape *shape, int oy, int ox,
                           float *y) {
    size_t c = (size_t)shape->c;
    struct kernels__window_axis rows = kernels__window_rows(shape, oy),
                                columns = kernels__window_columns(shape, ox);
    memset(y, 0, c * sizeof *y);
    int inside = 0;
    for (int iy = rows.first; iy < rows.end; iy += rows.step)
        for (int ix = columns.first; ix < columns.end; ix += columns.step, inside++)
            add_pixel(image + ((size_t)iy * (size_t)shape->iw + (size_t)ix) * c, c, y);
    int count = shape->exclude_padding ? inside : rows.count * columns.count;
    if (count > 0) /* 0: a window of padding only, whose mean is 0 */
        divide_pixel(y, c, (float)count);
}

void dse_avgpool_f32(const float *x, int images, const struct dse_pool_shape *shape, float *y) {
    size_t c = (size_t)shape->c, image = (size_t)shape->ih * (size_t)shape->iw * c;
    for (int n = 0; n < images; n++, x += image)
        for (int oy = 0; oy < shape->oh; oy++)
            for (int ox = 0; ox < shape->ow; ox++, y += c)
                average_window(x, shape, oy, ox, y);
}

static void largest_of_window(const float *image, const struct dse_pool_shape *shape, int oy,
                              int ox, float *y) {
    size_t c = (size_t)shape->c;
    struct kernels__window_axis rows = kernels__window_rows(shape, oy),
                                columns = kernels__window_columns(shape, ox);
    for (size_t i = 0; i < c; i++)
        y[i] = -INFINITY;
    for (int iy = rows.first; iy < rows.end; iy += rows.step)
        for (int ix = columns.first; ix < columns.end; ix += columns.step)
            take_larger(image + ((size_t)iy * (size_t)shape->iw + (size_t)ix) * c, c, y);
}

void dse_maxpool_f32(const float *x, int images, const struct dse_pool_shape *shape, float *y) {
    size_t c = (size_t)shape->c, image = (size_t)shape->ih * (size_t)shape->iw * c;
    for (int n = 0; n < images; n++, x += image)
        for (int oy = 0; oy < shape->oh; oy++)
            for (int ox = 0; ox < shape->ow; ox++, y += c)
                largest_of_window(x, shape, oy, ox, y);
}
