/* x ^ y from + - * / alone: whole exponents by multiplication, others as exp(y ln x) with tables.
 */
#include "base/base.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/power_tables.h"

/* Whole exponents of at most this size are multiplied out. */
static const double MULTIPLIED_MAX = 64;
static const double LN2 = 0x1.62e42fefa39efp-1;
/* ln 2 / 128 in two parts; n * LN2_PART_HIGH is exact for |n| < 2^20. */
static const double LN2_PART_HIGH = 0x1.62e42feep-8;
static const double LN2_PART_LOW = 0x1.a39ef35793c76p-40;
static const double PARTS_PER_LN2 = 0x1.71547652b82fep+7;
/* Results beyond e ^ (+-708) leave the normal numbers. */
static const double LOGARITHM_MAX = 708;
enum { MANTISSA_BITS = 52, EXPONENT_BIAS = 1023 };

static uint64_t to_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* By squaring, n >= 0. */
static double multiply_out(double x, unsigned n) {
    double product = 1;
    for (; n > 0; n >>= 1) {
        if (n & 1)
            product *= x;
        x *= x;
    }
    return product;
}

/* ln x, absolute error about 2^-54 (1 + |ln x|); x is positive and normal. */
static double logarithm(double x) {
    uint64_t bits = to_bits(x);
    const uint64_t mantissa = (1ull << MANTISSA_BITS) - 1;
    double exponent = (double)((int)(bits >> MANTISSA_BITS) - EXPONENT_BIAS);
    size_t i = (bits & mantissa) >> (MANTISSA_BITS - POWER_TABLE_BITS);
    double m = from_bits((bits & mantissa) | (uint64_t)EXPONENT_BIAS << MANTISSA_BITS);
    /* m = c (1 + r), |r| <= 2^-8; m - c is exact. Seven terms reach 2^-63. */
    double c = 1 + ((double)i + 0.5) / POWER_TABLE_SIZE;
    double r = (m - c) * power_logarithms[i].inverse, r2 = r * r;
    double low = (1.0 / 3 - r * 0.25) + r2 * (0.2 - r * (1.0 / 6) + r2 * (1.0 / 7));
    double log1p = r + r2 * (r * low - 0.5);
    return exponent * LN2 + (power_logarithms[i].logarithm + log1p);
}

/* e ^ z for |z| <= LOGARITHM_MAX, relative error about 2^-51. */
static double exponential(double z) {
    /* Adding 1.5 * 2^52 rounds to the nearest integer. */
    double parts = (z * PARTS_PER_LN2 + 0x1.8p52) - 0x1.8p52;
    double r = (z - parts * LN2_PART_HIGH) - parts * LN2_PART_LOW;
    /* |r| <= ln 2 / 256: six terms reach 2^-60. */
    double r2 = r * r;
    double tail = r + r2 * (0.5 + r * (1.0 / 6) + r2 * (1.0 / 24 + r * (1.0 / 120)));
    int64_t n = (int64_t)parts;
    size_t i = (size_t)(n & (POWER_TABLE_SIZE - 1));
    int64_t exponent = (n - (int64_t)i) / POWER_TABLE_SIZE;
    double scale = from_bits((uint64_t)(exponent + EXPONENT_BIAS) << MANTISSA_BITS);
    return scale * (power_exponentials[i] + power_exponentials[i] * tail);
}

double dse_math_pow(double x, double y) {
    dse_assert(x >= 0 && isfinite(y));
    if (fabs(y) <= MULTIPLIED_MAX && y == trunc(y)) {
        double product = multiply_out(x, (unsigned)fabs(y));
        return y < 0 ? 1 / product : product;
    }
    if (!(x >= DBL_MIN && x <= DBL_MAX)) { /* 0, infinity, and what is so near 0 that it is 0 */
        bool large = (x > 1) == (y > 0);
        return large ? HUGE_VAL : 0;
    }
    double z = y * logarithm(x);
    if (!(fabs(z) <= LOGARITHM_MAX))
        return z > 0 ? HUGE_VAL : 0;
    return exponential(z);
}
