/* What the files of this room share. */
#ifndef DSE_BASE_INTERNAL_H
#define DSE_BASE_INTERNAL_H

#include "base/base.h"

#include <string.h>

/* ln 2 in two parts; n * LN2_HIGH is exact for |n| < 2^20. */
static const double LN2_HIGH = 0x1.62e42feep-1;
static const double LN2_LOW = 0x1.a39ef35793c76p-33;

/* Natural logarithm of a normal positive number, without branches: loops over it vectorise. */
static inline __attribute__((always_inline)) double base__log(double x) {
    const uint64_t EXPONENT_ONE = (uint64_t)1023 << 52, MANTISSA = ((uint64_t)1 << 52) - 1;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    /* x = m 2^n, m in [1, 2); then m in [sqrt 1/2, sqrt 2). n by way of a double: 2^52 + n. */
    uint64_t mantissa = (bits & MANTISSA) | EXPONENT_ONE;
    uint64_t exponent = (bits >> 52) | (uint64_t)0x433 << 52;
    double m, n;
    memcpy(&m, &mantissa, sizeof m);
    memcpy(&n, &exponent, sizeof n);
    n -= 0x1p52 + 1023.0;
    bool upper = m >= 0x1.6a09e667f3bcdp+0;
    m = upper ? m * 0.5 : m;
    n = upper ? n + 1.0 : n;
    /* ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716: 12 odd terms reach 2^-60. */
    double s = (m - 1.0) / (m + 1.0);
    double s2 = s * s;
    double sum = 0.0;
    for (int k = 23; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * s2;
    return n * LN2_HIGH + (2.0 * s + (2.0 * s * sum + n * LN2_LOW));
}

#endif
