/* The table of corruptions, and the two that work value by value. */
#include "evaluator/corrupt/corrupt_internal.h"

enum { SMALLEST_SIDE = 8, LARGEST_SIDE = 16384 };

/* Value i of the image gets the i-th number of the stream. */
static enum dse_status add_gaussian_noise(const struct corrupt__job *job, double sigma,
                                          struct dse_err *err) {
    (void)err;
    size_t n = (size_t)job->h * (size_t)job->w * (size_t)job->c;
    for (size_t i = 0; i < n; i++) {
        double noise = sigma * dse_rng_normal(job->rng);
        job->dst[i] = corrupt__level(corrupt__intensity(job->src[i]) + noise);
    }
    return DSE_OK;
}

/* In the order of the pixels, as NumPy adds when the channels are innermost: on images of one
 * colour the last bit of the mean decides between two levels. */
static double mean_of_channel(const struct corrupt__job *job, int channel) {
    size_t pixels = (size_t)job->h * (size_t)job->w;
    double sum = 0.0;
    for (size_t i = 0; i < pixels; i++)
        sum += corrupt__intensity(job->src[i * (size_t)job->c + (size_t)channel]);
    return sum / (double)pixels;
}

static enum dse_status reduce_contrast(const struct corrupt__job *job, double factor,
                                       struct dse_err *err) {
    (void)err;
    size_t n = (size_t)job->h * (size_t)job->w * (size_t)job->c;
    for (int channel = 0; channel < job->c; channel++) {
        double mean = mean_of_channel(job, channel);
        for (size_t i = (size_t)channel; i < n; i += (size_t)job->c)
            job->dst[i] = corrupt__level((corrupt__intensity(job->src[i]) - mean) * factor + mean);
    }
    return DSE_OK;
}

/* Parameters by severity: the published CIFAR-10-C script (make_cifar_c.py), made for 32 pixels;
 * other sizes use the same numbers. */
static const struct method {
    enum dse_corruption corruption;
    enum dse_status (*apply)(const struct corrupt__job *, double parameter, struct dse_err *);
    double parameters[DSE_SEVERITIES];
} methods[] = {
    {DSE_CORRUPTION_GAUSSIAN_NOISE, add_gaussian_noise, {0.04, 0.06, 0.08, 0.09, 0.10}},
    {DSE_CORRUPTION_CONTRAST, reduce_contrast, {0.75, 0.5, 0.4, 0.3, 0.15}},
    {DSE_CORRUPTION_PIXELATE, corrupt__pixelate_image, {0.95, 0.9, 0.85, 0.75, 0.65}},
    {DSE_CORRUPTION_GAUSSIAN_BLUR, corrupt__blur_image, {0.4, 0.6, 0.7, 0.8, 1.0}},
};

static const struct method *method_of(enum dse_corruption corruption) {
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].corruption == corruption)
            return &methods[i];
    return NULL;
}

static enum dse_status check_size(int h, int w, int c, struct dse_err *err) {
    if (h < SMALLEST_SIDE || w < SMALLEST_SIDE || h > LARGEST_SIDE || w > LARGEST_SIDE)
        DSE_FAIL(err, DSE_INVALID, "cannot corrupt images of %d x %d pixels: sides of %d..%d only",
                 h, w, SMALLEST_SIDE, LARGEST_SIDE);
    if (c != 1 && c != 3)
        DSE_FAIL(err, DSE_INVALID, "cannot corrupt images of %d channels: 1 (grey) or 3 (RGB) only",
                 c);
    return DSE_OK;
}

enum dse_status dse_corrupt_image(enum dse_corruption corruption, int severity, uint64_t seed,
                                  uint32_t image_index, const uint8_t *src, int h, int w, int c,
                                  uint8_t *dst, struct dse_err *err) {
    const struct method *method = method_of(corruption);
    if (method == NULL)
        DSE_FAIL(err, DSE_INVALID, "no corruption has the number %d", (int)corruption);
    if (severity < 1 || severity > DSE_SEVERITIES)
        DSE_FAIL(err, DSE_INVALID, "severity %d: must be 1..%d", severity, DSE_SEVERITIES);
    DSE_TRY(check_size(h, w, c, err));
    struct dse_rng rng;
    dse_rng_init(&rng, seed, DSE_RNG_CORRUPT, image_index,
                 (uint32_t)corruption * 8 + (uint32_t)severity);
    struct corrupt__job job = {.src = src, .dst = dst, .h = h, .w = w, .c = c, .rng = &rng};
    return method->apply(&job, method->parameters[severity - 1], err);
}
