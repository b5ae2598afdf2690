/* Pictures made to fit: the resampling of Pillow (triangle filter that widens when it shrinks, in
 * fixed point, rows first) and the sizes and places of torchvision, so that a network sees here
 * what it was trained with. */
#include "evaluator/images/images.h"

#include <math.h>
#include <string.h>

enum { WEIGHT_BITS = 22 }; /* 8 bits of a level and 2 of sums stay within 32 */

/* For each pixel of an axis: which pixels it is made of, and how much of each. */
struct taps {
    int most;         /* of a pixel */
    int *first, *n;   /* [out] */
    int32_t *weights; /* [out][most], in units of 2^-WEIGHT_BITS */
};

static void taps_fini(struct taps *taps) {
    dse_free(taps->first);
    dse_free(taps->n);
    dse_free(taps->weights);
}

static double triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static void weigh(struct taps *taps, int out, double center, double reach, double *share) {
    double sum = 0;
    for (int k = 0; k < taps->n[out]; k++) {
        share[k] = triangle((k + taps->first[out] - center + 0.5) / reach);
        sum += share[k];
    }
    for (int k = 0; k < taps->n[out]; k++)
        taps->weights[(size_t)out * (size_t)taps->most + (size_t)k] =
            (int32_t)(0.5 + share[k] / sum * (1 << WEIGHT_BITS));
}

static enum dse_status taps_make(struct taps *taps, int in, int out, struct dse_err *err) {
    double scale = (double)in / out, reach = scale < 1 ? 1 : scale;
    taps->most = (int)ceil(reach) * 2 + 1;
    taps->first = dse_alloc((size_t)out, sizeof *taps->first);
    taps->n = dse_alloc((size_t)out, sizeof *taps->n);
    taps->weights = dse_alloc((size_t)out * (size_t)taps->most, sizeof *taps->weights);
    double *share = dse_alloc((size_t)taps->most, sizeof *share);
    bool complete =
        taps->first != NULL && taps->n != NULL && taps->weights != NULL && share != NULL;
    for (int i = 0; complete && i < out; i++) {
        double center = (i + 0.5) * scale;
        int first = (int)(center - reach + 0.5), end = (int)(center + reach + 0.5);
        taps->first[i] = first < 0 ? 0 : first;
        taps->n[i] = (end > in ? in : end) - taps->first[i];
        weigh(taps, i, center, reach, share);
    }
    dse_free(share);
    return complete ? DSE_OK : dse_err_set(err, DSE_NO_MEMORY, "no memory to resize %d pixels", in);
}

static uint8_t level_of(int32_t sum) {
    int32_t level = (sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

/* An axis of `in` pixels to one of `out`; before it `outer` times, behind it `inner` values. */
static void resample(const uint8_t *src, size_t outer, int in, int out, size_t inner,
                     const struct taps *taps, uint8_t *dst) {
    for (size_t o = 0; o < outer; o++)
        for (int i = 0; i < out; i++) {
            const int32_t *weights = taps->weights + (size_t)i * (size_t)taps->most;
            const uint8_t *from = src + (o * (size_t)in + (size_t)taps->first[i]) * inner;
            uint8_t *to = dst + (o * (size_t)out + (size_t)i) * inner;
            for (size_t v = 0; v < inner; v++) {
                int32_t sum = 0;
                for (int k = 0; k < taps->n[i]; k++)
                    sum += weights[k] * from[(size_t)k * inner + v];
                to[v] = level_of(sum);
            }
        }
}

/* Replaces the pixels of the image by those with one axis resampled. */
static enum dse_status resize_axis(struct dse_image *image, bool columns, int out,
                                   struct dse_err *err) {
    size_t c = (size_t)image->c, h = (size_t)image->h, w = (size_t)image->w;
    int in = columns ? image->w : image->h;
    struct taps taps = {0};
    if (in == out)
        return DSE_OK;
    uint8_t *pixels = dse_alloc((columns ? h : w) * (size_t)out, c);
    enum dse_status status = pixels == NULL
                                 ? dse_err_set(err, DSE_NO_MEMORY, "no memory to resize a picture")
                                 : taps_make(&taps, in, out, err);
    if (status == DSE_OK) {
        resample(image->pixels, columns ? h : 1, in, out, columns ? c : w * c, &taps, pixels);
        dse_free(image->pixels);
        image->pixels = pixels;
        *(columns ? &image->w : &image->h) = out;
    } else {
        dse_free(pixels);
    }
    taps_fini(&taps);
    return status;
}

enum dse_status dse_image_resize(struct dse_image *image, int h, int w, struct dse_err *err) {
    dse_assert(h > 0 && w > 0 && h <= DSE_IMAGE_LARGEST_SIDE && w <= DSE_IMAGE_LARGEST_SIDE);
    DSE_TRY(resize_axis(image, true, w, err));
    return resize_axis(image, false, h, err);
}

enum dse_status dse_image_resize_shorter(struct dse_image *image, int side, struct dse_err *err) {
    bool tall = image->h > image->w;
    int64_t shorter = tall ? image->w : image->h, longer = tall ? image->h : image->w;
    int64_t other = side * longer / shorter; /* torchvision cuts, too */
    if (other > DSE_IMAGE_LARGEST_SIDE)
        DSE_FAIL(err, DSE_INVALID, "%d x %d pixels are too long and thin to be resized", image->w,
                 image->h);
    return dse_image_resize(image, tall ? (int)other : side, tall ? side : (int)other, err);
}

/* Half of it, to even where it is odd. */
static int half_of(int n) {
    return n % 2 == 0 ? n / 2 : n / 2 + n / 2 % 2;
}

enum dse_status dse_image_crop_middle(struct dse_image *image, int side, struct dse_err *err) {
    if (side > image->h || side > image->w)
        DSE_FAIL(err, DSE_INVALID, "%d x %d pixels, too few for a square of %d", image->w, image->h,
                 side);
    size_t c = (size_t)image->c, row = (size_t)side * c;
    int top = half_of(image->h - side), left = half_of(image->w - side);
    for (int y = 0; y < side; y++) /* to the front, so nothing is lost */
        memmove(image->pixels + (size_t)y * row,
                image->pixels + ((size_t)(top + y) * (size_t)image->w + (size_t)left) * c, row);
    image->h = image->w = side;
    return DSE_OK;
}

void dse_image_make_grey(struct dse_image *image) {
    enum { RED = 19595, GREEN = 38470, BLUE = 7471, BITS = 16 }; /* .299 .587 .114, of 2^16 */
    size_t n = (size_t)image->h * (size_t)image->w;
    if (image->c == 1)
        return;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = image->pixels + 3 * i;
        image->pixels[i] =
            (uint8_t)((RED * p[0] + GREEN * p[1] + BLUE * p[2] + (1 << (BITS - 1))) >> BITS);
    }
    image->c = 1;
}
