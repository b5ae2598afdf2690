/* Characters, numbers and quoting. */
#include "workloads/workloads_internal.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool workloads__yaml_printable(uint32_t code) {
    return code == 0x09 || code == 0x0a || code == 0x0d || (code >= 0x20 && code <= 0x7e) ||
           code == 0x85 || (code >= 0xa0 && code <= 0xd7ff) ||
           (code >= 0xe000 && code <= 0xfffd && code != 0xfeff) || code >= 0x10000;
}

bool workloads__is_one_line(const char *text) {
    uint32_t code = 0;
    for (size_t length = strlen(text); length > 0;) {
        size_t n = dse_utf8_next(text, length, &code);
        if (n == 0 || dse_utf8_is_control(code))
            return false;
        text += n;
        length -= n;
    }
    return true;
}

void workloads__copy_cut(const char *text, char *out, size_t size) {
    size_t length = strlen(text), used = 0;
    uint32_t code;
    while (used < length) {
        size_t n = dse_utf8_next(text + used, length - used, &code);
        n = n > 0 ? n : 1;
        if (used + n >= size)
            break;
        used += n;
    }
    memcpy(out, text, used);
    out[used] = '\0';
}

const char *workloads__quote(const char *text, char *out, size_t size) {
    enum { FRAME = sizeof "'...'" };
    size_t length = strlen(text), used = 0;
    out[used++] = '\'';
    uint32_t code = 0;
    for (size_t i = 0; i < length;) {
        size_t n = dse_utf8_next(text + i, length - i, &code);
        bool shown = n > 0 && code >= 0x20 && workloads__yaml_printable(code) && code != 0x85;
        size_t bytes = n > 0 ? n : 1;
        if (used + bytes + FRAME > size) {
            (void)snprintf(out + used, size - used, "...'");
            return out;
        }
        if (shown)
            memcpy(out + used, text + i, bytes);
        else
            out[used] = '?';
        used += shown ? bytes : 1;
        i += bytes;
    }
    (void)snprintf(out + used, size - used, "'");
    return out;
}

/* ---- numbers ---- */

static const char *skip_digits(const char *text) {
    while (isdigit((unsigned char)*text))
        text++;
    return text;
}

static bool starts_with_needless_zero(const char *digits) {
    return digits[0] == '0' && isdigit((unsigned char)digits[1]);
}

bool workloads__read_whole(const char *text, int64_t *value) {
    const char *digits = text + (*text == '-' || *text == '+');
    if (skip_digits(digits) == digits || *skip_digits(digits) != '\0' ||
        starts_with_needless_zero(digits))
        return false;
    *value = strtoll(text, NULL, 10);
    return true;
}

static bool looks_like_a_real(const char *text) {
    const char *digits = text + (*text == '-' || *text == '+');
    const char *end = skip_digits(digits);
    ptrdiff_t n = end - digits;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        n += end - fraction;
    }
    if (n == 0 || starts_with_needless_zero(digits))
        return false;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(exponent);
        if (end == exponent)
            return false;
    }
    return *end == '\0';
}

/* The calling thread's locale decides what a decimal point is; these two functions are called with
 * the C locale in force. */
static locale_t enter_c_locale(locale_t *c) {
    *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *c == (locale_t)0 ? (locale_t)0 : uselocale(*c);
}

static void leave_c_locale(locale_t c, locale_t before) {
    if (c == (locale_t)0)
        return;
    (void)uselocale(before);
    freelocale(c);
}

bool workloads__read_real(const char *text, double *value) {
    if (!looks_like_a_real(text))
        return false;
    locale_t c, before = enter_c_locale(&c);
    double read = strtod(text, NULL);
    leave_c_locale(c, before);
    if (!isfinite(read))
        return false;
    *value = read + 0.0; /* no negative zero: it would print and hash as another number */
    return true;
}

const char *workloads__number_text(double value, char out[WORKLOADS_NUMBER_SIZE]) {
    dse_number_print(value, out);
    return out;
}
