/* Pixelate: the image is made smaller and as large again, both with a box filter, with the results
 * of Pillow's resize(..., BOX) on 8-bit images. Each resize is two passes, along the rows and then
 * down the columns, with 8-bit values between them; weights are fixed-point numbers. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>

/* 32 bits less 8 of the level and 2 of head room. */
enum { WEIGHT_BITS = 22 };

/* How one output value is made of input values first .. first + n - 1. */
struct taps {
    int first, n;
    int32_t *weights; /* [n], of 2^WEIGHT_BITS */
};

/* Centres of input values in (centre - half, centre + half] of the output value count, in units of
 * the filter's width. */
static bool box_holds(double offset) {
    return offset > -0.5 && offset <= 0.5;
}

static enum dse_status plan_axis(struct dse_arena *arena, int n_in, int n_out, struct taps **taps,
                                 struct dse_err *err) {
    double scale = (double)n_in / n_out;
    double width = scale < 1.0 ? 1.0 : scale;
    double support = 0.5 * width;
    size_t most = (size_t)ceil(support) * 2 + 1;
    struct taps *made = dse_arena_alloc(arena, (size_t)n_out, sizeof *made);
    int32_t *weights = dse_arena_alloc(arena, (size_t)n_out * most, sizeof *weights);
    if (made == NULL || weights == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to resize an image");
    for (int out = 0; out < n_out; out++, weights += most) {
        double centre = (out + 0.5) * scale;
        int first = (int)(centre - support + 0.5);
        int end = (int)(centre + support + 0.5);
        first = first < 0 ? 0 : first;
        end = end > n_in ? n_in : end;
        dse_assert(end > first && (size_t)(end - first) <= most);
        int held = 0;
        for (int i = first; i < end; i++)
            held += box_holds((i - centre + 0.5) * (1.0 / width));
        dse_assert(held > 0);
        for (int i = first; i < end; i++) {
            double weight = box_holds((i - centre + 0.5) * (1.0 / width)) ? 1.0 / held : 0.0;
            weights[i - first] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
        }
        made[out] = (struct taps){.first = first, .n = end - first, .weights = weights};
    }
    *taps = made;
    return DSE_OK;
}

static uint8_t weighted_level(const struct taps *taps, const uint8_t *src, size_t step) {
    int32_t sum = 1 << (WEIGHT_BITS - 1);
    for (int i = 0; i < taps->n; i++)
        sum += src[(size_t)(taps->first + i) * step] * taps->weights[i];
    int32_t level = sum >> WEIGHT_BITS;
    return level > 255 ? 255 : (uint8_t)level;
}

/* src [h][w][c] to dst [h_out][w_out][c]. */
static enum dse_status resize_image(struct dse_arena *arena, const uint8_t *src, int h, int w,
                                    int c, int h_out, int w_out, uint8_t *dst,
                                    struct dse_err *err) {
    struct taps *columns, *rows;
    DSE_TRY(plan_axis(arena, w, w_out, &columns, err));
    DSE_TRY(plan_axis(arena, h, h_out, &rows, err));
    size_t line_in = (size_t)w * (size_t)c, line_out = (size_t)w_out * (size_t)c;
    uint8_t *between = dse_arena_alloc(arena, (size_t)h, line_out);
    if (between == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to resize an image");
    for (size_t y = 0; y < (size_t)h; y++)
        for (size_t x = 0; x < line_out; x++)
            between[y * line_out + x] = weighted_level(
                &columns[x / (size_t)c], src + y * line_in + x % (size_t)c, (size_t)c);
    for (size_t y = 0; y < (size_t)h_out; y++)
        for (size_t x = 0; x < line_out; x++)
            dst[y * line_out + x] = weighted_level(&rows[y], between + x, line_out);
    return DSE_OK;
}

enum dse_status corrupt__pixelate_image(const struct corrupt__job *job, double factor,
                                        struct dse_err *err) {
    int h = (int)(job->h * factor), w = (int)(job->w * factor);
    struct dse_arena arena = {0};
    enum dse_status status;
    uint8_t *small = dse_arena_alloc(&arena, (size_t)h * (size_t)w, (size_t)job->c);
    if (small == NULL) {
        status = dse_err_set(err, DSE_NO_MEMORY, "no memory to pixelate an image of %d x %d",
                             job->h, job->w);
        goto fail_arena;
    }
    DSE_TRY_GOTO(status, resize_image(&arena, job->src, job->h, job->w, job->c, h, w, small, err),
                 fail_arena);
    status = resize_image(&arena, small, h, w, job->c, job->h, job->w, job->dst, err);
fail_arena:
    dse_arena_fini(&arena);
    return status;
}
