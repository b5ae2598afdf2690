#include "tests/fault/store/faulty_heap.h"

#include <sqlite3.h>
#include <stdlib.h>

static sqlite3_mem_methods plain;
static long countdown = -1; /* < 0: none */
static bool stays_broken;
static bool happened;
static long live_blocks;

static bool must_fail(void) {
    bool due = (happened && stays_broken) || (countdown >= 0 && countdown-- == 0);
    happened = happened || due;
    return due;
}

static void *failing_malloc(int size) {
    void *block = must_fail() ? NULL : plain.xMalloc(size);
    live_blocks += block != NULL;
    return block;
}

static void *failing_realloc(void *block, int size) {
    return must_fail() ? NULL : plain.xRealloc(block, size);
}

static void counting_free(void *block) {
    live_blocks -= block != NULL;
    plain.xFree(block);
}

void faulty_heap_install(void) {
    sqlite3_mem_methods failing;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) != SQLITE_OK)
        abort();
    failing = plain;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    failing.xFree = counting_free;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK ||
        sqlite3_initialize() != SQLITE_OK)
        abort();
}

void faulty_heap_fail_at(long n, bool for_good) {
    happened = false;
    countdown = n;
    stays_broken = for_good;
}

bool faulty_heap_mend(void) {
    bool was = happened;
    countdown = -1;
    happened = stays_broken = false;
    return was;
}

long faulty_heap_live(void) {
    return live_blocks;
}
