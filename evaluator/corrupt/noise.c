/* The four noises: every value on its own, so for each level of the source there is a distribution
 * over the levels of the result, clipping and truncation included. Values are drawn from it by the
 * alias method (Walker 1977, tables after Vose 1991), one 32-bit number each: 8 bits choose a cell,
 * 24 bits choose between the cell's own level and its alias. */
#include "evaluator/corrupt/corrupt_internal.h"

#include <math.h>

/* Parameters, [CIFAR-10-C or ImageNet-C][severity]: make_cifar_c.py, make_imagenet_c.py. */
static const double gaussian_sigmas[2][DSE_SEVERITIES] = {{0.04, 0.06, 0.08, 0.09, 0.10},
                                                          {0.08, 0.12, 0.18, 0.26, 0.38}};
static const double shot_counts[2][DSE_SEVERITIES] = {{500, 250, 100, 75, 50}, {60, 25, 12, 5, 3}};
static const double impulse_amounts[2][DSE_SEVERITIES] = {{0.01, 0.02, 0.03, 0.05, 0.07},
                                                          {0.03, 0.06, 0.09, 0.17, 0.27}};
static const double speckle_sigmas[2][DSE_SEVERITIES] = {{0.06, 0.10, 0.12, 0.16, 0.20},
                                                         {0.15, 0.20, 0.35, 0.45, 0.60}};

/* ---- the tables ---- */

/* Standard normal distribution function, by the series of Marsaglia 2004 ("Evaluating the normal
 * distribution"); absolute error below 1e-10: the cells of a table tell 2^-32 apart, and beyond 6.5
 * less is left. */
static double normal_share_below(double z) {
    if (z < -6.5 || z > 6.5)
        return z < 0.0 ? 0.0 : 1.0;
    double sum = z, term = z, before = 0.0;
    for (int k = 3; sum != before; k += 2) {
        before = sum;
        term *= z * z / k;
        sum += term;
    }
    const double LOG_SQRT_2_PI = 0.91893853320467274178;
    return 0.5 + sum * dse_math_exp(-0.5 * z * z - LOG_SQRT_2_PI);
}

/* x + N(0, deviation), in levels, cut to whole levels within 0..255. */
static void spread_normal(int x, double deviation, double *mass) {
    double below = 0.0;
    for (int level = 0; level < CORRUPT__LEVELS; level++) {
        double up_to =
            level == CORRUPT__LEVELS - 1 ? 1.0 : normal_share_below((level + 1 - x) / deviation);
        mass[level] = up_to - below;
        below = up_to;
    }
}

static void spread_gaussian(int x, double sigma, double *mass) {
    spread_normal(x, 255.0 * sigma, mass);
}

static void spread_speckle(int x, double sigma, double *mass) {
    if (x == 0)
        mass[0] = 1.0;
    else
        spread_normal(x, sigma * x, mass);
}

/* Poisson(count * intensity) / count. */
static void spread_shot(int x, double count, double *mass) {
    double mean = corrupt__intensity((uint8_t)x) * count;
    double share = dse_math_exp(-mean); /* count is at most 500: above 2^-1000 */
    double most = mean + 40.0 + 12.0 * sqrt(mean);
    for (int k = 0; k <= most; k++) {
        mass[corrupt__level(k / count)] += share;
        share *= mean / (k + 1);
    }
}

static void spread_impulse(int x, double amount, double *mass) {
    mass[corrupt__level(corrupt__intensity((uint8_t)x))] += 1.0 - amount;
    mass[0] += amount / 2;
    mass[CORRUPT__LEVELS - 1] += amount / 2;
}

static uint32_t make_cell(double own_share, int alias) {
    const double SHARES = 16777216.0; /* 2^24 */
    double share = own_share < 0.0 ? 0.0 : own_share * SHARES;
    return (share > SHARES - 1.0 ? 0xFFFFFFu : (uint32_t)share) << 8 | (uint32_t)alias;
}

/* Cells with too little mass are filled up from cells with too much. */
static void make_cells(const double *mass, uint32_t *cells) {
    double share[CORRUPT__LEVELS], total = 0.0;
    int poor[CORRUPT__LEVELS], rich[CORRUPT__LEVELS], n_poor = 0, n_rich = 0;
    for (int i = 0; i < CORRUPT__LEVELS; i++)
        total += mass[i];
    for (int i = 0; i < CORRUPT__LEVELS; i++) {
        share[i] = mass[i] * CORRUPT__LEVELS / total;
        if (share[i] < 1.0)
            poor[n_poor++] = i;
        else
            rich[n_rich++] = i;
    }
    while (n_poor > 0 && n_rich > 0) {
        int needy = poor[--n_poor], giver = rich[n_rich - 1];
        cells[needy] = make_cell(share[needy], giver);
        share[giver] -= 1.0 - share[needy];
        if (share[giver] < 1.0) {
            n_rich--;
            poor[n_poor++] = giver;
        }
    }
    while (n_rich > 0)
        n_rich--, cells[rich[n_rich]] = make_cell(1.0, rich[n_rich]);
    while (n_poor > 0) /* by rounding only: full, in truth */
        n_poor--, cells[poor[n_poor]] = make_cell(1.0, poor[n_poor]);
}

typedef void spread(int x, double parameter, double *mass);

static enum dse_status table_of(struct corrupt__job *job, int noise, spread *spread_level,
                                double parameter, const struct corrupt__noise_table **table,
                                struct dse_err *err) {
    struct corrupt__noise_table **place = &job->corrupter->noise[noise][job->level];
    if (*place == NULL) {
        struct corrupt__noise_table *made = dse_alloc_aligned(1, sizeof *made);
        if (made == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a table of noise");
        for (int x = 0; x < CORRUPT__LEVELS; x++) {
            double mass[CORRUPT__LEVELS] = {0};
            spread_level(x, parameter, mass);
            make_cells(mass, made->cells[x]);
        }
        *place = made;
    }
    *table = *place;
    return DSE_OK;
}

/* ---- the values ---- */

DSE_CLONES static void draw_levels(const struct corrupt__noise_table *table, const uint8_t *src,
                                   const uint32_t *random, uint8_t *restrict dst, size_t n) {
    const uint32_t *cells = table->cells[0];
    for (size_t i = 0; i < n; i++) {
        uint32_t chosen = random[i] & (CORRUPT__LEVELS - 1);
        uint32_t cell = cells[(uint32_t)src[i] * CORRUPT__LEVELS + chosen];
        dst[i] = (uint8_t)((random[i] >> 8) < (cell >> 8) ? chosen : cell);
    }
}

/* Value i of the image gets the i-th number of the stream. */
static enum dse_status add_noise(struct corrupt__job *job, int noise, spread *spread_level,
                                 const double parameters[2][DSE_SEVERITIES], struct dse_err *err) {
    enum { CHUNK = 1024 };
    uint32_t random[CHUNK];
    const struct corrupt__noise_table *table;
    DSE_TRY(table_of(job, noise, spread_level, parameters[job->large][job->level], &table, err));
    size_t n = corrupt__values(job);
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t now = n - done < CHUNK ? n - done : CHUNK;
        dse_rng_fill_u32(job->rng, random, now);
        draw_levels(table, job->src + done, random, job->dst + done, now);
    }
    return DSE_OK;
}

enum dse_status corrupt__gaussian_noise(struct corrupt__job *job, struct dse_err *err) {
    return add_noise(job, 0, spread_gaussian, gaussian_sigmas, err);
}
enum dse_status corrupt__shot_noise(struct corrupt__job *job, struct dse_err *err) {
    return add_noise(job, 1, spread_shot, shot_counts, err);
}
enum dse_status corrupt__impulse_noise(struct corrupt__job *job, struct dse_err *err) {
    return add_noise(job, 2, spread_impulse, impulse_amounts, err);
}
enum dse_status corrupt__speckle_noise(struct corrupt__job *job, struct dse_err *err) {
    return add_noise(job, 3, spread_speckle, speckle_sigmas, err);
}
