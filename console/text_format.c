/* Numbers, times and strangers' text for people. */
#include "console/console.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

const char *dse_console_printf(struct dse_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *text = dse_arena_vprintf(arena, fmt, args);
    va_end(args);
    return text == NULL ? "?" : text;
}

const char *dse_console_clean(struct dse_arena *arena, const char *text) {
    size_t left = strlen(text);
    char *clean = dse_arena_alloc(arena, left + 1, 1);
    if (clean == NULL)
        return "?";
    size_t used = 0;
    while (left > 0) {
        uint32_t code;
        size_t n = dse_utf8_next(text, left, &code);
        if (n == 0 || dse_utf8_is_control(code)) {
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

const char *dse_console_count_text(struct dse_arena *arena, int64_t count) {
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
    return dse_console_printf(arena, "%s", grouped);
}

const char *dse_console_duration_text(struct dse_arena *arena, double seconds) {
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    if (!(seconds >= 0) || seconds > 1e12)
        return "?";
    long long s = (long long)ceil(seconds);
    if (s < MINUTE)
        return dse_console_printf(arena, "%lld s", s);
    if (s < HOUR)
        return dse_console_printf(arena, "%lld min %02lld s", s / MINUTE, s % MINUTE);
    if (s < DAY)
        return dse_console_printf(arena, "%lld h %02lld min", s / HOUR, s % HOUR / MINUTE);
    return dse_console_printf(arena, "%lld d %lld h", s / DAY, s % DAY / HOUR);
}

const char *dse_console_date_text(struct dse_arena *arena, int64_t wall_ms) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    char text[64];
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local) == 0)
        return "?";
    return dse_console_printf(arena, "%s", text);
}

/* Bytes and columns of the first character. */
static size_t measure_character(const char *text, size_t left, int *columns) {
    uint32_t code;
    size_t n = dse_utf8_next(text, left, &code);
    int width = n == 0 ? 1 : wcwidth((wchar_t)code);
    *columns = width < 0 ? 1 : width; /* the C locale knows no width of foreign letters */
    return n == 0 ? 1 : n;
}

size_t dse_console_text_fit(const char *text, int width) {
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

int dse_console_text_width(const char *text) {
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

void dse_console_json_string(struct dse_buf *out, const char *text) {
    size_t left = strlen(text);
    dse_buf_puts(out, "\"");
    while (left > 0) {
        uint32_t code;
        size_t n = dse_utf8_next(text, left, &code);
        if (n == 0)
            dse_buf_puts(out, "?"), n = 1;
        else if (code == '"' || code == '\\')
            dse_buf_printf(out, "\\%c", (int)code);
        else if (dse_utf8_is_control(code))
            dse_buf_printf(out, "\\u%04x", (unsigned)code);
        else
            dse_buf_append(out, text, n);
        text += n;
        left -= n;
    }
    dse_buf_puts(out, "\"");
}
