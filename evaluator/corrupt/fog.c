/* Fog: a plasma fractal (diamond-square on a torus) that lightens the image. */
#include "evaluator/corrupt/corrupt_internal.h"

static const struct {
    double strength, decay;
} fogs[2][DSE_SEVERITIES] = {{{0.2, 3}, {0.5, 3}, {0.75, 2.5}, {1, 2}, {1.5, 1.75}},
                             {{1.5, 2}, {2, 2}, {2.5, 1.7}, {2.5, 1.5}, {3, 1.4}}};

static const double FIRST_WIBBLE = 100.0;

/* Draws a number for every point of one kind on the grid of `step` and adds the mean of its four
 * neighbours; a point's neighbours lie (dy, dx) away and at the three places given by turning. */
struct grid {
    double *map;
    size_t side, step;
    double wibble;
    struct dse_rng *rng;
    double *drawn; /* room for side / step squared numbers */
};

static double wibbled(const struct grid *grid, double sum, double uniform) {
    return sum / 4.0 + grid->wibble * ((2.0 * uniform - 1.0) * grid->wibble);
}

/* The centre of every square of four corners. */
static void fill_squares(const struct grid *grid) {
    size_t side = grid->side, step = grid->step, half = step / 2, n = side / step;
    dse_rng_fill_uniform(grid->rng, grid->drawn, n * n);
    const double *drawn = grid->drawn;
    for (size_t y = 0; y < side; y += step) {
        const double *upper = grid->map + y * side, *lower = grid->map + (y + step) % side * side;
        double *centre = grid->map + (y + half) * side + half;
        for (size_t x = 0; x < side; x += step) {
            size_t right = (x + step) % side;
            centre[x] = wibbled(grid, upper[x] + lower[x] + upper[right] + lower[right], *drawn++);
        }
    }
}

/* The middle of every upper edge: corners left and right, centres above and below. */
static void fill_upper_edges(const struct grid *grid) {
    size_t side = grid->side, step = grid->step, half = step / 2, n = side / step;
    dse_rng_fill_uniform(grid->rng, grid->drawn, n * n);
    const double *drawn = grid->drawn;
    for (size_t y = 0; y < side; y += step) {
        double *row = grid->map + y * side;
        const double *above = grid->map + (y + side - half) % side * side + half;
        const double *below = grid->map + (y + half) * side + half;
        for (size_t x = 0; x < side; x += step)
            row[x + half] =
                wibbled(grid, below[x] + above[x] + (row[x] + row[(x + step) % side]), *drawn++);
    }
}

/* The middle of every left edge: corners above and below, centres left and right. */
static void fill_left_edges(const struct grid *grid) {
    size_t side = grid->side, step = grid->step, half = step / 2, n = side / step;
    dse_rng_fill_uniform(grid->rng, grid->drawn, n * n);
    const double *drawn = grid->drawn;
    for (size_t y = 0; y < side; y += step) {
        double *row = grid->map + (y + half) * side;
        const double *above = grid->map + y * side;
        const double *below = grid->map + (y + step) % side * side;
        for (size_t x = 0; x < side; x += step)
            row[x] =
                wibbled(grid, row[x + half] + row[(x + side - half) % side] + (above[x] + below[x]),
                        *drawn++);
    }
}

/* Values 0..1, [side][side]. */
static double *draw_plasma(struct corrupt__job *job, size_t side, double decay) {
    struct grid grid = {
        .map = corrupt__take(job, side * side, sizeof *grid.map),
        .side = side,
        .wibble = FIRST_WIBBLE,
        .rng = job->rng,
        .drawn = corrupt__take(job, side * side / 4, sizeof *grid.drawn),
    };
    grid.map[0] = 0.0;
    for (grid.step = side; grid.step >= 2; grid.step /= 2) {
        fill_squares(&grid);
        fill_upper_edges(&grid);
        fill_left_edges(&grid);
        grid.wibble /= decay;
    }
    double least = grid.map[0], most = grid.map[0];
    for (size_t i = 1; i < side * side; i++) {
        least = grid.map[i] < least ? grid.map[i] : least;
        most = grid.map[i] > most ? grid.map[i] : most;
    }
    most -= least;
    for (size_t i = 0; i < side * side; i++)
        grid.map[i] = (grid.map[i] - least) / most;
    return grid.map;
}

enum dse_status corrupt__fog(struct corrupt__job *job, struct dse_err *err) {
    (void)err;
    double strength = fogs[job->large][job->level].strength;
    size_t side = 1, c = (size_t)job->c, w = (size_t)job->w;
    while (side < (size_t)job->h || side < w)
        side *= 2;
    const double *plasma = draw_plasma(job, side, fogs[job->large][job->level].decay);
    uint8_t brightest = 0;
    for (size_t i = 0; i < corrupt__values(job); i++)
        brightest = job->src[i] > brightest ? job->src[i] : brightest;
    double most = corrupt__intensity(brightest), intensities[CORRUPT__LEVELS];
    for (int x = 0; x < CORRUPT__LEVELS; x++)
        intensities[x] = corrupt__intensity((uint8_t)x);
    for (size_t y = 0; y < (size_t)job->h; y++)
        for (size_t x = 0; x < w; x++) {
            double fog = strength * plasma[y * side + x];
            for (size_t k = 0; k < c; k++) {
                size_t at = (y * w + x) * c + k;
                job->dst[at] =
                    corrupt__level((intensities[job->src[at]] + fog) * most / (most + strength));
            }
        }
    return DSE_OK;
}
