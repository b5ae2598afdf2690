/* A front in order. Changes are gathered and merged into the sorted entries when somebody looks, or
 * when they have grown to a share of the entries: a change costs O(log n), amortised, a look the
 * length of the list where anything has changed. */
#include <stdlib.h>
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

enum { PENDING_LEAST = 1024 }; /* fewer changes wait for somebody to look */

struct entries {
    struct dse_front_entry *items;
    int n, capacity;
};

struct dse_front_list {
    int m;
    double sign[DSE_MAX_OBJECTIVES]; /* -1: maximised */
    struct entries sorted, added, removed;
};

enum dse_status dse_front_list_new(const struct dse_space *space, struct dse_front_list **list,
                                   struct dse_err *err) {
    struct dse_front_list *made = dse_alloc(1, sizeof *made);
    if (made == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front");
    made->m = space->n_objectives;
    for (int k = 0; k < made->m; k++)
        made->sign[k] = space->objectives[k].sense == DSE_MAXIMIZE ? -1 : 1;
    *list = made;
    return DSE_OK;
}

void dse_front_list_free(struct dse_front_list *list) {
    if (list == NULL)
        return;
    dse_free(list->sorted.items);
    dse_free(list->added.items);
    dse_free(list->removed.items);
    dse_free(list);
}

/* ---- order ---- */

static int compare_entries(const void *a, const void *b, void *context) {
    const struct dse_front_entry *x = a, *y = b;
    const struct dse_front_list *list = context;
    for (int k = 0; k < list->m; k++) {
        double difference = list->sign[k] * (x->objectives[k] - y->objectives[k]);
        if (difference != 0)
            return difference < 0 ? -1 : 1;
    }
    if (x->generation != y->generation)
        return x->generation < y->generation ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static void sort_entries(struct dse_front_list *list, struct entries *entries) {
    if (entries->n > 1)
        qsort_r(entries->items, (size_t)entries->n, sizeof *entries->items, compare_entries, list);
}

/* ---- changes ---- */

static enum dse_status make_room(struct entries *entries, int wanted, struct dse_err *err) {
    int capacity = entries->capacity;
    while (capacity < wanted)
        capacity = capacity == 0 ? 64 : capacity * 2;
    if (capacity == entries->capacity)
        return DSE_OK;
    struct dse_front_entry *grown = dse_realloc(entries->items, (size_t)capacity, sizeof *grown);
    if (grown == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front of %d", wanted);
    entries->items = grown;
    entries->capacity = capacity;
    return DSE_OK;
}

/* From behind, into the room after the sorted ones. */
static void merge_added(struct dse_front_list *list) {
    struct dse_front_entry *items = list->sorted.items, *added = list->added.items;
    int left = list->sorted.n, right = list->added.n, to = left + right;
    list->sorted.n = to;
    while (right > 0)
        if (left > 0 && compare_entries(&items[left - 1], &added[right - 1], list) > 0)
            items[--to] = items[--left];
        else
            items[--to] = added[--right];
    list->added.n = 0;
}

static void drop_removed(struct dse_front_list *list) {
    struct dse_front_entry *items = list->sorted.items;
    int kept = 0, next = 0;
    for (int i = 0; i < list->sorted.n; i++)
        if (next < list->removed.n &&
            compare_entries(&items[i], &list->removed.items[next], list) == 0)
            next++;
        else
            items[kept++] = items[i];
    dse_assert(next == list->removed.n);
    list->sorted.n = kept;
    list->removed.n = 0;
}

static enum dse_status settle(struct dse_front_list *list, struct dse_err *err) {
    DSE_TRY(make_room(&list->sorted, list->sorted.n + list->added.n, err));
    sort_entries(list, &list->added);
    merge_added(list);
    if (list->removed.n > 0) {
        sort_entries(list, &list->removed);
        drop_removed(list);
    }
    return DSE_OK;
}

static enum dse_status note_change(struct dse_front_list *list, struct entries *changes,
                                   const struct dse_front_entry *entry, struct dse_err *err) {
    if (list->added.n + list->removed.n > list->sorted.n / 2 + PENDING_LEAST)
        DSE_TRY(settle(list, err));
    DSE_TRY(make_room(changes, changes->n + 1, err));
    changes->items[changes->n++] = *entry;
    return DSE_OK;
}

enum dse_status dse_front_list_add(struct dse_front_list *list, const struct dse_front_entry *entry,
                                   struct dse_err *err) {
    return note_change(list, &list->added, entry, err);
}

enum dse_status dse_front_list_remove(struct dse_front_list *list,
                                      const struct dse_front_entry *entry, struct dse_err *err) {
    return note_change(list, &list->removed, entry, err);
}

/* ---- looking ---- */

enum dse_status dse_front_list_look(struct dse_front_list *list,
                                    const struct dse_front_entry **entries, int *n,
                                    struct dse_err *err) {
    DSE_TRY(settle(list, err));
    *entries = list->sorted.items;
    *n = list->sorted.n;
    return DSE_OK;
}

int dse_front_list_after(const struct dse_front_list *list, const struct dse_front_entry *entry) {
    int low = 0, high = list->sorted.n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (compare_entries(&list->sorted.items[middle], entry, (void *)(uintptr_t)list) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct dse_front_entry dse_front_entry_of(const struct dse_individual_row *row) {
    struct dse_front_entry entry = {.generation = row->generation, .slot = row->slot};
    memcpy(entry.objectives, row->objectives, (size_t)row->n_objectives * sizeof *row->objectives);
    return entry;
}

static enum dse_status add_row(void *list, const struct dse_individual_row *row,
                               struct dse_err *err) {
    struct dse_front_entry entry = dse_front_entry_of(row);
    return dse_front_list_add(list, &entry, err);
}

enum dse_status dse_front_list_load(struct dse_store *store, int64_t sweep_id,
                                    const struct dse_space *space, struct dse_front_list **list,
                                    struct dse_err *err) {
    struct dse_front_list *loaded;
    DSE_TRY(dse_front_list_new(space, &loaded, err));
    enum dse_status status = dse_store_visit_front(store, sweep_id, add_row, loaded, err);
    if (status == DSE_OK)
        *list = loaded;
    else
        dse_front_list_free(loaded);
    return status;
}
