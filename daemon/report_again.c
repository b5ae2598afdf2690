/* What individuals were found to be when they were evaluated again: sweeps whose spec names the
 * sweep that they look at, joined by genome. */
#include <stdlib.h>
#include <string.h>

#include "daemon/report_internal.h"

static enum dse_status no_memory(struct dse_err *err) {
    return dse_err_set(err, DSE_NO_MEMORY, "out of memory for what was evaluated again");
}

/* A sweep that looks again. */
struct look {
    struct daemon__decoder decoder;
    struct dse_sweep_row row;
    struct dse_individual_row *rows; /* by genome; the baseline first, with an empty one */
    int n;
};

static const char *genome_of(const struct dse_individual_row *row) {
    return row->generation < 0 ? "" : row->genome;
}

static int compare_rows(const void *a, const void *b) {
    return strcmp(genome_of(a), genome_of(b));
}

static int compare_with_row(const void *genome, const void *row) {
    return strcmp(genome, genome_of(row));
}

static enum dse_status open_look(struct dse_store *store, const struct dse_sweep_row *row,
                                 struct dse_arena *arena, struct look *look, struct dse_err *err) {
    look->row = *row;
    DSE_TRY(dse_store_load_individuals(store, row->id, DSE_SELECT_ALL, 0, arena, &look->rows,
                                       &look->n, err));
    struct dse_individual_row *baseline;
    int n_baseline = 0;
    DSE_TRY(dse_store_load_individuals(store, row->id, DSE_SELECT_GENERATION, -1, arena, &baseline,
                                       &n_baseline, err));
    struct dse_individual_row *all =
        dse_arena_alloc(arena, (size_t)look->n + (size_t)n_baseline, sizeof *all);
    if (all == NULL)
        return no_memory(err);
    if (n_baseline > 0)
        memcpy(all, baseline, (size_t)n_baseline * sizeof *all);
    if (look->n > 0)
        memcpy(all + n_baseline, look->rows, (size_t)look->n * sizeof *all);
    look->rows = all;
    look->n += n_baseline;
    if (look->n > 0)
        qsort(all, (size_t)look->n, sizeof *all, compare_rows);
    return daemon__make_decoder(store, row, arena, &look->decoder, err);
}

static enum dse_status add_look(struct dse_store *store, const struct look *look, bool with_cells,
                                struct dse_arena *arena, struct dse_msg_individual *individual,
                                struct dse_err *err) {
    const struct dse_individual_row *row =
        look->n == 0 ? NULL
                     : bsearch(individual->genome, look->rows, (size_t)look->n, sizeof *look->rows,
                               compare_with_row);
    if (row == NULL || row->state != DSE_RESULT_DONE)
        return DSE_OK;
    struct dse_msg_individual found = {0};
    DSE_TRY(daemon__estimate_own(store, &look->decoder, row, arena, &found, err));
    if (with_cells)
        DSE_TRY(daemon__add_cells(store, &look->decoder, row, arena, &found, err));
    struct dse_msg_second_look *all =
        dse_arena_alloc(arena, (size_t)individual->again_n + 1, sizeof *all);
    if (all == NULL)
        return no_memory(err);
    if (individual->again_n > 0)
        memcpy(all, individual->again, (size_t)individual->again_n * sizeof *all);
    all[individual->again_n++] = (struct dse_msg_second_look){
        .sweep = look->row.id,
        .data = look->decoder.workload.dataset_files.n > 0
                    ? look->decoder.workload.dataset_files.items[0]
                    : "",
        .images = look->decoder.prepared.images,
        .estimates = found.estimates,
        .estimates_n = found.estimates_n,
        .cells = found.cells,
        .cells_n = found.cells_n,
    };
    individual->again = all;
    return DSE_OK;
}

static enum dse_status add_looks(struct dse_store *store, const struct dse_sweep_row *row,
                                 const struct daemon__looked_at *of, struct dse_arena *arena,
                                 struct dse_err *err) {
    struct look look = {.n = 0};
    enum dse_status status = open_look(store, row, arena, &look, err);
    for (int i = 0; status == DSE_OK && i < of->n; i++)
        status = add_look(store, &look, of->with_cells, arena, &of->individuals[i], err);
    dse_space_fini(&look.decoder.space);
    return status;
}

enum dse_status daemon__add_second_looks(struct dse_store *store, int64_t sweep_id,
                                         const struct daemon__looked_at *of,
                                         struct dse_arena *arena, struct dse_err *err) {
    struct dse_sweep_row *rows;
    int n_rows;
    DSE_TRY(dse_store_list_looks(store, sweep_id, arena, &rows, &n_rows, err));
    for (int i = 0; i < n_rows; i++)
        DSE_TRY(add_looks(store, &rows[i], of, arena, err));
    return DSE_OK;
}
