/* JSON text to a tree of jansson and back, with all memory in an arena. */
#include "protocol/protocol_internal.h"

#include <pthread.h>
#include <setjmp.h>

/* Messages nest six deep at most; unknown fields may nest a little more. */
enum { DEPTH_MAX = 32 };

/* jansson 2.14 ignores it when the buffer of the token it is reading cannot grow, and then reads a
 * shortened token. So a failed allocation must not return to it: its memory comes from an arena,
 * and when that has none, we jump out and drop the arena. Nothing but memory is left behind. */
struct call_into_jansson {
    struct dse_arena *memory;
    jmp_buf out_of_memory;
};
static _Thread_local struct call_into_jansson *running;

static void *take_memory(size_t bytes) {
    if (running == NULL)
        return dse_alloc(1, bytes);
    void *block = dse_arena_alloc(running->memory, 1, bytes);
    if (block == NULL)
        longjmp(running->out_of_memory, 1);
    return block;
}

static void release_memory(void *block) {
    if (running == NULL)
        dse_free(block);
}

static void prepare_jansson(void) {
    json_set_alloc_funcs(take_memory, release_memory);
    json_object_seed(0); /* a random one: keys of a stranger must not be made to collide */
}

static void prepare_jansson_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare_jansson);
}

/* NULL with an empty message: out of memory. */
static json_t *load_in(struct dse_arena *memory, const char *text, size_t length, size_t flags,
                       json_error_t *why) {
    struct call_into_jansson call = {.memory = memory};
    json_t *volatile root = NULL;
    *why = (json_error_t){0};
    running = &call;
    if (setjmp(call.out_of_memory) == 0)
        root = json_loadb(text, length, flags | JSON_REJECT_DUPLICATES, why);
    running = NULL;
    return root;
}

static enum dse_status check_depth(const char *text, size_t length, struct dse_err *err) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '"')
            in_string = !in_string;
        else if (in_string && c == '\\')
            i++;
        else if (!in_string && (c == '[' || c == '{') && ++depth > DEPTH_MAX)
            DSE_FAIL(err, DSE_PROTOCOL, "not accepted: nested deeper than %d (byte %zu)", DEPTH_MAX,
                     i + 1);
        else if (!in_string && (c == ']' || c == '}'))
            depth--;
    }
    return DSE_OK;
}

enum dse_status protocol__json_load(const char *text, size_t length, size_t limit,
                                    struct protocol__json *json, struct dse_err *err) {
    json_error_t why;
    if (length > limit)
        DSE_FAIL(err, DSE_PROTOCOL, "not accepted: a message of %zu bytes; the limit is %zu",
                 length, limit);
    prepare_jansson_once();
    DSE_TRY(check_depth(text, length, err));
    json->root = load_in(&json->memory, text, length, 0, &why);
    if (json->root == NULL && json_error_code(&why) == json_error_numeric_overflow) {
        /* Read on, so that the error can name the field. */
        json_error_t ignored;
        json->root = load_in(&json->memory, text, length, JSON_DECODE_INT_AS_REAL, &ignored);
        json->has_huge_integer = json->root != NULL;
    }
    if (json->root != NULL)
        return DSE_OK;
    if (why.text[0] == '\0')
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a message of %zu bytes", length);
    if (json_error_code(&why) == json_error_null_character)
        DSE_FAIL(err, DSE_PROTOCOL, "not accepted: \\u0000 in a string (byte %d)", why.position);
    DSE_FAIL(err, DSE_PROTOCOL, "not JSON: %s (byte %d)", why.text, why.position);
}

void protocol__json_fini(struct protocol__json *json) {
    dse_arena_fini(&json->memory);
    *json = (struct protocol__json){0};
}

/* Bytes of value as text, at most size of them into out; 0: out of memory. */
static size_t print_in(struct dse_arena *memory, const json_t *value, char *out, size_t size) {
    struct call_into_jansson call = {.memory = memory};
    volatile size_t length = 0;
    running = &call;
    if (setjmp(call.out_of_memory) == 0)
        length =
            json_dumpb(value, out, size, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    running = NULL;
    return length;
}

enum dse_status protocol__json_print(const json_t *value, struct dse_arena *arena, const char **out,
                                     struct dse_err *err) {
    struct dse_arena scratch = {0};
    size_t length = print_in(&scratch, value, NULL, 0);
    char *text = length == 0 ? NULL : dse_arena_alloc(arena, length + 1, 1);
    bool printed = text != NULL && print_in(&scratch, value, text, length) == length;
    dse_arena_fini(&scratch);
    if (!printed)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu bytes of JSON", length);
    *out = text;
    return DSE_OK;
}
