/* Motion blur with the results of ImageMagick 6 (16 bits a value), at a random angle. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>

static const struct {
    int radius;
    double sigma;
} motions[2][DSE_SEVERITIES] = {{{6, 1}, {6, 1.5}, {6, 2}, {8, 2}, {9, 2.5}},
                                {{10, 3}, {15, 5}, {15, 8}, {15, 12}, {20, 15}}};

static const double MOTION_DEGREES = 45.0; /* to both sides of the x axis */

enum { RADIUS_MOST = 20, TAPS_MOST = 2 * RADIUS_MOST + 1 };

struct taps {
    int n, dx[TAPS_MOST], dy[TAPS_MOST];
    float weights[TAPS_MOST];
    int reach; /* greatest distance in x */
};

static void make_taps(int radius, double sigma, double degrees, struct taps *taps) {
    const double PI = 3.14159265358979323846;
    double sine, cosine, weights[TAPS_MOST], sum = 0.0;
    dse_math_sincos(degrees * PI / 180.0, &sine, &cosine);
    taps->n = 2 * radius + 1;
    taps->reach = 0;
    dse_assert(taps->n <= TAPS_MOST);
    for (int i = 0; i < taps->n; i++) {
        weights[i] = dse_math_exp(-(double)i * i / (2.0 * sigma * sigma));
        sum += weights[i];
        taps->dx[i] = (int)ceil(i * cosine - 0.5);
        taps->dy[i] = (int)ceil(i * sine - 0.5);
        int far = taps->dx[i] < 0 ? -taps->dx[i] : taps->dx[i];
        taps->reach = far > taps->reach ? far : taps->reach;
    }
    for (int i = 0; i < taps->n; i++)
        taps->weights[i] = (float)(weights[i] / sum);
}

/* Every row with its end values repeated `reach` times. */
static float *pad_rows(struct corrupt__job *job, const uint8_t *src, int c, int reach) {
    size_t n = (size_t)(job->w * c), border = (size_t)(reach * c), stride = n + 2 * border;
    float *padded = corrupt__take(job, (size_t)job->h * stride, sizeof *padded);
    for (int y = 0; y < job->h; y++) {
        const uint8_t *row = src + (size_t)y * n;
        float *to = padded + (size_t)y * stride;
        for (size_t i = 0; i < border; i++) {
            to[i] = row[i % (size_t)c];
            to[border + n + i] = row[n - (size_t)c + i % (size_t)c];
        }
        for (size_t i = 0; i < n; i++)
            to[border + i] = row[i];
    }
    return padded;
}

DSE_CLONES static void add_row(float weight, const float *from, size_t n, float *restrict sums) {
    for (size_t i = 0; i < n; i++)
        sums[i] += weight * from[i];
}

/* ImageMagick rounds to its 16 bits (257 a level) and cuts these to 8. */
DSE_CLONES static void cut_row(const float *sums, size_t n, uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)((uint32_t)(int32_t)(sums[i] * 257.0f + 0.5f) / 257u);
}

void corrupt__streak(struct corrupt__job *job, const uint8_t *src, int c, int radius, double sigma,
                     double degrees, uint8_t *dst) {
    struct taps taps;
    make_taps(radius, sigma, degrees, &taps);
    size_t n = (size_t)(job->w * c), used = job->scratch_used;
    ptrdiff_t stride = (job->w + 2 * taps.reach) * c;
    const float *padded = pad_rows(job, src, c, taps.reach);
    float *sums = corrupt__take(job, n, sizeof *sums);
    for (int y = 0; y < job->h; y++) {
        for (size_t i = 0; i < n; i++)
            sums[i] = 0.0f;
        for (int t = 0; t < taps.n; t++) {
            int row = y + taps.dy[t];
            row = row < 0 ? 0 : row >= job->h ? job->h - 1 : row;
            add_row(taps.weights[t], padded + row * stride + (taps.reach + taps.dx[t]) * c, n,
                    sums);
        }
        cut_row(sums, n, dst + (size_t)y * n);
    }
    job->scratch_used = used;
}

enum dse_status corrupt__motion_blur(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    double degrees = (2.0 * dse_rng_uniform(job->rng) - 1.0) * MOTION_DEGREES;
    corrupt__streak(job, job->src, job->c, motions[job->large][job->level].radius,
                    motions[job->large][job->level].sigma, degrees, job->dst);
    return DSE_OK;
}
