/* Doubles as the shortest decimals that read back, and back. The usual ones (1e-4 to 1e15, at most
 * 19 digits, no exponent) take a short way in 64-bit arithmetic, where it can be proved that it
 * gives what printf and strtod give; all others go to those. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum { MOST_DIGITS = 17, FEWEST_DIGITS_TRIED = DBL_DIG };
/* Whole numbers beyond are not all doubles, so digits would promise too much. */
static const double LARGEST_PRINTED_WHOLE = 0x1p53;

/* Locale-free: the C locale's point is the only one printf and strtod write and read here, as
 * programs set no other for numbers. */
static void print_slowly(double x, int digits, char out[DSE_NUMBER_SIZE]) {
    char text[2 * DSE_NUMBER_SIZE]; /* room for the digits that a compiler thinks of */
    (void)snprintf(text, sizeof text, "%.*g", digits, x);
    memcpy(out, text, DSE_NUMBER_SIZE - 1);
    out[DSE_NUMBER_SIZE - 1] = '\0';
}

#if LDBL_MANT_DIG == 64

/* 5^27 < 2^64, so these are exact. */
static const long double tens[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                   1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                   1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                   1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
enum { TENS_MAX = 27, READ_DIGITS_MAX = 18 };
static const double SHORT_WAY_LEAST = 1e-4, SHORT_WAY_END = 1e15;

/* Does arithmetic have the 64 bits that were compiled for? Not under valgrind, which computes in
 * doubles. */
static bool has_long_doubles(void) {
    volatile long double one = 1, small = 0x1p-60L;
    return one + small != one;
}

/* n / 10^k as a double; false: too near the middle of two doubles to be sure. */
static bool divide(uint64_t n, int k, double *x) {
    long double quotient = (long double)n / tens[k]; /* off by half a unit of 64 bits at most */
    uint64_t mantissa;
    memcpy(&mantissa, &quotient, sizeof mantissa);
    unsigned rest = (unsigned)(mantissa & 0x7ff); /* the bits that a double has not */
    *x = (double)quotient;
    return n < 1 || rest < 0x3ff || rest > 0x401;
}

/* x > 0 rounded to `digits` significant ones: *n x 10^-*k. false: not sure. */
static bool round_to_digits(double x, int digits, uint64_t *n, int *k) {
    int exponent;
    (void)frexp(x, &exponent);
    int places = digits - 1 - (int)floor((exponent - 1) * 0.30102999566398120);
    for (int tries = 0; tries < 2; tries++, places--) {
        if (places < 0 || places > TENS_MAX)
            return false;
        long double scaled = (long double)x * tens[places]; /* below 2^57: off by 2^-8 at most */
        uint64_t whole = (uint64_t)scaled;
        long double rest = scaled - (long double)whole;
        if (rest > 0.49L && rest < 0.51L)
            return false;
        whole += rest > 0.5L;
        if (whole < (uint64_t)tens[digits]) {
            *n = whole;
            *k = places;
            return true;
        }
    }
    return false;
}

/* n x 10^-k with 0 < k, without zeros at the end. */
static void print_fixed(uint64_t n, int k, bool negative, char out[DSE_NUMBER_SIZE]) {
    char digits[DSE_NUMBER_SIZE], *end = out;
    int count = snprintf(digits, sizeof digits, "%0*llu", k + 1, (unsigned long long)n);
    int last = count;
    while (last > count - k && digits[last - 1] == '0')
        last--;
    if (negative)
        *end++ = '-';
    memcpy(end, digits, (size_t)(count - k));
    end += count - k;
    if (last > count - k) {
        *end++ = '.';
        memcpy(end, digits + (count - k), (size_t)(last - (count - k)));
        end += last - (count - k);
    }
    *end = '\0';
}

static bool print_shortly(double x, char out[DSE_NUMBER_SIZE]) {
    double size = fabs(x), again;
    if (!has_long_doubles() || !(size >= SHORT_WAY_LEAST && size < SHORT_WAY_END))
        return false;
    for (int digits = FEWEST_DIGITS_TRIED; digits <= MOST_DIGITS; digits++) {
        uint64_t n;
        int k;
        if (!round_to_digits(size, digits, &n, &k) || k == 0 || !divide(n, k, &again))
            return false;
        if (again == size) {
            print_fixed(n, k, x < 0, out);
            return true;
        }
    }
    return false;
}

static bool read_shortly(const char *text, double *x, const char **end) {
    uint64_t n = 0;
    int digits = 0, places = 0;
    bool point = false, negative = text[0] == '-';
    const char *at = text + negative;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        n = n * 10 + (uint64_t)(*at - '0');
        digits += n > 0;
        places += point;
        if (digits > READ_DIGITS_MAX || places > TENS_MAX)
            return false;
    }
    double size;
    bool whole_text =
        at > text + negative && strchr("eExXpP.", at[0] == '\0' ? ' ' : at[0]) == NULL;
    if (!whole_text || at[-1] == '.' || !has_long_doubles() || !divide(n, places, &size))
        return false;
    *x = negative ? -size : size;
    *end = at;
    return true;
}

#else

static bool print_shortly(double x, char out[DSE_NUMBER_SIZE]) {
    (void)x;
    (void)out;
    return false;
}

static bool read_shortly(const char *text, double *x, const char **end) {
    (void)text;
    (void)x;
    (void)end;
    return false;
}

#endif

void dse_number_print(double x, char out[DSE_NUMBER_SIZE]) {
    dse_assert(isfinite(x));
    if (x == trunc(x) && fabs(x) <= LARGEST_PRINTED_WHOLE) {
        (void)snprintf(out, DSE_NUMBER_SIZE, "%lld", (long long)x); /* -0 is 0 */
        return;
    }
    if (print_shortly(x, out))
        return;
    /* A number that some decimal of at most DBL_DIG digits reads back as prints as that decimal
     * with DBL_DIG digits, without the zeros at its end; subnormal numbers have fewer. */
    for (int digits = fabs(x) < DBL_MIN ? 1 : FEWEST_DIGITS_TRIED; digits <= MOST_DIGITS;
         digits++) {
        print_slowly(x, digits, out);
        if (strtod(out, NULL) == x)
            return;
    }
    dse_assert(!"17 significant digits determine a double");
}

double dse_number_read(const char *text, const char **end) {
    double x;
    if (read_shortly(text, &x, end))
        return x;
    char *stop;
    x = strtod(text, &stop);
    *end = stop;
    return x;
}
