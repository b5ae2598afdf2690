/* What a program of the user's answers: one JSON object of numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/protocol_internal.h"

static int compare_values(const void *a, const void *b) {
    const struct dse_named_value *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static enum dse_status take_member(const char *name, const json_t *value, struct dse_arena *arena,
                                   struct dse_named_values *out, struct dse_err *err) {
    if (strcmp(name, "error") == 0 && json_is_string(value)) {
        out->error = dse_arena_strdup(arena, json_string_value(value));
        if (out->error == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for an error text");
        return DSE_OK;
    }
    if (!json_is_number(value))
        return DSE_OK; /* texts and lists are the program's own business */
    struct dse_named_value *one = &out->items[out->n++];
    one->value = json_number_value(value);
    one->name = dse_arena_strdup(arena, name);
    if (one->name == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a name");
    return DSE_OK;
}

static enum dse_status take_members(json_t *root, struct dse_arena *arena,
                                    struct dse_named_values *out, struct dse_err *err) {
    const char *name;
    json_t *value;
    if (!json_is_object(root))
        DSE_FAIL(err, DSE_PROTOCOL, "not a JSON object");
    out->items = dse_arena_alloc(arena, json_object_size(root), sizeof *out->items);
    if (out->items == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for values");
    json_object_foreach(root, name, value) DSE_TRY(take_member(name, value, arena, out, err));
    if (out->n > 0)
        qsort(out->items, (size_t)out->n, sizeof *out->items, compare_values);
    return DSE_OK;
}

enum dse_status dse_named_values_read(const char *text, size_t length, struct dse_arena *arena,
                                      struct dse_named_values *values, struct dse_err *err) {
    struct protocol__json json = {0};
    struct dse_named_values read = {0};
    enum dse_status status = protocol__json_load(text, length, DSE_VALUES_TEXT_MAX, &json, err);
    if (status == DSE_OK)
        status = take_members(json.root, arena, &read, err);
    protocol__json_fini(&json);
    if (status == DSE_OK)
        *values = read;
    return status;
}
