/* Frost: a random crop of a random overlay, added to the darkened image. The overlays are the
 * published photographs when their files are named, else textures of our own (frost_texture.c):
 * only the photographs give numbers comparable with published ones. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>

const char *const dse_corrupt_frost_names[DSE_CORRUPT_FROST_FILES] = {
    "frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg"};

static const struct {
    double image, frost;
} weights[2][DSE_SEVERITIES] = {{{1, 0.2}, {1, 0.3}, {0.9, 0.4}, {0.85, 0.4}, {0.75, 0.45}},
                                {{1, 0.4}, {0.8, 0.6}, {0.7, 0.7}, {0.65, 0.7}, {0.6, 0.75}}};

static const double SMALL_SCALE = 0.2; /* of the overlays, for small images */

/* Size of our own textures at full scale: that of the largest photograph. */
enum { TEXTURE_HEIGHT = 600, TEXTURE_WIDTH = 900 };

void corrupt__overlays_free(struct corrupt__overlays *overlays) {
    if (overlays == NULL)
        return;
    for (int i = 0; i < DSE_CORRUPT_FROST_FILES; i++)
        dse_free(overlays->textures[i].pixels);
    dse_free(overlays);
}

/* Published: 0.2 for small images, 1 for large ones. More where the overlay would not cover an
 * image and leave a choice of places. */
static double scale_of(const struct dse_corrupter *corrupter, int h, int w) {
    double scale = corrupter->large ? 1.0 : SMALL_SCALE;
    double for_height = (corrupter->h + 1.0) / h, for_width = (corrupter->w + 1.0) / w;
    scale = scale > for_height ? scale : for_height;
    return scale > for_width ? scale : for_width;
}

/* Linear between the centres of pixels, as OpenCV's resize: at a scale of 0.2 every fifth. */
static double value_at(const struct dse_image *image, double y, double x, int channel) {
    int top = (int)floor(y), left = (int)floor(x);
    double down = y - top, right = x - left;
    int rows[2] = {top < 0 ? 0 : top, top + 1 >= image->h ? image->h - 1 : top + 1};
    int columns[2] = {left < 0 ? 0 : left, left + 1 >= image->w ? image->w - 1 : left + 1};
    double mixed[2];
    for (int i = 0; i < 2; i++) {
        const uint8_t *row = image->pixels + (size_t)rows[i] * (size_t)image->w * 3;
        mixed[i] =
            row[columns[0] * 3 + channel] * (1.0 - right) + row[columns[1] * 3 + channel] * right;
    }
    return mixed[0] * (1.0 - down) + mixed[1] * down;
}

/* Scales a picture into overlay `number`, grey where the images are. */
static enum dse_status take_overlay(const struct dse_corrupter *corrupter,
                                    const struct dse_image *image, int number,
                                    struct corrupt__overlays *overlays, struct dse_err *err) {
    double scale = scale_of(corrupter, image->h, image->w);
    int h = (int)rint(image->h * scale), w = (int)rint(image->w * scale);
    size_t c = (size_t)corrupter->c;
    uint8_t *to = dse_alloc((size_t)h * (size_t)w, c);
    if (to == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an overlay of frost");
    overlays->textures[number].pixels = to;
    overlays->textures[number].h = h;
    overlays->textures[number].w = w;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, to += c) {
            double rgb[3], at_y = (y + 0.5) / scale - 0.5, at_x = (x + 0.5) / scale - 0.5;
            for (int k = 0; k < 3; k++)
                rgb[k] = value_at(image, at_y, at_x, k);
            for (size_t k = 0; k < c; k++)
                to[k] = (uint8_t)(rgb[k] + 0.5);
            if (c == 1)
                to[0] = (uint8_t)(CORRUPT__RED * rgb[0] + CORRUPT__GREEN * rgb[1] +
                                  CORRUPT__BLUE * rgb[2] + 0.5);
        }
    return DSE_OK;
}

static enum dse_status draw_texture(const struct dse_corrupter *corrupter, int number,
                                    struct dse_image *image, struct dse_err *err) {
    /* Drawn at the scale it is used in. */
    double scale = scale_of(corrupter, TEXTURE_HEIGHT, TEXTURE_WIDTH);
    struct dse_image made = {
        .h = (int)rint(TEXTURE_HEIGHT * scale), .w = (int)rint(TEXTURE_WIDTH * scale), .c = 3};
    made.pixels = dse_alloc((size_t)made.h * (size_t)made.w, 3);
    if (made.pixels == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a texture of frost");
    enum dse_status status = corrupt__draw_frost(number, made.h, made.w, made.pixels, err);
    if (status != DSE_OK) {
        dse_free(made.pixels);
        return status;
    }
    *image = made;
    return DSE_OK;
}

/* A texture is at its scale already; a photograph is scaled here. */
static enum dse_status make_overlay(const struct dse_corrupter *corrupter, int number,
                                    struct corrupt__overlays *overlays, struct dse_err *err) {
    struct dse_image image = {0};
    const char *file = corrupter->frost_files[number];
    if (file != NULL) {
        DSE_TRY(dse_image_load(file, &image, err));
    } else {
        DSE_TRY(draw_texture(corrupter, number, &image, err));
    }
    enum dse_status status;
    if (file != NULL || corrupter->c == 1) {
        status = take_overlay(corrupter, &image, number, overlays, err);
        dse_free(image.pixels);
        return status;
    }
    overlays->textures[number].pixels = image.pixels;
    overlays->textures[number].h = image.h;
    overlays->textures[number].w = image.w;
    return DSE_OK;
}

static enum dse_status ensure_overlays(struct dse_corrupter *corrupter, struct dse_err *err) {
    if (corrupter->overlays != NULL)
        return DSE_OK;
    struct corrupt__overlays *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for overlays of frost");
    for (int i = 0; i < DSE_CORRUPT_FROST_FILES; i++) {
        enum dse_status status = make_overlay(corrupter, i, made, err);
        if (status != DSE_OK) {
            corrupt__overlays_free(made);
            return status;
        }
    }
    corrupter->overlays = made;
    return DSE_OK;
}

DSE_CLONES static void add_frost(const uint8_t *src, const uint8_t *frost, double image_weight,
                                 double frost_weight, size_t n, uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++) {
        double sum = image_weight * src[i] + frost_weight * frost[i];
        dst[i] = (uint8_t)(int)(sum > 255.0 ? 255.0 : sum);
    }
}

enum dse_status corrupt__frost(struct corrupt__job *job, struct dse_err *err) {
    DSE_TRY(ensure_overlays(job->corrupter, err));
    uint32_t number = dse_rng_below(job->rng, DSE_CORRUPT_FROST_FILES);
    int h = job->corrupter->overlays->textures[number].h;
    int w = job->corrupter->overlays->textures[number].w;
    const uint8_t *pixels = job->corrupter->overlays->textures[number].pixels;
    dse_assert(h > job->h && w > job->w);
    size_t top = dse_rng_below(job->rng, (uint32_t)(h - job->h));
    size_t left = dse_rng_below(job->rng, (uint32_t)(w - job->w));
    size_t c = (size_t)job->c, row = (size_t)job->w * c;
    for (size_t y = 0; y < (size_t)job->h; y++)
        add_frost(job->src + y * row, pixels + ((top + y) * (size_t)w + left) * c,
                  weights[job->large][job->level].image, weights[job->large][job->level].frost, row,
                  job->dst + y * row);
    return DSE_OK;
}
