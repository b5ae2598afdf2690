/* Numbers, times and strangers' text for people. */
#include "client/client.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

const char *client__printf(struct dse_arena *arena, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = length < 0 ? NULL : dse_arena_alloc(arena, (size_t)length + 1, 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)length + 1, fmt, again);
    va_end(again);
    return text == NULL ? "?" : text;
}

/* C0 and C1 controls and DEL; C1 is U+0080..U+009F, two bytes from 0xc2. */
static bool is_control(const char *text) {
    unsigned char c = (unsigned char)text[0];
    return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0);
}

const char *client__clean(struct dse_arena *arena, const char *text) {
    size_t left = strlen(text);
    char *clean = dse_arena_alloc(arena, left + 1, 1);
    if (clean == NULL)
        return "?";
    size_t used = 0;
    while (left > 0) {
        size_t n = dse_utf8_sequence(text, left);
        if (n == 0 || is_control(text)) {
            clean[used++] = '?';
            n = n == 0 ? 1 : n;
        } else {
            memcpy(clean + used, text, n);
            used += n;
        }
        text += n;
        left -= n;
    }
    clean[used] = '\0';
    return clean;
}

const char *client__count_text(struct dse_arena *arena, int64_t count) {
    char digits[24], grouped[40];
    (void)snprintf(digits, sizeof digits, "%llu",
                   count < 0 ? 0 - (unsigned long long)count : (unsigned long long)count);
    size_t n = strlen(digits), used = 0;
    if (count < 0)
        grouped[used++] = '-';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            grouped[used++] = ',';
        grouped[used++] = digits[i];
    }
    grouped[used] = '\0';
    return client__printf(arena, "%s", grouped);
}

const char *client__duration_text(struct dse_arena *arena, double seconds) {
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    if (!(seconds >= 0) || seconds > 1e12)
        return "?";
    long long s = (long long)ceil(seconds);
    if (s < MINUTE)
        return client__printf(arena, "%lld s", s);
    if (s < HOUR)
        return client__printf(arena, "%lld min %02lld s", s / MINUTE, s % MINUTE);
    if (s < DAY)
        return client__printf(arena, "%lld h %02lld min", s / HOUR, s % HOUR / MINUTE);
    return client__printf(arena, "%lld d %lld h", s / DAY, s % DAY / HOUR);
}

const char *client__date_text(struct dse_arena *arena, int64_t wall_ms) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    char text[64];
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local) == 0)
        return "?";
    return client__printf(arena, "%s", text);
}

/* The character that text[0..n) is; n from dse_utf8_sequence. */
static wchar_t decode(const char *text, size_t n) {
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned long c = (unsigned char)text[0] & first_bits[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)text[i] & 0x3f);
    return (wchar_t)c;
}

/* Bytes and columns of the first character. */
static size_t measure_character(const char *text, size_t left, int *columns) {
    size_t n = dse_utf8_sequence(text, left);
    int width = n == 0 ? 1 : wcwidth(decode(text, n));
    *columns = width < 0 ? 1 : width; /* the C locale knows no width of foreign letters */
    return n == 0 ? 1 : n;
}

size_t client__text_fit(const char *text, int width) {
    size_t length = strlen(text), used = 0;
    while (used < length) {
        int columns;
        size_t n = measure_character(text + used, length - used, &columns);
        if (columns > width)
            break;
        width -= columns;
        used += n;
    }
    return used;
}

int client__text_width(const char *text) {
    size_t left = strlen(text);
    int width = 0;
    while (left > 0) {
        int columns;
        size_t n = measure_character(text, left, &columns);
        width += columns;
        text += n;
        left -= n;
    }
    return width;
}
