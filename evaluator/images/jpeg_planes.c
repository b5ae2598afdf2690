/* Planes of a JPEG image to pixels, bit for bit as libjpeg does it: chroma of half the height and
 * width is enlarged by a triangle filter (3/4 of the near sample, 1/4 of the far one, both ways;
 * "fancy upsampling"), then YCbCr becomes RGB by JFIF's matrix with 16 bits of fraction. */
#include "evaluator/images/images_internal.h"

enum { FRACTION = 16, ONE_HALF = 1 << (FRACTION - 1), ZERO_CHROMA = 128 };

/* JFIF 1.02: 1.402, 0.714136, 0.344136 and 1.772, rounded to FRACTION bits. */
enum { CR_TO_RED = 91881, CR_TO_GREEN = 46802, CB_TO_GREEN = 22554, CB_TO_BLUE = 116130 };

static inline uint8_t clip(int32_t level) {
    return (uint8_t)(level < 0 ? 0 : level > UINT8_MAX ? UINT8_MAX : level);
}

/* A line of chroma from the line it lies in and the nearest other; less ZERO_CHROMA. Rounding goes
 * up and down by turns. sums: n + 2 values. */
static inline void enlarge(const uint8_t *near, const uint8_t *far, int n, int16_t *restrict sums,
                           int16_t *restrict line) {
    for (int x = 0; x < n; x++)
        sums[x + 1] = (int16_t)(3 * near[x] + far[x]);
    sums[0] = sums[1];
    sums[n + 1] = sums[n];
    for (int x = 0; x < n; x++) {
        int32_t own = 3 * sums[x + 1];
        line[2 * x] = (int16_t)(((own + sums[x] + 8) >> 4) - ZERO_CHROMA);
        line[2 * x + 1] = (int16_t)(((own + sums[x + 2] + 7) >> 4) - ZERO_CHROMA);
    }
}

static inline void colour(const uint8_t *luma, const int16_t *cb, const int16_t *cr, int w,
                          uint8_t *restrict rgb) {
    for (int x = 0; x < w; x++) {
        int32_t red = (CR_TO_RED * cr[x] + ONE_HALF) >> FRACTION;
        int32_t green = (ONE_HALF - CB_TO_GREEN * cb[x] - CR_TO_GREEN * cr[x]) >> FRACTION;
        int32_t blue = (CB_TO_BLUE * cb[x] + ONE_HALF) >> FRACTION;
        rgb[3 * x] = clip(luma[x] + red);
        rgb[3 * x + 1] = clip(luma[x] + green);
        rgb[3 * x + 2] = clip(luma[x] + blue);
    }
}

/* Line y of h. */
DSE_CLONES
static void make_line(const struct images__jpeg_planes *planes, int y, int h, int w, uint8_t *rgb) {
    int last = h / 2 - 1, near = y / 2, far = y % 2 == 0 ? near - 1 : near + 1;
    far = far < 0 ? 0 : far > last ? last : far;
    for (int k = 0; k < 2; k++)
        enlarge(planes->chroma[k] + (size_t)near * planes->chroma_stride,
                planes->chroma[k] + (size_t)far * planes->chroma_stride, (w + 1) / 2, planes->sums,
                planes->lines[k]);
    colour(planes->luma + (size_t)y * planes->luma_stride, planes->lines[0], planes->lines[1], w,
           rgb);
}

void images__jpeg_planes_to_rgb(const struct images__jpeg_planes *planes, int h, int w,
                                uint8_t *rgb) {
    for (int y = 0; y < h; y++)
        make_line(planes, y, h, w, rgb + (size_t)y * (size_t)(3 * w));
}
