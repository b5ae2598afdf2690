/* What the files of this room share: a byte stream that is a plain or a gzip file, and the readers
 * of the formats. */
#ifndef DSE_EVALUATOR_DATASETS_INTERNAL_H
#define DSE_EVALUATOR_DATASETS_INTERNAL_H

#include <zlib.h>

#include "evaluator/datasets/datasets.h"

/* Said at the end of messages about damaged files. */
#define DATASETS__ADVICE "fetch the file again"

enum { DATASETS__BLOCK_BYTES = 64 * 1024 };

struct datasets__stream {
    const char *path; /* borrowed until closed */
    int fd;
    bool gzip;
    uint64_t file_bytes; /* size of the file as it was opened */
    uint64_t out_bytes;  /* handed out so far */
    z_stream z;          /* next_in, avail_in: what is left of block; the rest for gzip only */
    bool member_ended;   /* gzip: between two members, or after the last */
    uint8_t block[DATASETS__BLOCK_BYTES];
};

/* Opens a regular file; gzip is told by its first two bytes, not by its name. NOT_FOUND, IO. The
 * stream is *owned by the caller*: datasets__stream_close, unless opening failed. */
DSE_MUST_USE enum dse_status
datasets__stream_open(const char *path, struct datasets__stream **stream, struct dse_err *err);
/* Up to size bytes into out; *got is less only at the end of the data, where gzip's check sums have
 * been compared. INVALID when gzip data is damaged or cut off, or something else follows it. */
DSE_MUST_USE enum dse_status datasets__stream_read(struct datasets__stream *stream, void *out,
                                                   size_t size, size_t *got, struct dse_err *err);
/* The most bytes the stream can possibly hold; exact for a plain file. */
uint64_t datasets__stream_limit(const struct datasets__stream *stream);
/* NULL is fine. */
void datasets__stream_close(struct datasets__stream *stream);

/* What a format's reader gets: the files, and the run of images wanted. */
struct datasets__request {
    const char *const *paths;
    int n_paths;
    int64_t first, count;
};
/* INVALID unless images first .. first + count - 1 are among the n that n_files hold. */
DSE_MUST_USE enum dse_status datasets__check_range(const struct datasets__request *request,
                                                   int n_files, int64_t n, struct dse_err *err);
/* On failure the dataset may hold memory, which the caller releases. */
DSE_MUST_USE enum dse_status datasets__load_idx(const struct datasets__request *request,
                                                struct dse_dataset *dataset, struct dse_err *err);
DSE_MUST_USE enum dse_status datasets__load_cifar10(const struct datasets__request *request,
                                                    struct dse_dataset *dataset,
                                                    struct dse_err *err);

#endif
