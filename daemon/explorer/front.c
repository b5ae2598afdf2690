/* The non-dominated feasible individuals of a sweep, kept as individuals arrive. Which individuals
 * end up in it does not depend on the order of arrival. */
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

/* A candidate met before comes to the same objectives; only one of them is in the front. */
static bool is_same_candidate(const void *front, int64_t tag, int64_t other) {
    const struct front_member *members = ((const struct front *)front)->members;
    return strcmp(members[tag].digest, members[other].digest) == 0;
}

/* A place in the table, the first free one: its number is the individual's tag. */
static enum dse_status take_place(struct front *front, const struct dse_individual_row *row,
                                  int *place, struct dse_err *err) {
    if (front->free_place == front->n_members) {
        int capacity = front->n_members == 0 ? 64 : front->n_members * 2;
        struct front_member *grown = dse_realloc(front->members, (size_t)capacity, sizeof *grown);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front of %d", capacity);
        for (int i = front->n_members; i < capacity; i++)
            grown[i] = (struct front_member){.next_free = i + 1};
        front->members = grown;
        front->n_members = capacity;
    }
    struct front_member *member = &front->members[front->free_place];
    DSE_TRY(dse_sha256_bytes(row->genome, strlen(row->genome), member->digest, err));
    member->entry = dse_front_entry_of(row);
    *place = front->free_place;
    front->free_place = member->next_free;
    return DSE_OK;
}

static void leave_place(struct front *front, int place) {
    front->members[place] = (struct front_member){.next_free = front->free_place};
    front->free_place = place;
}

/* change->gone still have their places, and are in the list. */
static enum dse_status offer_row(struct front *front, const struct dse_individual_row *row,
                                 struct dse_archive_change *change, struct dse_err *err) {
    int place;
    DSE_TRY(take_place(front, row, &place, err));
    enum dse_status status = dse_archive_offer(front->archive, row->objectives, place, change, err);
    if (status == DSE_OK && change->is_in)
        return dse_front_list_add(front->list, &front->members[place].entry, err);
    leave_place(front, place);
    return status;
}

/* One page of rows from *range on, which then begins behind them; *n: how many there were. */
static enum dse_status load_page(struct dse_explorer *ex, struct dse_individual_range *range,
                                 int *n, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_individual_row *rows;
    struct dse_archive_change change;
    enum dse_status status = dse_store_page_individuals(ex->store, range, &arena, &rows, n, err);
    for (int i = 0; status == DSE_OK && i < *n; i++) {
        status = offer_row(&ex->front, &rows[i], &change, err);
        range->generation = rows[i].generation;
        range->slot = rows[i].slot + 1;
    }
    dse_arena_fini(&arena);
    return status;
}

enum dse_status dse_explorer__load_front(struct dse_explorer *ex, struct dse_err *err) {
    enum { PAGE = 1000 };
    struct dse_individual_range range = {
        .sweep_id = ex->sweep_id, .limit = PAGE, .front_only = true};
    int n = PAGE;
    DSE_TRY(dse_front_list_new(&ex->space, &ex->front.list, err));
    DSE_TRY(dse_archive_new(&ex->space, is_same_candidate, &ex->front, &ex->front.archive, err));
    while (n == PAGE)
        DSE_TRY(load_page(ex, &range, &n, err));
    return DSE_OK;
}

enum dse_status dse_explorer__offer_to_front(struct dse_explorer *ex,
                                             struct dse_individual_row *row, struct dse_err *err) {
    struct dse_archive_change change = {0};
    row->in_front = false;
    if (row->state != DSE_RESULT_DONE || row->violation > 0)
        return DSE_OK;
    DSE_TRY(offer_row(&ex->front, row, &change, err));
    for (int i = 0; i < change.n_gone; i++) {
        const struct dse_front_entry *entry = &ex->front.members[change.gone[i]].entry;
        DSE_TRY(dse_store_set_in_front(ex->store, ex->sweep_id, entry->generation, entry->slot,
                                       false, err));
        DSE_TRY(dse_front_list_remove(ex->front.list, entry, err));
        leave_place(&ex->front, (int)change.gone[i]);
    }
    row->in_front = change.is_in;
    ex->front.changes += change.is_in;
    return DSE_OK;
}

struct dse_front_list *dse_explorer_front(const struct dse_explorer *explorer) {
    return explorer->front.list;
}

struct dse_front_list *dse_explorer_take_front(struct dse_explorer *explorer) {
    struct dse_front_list *list = explorer->front.list;
    explorer->front.list = NULL;
    return list;
}

void dse_explorer__free_front(struct dse_explorer *ex) {
    dse_archive_free(ex->front.archive);
    dse_front_list_free(ex->front.list);
    dse_free(ex->front.members);
}
