/* Gradients of convolutions: the forward direction equals dse_conv, and the other two are its
 * transposes: sum(conv(x, w) d) = sum(x input(d)) = sum(w weights(x, d)) for any x, w, d. */
#include <math.h>
#include <stdlib.h>

#include "evaluator/kernels/kernels.h"
#include "tests/lib/testing.h"

enum { IMAGES = 3 };

/* ic ih iw oc oh ow kernel stride dilation groups pad */
static const int shapes[][11] = {
    {16, 8, 8, 16, 8, 8, 3, 1, 1, 1, 1},    {16, 9, 9, 32, 5, 5, 3, 2, 1, 1, 1},
    {3, 12, 12, 16, 12, 12, 3, 1, 1, 1, 1}, {16, 8, 8, 32, 4, 4, 1, 2, 1, 1, 0},
    {64, 1, 1, 10, 1, 1, 1, 1, 1, 1, 0},    {8, 7, 9, 12, 7, 9, 3, 1, 1, 4, 1},
    {12, 9, 7, 12, 9, 7, 3, 1, 1, 12, 1},   {5, 11, 10, 7, 7, 6, 3, 1, 2, 1, 0},
    {6, 10, 10, 9, 4, 4, 5, 2, 1, 1, 1},
};

static struct dse_conv_shape shape_of(const int *row) {
    return (struct dse_conv_shape){
        .ic = row[0],
        .ih = row[1],
        .iw = row[2],
        .oc = row[3],
        .oh = row[4],
        .ow = row[5],
        .kernel_h = row[6],
        .kernel_w = row[6],
        .stride_h = row[7],
        .stride_w = row[7],
        .dilation_h = row[8],
        .dilation_w = row[8],
        .groups = row[9],
        .pad_top = row[10],
        .pad_left = row[10],
    };
}

/* x, w, d and what becomes of them. */
struct arrays {
    size_t n_src, n_dst, n_weights;
    float *src, *weights, *diff_dst, *dst, *expected, *diff_src, *diff_weights;
};

static float *random_array(size_t n, unsigned stream) {
    struct dse_rng rng;
    dse_rng_init(&rng, 7, DSE_RNG_TEST, stream, 0);
    float *values = dse_alloc_aligned(n, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)dse_rng_normal(&rng);
    return values;
}

static void arrays_init(struct arrays *a, const struct dse_conv_shape *s) {
    a->n_src = (size_t)(IMAGES * s->ih * s->iw * s->ic);
    a->n_dst = (size_t)(IMAGES * s->oh * s->ow * s->oc);
    a->n_weights = (size_t)(s->oc * s->kernel_h * s->kernel_w * (s->ic / s->groups));
    a->src = random_array(a->n_src, 1);
    a->weights = random_array(a->n_weights, 2);
    a->diff_dst = random_array(a->n_dst, 3);
    a->dst = random_array(a->n_dst, 4);
    a->expected = random_array(a->n_dst, 5);
    a->diff_src = random_array(a->n_src, 6);
    a->diff_weights = random_array(a->n_weights, 7);
}

static void arrays_fini(struct arrays *a) {
    float *all[] = {a->src,      a->weights,  a->diff_dst,    a->dst,
                    a->expected, a->diff_src, a->diff_weights};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        dse_free(all[i]);
}

static double product(const float *a, const float *b, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Of sums of terms of size 1, whose float32 parts are rounded. */
static void check_equal_sums(double a, double b, size_t terms) {
    assert_true(fabs(a - b) <= 1e-5 * sqrt((double)terms) * 8.0);
}

static void check_forward(struct dse_kernels *kernels, const struct dse_conv_shape *shape,
                          struct arrays *a) {
    struct dse_err err = {0};
    struct dse_conv *conv;
    struct dse_packed *packed;
    assert_ok(dse_conv_new(kernels, shape, DSE_CONV_F32, IMAGES, &conv, &err), &err);
    assert_ok(dse_conv_pack(conv, a->weights, &packed, &err), &err);
    assert_ok(dse_conv_run(conv, packed, a->src, a->expected, &err), &err);
    for (size_t i = 0; i < a->n_dst; i++)
        assert_true(fabsf(a->dst[i] - a->expected[i]) <= 1e-4f);
    dse_packed_free(packed);
    dse_conv_free(conv);
}

static void check_shape(struct dse_kernels *kernels, const struct dse_conv_shape *shape) {
    struct dse_err err = {0};
    struct arrays a;
    struct dse_conv_grad *grad;
    arrays_init(&a, shape);
    assert_ok(dse_conv_grad_new(kernels, shape, IMAGES, &grad, &err), &err);
    assert_ok(dse_conv_grad_load(grad, a.weights, &err), &err);
    assert_ok(dse_conv_grad_forward(grad, a.src, a.dst, &err), &err);
    check_forward(kernels, shape, &a);
    double expected = product(a.dst, a.diff_dst, a.n_dst);
    size_t terms = a.n_dst * a.n_weights / (size_t)shape->oc;
    assert_ok(dse_conv_grad_input(grad, a.diff_dst, a.diff_src, &err), &err);
    check_equal_sums(product(a.src, a.diff_src, a.n_src), expected, terms);
    /* Two calls add up; a take starts again. */
    for (int times = 2; times >= 1; times--) {
        for (int i = 0; i < times; i++)
            assert_ok(dse_conv_grad_weights(grad, a.src, a.diff_dst, &err), &err);
        assert_ok(dse_conv_grad_take(grad, a.diff_weights, &err), &err);
        check_equal_sums(product(a.weights, a.diff_weights, a.n_weights), times * expected, terms);
    }
    dse_conv_grad_free(grad);
    arrays_fini(&a);
}

static void check_kernels(enum dse_kernel_choice choice) {
    struct dse_kernels *kernels;
    enum dse_status status = dse_kernels_new(choice, &kernels, NULL);
    if (status == DSE_UNSUPPORTED)
        skip();
    assert_int_equal(status, DSE_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct dse_conv_shape shape = shape_of(shapes[i]);
        check_shape(kernels, &shape);
    }
    dse_kernels_free(kernels);
}

static void transposes_of_plain_c(void **state) {
    (void)state;
    check_kernels(DSE_KERNELS_REFERENCE);
}

static void transposes_of_vector_code(void **state) {
    (void)state;
    check_kernels(DSE_KERNELS_VECTOR);
}

static void transposes_of_onednn(void **state) {
    (void)state;
    check_kernels(DSE_KERNELS_ONEDNN);
}

/* A single number of each gradient, against the definition written out: finds what symmetric
 * mistakes would hide. */
static void gradients_are_the_written_sums(void **state) {
    (void)state;
    struct dse_err err = {0};
    struct dse_conv_shape s = shape_of(shapes[1]);
    struct dse_kernels *kernels;
    struct dse_conv_grad *grad;
    struct arrays a;
    assert_ok(dse_kernels_new(DSE_KERNELS_AUTO, &kernels, &err), &err);
    arrays_init(&a, &s);
    assert_ok(dse_conv_grad_new(kernels, &s, IMAGES, &grad, &err), &err);
    assert_ok(dse_conv_grad_weights(grad, a.src, a.diff_dst, &err), &err);
    assert_ok(dse_conv_grad_take(grad, a.diff_weights, &err), &err);
    int oc = 5, ky = 0, kx = 2, ic = 11;
    double sum = 0.0;
    for (int n = 0; n < IMAGES; n++)
        for (int y = 0; y < s.oh; y++)
            for (int x = 0; x < s.ow; x++) {
                int sy = 2 * y - 1 + ky, sx = 2 * x - 1 + kx;
                if (sy < 0 || sy >= s.ih || sx < 0 || sx >= s.iw)
                    continue;
                sum += (double)a.src[((n * s.ih + sy) * s.iw + sx) * s.ic + ic] *
                       a.diff_dst[((n * s.oh + y) * s.ow + x) * s.oc + oc];
            }
    assert_true(fabs(a.diff_weights[((oc * 3 + ky) * 3 + kx) * s.ic + ic] - sum) < 1e-3);
    dse_conv_grad_free(grad);
    arrays_fini(&a);
    dse_kernels_free(kernels);
}

/* ic ih iw oc oh ow pad: whole tiles and cut ones, more tiles than are correlated at once. */
static const int tiled[][7] = {
    {16, 8, 8, 16, 8, 8, 1}, {32, 16, 16, 32, 16, 16, 1}, {64, 8, 8, 64, 8, 8, 1},
    {48, 9, 7, 16, 9, 7, 1}, {16, 30, 5, 80, 30, 5, 1},   {32, 11, 10, 48, 9, 8, 0},
    {16, 6, 6, 32, 8, 8, 2},
};

/* Root of the mean square of the difference, relative. */
static double off_by(const float *a, const float *expected, size_t n) {
    double off = 0.0, all = 0.0;
    for (size_t i = 0; i < n; i++) {
        off += pow((double)a[i] - (double)expected[i], 2.0);
        all += pow((double)expected[i], 2.0);
    }
    return sqrt(off / all);
}

/* All three directions of one kind of kernels; the gradient of the weights of two calls. */
static void run_all(enum dse_kernel_choice choice, const struct dse_conv_shape *shape,
                    const char *name, struct arrays *a) {
    struct dse_err err = {0};
    struct dse_kernels *kernels;
    struct dse_conv_grad *grad;
    assert_ok(dse_kernels_new(choice, &kernels, &err), &err);
    assert_ok(dse_conv_grad_new(kernels, shape, IMAGES, &grad, &err), &err);
    assert_string_equal(dse_conv_grad_implementation(grad), name);
    assert_ok(dse_conv_grad_load(grad, a->weights, &err), &err);
    assert_ok(dse_conv_grad_forward(grad, a->src, a->dst, &err), &err);
    assert_ok(dse_conv_grad_input(grad, a->diff_dst, a->diff_src, &err), &err);
    for (int i = 0; i < 2; i++)
        assert_ok(dse_conv_grad_weights(grad, a->src, a->diff_dst, &err), &err);
    assert_ok(dse_conv_grad_take(grad, a->diff_weights, &err), &err);
    dse_conv_grad_free(grad);
    dse_kernels_free(kernels);
}

/* Winograd's algorithm rounds more than a plain sum does: 1e-6 here, PyTorch's tolerance is 1e-4.
 */
static void check_tiled(const int *row) {
    const double most = 4e-6;
    const int full[11] = {row[0], row[1], row[2], row[3], row[4], row[5], 3, 1, 1, 1, row[6]};
    struct dse_conv_shape shape = shape_of(full);
    struct arrays plain, fast;
    arrays_init(&plain, &shape);
    arrays_init(&fast, &shape);
    run_all(DSE_KERNELS_REFERENCE, &shape, "c", &plain);
    run_all(DSE_KERNELS_VECTOR, &shape, "vector", &fast);
    assert_true(off_by(fast.dst, plain.dst, plain.n_dst) < most);
    assert_true(off_by(fast.diff_src, plain.diff_src, plain.n_src) < most);
    assert_true(off_by(fast.diff_weights, plain.diff_weights, plain.n_weights) < most);
    arrays_fini(&plain);
    arrays_fini(&fast);
}

static void vector_code_rounds_little(void **state) {
    (void)state;
    static const char *const codes[] = {"avx512_vnni", "avx512", "avx2_vnni", "avx2"};
    int checked = 0;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct dse_kernels *kernels = NULL;
        assert_int_equal(setenv("PARETO_KERNELS_ISA", codes[i], 1), 0);
        enum dse_status status = dse_kernels_new(DSE_KERNELS_VECTOR, &kernels, NULL);
        dse_kernels_free(kernels);
        for (size_t s = 0; s < sizeof tiled / sizeof tiled[0] && status == DSE_OK; s++, checked++)
            check_tiled(tiled[s]);
    }
    assert_int_equal(unsetenv("PARETO_KERNELS_ISA"), 0);
    if (checked == 0)
        skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transposes_of_plain_c),
        cmocka_unit_test(transposes_of_onednn),
        cmocka_unit_test(transposes_of_vector_code),
        cmocka_unit_test(gradients_are_the_written_sums),
        cmocka_unit_test(vector_code_rounds_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
