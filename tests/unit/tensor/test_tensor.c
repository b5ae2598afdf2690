/* Operators on tensors, by hand and by naive loops; activations against libm. */
#include <math.h>

#include "evaluator/tensor/tensor.h"
#include "tests/lib/testing.h"

static struct dse_tensor_op *new_op(enum dse_tensor_kind kind, size_t n) {
    struct dse_tensor_op *op = dse_tensor_op_new(kind, DSE_TENSOR_F32);
    assert_non_null(op);
    op->n = n;
    return op;
}

/* One axis of a TAKE with these places. */
static void add_axis(struct dse_tensor_op *op, int64_t extent, const int64_t *offsets) {
    struct dse_err err = {0};
    struct dse_tensor_axis *axis = &op->take.axes[op->take.rank++];
    assert_ok(dse_tensor_axis_init(axis, extent, 1, false, &err), &err);
    memcpy(axis->offsets, offsets, (size_t)extent * sizeof *offsets);
}

/* ---- moves ---- */

static void a_take_reverses_pads_and_turns(void **state) {
    (void)state;
    static const float x[] = {1, 2, 3, 4, 5, 6}; /* 2 rows of 3 */
    static const int64_t columns[] = {2, 1, 0, DSE_TENSOR_OUTSIDE}, rows[] = {0, 3};
    static const float expected[] = {3, 6, 2, 5, 1, 4, -7, -7};
    float y[8];
    for (int simple = 0; simple < 2; simple++) {
        struct dse_tensor_op *op = new_op(DSE_TENSOR_TAKE, 8);
        op->take.fill = -7;
        add_axis(op, 4, columns);
        add_axis(op, 2, rows);
        if (simple)
            dse_tensor_take_simplify(op);
        dse_tensor_run(op, x, NULL, y);
        assert_memory_equal(y, expected, sizeof y);
        assert_false(dse_tensor_take_is_identity(op, 6));
        dse_tensor_op_free(op);
    }
}

static void a_simpler_take_is_the_same(void **state) {
    (void)state;
    float x[360], y[2][360];
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < 360; i++)
        x[i] = (float)i;
    for (int trial = 0; trial < 300; trial++) {
        struct dse_tensor_op *ops[2];
        int64_t strides[] = {90, 15, 5, 1}, extents[] = {4, 6, 3, 5}, n = 1;
        ops[0] = new_op(DSE_TENSOR_TAKE, 0);
        ops[1] = new_op(DSE_TENSOR_TAKE, 0);
        for (int axis = 0; axis < 4; axis++) {
            int64_t places[6], extent = 1 + dse_rng_below(&rng, (uint32_t)extents[axis]);
            int64_t first = dse_rng_below(&rng, (uint32_t)(extents[axis] - extent + 1));
            uint32_t kind = dse_rng_below(&rng, 5);
            for (int64_t i = 0; i < extent; i++) {
                int64_t place = kind == 1 ? first + extent - 1 - i : first + i;
                if (kind == 2)
                    place = dse_rng_below(&rng, (uint32_t)extents[axis]);
                places[i] = place * strides[axis];
                if (kind == 3 && i == extent / 2)
                    places[i] = DSE_TENSOR_OUTSIDE;
            }
            n *= extent;
            add_axis(ops[0], extent, places);
            add_axis(ops[1], extent, places);
        }
        ops[0]->n = ops[1]->n = (size_t)n;
        dse_tensor_take_simplify(ops[1]);
        assert_true(ops[1]->take.rank <= 4);
        for (int k = 0; k < 2; k++) {
            dse_tensor_run(ops[k], x, NULL, y[k]);
            dse_tensor_op_free(ops[k]);
        }
        assert_memory_equal(y[0], y[1], (size_t)n * sizeof(float));
    }
}

static void everything_in_order_is_the_identity(void **state) {
    (void)state;
    static const int64_t rows[] = {0, 3, 6}, columns[] = {0, 1, 2};
    struct dse_tensor_op *op = new_op(DSE_TENSOR_TAKE, 9);
    add_axis(op, 3, rows);
    add_axis(op, 3, columns);
    dse_tensor_take_simplify(op);
    assert_true(dse_tensor_take_is_identity(op, 9));
    assert_false(dse_tensor_take_is_identity(op, 10));
    dse_tensor_op_free(op);
}

static void puts_fill_their_part_only(void **state) {
    (void)state;
    static const float a[] = {1, 2, 3, 4}, b[] = {5, 6};
    static const float expected[] = {1, 2, 5, 3, 4, 6};
    float y[6];
    struct dse_tensor_op *first = new_op(DSE_TENSOR_PUT, 6), *second = new_op(DSE_TENSOR_PUT, 6);
    first->put.rows = second->put.rows = 2;
    first->put.row = second->put.row = 3;
    first->put.part = 2;
    second->put.part = 1;
    second->put.first = 2;
    dse_tensor_run(second, b, NULL, y);
    dse_tensor_run(first, a, NULL, y);
    assert_memory_equal(y, expected, sizeof y);
    dse_tensor_op_free(first);
    dse_tensor_op_free(second);
}

static void resampling_weighs_neighbours(void **state) {
    (void)state;
    static const float x[] = {0, 4, 8, 12};
    struct dse_err err = {0};
    struct dse_tensor_op *op = new_op(DSE_TENSOR_RESAMPLE, 3);
    struct dse_tensor_axis *axis = &op->take.axes[0];
    float y[3];
    assert_ok(dse_tensor_axis_init(axis, 3, 2, true, &err), &err);
    op->take.rank = 1;
    op->take.fill = -1;
    memcpy(axis->offsets, (int64_t[]){0, 1, 2, 3, DSE_TENSOR_OUTSIDE, 0}, 6 * sizeof(int64_t));
    memcpy(axis->weights, (float[]){0.25f, 0.75f, 0.5f, 0.5f, 1, 0}, 6 * sizeof(float));
    dse_tensor_run(op, x, NULL, y);
    assert_true(y[0] == 3 && y[1] == 10 && y[2] == -1);
    dse_tensor_op_free(op);
}

/* ---- arithmetic ---- */

static void binary_repeats_either_side(void **state) {
    (void)state;
    static const float a[] = {1, 2, 3}, b[] = {10, 20};
    static const float expected[] = {-9, -8, -7, -19, -18, -17};
    float y[6];
    struct dse_tensor_op *op = new_op(DSE_TENSOR_BINARY, 6);
    op->binary.how = DSE_TENSOR_SUB;
    dse_tensor_loop_add(&op->binary.loop, 2, 0, 1);
    dse_tensor_loop_add(&op->binary.loop, 3, 1, 0);
    assert_int_equal(op->binary.loop.rank, 2);
    dse_tensor_run(op, a, b, y);
    assert_memory_equal(y, expected, sizeof y);
    dse_tensor_op_free(op);
}

static void axes_that_continue_are_one(void **state) {
    (void)state;
    struct dse_tensor_loop loop = {0};
    dse_tensor_loop_add(&loop, 4, 15, 15);
    dse_tensor_loop_add(&loop, 1, 99, 98);
    dse_tensor_loop_add(&loop, 3, 5, 5);
    dse_tensor_loop_add(&loop, 5, 1, 1);
    assert_int_equal(loop.rank, 1);
    assert_int_equal(loop.extents[0], 60);
}

static void integers_wrap_and_divide_towards_0(void **state) {
    (void)state;
    static const int64_t a[] = {INT64_MAX, -7, INT64_MIN}, b[] = {1, 2, -1};
    static const int64_t sums[] = {INT64_MIN, -5, INT64_MAX},
                         quotients[] = {INT64_MAX, -3, INT64_MIN};
    int64_t y[3];
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_BINARY, DSE_TENSOR_I64);
    assert_non_null(op);
    op->n = 3;
    dse_tensor_loop_add(&op->binary.loop, 3, 1, 1);
    op->binary.how = DSE_TENSOR_ADD;
    dse_tensor_run(op, a, b, y);
    assert_memory_equal(y, sums, sizeof y);
    op->binary.how = DSE_TENSOR_DIV;
    dse_tensor_run(op, a, b, y);
    assert_memory_equal(y, quotients, sizeof y);
    dse_tensor_op_free(op);
}

/* ---- sums ---- */

static void products_of_matrices(void **state) {
    (void)state;
    static const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 2, 1, 0, 1};
    static const float expected[] = {5, 5, 14, 11};
    float y[4];
    struct dse_tensor_op *op = new_op(DSE_TENSOR_MATMUL, 4);
    op->matmul.m = op->matmul.n = 2;
    op->matmul.k = 3;
    op->matmul.a_m = 3;
    op->matmul.a_k = op->matmul.b_n = 1;
    op->matmul.b_k = 2;
    dse_tensor_run(op, a, b, y);
    assert_memory_equal(y, expected, sizeof y);
    op->matmul.b_k = 1; /* b read as its transpose of 2 rows of 3 */
    op->matmul.b_n = 3;
    dse_tensor_run(op, a, b, y);
    assert_true(y[0] == 7 && y[1] == 4 && y[2] == 16 && y[3] == 10);
    dse_tensor_op_free(op);
}

static void means_and_soft_maxes_over_rows(void **state) {
    (void)state;
    static const float x[] = {1, 2, 3, 1000, 1000, 1000};
    float y[6];
    struct dse_tensor_op *mean = new_op(DSE_TENSOR_MEAN, 2), *soft = new_op(DSE_TENSOR_SOFTMAX, 6);
    dse_tensor_loop_add(&mean->reduce.kept, 2, 3, 0);
    dse_tensor_loop_add(&mean->reduce.over, 3, 1, 0);
    soft->reduce = mean->reduce;
    dse_tensor_run(mean, x, NULL, y);
    assert_true(y[0] == 2 && y[1] == 1000);
    dse_tensor_run(soft, x, NULL, y);
    double e = exp(1);
    assert_true(fabs((double)y[0] - 1 / (1 + e + e * e)) < 1e-7);
    assert_true(y[3] == y[4] && fabs((double)y[5] - 1.0 / 3) < 1e-7);
    dse_tensor_op_free(mean);
    dse_tensor_op_free(soft);
}

/* ---- activations ---- */

static double by_libm(const struct dse_activation *f, double x) {
    double alpha = (double)f->alpha, beta = (double)f->beta;
    switch (f->kind) {
    case DSE_ACTIVATION_RELU:
        return fmax(x, 0);
    case DSE_ACTIVATION_CLIP:
        return fmin(fmax(x, alpha), beta);
    case DSE_ACTIVATION_LEAKY_RELU:
        return x < 0 ? alpha * x : x;
    case DSE_ACTIVATION_HARD_SIGMOID:
        return fmin(fmax(alpha * x + beta, 0), 1);
    case DSE_ACTIVATION_HARD_SWISH:
        return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case DSE_ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    case DSE_ACTIVATION_TANH:
        return tanh(x);
    case DSE_ACTIVATION_ELU:
        return x < 0 ? alpha * expm1(x) : x;
    default:
        return x;
    }
}

static void activations_are_near_libm(void **state) {
    (void)state;
    for (int kind = 0; kind < DSE_ACTIVATION_KINDS; kind++) {
        const struct dse_activation f = {(enum dse_activation_kind)kind, 0.3f, 0.6f};
        for (double scale = 1e-6; scale < 1e3; scale *= 1.7)
            for (int sign = -1; sign < 2; sign += 2) {
                float x = (float)(sign * scale), y;
                dse_activate_f32(&f, &x, 1, &y);
                double expected = by_libm(&f, (double)x);
                /* Where two terms cancel, the error is a share of those. */
                bool cancels =
                    f.kind == DSE_ACTIVATION_HARD_SIGMOID || f.kind == DSE_ACTIVATION_HARD_SWISH;
                double size = cancels ? 1 + fabs((double)x) : fabs(expected);
                if (!(fabs((double)y - expected) <= 2e-7 * size + 1e-37))
                    fail_msg("%s of %g is %.9g, expected %.9g", dse_activation_text(f.kind),
                             (double)x, (double)y, expected);
                assert_true(y >= 0 || dse_activation_signed(&f, x < 0));
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_take_reverses_pads_and_turns),
        cmocka_unit_test(a_simpler_take_is_the_same),
        cmocka_unit_test(everything_in_order_is_the_identity),
        cmocka_unit_test(puts_fill_their_part_only),
        cmocka_unit_test(resampling_weighs_neighbours),
        cmocka_unit_test(binary_repeats_either_side),
        cmocka_unit_test(axes_that_continue_are_one),
        cmocka_unit_test(integers_wrap_and_divide_towards_0),
        cmocka_unit_test(products_of_matrices),
        cmocka_unit_test(means_and_soft_maxes_over_rows),
        cmocka_unit_test(activations_are_near_libm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
