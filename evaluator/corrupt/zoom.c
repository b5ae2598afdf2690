/* Zoom blur: the mean of the image and of zooms into its centre, each with linear interpolation as
 * of SciPy's zoom (which maps the ends of the crop to the ends of the enlarged crop). */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>
#include <string.h>

/* Factors 1, 1 + step, ...; so many are in NumPy's arange of the published code. */
static const struct {
    int factors;
    double step;
} zooms[2][DSE_SEVERITIES] = {
    {{7, 0.01}, {12, 0.01}, {16, 0.01}, {21, 0.01}, {26, 0.01}},
    {{12, 0.01}, {16, 0.01}, {11, 0.02}, {13, 0.02}, {11, 0.03}},
};

void corrupt__zoom_axis(int n, double factor, int *index, float *share) {
    int side = (int)ceil(n / factor);
    int first = (n - side) / 2;
    int enlarged = (int)rint(side * factor); /* ties to even, as Python's round */
    int trimmed = (enlarged - n) / 2;
    double step = (double)(side - 1) / (enlarged - 1);
    for (int i = 0; i < n; i++) {
        double place = (i + trimmed) * step;
        int left = (int)place < side - 2 ? (int)place : side - 2;
        index[i] = first + left;
        share[i] = (float)(place - left);
    }
}

/* One row of w pixels: places and shares are those of the values, not of the pixels. */
DSE_CLONES static void zoom_row(const float *src, const int *places, const float *shares, int c,
                                size_t n, float *restrict dst) {
    const float *next = src + c;
    for (size_t i = 0; i < n; i++)
        dst[i] = src[places[i]] * (1.0f - shares[i]) + next[places[i]] * shares[i];
}

DSE_CLONES static void add_mix(const float *first, const float *second, float share, size_t n,
                               float *restrict sums) {
    float rest = 1.0f - share;
    for (size_t i = 0; i < n; i++)
        sums[i] += first[i] * rest + second[i] * share;
}

/* What one zoom needs; all [h][w * c] or [w * c]. */
struct work {
    const float *image;
    float *rows; /* the image, zoomed along its rows */
    float *sums;
    int *places, *columns, *lines;
    float *shares, *column_shares, *line_shares;
};

static void add_zoom(const struct corrupt__job *job, const struct work *k, double factor) {
    size_t c = (size_t)job->c, n = (size_t)job->w * c;
    corrupt__zoom_axis(job->w, factor, k->columns, k->column_shares);
    corrupt__zoom_axis(job->h, factor, k->lines, k->line_shares);
    for (size_t x = 0; x < (size_t)job->w; x++)
        for (size_t channel = 0; channel < c; channel++) {
            k->places[x * c + channel] = k->columns[x] * job->c + (int)channel;
            k->shares[x * c + channel] = k->column_shares[x];
        }
    for (int y = k->lines[0]; y <= k->lines[job->h - 1] + 1; y++)
        zoom_row(k->image + (size_t)y * n, k->places, k->shares, job->c, n,
                 k->rows + (size_t)y * n);
    for (int y = 0; y < job->h; y++) {
        const float *row = k->rows + (size_t)k->lines[y] * n;
        add_mix(row, row + n, k->line_shares[y], n, k->sums + (size_t)y * n);
    }
}

DSE_CLONES static void average_to_levels(const float *image, const float *sums, float count,
                                         size_t n, uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++) {
        float mean = (image[i] + sums[i]) / count;
        mean = mean > 1.0f ? 1.0f : mean;
        dst[i] = (uint8_t)(int)(mean * 255.0f);
    }
}

enum dse_status corrupt__zoom_blur(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    size_t n = corrupt__values(job), row = (size_t)(job->w * job->c);
    float *image = corrupt__take(job, n, sizeof *image);
    struct work work = {
        .image = image,
        .rows = corrupt__take(job, n, sizeof *work.rows),
        .sums = corrupt__take(job, n, sizeof *work.sums),
        .places = corrupt__take(job, row, sizeof *work.places),
        .columns = corrupt__take(job, (size_t)job->w, sizeof *work.columns),
        .lines = corrupt__take(job, (size_t)job->h, sizeof *work.lines),
        .shares = corrupt__take(job, row, sizeof *work.shares),
        .column_shares = corrupt__take(job, (size_t)job->w, sizeof *work.column_shares),
        .line_shares = corrupt__take(job, (size_t)job->h, sizeof *work.line_shares),
    };
    for (size_t i = 0; i < n; i++)
        image[i] = (float)job->src[i] / 255.0f;
    memset(work.sums, 0, n * sizeof *work.sums);
    int factors = zooms[job->large][job->level].factors;
    /* NumPy's step: the difference of the first two, not the number asked for. */
    double step = (1.0 + zooms[job->large][job->level].step) - 1.0;
    for (int i = 0; i < factors; i++)
        add_zoom(job, &work, 1.0 + i * step);
    average_to_levels(image, work.sums, (float)(factors + 1), n, job->dst);
    return DSE_OK;
}
