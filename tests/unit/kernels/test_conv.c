/* Convolutions of every implementation, or of the one that is named, against naive loops. */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/kernels/kernels.h"

/* What a library may differ from exact sums by, as a share of the sum of magnitudes. */
static const double LIBRARY_TOLERANCE = 1e-5;

/* A scale that cannot be divided exactly; only where channels fill no block, so that others are as
 * usual. */
static const float NEXT_TO_NOTHING = 3e-38f;
enum { BLOCK = 16 };

enum fill {
    FILL_RANDOM,
    FILL_LARGEST,  /* 127 x 127 */
    FILL_SMALLEST, /* 127 x -127 */
    FILL_UNEVEN,   /* 126 or 127 both: large sums that need every bit */
};

struct tensors {
    size_t n_src, n_weights, n_dst;
    uint8_t *src_u8;
    int8_t *weights_s8;
    int32_t *dst_s32, *expected_s32;
    float *src_f32, *weights_f32, *dst_f32, *expected_f32;
    double *exact, *magnitude;
};

static void *must_alloc(size_t n, size_t size) {
    void *block = dse_alloc_aligned(n, size);
    assert_non_null(block);
    return block;
}

static uint8_t u8_value(enum fill fill, struct dse_rng *rng) {
    if (fill == FILL_RANDOM)
        return (uint8_t)dse_rng_below(rng, 128);
    return (uint8_t)(127 - (fill == FILL_UNEVEN ? dse_rng_below(rng, 2) : 0));
}

static int8_t s8_value(enum fill fill, struct dse_rng *rng) {
    if (fill == FILL_RANDOM)
        return (int8_t)((int)dse_rng_below(rng, 255) - 127);
    if (fill == FILL_UNEVEN)
        return (int8_t)(127 - (int)dse_rng_below(rng, 2));
    return fill == FILL_LARGEST ? 127 : -127;
}

static void fill_tensors(struct tensors *t, enum fill fill, struct dse_rng *rng) {
    for (size_t i = 0; i < t->n_src; i++) {
        t->src_u8[i] = u8_value(fill, rng);
        t->src_f32[i] = (float)(dse_rng_uniform(rng) * 4 - 1);
    }
    for (size_t i = 0; i < t->n_weights; i++) {
        t->weights_s8[i] = s8_value(fill, rng);
        t->weights_f32[i] = (float)(dse_rng_uniform(rng) * 2 - 1);
    }
}

static void tensors_init(struct tensors *t, const struct dse_conv_shape *s, int images,
                         enum fill fill, struct dse_rng *rng) {
    t->n_src = (size_t)(images * s->ih * s->iw * s->ic);
    t->n_weights = (size_t)(s->oc * s->kernel_h * s->kernel_w * (s->ic / s->groups));
    t->n_dst = (size_t)(images * s->oh * s->ow * s->oc);
    t->src_u8 = must_alloc(t->n_src, sizeof *t->src_u8);
    t->src_f32 = must_alloc(t->n_src, sizeof *t->src_f32);
    t->weights_s8 = must_alloc(t->n_weights, sizeof *t->weights_s8);
    t->weights_f32 = must_alloc(t->n_weights, sizeof *t->weights_f32);
    t->dst_s32 = must_alloc(t->n_dst, sizeof *t->dst_s32);
    t->expected_s32 = must_alloc(t->n_dst, sizeof *t->expected_s32);
    t->dst_f32 = must_alloc(t->n_dst, sizeof *t->dst_f32);
    t->expected_f32 = must_alloc(t->n_dst, sizeof *t->expected_f32);
    t->exact = must_alloc(t->n_dst, sizeof *t->exact);
    t->magnitude = must_alloc(t->n_dst, sizeof *t->magnitude);
    fill_tensors(t, fill, rng);
}

static void tensors_fini(struct tensors *t) {
    dse_free(t->src_u8);
    dse_free(t->src_f32);
    dse_free(t->weights_s8);
    dse_free(t->weights_f32);
    dse_free(t->dst_s32);
    dse_free(t->expected_s32);
    dse_free(t->dst_f32);
    dse_free(t->expected_f32);
    dse_free(t->exact);
    dse_free(t->magnitude);
}

/* One output by the definition. */
static void naive_output(struct tensors *t, const struct dse_conv_shape *s, int n, int oy, int ox,
                         int oc) {
    int group_ic = s->ic / s->groups, group = oc / (s->oc / s->groups);
    int32_t sum = 0;
    float sum_f32 = 0;
    double exact = 0, magnitude = 0;
    for (int ky = 0; ky < s->kernel_h; ky++)
        for (int kx = 0; kx < s->kernel_w; kx++) {
            int iy = oy * s->stride_h - s->pad_top + ky * s->dilation_h;
            int ix = ox * s->stride_w - s->pad_left + kx * s->dilation_w;
            if (iy < 0 || iy >= s->ih || ix < 0 || ix >= s->iw)
                continue;
            for (int i = 0; i < group_ic; i++) {
                size_t from =
                    (size_t)(((n * s->ih + iy) * s->iw + ix) * s->ic + group * group_ic + i);
                size_t w = (size_t)(((oc * s->kernel_h + ky) * s->kernel_w + kx) * group_ic + i);
                sum += t->src_u8[from] * t->weights_s8[w];
                float product = t->src_f32[from] * t->weights_f32[w];
                sum_f32 = sum_f32 + product;
                exact += (double)t->src_f32[from] * t->weights_f32[w];
                magnitude += fabs((double)product);
            }
        }
    size_t to = (size_t)(((n * s->oh + oy) * s->ow + ox) * s->oc + oc);
    t->expected_s32[to] = sum;
    t->expected_f32[to] = sum_f32;
    t->exact[to] = exact;
    t->magnitude[to] = magnitude;
}

static void naive_conv(struct tensors *t, const struct dse_conv_shape *s, int images) {
    for (int n = 0; n < images; n++)
        for (int oy = 0; oy < s->oh; oy++)
            for (int ox = 0; ox < s->ow; ox++)
                for (int oc = 0; oc < s->oc; oc++)
                    naive_output(t, s, n, oy, ox, oc);
}

/* Runs twice into a dirty destination: nothing of a first run may stay. */
static void run_conv(struct dse_kernels *kernels, const struct dse_conv_shape *shape,
                     enum dse_conv_type type, int images, const void *weights, const void *src,
                     void *dst, size_t dst_bytes) {
    struct dse_err err = {0};
    struct dse_conv *conv = NULL;
    struct dse_packed *packed = NULL;
    assert_ok(dse_conv_new(kernels, shape, type, images, &conv, &err), &err);
    assert_ok(dse_conv_pack(conv, weights, &packed, &err), &err);
    for (int i = 0; i < 2; i++) {
        memset(dst, 0xa5, dst_bytes);
        assert_ok(dse_conv_run(conv, packed, src, dst, &err), &err);
    }
    dse_packed_free(packed);
    dse_conv_free(conv);
}

static void fail_shape(const char *what, const struct dse_conv_shape *s, int images, size_t at) {
    fail_msg("%s differ at %zu: %d images %dx%dx%d to %dx%dx%d, kernel %dx%d, stride %dx%d, "
             "dilation %dx%d, groups %d, pad %d,%d",
             what, at, images, s->ih, s->iw, s->ic, s->oh, s->ow, s->oc, s->kernel_h, s->kernel_w,
             s->stride_h, s->stride_w, s->dilation_h, s->dilation_w, s->groups, s->pad_top,
             s->pad_left);
}

/* In one go, the bits that come of finishing the sums apart; every combination that there is. */
static void check_finish(struct dse_conv *conv, const struct dse_packed *packed,
                         const struct dse_conv_shape *s, int images, struct tensors *t,
                         const struct dse_conv_finish *finish) {
    struct dse_err err = {0};
    struct dse_conv_finish apart = *finish;
    size_t n = t->n_dst, pixels = n / (size_t)s->oc;
    apart.y = finish->y == NULL ? NULL : must_alloc(n, sizeof(float));
    apart.q = finish->q == NULL ? NULL : must_alloc(n, 1);
    if (apart.q != NULL)
        dse_finish_u8(t->expected_s32, pixels, s->oc, apart.scale, apart.bias, apart.add,
                      apart.inv_scale, apart.M, apart.y, apart.q);
    else
        dse_finish_s32(t->expected_s32, pixels, s->oc, apart.scale, apart.bias, apart.add,
                       apart.relu, apart.y);
    assert_ok(dse_conv_run_finished(conv, packed, t->src_u8, finish, t->dst_s32, &err), &err);
    for (size_t i = 0; i < n; i++) {
        if (apart.y != NULL && memcmp(&apart.y[i], &finish->y[i], sizeof(float)) != 0)
            fail_shape("finished values", s, images, i);
        if (apart.q != NULL && apart.q[i] != finish->q[i])
            fail_shape("finished integers", s, images, i);
    }
    dse_free(apart.y);
    dse_free(apart.q);
}

static void check_finished(struct dse_kernels *kernels, const struct dse_conv_shape *s, int images,
                           struct tensors *t) {
    size_t n = t->n_dst, oc = (size_t)s->oc;
    float *scale = must_alloc(oc, sizeof *scale), *bias = must_alloc(oc, sizeof *bias);
    float *add = must_alloc(n, sizeof *add), *y = must_alloc(n, sizeof *y);
    uint8_t *q = must_alloc(n, 1);
    struct dse_rng rng;
    struct dse_err err = {0};
    struct dse_conv *conv = NULL;
    struct dse_packed *packed = NULL;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 1, (uint32_t)n);
    for (size_t i = 0; i < oc; i++) {
        scale[i] = (float)dse_rng_uniform(&rng) * 1e-4f;
        bias[i] = (float)dse_rng_normal(&rng);
    }
    if (oc % BLOCK != 0)
        scale[oc / 2] = NEXT_TO_NOTHING;
    for (size_t i = 0; i < n; i++)
        add[i] = (float)dse_rng_normal(&rng);
    assert_ok(dse_conv_new(kernels, s, DSE_CONV_U8S8, images, &conv, &err), &err);
    assert_ok(dse_conv_pack(conv, t->weights_s8, &packed, &err), &err);
    for (int bits = 0; bits < 16; bits++) {
        struct dse_conv_finish finish = {scale, bias, NULL, (bits & 1) != 0, 9.1f, 63, NULL, NULL};
        finish.add = (bits & 2) != 0 ? add : NULL;
        finish.y = (bits & 4) != 0 ? y : NULL;
        finish.q = (bits & 8) != 0 ? q : NULL;
        if ((finish.q == NULL || finish.relu) && (finish.q != NULL || finish.y != NULL))
            check_finish(conv, packed, s, images, t, &finish);
    }
    dse_packed_free(packed);
    dse_conv_free(conv);
    dse_free(scale);
    dse_free(bias);
    dse_free(add);
    dse_free(y);
    dse_free(q);
}

/* The bits of finishing the same implementation's sums apart. */
static void check_finished_floats(struct dse_kernels *kernels, const struct dse_conv_shape *s,
                                  int images, struct tensors *t) {
    size_t n = t->n_dst, oc = (size_t)s->oc;
    float *bias = must_alloc(oc, sizeof *bias), *add = must_alloc(n, sizeof *add);
    float *y = must_alloc(n, sizeof *y), *wanted = must_alloc(n, sizeof *wanted);
    struct dse_rng rng;
    struct dse_err err = {0};
    struct dse_conv *conv = NULL;
    struct dse_packed *packed = NULL;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 2, (uint32_t)n);
    for (size_t i = 0; i < oc; i++)
        bias[i] = (float)dse_rng_normal(&rng);
    for (size_t i = 0; i < n; i++)
        add[i] = (float)dse_rng_normal(&rng);
    assert_ok(dse_conv_new(kernels, s, DSE_CONV_F32, images, &conv, &err), &err);
    assert_ok(dse_conv_pack(conv, t->weights_f32, &packed, &err), &err);
    for (int bits = 0; bits < 4; bits++) {
        bool relu = (bits & 1) != 0;
        const float *added = (bits & 2) != 0 ? add : NULL;
        const struct dse_conv_finish finish = {.bias = bias, .add = added, .relu = relu, .y = y};
        assert_ok(dse_conv_run(conv, packed, t->src_f32, wanted, &err), &err);
        dse_finish_f32(wanted, n / oc, s->oc, bias, added, relu, wanted);
        assert_ok(dse_conv_run_finished(conv, packed, t->src_f32, &finish, NULL, &err), &err);
        for (size_t i = 0; i < n; i++)
            if (memcmp(&y[i], &wanted[i], sizeof *y) != 0)
                fail_shape("finished float32 values", s, images, i);
    }
    dse_packed_free(packed);
    dse_conv_free(conv);
    dse_free(bias);
    dse_free(add);
    dse_free(y);
    dse_free(wanted);
}

static void check_conv(struct dse_kernels *kernels, const struct dse_conv_shape *s, int images,
                       enum fill fill) {
    struct tensors t;
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, (uint32_t)s->ic, (uint32_t)s->oc);
    tensors_init(&t, s, images, fill, &rng);
    naive_conv(&t, s, images);
    run_conv(kernels, s, DSE_CONV_U8S8, images, t.weights_s8, t.src_u8, t.dst_s32,
             t.n_dst * sizeof(int32_t));
    for (size_t i = 0; i < t.n_dst; i++)
        if (t.dst_s32[i] != t.expected_s32[i])
            fail_shape("integers", s, images, i);
    check_finished(kernels, s, images, &t);
    run_conv(kernels, s, DSE_CONV_F32, images, t.weights_f32, t.src_f32, t.dst_f32,
             t.n_dst * sizeof(float));
    check_finished_floats(kernels, s, images, &t);
    bool by_definition = strcmp(dse_kernels_describe(kernels), "c") == 0;
    for (size_t i = 0; i < t.n_dst; i++) {
        if (by_definition && memcmp(&t.dst_f32[i], &t.expected_f32[i], sizeof(float)) != 0)
            fail_shape("bits of float32 sums", s, images, i);
        if (!(fabs(t.dst_f32[i] - t.exact[i]) <= LIBRARY_TOLERANCE * t.magnitude[i]))
            fail_shape("float32 sums", s, images, i);
    }
    tensors_fini(&t);
}

/* ---- shapes ---- */

struct geometry {
    int ih, iw, kernel_h, kernel_w, stride, dilation, pad_top, pad_left, pad_bottom, pad_right;
};

static int outputs(int inputs, int kernel, int stride, int dilation, int pads) {
    return (inputs + pads - dilation * (kernel - 1) - 1) / stride + 1;
}

static struct dse_conv_shape shape_of(const struct geometry *g, int ic, int oc, int groups) {
    return (struct dse_conv_shape){
        .ic = ic,
        .ih = g->ih,
        .iw = g->iw,
        .oc = oc,
        .oh = outputs(g->ih, g->kernel_h, g->stride, g->dilation, g->pad_top + g->pad_bottom),
        .ow = outputs(g->iw, g->kernel_w, g->stride, g->dilation, g->pad_left + g->pad_right),
        .kernel_h = g->kernel_h,
        .kernel_w = g->kernel_w,
        .stride_h = g->stride,
        .stride_w = g->stride,
        .dilation_h = g->dilation,
        .dilation_w = g->dilation,
        .groups = groups,
        .pad_top = g->pad_top,
        .pad_left = g->pad_left,
    };
}

static const struct geometry geometries[] = {
    {7, 9, 3, 3, 1, 1, 1, 1, 1, 1},   /* odd sizes */
    {7, 9, 3, 3, 1, 1, 0, 0, 0, 0},   /* no padding */
    {7, 9, 1, 1, 1, 1, 0, 0, 0, 0},   /* pointwise */
    {1, 1, 1, 1, 1, 1, 0, 0, 0, 0},   /* dense */
    {7, 9, 1, 1, 2, 1, 0, 0, 0, 0},   /* pointwise, stride 2 */
    {8, 8, 1, 1, 2, 1, 0, 0, 0, 0},   /* the same, last row and column unread */
    {8, 8, 3, 3, 2, 1, 1, 1, 1, 1},   /* stride 2, even */
    {7, 9, 3, 3, 2, 1, 1, 1, 1, 1},   /* stride 2, odd */
    {8, 8, 3, 3, 2, 1, 0, 0, 1, 1},   /* padding at one side */
    {9, 8, 3, 3, 1, 2, 2, 2, 2, 2},   /* dilation */
    {9, 8, 5, 5, 1, 1, 2, 2, 2, 2},   /* 5x5 */
    {12, 11, 7, 7, 2, 1, 3, 3, 3, 3}, /* 7x7, stride 2 */
    {6, 9, 1, 3, 1, 1, 0, 1, 0, 1},   /* a row */
    {6, 9, 3, 1, 1, 1, 1, 0, 1, 0},   /* a column */
    {9, 9, 2, 2, 2, 1, 0, 0, 0, 0},   /* even kernel */
    {10, 10, 1, 1, 3, 1, 0, 0, 0, 0}, /* stride larger than kernel */
};
enum { N_GEOMETRIES = sizeof geometries / sizeof geometries[0] };

static const int channel_counts[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33};
enum { N_CHANNELS = sizeof channel_counts / sizeof channel_counts[0] };

/* ---- one test over every implementation that is built in ---- */

static enum dse_kernel_choice only = DSE_KERNELS_AUTO; /* AUTO: all of them */

static void with_every_implementation(void (*check)(struct dse_kernels *kernels)) {
    static const enum dse_kernel_choice choices[] = {DSE_KERNELS_REFERENCE, DSE_KERNELS_OPENBLAS,
                                                     DSE_KERNELS_ONEDNN, DSE_KERNELS_VECTOR};
    for (int i = 0; i < 4; i++) {
        struct dse_err err = {0};
        struct dse_kernels *kernels = NULL;
        if (only != DSE_KERNELS_AUTO && choices[i] != only)
            continue;
        enum dse_status status = dse_kernels_new(choices[i], &kernels, &err);
        if (status == DSE_INVALID && strstr(err.text, "PARETO_KERNELS_ISA") != NULL)
            skip_all("the processor has no such instruction set");
        if (status == DSE_UNSUPPORTED && (strstr(err.text, "not built into") != NULL ||
                                          strstr(err.text, "for this processor") != NULL))
            continue;
        assert_ok(status, &err);
        check(kernels);
        dse_kernels_free(kernels);
    }
    assert_int_equal(dse_alloc_live(), 0);
}

static void check_channels(struct dse_kernels *kernels) {
    static const struct geometry small = {5, 4, 3, 3, 1, 1, 1, 1, 1, 1};
    for (int i = 0; i < N_CHANNELS; i++)
        for (int o = 0; o < N_CHANNELS; o++) {
            struct dse_conv_shape s = shape_of(&small, channel_counts[i], channel_counts[o], 1);
            check_conv(kernels, &s, 1, FILL_RANDOM);
        }
}

static void every_pair_of_channel_counts(void **state) {
    (void)state;
    with_every_implementation(check_channels);
}

static void check_geometries(struct dse_kernels *kernels) {
    static const int channels[][3] = {/* ic, oc, groups */
                                      {6, 17, 1},   {16, 16, 1},  {33, 32, 1}, {16, 24, 4},
                                      {32, 16, 8},  {6, 10, 2},   {1, 1, 1},   {16, 16, 16},
                                      {17, 17, 17}, {33, 33, 33}, {8, 16, 8}};
    static const int images[] = {1, 3};
    for (int g = 0; g < N_GEOMETRIES; g++)
        for (size_t c = 0; c < sizeof channels / sizeof channels[0]; c++) {
            struct dse_conv_shape s =
                shape_of(&geometries[g], channels[c][0], channels[c][1], channels[c][2]);
            check_conv(kernels, &s, images[c % 2], FILL_RANDOM);
        }
}

static void every_geometry_with_and_without_groups(void **state) {
    (void)state;
    with_every_implementation(check_geometries);
}

static void check_many_images(struct dse_kernels *kernels) {
    for (int g = 0; g < N_GEOMETRIES; g++) {
        struct dse_conv_shape s = shape_of(&geometries[g], 7, 18, 1);
        check_conv(kernels, &s, 16, FILL_RANDOM);
    }
}

static void sixteen_images(void **state) {
    (void)state;
    with_every_implementation(check_many_images);
}

/* More than the pieces in which OpenBLAS gets an image. */
static void check_large_image(struct dse_kernels *kernels) {
    static const struct geometry window = {33, 30, 3, 3, 1, 1, 1, 1, 1, 1};
    static const struct geometry point = {33, 30, 1, 1, 1, 1, 0, 0, 0, 0};
    struct dse_conv_shape s = shape_of(&window, 17, 16, 1);
    check_conv(kernels, &s, 2, FILL_RANDOM);
    s = shape_of(&point, 136, 6, 2);
    check_conv(kernels, &s, 2, FILL_RANDOM);
}

static void large_images(void **state) {
    (void)state;
    with_every_implementation(check_large_image);
}

/* Tiles of 4x4 outputs: whole ones and edges, few and many channels, more tiles than go together.
 */
static void check_tiles(struct dse_kernels *kernels) {
    static const struct geometry sizes[] = {
        {4, 4, 3, 3, 1, 1, 1, 1, 1, 1},  {9, 11, 3, 3, 1, 1, 1, 1, 1, 1},
        {13, 6, 3, 3, 1, 1, 0, 0, 0, 0}, {8, 8, 3, 3, 1, 1, 1, 1, 1, 1},
        {7, 16, 3, 3, 1, 1, 2, 0, 0, 1},
    };
    static const int channels[][2] = {{32, 16}, {64, 31}, {96, 48}, {32, 10},
                                      {32, 32}, {16, 16}, {16, 40}, {48, 16}};
    for (size_t g = 0; g < sizeof sizes / sizeof sizes[0]; g++)
        for (size_t c = 0; c < sizeof channels / sizeof channels[0]; c++)
            for (int images = 1; images <= 3; images += 2) {
                struct dse_conv_shape s = shape_of(&sizes[g], channels[c][0], channels[c][1], 1);
                check_conv(kernels, &s, images, FILL_RANDOM);
            }
}

static void tiles_and_their_edges(void **state) {
    (void)state;
    with_every_implementation(check_tiles);
}

static void check_extremes(struct dse_kernels *kernels) {
    static const struct geometry window = {3, 3, 3, 3, 1, 1, 1, 1, 1, 1};
    static const struct geometry tiles = {6, 5, 3, 3, 1, 1, 1, 1, 1, 1};
    static const struct geometry point = {1, 3, 1, 1, 1, 1, 0, 0, 0, 0};
    static const struct {
        const struct geometry *geometry;
        int ic, oc, groups;
    } cases[] = {{&tiles, 224, 16, 1},  {&tiles, 16, 16, 1},   {&tiles, 256, 16, 1},
                 {&window, 256, 16, 1}, {&window, 114, 17, 1}, {&window, 6, 16, 1},
                 {&point, 2304, 10, 1}, {&point, 1024, 3, 1},  {&point, 1025, 3, 1},
                 {&window, 32, 32, 32}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dse_conv_shape s =
            shape_of(cases[i].geometry, cases[i].ic, cases[i].oc, cases[i].groups);
        check_conv(kernels, &s, 2, FILL_LARGEST);
        check_conv(kernels, &s, 2, FILL_SMALLEST);
        check_conv(kernels, &s, 2, FILL_UNEVEN);
        check_conv(kernels, &s, 2, FILL_RANDOM);
    }
}

static void largest_values_and_longest_sums(void **state) {
    (void)state;
    with_every_implementation(check_extremes);
}

/* ---- the choice ---- */

static void choices_have_names(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum dse_kernel_choice choice;
    } names[] = {{"auto", DSE_KERNELS_AUTO},
                 {"c", DSE_KERNELS_REFERENCE},
                 {"openblas", DSE_KERNELS_OPENBLAS},
                 {"onednn", DSE_KERNELS_ONEDNN},
                 {"vector", DSE_KERNELS_VECTOR}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum dse_kernel_choice choice = DSE_KERNELS_AUTO;
        assert_true(dse_kernel_choice_find(names[i].name, &choice));
        assert_int_equal(choice, names[i].choice);
        struct dse_err err = {0};
        struct dse_kernels *kernels = NULL;
        if (dse_kernels_new(choice, &kernels, &err) == DSE_OK && choice != DSE_KERNELS_AUTO)
            assert_memory_equal(dse_kernels_describe(kernels), names[i].name,
                                strlen(names[i].name));
        dse_kernels_free(kernels);
    }
    enum dse_kernel_choice choice = DSE_KERNELS_ONEDNN;
    assert_false(dse_kernel_choice_find("mkl", &choice));
    assert_int_equal(choice, DSE_KERNELS_ONEDNN);
}

static void an_unknown_instruction_set_is_refused(void **state) {
    (void)state;
    const char *isa = getenv("PARETO_KERNELS_ISA");
    char *kept = isa == NULL ? NULL : strdup(isa);
    struct dse_kernels *kernels = NULL;
    struct dse_err err = {0};
    assert_int_equal(setenv("PARETO_KERNELS_ISA", "mmx", 1), 0);
    enum dse_status status = dse_kernels_new(DSE_KERNELS_VECTOR, &kernels, &err);
    if (kept == NULL)
        assert_int_equal(unsetenv("PARETO_KERNELS_ISA"), 0);
    else
        assert_int_equal(setenv("PARETO_KERNELS_ISA", kept, 1), 0);
    free(kept);
    assert_int_equal(status, DSE_INVALID);
    assert_non_null(strstr(err.text, "PARETO_KERNELS_ISA is 'mmx'"));
}

/* The layers of the usual networks must not fall back to slower code unnoticed. */
static void usual_layers_stay_with_the_chosen_library(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_kernels *kernels = NULL;
    assert_ok(dse_kernels_new(DSE_KERNELS_AUTO, &kernels, &err), &err);
    static const struct geometry same = {16, 16, 3, 3, 1, 1, 1, 1, 1, 1};
    static const struct geometry half = {16, 16, 3, 3, 2, 1, 1, 1, 1, 1};
    static const struct geometry shortcut = {16, 16, 1, 1, 2, 1, 0, 0, 0, 0};
    static const struct geometry dense = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    static const struct {
        const struct geometry *geometry;
        int ic, oc;
    } layers[] = {{&same, 2, 16},  {&same, 6, 16},      {&same, 16, 16},
                  {&half, 16, 32}, {&shortcut, 16, 32}, {&dense, 64, 10}};
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        struct dse_conv_shape s = shape_of(layers[i].geometry, layers[i].ic, layers[i].oc, 1);
        struct dse_conv *conv = NULL;
        assert_ok(dse_conv_new(kernels, &s, DSE_CONV_U8S8, 4, &conv, &err), &err);
        const char *name = dse_conv_implementation(conv);
        if (strncmp(dse_kernels_describe(kernels), name, strlen(name)) != 0)
            fail_shape("implementations", &s, 4, i);
        dse_conv_free(conv);
    }
    dse_kernels_free(kernels);
}

/* Every allocation of ours fails once; then the work succeeds. */
static void failing_allocations_are_reported(void **state) {
    (void)state;
    static const struct geometry g = {5, 5, 3, 3, 1, 1, 1, 1, 1, 1};
    struct dse_conv_shape s = shape_of(&g, 6, 17, 1);
    static const uint8_t src[5 * 5 * 6];
    static const int8_t weights[17 * 9 * 6];
    static int32_t dst[5 * 5 * 17];
    static const enum dse_kernel_choice choices[] = {DSE_KERNELS_AUTO, DSE_KERNELS_REFERENCE};
    for (int i = 0; i < 2; i++)
        for (long n = 0;; n++) {
            struct dse_kernels *kernels = NULL;
            struct dse_conv *conv = NULL;
            struct dse_packed *packed = NULL;
            struct dse_err err = {0};
            dse_alloc_fail_at(n);
            enum dse_status status = dse_kernels_new(choices[i], &kernels, &err);
            if (status == DSE_OK)
                status = dse_conv_new(kernels, &s, DSE_CONV_U8S8, 1, &conv, &err);
            if (status == DSE_OK)
                status = dse_conv_pack(conv, weights, &packed, &err);
            if (status == DSE_OK)
                status = dse_conv_run(conv, packed, src, dst, &err);
            dse_alloc_fail_at(-1);
            dse_packed_free(packed);
            dse_conv_free(conv);
            dse_kernels_free(kernels);
            assert_int_equal(dse_alloc_live(), 0);
            if (status == DSE_OK)
                break;
            assert_int_equal(status, DSE_NO_MEMORY);
            assert_true(err.text[0] != 0 && n < 1000);
        }
}

int main(int argc, char **argv) {
    if (argc > 1)
        assert_true(dse_kernel_choice_find(argv[1], &only));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_have_names),
        cmocka_unit_test(an_unknown_instruction_set_is_refused),
        cmocka_unit_test(every_pair_of_channel_counts),
        cmocka_unit_test(every_geometry_with_and_without_groups),
        cmocka_unit_test(sixteen_images),
        cmocka_unit_test(large_images),
        cmocka_unit_test(tiles_and_their_edges),
        cmocka_unit_test(largest_values_and_longest_sums),
        cmocka_unit_test(usual_layers_stay_with_the_chosen_library),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
