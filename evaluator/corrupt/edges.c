/* Two functions of OpenCV that the published spatter uses, with its results: Canny's edges (Canny
 * 1986) and the distance to them (Borgefors 1986, "Distance transformations in digital images"). */
#include "evaluator/corrupt/corrupt_internal.h"

#include <string.h>

/* ---- edges ---- */

/* Sobel gradients of the plane with its edge values repeated. */
struct gradients {
    int16_t *dx, *dy; /* [h][w] */
    int *size;        /* |dx| + |dy|, [h + 2][w + 2] with a rim of 0 */
};

/* up: the first of three rows of w + 2 values. */
DSE_CLONES static void take_gradient_row(const uint8_t *up, size_t w, int16_t *restrict to_dx,
                                         int16_t *restrict to_dy, int *restrict size) {
    const uint8_t *row = up + w + 2, *down = row + w + 2;
    for (size_t x = 0; x < w; x++) {
        int dx = up[x + 2] - up[x] + 2 * (row[x + 2] - row[x]) + down[x + 2] - down[x];
        int dy = down[x] - up[x] + 2 * (down[x + 1] - up[x + 1]) + down[x + 2] - up[x + 2];
        to_dx[x] = (int16_t)dx;
        to_dy[x] = (int16_t)dy;
        size[x] = (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy);
    }
}

static void take_gradients(struct corrupt__job *job, const uint8_t *src, struct gradients *g) {
    size_t h = (size_t)job->h, w = (size_t)job->w;
    g->dx = corrupt__take(job, h * w, sizeof *g->dx);
    g->dy = corrupt__take(job, h * w, sizeof *g->dy);
    g->size = corrupt__take(job, (h + 2) * (w + 2), sizeof *g->size);
    uint8_t *padded = corrupt__take(job, (h + 2) * (w + 2), 1);
    memset(g->size, 0, (h + 2) * (w + 2) * sizeof *g->size);
    for (size_t y = 0; y < h + 2; y++) {
        const uint8_t *row = src + (y == 0 ? 0 : y == h + 1 ? h - 1 : y - 1) * w;
        uint8_t *to = padded + y * (w + 2);
        memcpy(to + 1, row, w);
        to[0] = row[0];
        to[w + 1] = row[w - 1];
    }
    for (size_t y = 0; y < h; y++)
        take_gradient_row(padded + y * (w + 2), w, g->dx + y * w, g->dy + y * w,
                          g->size + (y + 1) * (w + 2) + 1);
}

/* Is the gradient largest along its direction? `size` points at it, rows are `stride` apart. */
static bool is_ridge(int dx, int dy, const int *size, ptrdiff_t stride) {
    enum { TAN_BITS = 15, TAN_22_5 = 13573 }; /* tan 22.5 degrees in 2^-15 */
    int across = (dx < 0 ? -dx : dx) * TAN_22_5;
    int along = (dy < 0 ? -dy : dy) << TAN_BITS;
    int m = size[0];
    if (along < across)
        return m > size[-1] && m >= size[1];
    if (along > across + ((dx < 0 ? -dx : dx) << (TAN_BITS + 1))) /* tan 67.5 = 2 + tan 22.5 */
        return m > size[-stride] && m >= size[stride];
    ptrdiff_t slant = (dx ^ dy) < 0 ? -1 : 1;
    return m > size[-stride - slant] && m > size[stride + slant];
}

enum { NO_EDGE, WEAK_EDGE, EDGE = 255 };

void corrupt__find_edges(struct corrupt__job *job, const uint8_t *src, int low, int high,
                         uint8_t *edges) {
    struct gradients g;
    int h = job->h, w = job->w, n = 0;
    size_t used = job->scratch_used;
    take_gradients(job, src, &g);
    int *stack = corrupt__take(job, (size_t)h * (size_t)w, sizeof *stack);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int at = y * w + x;
            const int *size = g.size + (y + 1) * (w + 2) + x + 1;
            edges[at] = NO_EDGE;
            if (*size <= low || !is_ridge(g.dx[at], g.dy[at], size, w + 2))
                continue;
            edges[at] = *size > high ? EDGE : WEAK_EDGE;
            if (edges[at] == EDGE)
                stack[n++] = at;
        }
    while (n > 0) { /* weak edges that touch an edge are edges */
        int at = stack[--n], ay = at / w, ax = at % w;
        for (int y = ay > 0 ? ay - 1 : 0; y <= ay + 1 && y < h; y++)
            for (int x = ax > 0 ? ax - 1 : 0; x <= ax + 1 && x < w; x++)
                if (edges[y * w + x] == WEAK_EDGE) {
                    edges[y * w + x] = EDGE;
                    stack[n++] = y * w + x;
                }
    }
    for (int i = 0; i < h * w; i++)
        edges[i] = edges[i] == EDGE ? EDGE : NO_EDGE;
    job->scratch_used = used;
}

/* ---- distance ---- */

/* Steps in 2^-16 of a pixel: straight 1, diagonal 1.4, like a knight 2.1969 (OpenCV's mask 5). */
enum { STRAIGHT = 65536, DIAGONAL = 91750, KNIGHT = 143976, FAR = 1 << 28 };

static inline int least(int a, int b) {
    return a < b ? a : b;
}

/* What the two rows on one side give every place of a row: `near` the next one, `far` the one
 * behind it. */
DSE_CLONES static void take_from_rows(const int *near, const int *far, size_t w,
                                      int *restrict nearest) {
    for (size_t x = 0; x < w; x++) {
        int knights = least(least(far[x - 1], far[x + 1]), least(near[x - 2], near[x + 2]));
        int diagonals = least(near[x - 1], near[x + 1]);
        int straight = near[x] + STRAIGHT;
        nearest[x] = least(least(knights + KNIGHT, diagonals + DIAGONAL), straight);
    }
}

DSE_CLONES static void to_pixels(const int *steps, float most, size_t w, float *restrict pixels) {
    for (size_t x = 0; x < w; x++) {
        float distance = (float)steps[x] * (1.0f / STRAIGHT);
        pixels[x] = distance < most ? distance : most;
    }
}

void corrupt__measure_distance(struct corrupt__job *job, const uint8_t *edges, float most,
                               float *distance) {
    enum { RIM = 2 };
    int h = job->h, w = job->w;
    ptrdiff_t stride = w + 2 * RIM;
    size_t used = job->scratch_used, padded = (size_t)(h + 2 * RIM) * (size_t)stride;
    int *steps = corrupt__take(job, padded, sizeof *steps);
    for (size_t i = 0; i < padded; i++)
        steps[i] = FAR;
    int *nearest = corrupt__take(job, (size_t)w, sizeof *nearest);
    int *first = steps + RIM * stride + RIM;
    for (int y = 0; y < h; y++) {
        int *row = first + y * stride;
        take_from_rows(row - stride, row - 2 * stride, (size_t)w, nearest);
        for (int x = 0; x < w; x++)
            row[x] = edges[y * w + x] == EDGE ? 0 : least(nearest[x], row[x - 1] + STRAIGHT);
    }
    for (int y = h - 1; y >= 0; y--) {
        int *row = first + y * stride;
        take_from_rows(row + stride, row + 2 * stride, (size_t)w, nearest);
        for (int x = w - 1; x >= 0; x--)
            row[x] = least(least(row[x], nearest[x]), row[x + 1] + STRAIGHT);
        to_pixels(row, most, (size_t)w, distance + (ptrdiff_t)y * w);
    }
    job->scratch_used = used;
}
