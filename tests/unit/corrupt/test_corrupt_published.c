/* corrupt: against the outputs of the published CIFAR-10-C code on 100 CIFAR-10 test images. The
 * deterministic corruptions must be equal, Gaussian noise in distribution. */
#include "tests/lib/testing.h"

#include <math.h>

#include "evaluator/corrupt/corrupt.h"
#include "tests/unit/corrupt/npz.h"

#define REFERENCE DSE_SHARED_DIR "/reference/corruptions/cifar10-test-0-99.npz"

enum { IMAGES = 100, SIDE = 32, CHANNELS = 3, IMAGE_VALUES = SIDE * SIDE * CHANNELS };
enum { VALUES = IMAGES * IMAGE_VALUES };

static struct npz_array clean;

static struct npz_array load_published(const char *name) {
    struct npz_file npz = npz_open(REFERENCE);
    struct npz_array array = npz_load(&npz, name);
    npz_close(&npz);
    return array;
}

static int load_clean(void **state) {
    (void)state;
    clean = load_published("clean");
    return clean.dims[0] == IMAGES && clean.dims[1] == SIDE && clean.dims[2] == SIDE ? 0 : -1;
}

static int free_clean(void **state) {
    (void)state;
    npz_array_free(&clean);
    return 0;
}

/* All images, into memory for dse_free. */
static uint8_t *corrupt_all(enum dse_corruption corruption, int severity) {
    uint8_t *out = dse_alloc(VALUES, 1);
    assert_non_null(out);
    for (uint32_t i = 0; i < IMAGES; i++) {
        struct dse_err err = {0};
        assert_ok(dse_corrupt_image(corruption, severity, 1, i,
                                    clean.values + (size_t)i * IMAGE_VALUES, SIDE, SIDE, CHANNELS,
                                    out + (size_t)i * IMAGE_VALUES, &err),
                  &err);
    }
    return out;
}

static void assert_equals_published(enum dse_corruption corruption, const char *name) {
    struct npz_array published = load_published(name);
    for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
        uint8_t *ours = corrupt_all(corruption, severity);
        const uint8_t *theirs = published.values + (size_t)(severity - 1) * VALUES;
        int different = 0, largest = 0;
        for (int i = 0; i < VALUES; i++) {
            int distance = abs(ours[i] - theirs[i]);
            different += distance != 0;
            largest = distance > largest ? distance : largest;
        }
        printf("%s severity %d: %d of %d values differ, by at most %d\n", name, severity, different,
               (int)VALUES, largest);
        assert_int_equal(different, 0);
        dse_free(ours);
    }
    npz_array_free(&published);
}

static void contrast_equals_published(void **state) {
    (void)state;
    assert_equals_published(DSE_CORRUPTION_CONTRAST, "contrast");
}

static void pixelate_equals_published(void **state) {
    (void)state;
    assert_equals_published(DSE_CORRUPTION_PIXELATE, "pixelate");
}

static void gaussian_blur_equals_published(void **state) {
    (void)state;
    assert_equals_published(DSE_CORRUPTION_GAUSSIAN_BLUR, "gaussian_blur");
}

/* Mean and standard deviation of the change, and the standard errors of both estimates. */
struct change {
    double mean, mean_error, sd, sd_error;
};

static struct change measure_change(const uint8_t *corrupted) {
    double sum = 0, sum2 = 0, sum4 = 0;
    for (int i = 0; i < VALUES; i++)
        sum += corrupted[i] - clean.values[i];
    double mean = sum / VALUES;
    for (int i = 0; i < VALUES; i++) {
        double d = corrupted[i] - clean.values[i] - mean;
        sum2 += d * d;
        sum4 += d * d * d * d;
    }
    double variance = sum2 / VALUES;
    double sd = sqrt(variance);
    return (struct change){
        .mean = mean,
        .mean_error = sd / sqrt(VALUES),
        .sd = sd,
        .sd_error = sqrt((sum4 / VALUES - variance * variance) / VALUES) / (2 * sd),
    };
}

/* Both are samples: their difference has the errors of both. Four standard errors. */
static bool agree(const struct change *a, const struct change *b) {
    double mean_bound = 4 * sqrt(a->mean_error * a->mean_error + b->mean_error * b->mean_error);
    double sd_bound = 4 * sqrt(a->sd_error * a->sd_error + b->sd_error * b->sd_error);
    return fabs(a->mean - b->mean) < mean_bound && fabs(a->sd - b->sd) < sd_bound;
}

static void noise_agrees_with_its_severity_and_no_other(void **state) {
    (void)state;
    struct npz_array published = load_published("gaussian_noise");
    struct change theirs[DSE_SEVERITIES];
    for (int s = 0; s < DSE_SEVERITIES; s++)
        theirs[s] = measure_change(published.values + (size_t)s * VALUES);
    for (int s = 0; s < DSE_SEVERITIES; s++) {
        uint8_t *out = corrupt_all(DSE_CORRUPTION_GAUSSIAN_NOISE, s + 1);
        struct change ours = measure_change(out);
        dse_free(out);
        printf("gaussian_noise severity %d: mean %.4f, published %.4f (error %.4f); standard "
               "deviation %.4f, published %.4f (error %.4f)\n",
               s + 1, ours.mean, theirs[s].mean, ours.mean_error, ours.sd, theirs[s].sd,
               ours.sd_error);
        for (int other = 0; other < DSE_SEVERITIES; other++)
            assert_true(agree(&ours, &theirs[other]) == (other == s));
    }
    npz_array_free(&published);
}

/* Normal deviates where clipping does not reach: shares beyond 1, 2 and 3 standard deviations. */
static void noise_has_normal_tails(void **state) {
    (void)state;
    static const double sigmas[DSE_SEVERITIES] = {0.04, 0.06, 0.08, 0.09, 0.10};
    static const double beyond[] = {0.3173105, 0.0455003, 0.0026998};
    for (int s = 0; s < DSE_SEVERITIES; s++) {
        uint8_t *out = corrupt_all(DSE_CORRUPTION_GAUSSIAN_NOISE, s + 1);
        int n = 0, counts[3] = {0};
        for (int i = 0; i < VALUES; i++) {
            double reach = 4 * 255 * sigmas[s];
            if (clean.values[i] < reach || clean.values[i] > 255 - reach)
                continue;
            n++;
            /* Truncation moves values down by half a level in the mean. */
            double z = (out[i] + 0.5 - clean.values[i]) / (255 * sigmas[s]);
            for (int k = 0; k < 3; k++)
                counts[k] += fabs(z) > k + 1;
        }
        dse_free(out);
        for (int k = 0; k < 3; k++) {
            /* Five standard errors, and the density at the edge times half a level to each side. */
            double density = 2 * exp(-0.5 * (k + 1) * (k + 1)) / sqrt(2 * acos(-1.0));
            double edge = density * 0.5 / (255 * sigmas[s]);
            double error = sqrt(beyond[k] * (1 - beyond[k]) / n);
            assert_true(fabs((double)counts[k] / n - beyond[k]) < 5 * error + edge);
        }
    }
}

static void severity_means_distance(void **state) {
    (void)state;
    static const enum dse_corruption all[] = {
        DSE_CORRUPTION_GAUSSIAN_NOISE,
        DSE_CORRUPTION_CONTRAST,
        DSE_CORRUPTION_PIXELATE,
        DSE_CORRUPTION_GAUSSIAN_BLUR,
    };
    for (size_t which = 0; which < sizeof all / sizeof all[0]; which++) {
        int64_t before = 0;
        for (int severity = 1; severity <= DSE_SEVERITIES; severity++) {
            uint8_t *out = corrupt_all(all[which], severity);
            int64_t distance = 0;
            for (int i = 0; i < VALUES; i++)
                distance += abs(out[i] - clean.values[i]);
            dse_free(out);
            assert_true(distance > before);
            before = distance;
        }
    }
}

int main(void) {
    if (access(REFERENCE, R_OK) != 0)
        skip_all("no outputs of the published corruption code beside the source tree");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contrast_equals_published),
        cmocka_unit_test(pixelate_equals_published),
        cmocka_unit_test(gaussian_blur_equals_published),
        cmocka_unit_test(noise_agrees_with_its_severity_and_no_other),
        cmocka_unit_test(noise_has_normal_tails),
        cmocka_unit_test(severity_means_distance),
    };
    return cmocka_run_group_tests(tests, load_clean, free_clean);
}
