/* Heap with counters, arenas, growing buffers. */
#include "base/base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_size_t live_blocks;
static atomic_long fail_countdown = -1;

static bool allocation_must_fail(void) {
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) < 0)
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 0;
}

static bool multiply_overflows(size_t count, size_t size, size_t *bytes) {
    return __builtin_mul_overflow(count, size, bytes);
}

void *dse_alloc(size_t count, size_t size) {
    size_t bytes;
    if (allocation_must_fail() || multiply_overflows(count, size, &bytes))
        return NULL;
    void *block = calloc(1, bytes == 0 ? 1 : bytes);
    if (block != NULL)
        atomic_fetch_add(&live_blocks, 1);
    return block;
}

void *dse_alloc_aligned(size_t count, size_t size) {
    enum { ALIGNMENT = 64 };
    size_t bytes;
    if (allocation_must_fail() || multiply_overflows(count, size, &bytes) ||
        bytes > SIZE_MAX - ALIGNMENT)
        return NULL;
    bytes = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *block = aligned_alloc(ALIGNMENT, bytes);
    if (block == NULL)
        return NULL;
    memset(block, 0, bytes);
    atomic_fetch_add(&live_blocks, 1);
    return block;
}

void *dse_realloc(void *block, size_t count, size_t size) {
    size_t bytes;
    if (allocation_must_fail() || multiply_overflows(count, size, &bytes))
        return NULL;
    void *grown = realloc(block, bytes == 0 ? 1 : bytes);
    if (grown != NULL && block == NULL)
        atomic_fetch_add(&live_blocks, 1);
    return grown;
}

void dse_free(void *block) {
    if (block == NULL)
        return;
    atomic_fetch_sub(&live_blocks, 1);
    free(block);
}

char *dse_strdup(const char *text) {
    return dse_strndup(text, strlen(text));
}

char *dse_strndup(const char *text, size_t length) {
    char *copy = dse_alloc(length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

size_t dse_alloc_live(void) {
    return atomic_load(&live_blocks);
}

void dse_alloc_fail_at(long n) {
    atomic_store(&fail_countdown, n);
}

/* ---- arenas ---- */

struct dse_arena_chunk {
    struct dse_arena_chunk *next;
    size_t capacity_bytes;
    _Alignas(16) unsigned char bytes[];
};

enum { ARENA_CHUNK_BYTES = 16 * 1024, ARENA_ALIGNMENT = 16 };

void *dse_arena_alloc(struct dse_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (multiply_overflows(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (arena->head == NULL || arena->head->capacity_bytes - arena->used_bytes < bytes) {
        size_t capacity = bytes > ARENA_CHUNK_BYTES ? bytes : ARENA_CHUNK_BYTES;
        struct dse_arena_chunk *chunk = dse_alloc(1, sizeof *chunk + capacity);
        if (chunk == NULL)
            return NULL;
        chunk->next = arena->head;
        chunk->capacity_bytes = capacity;
        arena->head = chunk;
        arena->used_bytes = 0;
    }
    void *block = arena->head->bytes + arena->used_bytes;
    arena->used_bytes += bytes;
    return block;
}

char *dse_arena_strdup(struct dse_arena *arena, const char *text) {
    return dse_arena_strndup(arena, text, strlen(text));
}

char *dse_arena_strndup(struct dse_arena *arena, const char *text, size_t length) {
    char *copy = dse_arena_alloc(arena, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *dse_arena_vprintf(struct dse_arena *arena, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = length < 0 ? NULL : dse_arena_alloc(arena, (size_t)length + 1, 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)length + 1, fmt, args);
    return text;
}

char *dse_arena_printf(struct dse_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = dse_arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

void dse_arena_fini(struct dse_arena *arena) {
    while (arena->head != NULL) {
        struct dse_arena_chunk *next = arena->head->next;
        dse_free(arena->head);
        arena->head = next;
    }
    arena->used_bytes = 0;
}

/* ---- growing buffers ---- */

static bool reserve(struct dse_buf *buf, size_t extra) {
    if (buf->failed)
        return false;
    if (extra >= SIZE_MAX / 4 - buf->size) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->size + extra + 1;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
    while (capacity < needed)
        capacity *= 2;
    char *data = dse_realloc(buf->data, capacity, 1);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void dse_buf_append(struct dse_buf *buf, const void *bytes, size_t size) {
    if (!reserve(buf, size))
        return;
    if (size > 0)
        memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void dse_buf_puts(struct dse_buf *buf, const char *text) {
    dse_buf_append(buf, text, strlen(text));
}

void dse_buf_printf(struct dse_buf *buf, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length < 0)
        buf->failed = true;
    else if (reserve(buf, (size_t)length)) {
        (void)vsnprintf(buf->data + buf->size, (size_t)length + 1, fmt, again);
        buf->size += (size_t)length;
    }
    va_end(again);
}

enum dse_status dse_buf_status(const struct dse_buf *buf, struct dse_err *err) {
    if (buf->failed)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu bytes of text", buf->size);
    return DSE_OK;
}

void dse_buf_consume(struct dse_buf *buf, size_t n) {
    dse_assert(n <= buf->size);
    if (n == 0)
        return;
    memmove(buf->data, buf->data + n, buf->size - n + 1);
    buf->size -= n;
}

const char *dse_buf_text(const struct dse_buf *buf) {
    return buf->data == NULL ? "" : buf->data;
}

void dse_buf_reset(struct dse_buf *buf) {
    buf->size = 0;
    buf->failed = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void dse_buf_fini(struct dse_buf *buf) {
    dse_free(buf->data);
    *buf = (struct dse_buf){0};
}
