/* Training images: their order, their alterations (flip; shift, which with zeros around the image
 * is a random crop; a square cut out: DeVries and Taylor, "Improved regularization with cutout",
 * 2017). */
#include "evaluator/train/data.h"

#include <string.h>

void train__shuffle(uint64_t seed, uint32_t epoch, int n, uint32_t *order) {
    struct dse_rng rng;
    dse_rng_init(&rng, seed, DSE_RNG_SHUFFLE, epoch, 0);
    for (uint32_t i = 0; i < (uint32_t)n; i++) {
        uint32_t k = dse_rng_below(&rng, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
}

/* How one image is altered: pixel (y, x) of the result is (y + dy, x + dx), mirrored first. */
struct alteration {
    bool mirrored;
    int dy, dx;
    int cut_top, cut_left, cut_bottom, cut_right; /* bottom and right excluded */
};

static int between(struct dse_rng *rng, int most) {
    return (int)dse_rng_below(rng, (uint32_t)(2 * most + 1)) - most;
}

/* A square of `side` pixels whose corner may lie outside by half a side. */
static int cut_corner(struct dse_rng *rng, int extent, int side) {
    return (int)dse_rng_below(rng, (uint32_t)extent) - side / 2;
}

static struct alteration draw(const struct dse_train_data *data, const struct dse_augment *augment,
                              uint64_t seed, uint32_t epoch, uint32_t id) {
    struct dse_rng rng;
    struct alteration a = {0};
    dse_rng_init(&rng, seed, DSE_RNG_AUGMENT, id, epoch);
    a.mirrored = augment->flip && dse_rng_below(&rng, 2) == 1;
    if (augment->shift_pixels > 0) {
        a.dy = between(&rng, augment->shift_pixels);
        a.dx = between(&rng, augment->shift_pixels);
    }
    if (augment->cutout_pixels > 0) {
        a.cut_top = cut_corner(&rng, data->h, augment->cutout_pixels);
        a.cut_left = cut_corner(&rng, data->w, augment->cutout_pixels);
        a.cut_bottom = a.cut_top + augment->cutout_pixels;
        a.cut_right = a.cut_left + augment->cutout_pixels;
    }
    return a;
}

void train__take_image(const struct dse_train_data *data, const struct dse_augment *augment,
                       uint64_t seed, uint32_t epoch, uint32_t id, float *out) {
    int h = data->h, w = data->w, c = data->c;
    const uint8_t *image = data->pixels + (size_t)id * (size_t)h * (size_t)w * (size_t)c;
    struct alteration a = {0};
    if (augment != NULL)
        a = draw(data, augment, seed, epoch, id);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, out += c) {
            int from_y = y + a.dy, from_x = (a.mirrored ? w - 1 - x : x) + a.dx;
            bool cut = y >= a.cut_top && y < a.cut_bottom && x >= a.cut_left && x < a.cut_right;
            if (cut || from_y < 0 || from_y >= h || from_x < 0 || from_x >= w) {
                memset(out, 0, (size_t)c * sizeof *out);
                continue;
            }
            const uint8_t *pixel =
                image + ((size_t)from_y * (size_t)w + (size_t)from_x) * (size_t)c;
            for (int i = 0; i < c; i++)
                out[i] = data->levels[i][pixel[i]];
        }
}
