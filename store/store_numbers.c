/* Numbers and strings as JSON, so that readers of the database can use SQLite's json_each. */
#include "store/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store__print_integers(const int64_t *values, int n, int stride, struct dse_buf *out) {
    dse_buf_puts(out, "[");
    for (int i = 0; i < n; i++)
        dse_buf_printf(out, i > 0 ? ",%" PRId64 : "%" PRId64, values[(size_t)i * (size_t)stride]);
    dse_buf_puts(out, "]");
}

void store__print_real(double value, struct dse_buf *out) {
    char text[DSE_NUMBER_SIZE];
    dse_assert(!isnan(value));
    if (isinf(value)) {
        dse_buf_puts(out, value > 0 ? "1e999" : "-1e999");
        return;
    }
    dse_number_print_all(value, text);
    dse_buf_puts(out, text);
}

void store__print_reals(const double *values, int n, struct dse_buf *out) {
    dse_buf_puts(out, "[");
    for (int i = 0; i < n; i++) {
        if (i > 0)
            dse_buf_puts(out, ",");
        store__print_real(values[i], out);
    }
    dse_buf_puts(out, "]");
}

void store__print_string(const char *text, struct dse_buf *out) {
    dse_buf_puts(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            dse_buf_printf(out, "\\%c", byte);
        else if (byte == '\n')
            dse_buf_puts(out, "\\n");
        else if (byte < 0x20)
            dse_buf_printf(out, "\\u%04x", byte);
        else
            dse_buf_append(out, text, 1);
    }
    dse_buf_puts(out, "\"");
}

/* Reads what stands at text into place i of items; its end, or NULL when there is none. */
typedef const char *read_item(const char *text, void *items, int i);

static const char *read_integer(const char *text, void *values, int i) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || errno != 0)
        return NULL;
    ((int64_t *)values)[i] = value;
    return end;
}

static const char *read_real(const char *text, void *values, int i) {
    const char *end;
    double value = dse_number_read(text, &end);
    if (end == text || isnan(value))
        return NULL;
    ((double *)values)[i] = value;
    return end;
}

static bool parse_array(const char *text, void *items, int limit, read_item *read, int *n) {
    int count = 0;
    if (*text++ != '[')
        return false;
    while (*text != ']') {
        if (count == limit || (count > 0 && *text++ != ','))
            return false;
        text = read(text, items, count);
        if (text == NULL)
            return false;
        count++;
    }
    *n = count;
    return text[1] == '\0';
}

bool store__parse_integers(const char *text, int64_t *values, int limit, int *n) {
    return parse_array(text, values, limit, read_integer, n);
}

bool store__parse_reals(const char *text, double *values, int limit, int *n) {
    return parse_array(text, values, limit, read_real, n);
}

/* The character behind a backslash at text, as store__print_string writes it; NULL: none. */
static const char *read_escape(const char *text, char *byte) {
    unsigned code;
    int length = 0;
    if (*text == '"' || *text == '\\')
        *byte = *text;
    else if (*text == 'n')
        *byte = '\n';
    else if (sscanf(text, "u%4x%n", &code, &length) == 1 && length == 5 && code > 0 && code < 0x20)
        *byte = (char)code;
    else
        return NULL;
    return text + (length > 0 ? length : 1);
}

/* Strings, and where the next one will stand. */
struct strings {
    const char **items;
    char *storage;
};

/* One string in quotes, without them into the storage. */
static const char *read_string(const char *text, void *items, int i) {
    struct strings *strings = items;
    strings->items[i] = strings->storage;
    if (*text++ != '"')
        return NULL;
    while (*text != '"') {
        if (*text == '\0')
            return NULL;
        if (*text != '\\') {
            *strings->storage++ = *text++;
            continue;
        }
        text = read_escape(text + 1, strings->storage++);
        if (text == NULL)
            return NULL;
    }
    *strings->storage++ = '\0';
    return text + 1;
}

bool store__parse_strings(const char *text, char *storage, const char **strings, int limit,
                          int *n) {
    struct strings target = {strings, storage};
    return parse_array(text, &target, limit, read_string, n);
}
