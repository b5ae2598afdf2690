/* From bytes to an ONNX message.
 *
 * The protobuf library neither bounds the memory that a message takes (an empty sub-message of two
 * bytes becomes a structure of hundreds) nor the depth of nesting (it recurses). So the bytes are
 * walked once before, with the library's own descriptors, to bound the depth, and allocations go
 * through an account. */
#include "evaluator/graph/graph_internal.h"

#include <ctype.h>
#include <string.h>

enum { MIN_OPSET = 9 };
enum { MAX_NESTING = 32, WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* ---- the account ---- */

static void *account_alloc(void *data, size_t size) {
    struct graph__account *account = data;
    if (size > account->left_bytes) {
        account->exceeded = true;
        return NULL;
    }
    void *block = dse_arena_alloc(account->arena, 1, size);
    if (block == NULL)
        account->out_of_memory = true;
    else
        account->left_bytes -= size;
    return block;
}

/* The arena goes as a whole. */
static void account_free(void *data, void *block) {
    (void)data;
    (void)block;
}

/* A message of weights takes about its own size; one of many small nodes a multiple of it. */
static size_t memory_allowed(size_t size) {
    const size_t small = (size_t)1 << 20, large = (size_t)256 << 20;
    size_t as_small = size > SIZE_MAX / 64 - small ? SIZE_MAX : 64 * size + small;
    size_t as_large = size > SIZE_MAX / 4 - large ? SIZE_MAX : 4 * size + large;
    return as_small < as_large ? as_small : as_large;
}

/* ---- the walk ---- */

struct cursor {
    const uint8_t *at, *end;
};

static bool read_varint(struct cursor *cursor, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (cursor->at == cursor->end)
            return false;
        uint8_t byte = *cursor->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool skip_bytes(struct cursor *cursor, uint64_t n) {
    if (n > (uint64_t)(cursor->end - cursor->at))
        return false;
    cursor->at += n;
    return true;
}

/* One field's payload; content gets the bytes of a length-delimited one. */
static bool read_payload(struct cursor *cursor, unsigned wire, struct cursor *content) {
    uint64_t number;
    *content = (struct cursor){NULL, NULL};
    switch (wire) {
    case WIRE_VARINT:
        return read_varint(cursor, &number);
    case WIRE_64:
        return skip_bytes(cursor, 8);
    case WIRE_32:
        return skip_bytes(cursor, 4);
    case WIRE_BYTES:
        if (!read_varint(cursor, &number))
            return false;
        content->at = cursor->at;
        if (!skip_bytes(cursor, number))
            return false;
        content->end = cursor->at;
        return true;
    default:
        return false;
    }
}

/* Recursion is bounded by MAX_NESTING. A message given twice where one is allowed would make the
 * library merge the two; no writer does that, so it counts as broken. */
static enum dse_status check_nesting(const ProtobufCMessageDescriptor *type, struct cursor cursor,
                                     int depth, struct dse_err *err) {
    if (depth > MAX_NESTING)
        DSE_FAIL(err, DSE_UNSUPPORTED, "messages are nested more than %d deep", MAX_NESTING);
    uint64_t seen = 0;
    dse_assert(type->n_fields <= 64);
    while (cursor.at != cursor.end) {
        uint64_t tag;
        struct cursor content;
        if (!read_varint(&cursor, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX ||
            !read_payload(&cursor, tag & 7, &content))
            DSE_FAIL(err, DSE_INVALID, "broken or cut off (not a complete ONNX model)");
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if (field == NULL || field->type != PROTOBUF_C_TYPE_MESSAGE || content.at == NULL)
            continue;
        uint64_t bit = (uint64_t)1 << (field - type->fields);
        if (field->label != PROTOBUF_C_LABEL_REPEATED && (seen & bit) != 0)
            DSE_FAIL(err, DSE_INVALID, "field '%s' of %s is given twice", field->name,
                     type->short_name);
        seen |= bit;
        DSE_TRY(check_nesting(field->descriptor, content, depth + 1, err));
    }
    return DSE_OK;
}

enum dse_status graph__message_init(struct graph__message *message, const void *bytes, size_t size,
                                    struct dse_err *err) {
    *message = (struct graph__message){
        .allocator = {account_alloc, account_free, &message->account},
        .account = {.arena = &message->arena, .left_bytes = memory_allowed(size)},
    };
    const uint8_t *start = bytes;
    if (size == 0)
        DSE_FAIL(err, DSE_INVALID, "empty file");
    DSE_TRY(check_nesting(&onnx__model_proto__descriptor, (struct cursor){start, start + size}, 0,
                          err));
    message->model = onnx__model_proto__unpack(&message->allocator, size, start);
    if (message->model != NULL)
        return DSE_OK;
    if (message->account.out_of_memory)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the model");
    if (message->account.exceeded)
        DSE_FAIL(err, DSE_UNSUPPORTED, "too many small parts for a file of %zu bytes", size);
    DSE_FAIL(err, DSE_INVALID, "broken or cut off (not a complete ONNX model)");
}

void graph__message_fini(struct graph__message *message) {
    dse_arena_fini(&message->arena);
    message->model = NULL;
}

/* ---- what every reader checks ---- */

bool graph__is_default_domain(const char *domain) {
    return *graph__text(domain) == '\0' || strcmp(domain, "ai.onnx") == 0;
}

int64_t graph__opset(const Onnx__ModelProto *model) {
    int64_t opset = 0;
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (graph__is_default_domain(model->opset_import[i]->domain))
            opset = model->opset_import[i]->version;
    return opset;
}

enum dse_status graph__check_model(const Onnx__ModelProto *model, struct dse_err *err) {
    int64_t opset = graph__opset(model);
    if (model->graph == NULL)
        DSE_FAIL(err, DSE_INVALID, "not an ONNX model: it has no graph");
    if (opset < MIN_OPSET)
        DSE_FAIL(err, DSE_UNSUPPORTED, "operator set %lld; export with %d or later",
                 (long long)opset, MIN_OPSET);
    return DSE_OK;
}

void graph__clean_message(struct dse_err *err) {
    for (char *at = err == NULL ? NULL : err->text; at != NULL && *at != '\0'; at++)
        if (iscntrl((unsigned char)*at))
            *at = '?';
}
