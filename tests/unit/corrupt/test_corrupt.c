/* corrupt: equal to SciPy, NumPy, OpenCV and Pillow on recorded images; the same bits everywhere;
 * worse with severity. */
#include "tests/lib/testing.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "evaluator/corrupt/corrupt.h"
#include "evaluator/images/images.h"
#include "tests/unit/corrupt/npz.h"

static const struct dse_corruption_def *all; /* the table */
static int n_all;

static int load_table(void **state) {
    (void)state;
    all = dse_corruption_table(&n_all);
    return 0;
}

static struct dse_corrupter *make_corrupter(int h, int w, int c) {
    struct dse_corrupter *corrupter = NULL;
    struct dse_err err = {0};
    assert_ok(dse_corrupter_new(h, w, c, NULL, &corrupter, &err), &err);
    return corrupter;
}

static void corrupt_with(struct dse_corrupter *corrupter, int which, int severity, uint64_t seed,
                         uint32_t index, const uint8_t *image, uint8_t *out) {
    struct dse_err err = {0};
    assert_ok(dse_corrupt_image(corrupter, all[which].corruption, severity, seed, index, image, out,
                                &err),
              &err);
}

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
    struct dse_corrupter *corrupter = make_corrupter(h, w, c);
    for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
        corrupt_with(corrupter, which, severity, recorded_seed, index, image.values, made);
        const uint8_t *right = expected.values + (severity - 1) * n;
        for (int i = 0; i < n; i++)
            if (made[i] != right[i])
                fail_msg("%s, severity %d, value %d: %d, recorded %d", output_name, severity, i,
                         made[i], right[i]);
    }
    dse_corrupter_free(corrupter);
    npz_array_free(&image);
    npz_array_free(&expected);
}

static bool is_exact(enum dse_corruption corruption) {
    return corruption == DSE_CORRUPTION_CONTRAST || corruption == DSE_CORRUPTION_PIXELATE ||
           corruption == DSE_CORRUPTION_GAUSSIAN_BLUR;
}

static void results_equal_scipy_numpy_and_pillow(void **state) {
    (void)state;
    struct npz_file npz = npz_open(DSE_FIXTURES_DIR "/corrupt_synthetic.npz");
    for (uint32_t i = 0; i < sizeof recorded_images / sizeof recorded_images[0]; i++)
        for (int which = 0; which < n_all; which++)
            if (is_exact(all[which].corruption))
                assert_equals_recorded(&npz, i, which);
    npz_close(&npz);
}

/* Random fields from the same streams in Python: within one level, and nearly all equal. */
static void assert_equals_replayed(const struct npz_file *npz, const char *image_name, int which,
                                   const int *severities, int n_severities, uint32_t index) {
    char output_name[64];
    (void)snprintf(output_name, sizeof output_name, "%s.%s", image_name, all[which].name);
    struct npz_array image = npz_load(npz, image_name), expected = npz_load(npz, output_name);
    int side = image.dims[0], n = side * side * 3, different = 0;
    uint8_t made[90 * 90 * 3];
    assert_true((size_t)n <= sizeof made && expected.dims[0] == n_severities);
    struct dse_corrupter *corrupter = make_corrupter(side, side, 3);
    for (int s = 0; s < n_severities; s++) {
        corrupt_with(corrupter, which, severities[s], recorded_seed, index, image.values, made);
        for (int i = 0; i < n; i++) {
            int distance = abs(made[i] - expected.values[s * n + i]);
            different += distance != 0;
            if (distance > 1)
                fail_msg("%s, severity %d, value %d: %d, recorded %d", output_name, severities[s],
                         i, made[i], expected.values[s * n + i]);
        }
    }
    printf("%s: %.3f %% differ by a level\n", output_name, 100.0 * different / (n * n_severities));
    assert_true(different * 25 < n * n_severities); /* flat colours, where the last bit decides */
    dse_corrupter_free(corrupter);
    npz_array_free(&image);
    npz_array_free(&expected);
}

static void results_with_the_same_random_numbers_are_the_published_ones(void **state) {
    (void)state;
    static const enum dse_corruption replayed[] = {
        DSE_CORRUPTION_GLASS_BLUR, DSE_CORRUPTION_MOTION_BLUR,       DSE_CORRUPTION_SNOW,
        DSE_CORRUPTION_FOG,        DSE_CORRUPTION_ELASTIC_TRANSFORM, DSE_CORRUPTION_SPATTER};
    static const int small[] = {1, 2, 3, 4, 5}, large[] = {4};
    struct npz_file npz = npz_open(DSE_FIXTURES_DIR "/corrupt_replay.npz");
    for (size_t i = 0; i < sizeof replayed / sizeof replayed[0]; i++) {
        int which = (int)replayed[i] - 1;
        assert_equals_replayed(&npz, "small", which, small, 5, 0);
        assert_equals_replayed(&npz, "large", which, large, 1, 1);
    }
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
    struct dse_corrupter *corrupter = make_corrupter(H, W, C);
    corrupt_with(corrupter, which, severity, seed, index, pixels, out);
    dse_corrupter_free(corrupter);
}

/* Pictures of any size, from the one above; grey takes its values as they come. */
static void draw_picture_of(int h, int w, int c, uint32_t index, uint8_t *pixels) {
    uint8_t picture[VALUES];
    draw_picture(index, picture);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int k = 0; k < c; k++)
                pixels[(y * w + x) * c + k] =
                    picture[((y * H / h) * W + x * W / w) * C + (c == 1 ? 1 : k)];
}

/* ---- the same bits everywhere ---- */

static const struct { int h, w, c; } sizes[] = {{24, 32, 3}, {17, 31, 1}, {96, 100, 3}};
enum { N_SIZES = sizeof sizes / sizeof sizes[0], N_CORRUPTIONS = 19 };

/* SHA-256 of the results of all five severities. */
static void hash_severities(int which, int size, char sum[DSE_SHA256_HEX]) {
    int h = sizes[size].h, w = sizes[size].w, c = sizes[size].c;
    size_t n = (size_t)(h * w * c);
    uint8_t *picture = dse_alloc(n, 1), *out = dse_alloc(n, DSE_SEVERITIES);
    struct dse_err err = {0};
    assert_true(picture != NULL && out != NULL);
    draw_picture_of(h, w, c, 0, picture);
    struct dse_corrupter *corrupter = make_corrupter(h, w, c);
    for (int s = 0; s < DSE_SEVERITIES; s++)
        corrupt_with(corrupter, which, s + 1, 42, 7, picture, out + (size_t)s * n);
    dse_corrupter_free(corrupter);
    assert_ok(dse_sha256_bytes(out, n * DSE_SEVERITIES, sum, &err), &err);
    dse_free(out);
    dse_free(picture);
}

/* Change of any of these means other results than those in people's databases: raise
 * DSE_CORRUPT_VERSION and DSE_EVALUATOR_VERSION. Sizes in the order of `sizes`. */
static void results_never_drift(void **state) {
    (void)state;
    static const char *const golden[N_CORRUPTIONS][N_SIZES] = {
        {"653d1d356bee72ed0d7ba57e495cdf05cccd0130228fe56b5091a367ad2a053d",
         "5f390cef0d8e1c20fb8954b381e60be1a32ed13d179196fcb1c2d1c07af068ad",
         "9ca8f4d2db668410b25de8c583a13c8391876610377f5a83ecc511fb4f74c544"},
        {"553d57828327c549a08997c7c921e39e04eb622a15358df2d00233b4a5d1b898",
         "4b8dda32b78e27a40f331d75322af445756b58b557cd8f8ab555951e6810da5b",
         "211463f1fcf66b8b9fe699df8f2f3a8d74c50d03b0c8f2489eea8276fc440b24"},
        {"592d698eda658dfe64b2af968f754f4ae84e2fdbceaebd0bcdbba96e06edb68b",
         "1e6125e9e6d7f45b971e77c52811b3f8ae15137caa18838592a21b0c6105bdca",
         "c0c17d82308bcb38a3f15f5874aa30adf00b09502de9ddfbc6738fac545bd65d"},
        {"ba4b569f9b97e907fafa6d2ee5de21ad3dccef60fda662655dfc5a14d466513a",
         "dc503a3441f2a0cb3c999bacefef404de710be1aefd0fbd7061479a83c027b1c",
         "9fad90614256d2f0f9007f9028d4036c233c2bffbece173499bab9e03b837337"},
        {"aff234257481785e451591c6aba91b279231bb7cd37b632ab55907588b7977bf",
         "7c2a7a66bb37e0004781ef4074a0d0d870d1c6fa4e322b9bc30230bda9834e7a",
         "f893bf5153d4006ff8f87045fb27fab1fe532fdbeec2d718270cda84eda17db6"},
        {"ec9f9e3cd7da9c9bb76161a2b64b52e37343e0f1203f01ae2414096f59f35ca5",
         "1438bbe57f880d8b53240ccd722cfdc6d7e2cf64fcac024f30b2bebe621cd798",
         "d411633c42c9928c3be664e83f3afd862e8ed0f7ffdce293aa37841f514bdb9c"},
        {"1468b744e15a718044023b19a78db718a2505bd4ec757f977f37f675aaa3766a",
         "f1ecb88aaa20badff30a8403c5cd3ed2612e8caedc183447ed744626335196fb",
         "ca7d308f39df1c5802876d3547bbb9720928bfd08f11f15a87500c36d6aee556"},
        {"5ad8dce7d59541a273a5e5be6c2d216065d740ee1a0ef77c6cb9a0e1a933425c",
         "3eb1876e16e781ee3efec04ce202f3cc8f27de0b13f216cd0c5a75428287ff56",
         "9538714793ac9e811f0cb7e3efa77c48a8e0fa357f8b124426de317591eff2a0"},
        {"0de38f135b3497989654109b67894c8ca01d3b157e5fe5f7bd69b3baba3f92d7",
         "c2a67db324f9e6e3f5a89e7eb74df490e1dbd593c16b4d93763e42a51dc069cf",
         "3dca8d274aeee06dbf0a40365bac4993fb53b151c2d0110f204f0c37b1194196"},
        {"ae1811a080f5a9c1ddc0a69e3b6a51b67fd1b250fa394dc891f7452cc4abdc68",
         "3af3a09875c71ebf8fc78c4b36ea061ef11824091563ef04e585444fda082cfc",
         "16d64e09702aa6fe1096935d40aa5db52ef08059f3fbfc63d50905cad952bd89"},
        {"164f3a527ca1ea5542491c1390eafce74df0c08ada49d43e12ab378e1c9a25d6",
         "4b027a00d00d107ef33743e6b410c12e0b8386f61bc904623fc35adf109b814d",
         "9d71c0d174351f8218596b6e8691b4c521a9a603cd950a2af3d0df8b8032ae1a"},
        {"85664419ae1552b6f07965582e52eef89d572bff69f05afa2a79c6268db8ec0f",
         "aab2d45e2f1ecc114382fb53fd86d8930dc66f1b91e0a401d9a5d9a14cd93ebb",
         "c96fc1ac703bae6afd721f36ab5a1e2d839fd768218d2a97b6d57ac91c4a2562"},
        {"4b0e4c2489fb935c116df067a3b5bb7b4440d7c9a31a9c31104c3cf8c3a4f50c",
         "65fe9e085a342f5b0352b3aaf656e16655e69f01658ff18b072b0f36d5618e45",
         "232b1c81c61bac2e97e204edc7f11c01f9116613e52aae3149c0473e29770d4b"},
        {"beb507a2fda5882768a918108df68e2a2a2c6acbfaf3caf716b4210bb93c16e3",
         "3271686516cb332479031b227ef4f6f12a8d4444877e172aba7f5bdd4b84813e",
         "897551990cff17233dfa3f3fa09a2abf1a258b84eed680bdf34267be1f81077d"},
        {"cfb022058f7a1fdd0ed17fd2a574c3554de2ed2d7ceb6410d99d9a2e490a888c",
         "c9b9944d4414d017567f655f78ef2ef84ce46f4d484b634b23271571b8288c35",
         "21ac2c29a1d872916145c59a2d69102a6190a65b070f341f1b5bd147a101a4fe"},
        {"7384feb2382e63f07591731c0b9b18d5b85f184de3a681d3ef8d90fa8441e831",
         "61236b6a759d1f71018b89665d80e92fb15ec0eafd01289a633fff4e25b85ab7",
         "fdadb224ad9b583405719a1fa59bb069be394b3a0a038a05e072fe98bc73be5d"},
        {"988b5273080a7d664b7f8700f53553c948f6f73fb8b73ca262cca6a2d85c76ab",
         "4a3a931dad24818523c737b45e4d70c1fb5c2f549ecf84896d784e7db7bf75d9",
         "38fe2cc712c3e3e0b3644688294ac973b9d36e2be960677b6919903c96776440"},
        {"e9924960df2876dfd839a3bdc1ac1575d6cb0f59dd5751e09c35a1670b8da0ab",
         "593c5cb3d7a78c069ff146c43c57ccfaa74feb2fc938c26228a3a39cdd501d7f",
         "71905a2b9ef57d7cb2e1703f2e6b444d47d91771b84060cf43d528436ad411f5"},
        {"71cfcfaeed0eb193b6feca6567323e6b679e7bcc777dfb486cd64dbb3eed3545",
         "95a2e3e1fac097aaec2ac441afcdca79f576f775637300dd8b2d4a151e00761d",
         "87128d7e7e92531d8ae7bdb474474b6d5b7c1fc1768596dcc2181b463d8d875b"},
    };
    assert_int_equal(n_all, N_CORRUPTIONS);
    int wrong = 0;
    for (int which = 0; which < n_all; which++)
        for (int size = 0; size < N_SIZES; size++) {
            char sum[DSE_SHA256_HEX];
            hash_severities(which, size, sum);
            bool right = strcmp(sum, golden[which][size]) == 0;
            if (!right)
                printf("%s, size %d: \"%s\"\n", all[which].name, size, sum);
            wrong += !right;
        }
    assert_int_equal(wrong, 0);
}

/* Workers share nothing, so any number of them at once must give what one gives. */
struct worker {
    pthread_t thread;
    int first, step;
    char sums[N_CORRUPTIONS][DSE_SHA256_HEX];
};

static void *hash_as_worker(void *context) {
    struct worker *worker = context;
    for (int i = 0; i < N_CORRUPTIONS; i++) /* in another order each */
        hash_severities((worker->first + i * worker->step) % N_CORRUPTIONS, 0,
                        worker->sums[(worker->first + i * worker->step) % N_CORRUPTIONS]);
    return NULL;
}

static void eight_workers_make_the_same(void **state) {
    (void)state;
    enum { WORKERS = 8 };
    static struct worker workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i].first = i * 3;
        workers[i].step = i + 1;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, hash_as_worker, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (int which = 0; which < N_CORRUPTIONS; which++) {
        char sum[DSE_SHA256_HEX];
        hash_severities(which, 0, sum);
        for (int i = 0; i < WORKERS; i++)
            assert_string_equal(workers[i].sums[which], sum);
    }
}

/* For the sanitizers, and for sizes that nobody has in mind. */
static void any_size_works(void **state) {
    (void)state;
    static const struct {
        int h, w, c;
    } odd[] = {{8, 8, 1},   {8, 100, 3},  {16, 16, 3},   {16, 16, 1},  {17, 31, 3},
               {64, 16, 1}, {85, 300, 3}, {224, 224, 3}, {224, 224, 1}};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        size_t n = (size_t)(odd[i].h * odd[i].w * odd[i].c);
        struct dse_corrupter *corrupter = make_corrupter(odd[i].h, odd[i].w, odd[i].c);
        uint8_t *picture = dse_alloc(n, 1), *out = dse_alloc(n, 1);
        assert_true(picture != NULL && out != NULL);
        draw_picture_of(odd[i].h, odd[i].w, odd[i].c, (uint32_t)i, picture);
        for (int which = 0; which < n_all; which++)
            for (int severity = 1; severity <= DSE_SEVERITIES; severity += 2)
                corrupt_with(corrupter, which, severity, 3, 1, picture, out);
        dse_free(out);
        dse_free(picture);
        dse_corrupter_free(corrupter);
    }
}

static void one_colour_stays_within_reach(void **state) {
    (void)state;
    static const uint8_t colours[] = {0, 1, 128, 254, 255};
    uint8_t picture[VALUES], out[VALUES];
    struct dse_corrupter *corrupter = make_corrupter(H, W, C);
    for (size_t k = 0; k < sizeof colours; k++) {
        memset(picture, colours[k], sizeof picture);
        for (int which = 0; which < n_all; which++)
            for (int severity = 1; severity <= DSE_SEVERITIES; severity++)
                corrupt_with(corrupter, which, severity, 3, (uint32_t)k, picture, out);
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) { /* a blur has no effect */
            corrupt_with(corrupter, DSE_CORRUPTION_MOTION_BLUR - 1, severity, 3, 1, picture, out);
            assert_memory_equal(out, picture, VALUES);
        }
    }
    dse_corrupter_free(corrupter);
}

static double mean_distance(const uint8_t *a, const uint8_t *b) {
    double sum = 0;
    for (int i = 0; i < VALUES; i++)
        sum += abs(a[i] - b[i]);
    return sum / VALUES;
}

/* Where the published constants make no greater distance than those before, for pictures as for
 * photographs (unit_corrupt_published shows both): other parameters grow there. */
static bool falls(enum dse_corruption corruption, int severity) {
    static const struct {
        enum dse_corruption corruption;
        int severity;
    } falling[] = {
        {DSE_CORRUPTION_GLASS_BLUR, 3},
        {DSE_CORRUPTION_GLASS_BLUR, 5},
        {DSE_CORRUPTION_MOTION_BLUR, 4},
        {DSE_CORRUPTION_FROST, 4},
        {DSE_CORRUPTION_FROST, 5},
        {DSE_CORRUPTION_ELASTIC_TRANSFORM, 2},
        {DSE_CORRUPTION_ELASTIC_TRANSFORM, 3},
        {DSE_CORRUPTION_ELASTIC_TRANSFORM, 4},
        {DSE_CORRUPTION_ELASTIC_TRANSFORM, 5},
        {DSE_CORRUPTION_SPATTER, 4},
        {DSE_CORRUPTION_SATURATE, 3},
    };
    for (size_t i = 0; i < sizeof falling / sizeof falling[0]; i++)
        if (falling[i].corruption == corruption && falling[i].severity == severity)
            return true;
    return false;
}

static void severity_means_distance(void **state) {
    (void)state;
    enum { PICTURES = 40 };
    uint8_t picture[VALUES], out[VALUES];
    struct dse_corrupter *corrupter = make_corrupter(H, W, C);
    for (int which = 0; which < n_all; which++) {
        double before = 0;
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
            double sum = 0;
            for (uint32_t i = 0; i < PICTURES; i++) {
                draw_picture(i, picture);
                corrupt_with(corrupter, which, severity, 1, i, picture, out);
                sum += mean_distance(picture, out);
            }
            if (sum <= before * PICTURES && !falls(all[which].corruption, severity))
                fail_msg("%s, severity %d: mean distance %g, before %g", all[which].name, severity,
                         sum / PICTURES, before);
            before = sum / PICTURES;
        }
    }
    dse_corrupter_free(corrupter);
}

static void random_ones_depend_on_index_and_seed_and_no_others(void **state) {
    (void)state;
    uint8_t picture[VALUES], out[VALUES], again[VALUES], other_index[VALUES], other_seed[VALUES];
    draw_picture(3, picture);
    struct dse_corrupter *corrupter = make_corrupter(H, W, C);
    for (int which = 0; which < n_all; which++) {
        corrupt_with(corrupter, which, 3, 1, 5, picture, out);
        corrupt_with(corrupter, which, 3, 1, 6, picture, other_index);
        corrupt_with(corrupter, which, 3, (uint64_t)1 << 32 | 1, 5, picture, other_seed);
        corrupt_picture(which, 3, 1, 5, picture, again);
        assert_memory_equal(out, again, VALUES);
        bool is_random = dse_corruption_is_random(all[which].corruption);
        assert_true((memcmp(out, other_index, VALUES) != 0) == is_random);
        assert_true((memcmp(out, other_seed, VALUES) != 0) == is_random);
    }
    dse_corrupter_free(corrupter);
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
        int h, w, c;
        const char *message;
    } sizes_refused[] = {
        {7, 8, 1, "cannot corrupt images of 7 x 8 pixels: sides of 8..4096 only"},
        {8, 4097, 1, "cannot corrupt images of 8 x 4097 pixels: sides of 8..4096 only"},
        {8, 8, 2, "cannot corrupt images of 2 channels: 1 (grey) or 3 (RGB) only"},
    };
    static const struct {
        int corruption, severity;
        const char *message;
    } calls_refused[] = {
        {0, 1, "no corruption has the number 0"},
        {20, 1, "no corruption has the number 20"},
        {1, 0, "severity 0: must be 1..5"},
        {1, 6, "severity 6: must be 1..5"},
    };
    struct dse_corrupter *corrupter = NULL;
    for (size_t i = 0; i < sizeof sizes_refused / sizeof sizes_refused[0]; i++) {
        struct dse_err err = {0};
        assert_int_equal(dse_corrupter_new(sizes_refused[i].h, sizes_refused[i].w,
                                           sizes_refused[i].c, NULL, &corrupter, &err),
                         DSE_INVALID);
        assert_string_equal(err.text, sizes_refused[i].message);
    }
    corrupter = make_corrupter(8, 8, 1);
    for (size_t i = 0; i < sizeof calls_refused / sizeof calls_refused[0]; i++) {
        uint8_t src[64] = {0}, dst[64] = {0};
        struct dse_err err = {0};
        assert_int_equal(dse_corrupt_image(corrupter,
                                           (enum dse_corruption)calls_refused[i].corruption,
                                           calls_refused[i].severity, 0, 0, src, dst, &err),
                         DSE_INVALID);
        assert_string_equal(err.text, calls_refused[i].message);
    }
    dse_corrupter_free(corrupter);
}

static void overlays_that_cannot_be_read_are_named(void **state) {
    (void)state;
    static const char *const missing[DSE_CORRUPT_FROST_FILES] = {
        "/no/1.png", "/no/2.png", "/no/3.png", "/no/4.jpg", "/no/5.jpg"};
    uint8_t picture[VALUES] = {0}, out[VALUES] = {0};
    struct dse_corrupter *corrupter = NULL;
    struct dse_err err = {0};
    assert_ok(dse_corrupter_new(H, W, C, missing, &corrupter, &err), &err);
    assert_int_equal(
        dse_corrupt_image(corrupter, DSE_CORRUPTION_FROST, 1, 0, 0, picture, out, &err),
        DSE_NOT_FOUND);
    assert_non_null(strstr(err.text, "/no/1.png"));
    dse_corrupter_free(corrupter);
}

/* Overlays of one colour: severity 1 adds a fifth of it, wherever the crop is. */
static void overlays_from_files_are_laid_over(void **state) {
    (void)state;
    enum { SIDE = 250, LEVEL = 100 };
    static uint8_t flat[SIDE * SIDE * 3];
    uint8_t picture[VALUES], out[VALUES];
    char dir[256], paths[DSE_CORRUPT_FROST_FILES][300];
    const char *files[DSE_CORRUPT_FROST_FILES];
    struct dse_corrupter *corrupter = NULL;
    struct dse_err err = {0};
    memset(flat, LEVEL, sizeof flat);
    make_temp_dir(dir, sizeof dir);
    for (int i = 0; i < DSE_CORRUPT_FROST_FILES; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%d.png", dir, i);
        files[i] = paths[i];
        assert_ok(dse_image_save_png(paths[i], flat, SIDE, SIDE, 3, &err), &err);
    }
    assert_ok(dse_corrupter_new(H, W, C, files, &corrupter, &err), &err);
    draw_picture(1, picture);
    for (uint32_t index = 0; index < 10; index++) {
        corrupt_with(corrupter, DSE_CORRUPTION_FROST - 1, 1, 3, index, picture, out);
        for (int i = 0; i < VALUES; i++)
            assert_int_equal(out[i], picture[i] > 255 - LEVEL / 5 ? 255 : picture[i] + LEVEL / 5);
    }
    dse_corrupter_free(corrupter);
    for (int i = 0; i < DSE_CORRUPT_FROST_FILES; i++)
        (void)unlink(paths[i]);
    assert_int_equal(rmdir(dir), 0);
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    uint8_t picture[VALUES], out[VALUES], untouched[VALUES];
    draw_picture(0, picture);
    memset(untouched, 0xA5, sizeof untouched);
    for (int which = 0; which < n_all; which++) {
        enum dse_status status = DSE_NO_MEMORY;
        for (long n = 0; status == DSE_NO_MEMORY; n++) {
            struct dse_err err = {0};
            struct dse_corrupter *corrupter = NULL;
            memset(out, 0xA5, sizeof out);
            dse_alloc_fail_at(n);
            status = dse_corrupter_new(H, W, C, NULL, &corrupter, &err);
            if (status == DSE_OK)
                status = dse_corrupt_image(corrupter, all[which].corruption, 1, 0, 0, picture, out,
                                           &err);
            dse_alloc_fail_at(-1);
            dse_corrupter_free(corrupter);
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
        cmocka_unit_test(results_with_the_same_random_numbers_are_the_published_ones),
        cmocka_unit_test(results_never_drift),
        cmocka_unit_test(eight_workers_make_the_same),
        cmocka_unit_test(any_size_works),
        cmocka_unit_test(one_colour_stays_within_reach),
        cmocka_unit_test(severity_means_distance),
        cmocka_unit_test(random_ones_depend_on_index_and_seed_and_no_others),
        cmocka_unit_test(noise_of_two_severities_is_unrelated),
        cmocka_unit_test(arguments_out_of_range_are_refused),
        cmocka_unit_test(overlays_that_cannot_be_read_are_named),
        cmocka_unit_test(overlays_from_files_are_laid_over),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, load_table, NULL);
}
