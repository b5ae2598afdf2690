/* Gaussian filters with the results of SciPy's gaussian_filter, as scikit-image's `gaussian` calls
 * it, and the two corruptions that are little else: gaussian_blur and glass_blur.
 *
 * First down the columns, then along the rows, in double. The order of the additions matters: the
 * kernel sums to 1 only nearly, and truncation to a level makes 254 of 254.99999. So every sum here
 * is in SciPy's and NumPy's order. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <string.h>

static const double gaussian_sigmas[2][DSE_SEVERITIES] = {{0.4, 0.6, 0.7, 0.8, 1.0},
                                                          {1, 2, 3, 4, 6}};
static const struct {
    double sigma;
    int reach, rounds;
} glass[2][DSE_SEVERITIES] = {
    {{0.05, 1, 1}, {0.25, 1, 1}, {0.4, 1, 1}, {0.25, 1, 2}, {0.4, 1, 2}},
    {{0.7, 1, 2}, {0.9, 2, 1}, {1, 2, 3}, {1.1, 3, 2}, {1.5, 4, 2}},
};

static const double PUBLISHED_REACH = 4.0; /* sigmas; SciPy's truncate */

/* ---- the kernel ---- */

struct kernel {
    int radius;      /* reach * sigma + 0.5, truncated */
    double *weights; /* [distance from the centre], of job's working memory */
};

/* exp(-0.5 / sigma^2 * distance^2), correctly rounded. Not from dse_math_exp: one unit in the last
 * place moves a level of many images of one colour. NumPy, too, gives these values only where it
 * does not use AVX-512. */
enum { EXACT_RADIUS = 4 };
static const struct {
    double sigma;
    double weights[EXACT_RADIUS + 1];
} exact_kernels[] = {
    {0.4, {1.0, 0x1.67ee6d9ff847ep-5, 0x1.f42ed3f68e6a0p-19}},
    {0.6, {1.0, 0x1.feac5eef1220bp-3, 0x1.fab6c122cebaap-9}},
    {0.7, {1.0, 0x1.7119399fc5cc7p-2, 0x1.148f5d9846cd4p-6, 0x1.aec40a001c4a8p-14}},
    {0.8, {1.0, 0x1.d4d244cf4ea9fp-2, 0x1.67ee6d9ff847ep-5, 0x1.cf6128ab4677dp-11}},
    {1.0,
     {1.0, 0x1.368b2fc6f960ap-1, 0x1.152aaa3bf81ccp-3, 0x1.6c0504695c417p-7,
      0x1.5fc21041027adp-12}},
};

static void fill_weights(const struct corrupt__smoothing *how, struct kernel *kernel) {
    for (size_t i = 0; i < sizeof exact_kernels / sizeof exact_kernels[0]; i++)
        if (exact_kernels[i].sigma == how->sigma && kernel->radius <= EXACT_RADIUS) {
            memcpy(kernel->weights, exact_kernels[i].weights,
                   ((size_t)kernel->radius + 1) * sizeof *kernel->weights);
            return;
        }
    double scale = -0.5 / (how->sigma * how->sigma);
    for (int i = 0; i <= kernel->radius; i++)
        kernel->weights[i] = dse_math_exp(scale * ((double)i * i));
}

/* NumPy adds fewer than 8 numbers from left to right; from 8 on it keeps 8 partial sums, added as
 * a tree, and the rest after that. With 9 weights that is this; with more, the last bit of the sum
 * does not matter. */
static double sum_of_weights(const struct kernel *kernel) {
    const double *w = kernel->weights;
    if (kernel->radius == 4)
        return (((w[4] + w[3]) + (w[2] + w[1])) + ((w[0] + w[1]) + (w[2] + w[3]))) + w[4];
    double sum = 0.0;
    for (int i = -kernel->radius; i <= kernel->radius; i++)
        sum += w[i < 0 ? -i : i];
    return sum;
}

static struct kernel normalised_kernel(struct corrupt__job *job,
                                       const struct corrupt__smoothing *how) {
    struct kernel kernel = {.radius = (int)(how->reach * how->sigma + 0.5)};
    kernel.weights = corrupt__take(job, (size_t)kernel.radius + 1, sizeof *kernel.weights);
    fill_weights(how, &kernel);
    double sum = sum_of_weights(&kernel);
    for (int i = 0; i <= kernel.radius; i++)
        kernel.weights[i] /= sum;
    return kernel;
}

/* ---- the filter ---- */

static int inside(enum corrupt__border border, int i, int n) {
    if (i >= 0 && i < n)
        return i;
    if (border == CORRUPT__MIRROR)
        return corrupt__mirror_with_edge(i, n);
    return i < 0 ? 0 : n - 1;
}

/* One plane of n values a row. rows[] points to the rows of the source in their order, with
 * kernel->radius of the border's on both sides. */
DSE_CLONES static void blur_down(const struct kernel *kernel, const double *const *rows, int h,
                                 size_t n, double *restrict dst) {
    const double *weights = kernel->weights;
    for (int y = 0; y < h; y++, dst += n) {
        const double *const *centre = rows + kernel->radius + y;
        for (size_t i = 0; i < n; i++)
            dst[i] = centre[0][i] * weights[0];
        for (int d = kernel->radius; d > 0; d--) {
            const double *above = centre[-d], *below = centre[d];
            for (size_t i = 0; i < n; i++)
                dst[i] += (above[i] + below[i]) * weights[d];
        }
    }
}

/* line: the n values of a row, with radius * step more on both sides. */
DSE_CLONES static void blur_along(const struct kernel *kernel, const double *line, size_t n,
                                  size_t step, double *restrict dst) {
    const double *centre = line + (size_t)kernel->radius * step;
    for (size_t i = 0; i < n; i++)
        dst[i] = centre[i] * kernel->weights[0];
    for (int d = kernel->radius; d > 0; d--) {
        const double *before = centre - (size_t)d * step, *after = centre + (size_t)d * step;
        double weight = kernel->weights[d];
        for (size_t i = 0; i < n; i++)
            dst[i] += (before[i] + after[i]) * weight;
    }
}

void corrupt__smooth(struct corrupt__job *job, const struct corrupt__smoothing *how, double *values,
                     int c) {
    size_t used = job->scratch_used, channels = (size_t)c, n = (size_t)job->w * channels;
    struct kernel kernel = normalised_kernel(job, how);
    int r = kernel.radius, h = job->h, w = job->w;
    double *between = corrupt__take(job, (size_t)h * n, sizeof *between);
    double *line = corrupt__take(job, (size_t)(w + 2 * r) * channels, sizeof *line);
    const double **rows = corrupt__take(job, (size_t)(h + 2 * r), sizeof *rows);
    for (int y = -r; y < h + r; y++)
        rows[r + y] = values + (size_t)inside(how->border, y, h) * n;
    blur_down(&kernel, rows, h, n, between);
    for (int y = 0; y < h; y++) {
        const double *row = between + (size_t)y * n;
        memcpy(line + (size_t)r * channels, row, n * sizeof *line);
        for (int x = 1; x <= r; x++)
            for (size_t k = 0; k < channels; k++) {
                line[(size_t)(r - x) * channels + k] =
                    row[(size_t)inside(how->border, -x, w) * channels + k];
                line[(size_t)(r + w - 1 + x) * channels + k] =
                    row[(size_t)inside(how->border, w - 1 + x, w) * channels + k];
            }
        blur_along(&kernel, line, n, channels, values + (size_t)y * n);
    }
    job->scratch_used = used;
}

/* ---- the corruptions ---- */

DSE_CLONES static void to_intensities(const uint8_t *src, size_t n, double *restrict out) {
    for (size_t i = 0; i < n; i++)
        out[i] = src[i] / 255.0;
}

DSE_CLONES static void to_levels(const double *src, size_t n, uint8_t *restrict out) {
    for (size_t i = 0; i < n; i++) {
        double clipped = src[i] < 0.0 ? 0.0 : src[i];
        clipped = clipped > 1.0 ? 1.0 : clipped;
        out[i] = (uint8_t)(int)(clipped * 255.0);
    }
}

static void blur_levels(struct corrupt__job *job, double sigma, const uint8_t *src, uint8_t *dst) {
    struct corrupt__smoothing how = {sigma, PUBLISHED_REACH, CORRUPT__NEAREST};
    size_t n = corrupt__values(job), used = job->scratch_used;
    double *values = corrupt__take(job, n, sizeof *values);
    to_intensities(src, n, values);
    corrupt__smooth(job, &how, values, job->c);
    to_levels(values, n, dst);
    job->scratch_used = used;
}

enum dse_status corrupt__gaussian_blur(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    blur_levels(job, gaussian_sigmas[job->large][job->level], job->src, job->dst);
    return DSE_OK;
}

/* Every pixel but a margin takes the value of a random neighbour, from the last to the first. (The
 * published code means to exchange the two, but what it moves are views of the same array.) One
 * number a pixel: 16 bits for x, 16 for y; offsets -reach .. reach - 1. */
static void scatter_pixels(struct corrupt__job *job, int reach, uint32_t *random, uint8_t *pixels) {
    size_t c = (size_t)job->c;
    int w = job->w;
    uint32_t n = 2 * (uint32_t)reach;
    dse_rng_fill_u32(job->rng, random, (size_t)(job->h - 2 * reach) * (size_t)(w - 2 * reach));
    for (int y = job->h - reach; y > reach; y--)
        for (int x = w - reach; x > reach; x--) {
            uint32_t drawn = *random++;
            int dx = (int)((drawn & 0xFFFF) * n >> 16) - reach;
            int dy = (int)((drawn >> 16) * n >> 16) - reach;
            const uint8_t *from = pixels + ((size_t)(y + dy) * (size_t)w + (size_t)(x + dx)) * c;
            uint8_t *to = pixels + ((size_t)y * (size_t)w + (size_t)x) * c;
            for (size_t k = 0; k < c; k++)
                to[k] = from[k];
        }
}

enum dse_status corrupt__glass_blur(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    double sigma = glass[job->large][job->level].sigma;
    uint8_t *pixels = corrupt__take(job, corrupt__values(job), 1);
    uint32_t *random = corrupt__take(job, corrupt__pixels(job), sizeof *random);
    blur_levels(job, sigma, job->src, pixels);
    for (int i = 0; i < glass[job->large][job->level].rounds; i++)
        scatter_pixels(job, glass[job->large][job->level].reach, random, pixels);
    blur_levels(job, sigma, pixels, job->dst);
    return DSE_OK;
}
