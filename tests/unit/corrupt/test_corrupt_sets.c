/* corrupt, images: many images at once are made as each alone. */
#include "tests/lib/testing.h"

#include "evaluator/corrupt/corrupt.h"
#include "evaluator/images/images.h"

/* n images, some noise (every block differs), some of one colour: what seams would mix is seen. */
static uint8_t *draw_images(int n, size_t size) {
    uint8_t *pixels = dse_alloc((size_t)n, size);
    struct dse_rng rng;
    assert_non_null(pixels);
    for (int i = 0; i < n; i++) {
        dse_rng_init(&rng, 23, DSE_RNG_TEST, (uint32_t)i, 0);
        uint32_t flat = dse_rng_below(&rng, 256);
        for (size_t k = 0; k < size; k++)
            pixels[(size_t)i * size + k] = (uint8_t)(i % 3 == 0 ? flat : dse_rng_below(&rng, 256));
    }
    return pixels;
}

/* ---- the codec ---- */

static void assert_same_as_alone(int h, int w, int c, int n) {
    static const int qualities[] = {80, 40, 7};
    size_t size = (size_t)(h * w * c);
    struct dse_jpeg_codec *codec = NULL;
    struct dse_err err = {0};
    uint8_t *images = draw_images(n, size), *made = draw_images(n, size);
    uint8_t *alone = dse_alloc(size, 1);
    assert_non_null(alone);
    assert_ok(dse_jpeg_codec_new(h, w, c, &codec, &err), &err);
    for (size_t q = 0; q < sizeof qualities / sizeof qualities[0]; q++) {
        assert_ok(dse_jpeg_codec_apply(codec, qualities[q], n, images, made, &err), &err);
        for (int i = 0; i < n; i++) {
            assert_ok(dse_jpeg_codec_apply(codec, qualities[q], 1, images + (size_t)i * size, alone,
                                           &err),
                      &err);
            if (memcmp(made + (size_t)i * size, alone, size) != 0)
                fail_msg("image %d of %d, %d x %d x %d, quality %d, is not what it is alone", i, n,
                         h, w, c, qualities[q]);
        }
    }
    dse_jpeg_codec_free(codec);
    dse_free(alone);
    dse_free(made);
    dse_free(images);
}

/* A stream has 32 * 1024 pixels: counts are of several full ones and a rest, or a rest of one. */
static void jpeg_of_many_is_jpeg_of_each(void **state) {
    (void)state;
    static const struct {
        int h, w, c, n;
    } cases[] = {{32, 32, 3, 70}, {32, 32, 3, 33}, {32, 32, 3, 0},   {16, 31, 3, 70},
                 {48, 20, 3, 70}, {64, 33, 3, 20}, {96, 96, 3, 5},   {17, 31, 3, 5},
                 {28, 28, 3, 5},  {28, 28, 1, 80}, {17, 31, 1, 100}, {32, 32, 1, 34},
                 {224, 224, 3, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_same_as_alone(cases[i].h, cases[i].w, cases[i].c, cases[i].n);
}

static void every_width_is_enlarged_as_libjpeg_does(void **state) {
    (void)state;
    for (int w = 1; w <= 70; w++) {
        assert_same_as_alone(16, w, 3, 4);
        assert_same_as_alone(13, w, 1, 4);
    }
}

/* ---- corruptions ---- */

static void sets_are_what_each_image_is(void **state) {
    (void)state;
    static const struct { int h, w, c; } sizes[] = {{16, 16, 3}, {17, 31, 3}, {28, 28, 1}};
    enum { IMAGES = 5, SEED = 11 };
    static const int32_t indices[IMAGES] = {4, 0, 77, 3, 12};
    int n;
    const struct dse_corruption_def *all = dse_corruption_table(&n);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        size_t size = (size_t)(sizes[k].h * sizes[k].w * sizes[k].c);
        uint8_t *images = draw_images(IMAGES, size), *made = draw_images(IMAGES, size);
        uint8_t *alone = dse_alloc(size, 1);
        struct dse_corrupter *corrupter = NULL;
        struct dse_err err = {0};
        assert_non_null(alone);
        assert_ok(dse_corrupter_new(sizes[k].h, sizes[k].w, sizes[k].c, NULL, &corrupter, &err),
                  &err);
        for (int which = 0; which < n; which++) {
            const struct dse_corrupt_set set = {.corruption = all[which].corruption,
                                                .severity = 2,
                                                .seed = SEED,
                                                .n = IMAGES,
                                                .indices = indices,
                                                .src = images,
                                                .dst = made};
            assert_ok(dse_corrupt_images(corrupter, &set, &err), &err);
            for (int i = 0; i < IMAGES; i++) {
                assert_ok(dse_corrupt_image(corrupter, set.corruption, set.severity, SEED,
                                            (uint32_t)indices[i], images + (size_t)i * size, alone,
                                            &err),
                          &err);
                assert_memory_equal(made + (size_t)i * size, alone, size);
            }
        }
        dse_corrupter_free(corrupter);
        dse_free(alone);
        dse_free(made);
        dse_free(images);
    }
}

static void memory_that_fails_while_a_set_is_made_is_reported(void **state) {
    (void)state;
    enum { SIDE = 32, IMAGES = 3, VALUES = SIDE * SIDE * 3 };
    static const int32_t indices[IMAGES] = {0, 1, 2};
    static uint8_t src[IMAGES * VALUES], dst[IMAGES * VALUES];
    enum dse_status status = DSE_NO_MEMORY;
    long n = 0;
    for (; status == DSE_NO_MEMORY; n++) {
        const struct dse_corrupt_set set = {.corruption = DSE_CORRUPTION_JPEG_COMPRESSION,
                                            .severity = 1,
                                            .n = IMAGES,
                                            .indices = indices,
                                            .src = src,
                                            .dst = dst};
        struct dse_corrupter *corrupter = NULL;
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        status = dse_corrupter_new(SIDE, SIDE, 3, NULL, &corrupter, &err);
        if (status == DSE_OK)
            status = dse_corrupt_images(corrupter, &set, &err);
        dse_alloc_fail_at(-1);
        dse_corrupter_free(corrupter);
        assert_int_equal(dse_alloc_live(), 0);
    }
    assert_int_equal(status, DSE_OK);
    assert_true(n > 6); /* corrupter, scratch, codec, file, rows, filling, planes */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpeg_of_many_is_jpeg_of_each),
        cmocka_unit_test(every_width_is_enlarged_as_libjpeg_does),
        cmocka_unit_test(sets_are_what_each_image_is),
        cmocka_unit_test(memory_that_fails_while_a_set_is_made_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
