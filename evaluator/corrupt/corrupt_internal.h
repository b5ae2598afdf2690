/* What the files of this room share. */
#ifndef DSE_EVALUATOR_CORRUPT_INTERNAL_H
#define DSE_EVALUATOR_CORRUPT_INTERNAL_H

#include "evaluator/corrupt/corrupt.h"

#include "evaluator/images/images.h"

enum { CORRUPT__LEVELS = 256 };

/* Weights of red, green and blue in grey (ITU-R BT.601), as in the published code. */
static const double CORRUPT__RED = 0.299, CORRUPT__GREEN = 0.587, CORRUPT__BLUE = 0.114;

/* For every level of the source a distribution over levels of the result (noise.c). */
struct corrupt__noise_table {
    uint32_t cells[CORRUPT__LEVELS][CORRUPT__LEVELS];
};

struct corrupt__pixelate_plan; /* pixelate.c */
struct corrupt__disc;          /* defocus.c; one block of memory */

/* Frost overlays at the scale they are used in, [h][w][c] of the image's channels. */
struct corrupt__overlays {
    struct {
        uint8_t *pixels;
        int h, w;
    } textures[DSE_CORRUPT_FROST_FILES];
};

enum { CORRUPT__NOISES = 4 };

struct dse_corrupter {
    int h, w, c;
    bool large;                                 /* constants of ImageNet-C */
    char *frost_files[DSE_CORRUPT_FROST_FILES]; /* NULL: our own textures */
    uint8_t *scratch;
    size_t scratch_bytes;

    /* made when first needed */
    struct corrupt__noise_table *noise[CORRUPT__NOISES][DSE_SEVERITIES];
    uint8_t (*brightness[DSE_SEVERITIES])[CORRUPT__LEVELS]; /* [largest channel][channel] */
    struct corrupt__pixelate_plan *pixelate[DSE_SEVERITIES];
    struct corrupt__disc *discs[DSE_SEVERITIES];
    struct corrupt__overlays *overlays;
    struct dse_jpeg_codec *jpeg;
};

/* One image to make from another; both [h][w][c]. Several, [n][h][w][c], only where the table of
 * corruptions says that they are made at once. */
struct corrupt__job {
    struct dse_corrupter *corrupter;
    const uint8_t *src;
    uint8_t *dst;
    int n, h, w, c;
    int level;           /* severity - 1 */
    bool large;          /* index of the constants */
    struct dse_rng *rng; /* at the start of the stream of this image, corruption and severity */
    size_t scratch_used;
};

/* Working memory of count * size bytes until the job ends, aligned to 64; not zeroed. The room
 * there is (corrupt.c) is enough for every corruption. */
void *corrupt__take(struct corrupt__job *job, size_t count, size_t size);

static inline size_t corrupt__pixels(const struct corrupt__job *job) {
    return (size_t)job->h * (size_t)job->w;
}
static inline size_t corrupt__values(const struct corrupt__job *job) {
    return corrupt__pixels(job) * (size_t)job->c;
}

/* The published code computes on x / 255, clips to 0..1, multiplies by 255 and truncates. */
static inline double corrupt__intensity(uint8_t level) {
    return level / 255.0;
}
static inline uint8_t corrupt__level(double intensity) {
    double clipped = intensity < 0.0 ? 0.0 : intensity > 1.0 ? 1.0 : intensity;
    return (uint8_t)(clipped * 255.0);
}
static inline uint8_t corrupt__level_f(float intensity) {
    float clipped = intensity < 0.0f ? 0.0f : intensity > 1.0f ? 1.0f : intensity;
    return (uint8_t)(clipped * 255.0f);
}

/* Places beyond an edge of n values: cba|abc|cba, and cb|abc|ba. */
int corrupt__mirror_with_edge(int i, int n);
int corrupt__mirror_without_edge(int i, int n);

/* ---- blur.c ---- */

enum corrupt__border { CORRUPT__NEAREST, CORRUPT__MIRROR };

/* Gaussian filter of values [h][w * c], in place, each channel alone; sigma in pixels, cut at
 * `reach` sigma: scipy.ndimage.gaussian_filter. */
struct corrupt__smoothing {
    double sigma, reach;
    enum corrupt__border border;
};
void corrupt__smooth(struct corrupt__job *job, const struct corrupt__smoothing *how, double *values,
                     int c);

/* ---- streak.c ---- */

/* ImageMagick's motion blur of levels [h][w * c]: a one-sided Gaussian of 2 radius + 1 taps along a
 * line at `degrees` from the x axis, clockwise. */
void corrupt__streak(struct corrupt__job *job, const uint8_t *src, int c, int radius, double sigma,
                     double degrees, uint8_t *dst);

/* ---- zoom.c ---- */

/* Place i of n, seen through a zoom into the centre: values index[i] and index[i] + 1, mixed with
 * share[i] of the second. */
void corrupt__zoom_axis(int n, double factor, int *index, float *share);

/* ---- edges.c: parts of OpenCV that spatter uses; planes are [h][w] ---- */

/* Canny's edges, 3 x 3 Sobel, sum of magnitudes; 255 edge, 0 none. */
void corrupt__find_edges(struct corrupt__job *job, const uint8_t *src, int low, int high,
                         uint8_t *edges);
/* Distance to the nearest edge by the 5 x 5 chamfer mask (Borgefors 1986), at most `most`. */
void corrupt__measure_distance(struct corrupt__job *job, const uint8_t *edges, float most,
                               float *distance);

/* ---- one function a corruption ---- */

typedef enum dse_status corrupt__apply(struct corrupt__job *job, struct dse_err *err);
corrupt__apply corrupt__gaussian_noise, corrupt__shot_noise, corrupt__impulse_noise,
    corrupt__speckle_noise, corrupt__gaussian_blur, corrupt__defocus_blur, corrupt__glass_blur,
    corrupt__motion_blur, corrupt__zoom_blur, corrupt__snow, corrupt__frost, corrupt__fog,
    corrupt__brightness, corrupt__contrast, corrupt__saturate, corrupt__elastic_transform,
    corrupt__pixelate, corrupt__jpeg_compression, corrupt__spatter;

void corrupt__pixelate_plan_free(struct corrupt__pixelate_plan *plan);
void corrupt__overlays_free(struct corrupt__overlays *overlays);

/* ---- frost_texture.c ---- */

/* A texture like frost on glass, [h][w][3], number 0..4; the same on every machine. */
DSE_MUST_USE enum dse_status corrupt__draw_frost(int number, int h, int w, uint8_t *pixels,
                                                 struct dse_err *err);

#endif
