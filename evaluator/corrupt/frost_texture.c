/* Textures like frost on glass: needles that cross at 60 degrees (ridges of stretched noise, as ice
 * grows), finer grain, and patches of thicker and thinner ice. Brightness, contrast and colour are
 * near those of the published photographs; the pictures are not. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>

/* The data seed plays no part: the textures are fixed. */
static const uint64_t TEXTURE_SEED = 0x66726F7374; /* "frost" */

/* Lengths are shares of the texture's height. brightness and contrast: mean and spread of levels.
 */
static const struct look {
    double degrees, needle_length, needle_width, patch, grain;
    double brightness, contrast;
    double red, green, blue;
} looks[DSE_CORRUPT_FROST_FILES] = {
    {12, 0.30, 0.030, 0.45, 0.60, 131, 20, 0.59, 1.14, 1.26},
    {40, 0.18, 0.020, 0.60, 0.60, 207, 22, 0.97, 0.99, 1.04},
    {75, 0.40, 0.045, 0.35, 0.65, 190, 26, 0.96, 0.99, 1.05},
    {25, 0.12, 0.015, 0.70, 0.70, 152, 29, 0.91, 1.00, 1.09},
    {55, 0.25, 0.025, 0.50, 0.60, 123, 43, 0.91, 1.00, 1.09},
};

/* Random values on a lattice that repeats, between them smooth. */
enum { LATTICE = 64, LAYERS = 8 };
struct lattice {
    float values[LATTICE][LATTICE];
};

static float smooth_step(float t) {
    return t * t * (3.0f - 2.0f * t);
}

static float noise_at(const struct lattice *lattice, double x, double y) {
    double left = floor(x), top = floor(y);
    float right = smooth_step((float)(x - left)), down = smooth_step((float)(y - top));
    int x0 = (int)left & (LATTICE - 1), x1 = (x0 + 1) & (LATTICE - 1);
    int y0 = (int)top & (LATTICE - 1), y1 = (y0 + 1) & (LATTICE - 1);
    float upper = lattice->values[y0][x0] * (1.0f - right) + lattice->values[y0][x1] * right;
    float lower = lattice->values[y1][x0] * (1.0f - right) + lattice->values[y1][x1] * right;
    return upper * (1.0f - down) + lower * down;
}

/* 1 where the noise crosses its middle: the crests of needles. */
static float ridge_at(const struct lattice *lattice, double x, double y) {
    float away = 2.0f * noise_at(lattice, x, y) - 1.0f;
    float crest = 1.0f - (away < 0.0f ? -away : away);
    return crest * crest;
}

/* Three families of needles, 60 degrees apart. */
enum { FAMILIES = 3 };
struct directions {
    double sine[FAMILIES], cosine[FAMILIES];
};

static struct directions directions_of(const struct look *look) {
    const double DEGREE = 3.14159265358979323846 / 180.0;
    struct directions d;
    for (int i = 0; i < FAMILIES; i++)
        dse_math_sincos((look->degrees + 60.0 * i) * DEGREE, &d.sine[i], &d.cosine[i]);
    return d;
}

/* The brightest of them. */
static float needles_at(const struct lattice *layers, const struct look *look,
                        const struct directions *d, double y, double x) {
    float brightest = 0.0f;
    for (int i = 0; i < FAMILIES; i++) {
        double along = (x * d->cosine[i] + y * d->sine[i]) / look->needle_length;
        double across = (y * d->cosine[i] - x * d->sine[i]) / look->needle_width;
        float ridge = ridge_at(&layers[i], along, across);
        brightest = ridge > brightest ? ridge : brightest;
    }
    return brightest;
}

/* 0..1 about, y and x in shares of the height. */
static float thickness_at(const struct lattice *layers, const struct look *look,
                          const struct directions *d, double y, double x) {
    enum { PATCHES = 3, GRAIN = 4, OCTAVES = 4 };
    double bend = 0.08 * (double)noise_at(&layers[PATCHES], x / 0.2 + 17.0, y / 0.2);
    float patch = noise_at(&layers[PATCHES], x / look->patch, y / look->patch);
    float needles = needles_at(layers, look, d, y + bend, x - bend);
    float grain = 0.0f, weight = 0.5f;
    double size = 0.03;
    for (int octave = 0; octave < OCTAVES; octave++, size *= 0.5, weight *= 0.5f)
        grain += weight * noise_at(&layers[GRAIN + octave], x / size, y / size);
    float share = (float)look->grain;
    return patch * (0.35f + 0.65f * ((1.0f - share) * needles + share * grain)) +
           0.25f * needles * needles;
}

static uint8_t shaded(double level, double tint) {
    double value = level * tint;
    return (uint8_t)(value < 0.0 ? 0.0 : value > 255.0 ? 255.0 : value);
}

/* Brings the thicknesses to the look's brightness and contrast, and colours them. */
static void colour(const float *thickness, size_t n, const struct look *look, uint8_t *pixels) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)thickness[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += ((double)thickness[i] - mean) * ((double)thickness[i] - mean);
    double scale = look->contrast / sqrt(squares / (double)n);
    for (size_t i = 0; i < n; i++) {
        double level = look->brightness + ((double)thickness[i] - mean) * scale;
        pixels[3 * i] = shaded(level, look->red);
        pixels[3 * i + 1] = shaded(level, look->green);
        pixels[3 * i + 2] = shaded(level, look->blue);
    }
}

enum dse_status corrupt__draw_frost(int number, int h, int w, uint8_t *pixels,
                                    struct dse_err *err) {
    const struct look *look = &looks[number];
    size_t n = (size_t)h * (size_t)w;
    struct lattice *layers = dse_alloc(LAYERS, sizeof *layers);
    float *thickness = dse_alloc(n, sizeof *thickness);
    if (layers == NULL || thickness == NULL) {
        dse_free(layers);
        dse_free(thickness);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a texture of frost");
    }
    for (int layer = 0; layer < LAYERS; layer++) {
        struct dse_rng rng;
        dse_rng_init(&rng, TEXTURE_SEED, DSE_RNG_CORRUPT, (uint32_t)number, (uint32_t)layer);
        for (int y = 0; y < LATTICE; y++)
            for (int x = 0; x < LATTICE; x++)
                layers[layer].values[y][x] = (float)(dse_rng_u32(&rng) >> 8) * 0x1p-24f;
    }
    const struct directions directions = directions_of(look);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            thickness[(size_t)y * (size_t)w + (size_t)x] =
                thickness_at(layers, look, &directions, (double)y / h, (double)x / h);
    colour(thickness, n, look, pixels);
    dse_free(layers);
    dse_free(thickness);
    return DSE_OK;
}
