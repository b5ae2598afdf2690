/* The evaluator, inside: what an open context is.
 *
 * evaluator   contexts opened and closed
 * shards      images of the cells, in memory or mapped from the cache
 * published   corrupted images that somebody else made
 * evaluate    a task: candidates over the images of a shard
 * value_problems  the same where there is no network */
#ifndef DSE_EVALUATOR_INTERNAL_H
#define DSE_EVALUATOR_INTERNAL_H

#include "evaluator/cache/cache.h"
#include "evaluator/corrupt/corrupt.h"
#include "evaluator/datasets/datasets.h"
#include "evaluator/evaluator.h"
#include "evaluator/graph/graph.h"
#include "evaluator/plan/plan.h"

/* The images of one cell of a shard, [image][h][w][c]. */
struct cell_images {
    const uint8_t *pixels;
    struct dse_cache_block block; /* where they are mapped from the cache */
    uint8_t *room;                /* owned, where they are in memory */
};

struct shard {
    struct cell_images *cells; /* [cell]; NULL: not ready */
    size_t memory;             /* bytes of the cells' rooms */
    uint64_t used;             /* clock of the last use */
};

struct cell {
    enum dse_corruption corruption; /* meaningless where severity is 0 */
    int severity;                   /* 0: clean */
    int published;                  /* number of its file; meaningless where we make the images */
};

struct dse_evaluator {
    struct dse_kernels *kernels;
    dse_evaluator_progress progress;
    void *progress_context;
    size_t weights_bytes_most; /* of a plan */

    /* the open context; hash "" when none is open */
    char hash[DSE_SHA256_HEX];
    struct dse_graph *graph;
    struct dse_plan *plan;
    struct dse_dataset data;
    struct dse_corrupter *corrupter;                          /* NULL: no cell is made here */
    struct evaluator__published *published;                   /* NULL: none */
    char frost[DSE_CORRUPT_FROST_FILES * DSE_SHA256_HEX + 1]; /* hashes of its overlays */
    double mean[3], std[3];
    struct cell *cells;
    int n_cells;
    uint64_t data_seed, mask_seed;
    int shard_images, n_shards, batch;
    struct shard *shards;
    size_t shard_memory; /* bytes of all rooms */
    uint64_t use_clock;
    float *images; /* [batch][h][w][c] */

    struct dse_cache *cache; /* NULL: none */
    char warning[1024];      /* not taken yet; "": none */

    struct evaluator__values *values; /* in place of all that, where there is no network */
};

/* Calls the program's function, where there is one. */
void evaluator__report(struct dse_evaluator *ev, const char *phase, int64_t done, int64_t total);
/* Makes the images of a shard ready. */
DSE_MUST_USE enum dse_status evaluator__ensure_shard(struct dse_evaluator *ev, int shard,
                                                     struct dse_err *err);
/* Of a shard that is ready; borrowed until another is made ready. */
const uint8_t *evaluator__cell_pixels(const struct dse_evaluator *ev, int shard, int cell);
void evaluator__drop_shards(struct dse_evaluator *ev);
/* The user's cache, or none with a warning. */
void evaluator__open_cache(struct dse_evaluator *ev);
int evaluator__images_of_shard(const struct dse_evaluator *ev, int shard);

/* Corrupted images of files as CIFAR-10-C is published, in place of ours (published.c): checked in
 * full against the dataset, which is loaded: shapes, sizes, labels. INVALID, CONFLICT, NOT_FOUND.
 */
DSE_MUST_USE enum dse_status evaluator__published_open(const struct dse_evaluator *ev,
                                                       const struct dse_msg_context *context,
                                                       struct evaluator__published **published,
                                                       struct dse_err *err);
/* NULL is fine. */
void evaluator__published_free(struct evaluator__published *published);
/* The n images of a cell at these places of the dataset, into pixels [n][h][w][c]. */
DSE_MUST_USE enum dse_status evaluator__published_read(const struct evaluator__published *published,
                                                       const struct cell *cell,
                                                       const int32_t *indices, int n,
                                                       uint8_t *pixels, struct dse_err *err);

/* An open context of a problem that is about no network (value_problems.c). INVALID: the problem is
 * not known. */
DSE_MUST_USE enum dse_status evaluator__values_open(struct dse_evaluator *evaluator,
                                                    const struct dse_msg_context *context,
                                                    struct evaluator__values **values,
                                                    struct dse_err *err);
/* CONFLICT when the file is not what it was when the workload was submitted. */
DSE_MUST_USE enum dse_status evaluator__check_file(const struct dse_msg_file_ref *file,
                                                   struct dse_err *err);
/* NULL is fine. */
void evaluator__values_free(struct evaluator__values *values);
/* Computes a task; *partials lives in the arena. */
DSE_MUST_USE enum dse_status evaluator__values_run(struct evaluator__values *values,
                                                   const struct dse_msg_task *task,
                                                   struct dse_arena *arena,
                                                   struct dse_msg_partials *partials,
                                                   struct dse_err *err);

#endif
