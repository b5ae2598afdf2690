/* protocol: what client, daemon and worker say to each other. Records (records.h) to and from JSON,
 * JSON-RPC 2.0 envelopes for clients, typed envelopes for workers, one message a line.
 *
 * The room knows texts only: sockets and pipes belong to the programs. Received text is data of a
 * stranger: every function here refuses malformed input with PROTOCOL and a reason. */
#ifndef DSE_PROTOCOL_H
#define DSE_PROTOCOL_H

#include "base/base.h"
#include "protocol/records.h"

/* Longest line accepted from a client and from a worker or the daemon. */
enum { DSE_CLIENT_LINE_MAX = 1 << 20, DSE_TRUSTED_LINE_MAX = 64 << 20 };

/* ---- records as structs: struct dse_msg_<record> ------------------------------------------ */

#define DSE_MEMBER_STR(type, name)  const char *name;
#define DSE_MEMBER_INT(type, name)  int64_t name;
#define DSE_MEMBER_REAL(type, name) double name;
#define DSE_MEMBER_BOOL(type, name) bool name;
#define DSE_MEMBER_STRS(type, name) \
    const char *const *name;        \
    int name##_n;
#define DSE_MEMBER_INTS(type, name) \
    const int64_t *name;            \
    int name##_n;
#define DSE_MEMBER_REALS(type, name) \
    const double *name;              \
    int name##_n;
#define DSE_MEMBER_REC(type, name) const struct dse_msg_##type *name;
#define DSE_MEMBER_RECS(type, name)    \
    const struct dse_msg_##type *name; \
    int name##_n;
#define DSE_MEMBER(presence, kind, type, name, help) DSE_MEMBER_##kind(type, name)
#define X(record)                                         \
    struct dse_msg_##record {                             \
        DSE_FIELDS_##record(DSE_MEMBER) char dse_unused_; \
    };
DSE_RECORD_TABLE(X)
#undef X

enum dse_record {
#define X(record) DSE_RECORD_##record,
    DSE_RECORD_TABLE(X)
#undef X
        DSE_RECORD_COUNT
};

enum dse_method {
#define X(method, params, result, help) DSE_METHOD_##method,
    DSE_METHOD_TABLE(X)
#undef X
        DSE_METHOD_COUNT
};

enum dse_worker_message {
#define X(name, record, from, help) DSE_WORKER_##name,
    DSE_WORKER_MESSAGE_TABLE(X)
#undef X
        DSE_WORKER_MESSAGE_COUNT
};

const char *dse_method_name(enum dse_method method);
enum dse_record dse_method_params(enum dse_method method);
enum dse_record dse_method_result(enum dse_method method);
/* By name; DSE_METHOD_COUNT when there is none. */
enum dse_method dse_method_find(const char *name);

/* ---- records as JSON ---------------------------------------------------------------------- */

/* The record as one JSON object without newlines, appended; fields in table order, absent OPT
 * fields left out, reals with 17 significant digits (non-finite ones as null). record points to
 * its struct dse_msg_... */
DSE_MUST_USE enum dse_status dse_record_encode(enum dse_record which, const void *record,
                                               struct dse_buf *out, struct dse_err *err);
/* Reads text[0..length) into *record. Strings and arrays live in the arena. Unknown fields are
 * ignored; a missing REQ field or a wrong type is PROTOCOL, naming the field. A null real is NaN.
 * On failure *record is untouched. */
DSE_MUST_USE enum dse_status dse_record_decode(enum dse_record which, const char *text,
                                               size_t length, struct dse_arena *arena, void *record,
                                               struct dse_err *err);

/* ---- JSON-RPC 2.0 between client and daemon ----------------------------------------------- */

/* Each writer appends one line with its newline. */
DSE_MUST_USE enum dse_status dse_rpc_write_request(int64_t id, enum dse_method method,
                                                   const void *params, struct dse_buf *out,
                                                   struct dse_err *err);
DSE_MUST_USE enum dse_status dse_rpc_write_result(int64_t id, enum dse_method method,
                                                  const void *result, struct dse_buf *out,
                                                  struct dse_err *err);
DSE_MUST_USE enum dse_status dse_rpc_write_progress(const struct dse_msg_sweep *sweep,
                                                    struct dse_buf *out, struct dse_err *err);
/* JSON-RPC's own error codes. */
enum dse_rpc_code {
    DSE_RPC_NOT_JSON = -32700,
    DSE_RPC_NOT_A_REQUEST = -32600,
    DSE_RPC_NO_SUCH_METHOD = -32601,
    DSE_RPC_BAD_PARAMS = -32602,
};
/* Our own: -32000 - status. */
int dse_rpc_code_of(enum dse_status status);
/* An error reply; its message is why with its place. rpc_code is dse_rpc_code_of or one of JSON-
 * RPC's. errors may be NULL; id < 0 is written null. */
DSE_MUST_USE enum dse_status dse_rpc_write_error(int64_t id, int rpc_code,
                                                 const struct dse_err *why,
                                                 const char *const *errors, int errors_n,
                                                 struct dse_buf *out, struct dse_err *err);

/* A request as the daemon reads it. id is -1 where it could not be read; on failure *rpc_code is
 * the error code to answer with and request->id is set too, nothing else. params is the method's
 * decoded record, in the arena; a request without params is read as one with {}. */
struct dse_rpc_request {
    int64_t id;
    enum dse_method method;
    const void *params;
};
DSE_MUST_USE enum dse_status dse_rpc_read_request(const char *line, size_t length,
                                                  struct dse_arena *arena,
                                                  struct dse_rpc_request *request, int *rpc_code,
                                                  struct dse_err *err);

/* A message as the client reads it: a reply, an error reply, or an event. */
enum dse_rpc_kind { DSE_RPC_RESULT, DSE_RPC_ERROR, DSE_RPC_PROGRESS };
struct dse_rpc_reply {
    enum dse_rpc_kind kind;
    int64_t id;
    const void *result;                   /* RESULT: the record of expected; in the arena */
    const char *result_json;              /* RESULT, PROGRESS: the object as one line of JSON */
    const struct dse_msg_sweep *progress; /* PROGRESS */
    enum dse_status status;               /* ERROR */
    const char *message;                  /* ERROR */
    const char *const *errors;            /* ERROR: every error of the input */
    int errors_n;
};
DSE_MUST_USE enum dse_status dse_rpc_read_reply(const char *line, size_t length,
                                                enum dse_method expected, struct dse_arena *arena,
                                                struct dse_rpc_reply *reply, struct dse_err *err);

/* ---- messages between daemon and worker --------------------------------------------------- */

/* One line {"message":"...", ...record}, with its newline, appended. */
DSE_MUST_USE enum dse_status dse_worker_write(enum dse_worker_message message, const void *record,
                                              struct dse_buf *out, struct dse_err *err);
/* *record is the message's decoded record, in the arena. */
DSE_MUST_USE enum dse_status dse_worker_read(const char *line, size_t length,
                                             struct dse_arena *arena,
                                             enum dse_worker_message *message, const void **record,
                                             struct dse_err *err);

/* ---- the tables, for documents and tests -------------------------------------------------- */

struct dse_field_info {
    const char *name;
    const char *kind; /* "STR" ... */
    const char *type; /* record of REC and RECS, else "_" */
    const char *help;
    bool required;
};
const char *dse_record_name(enum dse_record which);
const struct dse_field_info *dse_record_fields(enum dse_record which, int *n_fields);
/* daemon/PROTOCOL.md's generated part: every method, event, message and record as Markdown. */
DSE_MUST_USE enum dse_status dse_protocol_describe(struct dse_buf *out, struct dse_err *err);

/* ---- answers of a user's program ---------------------------------------------------------- */

enum { DSE_VALUES_TEXT_MAX = 1 << 20 };
struct dse_named_value {
    const char *name;
    double value;
};
struct dse_named_values {
    struct dse_named_value *items; /* by name */
    int n;
    const char *error; /* the text member "error"; NULL: none */
};
/* Reads a JSON object: its numbers, and its member "error" where that is a text; other members are
 * passed over. Everything lives in the arena. PROTOCOL: not a JSON object, a name twice. */
DSE_MUST_USE enum dse_status dse_named_values_read(const char *text, size_t length,
                                                   struct dse_arena *arena,
                                                   struct dse_named_values *values,
                                                   struct dse_err *err);

/* ---- the daemon's log file ---- */

/* In the state directory; the older files are DSE_LOG_FILE.1 (the last before) and so on. */
#define DSE_LOG_FILE "log.jsonl"
enum {
    DSE_LOG_FILE_BYTES = 4 << 20, /* a file that would grow beyond becomes an older one */
    DSE_LOG_OLDER_FILES = 4,
    DSE_LOG_LINE_MAX = 64 * 1024,
};
struct dse_log_line {
    const char *time; /* "2026-11-22T04:00:00.000Z"; compares as text */
    const char *level, *room, *event;
    int64_t sweep;    /* 0: about none */
    const char *rest; /* the other fields, as key=value key="text" */
};
/* Texts live in the arena. PROTOCOL, INVALID: not a line of the log. */
DSE_MUST_USE enum dse_status dse_log_line_read(const char *text, size_t length,
                                               struct dse_arena *arena, struct dse_log_line *line,
                                               struct dse_err *err);

#endif
