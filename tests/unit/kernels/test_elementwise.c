/* Element-wise kernels against scalar loops, at lengths around vector ends. */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/kernels/kernels.h"

static const int lengths[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100, 1500};
enum { N_LENGTHS = sizeof lengths / sizeof lengths[0], MAX = 6000, GUARD = 0x5c };

static struct dse_rng rng;

static void fill(float *x, size_t n, double low, double high) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(low + (high - low) * dse_rng_uniform(&rng));
}

/* Independent of the kernels: libm's rounding, half to even by default. */
static int quantised(float x, float inv_scale, int low, int high) {
    double q = nearbyint((double)(x * inv_scale));
    return q < low ? low : q > high ? high : (int)q;
}

static void ties_round_to_even(void **state) {
    (void)state;
    const float x[] = {0.5f, 1.5f, 2.5f, 3.5f, 62.5f, 63.5f, 125.5f, 126.5f, 127.5f, -0.5f, -3};
    const uint8_t expected[] = {0, 2, 2, 4, 62, 64, 126, 126, 127, 0, 0};
    uint8_t q[sizeof expected];
    dse_quantize_u8(x, sizeof expected, 1.0f, 127, q);
    assert_memory_equal(q, expected, sizeof expected);

    const float y[] = {0.5f, -0.5f, 1.5f, -1.5f, 2.5f, -2.5f, 6.5f, -6.5f, 7.5f, -7.5f, 100, -100};
    const uint8_t split[] = {0, 0, 0, 0, 2, 0, 0, 2, 2, 0, 0, 2,
                             6, 0, 0, 6, 7, 0, 0, 7, 7, 0, 0, 7};
    uint8_t two[sizeof split];
    dse_quantize_split_u8(y, sizeof split / 2, 1, 1.0f, 7, two);
    assert_memory_equal(two, split, sizeof split);
}

static void quantize_at_every_length(void **state) {
    (void)state;
    static float x[MAX];
    static uint8_t q[MAX];
    for (int bits = 2; bits <= 8; bits++)
        for (int l = 0; l < N_LENGTHS; l++) {
            size_t n = (size_t)lengths[l];
            int M = (1 << (bits - 1)) - 1;
            float inv_scale = (float)M / 3.7f;
            fill(x, n, -5, 5);
            x[0] = 1e30f;
            memset(q, GUARD, sizeof q);
            dse_quantize_u8(x, n, inv_scale, M, q);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(q[i], quantised(x[i], inv_scale, 0, M));
            assert_int_equal(q[n], GUARD);
        }
}

static void fake_quantize_at_every_length(void **state) {
    (void)state;
    static float x[MAX], y[MAX];
    for (int bits = 2; bits <= 16; bits++)
        for (int l = 0; l < N_LENGTHS; l++) {
            size_t n = (size_t)lengths[l];
            int M = (1 << (bits - 1)) - 1;
            float scale = 3.7f / (float)M, inv_scale = 1 / scale;
            fill(x, n, -5, 5);
            x[0] = 1e30f;
            y[n] = 77;
            dse_fake_quantize_f32(x, n, inv_scale, scale, M, y);
            for (size_t i = 0; i < n; i++)
                assert_true(y[i] == (float)quantised(x[i], inv_scale, -M, M) * scale);
            assert_true(y[n] == 77);
        }
}

static void split_at_every_channel_count(void **state) {
    (void)state;
    static float x[MAX];
    static uint8_t q[2 * MAX + 1];
    for (int l = 0; l < N_LENGTHS; l++)
        for (size_t pixels = 1; pixels <= 4; pixels += 3) {
            size_t c = (size_t)lengths[l], n = pixels * c;
            float inv_scale = 127 / 4.1f;
            fill(x, n, -5, 5);
            memset(q, GUARD, sizeof q);
            dse_quantize_split_u8(x, pixels, (int)c, inv_scale, 127, q);
            for (size_t i = 0; i < n; i++) {
                int expected = quantised(x[i], inv_scale, -127, 127);
                const uint8_t *pixel = q + i / c * 2 * c;
                assert_int_equal(pixel[i % c], expected > 0 ? expected : 0);
                assert_int_equal(pixel[c + i % c], expected < 0 ? -expected : 0);
            }
            assert_int_equal(q[2 * n], GUARD);
        }
}

/* Products and sums one at a time: volatile keeps the compiler from joining them. */
static float finished(float x, float scale, float bias, const float *add, bool relu) {
    volatile float v = x * scale;
    v = v + bias;
    if (add != NULL)
        v = v + *add;
    return relu && !(v > 0) ? 0 : v;
}

static void check_finish(size_t pixels, size_t c, bool with_add, bool in_place, bool relu) {
    static int32_t acc[MAX];
    static float x[MAX], scale[MAX], bias[MAX], add[MAX], y[MAX + 1];
    size_t n = pixels * c;
    for (size_t i = 0; i < n; i++)
        acc[i] = (int32_t)dse_rng_below(&rng, 80000000) - 40000000;
    fill(x, n, -3, 3);
    fill(scale, c, 0, 1e-4);
    fill(bias, c, -1, 1);
    fill(add, n, -2, 2);
    y[n] = 7;
    float *out = y;
    if (in_place)
        memcpy(y, add, n * sizeof *y);
    dse_finish_s32(acc, pixels, (int)c, scale, bias, with_add ? (in_place ? y : add) : NULL, relu,
                   out);
    for (size_t i = 0; i < n; i++)
        assert_true(y[i] == finished((float)acc[i], scale[i % c], bias[i % c],
                                     with_add ? &add[i] : NULL, relu));
    if (in_place)
        memcpy(y, add, n * sizeof *y);
    dse_finish_f32(x, pixels, (int)c, bias, with_add ? (in_place ? y : add) : NULL, relu, out);
    for (size_t i = 0; i < n; i++)
        assert_true(y[i] == finished(x[i], 1, bias[i % c], with_add ? &add[i] : NULL, relu));
    memcpy(y, x, n * sizeof *y);
    dse_finish_f32(y, pixels, (int)c, bias, with_add ? add : NULL, relu, y);
    for (size_t i = 0; i < n; i++)
        assert_true(y[i] == finished(x[i], 1, bias[i % c], with_add ? &add[i] : NULL, relu));
    assert_true(y[n] == 7);
}

static void finish_at_every_channel_count(void **state) {
    (void)state;
    for (int l = 0; l < N_LENGTHS; l++)
        for (size_t pixels = 1; pixels <= 4; pixels += 3)
            for (int relu = 0; relu < 2; relu++) {
                check_finish(pixels, (size_t)lengths[l], false, false, relu);
                check_finish(pixels, (size_t)lengths[l], true, false, relu);
                check_finish(pixels, (size_t)lengths[l], true, true, relu);
            }
    check_finish(150, 16, true, true, true);
}

/* Integers as quantising the finished values makes them; values as finishing alone makes them. */
static void check_finish_u8(size_t pixels, size_t c, bool with_add, bool with_values) {
    static int32_t acc[MAX];
    static float scale[MAX], bias[MAX], add[MAX], y[MAX + 1];
    static uint8_t q[MAX + 1];
    size_t n = pixels * c;
    int bits = 2 + (int)dse_rng_below(&rng, 7), M = (1 << (bits - 1)) - 1;
    float inv_scale = (float)M / 1500;
    for (size_t i = 0; i < n; i++)
        acc[i] = (int32_t)dse_rng_below(&rng, 80000000) - 40000000;
    fill(scale, c, 0, 1e-4);
    fill(bias, c, -1, 1);
    fill(add, n, -200, 200);
    acc[0] = INT32_MAX;
    y[n] = 7;
    q[n] = GUARD;
    dse_finish_u8(acc, pixels, (int)c, scale, bias, with_add ? add : NULL, inv_scale, M,
                  with_values ? y : NULL, q);
    for (size_t i = 0; i < n; i++) {
        float v = finished((float)acc[i], scale[i % c], bias[i % c], with_add ? &add[i] : NULL, 1);
        assert_int_equal(q[i], quantised(v, inv_scale, 0, M));
        if (with_values)
            assert_true(y[i] == v);
    }
    assert_true(y[n] == 7);
    assert_int_equal(q[n], GUARD);
}

static void finish_to_integers_at_every_channel_count(void **state) {
    (void)state;
    for (int l = 0; l < N_LENGTHS; l++)
        for (size_t pixels = 1; pixels <= 4; pixels += 3)
            for (int with_values = 0; with_values < 2; with_values++) {
                check_finish_u8(pixels, (size_t)lengths[l], false, with_values);
                check_finish_u8(pixels, (size_t)lengths[l], true, with_values);
            }
    check_finish_u8(150, 16, true, false);
    check_finish_u8(11, 500, true, true); /* wider than a block, and no multiple of one */
}

static void add_at_every_length(void **state) {
    (void)state;
    static float a[MAX], b[MAX], y[MAX + 1];
    for (int l = 0; l < N_LENGTHS; l++)
        for (int relu = 0; relu < 2; relu++)
            for (int with_b = 0; with_b < 2; with_b++) {
                size_t n = (size_t)lengths[l];
                fill(a, n, -1, 1);
                fill(b, n, -1, 1);
                y[n] = 7;
                dse_add_f32(a, with_b ? b : NULL, n, relu, y);
                for (size_t i = 0; i < n; i++) {
                    float v = with_b ? a[i] + b[i] : a[i];
                    assert_true(y[i] == (relu && v < 0 ? 0 : v));
                }
                assert_true(y[n] == 7);
            }
}

/* ---- pooling ---- */

static void check_pool(const struct dse_pool_shape *s, int images) {
    static float x[MAX], average[MAX], largest[MAX];
    size_t n_out = (size_t)(images * s->oh * s->ow * s->c);
    fill(x, (size_t)(images * s->ih * s->iw * s->c), -1, 1);
    dse_avgpool_f32(x, images, s, average);
    dse_maxpool_f32(x, images, s, largest);
    for (size_t i = 0; i < n_out; i++) {
        int c = (int)i % s->c, ox = (int)i / s->c % s->ow, oy = (int)i / s->c / s->ow % s->oh;
        int n = (int)i / s->c / s->ow / s->oh, inside = 0, padded = 0;
        float sum = 0, top = -2;
        for (int ky = 0; ky < s->kernel_h; ky++)
            for (int kx = 0; kx < s->kernel_w; kx++) {
                int iy = oy * s->stride_h + ky * s->dilation_h - s->pad_top;
                int ix = ox * s->stride_w + kx * s->dilation_w - s->pad_left;
                padded += iy < s->ih + s->pad_bottom && ix < s->iw + s->pad_right;
                if (iy < 0 || iy >= s->ih || ix < 0 || ix >= s->iw)
                    continue;
                float v = x[((n * s->ih + iy) * s->iw + ix) * s->c + c];
                sum = sum + v;
                top = v > top ? v : top;
                inside++;
            }
        int count = s->exclude_padding ? inside : padded;
        assert_true(average[i] == sum / (float)count);
        assert_true(largest[i] == top);
    }
}

static void pooling_by_the_definition(void **state) {
    (void)state;
    for (int l = 0; l < 11; l++) {
        int c = lengths[l];
        const struct dse_pool_shape shapes[] = {
            {c, 7, 5, 1, 1, 7, 5, 1, 1, 1, 1, 0, 0, 0, 0, false}, /* global */
            {c, 6, 4, 3, 2, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, false},
            {c, 7, 5, 4, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, false},
            {c, 7, 5, 4, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, true},
            {c, 5, 5, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, true},
            {c, 6, 7, 4, 4, 2, 3, 2, 2, 1, 1, 1, 1, 0, 0, false}, /* the last reach beyond */
            {c, 6, 7, 4, 4, 2, 3, 2, 2, 1, 1, 1, 1, 0, 0, true},
            {c, 7, 6, 3, 4, 3, 2, 1, 1, 3, 2, 1, 0, 1, 0, true}, /* with gaps */
            {c, 7, 6, 3, 4, 3, 2, 1, 1, 3, 2, 1, 0, 1, 0, false},
        };
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
            check_pool(&shapes[i], 3);
    }
}

/* ---- transposed convolutions ---- */

/* What each pixel of the source adds, pixel by pixel. */
static void check_transposed(const struct dse_conv_shape *s) {
    static float x[MAX], weights[MAX], bias[MAX], y[MAX], sums[MAX];
    int group_ic = s->ic / s->groups, group_oc = s->oc / s->groups;
    size_t n_out = (size_t)(2 * s->oh * s->ow * s->oc);
    fill(x, (size_t)(2 * s->ih * s->iw * s->ic), -1, 1);
    fill(weights, (size_t)(s->kernel_h * s->kernel_w * s->ic * group_oc), -1, 1);
    fill(bias, (size_t)s->oc, -1, 1);
    dse_conv_transpose_f32(x, 2, s, weights, bias, y);
    for (size_t i = 0; i < n_out; i++)
        sums[i] = bias[i % (size_t)s->oc];
    for (int n = 0; n < 2; n++)
        for (int at = 0; at < s->ih * s->iw * s->ic * s->kernel_h * s->kernel_w; at++) {
            int kx = at % s->kernel_w, ky = at / s->kernel_w % s->kernel_h;
            int ic = at / s->kernel_w / s->kernel_h % s->ic;
            int pixel = at / s->kernel_w / s->kernel_h / s->ic;
            int oy = pixel / s->iw * s->stride_h + ky * s->dilation_h - s->pad_top;
            int ox = pixel % s->iw * s->stride_w + kx * s->dilation_w - s->pad_left;
            if (oy < 0 || ox < 0 || oy >= s->oh || ox >= s->ow)
                continue;
            for (int o = 0; o < group_oc; o++)
                sums[((n * s->oh + oy) * s->ow + ox) * s->oc + ic / group_ic * group_oc + o] +=
                    x[(n * s->ih * s->iw + pixel) * s->ic + ic] *
                    weights[((ky * s->kernel_w + kx) * s->ic + ic) * group_oc + o];
        }
    for (size_t i = 0; i < n_out; i++)
        assert_true(fabsf(y[i] - sums[i]) < 1e-4f); /* another order of at most 100 terms */
}

static void transposed_convolutions_by_the_definition(void **state) {
    (void)state;
    static const struct dse_conv_shape shapes[] = {
        {3, 4, 5, 2, 4, 5, 1, 1, 1, 1, 1, 1, 1, 0, 0},
        {5, 3, 4, 7, 7, 8, 3, 2, 2, 2, 1, 1, 1, 0, 0},
        {4, 3, 5, 6, 5, 13, 3, 3, 2, 3, 1, 2, 2, 1, 2}, /* pads, dilation, groups */
        {6, 5, 3, 6, 9, 8, 2, 4, 2, 2, 3, 1, 6, 0, -1}, /* depth-wise; zeros before */
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_transposed(&shapes[i]);
}

int main(void) {
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_round_to_even),
        cmocka_unit_test(quantize_at_every_length),
        cmocka_unit_test(fake_quantize_at_every_length),
        cmocka_unit_test(split_at_every_channel_count),
        cmocka_unit_test(finish_at_every_channel_count),
        cmocka_unit_test(finish_to_integers_at_every_channel_count),
        cmocka_unit_test(add_at_every_length),
        cmocka_unit_test(pooling_by_the_definition),
        cmocka_unit_test(transposed_convolutions_by_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
