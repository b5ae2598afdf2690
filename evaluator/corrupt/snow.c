/* Snow: a field of flakes, streaked by wind, laid over a whitened image twice. */
#include "evaluator/corrupt/corrupt_internal.h"

static const struct flakes {
    double mean, deviation, zoom, threshold;
    int radius;
    double sigma;
    float mix;
} falls[2][DSE_SEVERITIES] = {
    {{0.1, 0.2, 1, 0.6, 8, 3, 0.95f},
     {0.1, 0.2, 1, 0.5, 10, 4, 0.9f},
     {0.15, 0.3, 1.75, 0.55, 10, 4, 0.9f},
     {0.25, 0.3, 2.25, 0.6, 12, 6, 0.85f},
     {0.3, 0.3, 1.25, 0.65, 14, 12, 0.8f}},
    {{0.1, 0.3, 3, 0.5, 10, 4, 0.8f},
     {0.2, 0.3, 2, 0.5, 12, 4, 0.7f},
     {0.55, 0.3, 4, 0.9, 12, 8, 0.7f},
     {0.55, 0.3, 4.5, 0.85, 12, 8, 0.65f},
     {0.55, 0.3, 2.5, 0.85, 12, 12, 0.55f}},
};

/* Wind: -90 degrees (up), and so far to both sides. */
static const double WIND_DEGREES = -90.0, WIND_SPREAD_DEGREES = 45.0;

/* A normal field seen through a zoom; only what is seen is drawn. What is below the threshold is
 * no flake. */
static void draw_flakes(struct corrupt__job *job, const struct flakes *p, uint8_t *levels) {
    size_t h = (size_t)job->h, w = (size_t)job->w;
    int *columns = corrupt__take(job, w, sizeof *columns);
    int *lines = corrupt__take(job, h, sizeof *lines);
    float *column_shares = corrupt__take(job, w, sizeof *column_shares);
    float *line_shares = corrupt__take(job, h, sizeof *line_shares);
    corrupt__zoom_axis(job->w, p->zoom, columns, column_shares);
    corrupt__zoom_axis(job->h, p->zoom, lines, line_shares);
    int left = columns[0], top = lines[0];
    size_t wide = (size_t)(columns[w - 1] + 2 - left), high = (size_t)(lines[h - 1] + 2 - top);
    double *field = corrupt__take(job, wide * high, sizeof *field);
    dse_rng_fill_normal(job->rng, field, wide * high);
    for (size_t y = 0; y < h; y++) {
        const double *above = field + (size_t)(lines[y] - top) * wide, *below = above + wide;
        double down = (double)line_shares[y];
        for (size_t x = 0; x < w; x++) {
            int at = columns[x] - left;
            double right = (double)column_shares[x];
            double upper = above[at] * (1.0 - right) + above[at + 1] * right;
            double lower = below[at] * (1.0 - right) + below[at + 1] * right;
            double flake = p->mean + p->deviation * (upper * (1.0 - down) + lower * down);
            levels[y * w + x] = flake < p->threshold ? 0 : corrupt__level(flake);
        }
    }
}

/* snow: both layers together, as intensity. */
DSE_CLONES static void lay_over_grey(const uint8_t *src, const float *snow, float mix, size_t n,
                                     uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++) {
        float x = (float)src[i] / 255.0f;
        float white = x * 1.5f + 0.5f; /* never below x */
        float sum = mix * x + (1.0f - mix) * white + snow[i];
        sum = sum > 1.0f ? 1.0f : sum;
        dst[i] = (uint8_t)(int)(sum * 255.0f);
    }
}

DSE_CLONES static void lay_over_colours(const uint8_t *src, const float *snow, float mix, size_t n,
                                        uint8_t *restrict dst) {
    const float red = (float)CORRUPT__RED, green = (float)CORRUPT__GREEN,
                blue = (float)CORRUPT__BLUE;
    for (size_t i = 0; i < n; i++) {
        float r = (float)src[3 * i] / 255.0f, g = (float)src[3 * i + 1] / 255.0f,
              b = (float)src[3 * i + 2] / 255.0f;
        float white = (r * red + g * green + b * blue) * 1.5f + 0.5f;
        float colours[3] = {r, g, b};
        for (int k = 0; k < 3; k++) {
            float whitened = colours[k] > white ? colours[k] : white;
            float sum = mix * colours[k] + (1.0f - mix) * whitened + snow[i];
            sum = sum > 1.0f ? 1.0f : sum;
            dst[3 * i + (size_t)k] = (uint8_t)(int)(sum * 255.0f);
        }
    }
}

enum dse_status corrupt__snow(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    const struct flakes *p = &falls[job->large][job->level];
    size_t n = corrupt__pixels(job);
    uint8_t *flakes = corrupt__take(job, n, 1), *layer = corrupt__take(job, n, 1);
    float *snow = corrupt__take(job, n, sizeof *snow);
    draw_flakes(job, p, flakes);
    double degrees = WIND_DEGREES + (2.0 * dse_rng_uniform(job->rng) - 1.0) * WIND_SPREAD_DEGREES;
    corrupt__streak(job, flakes, 1, p->radius, p->sigma, degrees, layer);
    for (size_t i = 0; i < n; i++) /* the layer, and itself turned by 180 degrees */
        snow[i] = (float)(layer[i] + layer[n - 1 - i]) / 255.0f;
    if (job->c == 1)
        lay_over_grey(job->src, snow, p->mix, n, job->dst);
    else
        lay_over_colours(job->src, snow, p->mix, n, job->dst);
    return DSE_OK;
}
