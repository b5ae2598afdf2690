/* Corruptions that work pixel by pixel: brightness, contrast, saturate. */
#include "evaluator/corrupt/corrupt_internal.h"

static const double brightness_steps[2][DSE_SEVERITIES] = {{0.05, 0.1, 0.15, 0.2, 0.3},
                                                           {0.1, 0.2, 0.3, 0.4, 0.5}};
static const double contrast_factors[2][DSE_SEVERITIES] = {{0.75, 0.5, 0.4, 0.3, 0.15},
                                                           {0.4, 0.3, 0.2, 0.1, 0.05}};
static const struct {
    double factor, step;
} saturations[2][DSE_SEVERITIES] = {{{0.3, 0}, {0.1, 0}, {1.5, 0}, {2, 0.1}, {2.5, 0.2}},
                                    {{0.3, 0}, {0.1, 0}, {2, 0}, {5, 0.1}, {20, 0.2}}};

/* ---- brightness ---- */

/* In HSV the value, which is the largest channel, grows and the saturation stays: all channels grow
 * in proportion. In black there is no proportion, it becomes grey. */
static void fill_brightness(double step, uint8_t (*table)[CORRUPT__LEVELS]) {
    for (int largest = 0; largest < CORRUPT__LEVELS; largest++) {
        double value = largest / 255.0 + step;
        value = value > 1.0 ? 1.0 : value;
        for (int channel = 0; channel <= largest; channel++) {
            double saturation = largest == 0 ? 0.0 : (double)(largest - channel) / largest;
            table[largest][channel] = corrupt__level(value * (1.0 - saturation));
        }
    }
}

enum dse_status corrupt__brightness(struct corrupt__job *job, struct dse_err *err) {
    uint8_t(**table)[CORRUPT__LEVELS] = &job->corrupter->brightness[job->level];
    if (*table == NULL) {
        *table = dse_alloc(CORRUPT__LEVELS, sizeof **table);
        if (*table == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a table of brightness");
        fill_brightness(brightness_steps[job->large][job->level], *table);
    }
    size_t n = corrupt__values(job);
    const uint8_t *src = job->src;
    if (job->c == 1) {
        for (size_t i = 0; i < n; i++)
            job->dst[i] = (*table)[src[i]][src[i]];
        return DSE_OK;
    }
    for (size_t i = 0; i < n; i += 3) {
        uint8_t largest = src[i] > src[i + 1] ? src[i] : src[i + 1];
        largest = largest > src[i + 2] ? largest : src[i + 2];
        const uint8_t *row = (*table)[largest];
        job->dst[i] = row[src[i]];
        job->dst[i + 1] = row[src[i + 1]];
        job->dst[i + 2] = row[src[i + 2]];
    }
    return DSE_OK;
}

/* ---- contrast ---- */

/* In the order of the pixels, as NumPy adds when the channels are innermost: on images of one
 * colour the last bit of the mean decides between two levels. */
static void sum_channels(const struct corrupt__job *job, const double *intensities, double *sums) {
    size_t n = corrupt__values(job);
    double red = 0.0, green = 0.0, blue = 0.0;
    if (job->c == 1) {
        for (size_t i = 0; i < n; i++)
            red += intensities[job->src[i]];
    } else {
        for (size_t i = 0; i < n; i += 3) {
            red += intensities[job->src[i]];
            green += intensities[job->src[i + 1]];
            blue += intensities[job->src[i + 2]];
        }
    }
    sums[0] = red;
    sums[1] = green;
    sums[2] = blue;
}

DSE_CLONES static void fill_contrast(const double *intensities, double mean, double factor,
                                     uint8_t *table) {
    for (int x = 0; x < CORRUPT__LEVELS; x++)
        table[x] = corrupt__level((intensities[x] - mean) * factor + mean);
}

enum dse_status corrupt__contrast(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    double intensities[CORRUPT__LEVELS], sums[3];
    uint8_t tables[3][CORRUPT__LEVELS];
    for (int x = 0; x < CORRUPT__LEVELS; x++)
        intensities[x] = corrupt__intensity((uint8_t)x);
    sum_channels(job, intensities, sums);
    for (int channel = 0; channel < job->c; channel++)
        fill_contrast(intensities, sums[channel] / (double)corrupt__pixels(job),
                      contrast_factors[job->large][job->level], tables[channel]);
    size_t n = corrupt__values(job);
    if (job->c == 1) {
        for (size_t i = 0; i < n; i++)
            job->dst[i] = tables[0][job->src[i]];
        return DSE_OK;
    }
    for (size_t i = 0; i < n; i += 3) {
        job->dst[i] = tables[0][job->src[i]];
        job->dst[i + 1] = tables[1][job->src[i + 1]];
        job->dst[i + 2] = tables[2][job->src[i + 2]];
    }
    return DSE_OK;
}

/* ---- saturate ---- */

/* The largest channel V stays; another, x, becomes V - (V - x) S' / S, where S = (V - smallest) / V
 * and S' = min(S * factor + step, 1). Grey has no hue, which the published code takes for red. */
static void saturate_pixel(const uint8_t *src, double factor, double step, uint8_t *dst) {
    int largest = src[0] > src[1] ? src[0] : src[1];
    largest = largest > src[2] ? largest : src[2];
    int smallest = src[0] < src[1] ? src[0] : src[1];
    smallest = smallest < src[2] ? smallest : src[2];
    if (largest == smallest) {
        double saturation = step < 1.0 ? step : 1.0;
        dst[0] = (uint8_t)largest;
        dst[1] = dst[2] = corrupt__level(largest / 255.0 * (1.0 - saturation));
        return;
    }
    double inverse = (double)largest / (largest - smallest); /* 1 / S */
    double ratio = factor + step * inverse;
    ratio = ratio < inverse ? ratio : inverse;
    for (int i = 0; i < 3; i++) {
        double value = largest - (largest - src[i]) * ratio;
        dst[i] = value > 0.0 ? (uint8_t)value : 0;
    }
}

enum dse_status corrupt__saturate(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    double factor = saturations[job->large][job->level].factor;
    double step = saturations[job->large][job->level].step;
    size_t n = corrupt__pixels(job);
    if (job->c == 3) {
        for (size_t i = 0; i < n; i++)
            saturate_pixel(job->src + 3 * i, factor, step, job->dst + 3 * i);
        return DSE_OK;
    }
    for (size_t i = 0; i < n; i++) { /* the grey of what becomes of a grey pixel */
        uint8_t x = job->src[i], colour[3];
        saturate_pixel((const uint8_t[]){x, x, x}, factor, step, colour);
        double grey =
            CORRUPT__RED * colour[0] + CORRUPT__GREEN * colour[1] + CORRUPT__BLUE * colour[2];
        job->dst[i] = step > 0.0 ? (uint8_t)grey : x;
    }
    return DSE_OK;
}
