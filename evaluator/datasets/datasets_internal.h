/* What the files of this room share: a byte stream that is a plain or a gzip file, and the readers
 * of the formats. */
#ifndef DSE_EVALUATOR_DATASETS_INTERNAL_H
#define DSE_EVALUATOR_DATASETS_INTERNAL_H

#include <zlib.h>

#include "evaluator/datasets/datasets.h"

/* Said at the end of messages about damaged files. */
#define DATASETS__ADVICE "fetch the file again"

enum { DATASETS__BLOCK_BYTES = 64 * 1024 };

/* A part of a file: a member of a zip archive. */
struct datasets__part {
    uint64_t offset, packed_bytes, bytes;
    bool deflated;
    uint32_t crc; /* of the bytes unpacked */
};

struct datasets__stream {
    const char *path; /* borrowed until closed */
    int fd;
    bool gzip; /* packed: gzip, or a deflated part */
    bool is_part;
    struct datasets__part part;
    uint64_t left_bytes; /* of the part, not yet read from the file */
    uint32_t crc;        /* of a part, so far */
    uint64_t file_bytes; /* size of the file as it was opened, or of the part */
    uint64_t out_bytes;  /* handed out so far */
    z_stream z;          /* next_in, avail_in: what is left of block; the rest for gzip only */
    bool member_ended;   /* gzip: between two members, or after the last */
    uint8_t block[DATASETS__BLOCK_BYTES];
};

/* Opens a regular file; gzip is told by its first two bytes, not by its name. NOT_FOUND, IO. The
 * stream is *owned by the caller*: datasets__stream_close, unless opening failed. */
DSE_MUST_USE enum dse_status
datasets__stream_open(const char *path, struct datasets__stream **stream, struct dse_err *err);
/* Opens a part of a file, of which sizes and check sum are compared when its end is read. */
DSE_MUST_USE enum dse_status datasets__stream_open_part(const char *path,
                                                        const struct datasets__part *part,
                                                        struct datasets__stream **stream,
                                                        struct dse_err *err);
/* Up to size bytes into out; *got is less only at the end of the data, where gzip's check sums have
 * been compared. INVALID when gzip data is damaged or cut off, or something else follows it. */
DSE_MUST_USE enum dse_status datasets__stream_read(struct datasets__stream *stream, void *out,
                                                   size_t size, size_t *got, struct dse_err *err);
/* The most bytes the stream can possibly hold; exact for a plain file. */
uint64_t datasets__stream_limit(const struct datasets__stream *stream);
/* Exactly size bytes of an open file, wherever it stands. INVALID when it ends before. */
DSE_MUST_USE enum dse_status datasets__read_at(int fd, const char *path, uint64_t offset,
                                               uint8_t *out, size_t size, struct dse_err *err);
/* NULL is fine. */
void datasets__stream_close(struct datasets__stream *stream);

/* What the files hold together, as found by a format's scan. */
struct datasets__content {
    int64_t n;
    int h, w, c;
    uint16_t *labels; /* [n], heap */
    int classes;
};

/* Takes the images wanted out of those that pass by. */
struct datasets__taker {
    const int32_t *indices; /* rising */
    int n, next;
    size_t image_bytes;
    uint8_t *out; /* [n][image_bytes] */
};
/* Where image `index` goes; NULL: it is not wanted. Indices rise from call to call. */
uint8_t *datasets__take(struct datasets__taker *taker, int64_t index);

/* Appends a label; INVALID above DATASETS__MOST_LABELS images. *capacity begins with 0. */
DSE_MUST_USE enum dse_status datasets__add_label(struct datasets__content *content,
                                                 int64_t *capacity, uint16_t label,
                                                 struct dse_err *err);
enum { DATASETS__MOST_IMAGES = 100 * 1000 * 1000, DATASETS__LARGEST_SIDE = 4096 };

/* A format: scan checks labels and sizes and fills the content, which the caller releases also
 * after a failure; fetch checks the images and hands them to the taker. */
#define DATASETS__FORMAT(name)                                                                     \
    DSE_MUST_USE enum dse_status datasets__scan_##name(const struct dse_dataset_request *request,  \
                                                       struct datasets__content *content,          \
                                                       struct dse_err *err);                       \
    DSE_MUST_USE enum dse_status datasets__fetch_##name(const struct dse_dataset_request *request, \
                                                        struct datasets__taker *taker,             \
                                                        struct dse_err *err)
DATASETS__FORMAT(idx);
DATASETS__FORMAT(cifar);
DATASETS__FORMAT(npy);
DATASETS__FORMAT(pictures);

/* ---- arrays of NumPy (npy.c), archives of them (zip.c) ---- */

enum { DATASETS__MOST_DIMS = 4 };

/* An array in an .npy file or in a member of an .npz file. */
struct datasets__array {
    const char *path;
    char member[64];            /* name in the archive; "": a file of its own */
    struct datasets__part part; /* of the archive, where it has a member */
    char type;                  /* 'u' or 'i' */
    int item_bytes;
    int rank;
    int64_t dims[DATASETS__MOST_DIMS];
};
/* Opens the stream and reads the header; the stream then stands at the first element. */
DSE_MUST_USE enum dse_status datasets__array_open(struct datasets__array *array,
                                                  struct datasets__stream **stream,
                                                  struct dse_err *err);
/* "path, member x: why"; returns INVALID. */
enum dse_status datasets__array_fail(const struct datasets__array *array, struct dse_err *err,
                                     const char *why);
/* Exactly size bytes. */
DSE_MUST_USE enum dse_status datasets__array_read(const struct datasets__array *array,
                                                  struct datasets__stream *stream, void *out,
                                                  size_t size, struct dse_err *err);
/* A member of an archive, in the order of its directory. */
struct datasets__member {
    char name[64]; /* cut where it is longer */
    struct datasets__part part;
};
/* Members of a zip archive; *members is heap memory. INVALID for what is not one. */
DSE_MUST_USE enum dse_status datasets__zip_list(const char *path, struct datasets__member **members,
                                                int *n, struct dse_err *err);

/* ---- subsets (subset.c) ---- */

/* Fills indices[0 .. count): see dse_dataset_request. */
DSE_MUST_USE enum dse_status datasets__choose(const struct dse_dataset_request *request,
                                              const struct datasets__content *content,
                                              int32_t *indices, struct dse_err *err);

#endif
