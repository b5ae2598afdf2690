/* Convolutions as matrix products of OpenBLAS: the windows of some rows of outputs become the rows
 * of a matrix (im2col), which is multiplied by the weights [kh][kw][ic][oc]. Outputs are NHWC, so
 * the product lands where it belongs.
 *
 * Integers travel as float32: a product is at most 127 x 127, so sums of up to 1,024 of them stay
 * below 2^24, where float32 is exact in any order of addition. Longer sums are cut into such
 * pieces and added in int32. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

enum {
    EXACT_TERMS = 1024,
    COLUMNS_BYTES = 512 * 1024, /* of the matrix: half of a usual second-level cache */
};

struct openblas_conv {
    struct dse_conv_shape shape;
    enum dse_conv_type type;
    int images;
    int group_ic, group_oc;
    int terms;        /* of one output's sum */
    int rows_at_once; /* rows of outputs in one product */
    bool direct;      /* the source is the matrix already */
    struct kernels__padded padded;
    float *columns; /* [rows_at_once * ow][terms]; NULL when direct */
    float *sums;    /* [rows_at_once * ow][group_oc]; integers only */
    float *image;   /* one image as float32; integers only */
};

static enum dse_status openblas_open(char *out, size_t size, struct dse_err *err) {
    (void)err;
    openblas_set_num_threads(1);
    char version[32] = "";
    (void)sscanf(openblas_get_config(), "OpenBLAS %31s", version);
    (void)snprintf(out, size, "openblas %s (%s)", version, openblas_get_corename());
    return DSE_OK;
}

static void openblas_conv_free(void *conv) {
    struct openblas_conv *c = conv;
    if (c == NULL)
        return;
    kernels__padded_fini(&c->padded);
    dse_free(c->columns);
    dse_free(c->sums);
    dse_free(c->image);
    dse_free(c);
}

/* A 1x1 convolution sees no neighbours: all images are one high image. */
static void join_images(struct openblas_conv *c) {
    struct dse_conv_shape *s = &c->shape;
    bool pointwise = s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 &&
                     s->pad_top == 0 && s->pad_left == 0 && s->ih == s->oh && s->iw == s->ow;
    if (!pointwise || s->ih > INT32_MAX / c->images / s->iw)
        return;
    s->ih = s->oh = s->ih * s->iw * c->images;
    s->iw = s->ow = 1;
    c->images = 1;
    c->direct = true;
}

static size_t image_values(const struct openblas_conv *c) {
    return (size_t)c->shape.ih * (size_t)c->shape.iw * (size_t)c->shape.ic;
}

static int rows_that_fit(const struct openblas_conv *c) {
    if (c->direct && c->type == DSE_CONV_F32)
        return c->shape.oh; /* nothing in between that should stay in a cache */
    size_t row_bytes = (size_t)c->shape.ow * (size_t)c->terms * sizeof(float);
    size_t rows = COLUMNS_BYTES / row_bytes;
    if (rows == 0)
        return 1;
    return rows < (size_t)c->shape.oh ? (int)rows : c->shape.oh;
}

static enum dse_status allocate_scratch(struct openblas_conv *c, struct dse_err *err) {
    size_t pixels = (size_t)c->rows_at_once * (size_t)c->shape.ow;
    if (!c->direct) {
        c->columns = dse_alloc_aligned(pixels * (size_t)c->terms, sizeof *c->columns);
        if (c->columns == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the columns of a convolution");
    }
    if (c->type == DSE_CONV_U8S8) {
        c->sums = dse_alloc_aligned(pixels * (size_t)c->group_oc, sizeof *c->sums);
        c->image = dse_alloc_aligned(image_values(c), sizeof *c->image);
        if (c->sums == NULL || c->image == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the sums of a convolution");
    }
    return kernels__padded_init(&c->padded, &c->shape, sizeof(float), err);
}

static enum dse_status openblas_conv_new(const struct dse_conv_shape *shape,
                                         enum dse_conv_type type, int images, void **conv,
                                         struct dse_err *err) {
    /* Matrices of one column would be slower than the plain loops. */
    if (shape->groups > 1 && shape->oc == shape->groups)
        DSE_FAIL(err, DSE_UNSUPPORTED, "depthwise convolutions are left to the plain C kernels");
    struct openblas_conv *c = dse_alloc(1, sizeof *c);
    if (c == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    c->shape = *shape;
    c->type = type;
    c->images = images;
    c->group_ic = shape->ic / shape->groups;
    c->group_oc = shape->oc / shape->groups;
    c->terms = shape->kernel_h * shape->kernel_w * c->group_ic;
    join_images(c);
    c->rows_at_once = rows_that_fit(c);
    enum dse_status status = allocate_scratch(c, err);
    if (status != DSE_OK) {
        openblas_conv_free(c);
        return status;
    }
    *conv = c;
    return DSE_OK;
}

/* [group][terms][group_oc], as float32. */
static enum dse_status openblas_pack(void *conv, const void *weights, void **packed,
                                     struct dse_err *err) {
    const struct openblas_conv *c = conv;
    size_t terms = (size_t)c->terms, group_oc = (size_t)c->group_oc;
    float *pack = dse_alloc_aligned((size_t)c->shape.groups * terms * group_oc, sizeof *pack);
    if (pack == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    for (size_t group = 0; group < (size_t)c->shape.groups; group++)
        for (size_t oc = 0; oc < group_oc; oc++)
            for (size_t k = 0; k < terms; k++) {
                size_t from = (group * group_oc + oc) * terms + k;
                pack[(group * terms + k) * group_oc + oc] =
                    c->type == DSE_CONV_F32 ? ((const float *)weights)[from]
                                            : (float)((const int8_t *)weights)[from];
            }
    *packed = pack;
    return DSE_OK;
}

/* The window at `corner` as one row of the matrix; returns the place of the next row. */
static float *take_window(const struct openblas_conv *c, const unsigned char *corner, float *to) {
    const struct dse_conv_shape *s = &c->shape;
    size_t pixel_bytes = (size_t)s->ic * c->padded.value_bytes;
    /* Taps of a kernel row are neighbours in memory unless something lies between them. */
    bool row_at_once = s->groups == 1 && s->dilation_w == 1;
    size_t pieces = row_at_once ? 1 : (size_t)s->kernel_w;
    size_t n = (size_t)c->group_ic * (row_at_once ? (size_t)s->kernel_w : 1);
    for (int ky = 0; ky < s->kernel_h; ky++) {
        const unsigned char *row = corner + (size_t)(ky * s->dilation_h) * c->padded.row_bytes;
        for (size_t kx = 0; kx < pieces; kx++, to += n)
            memcpy(to, row + kx * (size_t)s->dilation_w * pixel_bytes, n * sizeof *to);
    }
    return to;
}

static void take_windows(struct openblas_conv *c, const unsigned char *image, int first_row,
                         int rows, int group) {
    const struct dse_conv_shape *s = &c->shape;
    size_t step_bytes = (size_t)s->stride_w * (size_t)s->ic * c->padded.value_bytes;
    image += (size_t)group * (size_t)c->group_ic * c->padded.value_bytes;
    float *to = c->columns;
    for (int y = first_row; y < first_row + rows; y++) {
        const unsigned char *corner = image + (size_t)y * (size_t)s->stride_h * c->padded.row_bytes;
        for (int x = 0; x < s->ow; x++, corner += step_bytes)
            to = take_window(c, corner, to);
    }
}

static void add_sums(const float *sums, size_t pixels, size_t group_oc, size_t oc, bool first,
                     int32_t *dst) {
    for (size_t p = 0; p < pixels; p++, sums += group_oc, dst += oc)
        for (size_t i = 0; i < group_oc; i++)
            dst[i] = (first ? 0 : dst[i]) + (int32_t)sums[i];
}

/* One product for `terms` of the sums; matrix and weights begin at the first of them. */
static void multiply(const struct openblas_conv *c, int pixels, int terms, const float *matrix,
                     int matrix_stride, const float *weights, float *sums, int sums_stride) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, pixels, c->group_oc, terms, 1.0f, matrix,
                matrix_stride, weights, c->group_oc, 0.0f, sums, sums_stride);
}

static void multiply_u8s8(const struct openblas_conv *c, int pixels, const float *matrix,
                          int matrix_stride, const float *weights, int32_t *dst) {
    for (int k = 0; k < c->terms; k += EXACT_TERMS) {
        int terms = c->terms - k < EXACT_TERMS ? c->terms - k : EXACT_TERMS;
        multiply(c, pixels, terms, matrix + k, matrix_stride,
                 weights + (size_t)k * (size_t)c->group_oc, c->sums, c->group_oc);
        add_sums(c->sums, (size_t)pixels, (size_t)c->group_oc, (size_t)c->shape.oc, k == 0, dst);
    }
}

/* dst: outputs of the first row. */
static void run_rows(struct openblas_conv *c, const float *packed, const unsigned char *image,
                     int first_row, int rows, void *dst) {
    int pixels = rows * c->shape.ow;
    for (int group = 0; group < c->shape.groups; group++) {
        const float *weights = packed + (size_t)group * (size_t)c->terms * (size_t)c->group_oc;
        size_t to = (size_t)group * (size_t)c->group_oc;
        const float *matrix = c->columns;
        int stride = c->terms;
        if (c->direct) {
            size_t from = (size_t)first_row * (size_t)c->shape.ow * (size_t)c->shape.ic;
            matrix = (const float *)(const void *)image + from + group * c->group_ic;
            stride = c->shape.ic;
        } else {
            take_windows(c, image, first_row, rows, group);
        }
        if (c->type == DSE_CONV_F32)
            multiply(c, pixels, c->terms, matrix, stride, weights, (float *)dst + to, c->shape.oc);
        else
            multiply_u8s8(c, pixels, matrix, stride, weights, (int32_t *)dst + to);
    }
}

/* Image number n, as float32. */
static const float *take_image(const struct openblas_conv *c, const void *src, int n) {
    size_t values = image_values(c);
    if (c->type == DSE_CONV_F32)
        return (const float *)src + (size_t)n * values;
    const uint8_t *from = (const uint8_t *)src + (size_t)n * values;
    for (size_t i = 0; i < values; i++)
        c->image[i] = (float)from[i];
    return c->image;
}

static enum dse_status openblas_run(void *conv, const void *packed, const void *src, void *dst,
                                    struct dse_err *err) {
    struct openblas_conv *c = conv;
    (void)err;
    size_t row_bytes = (size_t)c->shape.ow * (size_t)c->shape.oc * sizeof(float);
    unsigned char *to = dst;
    for (int n = 0; n < c->images; n++) {
        const unsigned char *image =
            kernels__padded_image(&c->padded, &c->shape, take_image(c, src, n), 0);
        for (int y = 0; y < c->shape.oh; y += c->rows_at_once) {
            int rows = c->shape.oh - y < c->rows_at_once ? c->shape.oh - y : c->rows_at_once;
            run_rows(c, packed, image, y, rows, to);
            to += (size_t)rows * row_bytes;
        }
    }
    return DSE_OK;
}

const struct kernels__ops kernels__openblas_ops = {
    .name = "openblas",
    .open = openblas_open,
    .conv_new = openblas_conv_new,
    .conv_free = openblas_conv_free,
    .pack = openblas_pack,
    .packed_free = dse_free,
    .run = openblas_run,
};

/* ---- which of its code OpenBLAS has chosen ---- */

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

const char *kernels__openblas_better_core(void) {
#ifdef __x86_64__
    static const char *const with_avx512[] = {"SkylakeX", "Cooperlake", "Sapphirerapids",
                                              "SapphireRapids", NULL};
    static const char *const with_avx2[] = {"Haswell", "Zen", "Excavator", NULL};
    const char *core = openblas_get_corename();
    if (is_one_of(core, with_avx512))
        return NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return "SkylakeX";
    if (!is_one_of(core, with_avx2) && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}
