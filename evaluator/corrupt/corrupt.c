/* The table of corruptions, and what they share. */
#include "evaluator/corrupt/corrupt_internal.h"

static const struct method {
    corrupt__apply *apply;
    bool is_random;
    bool at_once; /* all images of a set are one job */
} methods[] = {
    [DSE_CORRUPTION_GAUSSIAN_NOISE] = {corrupt__gaussian_noise, true, false},
    [DSE_CORRUPTION_SHOT_NOISE] = {corrupt__shot_noise, true, false},
    [DSE_CORRUPTION_IMPULSE_NOISE] = {corrupt__impulse_noise, true, false},
    [DSE_CORRUPTION_DEFOCUS_BLUR] = {corrupt__defocus_blur, false, false},
    [DSE_CORRUPTION_GLASS_BLUR] = {corrupt__glass_blur, true, false},
    [DSE_CORRUPTION_MOTION_BLUR] = {corrupt__motion_blur, true, false},
    [DSE_CORRUPTION_ZOOM_BLUR] = {corrupt__zoom_blur, false, false},
    [DSE_CORRUPTION_SNOW] = {corrupt__snow, true, false},
    [DSE_CORRUPTION_FROST] = {corrupt__frost, true, false},
    [DSE_CORRUPTION_FOG] = {corrupt__fog, true, false},
    [DSE_CORRUPTION_BRIGHTNESS] = {corrupt__brightness, false, false},
    [DSE_CORRUPTION_CONTRAST] = {corrupt__contrast, false, false},
    [DSE_CORRUPTION_ELASTIC_TRANSFORM] = {corrupt__elastic_transform, true, false},
    [DSE_CORRUPTION_PIXELATE] = {corrupt__pixelate, false, false},
    [DSE_CORRUPTION_JPEG_COMPRESSION] = {corrupt__jpeg_compression, false, true},
    [DSE_CORRUPTION_SPECKLE_NOISE] = {corrupt__speckle_noise, true, false},
    [DSE_CORRUPTION_GAUSSIAN_BLUR] = {corrupt__gaussian_blur, false, false},
    [DSE_CORRUPTION_SPATTER] = {corrupt__spatter, true, false},
    [DSE_CORRUPTION_SATURATE] = {corrupt__saturate, false, false},
};

static const struct method *method_of(enum dse_corruption corruption) {
    size_t number = (size_t)corruption;
    if (number >= sizeof methods / sizeof methods[0] || methods[number].apply == NULL)
        return NULL;
    return &methods[number];
}

bool dse_corruption_is_random(enum dse_corruption corruption) {
    const struct method *method = method_of(corruption);
    return method != NULL && method->is_random;
}

/* ---- working memory ---- */

enum { ALIGNMENT = 64 };

/* The hungriest: fog keeps a square map of double, its side the next power of two; smoothing keeps
 * two planes of double and a line with both borders; the others keep at most six planes of float or
 * double with a border of 32 pixels. */
static size_t scratch_needed(int h, int w, int c) {
    size_t side = 1;
    while (side < (size_t)(h > w ? h : w))
        side *= 2;
    size_t planes =
        6 * ((size_t)h + 64) * ((size_t)w + 64) * (size_t)(c < 3 ? c + 1 : c) * sizeof(double);
    size_t map = 2 * side * side * sizeof(double);
    size_t line = ((size_t)1 << 20) + 32 * (size_t)(h + w) * sizeof(double);
    return planes + map + line;
}

void *corrupt__take(struct corrupt__job *job, size_t count, size_t size) {
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    dse_assert(bytes <= job->corrupter->scratch_bytes - job->scratch_used);
    void *block = job->corrupter->scratch + job->scratch_used;
    job->scratch_used += bytes;
    return block;
}

/* ---- places beyond an edge ---- */

int corrupt__mirror_with_edge(int i, int n) {
    int period = 2 * n;
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - 1 - i;
}

int corrupt__mirror_without_edge(int i, int n) {
    int period = 2 * n - 2; /* sides are longer than 1 */
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - i;
}

/* ---- life ---- */

static enum dse_status check_size(int h, int w, int c, struct dse_err *err) {
    enum { LEAST = DSE_CORRUPT_SMALLEST_SIDE, MOST = DSE_CORRUPT_LARGEST_SIDE };
    if (h < LEAST || w < LEAST || h > MOST || w > MOST)
        DSE_FAIL(err, DSE_INVALID, "cannot corrupt images of %d x %d pixels: sides of %d..%d only",
                 h, w, LEAST, MOST);
    if (c != 1 && c != 3)
        DSE_FAIL(err, DSE_INVALID, "cannot corrupt images of %d channels: 1 (grey) or 3 (RGB) only",
                 c);
    return DSE_OK;
}

enum dse_status dse_corrupter_new(int h, int w, int c, const char *const *frost_files,
                                  struct dse_corrupter **corrupter, struct dse_err *err) {
    DSE_TRY(check_size(h, w, c, err));
    struct dse_corrupter *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to corrupt images");
    made->h = h;
    made->w = w;
    made->c = c;
    made->large = (h < w ? h : w) > DSE_CORRUPT_SMALL_SIDE;
    made->scratch_bytes = scratch_needed(h, w, c);
    made->scratch = dse_alloc_aligned(made->scratch_bytes, 1);
    bool complete = made->scratch != NULL;
    for (int i = 0; complete && frost_files != NULL && i < DSE_CORRUPT_FROST_FILES; i++) {
        made->frost_files[i] = dse_strdup(frost_files[i]);
        complete = made->frost_files[i] != NULL;
    }
    if (!complete) {
        dse_corrupter_free(made);
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to corrupt images of %d x %d", h, w);
    }
    *corrupter = made;
    return DSE_OK;
}

void dse_corrupter_free(struct dse_corrupter *corrupter) {
    if (corrupter == NULL)
        return;
    for (int s = 0; s < DSE_SEVERITIES; s++) {
        for (int i = 0; i < CORRUPT__NOISES; i++)
            dse_free(corrupter->noise[i][s]);
        dse_free(corrupter->brightness[s]);
        dse_free(corrupter->discs[s]);
        corrupt__pixelate_plan_free(corrupter->pixelate[s]);
    }
    for (int i = 0; i < DSE_CORRUPT_FROST_FILES; i++)
        dse_free(corrupter->frost_files[i]);
    corrupt__overlays_free(corrupter->overlays);
    dse_jpeg_codec_free(corrupter->jpeg);
    dse_free(corrupter->scratch);
    dse_free(corrupter);
}

static enum dse_status check_cell(enum dse_corruption corruption, int severity,
                                  struct dse_err *err) {
    if (method_of(corruption) == NULL)
        DSE_FAIL(err, DSE_INVALID, "no corruption has the number %d", (int)corruption);
    if (severity < 1 || severity > DSE_SEVERITIES)
        DSE_FAIL(err, DSE_INVALID, "severity %d: must be 1..%d", severity, DSE_SEVERITIES);
    return DSE_OK;
}

/* Images first to first + n - 1 of a set; n > 1 only for what makes them at once. */
static enum dse_status run_job(struct dse_corrupter *corrupter, const struct dse_corrupt_set *set,
                               int first, int n, struct dse_err *err) {
    size_t at = (size_t)first * (size_t)corrupter->h * (size_t)corrupter->w * (size_t)corrupter->c;
    struct dse_rng rng;
    dse_rng_init(&rng, set->seed, DSE_RNG_CORRUPT, (uint32_t)set->indices[first],
                 (uint32_t)set->corruption * 8 + (uint32_t)set->severity);
    struct corrupt__job job = {.corrupter = corrupter,
                               .src = set->src + at,
                               .dst = set->dst + at,
                               .n = n,
                               .h = corrupter->h,
                               .w = corrupter->w,
                               .c = corrupter->c,
                               .level = set->severity - 1,
                               .large = corrupter->large,
                               .rng = &rng};
    return method_of(set->corruption)->apply(&job, err);
}

enum dse_status dse_corrupt_images(struct dse_corrupter *corrupter,
                                   const struct dse_corrupt_set *set, struct dse_err *err) {
    DSE_TRY(check_cell(set->corruption, set->severity, err));
    int n = method_of(set->corruption)->at_once ? set->n : 1;
    for (int first = 0; first < set->n; first += n)
        DSE_TRY(run_job(corrupter, set, first, n, err));
    return DSE_OK;
}

enum dse_status dse_corrupt_image(struct dse_corrupter *corrupter, enum dse_corruption corruption,
                                  int severity, uint64_t seed, uint32_t image_index,
                                  const uint8_t *src, uint8_t *dst, struct dse_err *err) {
    const int32_t index = (int32_t)image_index;
    const struct dse_corrupt_set set = {.corruption = corruption,
                                        .severity = severity,
                                        .seed = seed,
                                        .n = 1,
                                        .indices = &index,
                                        .src = src,
                                        .dst = dst};
    return dse_corrupt_images(corrupter, &set, err);
}
