/* Philox 4x32-10, and the distributions drawn from it. */
#include "base/base_internal.h"

#include <math.h>

enum { PHILOX_ROUNDS = 10 };

void dse_philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
    /* Multipliers and Weyl constants: Salmon et al. 2011, table 2 and section 4.3. */
    const uint64_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u;
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = m0 * c0, p1 = m1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void dse_rng_init(struct dse_rng *rng, uint64_t seed, enum dse_rng_purpose purpose, uint32_t a,
                  uint32_t b) {
    *rng = (struct dse_rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)purpose, a, b},
        .used = 4,
    };
}

uint32_t dse_rng_u32(struct dse_rng *rng) {
    if (rng->used == 4) {
        dse_philox4x32(rng->key, rng->counter, rng->block);
        rng->counter[0]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

/* Blocks computed side by side, in the lanes of vector registers. */
enum { LANES = 16 };

/* LANES blocks from the counter on, in order. */
DSE_CLONES static void philox_lanes(const uint32_t key[2], const uint32_t counter[4],
                                    uint32_t out[LANES * 4]) {
    const uint64_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u;
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    for (uint32_t l = 0; l < LANES; l++) {
        c0[l] = counter[0] + l;
        c1[l] = counter[1];
        c2[l] = counter[2];
        c3[l] = counter[3];
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        for (int l = 0; l < LANES; l++) {
            uint64_t p0 = m0 * c0[l], p1 = m1 * c2[l];
            c0[l] = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0;
            c2[l] = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
            c1[l] = (uint32_t)p1;
            c3[l] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int l = 0; l < LANES; l++) {
        out[4 * l] = c0[l];
        out[4 * l + 1] = c1[l];
        out[4 * l + 2] = c2[l];
        out[4 * l + 3] = c3[l];
    }
}

void dse_rng_fill_u32(struct dse_rng *rng, uint32_t *out, size_t n) {
    size_t i = 0;
    while (i < n && rng->used < 4)
        out[i++] = dse_rng_u32(rng);
    for (; n - i >= (size_t)LANES * 4; i += (size_t)LANES * 4) {
        philox_lanes(rng->key, rng->counter, out + i);
        rng->counter[0] += LANES;
    }
    while (i < n)
        out[i++] = dse_rng_u32(rng);
}

static uint64_t join_u53(uint64_t high, uint64_t low) {
    return (high << 21) ^ (low >> 11);
}

static uint64_t next_u53(struct dse_rng *rng) {
    uint64_t high = dse_rng_u32(rng);
    return join_u53(high, dse_rng_u32(rng));
}

double dse_rng_uniform(struct dse_rng *rng) {
    return (double)next_u53(rng) * 0x1p-53;
}

uint32_t dse_rng_below(struct dse_rng *rng, uint32_t n) {
    dse_assert(n > 0);
    uint32_t threshold = (uint32_t)(-n) % n; /* 2^32 mod n */
    uint32_t x;
    do
        x = dse_rng_u32(rng);
    while (x < threshold);
    return x % n;
}

static double polynomial(const double *coefficients, int degree, double x) {
    double y = coefficients[degree];
    for (int i = degree - 1; i >= 0; i--)
        y = y * x + coefficients[i];
    return y;
}

/* Wichura 1988, AS 241, PPND16: |p - 1/2| up to MIDDLE is the middle; its quotient of polynomials.
 */
static const double MIDDLE = 0.425, MIDDLE_SQUARE = 0.180625;
static const double middle_above[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                      1.9715909503065514427e3, 1.3731693765509461125e4,
                                      4.5921953931549871457e4, 6.7265770927008700853e4,
                                      3.3430575583588128105e4, 2.5090809287301226727e3};
static const double middle_below[] = {1.0,
                                      4.2313330701600911252e1,
                                      6.8718700749205790830e2,
                                      5.3941960214247511077e3,
                                      2.1213794301586595867e4,
                                      3.9307895800092710610e4,
                                      2.8729085735721942674e4,
                                      5.2264952788528545610e3};
/* The tails, in r - TAIL_START, up to r = 5: beyond, below FAR_TAIL, other polynomials hold. */
static const double TAIL_START = 1.6, FAR_TAIL = 1.5e-11; /* a little above exp(-25) */
static const double tail_above[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                    5.76949722146069140550e0,  3.64784832476320460504e0,
                                    1.27045825245236838258e0,  2.41780725177450611770e-1,
                                    2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double tail_below[] = {1.0,
                                    2.05319162663775882187e0,
                                    1.67638483018380384940e0,
                                    6.89767334985100004550e-1,
                                    1.48103976427480074590e-1,
                                    1.51986665636164571966e-2,
                                    5.47593808499534494600e-4,
                                    1.05075007164441684324e-9};

/* Quantile of the standard normal: Wichura 1988, AS 241, PPND16; relative error about 1e-16. */
static double normal_quantile(double p) {
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5;
    if (fabs(q) <= MIDDLE) {
        double r = MIDDLE_SQUARE - q * q;
        return q * polynomial(middle_above, 7, r) / polynomial(middle_below, 7, r);
    }
    double r = sqrt(-dse_math_log(q < 0 ? p : 1.0 - p));
    double z = r <= 5.0 ? polynomial(tail_above, 7, r - TAIL_START) /
                              polynomial(tail_below, 7, r - TAIL_START)
                        : polynomial(e, 7, r - 5.0) / polynomial(f, 7, r - 5.0);
    return q < 0 ? -z : z;
}

/* Numbers made at a time; the arrays stay in the nearest cache. */
enum { CHUNK = 128 };

DSE_CLONES static void words_to_unit(const uint32_t words[2 * CHUNK], double offset,
                                     double *restrict out, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = ((double)(int64_t)join_u53(words[2 * i], words[2 * i + 1]) + offset) * 0x1p-53;
}

void dse_rng_fill_uniform(struct dse_rng *rng, double *out, size_t n) {
    uint32_t words[2 * CHUNK];
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t now = n - done < CHUNK ? n - done : CHUNK;
        dse_rng_fill_u32(rng, words, 2 * now);
        words_to_unit(words, 0.0, out + done, now);
    }
}

/* normal_quantile of the middle; what it makes of the tails is of no use. */
DSE_CLONES static void middle_quantiles(const double *restrict p, double *restrict z, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double q = p[i] - 0.5;
        double r = MIDDLE_SQUARE - q * q;
        double above = middle_above[7], below = middle_below[7];
        for (int k = 6; k >= 0; k--) {
            above = above * r + middle_above[k];
            below = below * r + middle_below[k];
        }
        z[i] = q * above / below;
    }
}

/* normal_quantile far from 1/2, most of it: r up to 5, which all but 3 in 10^11 numbers have. */
DSE_CLONES static void tail_quantiles(const double *restrict p, double *restrict z, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double q = p[i] - 0.5;
        double r = sqrt(-base__log(q < 0 ? p[i] : 1.0 - p[i])) - TAIL_START;
        double above = tail_above[7], below = tail_below[7];
        for (int k = 6; k >= 0; k--) {
            above = above * r + tail_above[k];
            below = below * r + tail_below[k];
        }
        double quantile = above / below;
        z[i] = q < 0 ? -quantile : quantile;
    }
}

/* Replaces the numbers of z whose p is in the tails. */
static void correct_tails(const double *p, double *z, size_t n) {
    double tail_p[CHUNK], tail_z[CHUNK];
    size_t places[CHUNK], tails = 0;
    for (size_t i = 0; i < n; i++) {
        places[tails] = i;
        tail_p[tails] = p[i];
        tails += fabs(p[i] - 0.5) > MIDDLE;
    }
    tail_quantiles(tail_p, tail_z, tails);
    for (size_t i = 0; i < tails; i++) {
        bool far = tail_p[i] < FAR_TAIL || tail_p[i] > 1.0 - FAR_TAIL;
        z[places[i]] = far ? normal_quantile(tail_p[i]) : tail_z[i];
    }
}

void dse_rng_fill_normal(struct dse_rng *rng, double *out, size_t n) {
    uint32_t words[2 * CHUNK];
    double p[CHUNK];
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t now = n - done < CHUNK ? n - done : CHUNK;
        dse_rng_fill_u32(rng, words, 2 * now);
        words_to_unit(words, 0.5, p, now);
        middle_quantiles(p, out + done, now);
        correct_tails(p, out + done, now);
    }
}

double dse_rng_normal(struct dse_rng *rng) {
    /* The middle of one of 2^53 equal cells: never 0 or 1. */
    return normal_quantile(((double)next_u53(rng) + 0.5) * 0x1p-53);
}
