/* JSON-RPC 2.0 between client and daemon: requests, replies, error replies, events. */
#include "protocol/protocol_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- writing ---- */

enum dse_status dse_rpc_write_request(int64_t id, enum dse_method method, const void *params,
                                      struct dse_buf *out, struct dse_err *err) {
    size_t start = out->size;
    dse_buf_printf(out,
                   "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"method\":\"%s\",\"params\":", (long long)id,
                   dse_method_name(method));
    enum dse_status status = protocol__write_record(dse_method_params(method), params, out, err);
    dse_buf_puts(out, "}");
    return protocol__end_line(status, start, DSE_CLIENT_LINE_MAX, out, err);
}

enum dse_status dse_rpc_write_result(int64_t id, enum dse_method method, const void *result,
                                     struct dse_buf *out, struct dse_err *err) {
    size_t start = out->size;
    dse_buf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":", (long long)id);
    enum dse_status status = protocol__write_record(dse_method_result(method), result, out, err);
    dse_buf_puts(out, "}");
    return protocol__end_line(status, start, DSE_TRUSTED_LINE_MAX, out, err);
}

enum dse_status dse_rpc_write_progress(const struct dse_msg_sweep *sweep, struct dse_buf *out,
                                       struct dse_err *err) {
    size_t start = out->size;
    dse_buf_puts(out, "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":");
    enum dse_status status = protocol__write_record(DSE_RECORD_sweep, sweep, out, err);
    dse_buf_puts(out, "}");
    return protocol__end_line(status, start, DSE_TRUSTED_LINE_MAX, out, err);
}

enum { OUR_CODES = -32000 };

int dse_rpc_code_of(enum dse_status status) {
    return OUR_CODES - (int)status;
}

enum dse_status dse_rpc_write_error(int64_t id, int rpc_code, const struct dse_err *why,
                                    const char *const *errors, int errors_n, struct dse_buf *out,
                                    struct dse_err *err) {
    size_t start = out->size;
    char message[sizeof why->file + sizeof why->text + 32];
    struct dse_msg_rpc_error_data data = {
        .status = dse_status_name(why->code), .errors = errors, .errors_n = errors_n};
    dse_buf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id < 0)
        dse_buf_puts(out, "null");
    else
        dse_buf_printf(out, "%lld", (long long)id);
    dse_buf_printf(out, ",\"error\":{\"code\":%d,\"message\":", rpc_code);
    protocol__write_string(dse_err_format(why, message, sizeof message), out);
    dse_buf_puts(out, ",\"data\":");
    enum dse_status status = protocol__write_record(DSE_RECORD_rpc_error_data, &data, out, err);
    dse_buf_puts(out, "}}");
    return protocol__end_line(status, start, DSE_TRUSTED_LINE_MAX, out, err);
}

/* ---- reading a request ---- */

static enum dse_status check_version(const struct protocol__reader *reader, const json_t *root) {
    const json_t *version = json_object_get(root, "jsonrpc");
    struct protocol__place place = {.name = "jsonrpc"};
    if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
        return protocol__fail_at(reader, &place, "expected \"2.0\"");
    return DSE_OK;
}

static enum dse_status check_envelope(const struct protocol__reader *reader, const json_t *root) {
    if (json_is_array(root))
        DSE_FAIL(reader->err, DSE_PROTOCOL, "batches are not supported");
    if (!json_is_object(root))
        DSE_FAIL(reader->err, DSE_PROTOCOL, "expected an object");
    return check_version(reader, root);
}

static enum dse_status read_id(const struct protocol__reader *reader, const json_t *root,
                               int64_t *id) {
    static const struct protocol__place place = {.name = "id"};
    const json_t *value = json_object_get(root, "id");
    int64_t number;
    if (value == NULL)
        return protocol__fail_at(reader, &place, "missing; every request has an integer as id");
    DSE_TRY(protocol__read_integer(reader, value, &place, &number));
    if (number < 0)
        return protocol__fail_at(reader, &place, "expected an integer from 0");
    *id = number;
    return DSE_OK;
}

static enum dse_status fail_method(const struct protocol__reader *reader, const char *name) {
    static const char *const names[] = {
#define X(method, params, result, help) #method,
        DSE_METHOD_TABLE(X)
#undef X
    };
    const char *closest = dse_word_nearest(name, names, DSE_METHOD_COUNT);
    char known[512];
    (void)dse_words_join(names, DSE_METHOD_COUNT, known, sizeof known);
    DSE_FAIL(reader->err, DSE_PROTOCOL, "no method is called \"%.40s\"%s%s%s; known are %s", name,
             closest != NULL ? " (did you mean \"" : "", closest != NULL ? closest : "",
             closest != NULL ? "\"?)" : "", known);
}

static enum dse_status read_method(const struct protocol__reader *reader, const json_t *root,
                                   enum dse_method *method, int *rpc_code) {
    static const struct protocol__place place = {.name = "method"};
    const json_t *name = json_object_get(root, "method");
    if (!json_is_string(name))
        return protocol__fail_at(reader, &place, name == NULL ? "missing" : "expected a string");
    enum dse_method found = dse_method_find(json_string_value(name));
    if (found == DSE_METHOD_COUNT) {
        *rpc_code = DSE_RPC_NO_SUCH_METHOD;
        return fail_method(reader, json_string_value(name));
    }
    *method = found;
    return DSE_OK;
}

/* Fills request step by step; on failure the caller keeps the id alone. */
static enum dse_status read_request(const struct protocol__reader *reader, const json_t *root,
                                    struct dse_rpc_request *request, int *rpc_code) {
    static const struct protocol__place place = {.name = "params"};
    *rpc_code = DSE_RPC_NOT_A_REQUEST;
    DSE_TRY(check_envelope(reader, root));
    DSE_TRY(read_id(reader, root, &request->id));
    DSE_TRY(read_method(reader, root, &request->method, rpc_code));
    *rpc_code = DSE_RPC_BAD_PARAMS;
    enum dse_record which = dse_method_params(request->method);
    DSE_TRY(protocol__read_record(reader, which, json_object_get(root, "params"), &place,
                                  &request->params));
    return protocol__refuse_huge_integer(reader);
}

enum dse_status dse_rpc_read_request(const char *line, size_t length, struct dse_arena *arena,
                                     struct dse_rpc_request *request, int *rpc_code,
                                     struct dse_err *err) {
    struct protocol__json json = {0};
    struct dse_rpc_request read = {.id = -1};
    int code = DSE_RPC_NOT_JSON;
    enum dse_status status = protocol__json_load(line, length, DSE_CLIENT_LINE_MAX, &json, err);
    if (status == DSE_OK) {
        struct protocol__reader reader = {arena, json.has_huge_integer, err};
        status = read_request(&reader, json.root, &read, &code);
    }
    protocol__json_fini(&json);
    if (status == DSE_OK) {
        *request = read;
        return DSE_OK;
    }
    request->id = read.id;
    *rpc_code = status == DSE_PROTOCOL ? code : dse_rpc_code_of(status);
    return status;
}

/* ---- reading a reply ---- */

static enum dse_status status_of_code(int64_t code) {
    int64_t status = OUR_CODES - code;
    return status > DSE_OK && status < DSE_STATUS_COUNT ? (enum dse_status)status : DSE_PROTOCOL;
}

static enum dse_status read_error(const struct protocol__reader *reader, const json_t *error,
                                  struct dse_rpc_reply *reply) {
    static const struct protocol__place place = {.name = "error"};
    static const struct protocol__place code_place = {.parent = &place, .name = "code"};
    static const struct protocol__place text_place = {.parent = &place, .name = "message"};
    static const struct protocol__place data_place = {.parent = &place, .name = "data"};
    int64_t code;
    if (!json_is_object(error))
        return protocol__fail_at(reader, &place, "expected an object");
    DSE_TRY(protocol__read_integer(reader, json_object_get(error, "code"), &code_place, &code));
    DSE_TRY(protocol__read_string(reader, json_object_get(error, "message"), &text_place,
                                  &reply->message));
    reply->kind = DSE_RPC_ERROR;
    reply->status = status_of_code(code);
    const json_t *data = json_object_get(error, "data");
    if (data != NULL) {
        const struct dse_msg_rpc_error_data *record;
        DSE_TRY(protocol__read_record(reader, DSE_RECORD_rpc_error_data, data, &data_place,
                                      (const void **)&record));
        reply->errors = record->errors;
        reply->errors_n = record->errors_n;
    }
    return DSE_OK;
}

static enum dse_status read_event(const struct protocol__reader *reader, const json_t *root,
                                  struct dse_rpc_reply *reply) {
    static const struct protocol__place place = {.name = "params"};
    const char *name = json_string_value(json_object_get(root, "method"));
    const json_t *params = json_object_get(root, "params");
    if (name == NULL || strcmp(name, "progress") != 0)
        DSE_FAIL(reader->err, DSE_PROTOCOL, "no event is called \"%.40s\"",
                 name == NULL ? "" : name);
    DSE_TRY(protocol__read_record(reader, DSE_RECORD_sweep, params, &place,
                                  (const void **)&reply->progress));
    reply->kind = DSE_RPC_PROGRESS;
    return protocol__json_print(params, reader->arena, &reply->result_json, reader->err);
}

static enum dse_status read_result(const struct protocol__reader *reader, const json_t *root,
                                   enum dse_method expected, struct dse_rpc_reply *reply) {
    static const struct protocol__place place = {.name = "result"};
    const json_t *result = json_object_get(root, "result");
    if (result == NULL)
        return protocol__fail_at(reader, &place, "missing, and there is no error");
    DSE_TRY(
        protocol__read_record(reader, dse_method_result(expected), result, &place, &reply->result));
    reply->kind = DSE_RPC_RESULT;
    return protocol__json_print(result, reader->arena, &reply->result_json, reader->err);
}

static enum dse_status read_reply(const struct protocol__reader *reader, const json_t *root,
                                  enum dse_method expected, struct dse_rpc_reply *reply) {
    DSE_TRY(check_envelope(reader, root));
    const json_t *error = json_object_get(root, "error");
    if (json_object_get(root, "method") != NULL)
        DSE_TRY(read_event(reader, root, reply));
    else {
        /* An error reply has no id when the daemon could not read ours. */
        if (error == NULL || !json_is_null(json_object_get(root, "id")))
            DSE_TRY(read_id(reader, root, &reply->id));
        if (error != NULL)
            DSE_TRY(read_error(reader, error, reply));
        else
            DSE_TRY(read_result(reader, root, expected, reply));
    }
    return protocol__refuse_huge_integer(reader);
}

enum dse_status dse_rpc_read_reply(const char *line, size_t length, enum dse_method expected,
                                   struct dse_arena *arena, struct dse_rpc_reply *reply,
                                   struct dse_err *err) {
    struct protocol__json json = {0};
    struct dse_rpc_reply read = {.id = -1};
    enum dse_status status = protocol__json_load(line, length, DSE_TRUSTED_LINE_MAX, &json, err);
    if (status == DSE_OK) {
        struct protocol__reader reader = {arena, json.has_huge_integer, err};
        status = read_reply(&reader, json.root, expected, &read);
    }
    protocol__json_fini(&json);
    if (status == DSE_OK)
        *reply = read;
    return status;
}
