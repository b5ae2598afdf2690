/* Our own convolutions: the choice of an instruction set, integers computed directly, and the way
 * to Winograd's algorithm (vector_winograd.c). The hot loops are in vector_code.h, compiled for
 * several instruction sets. Images are copied with zeros around them, so that no loop knows
 * borders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "evaluator/kernels/vector_internal.h"

struct vector_conv {
    struct dse_conv_shape shape;
    enum dse_conv_type type;
    const struct kernels__vector_code *code;
    int images, blocks;
    struct kernels__winograd *winograd; /* NULL: directly */
    bool pointwise;                     /* 1x1: one long row of pixels, read where they are */
    struct kernels__image image;
    uint8_t *last; /* pixels, where pointwise */
    struct kernels__direct direct;
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

enum dse_status kernels__vector_choose(const struct kernels__vector_code **code,
                                       struct dse_err *err) {
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
    DSE_TRY(kernels__vector_choose(&code, err));
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
    kernels__image_fini(&c->image);
    kernels__winograd_free(c->winograd);
    dse_free(c->last);
    dse_free(c);
}

static bool is_pointwise(const struct dse_conv_shape *s) {
    return s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 &&
           s->pad_top == 0 && s->pad_left == 0 && s->ih == s->oh && s->iw == s->ow &&
           s->ic % KERNELS__QUAD == 0;
}

static void describe_direct(struct vector_conv *c) {
    const struct dse_conv_shape *s = &c->shape;
    size_t channels = c->image.channels;
    struct kernels__direct *d = &c->direct;
    d->kernel_h = s->kernel_h;
    d->kernel_w = s->kernel_w;
    d->quads = (int)channels / KERNELS__QUAD;
    d->row_bytes = c->image.row_bytes * (size_t)s->dilation_h;
    d->column_bytes = channels * (size_t)s->dilation_w;
    d->pixel_bytes = channels * (size_t)s->stride_w;
    d->column_weights = channels * KERNELS__BLOCK;
    d->row_weights = d->column_weights * (size_t)d->kernel_w;
    d->block_bytes = d->row_weights * (size_t)d->kernel_h;
    bool neighbours = s->kernel_w == 3 && s->dilation_w == 1 && s->stride_w <= 2;
    d->slides = neighbours ? s->stride_w : 0;
}

/* Behind an image `direct` reads windows of outputs that do not exist. */
static size_t bytes_behind(const struct vector_conv *c) {
    return (size_t)KERNELS__MAX_PIXELS * c->direct.pixel_bytes +
           (size_t)c->direct.kernel_w * c->direct.column_bytes;
}

static enum dse_status prepare_direct(struct vector_conv *c, struct dse_err *err) {
    const struct dse_conv_shape *s = &c->shape;
    if (c->type != DSE_CONV_U8S8 || s->groups != 1)
        DSE_FAIL(err, DSE_UNSUPPORTED, "the vector kernels do not take this shape");
    c->pointwise = is_pointwise(s);
    c->blocks = (s->oc + KERNELS__BLOCK - 1) / KERNELS__BLOCK;
    kernels__image_describe(&c->image, s, s->oh, s->ow, sizeof(uint8_t));
    describe_direct(c);
    if (!c->pointwise)
        return kernels__image_init(&c->image, bytes_behind(c), err);
    c->last = dse_alloc_aligned(bytes_behind(c), 1);
    if (c->last == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the pixels of a convolution");
    return DSE_OK;
}

static enum dse_status vector_conv_new(const struct dse_conv_shape *shape, enum dse_conv_type type,
                                       int images, void **conv, struct dse_err *err) {
    const struct kernels__vector_code *code = NULL;
    DSE_TRY(kernels__vector_choose(&code, err));
    struct vector_conv *c = dse_alloc(1, sizeof *c);
    if (c == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    c->shape = *shape;
    c->type = type;
    c->code = code;
    c->images = images;
    enum dse_status status =
        kernels__winograd_takes(shape, type, code)
            ? kernels__winograd_new(shape, type, images, code, &c->winograd, err)
            : prepare_direct(c, err);
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

static enum dse_status vector_pack(void *conv, const void *weights, void **packed,
                                   struct dse_err *err) {
    const struct vector_conv *c = conv;
    *packed = c->winograd != NULL ? kernels__winograd_pack(c->winograd, weights)
                                  : pack_direct(c, weights);
    if (*packed == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    return DSE_OK;
}

/* ---- running ---- */

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
        kernels__image_take(&c->image, src);
        for (int y = 0; y < s->oh; y++, pixel += (size_t)s->ow)
            run_row(c, packed, kernels__image_row(&c->image, y * s->stride_h), pixel, s->ow, &d);
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
            memcpy(c->last, from, now * ic);
            from = c->last;
        }
        run_row(c, packed, from, at, (int)now, &d);
    }
}

static void run_to(const struct vector_conv *c, const void *packed, const void *src,
                   const struct kernels__sink *sink) {
    if (c->winograd != NULL)
        kernels__winograd_run(c->winograd, packed, src, sink);
    else if (c->pointwise)
        run_pointwise(c, packed, src, sink);
    else
        run_direct(c, packed, src, sink);
}

static enum dse_status vector_run(void *conv, const void *packed, const void *src, void *dst,
                                  struct dse_err *err) {
    const struct vector_conv *c = conv;
    (void)err;
    struct kernels__sink sink = {.oc = (size_t)c->shape.oc};
    if (c->type == DSE_CONV_F32)
        sink.values = dst;
    else
        sink.sums = dst;
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
