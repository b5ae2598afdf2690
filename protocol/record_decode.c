/* Records from a tree of JSON, driven by the tables. */
#include "protocol/protocol_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- errors that name their place ---- */

static void append_place(const struct protocol__place *place, char *out, size_t size) {
    if (place->parent != NULL)
        append_place(place->parent, out, size);
    size_t used = strlen(out);
    if (place->name == NULL)
        (void)snprintf(out + used, size - used, "[%d]", place->index);
    else
        (void)snprintf(out + used, size - used, "%s%s", used > 0 ? "." : "", place->name);
}

enum dse_status protocol__fail_at(const struct protocol__reader *reader,
                                  const struct protocol__place *place, const char *text) {
    char path[256] = "";
    append_place(place, path, sizeof path);
    DSE_FAIL(reader->err, DSE_PROTOCOL, "%s: %s", path, text);
}

static enum dse_status fail_memory(const struct protocol__reader *reader) {
    DSE_FAIL(reader->err, DSE_NO_MEMORY, "out of memory for a message");
}

/* ---- values ---- */

enum dse_status protocol__read_integer(const struct protocol__reader *reader, const json_t *value,
                                       const struct protocol__place *place, int64_t *out) {
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return DSE_OK;
    }
    if (reader->has_huge_integer && json_is_real(value)) {
        /* Every number was read as a real; the message fails in any case, but not here. */
        double number = json_real_value(value);
        if (fabs(number) >= 0x1p63)
            return protocol__fail_at(reader, place, "does not fit a 64-bit integer");
        if (number == floor(number)) {
            *out = (int64_t)number;
            return DSE_OK;
        }
    }
    return protocol__fail_at(reader, place, "expected an integer");
}

enum dse_status protocol__read_string(const struct protocol__reader *reader, const json_t *value,
                                      const struct protocol__place *place, const char **out) {
    if (!json_is_string(value))
        return protocol__fail_at(reader, place, "expected a string");
    const char *text =
        dse_arena_strndup(reader->arena, json_string_value(value), json_string_length(value));
    if (text == NULL)
        return fail_memory(reader);
    *out = text;
    return DSE_OK;
}

static enum dse_status read_real(const struct protocol__reader *reader, const json_t *value,
                                 const struct protocol__place *place, double *out) {
    if (!json_is_number(value) && !json_is_null(value))
        return protocol__fail_at(reader, place, "expected a number");
    *out = json_is_null(value) ? (double)NAN : json_number_value(value);
    return DSE_OK;
}

static enum dse_status read_bool(const struct protocol__reader *reader, const json_t *value,
                                 const struct protocol__place *place, bool *out) {
    if (!json_is_boolean(value))
        return protocol__fail_at(reader, place, "expected true or false");
    *out = json_is_true(value);
    return DSE_OK;
}

static enum dse_status read_fields(const struct protocol__reader *reader, enum dse_record which,
                                   const json_t *value, const struct protocol__place *place,
                                   char *out);

/* One value into an array or a struct. */
static enum dse_status read_value(const struct protocol__reader *reader,
                                  const struct protocol__layout *layout, const json_t *value,
                                  const struct protocol__place *place, void *out) {
    switch (layout->kind) {
    case KIND_STR:
        return protocol__read_string(reader, value, place, out);
    case KIND_INT:
        return protocol__read_integer(reader, value, place, out);
    case KIND_REAL:
        return read_real(reader, value, place, out);
    case KIND_BOOL:
        return read_bool(reader, value, place, out);
    case KIND_REC:
        return read_fields(reader, layout->record, value, place, out);
    }
    DSE_FAIL(reader->err, DSE_INTERNAL, "unknown kind of field");
}

/* ---- members: what lies in a struct ---- */

static const char *array_expected(enum protocol__kind kind) {
    static const char *const texts[] = {
        [KIND_STR] = "expected an array of strings",
        [KIND_INT] = "expected an array of integers",
        [KIND_REAL] = "expected an array of numbers",
        [KIND_BOOL] = "expected an array of true or false",
        [KIND_REC] = "expected an array of objects",
    };
    return texts[kind];
}

static enum dse_status read_array(const struct protocol__reader *reader,
                                  const struct protocol__layout *layout, const json_t *value,
                                  const struct protocol__place *place, char *record) {
    if (!json_is_array(value))
        return protocol__fail_at(reader, place, array_expected(layout->kind));
    size_t n = json_array_size(value);
    size_t bytes = protocol__value_bytes(layout);
    if (n == 0)
        return DSE_OK;
    if (n > INT32_MAX)
        return protocol__fail_at(reader, place, "too many elements");
    char *elements = dse_arena_alloc(reader->arena, n, bytes);
    if (elements == NULL)
        return fail_memory(reader);
    for (size_t i = 0; i < n; i++) {
        struct protocol__place element = {.parent = place, .index = (int)i};
        DSE_TRY(
            read_value(reader, layout, json_array_get(value, i), &element, elements + i * bytes));
    }
    *(const void **)(record + layout->offset) = elements;
    *(int *)(record + layout->count_offset) = (int)n;
    return DSE_OK;
}

static enum dse_status read_member(const struct protocol__reader *reader,
                                   const struct protocol__layout *layout, const json_t *value,
                                   const struct protocol__place *place, char *record) {
    if (layout->is_array)
        return read_array(reader, layout, value, place, record);
    if (layout->kind != KIND_REC)
        return read_value(reader, layout, value, place, record + layout->offset);
    return protocol__read_record(reader, layout->record, value, place,
                                 (const void **)(record + layout->offset));
}

static enum dse_status read_fields(const struct protocol__reader *reader, enum dse_record which,
                                   const json_t *value, const struct protocol__place *place,
                                   char *out) {
    int n_fields;
    const struct dse_field_info *fields = dse_record_fields(which, &n_fields);
    const struct protocol__layout *layouts = protocol__record_layouts(which);
    if (value != NULL && !json_is_object(value))
        return protocol__fail_at(reader, place, "expected an object");
    for (int i = 0; i < n_fields; i++) {
        struct protocol__place member = {.parent = place, .name = fields[i].name};
        const json_t *part = json_object_get(value, fields[i].name);
        if (part == NULL && fields[i].required)
            return protocol__fail_at(reader, &member, "missing");
        if (part != NULL)
            DSE_TRY(read_member(reader, &layouts[i], part, &member, out));
    }
    return DSE_OK;
}

/* ---- whole records ---- */

enum dse_status protocol__read_record(const struct protocol__reader *reader, enum dse_record which,
                                      const json_t *value, const struct protocol__place *place,
                                      const void **record) {
    void *block = dse_arena_alloc(reader->arena, 1, protocol__record_bytes(which));
    if (block == NULL)
        return fail_memory(reader);
    DSE_TRY(read_fields(reader, which, value, place, block));
    *record = block;
    return DSE_OK;
}

enum dse_status protocol__refuse_huge_integer(const struct protocol__reader *reader) {
    if (reader->has_huge_integer)
        DSE_FAIL(reader->err, DSE_PROTOCOL, "an integer does not fit 64 bits");
    return DSE_OK;
}

static enum dse_status read_whole(const struct protocol__reader *reader, enum dse_record which,
                                  const json_t *root, void *record) {
    struct protocol__place place = {.name = dse_record_name(which)};
    const void *decoded = NULL;
    DSE_TRY(protocol__read_record(reader, which, root, &place, &decoded));
    DSE_TRY(protocol__refuse_huge_integer(reader));
    memcpy(record, decoded, protocol__record_bytes(which));
    return DSE_OK;
}

enum dse_status dse_record_decode(enum dse_record which, const char *text, size_t length,
                                  struct dse_arena *arena, void *record, struct dse_err *err) {
    struct protocol__json json = {0};
    enum dse_status status = protocol__json_load(text, length, DSE_TRUSTED_LINE_MAX, &json, err);
    if (status == DSE_OK) {
        struct protocol__reader reader = {arena, json.has_huge_integer, err};
        status = read_whole(&reader, which, json.root, record);
    }
    protocol__json_fini(&json);
    return status;
}
