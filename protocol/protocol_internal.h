/* Inside protocol only: layouts of the records, JSON text in and out. */
#ifndef DSE_PROTOCOL_INTERNAL_H
#define DSE_PROTOCOL_INTERNAL_H

#include <jansson.h>

#include "protocol/protocol.h"

/* ---- layouts of records (record_table.c) -------------------------------------------------- */

enum protocol__kind { KIND_STR, KIND_INT, KIND_REAL, KIND_BOOL, KIND_REC };

/* Where a field lies in its struct. Arrays have a pointer at offset and an int at count_offset. */
struct protocol__layout {
    enum protocol__kind kind; /* of the field, or of an array's elements */
    bool is_array;
    enum dse_record record; /* of KIND_REC */
    size_t offset;
    size_t count_offset; /* arrays only */
};

/* The layouts run parallel to dse_record_fields. */
const struct protocol__layout *protocol__record_layouts(enum dse_record which);
size_t protocol__record_bytes(enum dse_record which);
/* Bytes of one value as it stands in a struct or in an array; records lie in arrays in place. */
size_t protocol__value_bytes(const struct protocol__layout *layout);

/* ---- JSON text to a tree of jansson, and back (json_text.c) ------------------------------- */

/* A tree and all the memory it stands on; {0} is empty. */
struct protocol__json {
    struct dse_arena memory;
    json_t *root;
    bool has_huge_integer; /* some integer did not fit 64 bits: every number was read as a real */
};
/* PROTOCOL: longer than limit, not JSON, nested too deep, a key twice, a 0 byte. Release with
 * _fini in any case. */
DSE_MUST_USE enum dse_status protocol__json_load(const char *text, size_t length, size_t limit,
                                                 struct protocol__json *json, struct dse_err *err);
void protocol__json_fini(struct protocol__json *json);
/* value as one line of JSON in the arena. */
DSE_MUST_USE enum dse_status protocol__json_print(const json_t *value, struct dse_arena *arena,
                                                  const char **out, struct dse_err *err);

/* ---- reading (record_decode.c) ------------------------------------------------------------ */

/* A value's place in a message, as a list that lies on the stack from the innermost outwards. */
struct protocol__place {
    const struct protocol__place *parent; /* NULL: outermost */
    const char *name;                     /* NULL: an element of parent */
    int index;
};
struct protocol__reader {
    struct dse_arena *arena; /* for everything that is decoded */
    bool has_huge_integer;   /* of the tree that is read */
    struct dse_err *err;
};
/* Fails with PROTOCOL and "outer.inner[3]: text". */
enum dse_status protocol__fail_at(const struct protocol__reader *reader,
                                  const struct protocol__place *place, const char *text);
DSE_MUST_USE enum dse_status protocol__read_integer(const struct protocol__reader *reader,
                                                    const json_t *value,
                                                    const struct protocol__place *place,
                                                    int64_t *out);
DSE_MUST_USE enum dse_status protocol__read_string(const struct protocol__reader *reader,
                                                   const json_t *value,
                                                   const struct protocol__place *place,
                                                   const char **out);
/* The record of a JSON value, allocated in the arena. NULL reads as an object without members. */
DSE_MUST_USE enum dse_status protocol__read_record(const struct protocol__reader *reader,
                                                   enum dse_record which, const json_t *value,
                                                   const struct protocol__place *place,
                                                   const void **record);

/* The last step of reading a message: an integer beyond 64 bits in a field that we do not know. */
DSE_MUST_USE enum dse_status protocol__refuse_huge_integer(const struct protocol__reader *reader);

/* ---- writing (record_encode.c) ------------------------------------------------------------ */

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD: a path with odd bytes
 * must not keep an error message from being sent. */
void protocol__write_string(const char *text, struct dse_buf *out);
/* The fields of a record without braces; first: no comma before the first one. */
DSE_MUST_USE enum dse_status protocol__write_fields(enum dse_record which, const void *record,
                                                    bool first, struct dse_buf *out,
                                                    struct dse_err *err);
/* The record with its braces. */
DSE_MUST_USE enum dse_status protocol__write_record(enum dse_record which, const void *record,
                                                    struct dse_buf *out, struct dse_err *err);
/* Ends a line that began at `start`: newline, limit. On failure out is as it was at start.
 * status is what the writers before it gave. */
DSE_MUST_USE enum dse_status protocol__end_line(enum dse_status status, size_t start, size_t limit,
                                                struct dse_buf *out, struct dse_err *err);
/* Shortens out to `size` bytes. */
void protocol__cut(struct dse_buf *out, size_t size);

#endif
