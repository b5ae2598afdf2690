/* corrupt: equal to SciPy, NumPy and Pillow on recorded images; the same bits everywhere; worse
 * with severity. */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/corrupt/corrupt.h"
#include "tests/unit/corrupt/npz.h"

static const struct {
    enum dse_corruption corruption;
    const char *name;
} all[] = {
    {DSE_CORRUPTION_GAUSSIAN_NOISE, "gaussian_noise"},
    {DSE_CORRUPTION_CONTRAST, "contrast"},
    {DSE_CORRUPTION_PIXELATE, "pixelate"},
    {DSE_CORRUPTION_GAUSSIAN_BLUR, "gaussian_blur"},
};
enum { N_ALL = sizeof all / sizeof all[0] };

/* ---- against other programs ---- */

/* In the order of corrupt_record.py: the place is the image's index. */
static const char *const recorded_images[] = {
    "random_17x31x3",   "random_28x28x1",   "random_9x13x3",     "random_8x8x1",
    "gradient_16x16x1", "gradient_31x17x3", "flat0_16x16x3",     "flat100_28x28x1",
    "flat255_28x28x1",  "flat_24x24x3",     "plane_6_5_16x24x1", "plane_0_1_16x24x1",
    "steps_16x16x3",
};
static const uint64_t recorded_seed = 0x0123456789ABCDEF;

static void assert_equals_recorded(const struct npz_file *npz, uint32_t index, int which) {
    const char *name = recorded_images[index];
    char output_name[64];
    (void)snprintf(output_name, sizeof output_name, "%s.%s", name, all[which].name);
    struct npz_array image = npz_load(npz, name), expected = npz_load(npz, output_name);
    assert_int_equal(image.n_dims, 3);
    assert_int_equal(expected.n_dims, 4);
    int h = image.dims[0], w = image.dims[1], c = image.dims[2];
    int n = h * w * c;
    uint8_t made[31 * 31 * 3];
    assert_true(n > 0 && (size_t)n <= sizeof made);
    for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
        struct dse_err err = {0};
        assert_ok(dse_corrupt_image(all[which].corruption, severity, recorded_seed, index,
                                    image.values, h, w, c, made, &err),
                  &err);
        const uint8_t *right = expected.values + (severity - 1) * n;
        for (int i = 0; i < n; i++)
            if (made[i] != right[i])
                fail_msg("%s, severity %d, value %d: %d, recorded %d", output_name, severity, i,
                         made[i], right[i]);
    }
    npz_array_free(&image);
    npz_array_free(&expected);
}

static void results_equal_scipy_numpy_and_pillow(void **state) {
    (void)state;
    struct npz_file npz = npz_open(DSE_FIXTURES_DIR "/corrupt_synthetic.npz");
    for (uint32_t i = 0; i < sizeof recorded_images / sizeof recorded_images[0]; i++)
        for (int which = 0; which < N_ALL; which++)
            assert_equals_recorded(&npz, i, which);
    npz_close(&npz);
}

/* ---- made-up images ---- */

enum { H = 24, W = 32, C = 3, VALUES = H * W * C };

/* Random colours in the corners, blended between, and a little noise: smooth, like a picture. */
static void draw_picture(uint32_t index, uint8_t *pixels) {
    struct dse_rng rng;
    dse_rng_init(&rng, 17, DSE_RNG_TEST, index, 0);
    uint32_t corners[4][C];
    for (int corner = 0; corner < 4; corner++)
        for (int c = 0; c < C; c++)
            corners[corner][c] = dse_rng_below(&rng, 226);
    for (uint32_t y = 0; y < H; y++)
        for (uint32_t x = 0; x < W; x++)
            for (int c = 0; c < C; c++) {
                uint32_t top = corners[0][c] * (W - 1 - x) + corners[1][c] * x;
                uint32_t bottom = corners[2][c] * (W - 1 - x) + corners[3][c] * x;
                uint32_t blend = (top * (H - 1 - y) + bottom * y) / ((W - 1) * (H - 1));
                pixels[(y * W + x) * C + (uint32_t)c] = (uint8_t)(blend + dse_rng_below(&rng, 30));
            }
}

static void corrupt_picture(int which, int severity, uint64_t seed, uint32_t index,
                            const uint8_t *pixels, uint8_t *out) {
    struct dse_err err = {0};
    assert_ok(
        dse_corrupt_image(all[which].corruption, severity, seed, index, pixels, H, W, C, out, &err),
        &err);
}

/* Change of any of these means other results than those in people's databases. */
static void results_never_drift(void **state) {
    (void)state;
    static const char *const golden[N_ALL][DSE_SEVERITIES] = {
        {"890456644d5859dc5abc25f5bc759a39cde010288ef2eb80e989f38a8a757853",
         "543f24d63891fd1dc36036a05b53c997025337153fde8bf2b501ac28a05d2694",
         "853a66a8d81cdeedff6b3ac36b6b607e5247b6f68599be799ffb88ea541d9a4f",
         "f07b9010a7420182c48bcf62e2b50ea6300321724e5ff233149f4a089e0081ec",
         "1f053f971892aa03aedff7a3e07e7e648ce6bf2426e965c1c708f9c4e2ce1b47"},
        {"235a8e15b50b256379a1bdfe7327ca31f00bac3052edf1e1574551e64bb84f8e",
         "920aacbfe71a62f8943bdf308227f929e556d11daac9b6ea3c401fe0ee7da24c",
         "6ef19b76f4889e6be7209693b0596e6747e1815e1b13e23b275bbd1c7428a770",
         "e007dff8d881ddf4f688a3b2d392cc539572e139fbeb9afd3c7e6e291b2c30a8",
         "a9b55f033e2219a8365087f98d4af9ad01de39ea03239ca0c6946cb71ee88d9b"},
        {"b757360c0b25d120111af16bd3294f1d7ffdc292ffab922403cc3b72d716b50f",
         "9626d999321b23e485efb877a93b16fae12d8500c088139abbb0b7f9aabd03b2",
         "e0c67abe8caa44bfbf71b2eab86fb762cb2b966f299f4fc3d40babcd1945e329",
         "7d5a553b6632d5985746d70569abac6db5c96a8d82fbc86d370b21b72619926d",
         "e20300683591f92368bc44aa31188d8849c909f94792d0af00cbc2b1ffa817de"},
        {"d365a8576c71fa0b466a41ac75b642f6819ab5d9c403d6d65cc23f27f1981000",
         "d22a5ebec883c0ee6df29fec5bdc13764753b29290eb67297ad141ebba9ba2ed",
         "1cf687181bda848dc7c57ca01ff937c3882d1105fc9a6f75c2e7ba6f60352fbe",
         "96c5896c7b8099919db63c16d7446c9ff9290bf8534f60bda9e77969619c767a",
         "b90c499ebcc39ea55b6f4e377dee1c5677c283bbc91853537af33ee5058cbfb0"},
    };
    uint8_t picture[VALUES], out[VALUES];
    draw_picture(0, picture);
    for (int which = 0; which < N_ALL; which++)
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
            char sum[DSE_SHA256_HEX];
            struct dse_err err = {0};
            corrupt_picture(which, severity, 42, 7, picture, out);
            assert_ok(dse_sha256_bytes(out, sizeof out, sum, &err), &err);
            assert_string_equal(sum, golden[which][severity - 1]);
        }
}

static double mean_distance(const uint8_t *a, const uint8_t *b) {
    double sum = 0;
    for (int i = 0; i < VALUES; i++)
        sum += abs(a[i] - b[i]);
    return sum / VALUES;
}

static void severity_means_distance(void **state) {
    (void)state;
    enum { PICTURES = 40 };
    uint8_t picture[VALUES], out[VALUES];
    for (int which = 0; which < N_ALL; which++) {
        double before = 0;
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
            double sum = 0;
            for (uint32_t i = 0; i < PICTURES; i++) {
                draw_picture(i, picture);
                corrupt_picture(which, severity, 1, i, picture, out);
                sum += mean_distance(picture, out);
            }
            if (sum <= before * PICTURES)
                fail_msg("%s, severity %d: mean distance %g, before %g", all[which].name, severity,
                         sum / PICTURES, before);
            before = sum / PICTURES;
        }
    }
}

static void only_noise_depends_on_index_and_seed(void **state) {
    (void)state;
    uint8_t picture[VALUES], out[VALUES], again[VALUES], other_index[VALUES], other_seed[VALUES];
    draw_picture(3, picture);
    for (int which = 0; which < N_ALL; which++) {
        corrupt_picture(which, 3, 1, 5, picture, out);
        corrupt_picture(which, 3, 1, 6, picture, other_index);
        corrupt_picture(which, 3, (uint64_t)1 << 32 | 1, 5, picture, other_seed);
        corrupt_picture(which, 3, 1, 5, picture, again);
        assert_memory_equal(out, again, VALUES);
        bool noise = all[which].corruption == DSE_CORRUPTION_GAUSSIAN_NOISE;
        assert_true((memcmp(out, other_index, VALUES) != 0) == noise);
        assert_true((memcmp(out, other_seed, VALUES) != 0) == noise);
    }
}

/* Severities have streams of their own: the noise of one is not that of another, larger. */
static void noise_of_two_severities_is_unrelated(void **state) {
    (void)state;
    uint8_t picture[VALUES], a[VALUES], b[VALUES];
    memset(picture, 128, sizeof picture);
    corrupt_picture(0, 1, 1, 0, picture, a);
    corrupt_picture(0, 2, 1, 0, picture, b);
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < VALUES; i++) {
        double x = a[i] - 127.5, y = b[i] - 127.5;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    assert_true(fabs(ab / sqrt(aa * bb)) < 4 / sqrt(VALUES)); /* four standard errors */
}

/* ---- limits ---- */

static void arguments_out_of_range_are_refused(void **state) {
    (void)state;
    static const struct {
        int corruption, severity, h, w, c;
        const char *message;
    } cases[] = {
        {2, 1, 8, 8, 1, "no corruption has the number 2"},
        {1, 0, 8, 8, 1, "severity 0: must be 1..5"},
        {1, 6, 8, 8, 1, "severity 6: must be 1..5"},
        {12, 1, 7, 8, 1, "cannot corrupt images of 7 x 8 pixels: sides of 8..16384 only"},
        {14, 1, 8, 16385, 1, "cannot corrupt images of 8 x 16385 pixels: sides of 8..16384 only"},
        {17, 1, 8, 8, 2, "cannot corrupt images of 2 channels: 1 (grey) or 3 (RGB) only"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t src[64] = {0}, dst[64] = {0};
        struct dse_err err = {0};
        assert_int_equal(dse_corrupt_image((enum dse_corruption)cases[i].corruption,
                                           cases[i].severity, 0, 0, src, cases[i].h, cases[i].w,
                                           cases[i].c, dst, &err),
                         DSE_INVALID);
        assert_string_equal(err.text, cases[i].message);
    }
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    uint8_t picture[VALUES], out[VALUES], untouched[VALUES];
    draw_picture(0, picture);
    memset(untouched, 0xA5, sizeof untouched);
    for (int which = 0; which < N_ALL; which++) {
        enum dse_status status = DSE_NO_MEMORY;
        for (long n = 0; status == DSE_NO_MEMORY; n++) {
            struct dse_err err = {0};
            memset(out, 0xA5, sizeof out);
            dse_alloc_fail_at(n);
            status = dse_corrupt_image(all[which].corruption, 1, 0, 0, picture, H, W, C, out, &err);
            dse_alloc_fail_at(-1);
            assert_int_equal(dse_alloc_live(), 0);
            if (status != DSE_OK)
                assert_memory_equal(out, untouched, VALUES);
        }
        assert_int_equal(status, DSE_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_equal_scipy_numpy_and_pillow),
        cmocka_unit_test(results_never_drift),
        cmocka_unit_test(severity_means_distance),
        cmocka_unit_test(only_noise_depends_on_index_and_seed),
        cmocka_unit_test(noise_of_two_severities_is_unrelated),
        cmocka_unit_test(arguments_out_of_range_are_refused),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
