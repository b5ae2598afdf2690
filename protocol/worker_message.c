/* Messages between daemon and worker: a record with the name of the message in front. */
#include "protocol/protocol_internal.h"

#include <string.h>

static const struct {
    const char *name;
    enum dse_record record;
} messages[] = {
#define X(name, record, from, help) {#name, DSE_RECORD_##record},
    DSE_WORKER_MESSAGE_TABLE(X)
#undef X
};

enum dse_status dse_worker_write(enum dse_worker_message message, const void *record,
                                 struct dse_buf *out, struct dse_err *err) {
    dse_assert((unsigned)message < DSE_WORKER_MESSAGE_COUNT);
    size_t start = out->size;
    dse_buf_printf(out, "{\"message\":\"%s\"", messages[message].name);
    enum dse_status status =
        protocol__write_fields(messages[message].record, record, false, out, err);
    dse_buf_puts(out, "}");
    return protocol__end_line(status, start, DSE_TRUSTED_LINE_MAX, out, err);
}

static enum dse_status find_message(const struct protocol__reader *reader, const json_t *root,
                                    int *message) {
    static const struct protocol__place place = {.name = "message"};
    if (!json_is_object(root))
        DSE_FAIL(reader->err, DSE_PROTOCOL, "expected an object");
    const json_t *name = json_object_get(root, "message");
    if (!json_is_string(name))
        return protocol__fail_at(reader, &place, name == NULL ? "missing" : "expected a string");
    for (int i = 0; i < DSE_WORKER_MESSAGE_COUNT; i++)
        if (strcmp(messages[i].name, json_string_value(name)) == 0) {
            *message = i;
            return DSE_OK;
        }
    DSE_FAIL(reader->err, DSE_PROTOCOL, "no worker message is called \"%.40s\"",
             json_string_value(name));
}

static enum dse_status read_message(const struct protocol__reader *reader, const json_t *root,
                                    enum dse_worker_message *message, const void **record) {
    int found = 0;
    const void *decoded;
    DSE_TRY(find_message(reader, root, &found));
    struct protocol__place place = {.name = messages[found].name};
    DSE_TRY(protocol__read_record(reader, messages[found].record, root, &place, &decoded));
    DSE_TRY(protocol__refuse_huge_integer(reader));
    *message = (enum dse_worker_message)found;
    *record = decoded;
    return DSE_OK;
}

enum dse_status dse_worker_read(const char *line, size_t length, struct dse_arena *arena,
                                enum dse_worker_message *message, const void **record,
                                struct dse_err *err) {
    struct protocol__json json = {0};
    enum dse_status status = protocol__json_load(line, length, DSE_TRUSTED_LINE_MAX, &json, err);
    if (status == DSE_OK) {
        struct protocol__reader reader = {arena, json.has_huge_integer, err};
        status = read_message(&reader, json.root, message, record);
    }
    protocol__json_fini(&json);
    return status;
}
