/* The non-dominated feasible individuals of a sweep, kept as individuals arrive. Which individuals
 * end up in it does not depend on the order of arrival. */
#include <string.h>

#include "daemon/explorer/explorer_internal.h"

static enum dse_status append_member(struct dse_explorer *ex, const struct dse_individual_row *row,
                                     struct dse_err *err) {
    if (ex->n_front == ex->front_capacity) {
        int capacity = ex->front_capacity == 0 ? 64 : ex->front_capacity * 2;
        struct front_member *grown = dse_realloc(ex->front, (size_t)capacity, sizeof *grown);
        if (grown == NULL)
            DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a front of %d", capacity);
        ex->front = grown;
        ex->front_capacity = capacity;
    }
    struct front_member *member = &ex->front[ex->n_front];
    *member = (struct front_member){
        .generation = row->generation,
        .slot = row->slot,
        .genome = dse_strdup(row->genome),
    };
    memcpy(member->objectives, row->objectives, sizeof member->objectives);
    if (member->genome == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for the front");
    ex->n_front++;
    return DSE_OK;
}

enum dse_status dse_explorer__load_front(struct dse_explorer *ex, struct dse_err *err) {
    struct dse_arena arena = {0};
    struct dse_individual_row *rows;
    int n = 0;
    enum dse_status status = dse_store_load_individuals(ex->store, ex->sweep_id, DSE_SELECT_FRONT,
                                                        0, &arena, &rows, &n, err);
    for (int i = 0; status == DSE_OK && i < n; i++)
        status = append_member(ex, &rows[i], err);
    dse_arena_fini(&arena);
    return status;
}

static bool belongs_to_front(const struct dse_explorer *ex, const struct dse_individual_row *row) {
    for (int i = 0; i < ex->n_front; i++) {
        const struct front_member *member = &ex->front[i];
        if (dse_search_dominates(&ex->space, member->objectives, row->objectives))
            return false;
        if (strcmp(member->genome, row->genome) == 0)
            return false; /* the same candidate, met before */
    }
    return true;
}

enum dse_status dse_explorer__offer_to_front(struct dse_explorer *ex,
                                             struct dse_individual_row *row, struct dse_err *err) {
    row->in_front = false;
    if (row->state != DSE_RESULT_DONE || row->violation > 0 || !belongs_to_front(ex, row))
        return DSE_OK;
    int kept = 0;
    for (int i = 0; i < ex->n_front; i++) {
        struct front_member *member = &ex->front[i];
        if (dse_search_dominates(&ex->space, row->objectives, member->objectives)) {
            DSE_TRY(dse_store_set_in_front(ex->store, ex->sweep_id, member->generation,
                                           member->slot, false, err));
            dse_free(member->genome);
        } else {
            ex->front[kept++] = *member;
        }
    }
    ex->n_front = kept;
    row->in_front = true;
    return append_member(ex, row, err);
}

void dse_explorer__free_front(struct dse_explorer *ex) {
    for (int i = 0; i < ex->n_front; i++)
        dse_free(ex->front[i].genome);
    dse_free(ex->front);
}
