/* The tables of records.h as data: names, kinds and places of every field. */
#include "protocol/protocol_internal.h"

#include <string.h>

/* What a kind of records.h is made of: element, array or not. */
#define LAYOUT_STR(type, name)   KIND_STR, false, DSE_RECORD_COUNT, offsetof(self, name), 0
#define LAYOUT_INT(type, name)   KIND_INT, false, DSE_RECORD_COUNT, offsetof(self, name), 0
#define LAYOUT_REAL(type, name)  KIND_REAL, false, DSE_RECORD_COUNT, offsetof(self, name), 0
#define LAYOUT_BOOL(type, name)  KIND_BOOL, false, DSE_RECORD_COUNT, offsetof(self, name), 0
#define LAYOUT_REC(type, name)   KIND_REC, false, DSE_RECORD_##type, offsetof(self, name), 0
#define LAYOUT_ARRAY(kind, name) kind, true, DSE_RECORD_COUNT, OFFSETS(name)
#define LAYOUT_STRS(type, name)  LAYOUT_ARRAY(KIND_STR, name)
#define LAYOUT_INTS(type, name)  LAYOUT_ARRAY(KIND_INT, name)
#define LAYOUT_REALS(type, name) LAYOUT_ARRAY(KIND_REAL, name)
#define LAYOUT_RECS(type, name)  KIND_REC, true, DSE_RECORD_##type, OFFSETS(name)
#define OFFSETS(name)            offsetof(self, name), offsetof(self, name##_n)
#define REQUIRED_REQ             true
#define REQUIRED_OPT             false

#define AS_LAYOUT(presence, kind, type, name, help) {LAYOUT_##kind(type, name)},
#define AS_INFO(presence, kind, type, name, help)   {#name, #kind, #type, help, REQUIRED_##presence},

/* Both tables of every record, each ended by an empty entry so that none has size 0. The typedef
 * lets one field macro serve all records. */
struct record_entry {
    const char *name;
    size_t bytes;
    int n_fields;
    const struct protocol__layout *layouts;
    const struct dse_field_info *infos;
};

static struct record_entry entry_of(enum dse_record which) {
    switch (which) {
#define X(record)                                                                                \
    case DSE_RECORD_##record: {                                                                  \
        typedef struct dse_msg_##record self;                                                    \
        static const struct protocol__layout layouts[] = {DSE_FIELDS_##record(AS_LAYOUT){0}};    \
        static const struct dse_field_info infos[] = {DSE_FIELDS_##record(AS_INFO){0}};          \
        return (struct record_entry){#record, sizeof(self),                                      \
                                     (int)(sizeof infos / sizeof infos[0]) - 1, layouts, infos}; \
    }
        DSE_RECORD_TABLE(X)
#undef X
    default:
        dse_assert(false); /* a record of the table */
        return (struct record_entry){0};
    }
}

const char *dse_record_name(enum dse_record which) {
    return entry_of(which).name;
}

const struct dse_field_info *dse_record_fields(enum dse_record which, int *n_fields) {
    struct record_entry entry = entry_of(which);
    *n_fields = entry.n_fields;
    return entry.infos;
}

const struct protocol__layout *protocol__record_layouts(enum dse_record which) {
    return entry_of(which).layouts;
}

size_t protocol__record_bytes(enum dse_record which) {
    return entry_of(which).bytes;
}

size_t protocol__value_bytes(const struct protocol__layout *layout) {
    switch (layout->kind) {
    case KIND_STR:
        return sizeof(const char *);
    case KIND_INT:
        return sizeof(int64_t);
    case KIND_REAL:
        return sizeof(double);
    case KIND_BOOL:
        return sizeof(bool);
    case KIND_REC:
        return protocol__record_bytes(layout->record);
    }
    dse_assert(false); /* a kind of the table */
    return 0;
}

static const struct {
    const char *name;
    enum dse_record params, result;
} methods[] = {
#define X(method, params, result, help) {#method, DSE_RECORD_##params, DSE_RECORD_##result},
    DSE_METHOD_TABLE(X)
#undef X
};

const char *dse_method_name(enum dse_method method) {
    dse_assert((unsigned)method < DSE_METHOD_COUNT);
    return methods[method].name;
}

enum dse_record dse_method_params(enum dse_method method) {
    dse_assert((unsigned)method < DSE_METHOD_COUNT);
    return methods[method].params;
}

enum dse_record dse_method_result(enum dse_method method) {
    dse_assert((unsigned)method < DSE_METHOD_COUNT);
    return methods[method].result;
}

enum dse_method dse_method_find(const char *name) {
    int i = 0;
    while (i < DSE_METHOD_COUNT && strcmp(methods[i].name, name) != 0)
        i++;
    return (enum dse_method)i;
}
