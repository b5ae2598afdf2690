/* A line of the daemon's log file. */
#include <string.h>

#include "protocol/protocol_internal.h"

static enum dse_status copy_text(const json_t *value, struct dse_arena *arena, const char **out,
                                 struct dse_err *err) {
    *out = dse_arena_strdup(arena, json_string_value(value));
    if (*out == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a line of the log");
    return DSE_OK;
}

/* One of those that every line has; NULL: another. */
static const char **common_field(struct dse_log_line *line, const char *name) {
    const struct {
        const char *name;
        const char **place;
    } fields[] = {{"time", &line->time},
                  {"level", &line->level},
                  {"room", &line->room},
                  {"event", &line->event}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].place;
    return NULL;
}

static void append_member(const char *name, const json_t *value, struct dse_buf *rest) {
    dse_buf_printf(rest, "%s%s=", rest->size > 0 ? " " : "", name);
    if (json_is_integer(value))
        dse_buf_printf(rest, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        dse_buf_printf(rest, "\"%s\"", json_string_value(value));
    else
        dse_buf_puts(rest, "?");
}

static enum dse_status take_members(json_t *root, struct dse_arena *arena,
                                    struct dse_log_line *line, struct dse_buf *rest,
                                    struct dse_err *err) {
    const char *name;
    json_t *value;
    if (!json_is_object(root))
        DSE_FAIL(err, DSE_PROTOCOL, "not a JSON object");
    json_object_foreach(root, name, value) {
        const char **place = common_field(line, name);
        if (place != NULL && json_is_string(value)) {
            DSE_TRY(copy_text(value, arena, place, err));
            continue;
        }
        if (strcmp(name, "sweep") == 0 && json_is_integer(value))
            line->sweep = json_integer_value(value);
        append_member(name, value, rest);
    }
    if (line->time == NULL || line->level == NULL || line->room == NULL || line->event == NULL)
        DSE_FAIL(err, DSE_PROTOCOL, "not a line of the log: time, level, room or event is missing");
    line->rest = dse_arena_strdup(arena, dse_buf_text(rest));
    if (line->rest == NULL || rest->failed)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a line of the log");
    return DSE_OK;
}

enum dse_status dse_log_line_read(const char *text, size_t length, struct dse_arena *arena,
                                  struct dse_log_line *line, struct dse_err *err) {
    struct protocol__json json = {0};
    struct dse_log_line read = {0};
    struct dse_buf rest = {0};
    enum dse_status status = protocol__json_load(text, length, DSE_LOG_LINE_MAX, &json, err);
    if (status == DSE_OK)
        status = take_members(json.root, arena, &read, &rest, err);
    protocol__json_fini(&json);
    dse_buf_fini(&rest);
    if (status == DSE_OK)
        *line = read;
    return status;
}
