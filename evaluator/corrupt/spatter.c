/* Spatter: drops of water or mud on the lens. Water's shading is made by functions of OpenCV
 * (edges.c, and the small filters here), with its borders (mirrored without the edge) and
 * roundings. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>
#include <string.h>

static const struct drops {
    double mean, deviation, sigma, threshold, strength; /* strength: of mud, the sigma of its rim */
    bool mud;
} drops[2][DSE_SEVERITIES] = {
    {{0.62, 0.1, 0.7, 0.7, 0.5, false},
     {0.65, 0.1, 0.8, 0.7, 0.5, false},
     {0.65, 0.3, 1, 0.69, 0.5, false},
     {0.65, 0.1, 0.7, 0.69, 0.6, true},
     {0.65, 0.1, 0.5, 0.68, 0.6, true}},
    {{0.65, 0.3, 4, 0.69, 0.6, false},
     {0.65, 0.3, 3, 0.68, 0.6, false},
     {0.65, 0.3, 2, 0.68, 0.5, false},
     {0.65, 0.3, 1, 0.65, 1.5, true},
     {0.67, 0.4, 1, 0.65, 1.5, true}},
};
static const double LEAST_MUD = 0.8, FIELD_REACH = 4.0 /* sigmas */;
static const float FARTHEST = 20.0f; /* pixels to an edge */
static const double water_colour[3] = {175, 238, 238}, mud_colour[3] = {63, 42, 20};

/* A smooth normal field, 0 where it stays below the threshold. */
static double *draw_liquid(struct corrupt__job *job, const struct drops *p) {
    size_t n = corrupt__pixels(job);
    double *field = corrupt__take(job, n, sizeof *field);
    dse_rng_fill_normal(job->rng, field, n);
    for (size_t i = 0; i < n; i++)
        field[i] = p->mean + p->deviation * field[i];
    struct corrupt__smoothing how = {p->sigma, FIELD_REACH, CORRUPT__NEAREST};
    corrupt__smooth(job, &how, field, 1);
    for (size_t i = 0; i < n; i++)
        field[i] = field[i] < p->threshold ? 0.0 : field[i];
    return field;
}

/* ---- water ---- */

/* A plane of values with one mirrored value on every side, [h + 2][w + 2]. */
#define DEFINE_PAD(name, type)                                                        \
    static void name(const struct corrupt__job *job, const type *src, type *padded) { \
        size_t h = (size_t)job->h, w = (size_t)job->w;                                \
        for (size_t y = 0; y < h + 2; y++, padded += w + 2) {                         \
            const type *row = src + (y == 0 ? 1 : y == h + 1 ? h - 2 : y - 1) * w;    \
            memcpy(padded + 1, row, w * sizeof *row);                                 \
            padded[0] = row[1];                                                       \
            padded[w + 1] = row[w - 2];                                               \
        }                                                                             \
    }
DEFINE_PAD(pad_levels, uint8_t)
DEFINE_PAD(pad_distances, float)

/* Mean of 3 x 3, cut to a whole number; rows of w + 2 padded values. */
DSE_CLONES static void average_distance_row(const float *up, size_t w, uint8_t *restrict dst) {
    const float *row = up + w + 2, *down = row + w + 2;
    for (size_t x = 0; x < w; x++) {
        double left = (double)up[x] + (double)row[x] + (double)down[x];
        double middle = (double)up[x + 1] + (double)row[x + 1] + (double)down[x + 1];
        double right = (double)up[x + 2] + (double)row[x + 2] + (double)down[x + 2];
        dst[x] = (uint8_t)(int)(float)((left + middle + right) / 9.0);
    }
}

/* Mean of 3 x 3, rounded. */
DSE_CLONES static void average_level_row(const uint8_t *up, size_t w, uint8_t *restrict dst) {
    const uint8_t *row = up + w + 2, *down = row + w + 2;
    for (size_t x = 0; x < w; x++) {
        int sum = up[x] + up[x + 1] + up[x + 2] + row[x] + row[x + 1] + row[x + 2] + down[x] +
                  down[x + 1] + down[x + 2];
        dst[x] = (uint8_t)((2 * sum + 9) / 18);
    }
}

/* A relief lit from the upper left: rows (-2 -1 0), (-1 1 1), (0 1 2), within 0..255. */
DSE_CLONES static void emboss_row(const uint8_t *up, size_t w, uint8_t *restrict dst) {
    const uint8_t *row = up + w + 2, *down = row + w + 2;
    for (size_t x = 0; x < w; x++) {
        int sum = -2 * up[x] - up[x + 1] - row[x] + row[x + 1] + row[x + 2] + down[x + 1] +
                  2 * down[x + 2];
        sum = sum < 0 ? 0 : sum;
        dst[x] = (uint8_t)(sum > 255 ? 255 : sum);
    }
}

/* Spreads the levels that occur evenly over 0..255. */
static void equalise(uint8_t *levels, size_t n) {
    size_t counts[CORRUPT__LEVELS] = {0}, sum = 0;
    uint8_t table[CORRUPT__LEVELS] = {0};
    int lowest = 0;
    for (size_t i = 0; i < n; i++)
        counts[levels[i]]++;
    while (counts[lowest] == 0)
        lowest++;
    if (counts[lowest] == n)
        return;
    float scale = 255.0f / (float)(n - counts[lowest]);
    for (int i = lowest + 1; i < CORRUPT__LEVELS; i++) {
        sum += counts[i];
        table[i] = (uint8_t)rintf((float)sum * scale);
    }
    for (size_t i = 0; i < n; i++)
        levels[i] = table[levels[i]];
}

/* How much water is at each pixel, 0..strength. */
static float *shade_water(struct corrupt__job *job, const struct drops *p, const double *liquid) {
    enum { CANNY_LOW = 50, CANNY_HIGH = 150 };
    size_t n = corrupt__pixels(job);
    uint8_t *layer = corrupt__take(job, n, 1), *a = corrupt__take(job, n, 1),
            *b = corrupt__take(job, n, 1);
    float *mask = corrupt__take(job, n, sizeof *mask);
    size_t h = (size_t)job->h, w = (size_t)job->w, padded = (h + 2) * (w + 2);
    float *distances = corrupt__take(job, padded, sizeof *distances);
    uint8_t *levels = corrupt__take(job, padded, 1);
    for (size_t i = 0; i < n; i++)
        layer[i] = (uint8_t)(int)(liquid[i] * 255.0); /* beyond 255 it wraps, as published */
    corrupt__find_edges(job, layer, CANNY_LOW, CANNY_HIGH, a);
    corrupt__measure_distance(job, a, FARTHEST, mask);
    pad_distances(job, mask, distances);
    for (size_t y = 0; y < h; y++)
        average_distance_row(distances + y * (w + 2), w, b + y * w);
    equalise(b, n);
    pad_levels(job, b, levels);
    for (size_t y = 0; y < h; y++)
        emboss_row(levels + y * (w + 2), w, a + y * w);
    pad_levels(job, a, levels);
    for (size_t y = 0; y < h; y++)
        average_level_row(levels + y * (w + 2), w, b + y * w);
    float most = 0.0f;
    for (size_t i = 0; i < n; i++) {
        mask[i] = (float)(layer[i] * b[i]);
        most = mask[i] > most ? mask[i] : most;
    }
    if (most == 0.0f) /* no drop anywhere: the published code divides 0 by 0 */
        return mask;
    for (size_t i = 0; i < n; i++)
        mask[i] = mask[i] / most * (float)p->strength;
    return mask;
}

/* ---- mud ---- */

static float *shade_mud(struct corrupt__job *job, const struct drops *p, double *liquid) {
    size_t n = corrupt__pixels(job);
    float *mask = corrupt__take(job, n, sizeof *mask);
    for (size_t i = 0; i < n; i++)
        liquid[i] = liquid[i] > p->threshold ? 1.0 : 0.0;
    struct corrupt__smoothing how = {p->strength, FIELD_REACH, CORRUPT__NEAREST};
    corrupt__smooth(job, &how, liquid, 1);
    for (size_t i = 0; i < n; i++)
        mask[i] = liquid[i] < LEAST_MUD ? 0.0f : (float)liquid[i];
    return mask;
}

/* ---- both ---- */

/* dst = src * (1 - cover * mask) + mask * colour; cover: 1 mud, 0 water. */
struct paint {
    float colour[3], cover;
};

static inline __attribute__((always_inline)) void paint_over(const uint8_t *src, const float *mask,
                                                             const struct paint *paint, size_t c,
                                                             size_t n, uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++) {
            float sum = (float)src[i * c + k] / 255.0f * (1.0f - paint->cover * mask[i]) +
                        mask[i] * paint->colour[k];
            sum = sum > 1.0f ? 1.0f : sum;
            dst[i * c + k] = (uint8_t)(int)(sum * 255.0f);
        }
}

DSE_CLONES static void paint_grey(const uint8_t *src, const float *mask, const struct paint *paint,
                                  size_t n, uint8_t *restrict dst) {
    paint_over(src, mask, paint, 1, n, dst);
}

DSE_CLONES static void paint_colours(const uint8_t *src, const float *mask,
                                     const struct paint *paint, size_t n, uint8_t *restrict dst) {
    paint_over(src, mask, paint, 3, n, dst);
}

enum dse_status corrupt__spatter(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    const struct drops *p = &drops[job->large][job->level];
    const double *rgb = p->mud ? mud_colour : water_colour;
    struct paint paint = {.cover = p->mud ? 1.0f : 0.0f};
    for (int k = 0; k < 3; k++)
        paint.colour[k] = (float)rgb[k] / 255.0f;
    if (job->c == 1)
        paint.colour[0] =
            (float)((CORRUPT__RED * rgb[0] + CORRUPT__GREEN * rgb[1] + CORRUPT__BLUE * rgb[2]) /
                    255.0);
    double *liquid = draw_liquid(job, p);
    const float *mask = p->mud ? shade_mud(job, p, liquid) : shade_water(job, p, liquid);
    if (job->c == 1)
        paint_grey(job->src, mask, &paint, corrupt__pixels(job), job->dst);
    else
        paint_colours(job->src, mask, &paint, corrupt__pixels(job), job->dst);
    return DSE_OK;
}
