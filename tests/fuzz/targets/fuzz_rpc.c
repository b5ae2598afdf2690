/* Lines of strangers: a request, a reply to each method, a worker's message. What is accepted must
 * be written again in the same words, and all memory must be back. */
#include <stdlib.h>
#include <string.h>

#include "protocol/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer: something was accepted that cannot be trusted. */
static void must(bool holds) {
    if (!holds)
        abort();
}

/* first and second: two generations of the same message; they must not differ. */
static void must_be_equal(const struct dse_buf *first, const struct dse_buf *second) {
    must(first->size == second->size && memcmp(first->data, second->data, first->size) == 0);
}

static void read_request(const char *line, size_t size) {
    struct dse_arena arena = {0};
    struct dse_buf first = {0}, second = {0};
    struct dse_rpc_request request, again;
    int code = 0;
    struct dse_err err = {0};
    if (dse_rpc_read_request(line, size, &arena, &request, &code, &err) == DSE_OK) {
        must(request.id >= 0 && request.method < DSE_METHOD_COUNT);
        /* Text that needs more escapes than it came with may exceed the limit of a line. */
        if (dse_rpc_write_request(request.id, request.method, request.params, &first, NULL) ==
            DSE_OK) {
            must(dse_rpc_read_request(first.data, first.size, &arena, &again, &code, NULL) ==
                 DSE_OK);
            must(dse_rpc_write_request(again.id, again.method, again.params, &second, NULL) ==
                 DSE_OK);
            must_be_equal(&first, &second);
        }
    } else {
        must(code != 0 && err.text[0] != '\0');
    }
    dse_buf_fini(&first);
    dse_buf_fini(&second);
    dse_arena_fini(&arena);
}

static void read_replies(const char *line, size_t size) {
    for (int method = 0; method < DSE_METHOD_COUNT; method++) {
        struct dse_arena arena = {0};
        struct dse_rpc_reply reply;
        if (dse_rpc_read_reply(line, size, (enum dse_method)method, &arena, &reply, NULL) ==
            DSE_OK) {
            must(reply.kind != DSE_RPC_RESULT ||
                 (reply.result_json[0] == '{' && strchr(reply.result_json, '\n') == NULL));
            must(reply.kind != DSE_RPC_ERROR || reply.status != DSE_OK);
        }
        dse_arena_fini(&arena);
    }
}

static void read_worker_message(const char *line, size_t size) {
    struct dse_arena arena = {0};
    struct dse_buf first = {0}, second = {0};
    enum dse_worker_message message;
    const void *record;
    if (dse_worker_read(line, size, &arena, &message, &record, NULL) == DSE_OK &&
        dse_worker_write(message, record, &first, NULL) == DSE_OK) {
        must(dse_worker_read(first.data, first.size, &arena, &message, &record, NULL) == DSE_OK);
        must(dse_worker_write(message, record, &second, NULL) == DSE_OK);
        must_be_equal(&first, &second);
    }
    dse_buf_fini(&first);
    dse_buf_fini(&second);
    dse_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *line = (const char *)data;
    size_t live = dse_alloc_live();
    read_request(line, size);
    read_replies(line, size);
    read_worker_message(line, size);
    must(dse_alloc_live() == live);
    return 0;
}
