/* Records to JSON text, driven by the tables. Written straight into the buffer: a tree in between
 * would only be more memory to run out of. */
#include "protocol/protocol_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- strings ---- */

static void write_escape(unsigned char c, struct dse_buf *out) {
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *pair = letters; *pair != '\0'; pair += 2)
        if ((unsigned char)*pair == c) {
            dse_buf_printf(out, "\\%c", pair[1]);
            return;
        }
    dse_buf_printf(out, "\\u%04x", c);
}

static bool needs_escape(unsigned char c) {
    return c < 0x20 || c == '"' || c == '\\';
}

void protocol__write_string(const char *text, struct dse_buf *out) {
    size_t left = strlen(text);
    dse_buf_puts(out, "\"");
    while (left > 0) {
        size_t plain = 0; /* bytes that stand for themselves */
        size_t n = 0;
        uint32_t code;
        while (plain < left && !needs_escape((unsigned char)text[plain]) &&
               (n = dse_utf8_next(text + plain, left - plain, &code)) > 0)
            plain += n;
        dse_buf_append(out, text, plain);
        text += plain;
        left -= plain;
        if (left == 0)
            break;
        if (needs_escape((unsigned char)*text))
            write_escape((unsigned char)*text, out);
        else
            dse_buf_puts(out, "\xef\xbf\xbd");
        text++;
        left--;
    }
    dse_buf_puts(out, "\"");
}

/* ---- values ---- */

static void write_real(double value, struct dse_buf *out) {
    char text[DSE_NUMBER_SIZE];
    if (!isfinite(value)) {
        dse_buf_puts(out, "null");
        return;
    }
    dse_number_print(value, text);
    dse_buf_puts(out, value == 0 && signbit(value) ? "-0" : text);
    if (strpbrk(text, ".e") == NULL)
        dse_buf_puts(out, ".0"); /* else "-0" would be read as the integer 0 */
}

enum dse_status protocol__write_record(enum dse_record which, const void *record,
                                       struct dse_buf *out, struct dse_err *err) {
    dse_buf_puts(out, "{");
    DSE_TRY(protocol__write_fields(which, record, true, out, err));
    dse_buf_puts(out, "}");
    return DSE_OK;
}

/* place points to the value as it stands in an array, or to the member of the struct. */
static enum dse_status write_value(const struct protocol__layout *layout, const void *place,
                                   struct dse_buf *out, struct dse_err *err) {
    switch (layout->kind) {
    case KIND_STR:
        if (*(const char *const *)place == NULL)
            DSE_FAIL(err, DSE_INTERNAL, "a text is not set");
        protocol__write_string(*(const char *const *)place, out);
        return DSE_OK;
    case KIND_INT:
        dse_buf_printf(out, "%lld", (long long)*(const int64_t *)place);
        return DSE_OK;
    case KIND_REAL:
        write_real(*(const double *)place, out);
        return DSE_OK;
    case KIND_BOOL:
        dse_buf_puts(out, *(const bool *)place ? "true" : "false");
        return DSE_OK;
    case KIND_REC:
        return protocol__write_record(layout->record, place, out, err);
    }
    DSE_FAIL(err, DSE_INTERNAL, "unknown kind of field");
}

/* ---- members: what lies in a struct ---- */

static const void *pointer_at(const char *record, size_t offset) {
    return *(const void *const *)(record + offset);
}

static int count_at(const char *record, const struct protocol__layout *layout) {
    return *(const int *)(record + layout->count_offset);
}

static enum dse_status write_array(const struct protocol__layout *layout, const char *record,
                                   struct dse_buf *out, struct dse_err *err) {
    const char *elements = pointer_at(record, layout->offset);
    int n = count_at(record, layout);
    size_t bytes = protocol__value_bytes(layout);
    if (n < 0 || (n > 0 && elements == NULL))
        DSE_FAIL(err, DSE_INTERNAL, "an array of %d has no elements", n);
    dse_buf_puts(out, "[");
    for (int i = 0; i < n; i++) {
        if (i > 0)
            dse_buf_puts(out, ",");
        DSE_TRY(write_value(layout, elements + (size_t)i * bytes, out, err));
    }
    dse_buf_puts(out, "]");
    return DSE_OK;
}

static enum dse_status write_member(const struct protocol__layout *layout, const char *record,
                                    struct dse_buf *out, struct dse_err *err) {
    if (layout->is_array)
        return write_array(layout, record, out, err);
    if (layout->kind != KIND_REC)
        return write_value(layout, record + layout->offset, out, err);
    const void *part = pointer_at(record, layout->offset);
    if (part == NULL)
        DSE_FAIL(err, DSE_INTERNAL, "a record is not set");
    return write_value(layout, part, out, err);
}

static bool is_absent(const struct protocol__layout *layout, const char *record) {
    const char *member = record + layout->offset;
    if (layout->is_array)
        return count_at(record, layout) == 0;
    switch (layout->kind) {
    case KIND_INT:
        return *(const int64_t *)member == 0;
    case KIND_REAL:
        return *(const double *)member == 0 && !signbit(*(const double *)member);
    case KIND_BOOL:
        return !*(const bool *)member;
    case KIND_STR:
    case KIND_REC:
        break;
    }
    return pointer_at(record, layout->offset) == NULL;
}

enum dse_status protocol__write_fields(enum dse_record which, const void *record, bool first,
                                       struct dse_buf *out, struct dse_err *err) {
    int n_fields;
    const struct dse_field_info *fields = dse_record_fields(which, &n_fields);
    const struct protocol__layout *layouts = protocol__record_layouts(which);
    for (int i = 0; i < n_fields; i++) {
        if (!fields[i].required && is_absent(&layouts[i], record))
            continue;
        dse_buf_printf(out, "%s\"%s\":", first ? "" : ",", fields[i].name);
        first = false;
        enum dse_status status = write_member(&layouts[i], record, out, err);
        if (status != DSE_OK) {
            (void)dse_err_prefix(err, "%s.%s", dse_record_name(which), fields[i].name);
            return status;
        }
    }
    return DSE_OK;
}

/* ---- whole texts ---- */

void protocol__cut(struct dse_buf *out, size_t size) {
    dse_assert(size <= out->size);
    out->size = size;
    if (out->data != NULL)
        out->data[size] = '\0';
}

enum dse_status protocol__end_line(enum dse_status status, size_t start, size_t limit,
                                   struct dse_buf *out, struct dse_err *err) {
    dse_buf_puts(out, "\n");
    if (status == DSE_OK)
        status = dse_buf_status(out, err);
    if (status == DSE_OK && out->size - start > limit)
        status =
            dse_err_set(err, DSE_INVALID, "the message is %zu bytes long; at most %zu are accepted",
                        out->size - start, limit);
    if (status != DSE_OK)
        protocol__cut(out, start);
    return status;
}

enum dse_status dse_record_encode(enum dse_record which, const void *record, struct dse_buf *out,
                                  struct dse_err *err) {
    size_t start = out->size;
    enum dse_status status = protocol__write_record(which, record, out, err);
    if (status == DSE_OK)
        status = dse_buf_status(out, err);
    if (status != DSE_OK)
        protocol__cut(out, start);
    return status;
}
