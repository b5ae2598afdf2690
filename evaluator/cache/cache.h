/* cache: blocks of bytes made once and kept on disk, named by the SHA-256 of what they were made
 * from. Any number of processes share a cache: a block is written beside and renamed, readers map
 * it, whoever comes late replaces it by equal bytes. Nothing depends on a cache: a block that is
 * missing or damaged is made again. */
#ifndef DSE_EVALUATOR_CACHE_H
#define DSE_EVALUATOR_CACHE_H

#include "base/base.h"

struct dse_cache;

/* Directory: $PARETO_CACHE, $XDG_CACHE_HOME/paretod, ~/.cache/paretod; "" when there is to be none
 * (PARETO_CACHE=off, or no home). */
void dse_cache_default_dir(char *out, size_t size);
/* $PARETO_CACHE_MB in MiB, else 4 GiB. INVALID for a text that is not a number from 1 on. */
DSE_MUST_USE enum dse_status dse_cache_default_limit(int64_t *limit_bytes, struct dse_err *err);

/* Creates the directory where it is missing. Above limit_bytes the blocks used longest ago go. */
DSE_MUST_USE enum dse_status dse_cache_open(const char *dir, int64_t limit_bytes,
                                            struct dse_cache **cache, struct dse_err *err);
void dse_cache_close(struct dse_cache *cache);

/* A block mapped into memory; {0} is none. bytes are aligned to 64 and stay until it is released,
 * even when the file is cleaned away meanwhile. */
struct dse_cache_block {
    const uint8_t *bytes;
    size_t size;
    void *mapping; /* of the room */
    size_t mapping_size;
};
/* NOT_FOUND: there is none of that key and size, or it was damaged (then it is removed). Being
 * asked for makes a block young. */
DSE_MUST_USE enum dse_status dse_cache_get(struct dse_cache *cache, const char *key, size_t size,
                                           struct dse_cache_block *block, struct dse_err *err);
void dse_cache_release(struct dse_cache_block *block);

/* Bytes before the content in a block's file. */
enum { DSE_CACHE_HEADER = 192 };
/* Keeps a block. room: DSE_CACHE_HEADER bytes that are written here, then the content's size bytes.
 * NO_SPACE, IO: it could not be kept. */
DSE_MUST_USE enum dse_status dse_cache_put(struct dse_cache *cache, const char *key, uint8_t *room,
                                           size_t size, struct dse_err *err);

/* What a directory holds. */
struct dse_cache_usage {
    int64_t blocks, bytes;
    int64_t oldest_ms, youngest_ms; /* last use, Unix epoch; 0 without blocks */
};
/* A directory that is not there is empty. */
DSE_MUST_USE enum dse_status dse_cache_measure(const char *dir, struct dse_cache_usage *usage,
                                               struct dse_err *err);
/* Removes the blocks used longest ago until at most keep_bytes are left (0: all), and what
 * interrupted writers left. */
DSE_MUST_USE enum dse_status dse_cache_clean(const char *dir, int64_t keep_bytes,
                                             struct dse_cache_usage *removed, struct dse_err *err);

#endif
