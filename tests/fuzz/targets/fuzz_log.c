/* The daemon's log as pareto logs reads it: lines of a file that may be cut anywhere. What is
 * accepted has every field, reads the same again, and all memory must be back. */
#include <stdlib.h>
#include <string.h>

#include "protocol/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer: something was accepted that cannot be trusted. */
static void must(bool holds) {
    if (!holds)
        abort();
}

static bool is_same(const struct dse_log_line *a, const struct dse_log_line *b) {
    return strcmp(a->time, b->time) == 0 && strcmp(a->level, b->level) == 0 &&
           strcmp(a->room, b->room) == 0 && strcmp(a->event, b->event) == 0 &&
           a->sweep == b->sweep && strcmp(a->rest, b->rest) == 0;
}

static void read_line(const char *text, size_t length) {
    struct dse_arena arena = {0};
    struct dse_log_line line, again;
    struct dse_err err = {0};
    enum dse_status status = dse_log_line_read(text, length, &arena, &line, &err);
    if (status != DSE_OK) {
        must((status == DSE_PROTOCOL || status == DSE_INVALID) && err.text[0] != '\0');
    } else {
        must(line.time != NULL && line.level != NULL && line.room != NULL && line.event != NULL &&
             line.rest != NULL && length <= DSE_LOG_LINE_MAX);
        must(dse_log_line_read(text, length, &arena, &again, &err) == DSE_OK &&
             is_same(&line, &again));
        /* Cut short anywhere it is no line. */
        struct dse_err cut = {0};
        must(text[length - 1] != '}' ||
             dse_log_line_read(text, length - 1, &arena, &again, &cut) != DSE_OK);
    }
    dse_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *at = (const char *)data, *end = at + size;
    size_t live = dse_alloc_live();
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        read_line(at, (size_t)(stop - at));
        at = stop + 1;
    }
    must(dse_alloc_live() == live);
    return 0;
}
