/* The hash of a genome, in C and in SQL. */
#include "store/store_internal.h"

#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo 1991). */
static uint64_t hash_bytes(const void *bytes, size_t n) {
    const unsigned char *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

int64_t store__hash_genome(const char *genome) {
    return (int64_t)hash_bytes(genome, strlen(genome));
}

static void answer_genome_hash(sqlite3_context *call, int n, sqlite3_value **values) {
    const unsigned char *genome = sqlite3_value_text(values[0]);
    (void)n;
    if (genome == NULL)
        sqlite3_result_error_nomem(call);
    else
        sqlite3_result_int64(call, store__hash_genome((const char *)genome));
}

int store__teach_genome_hash(sqlite3 *db) {
    return sqlite3_create_function_v2(db, "genome_hash", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                      NULL, answer_genome_hash, NULL, NULL, NULL);
}
