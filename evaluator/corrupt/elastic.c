/* Elastic transform: a random affine map (OpenCV's warpAffine: bilinear, 1/32 of a pixel, mirrored
 * at the edges), then a smooth random displacement (SciPy's map_coordinates, linear). */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>

/* In pixels: the published numbers times 32, and times 244 (its authors' slip for 224). */
static const struct motion {
    double strength, sigma, jitter;
} motions[2][DSE_SEVERITIES] = {
    {{0, 0, 2.56}, {1.6, 6.4, 2.24}, {2.56, 1.92, 1.92}, {3.2, 1.28, 1.6}, {3.2, 0.96, 0.96}},
    {{488, 170.8, 24.4},
     {488, 19.52, 48.8},
     {12.2, 2.44, 4.88},
     {17.08, 2.44, 4.88},
     {29.28, 2.44, 4.88}},
};
static const double FIELD_REACH = 3.0; /* sigmas */

/* ---- the affine map ---- */

/* Where a place of the result lies in the source: x' = m[0] x + m[1] y + m[2], y' = m[3] .... */
struct affine {
    double m[6];
};

/* Three corners of a square a third as large as the image are moved by up to `jitter` pixels. The
 * map that brings the moved corners back: with the square's sides as unit vectors the moved
 * triangle is a matrix of columns (first - second, second - third), which is inverted. */
static struct affine draw_affine(struct corrupt__job *job, double jitter) {
    double reach = (job->h < job->w ? job->h : job->w) / 3;
    double cx = job->w / 2, cy = job->h / 2; /* whole pixels, as published */
    double from[3][2] = {
        {cx + reach, cy + reach}, {cx + reach, cy - reach}, {cx - reach, cy - reach}};
    double to[3][2];
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            to[i][k] = from[i][k] + (2.0 * dse_rng_uniform(job->rng) - 1.0) * jitter;
    /* from = A to + b. Edges: second - first, third - second. */
    double ux = to[1][0] - to[0][0], uy = to[1][1] - to[0][1];
    double vx = to[2][0] - to[1][0], vy = to[2][1] - to[1][1];
    double determinant = ux * vy - uy * vx;
    dse_assert(determinant != 0.0); /* the jitter is smaller than the square */
    struct affine a;
    for (int k = 0; k < 2; k++) {
        double du = from[1][k] - from[0][k], dv = from[2][k] - from[1][k];
        a.m[3 * k] = (du * vy - dv * uy) / determinant;
        a.m[3 * k + 1] = (dv * ux - du * vx) / determinant;
        a.m[3 * k + 2] = from[0][k] - a.m[3 * k] * to[0][0] - a.m[3 * k + 1] * to[0][1];
    }
    return a;
}

/* OpenCV's fixed point: 10 bits in the sums, 5 in the place. */
enum { SUM_BITS = 10, PLACE_BITS = 5, PLACES = 1 << PLACE_BITS };

static int to_fixed(double x) {
    return (int)rint(x * (1 << SUM_BITS));
}

/* Inlined with the number of channels known. */
#define FOR_CHANNELS static inline __attribute__((always_inline))

/* Mixes the four values around a place; corners[i] are pixels. */
FOR_CHANNELS void mix_pixel(const float *const corners[4], const float *weights, int c,
                            float *out) {
    for (int k = 0; k < c; k++)
        out[k] = corners[0][k] * weights[0] + corners[1][k] * weights[1] +
                 corners[2][k] * weights[2] + corners[3][k] * weights[3];
}

static inline int mirrored(int i, int n, int (*mirror)(int, int)) {
    return i >= 0 && i < n ? i : mirror(i, n);
}

/* dst at one pixel: src around (left, top), each mirrored into the image, with shares dx, dy. */
FOR_CHANNELS void sample(const struct corrupt__job *job, int c, const float *src, int left, int top,
                         float dx, float dy, int (*mirror)(int, int), float *out) {
    const float *upper = src + (ptrdiff_t)mirrored(top, job->h, mirror) * job->w * c;
    const float *lower = src + (ptrdiff_t)mirrored(top + 1, job->h, mirror) * job->w * c;
    int x0 = mirrored(left, job->w, mirror) * c, x1 = mirrored(left + 1, job->w, mirror) * c;
    const float *const corners[4] = {upper + x0, upper + x1, lower + x0, lower + x1};
    float weights[4] = {(1.0f - dy) * (1.0f - dx), (1.0f - dy) * dx, dy * (1.0f - dx), dy * dx};
    mix_pixel(corners, weights, c, out);
}

FOR_CHANNELS void warp(struct corrupt__job *job, int c, const struct affine *a, const float *src,
                       float *dst) {
    const int half_place = 1 << (SUM_BITS - PLACE_BITS - 1);
    int *column_x = corrupt__take(job, (size_t)job->w, sizeof *column_x);
    int *column_y = corrupt__take(job, (size_t)job->w, sizeof *column_y);
    for (int x = 0; x < job->w; x++) {
        column_x[x] = to_fixed(a->m[0] * x);
        column_y[x] = to_fixed(a->m[3] * x);
    }
    for (int y = 0; y < job->h; y++) {
        int row_x = to_fixed(a->m[1] * y + a->m[2]) + half_place;
        int row_y = to_fixed(a->m[4] * y + a->m[5]) + half_place;
        for (int x = 0; x < job->w; x++, dst += c) {
            int px = (row_x + column_x[x]) >> (SUM_BITS - PLACE_BITS);
            int py = (row_y + column_y[x]) >> (SUM_BITS - PLACE_BITS);
            sample(job, c, src, px >> PLACE_BITS, py >> PLACE_BITS,
                   (float)(px & (PLACES - 1)) / PLACES, (float)(py & (PLACES - 1)) / PLACES,
                   corrupt__mirror_without_edge, dst);
        }
    }
}

/* ---- the displacement ---- */

static double *draw_field(struct corrupt__job *job, const struct motion *p) {
    size_t n = corrupt__pixels(job);
    double *field = corrupt__take(job, n, sizeof *field);
    dse_rng_fill_uniform(job->rng, field, n);
    for (size_t i = 0; i < n; i++)
        field[i] = 2.0 * field[i] - 1.0;
    struct corrupt__smoothing how = {p->sigma, FIELD_REACH, CORRUPT__MIRROR};
    corrupt__smooth(job, &how, field, 1);
    for (size_t i = 0; i < n; i++)
        field[i] *= p->strength;
    return field;
}

static inline int whole_below(double x) {
    int whole = (int)x;
    return whole > x ? whole - 1 : whole;
}

FOR_CHANNELS void displace(const struct corrupt__job *job, int c, const float *src,
                           const double *dx, const double *dy, uint8_t *dst) {
    size_t at = 0;
    for (int y = 0; y < job->h; y++)
        for (int x = 0; x < job->w; x++, at++) {
            double px = x + dx[at], py = y + dy[at];
            int left = whole_below(px), top = whole_below(py);
            float out[3];
            sample(job, c, src, left, top, (float)(px - left), (float)(py - top),
                   corrupt__mirror_with_edge, out);
            for (int k = 0; k < c; k++)
                *dst++ = corrupt__level_f(out[k]);
        }
}

enum dse_status corrupt__elastic_transform(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    const struct motion *p = &motions[job->large][job->level];
    size_t n = corrupt__values(job);
    float *image = corrupt__take(job, n, sizeof *image);
    float *warped = corrupt__take(job, n, sizeof *warped);
    for (size_t i = 0; i < n; i++)
        image[i] = (float)job->src[i] / 255.0f;
    struct affine a = draw_affine(job, p->jitter);
    if (job->c == 1)
        warp(job, 1, &a, image, warped);
    else
        warp(job, 3, &a, image, warped);
    if (p->strength == 0.0) {
        for (size_t i = 0; i < n; i++)
            job->dst[i] = corrupt__level_f(warped[i]);
        return DSE_OK;
    }
    const double *dx = draw_field(job, p);
    const double *dy = draw_field(job, p);
    if (job->c == 1)
        displace(job, 1, warped, dx, dy, job->dst);
    else
        displace(job, 3, warped, dx, dy, job->dst);
    return DSE_OK;
}
