/* Gaussian blur, with the results of SciPy's gaussian_filter (as scikit-image's `gaussian` calls
 * it: truncated at 4 sigma, border "nearest", each channel alone): first down the columns, then
 * along the rows, in double.
 *
 * The order of the additions matters: the kernel sums to 1 only nearly, and truncation to a level
 * makes 254 of 254.99999. So every sum here is in SciPy's and NumPy's order. */
#include "evaluator/corrupt/corrupt_internal.h"

enum { LARGEST_RADIUS = 4 };

struct kernel {
    double sigma;
    int radius;                         /* 4 sigma + 0.5, truncated */
    double weights[LARGEST_RADIUS + 1]; /* [distance from the centre] */
};

/* Before normalisation: exp(-0.5 / sigma^2 * distance^2), correctly rounded. Not from
 * dse_math_exp: one unit in the last place moves a level of many images of one colour. NumPy, too,
 * gives these values only where it does not use AVX-512. */
static const struct kernel kernels[] = {
    {0.4, 2, {1.0, 0x1.67ee6d9ff847ep-5, 0x1.f42ed3f68e6a0p-19}},
    {0.6, 2, {1.0, 0x1.feac5eef1220bp-3, 0x1.fab6c122cebaap-9}},
    {0.7, 3, {1.0, 0x1.7119399fc5cc7p-2, 0x1.148f5d9846cd4p-6, 0x1.aec40a001c4a8p-14}},
    {0.8, 3, {1.0, 0x1.d4d244cf4ea9fp-2, 0x1.67ee6d9ff847ep-5, 0x1.cf6128ab4677dp-11}},
    {1.0,
     4,
     {1.0, 0x1.368b2fc6f960ap-1, 0x1.152aaa3bf81ccp-3, 0x1.6c0504695c417p-7,
      0x1.5fc21041027adp-12}},
};

static const struct kernel *kernel_of(double sigma) {
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (kernels[i].sigma == sigma)
            return &kernels[i];
    return NULL;
}

/* NumPy adds fewer than 8 numbers from left to right; from 8 on it keeps 8 partial sums, added as
 * a tree, and the rest after that. */
static double sum_of_weights(const struct kernel *kernel) {
    const double *w = kernel->weights;
    if (kernel->radius == 4)
        return (((w[4] + w[3]) + (w[2] + w[1])) + ((w[0] + w[1]) + (w[2] + w[3]))) + w[4];
    double sum = 0.0;
    for (int i = -kernel->radius; i <= kernel->radius; i++)
        sum += w[i < 0 ? -i : i];
    return sum;
}

static struct kernel normalised_kernel(double sigma) {
    const struct kernel *found = kernel_of(sigma);
    dse_assert(found != NULL);
    struct kernel kernel = *found;
    double sum = sum_of_weights(&kernel);
    for (int i = 0; i <= kernel.radius; i++)
        kernel.weights[i] /= sum;
    return kernel;
}

/* Convolves n values that lie `step` apart. The line is the same with its end values repeated on
 * both sides. */
static void blur_line(const struct kernel *kernel, const double *src, int n, size_t step,
                      double *line, double *dst) {
    int radius = kernel->radius;
    for (int i = -radius; i < n + radius; i++) {
        int inside = i < 0 ? 0 : i >= n ? n - 1 : i;
        line[radius + i] = src[(size_t)inside * step];
    }
    for (int i = 0; i < n; i++) {
        const double *centre = line + radius + i;
        double sum = centre[0] * kernel->weights[0];
        for (int d = radius; d > 0; d--)
            sum += (centre[-d] + centre[d]) * kernel->weights[d];
        dst[(size_t)i * step] = sum;
    }
}

static void blur_channel(const struct corrupt__job *job, const struct kernel *kernel, int channel,
                         double *plane, double *line) {
    size_t h = (size_t)job->h, w = (size_t)job->w, c = (size_t)job->c;
    for (size_t i = 0; i < h * w; i++)
        plane[i] = corrupt__intensity(job->src[i * c + (size_t)channel]);
    for (size_t x = 0; x < w; x++)
        blur_line(kernel, plane + x, job->h, w, line, plane + x);
    for (size_t y = 0; y < h; y++)
        blur_line(kernel, plane + y * w, job->w, 1, line, plane + y * w);
    for (size_t i = 0; i < h * w; i++)
        job->dst[i * c + (size_t)channel] = corrupt__level(plane[i]);
}

enum dse_status corrupt__blur_image(const struct corrupt__job *job, double sigma,
                                    struct dse_err *err) {
    struct kernel kernel = normalised_kernel(sigma);
    size_t pixels = (size_t)job->h * (size_t)job->w;
    size_t longest = (size_t)(job->h > job->w ? job->h : job->w) + 2 * LARGEST_RADIUS;
    double *plane = dse_alloc(pixels + longest, sizeof *plane);
    if (plane == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to blur an image of %d x %d", job->h, job->w);
    for (int channel = 0; channel < job->c; channel++)
        blur_channel(job, &kernel, channel, plane, plane + pixels);
    dse_free(plane);
    return DSE_OK;
}
