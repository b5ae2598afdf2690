/* The tables as Markdown, for daemon/PROTOCOL.md. */
#include "protocol/protocol_internal.h"

#include <string.h>

static void describe_methods(struct dse_buf *out) {
    dse_buf_puts(out, "## Methods\n\n| method | params | result | meaning |\n|---|---|---|---|\n");
#define X(method, params, result, help)                                                         \
    dse_buf_puts(out, "| `" #method "` | [" #params "](#" #params ") | [" #result "](#" #result \
                      ") | " help " |\n");
    DSE_METHOD_TABLE(X)
#undef X
    dse_buf_puts(out, "\n## Events\n\n| event | params | meaning |\n|---|---|---|\n");
#define X(name, record, help) \
    dse_buf_puts(out, "| `" #name "` | [" #record "](#" #record ") | " help " |\n");
    DSE_EVENT_TABLE(X)
#undef X
}

#define SENDER_WORKER "worker"
#define SENDER_DAEMON "daemon"

static void describe_worker_messages(struct dse_buf *out) {
    dse_buf_puts(out, "\n## Messages between daemon and worker\n\n"
                      "| message | sent by | record | meaning |\n|---|---|---|---|\n");
#define X(name, record, from, help)                                                             \
    dse_buf_puts(out, "| `" #name "` | " SENDER_##from " | [" #record "](#" #record ") | " help \
                                                       " |\n");
    DSE_WORKER_MESSAGE_TABLE(X)
#undef X
}

static void describe_errors(struct dse_buf *out) {
    dse_buf_puts(out, "\n## Error codes\n\n| code | status | exit status | meaning |\n"
                      "|---|---|---|---|\n");
    dse_buf_printf(out, "| %d | PROTOCOL | 9 | the line is not JSON |\n", DSE_RPC_NOT_JSON);
    dse_buf_printf(out, "| %d | PROTOCOL | 9 | the line is JSON, but not a request |\n",
                   DSE_RPC_NOT_A_REQUEST);
    dse_buf_printf(out, "| %d | PROTOCOL | 9 | no method has this name |\n",
                   DSE_RPC_NO_SUCH_METHOD);
    dse_buf_printf(out, "| %d | PROTOCOL | 9 | the params do not fit the method |\n",
                   DSE_RPC_BAD_PARAMS);
#define X(name, class, exit_status, text)                                         \
    if (DSE_##name != DSE_OK)                                                     \
        dse_buf_printf(out, "| %d | " #name " | " #exit_status " | " text " |\n", \
                       dse_rpc_code_of(DSE_##name));
    DSE_STATUS_TABLE(X)
#undef X
}

static void describe_type(const struct dse_field_info *field, struct dse_buf *out) {
    static const struct {
        const char *kind, *text;
    } kinds[] = {
        {"STR", "string"},
        {"INT", "integer"},
        {"REAL", "number"},
        {"BOOL", "true or false"},
        {"STRS", "array of strings"},
        {"INTS", "array of integers"},
        {"REALS", "array of numbers"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, field->kind) == 0)
            dse_buf_puts(out, kinds[i].text);
    if (strcmp(field->type, "_") != 0)
        dse_buf_printf(out, "%s[%s](#%s)", strcmp(field->kind, "RECS") == 0 ? "array of " : "",
                       field->type, field->type);
}

static void describe_record(enum dse_record which, struct dse_buf *out) {
    int n_fields;
    const struct dse_field_info *fields = dse_record_fields(which, &n_fields);
    dse_buf_printf(out, "\n### %s\n\n", dse_record_name(which));
    if (n_fields == 0) {
        dse_buf_puts(out, "No fields: `{}`.\n");
        return;
    }
    dse_buf_puts(out, "| field | type | required | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < n_fields; i++) {
        dse_buf_printf(out, "| `%s` | ", fields[i].name);
        describe_type(&fields[i], out);
        dse_buf_printf(out, " | %s | %s |\n", fields[i].required ? "yes" : "no", fields[i].help);
    }
}

enum dse_status dse_protocol_describe(struct dse_buf *out, struct dse_err *err) {
    size_t start = out->size;
    dse_buf_printf(out,
                   "Protocol version %d. A line of a client has at most %d bytes, one of the "
                   "daemon or of a worker at most %d.\n\n",
                   DSE_PROTOCOL_VERSION, DSE_CLIENT_LINE_MAX, DSE_TRUSTED_LINE_MAX);
    describe_methods(out);
    describe_worker_messages(out);
    describe_errors(out);
    dse_buf_puts(out, "\n## Records\n");
    for (int i = 0; i < DSE_RECORD_COUNT; i++)
        describe_record((enum dse_record)i, out);
    enum dse_status status = dse_buf_status(out, err);
    if (status != DSE_OK)
        protocol__cut(out, start);
    return status;
}
