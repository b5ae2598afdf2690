/* Doubles as the shortest decimals that read back, and back. The usual ones (1e-40 to 1e15, at most
 * 18 digits) take a short way in 64-bit arithmetic, where it can be proved that it gives what
 * printf and strtod give; all others go to those. */
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

/* Those up to 1e27 are exact, as 5^27 < 2^64; the others are off by half a unit of 64 bits at most.
 */
static const long double tens[] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L,
    1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L,
    1e26L, 1e27L, 1e28L, 1e29L, 1e30L, 1e31L, 1e32L, 1e33L, 1e34L, 1e35L, 1e36L, 1e37L, 1e38L,
    1e39L, 1e40L, 1e41L, 1e42L, 1e43L, 1e44L, 1e45L, 1e46L, 1e47L, 1e48L, 1e49L, 1e50L, 1e51L,
    1e52L, 1e53L, 1e54L, 1e55L, 1e56L, 1e57L, 1e58L, 1e59L, 1e60L};
enum { TENS_MAX = 60, READ_DIGITS_MAX = 18 };
/* TENS_MAX places behind the point are enough for 17 digits. */
static const double SHORT_WAY_LEAST = 1e-40, SHORT_WAY_END = 1e15;
enum { LEAST_FIXED_EXPONENT = -4 }; /* as %g has it */

/* Does arithmetic have the 64 bits that were compiled for? Not under valgrind, which computes in
 * doubles. */
static bool has_long_doubles(void) {
    volatile long double one = 1, small = 0x1p-60L;
    return one + small != one;
}

/* n / 10^k as a double; false: too near the middle of two doubles to be sure. */
static bool divide(uint64_t n, int k, double *x) {
    /* Divisor and quotient are off by 2^-64 of themselves each, together by two units at most. */
    long double quotient = (long double)n / tens[k];
    uint64_t mantissa;
    memcpy(&mantissa, &quotient, sizeof mantissa);
    unsigned rest = (unsigned)(mantissa & 0x7ff); /* the bits that a double has not */
    *x = (double)quotient;
    return n < 1 || rest < 0x400 - 2 || rest > 0x400 + 2;
}

/* x > 0 rounded to `digits` significant ones: *n x 10^-*k. false: not sure. */
static bool round_to_digits(double x, int digits, uint64_t *n, int *k) {
    int exponent;
    (void)frexp(x, &exponent);
    int places = digits - 1 - (int)floor((exponent - 1) * 0.30102999566398120);
    for (int tries = 0; tries < 2; tries++, places--) {
        if (places < 0 || places > TENS_MAX)
            return false;
        /* Factor and product are off by 2^-64 of themselves each; twice that, to be sure. */
        long double scaled = (long double)x * tens[places], doubt = scaled * 0x1p-62L;
        uint64_t whole = (uint64_t)scaled;
        long double rest = scaled - (long double)whole;
        if (rest > 0.5L - doubt && rest < 0.5L + doubt)
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

/* Without zeros at the end; at least one digit. */
static int write_digits(uint64_t n, char out[DSE_NUMBER_SIZE]) {
    char reversed[DSE_NUMBER_SIZE];
    int count = 0;
    while (n >= 10 && n % 10 == 0)
        n /= 10;
    do {
        reversed[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    for (int i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

static char *put_digits(char *end, const char *digits, int count) {
    memcpy(end, digits, (size_t)count);
    return end + count;
}

static char *put_zeros(char *end, int count) {
    memset(end, '0', (size_t)(count > 0 ? count : 0));
    return end + (count > 0 ? count : 0);
}

/* d.ddd x 10^exponent, the digits without zeros at the end, as %g prints it. */
static void print_decimal(const char *digits, int count, int exponent, bool negative,
                          char out[DSE_NUMBER_SIZE]) {
    char *end = out;
    if (negative)
        *end++ = '-';
    int whole = exponent < LEAST_FIXED_EXPONENT ? 1 : exponent + 1; /* digits before the point */
    if (whole <= 0) {
        end = put_zeros(put_digits(end, "0.", 2), -whole);
        end = put_digits(end, digits, count);
    } else if (count <= whole) {
        end = put_zeros(put_digits(end, digits, count), whole - count);
    } else {
        end = put_digits(end, digits, whole);
        *end++ = '.';
        end = put_digits(end, digits + whole, count - whole);
    }
    if (exponent < LEAST_FIXED_EXPONENT) {
        end = put_digits(end, "e-", 2);
        *end++ = (char)('0' + -exponent / 10);
        *end++ = (char)('0' + -exponent % 10);
    }
    *end = '\0';
}

/* n x 10^-k, of which n has so many digits. */
static void print_rounded(uint64_t n, int n_digits, int k, bool negative,
                          char out[DSE_NUMBER_SIZE]) {
    char digits[DSE_NUMBER_SIZE];
    int count = write_digits(n, digits);
    print_decimal(digits, count, n_digits - 1 - k, negative, out);
}

static bool has_short_way(double size) {
    return has_long_doubles() && size >= SHORT_WAY_LEAST && size < SHORT_WAY_END;
}

static bool print_shortly(double x, char out[DSE_NUMBER_SIZE]) {
    double size = fabs(x), again;
    if (!has_short_way(size))
        return false;
    for (int digits = FEWEST_DIGITS_TRIED; digits <= MOST_DIGITS; digits++) {
        uint64_t n;
        int k;
        if (!round_to_digits(size, digits, &n, &k) || k == 0 || !divide(n, k, &again))
            return false;
        if (again == size) {
            print_rounded(n, digits, k, x < 0, out);
            return true;
        }
    }
    return false;
}

static bool print_all_shortly(double x, char out[DSE_NUMBER_SIZE]) {
    uint64_t n;
    int k;
    if (!has_short_way(fabs(x)) || !round_to_digits(fabs(x), MOST_DIGITS, &n, &k))
        return false;
    print_rounded(n, MOST_DIGITS, k, x < 0, out);
    return true;
}

/* Behind the digits, where an e stands: only exponents that add places, up to two digits. */
static bool read_exponent(const char **at, int *places) {
    const char *next = *at + 2;
    int value = 0;
    if ((*at)[0] != 'e' || (*at)[1] != '-' || *next < '0' || *next > '9')
        return false;
    for (; *next >= '0' && *next <= '9'; next++) {
        value = value * 10 + (*next - '0');
        if (value > TENS_MAX)
            return false;
    }
    *at = next;
    *places += value;
    return *places <= TENS_MAX;
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
    if (at == text + negative || at[-1] == '.' || (*at == 'e' && !read_exponent(&at, &places)))
        return false;
    if (*at != '\0' && strchr("eExXpP.", *at) != NULL)
        return false;
    if (!has_long_doubles() || !divide(n, places, &size))
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

static bool print_all_shortly(double x, char out[DSE_NUMBER_SIZE]) {
    return print_shortly(x, out);
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
    dse_assert(false); /* 17 significant digits determine a double */
}

void dse_number_print_all(double x, char out[DSE_NUMBER_SIZE]) {
    dse_assert(isfinite(x));
    if (!print_all_shortly(x, out))
        print_slowly(x, MOST_DIGITS, out);
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
