/* Which evaluations there are, by the hash of their genome: a table in memory, read when it is
 * first needed and kept up to date by whoever inserts. An index of the database over hashes goes to
 * any of its pages with each row; at a million rows most of what was written were those pages.
 *
 * It knows every evaluation of the database, and may know others: rows that were deleted, or taken
 * back with their transaction. Whoever finds an id looks at its row. */
#include "store/store_internal.h"

#include <string.h>

enum { FEWEST_SLOTS = 1024 }; /* a power of two, as all sizes are */

static size_t slot_of(const struct store__known *known, int64_t hash) {
    return (size_t)(uint64_t)hash & (known->n_slots - 1);
}

/* There is room. What is there already stays once: a transaction that is taken back and tried again
 * (on a full disk, again and again) gives the same rows the same numbers. */
static void put(struct store__known *known, int64_t hash, int64_t id) {
    size_t at = slot_of(known, hash);
    for (; known->slots[at].id != 0; at = (at + 1) & (known->n_slots - 1))
        if (known->slots[at].hash == hash && known->slots[at].id == id)
            return;
    known->slots[at] = (struct store__known_slot){hash, id};
    known->n++;
}

/* Room for one more; at most half of the slots are taken. */
static enum dse_status make_room(struct dse_store *store, struct dse_err *err) {
    struct store__known *known = &store->known, grown = {0};
    if (2 * (known->n + 1) <= known->n_slots)
        return DSE_OK;
    grown.n_slots = known->n_slots == 0 ? FEWEST_SLOTS : 2 * known->n_slots;
    grown.slots = dse_alloc(grown.n_slots, sizeof *grown.slots);
    if (grown.slots == NULL)
        return store__fail_memory(store, err);
    for (size_t i = 0; i < known->n_slots; i++)
        if (known->slots[i].id != 0)
            put(&grown, known->slots[i].hash, known->slots[i].id);
    grown.is_read = known->is_read;
    dse_free(known->slots);
    *known = grown;
    return DSE_OK;
}

static enum dse_status read_all(struct dse_store *store, struct dse_err *err) {
    struct store__query query;
    enum dse_status status = DSE_OK;
    DSE_TRY(store__query_start(&query, store, STORE_STATEMENT_LIST_HASHES, err));
    for (;;) {
        bool found;
        DSE_TRY(store__query_step(&query, &found, err));
        if (!found)
            break;
        DSE_TRY_GOTO(status, make_room(store, err), fail);
        put(&store->known, store__column_int64(&query, 1), store__column_int64(&query, 0));
    }
fail:
    store__query_end(&query);
    return status;
}

enum dse_status store__known_read(struct dse_store *store, struct dse_err *err) {
    if (store->known.is_read)
        return DSE_OK;
    enum dse_status status = read_all(store, err);
    if (status != DSE_OK)
        store__known_fini(store);
    store->known.is_read = status == DSE_OK;
    return status;
}

enum dse_status store__known_add(struct dse_store *store, int64_t hash, int64_t id,
                                 struct dse_err *err) {
    DSE_TRY(make_room(store, err));
    put(&store->known, hash, id);
    return DSE_OK;
}

int64_t store__known_next(const struct dse_store *store, int64_t hash, size_t *place) {
    const struct store__known *known = &store->known;
    if (known->n_slots == 0)
        return 0;
    for (;; (*place)++) {
        size_t at = (slot_of(known, hash) + *place) & (known->n_slots - 1);
        if (known->slots[at].id == 0)
            return 0;
        if (known->slots[at].hash == hash) {
            (*place)++;
            return known->slots[at].id;
        }
    }
}

void store__known_fini(struct dse_store *store) {
    dse_free(store->known.slots);
    store->known = (struct store__known){0};
}
