/* Shards of images: the clean ones are the data set's, corrupted ones come from the cache on disk,
 * or are made and put there. Without a cache they stay in this process, as do published ones. */
#include "evaluator/evaluator_internal.h"

#include <stdio.h>
#include <string.h>

/* Images made in this process and not in the cache; the least recently used shards go first. */
static const size_t SHARD_MEMORY_BYTES = (size_t)256 << 20;

static size_t image_size(const struct dse_evaluator *ev) {
    return (size_t)ev->data.h * (size_t)ev->data.w * (size_t)ev->data.c;
}

int evaluator__images_of_shard(const struct dse_evaluator *ev, int shard) {
    int left = ev->data.n - shard * ev->shard_images;
    return left < ev->shard_images ? left : ev->shard_images;
}

static const uint8_t *clean_pixels(const struct dse_evaluator *ev, int shard) {
    return ev->data.pixels + (size_t)shard * (size_t)ev->shard_images * image_size(ev);
}

const uint8_t *evaluator__cell_pixels(const struct dse_evaluator *ev, int shard, int cell) {
    return ev->shards[shard].cells[cell].pixels;
}

/* ---- life ---- */

static void drop_shard(struct dse_evaluator *ev, struct shard *shard) {
    for (int cell = 0; shard->cells != NULL && cell < ev->n_cells; cell++) {
        dse_cache_release(&shard->cells[cell].block);
        dse_free(shard->cells[cell].room);
    }
    dse_free(shard->cells);
    shard->cells = NULL;
    ev->shard_memory -= shard->memory;
    shard->memory = 0;
}

void evaluator__drop_shards(struct dse_evaluator *ev) {
    for (int s = 0; ev->shards != NULL && s < ev->n_shards; s++)
        drop_shard(ev, &ev->shards[s]);
    dse_free(ev->shards);
    ev->shards = NULL;
}

static struct shard *oldest_in_memory(struct dse_evaluator *ev) {
    struct shard *oldest = NULL;
    for (int s = 0; s < ev->n_shards; s++)
        if (ev->shards[s].memory > 0 && (oldest == NULL || ev->shards[s].used < oldest->used))
            oldest = &ev->shards[s];
    return oldest;
}

/* ---- the cache ---- */

static void go_on_without_cache(struct dse_evaluator *ev, const struct dse_err *why) {
    dse_cache_close(ev->cache);
    ev->cache = NULL;
    (void)snprintf(ev->warning, sizeof ev->warning, "%s", why->text);
}

void evaluator__open_cache(struct dse_evaluator *ev) {
    char dir[4096];
    int64_t limit;
    struct dse_err why = {0};
    dse_cache_default_dir(dir, sizeof dir);
    if (dir[0] == '\0')
        return;
    if (dse_cache_default_limit(&limit, &why) != DSE_OK ||
        dse_cache_open(dir, limit, &ev->cache, &why) != DSE_OK)
        go_on_without_cache(ev, &why);
}

const char *dse_evaluator_take_warning(struct dse_evaluator *evaluator, char *out, size_t size) {
    (void)snprintf(out, size, "%s", evaluator->warning);
    evaluator->warning[0] = '\0';
    return out;
}

/* Published images are on the disk already. */
static bool uses_cache(const struct dse_evaluator *ev) {
    return ev->cache != NULL && ev->published == NULL;
}

/* What the images of a shard are: SHA-256 of their pixels and of their places in the data set. */
struct identity {
    char pixels[DSE_SHA256_HEX], places[DSE_SHA256_HEX];
};

static enum dse_status identify_shard(const struct dse_evaluator *ev, int shard,
                                      struct identity *identity, struct dse_err *err) {
    size_t n = (size_t)evaluator__images_of_shard(ev, shard);
    DSE_TRY(dse_sha256_bytes(clean_pixels(ev, shard), n * image_size(ev), identity->pixels, err));
    return dse_sha256_bytes(ev->data.indices + (size_t)shard * (size_t)ev->shard_images,
                            n * sizeof *ev->data.indices, identity->places, err);
}

static enum dse_status name_cell(const struct dse_evaluator *ev, const struct identity *identity,
                                 const struct cell *cell, char key[DSE_SHA256_HEX],
                                 struct dse_err *err) {
    char text[1024];
    int length = snprintf(
        text, sizeof text,
        "paretod images, corruptions %s\n%d x %d x %d\n%s\n%s\n%d:%d seed %llu\n%s",
        DSE_CORRUPT_VERSION, ev->data.h, ev->data.w, ev->data.c, identity->pixels, identity->places,
        (int)cell->corruption, cell->severity, (unsigned long long)ev->data_seed,
        cell->corruption == DSE_CORRUPTION_FROST ? ev->frost : "");
    dse_assert(length > 0 && (size_t)length < sizeof text);
    return dse_sha256_bytes(text, (size_t)length, key, err);
}

/* ---- making images ---- */

static enum dse_status fill_images(struct dse_evaluator *ev, int shard, const struct cell *cell,
                                   uint8_t *pixels, struct dse_err *err) {
    int n = evaluator__images_of_shard(ev, shard);
    const int32_t *indices = ev->data.indices + (size_t)shard * (size_t)ev->shard_images;
    if (ev->published != NULL)
        return evaluator__published_read(ev->published, cell, indices, n, pixels, err);
    const struct dse_corrupt_set set = {.corruption = cell->corruption,
                                        .severity = cell->severity,
                                        .seed = ev->data_seed,
                                        .n = n,
                                        .indices = indices,
                                        .src = clean_pixels(ev, shard),
                                        .dst = pixels};
    return dse_corrupt_images(ev->corrupter, &set, err);
}

/* Makes the images of a cell in memory, or reads published ones; with a cache, puts them there and
 * maps them instead, so that other workers share them. */
static enum dse_status make_cell(struct dse_evaluator *ev, int shard, const struct cell *cell,
                                 const char *key, struct cell_images *images, struct dse_err *err) {
    size_t size = (size_t)evaluator__images_of_shard(ev, shard) * image_size(ev);
    uint8_t *room = dse_alloc_aligned(size + DSE_CACHE_HEADER, 1);
    if (room == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for %zu bytes of images", size);
    enum dse_status status = fill_images(ev, shard, cell, room + DSE_CACHE_HEADER, err);
    if (status != DSE_OK) {
        dse_free(room);
        return status;
    }
    struct dse_err why = {0};
    if (uses_cache(ev) && dse_cache_put(ev->cache, key, room, size, &why) != DSE_OK)
        go_on_without_cache(ev, &why);
    if (uses_cache(ev) && dse_cache_get(ev->cache, key, size, &images->block, NULL) == DSE_OK) {
        dse_free(room);
        images->pixels = images->block.bytes;
        return DSE_OK;
    }
    images->room = room;
    images->pixels = room + DSE_CACHE_HEADER;
    return DSE_OK;
}

static enum dse_status take_cell(struct dse_evaluator *ev, int shard, int cell,
                                 const struct identity *identity, struct cell_images *images,
                                 struct dse_err *err) {
    const struct cell *which = &ev->cells[cell];
    size_t size = (size_t)evaluator__images_of_shard(ev, shard) * image_size(ev);
    char key[DSE_SHA256_HEX] = "";
    if (which->severity == 0) {
        images->pixels = clean_pixels(ev, shard);
        return DSE_OK;
    }
    if (uses_cache(ev)) {
        DSE_TRY(name_cell(ev, identity, which, key, err));
        if (dse_cache_get(ev->cache, key, size, &images->block, NULL) == DSE_OK) {
            images->pixels = images->block.bytes;
            return DSE_OK;
        }
    }
    return make_cell(ev, shard, which, key, images, err);
}

static enum dse_status fill_shard(struct dse_evaluator *ev, int number, struct shard *shard,
                                  struct dse_err *err) {
    struct identity identity = {{0}, {0}};
    size_t cell_bytes = (size_t)evaluator__images_of_shard(ev, number) * image_size(ev);
    if (uses_cache(ev))
        DSE_TRY(identify_shard(ev, number, &identity, err));
    for (int cell = 0; cell < ev->n_cells; cell++) {
        struct cell_images *images = &shard->cells[cell];
        evaluator__report(ev, "corrupting images", cell, ev->n_cells);
        DSE_TRY(take_cell(ev, number, cell, &identity, images, err));
        if (images->room != NULL) {
            shard->memory += cell_bytes;
            ev->shard_memory += cell_bytes;
        }
    }
    return DSE_OK;
}

enum dse_status evaluator__ensure_shard(struct dse_evaluator *ev, int number, struct dse_err *err) {
    struct shard *shard = &ev->shards[number];
    shard->used = ++ev->use_clock;
    if (shard->cells != NULL)
        return DSE_OK;
    size_t most = (size_t)ev->n_cells * (size_t)ev->shard_images * image_size(ev);
    while (ev->shard_memory > 0 && ev->shard_memory + most > SHARD_MEMORY_BYTES)
        drop_shard(ev, oldest_in_memory(ev));
    shard->cells = dse_alloc((size_t)ev->n_cells, sizeof *shard->cells);
    if (shard->cells == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a shard of %d cells", ev->n_cells);
    enum dse_status status = fill_shard(ev, number, shard, err);
    if (status != DSE_OK)
        drop_shard(ev, shard);
    return status;
}
