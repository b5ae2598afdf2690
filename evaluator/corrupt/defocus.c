/* Defocus blur: a disc, smoothed at its rim, as OpenCV's GaussianBlur and filter2D make of it. */
#include "evaluator/corrupt/corrupt_internal.h"

static const struct {
    double radius, rim_sigma;
} discs[2][DSE_SEVERITIES] = {
    {{0.3, 0.4}, {0.4, 0.5}, {0.5, 0.6}, {1, 0.2}, {1.5, 0.1}},
    {{3, 0.1}, {4, 0.5}, {6, 0.5}, {8, 0.5}, {10, 0.5}},
};

enum {
    REACH_USUAL = 8, /* the published kernel has 17 x 17 places up to this radius */
    REACH_MOST = 10,
    RIM_MOST = 2, /* the rim's filter: 3 x 3, 5 x 5 above REACH_USUAL */
    SIDE = 2 * REACH_MOST + 1,
    TAPS_MOST = SIDE * SIDE,
};

/* Places of weight, in the order of the rows. */
struct corrupt__disc {
    int n, reach; /* reach: greatest distance in x or y */
    int dy[TAPS_MOST], dx[TAPS_MOST];
    double weights[TAPS_MOST];
};

static void make_rim_filter(double sigma, int radius, double *weights) {
    double sum = 0.0;
    for (int i = -radius; i <= radius; i++) {
        weights[i + radius] = dse_math_exp(-0.5 * i * i / (sigma * sigma));
        sum += weights[i + radius];
    }
    for (int i = 0; i <= 2 * radius; i++)
        weights[i] /= sum;
}

/* The disc of 1 / n in a square of side values. */
static void draw_disc(double radius, int reach, double *disc) {
    int side = 2 * reach + 1, n = 0;
    for (int y = -reach; y <= reach; y++)
        for (int x = -reach; x <= reach; x++)
            n += x * x + y * y <= radius * radius;
    for (int y = -reach; y <= reach; y++)
        for (int x = -reach; x <= reach; x++)
            disc[(y + reach) * side + x + reach] = x * x + y * y <= radius * radius ? 1.0 / n : 0.0;
}

static double smoothed_at(const double *disc, int reach, const double *rim, int rim_radius, int y,
                          int x) {
    int side = 2 * reach + 1;
    double sum = 0.0;
    for (int i = -rim_radius; i <= rim_radius; i++)
        for (int j = -rim_radius; j <= rim_radius; j++)
            sum += rim[i + rim_radius] * rim[j + rim_radius] *
                   disc[corrupt__mirror_without_edge(y + i, side) * side +
                        corrupt__mirror_without_edge(x + j, side)];
    return sum;
}

static void list_taps(double radius, double rim_sigma, struct corrupt__disc *taps) {
    int reach = radius <= REACH_USUAL ? REACH_USUAL : REACH_MOST;
    int rim_radius = radius <= REACH_USUAL ? 1 : RIM_MOST;
    double disc[TAPS_MOST], rim[2 * RIM_MOST + 1];
    draw_disc(radius, reach, disc);
    make_rim_filter(rim_sigma, rim_radius, rim);
    taps->n = taps->reach = 0;
    for (int y = -reach; y <= reach; y++)
        for (int x = -reach; x <= reach; x++) {
            /* In float32, as the published kernel. */
            float weight = (float)smoothed_at(disc, reach, rim, rim_radius, y + reach, x + reach);
            int far = (y < 0 ? -y : y) > (x < 0 ? -x : x) ? (y < 0 ? -y : y) : (x < 0 ? -x : x);
            if (weight == 0.0f)
                continue;
            taps->dy[taps->n] = y;
            taps->dx[taps->n] = x;
            taps->weights[taps->n++] = (double)weight;
            taps->reach = far > taps->reach ? far : taps->reach;
        }
}

/* The image as intensities with `reach` mirrored pixels on every side. */
static double *pad_image(struct corrupt__job *job, int reach) {
    int h = job->h, w = job->w, c = job->c;
    double intensities[CORRUPT__LEVELS];
    for (int x = 0; x < CORRUPT__LEVELS; x++)
        intensities[x] = corrupt__intensity((uint8_t)x);
    double *padded =
        corrupt__take(job, (size_t)(h + 2 * reach) * (size_t)((w + 2 * reach) * c), sizeof *padded);
    double *to = padded;
    for (int y = -reach; y < h + reach; y++) {
        const uint8_t *row =
            job->src + (size_t)corrupt__mirror_without_edge(y, h) * (size_t)(w * c);
        for (int x = -reach; x < w + reach; x++) {
            const uint8_t *from =
                row + (size_t)((x < 0 || x >= w ? corrupt__mirror_without_edge(x, w) : x) * c);
            for (int k = 0; k < c; k++)
                *to++ = intensities[from[k]];
        }
    }
    return padded;
}

/* at: the place of the row's first value in the padded image. */
DSE_CLONES static void filter_row(const struct corrupt__disc *taps, const double *at,
                                  ptrdiff_t stride, int c, size_t n, double *restrict sums,
                                  uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++)
        sums[i] = 0.0;
    for (int t = 0; t < taps->n; t++) {
        const double *from = at + taps->dy[t] * stride + taps->dx[t] * c;
        double weight = taps->weights[t];
        for (size_t i = 0; i < n; i++)
            sums[i] += from[i] * weight;
    }
    for (size_t i = 0; i < n; i++) {
        double clipped = sums[i] > 1.0 ? 1.0 : sums[i];
        dst[i] = (uint8_t)(int)(clipped * 255.0);
    }
}

enum dse_status corrupt__defocus_blur(struct corrupt__job *job, struct dse_err *err) {
    struct corrupt__disc **taps_place = &job->corrupter->discs[job->level];
    if (*taps_place == NULL) {
        *taps_place = dse_alloc(1, sizeof **taps_place);
        if (*taps_place == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a disc");
        list_taps(discs[job->large][job->level].radius, discs[job->large][job->level].rim_sigma,
                  *taps_place);
    }
    const struct corrupt__disc *taps = *taps_place;
    size_t n = (size_t)(job->w * job->c);
    ptrdiff_t stride = (job->w + 2 * taps->reach) * job->c;
    double *sums = corrupt__take(job, n, sizeof *sums);
    const double *padded = pad_image(job, taps->reach);
    for (int y = 0; y < job->h; y++)
        filter_row(taps, padded + (y + taps->reach) * stride + taps->reach * job->c, stride, job->c,
                   n, sums, job->dst + (size_t)y * n);
    return DSE_OK;
}
