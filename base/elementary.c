/* exp, log, sine and cosine from + - * / alone, so that every IEEE machine gives the same bits. */
#include "base/base_internal.h"

#include <math.h>

double dse_math_exp(double x) {
    if (!(x < 709.0))
        return x < 710.0 ? HUGE_VAL : x + HUGE_VAL; /* NaN stays NaN */
    if (x < -745.0)
        return 0.0;
    /* x = n ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2^52 rounds to the nearest integer. */
    double n = (x * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
    double r = (x - n * LN2_HIGH) - n * LN2_LOW;
    /* Taylor, 14 terms: the remainder is below 2^-57 for |r| <= 0.35. */
    double sum = 1.0;
    for (int k = 13; k >= 1; k--)
        sum = 1.0 + sum * r / k;
    return ldexp(sum, (int)n);
}

double dse_math_log(double x) {
    int exponent = 0;
    if (x < 0x1p-1022) { /* subnormal: 54 bits up, exactly */
        x *= 0x1p54;
        exponent = -54;
    }
    return exponent == 0 ? base__log(x) : base__log(x) + exponent * (LN2_HIGH + LN2_LOW);
}

void dse_math_sincos(double x, double *sine, double *cosine) {
    /* x = n pi/2 + r, |r| <= pi/4; n * HIGH is exact for the few quarters there are. */
    static const double QUARTER_HIGH = 0x1.921fb544p+0, QUARTER_LOW = 0x1.0b4611a626331p-34;
    dse_assert(x >= -10.0 && x <= 10.0);
    double n = (x * 0x1.45f306dc9c883p-1 + 0x1.8p52) - 0x1.8p52;
    double r = (x - n * QUARTER_HIGH) - n * QUARTER_LOW;
    double r2 = r * r, s = 1.0, c = 1.0;
    /* Taylor up to r^19 and r^18: the remainder is below 2^-60. */
    for (int k = 18; k >= 2; k -= 2) {
        s = 1.0 - s * r2 / (k * (k + 1));
        c = 1.0 - c * r2 / (k * (k - 1));
    }
    s *= r;
    int quarter = (int)n & 3;
    *sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
    *cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}

/* x = quarters / 2 + r, |r| <= 1/4, both differences exact; so whole and half x give 0, 1 and -1.
 */
static int split_turns(double x, double *sine, double *cosine) {
    double turns = x - 2 * nearbyint(x / 2), quarters = nearbyint(2 * turns);
    dse_math_sincos((turns - quarters / 2) * 0x1.921fb54442d18p+1, sine, cosine);
    return (int)quarters & 3;
}

double dse_math_sin_pi(double x) {
    double s, c;
    int quarter = split_turns(x, &s, &c);
    return quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
}

double dse_math_cos_pi(double x) {
    double s, c;
    int quarter = split_turns(x, &s, &c);
    return quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}
