/* Pixelate: the image is made smaller and as large again, both with a box filter, with the results
 * of Pillow's resize(..., BOX) on 8-bit images. Each resize is two passes, along the rows and then
 * down the columns, with 8-bit values between them; weights are fixed-point numbers. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>
#include <string.h>

static const double factors[2][DSE_SEVERITIES] = {{0.95, 0.9, 0.85, 0.75, 0.65},
                                                  {0.6, 0.5, 0.4, 0.3, 0.25}};

/* 32 bits less 8 of the level and 2 of head room. */
enum { WEIGHT_BITS = 22 };

/* How n_out values are made of others: value i of n[i] values from first[i] on, `most` at most. */
struct axis {
    int n_out, most;
    int *first, *n;
    int32_t *weights; /* [n_out][most], of 2^WEIGHT_BITS */
};

struct corrupt__pixelate_plan {
    struct dse_arena arena;
    struct axis shrink_rows, shrink_columns; /* along the rows, down the columns */
    struct axis grow_rows, grow_columns;
};

/* Centres of input values in (centre - half, centre + half] of the output value count, in units of
 * the filter's width. */
static bool box_holds(double offset) {
    return offset > -0.5 && offset <= 0.5;
}

static void plan_value(struct axis *axis, int out, int n_in) {
    double scale = (double)n_in / axis->n_out;
    double width = scale < 1.0 ? 1.0 : scale, support = 0.5 * width;
    double centre = (out + 0.5) * scale;
    int first = (int)(centre - support + 0.5);
    int end = (int)(centre + support + 0.5);
    first = first < 0 ? 0 : first;
    end = end > n_in ? n_in : end;
    dse_assert(end > first && end - first <= axis->most);
    int held = 0;
    for (int i = first; i < end; i++)
        held += box_holds((i - centre + 0.5) * (1.0 / width));
    dse_assert(held > 0);
    for (int i = first; i < end; i++) {
        double weight = box_holds((i - centre + 0.5) * (1.0 / width)) ? 1.0 / held : 0.0;
        axis->weights[out * axis->most + i - first] = (int32_t)(0.5 + weight * (1 << WEIGHT_BITS));
    }
    axis->first[out] = first;
    axis->n[out] = end - first;
}

static enum dse_status plan_axis(struct dse_arena *arena, int n_in, int n_out, struct axis *axis,
                                 struct dse_err *err) {
    double scale = (double)n_in / n_out;
    axis->n_out = n_out;
    axis->most = (int)ceil(scale < 1.0 ? 0.5 : 0.5 * scale) * 2 + 1;
    axis->first = dse_arena_alloc(arena, (size_t)n_out, sizeof *axis->first);
    axis->n = dse_arena_alloc(arena, (size_t)n_out, sizeof *axis->n);
    axis->weights =
        dse_arena_alloc(arena, (size_t)n_out * (size_t)axis->most, sizeof *axis->weights);
    if (axis->first == NULL || axis->n == NULL || axis->weights == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to resize images");
    for (int out = 0; out < n_out; out++)
        plan_value(axis, out, n_in);
    return DSE_OK;
}

static enum dse_status plan_new(int h, int w, double factor, struct corrupt__pixelate_plan **plan,
                                struct dse_err *err) {
    int small_h = (int)(h * factor), small_w = (int)(w * factor);
    enum dse_status status;
    struct corrupt__pixelate_plan *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to resize images");
    DSE_TRY_GOTO(status, plan_axis(&made->arena, w, small_w, &made->shrink_rows, err), fail);
    DSE_TRY_GOTO(status, plan_axis(&made->arena, h, small_h, &made->shrink_columns, err), fail);
    DSE_TRY_GOTO(status, plan_axis(&made->arena, small_w, w, &made->grow_rows, err), fail);
    DSE_TRY_GOTO(status, plan_axis(&made->arena, small_h, h, &made->grow_columns, err), fail);
    for (int x = 0; x < w; x++) /* a box no wider than a pixel */
        dse_assert(made->grow_rows.n[x] == 1);
    *plan = made;
    return DSE_OK;
fail:
    corrupt__pixelate_plan_free(made);
    return status;
}

void corrupt__pixelate_plan_free(struct corrupt__pixelate_plan *plan) {
    if (plan == NULL)
        return;
    dse_arena_fini(&plan->arena);
    dse_free(plan);
}

static uint8_t rounded(int32_t sum) {
    int32_t level = (sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
    return level > 255 ? 255 : (uint8_t)level;
}

/* One row; inlined for the numbers of channels there are. */
static inline __attribute__((always_inline)) void resize_row(const struct axis *axis, int c,
                                                             const uint8_t *src, uint8_t *dst) {
    for (int x = 0; x < axis->n_out; x++, dst += c) {
        const int32_t *weights = axis->weights + x * axis->most;
        const uint8_t *from = src + axis->first[x] * c;
        if (axis->n[x] == 1) { /* of weight 1 */
            for (int k = 0; k < c; k++)
                dst[k] = from[k];
            continue;
        }
        for (int k = 0; k < c; k++) {
            int32_t sum = 0;
            for (int i = 0; i < axis->n[x]; i++)
                sum += from[i * c + k] * weights[i];
            dst[k] = rounded(sum);
        }
    }
}

/* Where every value is one other, as when growing. Four bytes move at once; the fourth is written
 * again by the next pixel, and both rows have room for it. */
static void copy_row_of_colours(const struct axis *axis, const uint8_t *src, uint8_t *dst) {
    for (int x = 0; x < axis->n_out; x++)
        memcpy(dst + 3 * x, src + 3 * axis->first[x], 4);
}

enum { ROOM_BEHIND = 4 };

/* Grows along the rows; src and dst have ROOM_BEHIND bytes more than the image. */
static void grow_rows(const struct axis *axis, int h, int w, int c, const uint8_t *src,
                      uint8_t *dst) {
    for (int y = 0; y < h; y++, src += w * c, dst += axis->n_out * c) {
        if (c == 3)
            copy_row_of_colours(axis, src, dst);
        else
            for (int x = 0; x < axis->n_out; x++)
                dst[x] = src[axis->first[x]];
    }
}

static void resize_rows(const struct axis *axis, int h, int w, int c, const uint8_t *src,
                        uint8_t *dst) {
    for (int y = 0; y < h; y++) {
        if (c == 1)
            resize_row(axis, 1, src + (size_t)(y * w), dst + (size_t)(y * axis->n_out));
        else
            resize_row(axis, 3, src + (size_t)(y * w) * 3, dst + (size_t)(y * axis->n_out) * 3);
    }
}

DSE_CLONES static void mix_rows(const uint8_t *src, const int32_t *weights, int rows, size_t n,
                                uint8_t *restrict dst) {
    for (size_t i = 0; i < n; i++) {
        int32_t sum = 1 << (WEIGHT_BITS - 1);
        for (int row = 0; row < rows; row++)
            sum += src[(size_t)row * n + i] * weights[row];
        int32_t level = sum >> WEIGHT_BITS;
        dst[i] = (uint8_t)(level > 255 ? 255 : level);
    }
}

/* n values a row. */
static void resize_columns(const struct axis *axis, size_t n, const uint8_t *src, uint8_t *dst) {
    for (int y = 0; y < axis->n_out; y++, dst += n) {
        const uint8_t *from = src + (size_t)axis->first[y] * n;
        if (axis->n[y] == 1)
            memcpy(dst, from, n);
        else
            mix_rows(from, axis->weights + y * axis->most, axis->n[y], n, dst);
    }
}

enum dse_status corrupt__pixelate(struct corrupt__job *job, struct dse_err *err) {
    struct corrupt__pixelate_plan **place = &job->corrupter->pixelate[job->level];
    if (*place == NULL)
        DSE_TRY(plan_new(job->h, job->w, factors[job->large][job->level], place, err));
    const struct corrupt__pixelate_plan *plan = *place;
    int small_h = plan->shrink_columns.n_out, small_w = plan->shrink_rows.n_out, c = job->c;
    uint8_t *narrow = corrupt__take(job, (size_t)(job->h * small_w * c), 1);
    uint8_t *small = corrupt__take(job, (size_t)(small_h * small_w * c) + ROOM_BEHIND, 1);
    uint8_t *wide = corrupt__take(job, (size_t)(small_h * job->w * c) + ROOM_BEHIND, 1);
    memset(small + small_h * small_w * c, 0, ROOM_BEHIND);
    resize_rows(&plan->shrink_rows, job->h, job->w, c, job->src, narrow);
    resize_columns(&plan->shrink_columns, (size_t)(small_w * c), narrow, small);
    grow_rows(&plan->grow_rows, small_h, small_w, c, small, wide);
    resize_columns(&plan->grow_columns, (size_t)(job->w * c), wide, job->dst);
    return DSE_OK;
}
